"""The suite on two releases: which scenarios come out otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codeset.suite.run_suite import LineOutcome, SuiteRun
from codeset.suite.scenarios import Scenario

_OF_LINE = ("disposition", "decided_by", "edit", "payment_percent", "global_days", "unpriced")
_OF_FINDING = ("reason", "severity", "table", "column_one", "column_two", "ccmi", "mue_value", "mai", "carc", "detail")
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


def changed_outcomes(old: SuiteRun, new: SuiteRun) -> OutcomeChanges:
    """Return how the outcomes of *new* differ from those of *old*, in the suite's order."""
    before, after = ({result.scenario.id: result for result in ran.results} for ran in (old, new))
    in_both = [result for result in new.results if result.scenario.id in before]
    pairs = [(result.scenario, before[result.scenario.id].lines, result.lines) for result in in_both]
    changed = tuple(ChangedOutcome(*pair) for pair in pairs if not same(pair[1], pair[2]))
    amounts = sum(
        same(old_lines, new_lines) and _amounts(old_lines) != _amounts(new_lines) for _, old_lines, new_lines in pairs
    )
    return OutcomeChanges(
        compared=len(in_both),
        changed=changed,
        amounts_only=amounts,
        only_old=tuple(result.scenario for result in old.results if result.scenario.id not in after),
        only_new=tuple(result.scenario for result in new.results if result.scenario.id not in before),
    )


def same(before: Sequence[LineOutcome], after: Sequence[LineOutcome]) -> bool:
    """Whether two outcomes of a claim are the same, amounts and editions apart."""
    return [_outcome(line) for line in before] == [_outcome(line) for line in after]


def _outcome(line: Mapping[str, Any]) -> list[Any]:
    findings = [[finding.get(name) for name in _OF_FINDING] for finding in line["findings"]]
    return [*(line.get(name) for name in _OF_LINE), findings]


def _amounts(lines: Sequence[LineOutcome]) -> list[int | None]:
    return [line["allowed_cents"] for line in lines]
