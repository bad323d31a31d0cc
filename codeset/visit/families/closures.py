"""Closures: repairs are added up by class and group of sites, grafts by group; each flap is coded by its own area.

What a removal includes is not billed: Policy Manual 2026, III-7 (E.6), III-9 (H.1), III-14 and III-15 (L.9).
"""

from collections import defaultdict
from decimal import Decimal

from codeset.visit.code_facts import CodeFact, CodeFacts
from codeset.visit.services import (
    Alternative,
    Chosen,
    Question,
    Service,
    Unbilled,
    joined,
    neighbors,
    steps,
)
from codeset.visit.visit import Lesion, Visit
from codeset.visit.visit_rules import site_class

# Policy Manual 2026, III-7 (E.6) and III-14 (L.9); `repair-included` in `visit_rules.toml`.
_INCLUDE_EVERY_CLOSURE = (
    "tangential_biopsy",
    "punch_biopsy",
    "incisional_biopsy",
    "shave",
    "destruction",
    "tag_removal",
)
_SMALL_CM = Decimal("0.5")
"""Up to this the excision of a benign lesion includes every closure (Policy Manual 2026, III-15, L.9)."""

LesionSizes = list[tuple[Lesion, Decimal]]
"""Lesions with the length or area of their closure."""


def closures(visit: Visit, facts: CodeFacts) -> Chosen:
    """Yield the repairs, flaps and grafts of *visit*, and what of them is part of a removal."""
    repairs: dict[tuple[str, str], LesionSizes] = defaultdict(list)
    grafts: dict[str, LesionSizes] = defaultdict(list)
    for lesion in visit.lesions:
        if lesion.flap_area_sq_cm is not None:
            yield from _flap(lesion, lesion.flap_area_sq_cm, facts)
        elif lesion.graft_area_sq_cm is not None:
            grafts[site_class(lesion.site, "complex")].append((lesion, lesion.graft_area_sq_cm))
        elif lesion.closure is None:
            if lesion.technique == "repair":
                yield Question("wound-closure", lesion.name)
        elif unbilled := _included(lesion, lesion.closure.repair_class):
            yield unbilled
        elif lesion.closure.length_cm is None:
            yield Question("closure-length", lesion.name)
        else:
            of_class = lesion.closure.repair_class
            repairs[of_class, site_class(lesion.site, of_class)].append((lesion, lesion.closure.length_cm))
    for (of_class, group), lesions in repairs.items():
        yield from _summed(f"repair_{of_class}", group, lesions, "repair-sum", "cm", facts)
    for group, lesions in grafts.items():
        yield from _summed("graft_full_thickness", group, lesions, "graft-area", "sq cm", facts)


def _included(lesion: Lesion, of_class: str) -> Unbilled | None:
    """Why the closure of *lesion* is not billed by itself, if it is not."""
    if of_class == "strips":
        return Unbilled(lesion.name, "adhesive-strips", "the wound was closed by strips")
    if lesion.technique in _INCLUDE_EVERY_CLOSURE:
        return Unbilled(
            lesion.name, "repair-included", f"{of_class} closure after {lesion.technique.replace('_', ' ')}"
        )
    if lesion.technique != "excision":
        return None
    if of_class == "simple":
        return Unbilled(lesion.name, "repair-included", "simple closure after excision")
    excised_cm = lesion.excised_cm
    if lesion.nature == "benign" and excised_cm is not None and excised_cm <= _SMALL_CM:
        return Unbilled(lesion.name, "repair-small-benign", f"{of_class} closure; {excised_cm} cm were excised")
    return None


def _flap(lesion: Lesion, area: Decimal, facts: CodeFacts) -> Chosen:
    # By class of site up to 30 sq cm, beyond it by area alone: code_facts.csv has both.
    fact = facts.find_covering(area, "flap", "", site_class(lesion.site, "complex")) or facts.find_covering(
        area, "flap", "", "any"
    )
    largest = facts.firsts("flap", "", "any")[-1]
    yield from _first_and_further(fact or largest, "any", [(lesion, area)], "flap-area", f"{area} sq cm", facts)


def _summed(technique: str, group: str, lesions: LesionSizes, rule: str, unit: str, facts: CodeFacts) -> Chosen:
    sizes = [size for _, size in lesions]
    total = sum(sizes, Decimal(0))
    choices = facts.firsts(technique, "", group)
    # Complex repairs begin at 1.1 cm: which class a shorter one is of no public file decides.
    if total < choices[0].size_from:
        yield Question("closure-class", ", ".join(lesion.name for lesion, _ in lesions), str(total))
        return
    fact = facts.find_covering(total, technique, "", group) or choices[-1]
    rests_on = f"{' + '.join(map(str, sizes))} = {total} {unit}" if len(sizes) > 1 else f"{total} {unit}"
    yield from _first_and_further(fact, group, lesions, rule, rests_on, facts)


def _first_and_further(
    fact: CodeFact, group: str, lesions: LesionSizes, rule: str, rests_on: str, facts: CodeFacts
) -> Chosen:
    """The first code, and for what is larger than it covers a unit for each step, or part of one."""
    total = sum((size for _, size in lesions), Decimal(0))
    yield _closure(fact, 1, lesions, rule, rests_on, alternatives=neighbors(facts, fact, total))
    if fact.size_to is not None and total > fact.size_to:
        further = facts.further(fact.technique, "", group)
        yield _closure(further, steps(total - fact.size_to, further), lesions, rule, rests_on, add_on_to=fact.hcpcs)


def _closure(
    fact: CodeFact,
    units: int,
    lesions: LesionSizes,
    rule: str,
    rests_on: str,
    *,
    alternatives: tuple[Alternative, ...] = (),
    add_on_to: str | None = None,
) -> Service:
    names = tuple(lesion.name for lesion, _ in lesions)
    return Service(
        fact.hcpcs,
        rule,
        f"{fact.technique.replace('_', ' ')} of " + ", ".join(names),
        units=units,
        lesions=names,
        diagnoses=joined(*(lesion.diagnosis for lesion, _ in lesions)),
        rests_on=(rests_on, *dict.fromkeys(f"site {lesion.site}" for lesion, _ in lesions)),
        alternatives=alternatives,
        add_on_to=add_on_to,
    )
