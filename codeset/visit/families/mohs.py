"""Mohs surgery: for each tumor a first stage by site, further stages, and blocks beyond the fifth of a stage."""

from codeset.visit.code_facts import CodeFacts
from codeset.visit.services import Alternative, Chosen, Question, Service, joined
from codeset.visit.visit import Lesion, Visit
from codeset.visit.visit_rules import site_class

_CLASSES = ("head-neck-hands-feet", "trunk-limbs")


def mohs(visit: Visit, facts: CodeFacts) -> Chosen:
    """Yield the stages and blocks of each tumor of *visit*."""
    for lesion in visit.lesions:
        if lesion.technique != "mohs":
            continue
        if lesion.nature != "malignant":
            yield Question("mohs-nature", lesion.name, lesion.nature or "not given")
        elif not lesion.stages:
            yield Question("stages", lesion.name)
        else:
            yield from _tumor(lesion, facts)


def _tumor(lesion: Lesion, facts: CodeFacts) -> Chosen:
    of_site = site_class(lesion.site, "mohs")
    first = facts.single("mohs", "malignant", of_site).hcpcs
    other = next(other for other in _CLASSES if other != of_site)
    alternative = Alternative(
        facts.single("mohs", "malignant", other).hcpcs, f"is for another class of sites; {lesion.site} is not one"
    )
    yield _stage(lesion, first, "mohs-stages", 1, f"site {lesion.site}", (alternative,))
    if further_stages := len(lesion.stages) - 1:
        hcpcs = facts.further("mohs", "malignant", of_site).hcpcs
        yield _stage(lesion, hcpcs, "mohs-stages", further_stages, f"{len(lesion.stages)} stages", add_on_to=first)
    block = facts.further("mohs_block", "malignant")
    # Stage by stage: blocks that one stage lacks of five do not make up for those of another (III-12, K.4).
    further_blocks = sum(max(0, blocks - int(block.size_from) + 1) for blocks in lesion.stages)
    if further_blocks:
        rests_on = "blocks of each stage: " + ", ".join(map(str, lesion.stages))
        yield _stage(lesion, block.hcpcs, "mohs-blocks", further_blocks, rests_on, add_on_to=first)


def _stage(
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
        diagnoses=joined(lesion.diagnosis),
        rests_on=(rests_on,),
        alternatives=alternatives,
        add_on_to=add_on_to,
    )
