"""Pathology by this practitioner: each specimen once, its stains, and frozen sections; none of Mohs specimens."""

from collections.abc import Iterator

from codeset.visit.code_facts import CodeFacts
from codeset.visit.services import Chosen, Question, Service, Unbilled, joined
from codeset.visit.visit import Lesion, Specimen, Visit
from codeset.visit.visit_rules import modifier_for

_EXAMINATIONS = ("skin", "cyst_or_tag", "plastic_repair", "gross")

LesionSpecimens = list[tuple[Lesion, Specimen]]


def pathology(visit: Visit, facts: CodeFacts) -> Chosen:
    """Yield the examinations of the specimens of *visit*, and the frozen sections."""
    for lesion in visit.lesions:
        yield from _frozen_section(lesion, facts)
        if visit.reads_pathology and lesion.technique == "mohs" and lesion.specimens:
            yield Unbilled(lesion.name, "mohs-pathology", f"{len(lesion.specimens)} specimens of Mohs surgery")
    if visit.reads_pathology:
        # The surgeon of Mohs surgery is its pathologist: its specimens are included (Policy Manual 2026, III-8, F).
        other_lesions = [lesion for lesion in visit.lesions if lesion.technique != "mohs"]
        yield from _specimens([(lesion, specimen) for lesion in other_lesions for specimen in lesion.specimens], facts)


def _specimens(specimens: LesionSpecimens, facts: CodeFacts) -> Iterator[Service]:
    for examination in _EXAMINATIONS:
        of_examination = [(lesion, 1) for lesion, specimen in specimens if specimen.examination == examination]
        yield from _counted(facts.single(f"pathology_{examination}").hcpcs, "pathology-specimen", of_examination)
    # By specimen and antibody, not by block or slide (Policy Manual 2026, III-12, K.4).
    first = facts.single("stain_antibody").hcpcs
    yield from _counted(first, "stains", [(lesion, min(1, specimen.antibodies)) for lesion, specimen in specimens])
    further = [(lesion, max(0, specimen.antibodies - 1)) for lesion, specimen in specimens]
    yield from _counted(facts.further("stain_antibody").hcpcs, "stains", further, first)
    in_group_one = [(lesion, specimen.stains_group_one) for lesion, specimen in specimens]
    in_group_two = [(lesion, specimen.stains_group_two) for lesion, specimen in specimens]
    yield from _counted(facts.single("stain_group_one").hcpcs, "stains", in_group_one)
    yield from _counted(facts.single("stain_group_two").hcpcs, "stains", in_group_two)


def _counted(
    hcpcs: str, rule: str, counts: list[tuple[Lesion, int]], add_on_to: str | None = None
) -> Iterator[Service]:
    if units := sum(count for _, count in counts):
        yield _examination(hcpcs, rule, [lesion for lesion, count in counts if count], units, add_on_to)


def _frozen_section(lesion: Lesion, facts: CodeFacts) -> Chosen:
    section = lesion.frozen_section
    if section is None:
        return
    is_mohs = lesion.technique == "mohs"
    if is_mohs and section.result_known is None:
        yield Question("diagnosis-before-mohs", lesion.name)
        return
    if is_mohs and section.result_known:
        yield Unbilled(lesion.name, "mohs-pathology", "the diagnosis was known before Mohs surgery")
        return
    modifiers = (modifier_for("before_mohs"),) if is_mohs else ()
    first = facts.single("frozen_section").hcpcs
    yield _examination(first, "frozen-section", [lesion], 1, None, modifiers)
    if section.blocks > 1:
        hcpcs = facts.further("frozen_section").hcpcs
        yield _examination(hcpcs, "frozen-section", [lesion], section.blocks - 1, first, modifiers)


def _examination(
    hcpcs: str,
    rule: str,
    lesions: list[Lesion],
    units: int,
    add_on_to: str | None,
    modifiers: tuple[str, ...] = (),
) -> Service:
    names = tuple(dict.fromkeys(lesion.name for lesion in lesions))
    return Service(
        hcpcs,
        rule,
        "pathology of " + ", ".join(names),
        units=units,
        lesions=names,
        diagnoses=joined(*(lesion.diagnosis for lesion in lesions)),
        rests_on=(f"specimens, blocks or stains: {units}",),
        modifiers=modifiers,
        add_on_to=add_on_to,
    )
