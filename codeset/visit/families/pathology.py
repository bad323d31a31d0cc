"""Pathology by this practitioner: each specimen once, its stains, and frozen sections; none of Mohs specimens."""

from collections.abc import Iterator

from codeset.visit.code_facts import CodeFacts
from codeset.visit.services import FamilyAnswers, Question, Service, Unbilled, distinct_diagnoses
from codeset.visit.visit import Lesion, Specimen, Visit
from codeset.visit.visit_rules import modifier_for

_EXAMINATIONS = ("skin", "cyst_or_tag", "plastic_repair", "gross")

LesionSpecimens = list[tuple[Lesion, Specimen]]


def pathology(visit: Visit, code_facts: CodeFacts) -> FamilyAnswers:
    """Yield the examinations of the specimens of *visit*, and the frozen sections."""
    for lesion in visit.lesions:
        yield from _frozen_section_services(lesion, code_facts)
        if visit.reads_pathology and lesion.technique == "mohs" and lesion.specimens:
            yield Unbilled(lesion.name, "mohs-pathology", f"{len(lesion.specimens)} specimens of Mohs surgery")
    if visit.reads_pathology:
        # The surgeon of Mohs surgery is its pathologist: its specimens are included (Policy Manual 2026, III-8, F).
        other_lesions = [lesion for lesion in visit.lesions if lesion.technique != "mohs"]
        yield from _specimen_services(
            [(lesion, specimen) for lesion in other_lesions for specimen in lesion.specimens], code_facts
        )


def _specimen_services(specimens: LesionSpecimens, code_facts: CodeFacts) -> Iterator[Service]:
    for examination in _EXAMINATIONS:
        examined_lesions = [(lesion, 1) for lesion, specimen in specimens if specimen.examination == examination]
        yield from _examinations_by_count(
            code_facts.single(f"pathology_{examination}").hcpcs, "pathology-specimen", examined_lesions
        )
    # By specimen and antibody, not by block or slide (Policy Manual 2026, III-12, K.4).
    first_stain = code_facts.single("stain_antibody").hcpcs
    yield from _examinations_by_count(
        first_stain, "stains", [(lesion, min(1, specimen.antibodies)) for lesion, specimen in specimens]
    )
    further_antibodies = [(lesion, max(0, specimen.antibodies - 1)) for lesion, specimen in specimens]
    yield from _examinations_by_count(
        code_facts.further("stain_antibody").hcpcs, "stains", further_antibodies, first_stain
    )
    in_group_one = [(lesion, specimen.stains_group_one) for lesion, specimen in specimens]
    in_group_two = [(lesion, specimen.stains_group_two) for lesion, specimen in specimens]
    yield from _examinations_by_count(code_facts.single("stain_group_one").hcpcs, "stains", in_group_one)
    yield from _examinations_by_count(code_facts.single("stain_group_two").hcpcs, "stains", in_group_two)


def _examinations_by_count(
    hcpcs: str, rule: str, units_by_lesion: list[tuple[Lesion, int]], add_on_to: str | None = None
) -> Iterator[Service]:
    if units := sum(lesion_units for _, lesion_units in units_by_lesion):
        yield _examination_service(
            hcpcs, rule, [lesion for lesion, lesion_units in units_by_lesion if lesion_units], units, add_on_to
        )


def _frozen_section_services(lesion: Lesion, code_facts: CodeFacts) -> FamilyAnswers:
    frozen_section = lesion.frozen_section
    if frozen_section is None:
        return
    is_mohs = lesion.technique == "mohs"
    if is_mohs and frozen_section.result_known is None:
        yield Question("diagnosis-before-mohs", lesion.name)
        return
    if is_mohs and frozen_section.result_known:
        yield Unbilled(lesion.name, "mohs-pathology", "the diagnosis was known before Mohs surgery")
        return
    modifiers = (modifier_for("before_mohs"),) if is_mohs else ()
    first_block = code_facts.single("frozen_section").hcpcs
    yield _examination_service(first_block, "frozen-section", [lesion], 1, None, modifiers)
    if frozen_section.blocks > 1:
        further_block = code_facts.further("frozen_section").hcpcs
        yield _examination_service(
            further_block, "frozen-section", [lesion], frozen_section.blocks - 1, first_block, modifiers
        )


def _examination_service(
    hcpcs: str,
    rule: str,
    lesions: list[Lesion],
    units: int,
    add_on_to: str | None,
    modifiers: tuple[str, ...] = (),
) -> Service:
    lesion_names = tuple(dict.fromkeys(lesion.name for lesion in lesions))
    return Service(
        hcpcs,
        rule,
        "pathology of " + ", ".join(lesion_names),
        units=units,
        lesions=lesion_names,
        diagnoses=distinct_diagnoses(*(lesion.diagnosis for lesion in lesions)),
        rests_on=(f"specimens, blocks or stains: {units}",),
        modifiers=modifiers,
        add_on_to=add_on_to,
    )
