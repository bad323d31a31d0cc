"""Biopsies: one is the first, by the deepest technique; each further lesion is an add-on of its own technique.

A biopsy of a lesion that is removed at the same encounter is part of the removal (Policy Manual 2026, III-7, E.2), but
for one before Mohs surgery that makes the diagnosis (III-8, F).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from codeset.visit.code_facts import CodeFacts
from codeset.visit.services import Alternative, FamilyAnswers, Question, Service, Unbilled, distinct_diagnoses
from codeset.visit.visit import PROCEDURE_BIOPSIES, Lesion, Visit
from codeset.visit.visit_rules import has_own_codes, modifier_for

DEEPEST_FIRST = ("incisional", "punch", "tangential")


@dataclass(frozen=True)
class _BiopsySample:
    """A biopsy to be coded: of which lesion, by which technique, and whether Mohs surgery follows it."""

    lesion: Lesion
    technique: str
    before_mohs: bool


def biopsies(visit: Visit, code_facts: CodeFacts) -> FamilyAnswers:
    """Yield the biopsies of *visit*."""
    samples: list[_BiopsySample] = []
    for lesion in visit.lesions:
        for answer in _samples_of_lesion(lesion):
            if isinstance(answer, _BiopsySample):
                samples.append(answer)
            else:
                yield answer
    # CMS bundles the shallower first code into the deeper one, whatever the modifier (PTP edits, indicator 0).
    samples.sort(key=lambda sample: DEEPEST_FIRST.index(sample.technique))
    if samples:
        first_service = _first_biopsy(samples, code_facts)
        yield first_service
        yield from _further_biopsies(samples[1:], first_service.hcpcs, code_facts)


def _samples_of_lesion(lesion: Lesion) -> Iterator[_BiopsySample | Unbilled | Question]:
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
        yield _BiopsySample(lesion, technique, lesion.biopsy is not None)


def _first_biopsy(samples: list[_BiopsySample], code_facts: CodeFacts) -> Service:
    sample = samples[0]
    other_techniques = dict.fromkeys(
        other_sample.technique for other_sample in samples if other_sample.technique != sample.technique
    )
    return Service(
        code_facts.single(f"biopsy_{sample.technique}").hcpcs,
        "biopsy-first",
        _biopsied_lesions([sample]),
        lesions=(sample.lesion.name,),
        diagnoses=distinct_diagnoses(sample.lesion.diagnosis),
        rests_on=(f"technique {sample.technique}", f"{len(samples)} lesions biopsied"),
        alternatives=tuple(
            Alternative(
                code_facts.single(f"biopsy_{technique}").hcpcs,
                f"is the first of {technique} biopsies; a deeper one was taken",
            )
            for technique in other_techniques
        ),
        modifiers=_mohs_modifiers([sample]),
    )


def _further_biopsies(samples: list[_BiopsySample], first_hcpcs: str, code_facts: CodeFacts) -> Iterator[Service]:
    for technique in DEEPEST_FIRST:
        if technique_samples := [sample for sample in samples if sample.technique == technique]:
            yield Service(
                code_facts.further(f"biopsy_{technique}").hcpcs,
                "biopsy-further",
                _biopsied_lesions(technique_samples),
                units=len(technique_samples),
                lesions=tuple(sample.lesion.name for sample in technique_samples),
                diagnoses=distinct_diagnoses(*(sample.lesion.diagnosis for sample in technique_samples)),
                rests_on=(f"{len(technique_samples)} further lesions by technique {technique}",),
                modifiers=_mohs_modifiers(technique_samples),
                add_on_to=first_hcpcs,
            )


def _mohs_modifiers(samples: list[_BiopsySample]) -> tuple[str, ...]:
    return (modifier_for("before_mohs"),) if any(sample.before_mohs for sample in samples) else ()


def _biopsied_lesions(samples: list[_BiopsySample]) -> str:
    return "biopsy of " + ", ".join(sample.lesion.name for sample in samples)
