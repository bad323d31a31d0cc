"""Shaves and excisions: one code for each lesion, by size and site; excisions by nature and excised diameter."""

from decimal import Decimal

from codeset.visit.code_facts import CodeFact, CodeFacts
from codeset.visit.services import Alternative, Chosen, Question, Service, Unbilled, joined, neighbors
from codeset.visit.visit import Lesion, Visit
from codeset.visit.visit_rules import site_class

EXCISED_NATURES = ("benign", "malignant")


def removals(visit: Visit, facts: CodeFacts) -> Chosen:
    """Yield the shaves and excisions of *visit*."""
    for lesion in visit.lesions:
        if lesion.technique == "shave":
            yield _shave(lesion, facts)
        elif lesion.technique == "excision":
            yield _excision(lesion, facts)


def _shave(lesion: Lesion, facts: CodeFacts) -> Service | Question:
    if lesion.diameter_cm is None:
        return Question("diameter", lesion.name)
    fact = facts.covering(lesion.diameter_cm, "shave", "", site_class(lesion.site, "lesion"))
    return _removal(lesion, fact, lesion.diameter_cm, "shave-size", neighbors(facts, fact, lesion.diameter_cm))


def _excision(lesion: Lesion, facts: CodeFacts) -> Service | Question | Unbilled:
    if lesion.flap_area_sq_cm is not None:
        return Unbilled(lesion.name, "flap-area", "the excision is part of the flap")
    # No public file says of an uncertain or premalignant one which of the two it is coded as.
    if lesion.nature not in EXCISED_NATURES:
        return Question("benign-or-malignant", lesion.name, lesion.nature or "not given")
    size = lesion.excised_cm
    if size is None:
        return Question("excised-diameter", lesion.name)
    fact = _excision_fact(lesion, lesion.nature, size, facts)
    readings = _other_readings(lesion, fact, size, facts)
    reading_codes = {reading.hcpcs for reading in readings}
    by_size = tuple(other for other in neighbors(facts, fact, size) if other.hcpcs not in reading_codes)
    return _removal(lesion, fact, size, "excised-diameter", (*readings, *by_size))


def _excision_fact(lesion: Lesion, nature: str, size: Decimal, facts: CodeFacts) -> CodeFact:
    return facts.covering(size, "excision", nature, site_class(lesion.site, "lesion"))


def _other_readings(lesion: Lesion, chosen: CodeFact, size: Decimal, facts: CodeFacts) -> tuple[Alternative, ...]:
    """The codes by the lesion alone, without its margins, and of the other nature."""
    readings = []
    if lesion.diameter_cm is not None:
        unmargined = _excision_fact(lesion, chosen.nature, lesion.diameter_cm, facts)
        if unmargined != chosen:
            why = f"is for {unmargined.sizes}: the lesion of {lesion.diameter_cm} cm without its margins"
            readings.append(Alternative(unmargined.hcpcs, why))
    other = next(nature for nature in EXCISED_NATURES if nature != chosen.nature)
    why = f"is for {other} lesions; this one is {chosen.nature}"
    readings.append(Alternative(_excision_fact(lesion, other, size, facts).hcpcs, why))
    return tuple(readings)


def _removal(lesion: Lesion, fact: CodeFact, size: Decimal, rule: str, others: tuple[Alternative, ...]) -> Service:
    size_text = f"{size} cm"
    if rule == "excised-diameter" and lesion.excised_diameter_cm is None:
        size_text = f"{lesion.diameter_cm} + 2 x {lesion.margin_cm} = {size} cm"
    return Service(
        fact.hcpcs,
        rule,
        f"{lesion.technique} of {lesion.name}",
        lesions=(lesion.name,),
        diagnoses=joined(lesion.diagnosis),
        rests_on=(size_text, f"site {lesion.site}", *((f"nature {fact.nature}",) if fact.nature else ())),
        alternatives=others,
    )
