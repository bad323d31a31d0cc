"""The office visit: its code by level or minutes, its modifiers by what else was done, and G2211.

Policy Manual 2026, III-3 and III-4 (B): 25 beside minor procedures, 57 beside major ones; the decision for a minor
procedure is part of it.
"""

from collections.abc import Sequence
from decimal import Decimal

from codeset.visit.code_book import CodeBook
from codeset.visit.code_facts import CodeFact, CodeFacts
from codeset.visit.services import Alternative, Chosen, Question, Service, Unbilled, joined
from codeset.visit.visit import Evaluation, Visit
from codeset.visit.visit_rules import modifier_for

_LEVELS = ("straightforward", "low", "moderate", "high")
_MINOR = ("000", "010")
_MAJOR = ("090",)
"""Global days of minor and major procedures (Policy Manual 2026, III-3 and III-4)."""


def office_visit(visit: Visit, others: Sequence[Service], book: CodeBook) -> Chosen:
    """Yield the office visit beside the *others* of the day, and the add-on for its complexity."""
    evaluation = visit.evaluation
    if evaluation is None:
        return
    if evaluation.level is None and evaluation.minutes is None:
        yield Question("level", "office visit")
        return
    fact = _code(visit, evaluation, book.facts)
    if fact is None:
        yield Question("minutes-too-few", "office visit", str(evaluation.minutes))
        return
    answers = list(_beside(fact, visit, evaluation, others, book))
    yield from (answer for answer in answers if not isinstance(answer, str))
    if any(not isinstance(answer, str) for answer in answers):
        return
    modifiers = tuple(answer for answer in answers if isinstance(answer, str))
    yield _service(fact, visit, evaluation, modifiers, book.facts)
    if evaluation.is_longitudinal:
        yield _complexity(fact, visit, evaluation, modifiers, book)


def _code(visit: Visit, evaluation: Evaluation, facts: CodeFacts) -> CodeFact | None:
    technique = f"visit_{visit.patient}"
    if evaluation.level is not None:
        return facts.smallest(technique, evaluation.level)
    # By total time: the level is the one whose span of minutes it falls in (`visit-level` in `visit_rules.toml`).
    minutes = Decimal(evaluation.minutes or 0)
    by_level = (facts.find_covering(minutes, technique, level) for level in _LEVELS)
    return next((fact for fact in by_level if fact is not None), None)


def _beside(
    fact: CodeFact, visit: Visit, evaluation: Evaluation, others: Sequence[Service], book: CodeBook
) -> "list[str | Question | Unbilled]":
    """The modifiers that the day's other services call for; or why the visit is not billed, or what is asked first."""
    edits = [book.edit(fact.hcpcs, other.hcpcs, visit.date_of_service) for other in others]
    if never := next((edit for edit in edits if edit and edit.ccmi == 0), None):
        with_code = never.column_one if never.column_two == fact.hcpcs else never.column_two
        return [Unbilled("office visit", "bundled", f"part of {with_code}; no modifier changes that", fact.hcpcs)]
    # Global days beside the edits: no PTP edit of a procedure has a new patient's visit in column two, and 25 is
    # needed for it all the same (III-4, B).
    days = {book.rows[other.hcpcs].global_days for other in others}
    answers: list[str | Question | Unbilled] = []
    if evaluation.global_period == "related":
        return [Unbilled("office visit", "visit-global", "it had to do with the earlier surgery", fact.hcpcs)]
    if evaluation.global_period == "unrelated":
        answers.append(modifier_for("unrelated_visit"))
    if days.intersection(_MINOR) or (any(edits) and not days.intersection(_MAJOR)):
        answers.append(_minor(fact, evaluation))
    if days.intersection(_MAJOR):
        answers.append(_major(fact, evaluation))
    refusal = next((answer for answer in answers if not isinstance(answer, str)), None)
    return [refusal] if refusal else answers


def _minor(fact: CodeFact, evaluation: Evaluation) -> str | Question | Unbilled:
    if evaluation.is_separate is None:
        return Question("separate-visit", "office visit")
    if not evaluation.is_separate:
        return Unbilled("office visit", "visit-minor", "it was not separate from the day's procedures", fact.hcpcs)
    return modifier_for("separate_visit")


def _major(fact: CodeFact, evaluation: Evaluation) -> str | Question | Unbilled:
    if evaluation.decided_major_surgery is None:
        return Question("decided-surgery", "office visit")
    if not evaluation.decided_major_surgery:
        return Unbilled("office visit", "visit-major", "surgery was not decided on at it", fact.hcpcs)
    return modifier_for("decision_for_surgery")


def _service(
    fact: CodeFact, visit: Visit, evaluation: Evaluation, modifiers: tuple[str, ...], facts: CodeFacts
) -> Service:
    # A nurse's visit has no level of decision making, and so no level beside its own.
    level_place = _LEVELS.index(fact.nature) if fact.nature in _LEVELS else 0
    beside = [
        _LEVELS[place]
        for place in (level_place - 1, level_place + 1)
        if fact.nature in _LEVELS and 0 <= place < len(_LEVELS)
    ]
    others = [facts.smallest(fact.technique, level) for level in beside]
    basis = f"level {evaluation.level}" if evaluation.level else f"{evaluation.minutes} minutes"
    return Service(
        fact.hcpcs,
        "visit-level",
        "office visit",
        diagnoses=joined(evaluation.diagnosis, *visit.diagnoses),
        rests_on=(f"{visit.patient} patient", basis, *_why(modifiers)),
        alternatives=tuple(Alternative(other.hcpcs, f"is for level {other.nature}, {other.sizes}") for other in others),
        modifiers=modifiers,
    )


def _why(modifiers: tuple[str, ...]) -> tuple[str, ...]:
    reasons = {
        modifier_for("unrelated_visit"): "unrelated to the earlier surgery",
        modifier_for("separate_visit"): "significant and separately identifiable",
        modifier_for("decision_for_surgery"): "major surgery decided on",
    }
    return tuple(f"{reasons[modifier]} ({modifier})" for modifier in modifiers)


def _complexity(
    fact: CodeFact, visit: Visit, evaluation: Evaluation, modifiers: tuple[str, ...], book: CodeBook
) -> Service | Unbilled:
    hcpcs = book.facts.further("visit_complexity").hcpcs
    # From 2025 it is paid with 25 beside preventive services alone (CY 2025 PFS final rule): none is coded here.
    if modifier_for("separate_visit") in modifiers:
        return Unbilled("office visit", "visit-complexity", "the visit has 25", hcpcs)
    if not book.is_payable(hcpcs):
        return Unbilled("office visit", "visit-complexity", "not payable on this date", hcpcs)
    return Service(
        hcpcs,
        "visit-complexity",
        "office visit",
        diagnoses=joined(evaluation.diagnosis, *visit.diagnoses),
        rests_on=("longitudinal relationship",),
        add_on_to=fact.hcpcs,
    )
