"""Closures: repairs are added up by class and group of sites, grafts by group; each flap is coded by its own area.

What a removal includes is not billed: Policy Manual 2026, III-7 (E.6), III-9 (H.1), III-14 and III-15 (L.9).
"""

from collections import defaultdict
from decimal import Decimal

from codeset.visit.code_facts import CodeFact, CodeFacts
from codeset.visit.services import (
    Alternative,
    FamilyAnswers,
    Question,
    Service,
    Unbilled,
    count_steps,
    distinct_diagnoses,
    neighboring_sizes,
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
_SMALL_EXCISION_CM = Decimal("0.5")
"""Up to this the excision of a benign lesion includes every closure (Policy Manual 2026, III-15, L.9)."""

LesionSizes = list[tuple[Lesion, Decimal]]
"""Lesions with the length or area of their closure."""


def closures(visit: Visit, code_facts: CodeFacts) -> FamilyAnswers:
    """Yield the repairs, flaps and grafts of *visit*, and what of them is part of a removal."""
    repairs: dict[tuple[str, str], LesionSizes] = defaultdict(list)
    grafts: dict[str, LesionSizes] = defaultdict(list)
    for lesion in visit.lesions:
        if lesion.flap_area_sq_cm is not None:
            yield from _flap_services(lesion, lesion.flap_area_sq_cm, code_facts)
        elif lesion.graft_area_sq_cm is not None:
            grafts[site_class(lesion.site, "complex")].append((lesion, lesion.graft_area_sq_cm))
        elif lesion.closure is None:
            if lesion.technique == "repair":
                yield Question("wound-closure", lesion.name)
        elif unbilled := _included_closure(lesion, lesion.closure.repair_class):
            yield unbilled
        elif lesion.closure.length_cm is None:
            yield Question("closure-length", lesion.name)
        else:
            repair_class = lesion.closure.repair_class
            repairs[repair_class, site_class(lesion.site, repair_class)].append((lesion, lesion.closure.length_cm))
    for (repair_class, site_group), lesions in repairs.items():
        yield from _services_of_sum(f"repair_{repair_class}", site_group, lesions, "repair-sum", "cm", code_facts)
    for site_group, lesions in grafts.items():
        yield from _services_of_sum("graft_full_thickness", site_group, lesions, "graft-area", "sq cm", code_facts)


def _included_closure(lesion: Lesion, repair_class: str) -> Unbilled | None:
    """Why the closure of *lesion* is not billed separately, if it is not."""
    if repair_class == "strips":
        return Unbilled(lesion.name, "adhesive-strips", "the wound was closed by strips")
    if lesion.technique in _INCLUDE_EVERY_CLOSURE:
        return Unbilled(
            lesion.name, "repair-included", f"{repair_class} closure after {lesion.technique.replace('_', ' ')}"
        )
    if lesion.technique != "excision":
        return None
    if repair_class == "simple":
        return Unbilled(lesion.name, "repair-included", "simple closure after excision")
    excised_cm = lesion.excised_cm
    if lesion.nature == "benign" and excised_cm is not None and excised_cm <= _SMALL_EXCISION_CM:
        return Unbilled(lesion.name, "repair-small-benign", f"{repair_class} closure; {excised_cm} cm were excised")
    return None


def _flap_services(lesion: Lesion, flap_area: Decimal, code_facts: CodeFacts) -> FamilyAnswers:
    # By class of site up to 30 sq cm, beyond it by area alone: code_facts.csv has both.
    code_fact = code_facts.find_covering(
        flap_area, "flap", "", site_class(lesion.site, "complex")
    ) or code_facts.find_covering(flap_area, "flap", "", "any")
    largest_flap = code_facts.first_parts("flap", "", "any")[-1]
    yield from _first_and_further_services(
        code_fact or largest_flap, "any", [(lesion, flap_area)], "flap-area", f"{flap_area} sq cm", code_facts
    )


def _services_of_sum(
    technique: str, site_group: str, lesions: LesionSizes, rule: str, size_unit: str, code_facts: CodeFacts
) -> FamilyAnswers:
    sizes = [size for _, size in lesions]
    total_size = sum(sizes, Decimal(0))
    first_codes = code_facts.first_parts(technique, "", site_group)
    # Complex repairs begin at 1.1 cm: which class a shorter one is of no public file decides.
    if total_size < first_codes[0].size_from:
        yield Question("closure-class", ", ".join(lesion.name for lesion, _ in lesions), str(total_size))
        return
    code_fact = code_facts.find_covering(total_size, technique, "", site_group) or first_codes[-1]
    rests_on = (
        f"{' + '.join(map(str, sizes))} = {total_size} {size_unit}" if len(sizes) > 1 else f"{total_size} {size_unit}"
    )
    yield from _first_and_further_services(code_fact, site_group, lesions, rule, rests_on, code_facts)


def _first_and_further_services(
    code_fact: CodeFact, site_group: str, lesions: LesionSizes, rule: str, rests_on: str, code_facts: CodeFacts
) -> FamilyAnswers:
    """The first code, and for what is larger than it covers a unit for each step, or part of one."""
    total_size = sum((size for _, size in lesions), Decimal(0))
    yield _closure_service(
        code_fact, 1, lesions, rule, rests_on, alternatives=neighboring_sizes(code_facts, code_fact, total_size)
    )
    if code_fact.size_to is not None and total_size > code_fact.size_to:
        further_part = code_facts.further(code_fact.technique, "", site_group)
        yield _closure_service(
            further_part,
            count_steps(total_size - code_fact.size_to, further_part),
            lesions,
            rule,
            rests_on,
            add_on_to=code_fact.hcpcs,
        )


def _closure_service(
    code_fact: CodeFact,
    units: int,
    lesions: LesionSizes,
    rule: str,
    rests_on: str,
    *,
    alternatives: tuple[Alternative, ...] = (),
    add_on_to: str | None = None,
) -> Service:
    lesion_names = tuple(lesion.name for lesion, _ in lesions)
    return Service(
        code_fact.hcpcs,
        rule,
        f"{code_fact.technique.replace('_', ' ')} of " + ", ".join(lesion_names),
        units=units,
        lesions=lesion_names,
        diagnoses=distinct_diagnoses(*(lesion.diagnosis for lesion, _ in lesions)),
        rests_on=(rests_on, *dict.fromkeys(f"site {lesion.site}" for lesion, _ in lesions)),
        alternatives=alternatives,
        add_on_to=add_on_to,
    )
