"""Destruction: premalignant and benign lesions by count, malignant ones each by size and site, vascular ones by area;
and skin tags, by count, however they are removed.
"""

from decimal import Decimal

from codeset.visit.code_facts import CodeFacts, NoCode
from codeset.visit.services import (
    Alternative,
    FamilyAnswers,
    Question,
    Service,
    count_steps,
    distinct_diagnoses,
    neighboring_sizes,
)
from codeset.visit.visit import Lesion, Visit
from codeset.visit.visit_rules import has_own_codes, site_class


def destruction(visit: Visit, code_facts: CodeFacts) -> FamilyAnswers:
    """Yield what was destroyed at *visit*, and the skin tags removed."""
    lesions_of_nature: dict[str, list[Lesion]] = {"premalignant": [], "benign": [], "vascular": []}
    for lesion in visit.lesions:
        if lesion.technique != "destruction":
            continue
        if has_own_codes(lesion.site, "destruction"):
            yield Question("own-codes", lesion.name, "destruction")
        elif lesion.nature == "malignant":
            yield from _malignant_destruction(lesion, code_facts)
        elif lesion.nature in lesions_of_nature:
            lesions_of_nature[lesion.nature].append(lesion)
        else:
            yield Question("nature", lesion.name, lesion.nature or "not given")
    yield from _premalignant_destruction(lesions_of_nature["premalignant"], code_facts)
    yield from _benign_destruction(lesions_of_nature["benign"], code_facts)
    yield from _vascular_destruction(lesions_of_nature["vascular"], code_facts)
    yield from _tag_removal([lesion for lesion in visit.lesions if lesion.technique == "tag_removal"], code_facts)


def _malignant_destruction(lesion: Lesion, code_facts: CodeFacts) -> FamilyAnswers:
    if lesion.diameter_cm is None:
        yield Question("diameter", lesion.name)
        return
    code_fact = code_facts.covering(lesion.diameter_cm, "destruction", "malignant", site_class(lesion.site, "lesion"))
    # A line for each: malignant lesions are not counted by units, but coded one by one (III-6, E.1).
    for lesion_name in lesion.names[-lesion.count :]:
        yield Service(
            code_fact.hcpcs,
            "destruction-malignant",
            f"destruction of {lesion.name}",
            lesions=(lesion_name,),
            diagnoses=distinct_diagnoses(lesion.diagnosis),
            rests_on=(f"{lesion.diameter_cm} cm", f"site {lesion.site}", "nature malignant"),
            alternatives=neighboring_sizes(code_facts, code_fact, lesion.diameter_cm),
        )


def _premalignant_destruction(lesions: list[Lesion], code_facts: CodeFacts) -> FamilyAnswers:
    lesion_count = _count_lesions(lesions)
    if not lesion_count:
        return
    first_lesion, further_lesion = (
        code_facts.single("destruction", "premalignant"),
        code_facts.further("destruction", "premalignant"),
    )
    if further_lesion.size_to is None:
        raise NoCode("destruction premalignant beyond the further ones")
    many_lesions = code_facts.covering(further_lesion.size_to + 1, "destruction", "premalignant")
    # The one code is for all of them: beside it neither of the two is ever paid (PTP edits, indicator 0).
    if lesion_count > further_lesion.size_to:
        alternative = Alternative(
            first_lesion.hcpcs,
            f"with {further_lesion.hcpcs} is for up to {further_lesion.size_to} lesions; here {lesion_count}",
        )
        yield _service_by_count(many_lesions.hcpcs, "destruction-premalignant", lesions, alternatives=(alternative,))
        return
    alternative = Alternative(many_lesions.hcpcs, f"is for {many_lesions.sizes}; here {lesion_count}")
    yield _service_by_count(first_lesion.hcpcs, "destruction-premalignant", lesions, alternatives=(alternative,))
    if lesion_count > 1:
        yield _service_by_count(
            further_lesion.hcpcs, "destruction-premalignant", lesions, lesion_count - 1, add_on_to=first_lesion.hcpcs
        )


def _benign_destruction(lesions: list[Lesion], code_facts: CodeFacts) -> FamilyAnswers:
    if lesion_count := Decimal(_count_lesions(lesions)):
        code_fact = code_facts.covering(lesion_count, "destruction", "benign")
        yield _service_by_count(
            code_fact.hcpcs,
            "destruction-benign",
            lesions,
            alternatives=neighboring_sizes(code_facts, code_fact, lesion_count),
        )


def _vascular_destruction(lesions: list[Lesion], code_facts: CodeFacts) -> FamilyAnswers:
    known_areas = [lesion.area_sq_cm for lesion in lesions if lesion.area_sq_cm is not None]
    yield from (Question("area", lesion.name) for lesion in lesions if lesion.area_sq_cm is None)
    # The code goes by the total: with one area missing it cannot be chosen for any of them.
    if known_areas and len(known_areas) == len(lesions):
        total_area = sum(known_areas, Decimal(0))
        code_fact = code_facts.covering(total_area, "destruction", "vascular")
        rests_on = f"{total_area} sq cm in all"
        yield _service_by_count(
            code_fact.hcpcs,
            "destruction-vascular",
            lesions,
            alternatives=neighboring_sizes(code_facts, code_fact, total_area),
            rests_on=rests_on,
        )


def _tag_removal(lesions: list[Lesion], code_facts: CodeFacts) -> FamilyAnswers:
    tag_count = _count_lesions(lesions)
    if not tag_count:
        return
    first_tags, further_tags = code_facts.single("tag_removal"), code_facts.further("tag_removal")
    yield _service_by_count(first_tags.hcpcs, "tags", lesions)
    if first_tags.size_to is not None and tag_count > first_tags.size_to:
        units = count_steps(tag_count - first_tags.size_to, further_tags)
        yield _service_by_count(further_tags.hcpcs, "tags", lesions, units, add_on_to=first_tags.hcpcs)


def _count_lesions(lesions: list[Lesion]) -> int:
    return sum(lesion.count for lesion in lesions)


def _service_by_count(
    hcpcs: str,
    rule: str,
    lesions: list[Lesion],
    units: int = 1,
    *,
    alternatives: tuple[Alternative, ...] = (),
    rests_on: str | None = None,
    add_on_to: str | None = None,
) -> Service:
    natures = dict.fromkeys(f"nature {lesion.nature}" for lesion in lesions if lesion.nature)
    return Service(
        hcpcs,
        rule,
        f"{lesions[0].technique.replace('_', ' ')} of " + ", ".join(lesion.name for lesion in lesions),
        units=units,
        lesions=tuple(lesion.name for lesion in lesions),
        diagnoses=distinct_diagnoses(*(lesion.diagnosis for lesion in lesions)),
        rests_on=(rests_on or f"{_count_lesions(lesions)} lesions", *natures),
        alternatives=alternatives,
        add_on_to=add_on_to,
    )
