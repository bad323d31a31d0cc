"""The suite on two releases: which scenarios come out otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codeset.suite.run_suite import LineOutcome, SuiteRun
from codeset.suite.scenarios import Scenario

_LINE_FIELDS = ("disposition", "decided_by", "edit", "payment_percent", "global_days", "unpriced")
_FINDING_FIELDS = (
    "reason",
    "severity",
    "table",
    "column_one",
    "column_two",
    "ccmi",
    "mue_value",
    "mai",
    "carc",
    "detail",
)
"""What makes an outcome: not its amount, which every January moves, nor the edition and dates of the rows."""


@dataclass(frozen=True)
class ChangedOutcome:
    """A scenario of which the two releases say something else, line by line in the same order."""

    scenario: Scenario
    before: tuple[LineOutcome, ...]
    after: tuple[LineOutcome, ...]


@dataclass(frozen=True)
class OutcomeChanges:
    """What two runs have in common: scenarios `compared`, those `changed`, and of how many only amounts differ.

    `only_old` and `only_new` are the scenarios that hold in one of the releases only.
    """

    compared: int
    changed: tuple[ChangedOutcome, ...]
    amounts_only: int
    only_old: tuple[Scenario, ...]
    only_new: tuple[Scenario, ...]


def changed_outcomes(earlier_run: SuiteRun, later_run: SuiteRun) -> OutcomeChanges:
    """Return how the outcomes of *later_run* differ from those of *earlier_run*, in the suite's order."""
    earlier_results, later_results = (
        {result.scenario.id: result for result in suite_run.results} for suite_run in (earlier_run, later_run)
    )
    in_both = [result for result in later_run.results if result.scenario.id in earlier_results]
    outcome_pairs = [(result.scenario, earlier_results[result.scenario.id].lines, result.lines) for result in in_both]
    changed_scenarios = tuple(
        ChangedOutcome(*outcome_pair)
        for outcome_pair in outcome_pairs
        if not is_same_outcome(outcome_pair[1], outcome_pair[2])
    )
    amounts_only = sum(
        is_same_outcome(earlier_lines, later_lines) and _allowed_cents(earlier_lines) != _allowed_cents(later_lines)
        for _, earlier_lines, later_lines in outcome_pairs
    )
    return OutcomeChanges(
        compared=len(in_both),
        changed=changed_scenarios,
        amounts_only=amounts_only,
        only_old=tuple(result.scenario for result in earlier_run.results if result.scenario.id not in later_results),
        only_new=tuple(result.scenario for result in later_run.results if result.scenario.id not in earlier_results),
    )


def is_same_outcome(earlier_lines: Sequence[LineOutcome], later_lines: Sequence[LineOutcome]) -> bool:
    """Whether two outcomes of a claim are the same, amounts and editions apart."""
    return [_outcome(line) for line in earlier_lines] == [_outcome(line) for line in later_lines]


def _outcome(line: Mapping[str, Any]) -> list[Any]:
    findings = [[finding.get(field_name) for field_name in _FINDING_FIELDS] for finding in line["findings"]]
    return [*(line.get(field_name) for field_name in _LINE_FIELDS), findings]


def _allowed_cents(lines: Sequence[LineOutcome]) -> list[int | None]:
    return [line["allowed_cents"] for line in lines]
