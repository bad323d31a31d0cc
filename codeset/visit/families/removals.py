"""Shaves and excisions: one code for each lesion, by size and site; excisions by nature and excised diameter."""

from decimal import Decimal

from codeset.visit.code_facts import CodeFact, CodeFacts
from codeset.visit.services import (
    Alternative,
    FamilyAnswers,
    Question,
    Service,
    Unbilled,
    distinct_diagnoses,
    neighboring_sizes,
)
from codeset.visit.visit import Lesion, Visit
from codeset.visit.visit_rules import site_class

EXCISED_NATURES = ("benign", "malignant")


def removals(visit: Visit, code_facts: CodeFacts) -> FamilyAnswers:
    """Yield the shaves and excisions of *visit*."""
    for lesion in visit.lesions:
        if lesion.technique == "shave":
            yield _shave_service(lesion, code_facts)
        elif lesion.technique == "excision":
            yield _excision_service(lesion, code_facts)


def _shave_service(lesion: Lesion, code_facts: CodeFacts) -> Service | Question:
    if lesion.diameter_cm is None:
        return Question("diameter", lesion.name)
    code_fact = code_facts.covering(lesion.diameter_cm, "shave", "", site_class(lesion.site, "lesion"))
    return _removal_service(
        lesion,
        code_fact,
        lesion.diameter_cm,
        "shave-size",
        neighboring_sizes(code_facts, code_fact, lesion.diameter_cm),
    )


def _excision_service(lesion: Lesion, code_facts: CodeFacts) -> Service | Question | Unbilled:
    if lesion.flap_area_sq_cm is not None:
        return Unbilled(lesion.name, "flap-area", "the excision is part of the flap")
    # No public file says of an uncertain or premalignant one which of the two it is coded as.
    if lesion.nature not in EXCISED_NATURES:
        return Question("benign-or-malignant", lesion.name, lesion.nature or "not given")
    excised_cm = lesion.excised_cm
    if excised_cm is None:
        return Question("excised-diameter", lesion.name)
    code_fact = _excision_fact(lesion, lesion.nature, excised_cm, code_facts)
    other_readings = _other_readings(lesion, code_fact, excised_cm, code_facts)
    reading_codes = {reading.hcpcs for reading in other_readings}
    size_neighbors = tuple(
        neighbor
        for neighbor in neighboring_sizes(code_facts, code_fact, excised_cm)
        if neighbor.hcpcs not in reading_codes
    )
    return _removal_service(lesion, code_fact, excised_cm, "excised-diameter", (*other_readings, *size_neighbors))


def _excision_fact(lesion: Lesion, nature: str, excised_cm: Decimal, code_facts: CodeFacts) -> CodeFact:
    return code_facts.covering(excised_cm, "excision", nature, site_class(lesion.site, "lesion"))


def _other_readings(
    lesion: Lesion, chosen_fact: CodeFact, excised_cm: Decimal, code_facts: CodeFacts
) -> tuple[Alternative, ...]:
    """The codes by the lesion alone, without its margins, and of the other nature."""
    readings = []
    if lesion.diameter_cm is not None:
        unmargined = _excision_fact(lesion, chosen_fact.nature, lesion.diameter_cm, code_facts)
        if unmargined != chosen_fact:
            explanation = f"is for {unmargined.sizes}: the lesion of {lesion.diameter_cm} cm without its margins"
            readings.append(Alternative(unmargined.hcpcs, explanation))
    other_nature = next(nature for nature in EXCISED_NATURES if nature != chosen_fact.nature)
    explanation = f"is for {other_nature} lesions; this one is {chosen_fact.nature}"
    readings.append(Alternative(_excision_fact(lesion, other_nature, excised_cm, code_facts).hcpcs, explanation))
    return tuple(readings)


def _removal_service(
    lesion: Lesion, code_fact: CodeFact, size_cm: Decimal, rule: str, alternatives: tuple[Alternative, ...]
) -> Service:
    size_reading = f"{size_cm} cm"
    if rule == "excised-diameter" and lesion.excised_diameter_cm is None:
        size_reading = f"{lesion.diameter_cm} + 2 x {lesion.margin_cm} = {size_cm} cm"
    return Service(
        code_fact.hcpcs,
        rule,
        f"{lesion.technique} of {lesion.name}",
        lesions=(lesion.name,),
        diagnoses=distinct_diagnoses(lesion.diagnosis),
        rests_on=(size_reading, f"site {lesion.site}", *((f"nature {code_fact.nature}",) if code_fact.nature else ())),
        alternatives=alternatives,
    )
