"""Mohs surgery: for each tumor a first stage by site, further stages, and blocks beyond the fifth of a stage."""

from codeset.visit.code_facts import CodeFacts
from codeset.visit.services import Alternative, FamilyAnswers, Question, Service, distinct_diagnoses
from codeset.visit.visit import Lesion, Visit
from codeset.visit.visit_rules import site_class

_SITE_GROUPS = ("head-neck-hands-feet", "trunk-limbs")


def mohs(visit: Visit, code_facts: CodeFacts) -> FamilyAnswers:
    """Yield the stages and blocks of each tumor of *visit*."""
    for lesion in visit.lesions:
        if lesion.technique != "mohs":
            continue
        if lesion.nature != "malignant":
            yield Question("mohs-nature", lesion.name, lesion.nature or "not given")
        elif not lesion.stages:
            yield Question("stages", lesion.name)
        else:
            yield from _tumor_services(lesion, code_facts)


def _tumor_services(lesion: Lesion, code_facts: CodeFacts) -> FamilyAnswers:
    site_group = site_class(lesion.site, "mohs")
    first_stage = code_facts.single("mohs", "malignant", site_group).hcpcs
    other_group = next(other_group for other_group in _SITE_GROUPS if other_group != site_group)
    alternative = Alternative(
        code_facts.single("mohs", "malignant", other_group).hcpcs,
        f"is for another class of sites; {lesion.site} is not one",
    )
    yield _mohs_service(lesion, first_stage, "mohs-stages", 1, f"site {lesion.site}", (alternative,))
    if further_stages := len(lesion.stages) - 1:
        further_stage = code_facts.further("mohs", "malignant", site_group).hcpcs
        yield _mohs_service(
            lesion, further_stage, "mohs-stages", further_stages, f"{len(lesion.stages)} stages", add_on_to=first_stage
        )
    block_fact = code_facts.further("mohs_block", "malignant")
    # Stage by stage: blocks that one stage lacks of five do not make up for those of another (III-12, K.4).
    further_blocks = sum(max(0, blocks - int(block_fact.size_from) + 1) for blocks in lesion.stages)
    if further_blocks:
        rests_on = "blocks of each stage: " + ", ".join(map(str, lesion.stages))
        yield _mohs_service(lesion, block_fact.hcpcs, "mohs-blocks", further_blocks, rests_on, add_on_to=first_stage)


def _mohs_service(
    lesion: Lesion,
    hcpcs: str,
    rule: str,
    units: int,
    rests_on: str,
    alternatives: tuple[Alternative, ...] = (),
    add_on_to: str | None = None,
) -> Service:
    return Service(
        hcpcs,
        rule,
        f"Mohs surgery of {lesion.name}",
        units=units,
        lesions=(lesion.name,),
        diagnoses=distinct_diagnoses(lesion.diagnosis),
        rests_on=(rests_on,),
        alternatives=alternatives,
        add_on_to=add_on_to,
    )
