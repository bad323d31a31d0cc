"""Biopsies: one is the first, by the deepest technique; each further lesion is an add-on of its own technique.

A biopsy of a lesion that is removed at the same encounter is part of the removal (Policy Manual 2026, III-7, E.2), but
for one before Mohs surgery that makes the diagnosis (III-8, F).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from codeset.visit.code_facts import CodeFacts
from codeset.visit.services import Alternative, Chosen, Question, Service, Unbilled, joined
from codeset.visit.visit import PROCEDURE_BIOPSIES, Lesion, Visit
from codeset.visit.visit_rules import has_own_codes, modifier_for

DEEPEST_FIRST = ("incisional", "punch", "tangential")


@dataclass(frozen=True)
class _Sample:
    """A biopsy to be coded: of which lesion, by which technique, and whether Mohs surgery follows it."""

    lesion: Lesion
    technique: str
    before_mohs: bool


def biopsies(visit: Visit, facts: CodeFacts) -> Chosen:
    """Yield the biopsies of *visit*."""
    samples: list[_Sample] = []
    for lesion in visit.lesions:
        for answer in _samples(lesion):
            if isinstance(answer, _Sample):
                samples.append(answer)
            else:
                yield answer
    # CMS bundles the shallower first code into the deeper one, whatever the modifier (PTP edits, indicator 0).
    samples.sort(key=lambda sample: DEEPEST_FIRST.index(sample.technique))
    if samples:
        first = _first(samples, facts)
        yield first
        yield from _further(samples[1:], first.hcpcs, facts)


def _samples(lesion: Lesion) -> Iterator[_Sample | Unbilled | Question]:
    technique = PROCEDURE_BIOPSIES.get(lesion.technique) or (lesion.biopsy.technique if lesion.biopsy else None)
    if technique is None:
        return
    if lesion.biopsy and lesion.technique != "mohs":
        yield Unbilled(lesion.name, "biopsy-included", f"the lesion was removed ({lesion.technique})")
    elif has_own_codes(lesion.site, "biopsy"):
        yield Question("own-codes", lesion.name, "biopsy")
    elif lesion.biopsy and lesion.biopsy.result_known is None:
        yield Question("diagnosis-before-mohs", lesion.name)
    elif lesion.biopsy and lesion.biopsy.result_known:
        yield Unbilled(lesion.name, "biopsy-included", "the diagnosis was known before Mohs surgery")
    else:
        yield _Sample(lesion, technique, lesion.biopsy is not None)


def _first(samples: list[_Sample], facts: CodeFacts) -> Service:
    sample = samples[0]
    others = dict.fromkeys(other.technique for other in samples if other.technique != sample.technique)
    return Service(
        facts.single(f"biopsy_{sample.technique}").hcpcs,
        "biopsy-first",
        _about([sample]),
        lesions=(sample.lesion.name,),
        diagnoses=joined(sample.lesion.diagnosis),
        rests_on=(f"technique {sample.technique}", f"{len(samples)} lesions biopsied"),
        alternatives=tuple(
            Alternative(
                facts.single(f"biopsy_{name}").hcpcs, f"is the first of {name} biopsies; a deeper one was taken"
            )
            for name in others
        ),
        modifiers=_modifiers([sample]),
    )


def _further(samples: list[_Sample], first: str, facts: CodeFacts) -> Iterator[Service]:
    for technique in DEEPEST_FIRST:
        if of_technique := [sample for sample in samples if sample.technique == technique]:
            yield Service(
                facts.further(f"biopsy_{technique}").hcpcs,
                "biopsy-further",
                _about(of_technique),
                units=len(of_technique),
                lesions=tuple(sample.lesion.name for sample in of_technique),
                diagnoses=joined(*(sample.lesion.diagnosis for sample in of_technique)),
                rests_on=(f"{len(of_technique)} further lesions by technique {technique}",),
                modifiers=_modifiers(of_technique),
                add_on_to=first,
            )


def _modifiers(samples: list[_Sample]) -> tuple[str, ...]:
    return (modifier_for("before_mohs"),) if any(sample.before_mohs for sample in samples) else ()


def _about(samples: list[_Sample]) -> str:
    return "biopsy of " + ", ".join(sample.lesion.name for sample in samples)
