"""The office visit: its code by level or minutes, its modifiers by what else was done, and G2211.

Policy Manual 2026, III-3 and III-4 (B): 25 beside minor procedures, 57 beside major ones; the decision for a minor
procedure is part of it.
"""

from collections.abc import Sequence
from decimal import Decimal

from codeset.visit.code_book import CodeBook
from codeset.visit.code_facts import CodeFact, CodeFacts
from codeset.visit.services import Alternative, FamilyAnswers, Question, Service, Unbilled, distinct_diagnoses
from codeset.visit.visit import Evaluation, Visit
from codeset.visit.visit_rules import modifier_for

_LEVELS = ("straightforward", "low", "moderate", "high")
_MINOR_GLOBAL_DAYS = ("000", "010")
_MAJOR_GLOBAL_DAYS = ("090",)
"""Global days of minor and major procedures (Policy Manual 2026, III-3 and III-4)."""


def office_visit(visit: Visit, other_services: Sequence[Service], code_book: CodeBook) -> FamilyAnswers:
    """Yield the office visit beside the *other_services* of the day, and the add-on for its complexity."""
    evaluation = visit.evaluation
    if evaluation is None:
        return
    if evaluation.level is None and evaluation.minutes is None:
        yield Question("level", "office visit")
        return
    visit_fact = _visit_code(visit, evaluation, code_book.facts)
    if visit_fact is None:
        yield Question("minutes-too-few", "office visit", str(evaluation.minutes))
        return
    modifiers_or_refusals = list(_modifiers_beside(visit_fact, visit, evaluation, other_services, code_book))
    yield from (answer for answer in modifiers_or_refusals if not isinstance(answer, str))
    if any(not isinstance(answer, str) for answer in modifiers_or_refusals):
        return
    modifiers = tuple(answer for answer in modifiers_or_refusals if isinstance(answer, str))
    yield _visit_service(visit_fact, visit, evaluation, modifiers, code_book.facts)
    if evaluation.is_longitudinal:
        yield _complexity_add_on(visit_fact, visit, evaluation, modifiers, code_book)


def _visit_code(visit: Visit, evaluation: Evaluation, code_facts: CodeFacts) -> CodeFact | None:
    technique = f"visit_{visit.patient}"
    if evaluation.level is not None:
        return code_facts.smallest(technique, evaluation.level)
    # By total time: the level is the one whose span of minutes it falls in (`visit-level` in `visit_rules.toml`).
    minutes = Decimal(evaluation.minutes or 0)
    facts_by_level = (code_facts.find_covering(minutes, technique, level) for level in _LEVELS)
    return next((visit_fact for visit_fact in facts_by_level if visit_fact is not None), None)


def _modifiers_beside(
    visit_fact: CodeFact, visit: Visit, evaluation: Evaluation, other_services: Sequence[Service], code_book: CodeBook
) -> "list[str | Question | Unbilled]":
    """The modifiers that the day's other services call for; or why the visit is not billed, or what is asked first."""
    ptp_edits = [
        code_book.ptp_edit(visit_fact.hcpcs, service.hcpcs, visit.date_of_service) for service in other_services
    ]
    if edit_without_bypass := next((ptp_edit for ptp_edit in ptp_edits if ptp_edit and ptp_edit.ccmi == 0), None):
        other_hcpcs = (
            edit_without_bypass.column_one
            if edit_without_bypass.column_two == visit_fact.hcpcs
            else edit_without_bypass.column_two
        )
        return [
            Unbilled("office visit", "bundled", f"part of {other_hcpcs}; no modifier changes that", visit_fact.hcpcs)
        ]
    # Global days beside the edits: no PTP edit of a procedure has a new patient's visit in column two, and 25 is
    # needed for it all the same (III-4, B).
    global_days = {code_book.fee_schedule[service.hcpcs].global_days for service in other_services}
    modifiers_or_refusals: list[str | Question | Unbilled] = []
    if evaluation.global_period == "related":
        return [Unbilled("office visit", "visit-global", "it had to do with the earlier surgery", visit_fact.hcpcs)]
    if evaluation.global_period == "unrelated":
        modifiers_or_refusals.append(modifier_for("unrelated_visit"))
    if global_days.intersection(_MINOR_GLOBAL_DAYS) or (
        any(ptp_edits) and not global_days.intersection(_MAJOR_GLOBAL_DAYS)
    ):
        modifiers_or_refusals.append(_beside_minor_procedure(visit_fact, evaluation))
    if global_days.intersection(_MAJOR_GLOBAL_DAYS):
        modifiers_or_refusals.append(_beside_major_surgery(visit_fact, evaluation))
    refusal = next((answer for answer in modifiers_or_refusals if not isinstance(answer, str)), None)
    return [refusal] if refusal else modifiers_or_refusals


def _beside_minor_procedure(visit_fact: CodeFact, evaluation: Evaluation) -> str | Question | Unbilled:
    if evaluation.is_separate is None:
        return Question("separate-visit", "office visit")
    if not evaluation.is_separate:
        return Unbilled(
            "office visit", "visit-minor", "it was not separate from the day's procedures", visit_fact.hcpcs
        )
    return modifier_for("separate_visit")


def _beside_major_surgery(visit_fact: CodeFact, evaluation: Evaluation) -> str | Question | Unbilled:
    if evaluation.decided_major_surgery is None:
        return Question("decided-surgery", "office visit")
    if not evaluation.decided_major_surgery:
        return Unbilled("office visit", "visit-major", "surgery was not decided on at it", visit_fact.hcpcs)
    return modifier_for("decision_for_surgery")


def _visit_service(
    visit_fact: CodeFact, visit: Visit, evaluation: Evaluation, modifiers: tuple[str, ...], code_facts: CodeFacts
) -> Service:
    # A nurse's visit has no level of decision making, and so no level beside its own.
    level_place = _LEVELS.index(visit_fact.nature) if visit_fact.nature in _LEVELS else 0
    neighboring_levels = [
        _LEVELS[position]
        for position in (level_place - 1, level_place + 1)
        if visit_fact.nature in _LEVELS and 0 <= position < len(_LEVELS)
    ]
    neighboring_facts = [code_facts.smallest(visit_fact.technique, level) for level in neighboring_levels]
    level_or_minutes = f"level {evaluation.level}" if evaluation.level else f"{evaluation.minutes} minutes"
    return Service(
        visit_fact.hcpcs,
        "visit-level",
        "office visit",
        diagnoses=distinct_diagnoses(evaluation.diagnosis, *visit.diagnoses),
        rests_on=(f"{visit.patient} patient", level_or_minutes, *_reasons_for(modifiers)),
        alternatives=tuple(
            Alternative(neighbor.hcpcs, f"is for level {neighbor.nature}, {neighbor.sizes}")
            for neighbor in neighboring_facts
        ),
        modifiers=modifiers,
    )


def _reasons_for(modifiers: tuple[str, ...]) -> tuple[str, ...]:
    reasons = {
        modifier_for("unrelated_visit"): "unrelated to the earlier surgery",
        modifier_for("separate_visit"): "significant and separately identifiable",
        modifier_for("decision_for_surgery"): "major surgery decided on",
    }
    return tuple(f"{reasons[modifier]} ({modifier})" for modifier in modifiers)


def _complexity_add_on(
    visit_fact: CodeFact, visit: Visit, evaluation: Evaluation, modifiers: tuple[str, ...], code_book: CodeBook
) -> Service | Unbilled:
    hcpcs = code_book.facts.further("visit_complexity").hcpcs
    # From 2025 it is paid with 25 beside preventive services alone (CY 2025 PFS final rule): none is coded here.
    if modifier_for("separate_visit") in modifiers:
        return Unbilled("office visit", "visit-complexity", "the visit has 25", hcpcs)
    if not code_book.is_payable(hcpcs):
        return Unbilled("office visit", "visit-complexity", "not payable on this date", hcpcs)
    return Service(
        hcpcs,
        "visit-complexity",
        "office visit",
        diagnoses=distinct_diagnoses(evaluation.diagnosis, *visit.diagnoses),
        rests_on=("longitudinal relationship",),
        add_on_to=visit_fact.hcpcs,
    )
