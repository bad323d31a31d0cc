"""Destruction: premalignant and benign lesions by count, malignant ones each by size and site, vascular ones by area;
and skin tags, by count, however they are removed.
"""

from decimal import Decimal

from codeset.visit.code_facts import CodeFacts, NoCode
from codeset.visit.services import (
    Alternative,
    Chosen,
    Question,
    Service,
    joined,
    neighbors,
    steps,
)
from codeset.visit.visit import Lesion, Visit
from codeset.visit.visit_rules import has_own_codes, site_class


def destruction(visit: Visit, facts: CodeFacts) -> Chosen:
    """Yield what was destroyed at *visit*, and the skin tags removed."""
    groups: dict[str, list[Lesion]] = {"premalignant": [], "benign": [], "vascular": []}
    for lesion in visit.lesions:
        if lesion.technique != "destruction":
            continue
        if has_own_codes(lesion.site, "destruction"):
            yield Question("own-codes", lesion.name, "destruction")
        elif lesion.nature == "malignant":
            yield from _malignant(lesion, facts)
        elif lesion.nature in groups:
            groups[lesion.nature].append(lesion)
        else:
            yield Question("nature", lesion.name, lesion.nature or "not given")
    yield from _premalignant(groups["premalignant"], facts)
    yield from _benign(groups["benign"], facts)
    yield from _vascular(groups["vascular"], facts)
    yield from _tags([lesion for lesion in visit.lesions if lesion.technique == "tag_removal"], facts)


def _malignant(lesion: Lesion, facts: CodeFacts) -> Chosen:
    if lesion.diameter_cm is None:
        yield Question("diameter", lesion.name)
        return
    fact = facts.covering(lesion.diameter_cm, "destruction", "malignant", site_class(lesion.site, "lesion"))
    # A line for each: malignant lesions are not counted by units, but coded one by one (III-6, E.1).
    for name in lesion.names[-lesion.count :]:
        yield Service(
            fact.hcpcs,
            "destruction-malignant",
            f"destruction of {lesion.name}",
            lesions=(name,),
            diagnoses=joined(lesion.diagnosis),
            rests_on=(f"{lesion.diameter_cm} cm", f"site {lesion.site}", "nature malignant"),
            alternatives=neighbors(facts, fact, lesion.diameter_cm),
        )


def _premalignant(lesions: list[Lesion], facts: CodeFacts) -> Chosen:
    count = _count(lesions)
    if not count:
        return
    first, further = facts.single("destruction", "premalignant"), facts.further("destruction", "premalignant")
    if further.size_to is None:
        raise NoCode("destruction premalignant beyond the further ones")
    for_all = facts.covering(further.size_to + 1, "destruction", "premalignant")
    # The one code stands for all of them: beside it neither of the two is ever paid (PTP edits, indicator 0).
    if count > further.size_to:
        alternative = Alternative(
            first.hcpcs, f"with {further.hcpcs} is for up to {further.size_to} lesions; here {count}"
        )
        yield _counted(for_all.hcpcs, "destruction-premalignant", lesions, alternatives=(alternative,))
        return
    alternative = Alternative(for_all.hcpcs, f"is for {for_all.sizes}; here {count}")
    yield _counted(first.hcpcs, "destruction-premalignant", lesions, alternatives=(alternative,))
    if count > 1:
        yield _counted(further.hcpcs, "destruction-premalignant", lesions, count - 1, add_on_to=first.hcpcs)


def _benign(lesions: list[Lesion], facts: CodeFacts) -> Chosen:
    if count := Decimal(_count(lesions)):
        fact = facts.covering(count, "destruction", "benign")
        yield _counted(fact.hcpcs, "destruction-benign", lesions, alternatives=neighbors(facts, fact, count))


def _vascular(lesions: list[Lesion], facts: CodeFacts) -> Chosen:
    areas = [lesion.area_sq_cm for lesion in lesions if lesion.area_sq_cm is not None]
    yield from (Question("area", lesion.name) for lesion in lesions if lesion.area_sq_cm is None)
    # The code goes by the total: with one area missing it cannot be chosen for any of them.
    if areas and len(areas) == len(lesions):
        area = sum(areas, Decimal(0))
        fact = facts.covering(area, "destruction", "vascular")
        rests_on = f"{area} sq cm in all"
        yield _counted(
            fact.hcpcs, "destruction-vascular", lesions, alternatives=neighbors(facts, fact, area), rests_on=rests_on
        )


def _tags(lesions: list[Lesion], facts: CodeFacts) -> Chosen:
    count = _count(lesions)
    if not count:
        return
    first, further = facts.single("tag_removal"), facts.further("tag_removal")
    yield _counted(first.hcpcs, "tags", lesions)
    if first.size_to is not None and count > first.size_to:
        units = steps(count - first.size_to, further)
        yield _counted(further.hcpcs, "tags", lesions, units, add_on_to=first.hcpcs)


def _count(lesions: list[Lesion]) -> int:
    return sum(lesion.count for lesion in lesions)


def _counted(
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
        diagnoses=joined(*(lesion.diagnosis for lesion in lesions)),
        rests_on=(rests_on or f"{_count(lesions)} lesions", *natures),
        alternatives=alternatives,
        add_on_to=add_on_to,
    )
