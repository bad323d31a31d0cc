"""What a coder expects of a scenario's lines against what the engine said, field by field, in words."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from codeset.suite.scenarios import Scenario

_OF_LINE = ("disposition", "edit", "global_days")
_NUMBERS = ("payment_percent", "allowed_cents")
_OF_FINDING = ("column_one", "column_two", "ccmi", "mue_value", "mai", "carc")
"""Fields of the finding that decides."""


def failures(scenario: Scenario, lines: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return how what was said of *lines* differs from what *scenario* expects; nothing, if it does not."""
    return tuple(
        f"line {place} ({said['hcpcs']}), {each}"
        for place, (expected, said) in enumerate(zip(scenario.expected, lines, strict=True), start=1)
        for each in _differences(expected, said)
    )


def _differences(expected: Mapping[str, str], said: Mapping[str, Any]) -> Iterator[str]:
    decisive: Mapping[str, Any] = next(iter(said["findings"]), {}) if said["decided_by"] else {}
    for field, wanted in expected.items():
        found = decisive.get(field) if field in _OF_FINDING else said.get(field)
        if not _same(field, wanted, found):
            yield f"{field}: expected {wanted}, found {_told(field, found)}"


def _same(field: str, wanted: str, found: object) -> bool:
    if found is None:
        return False
    return Decimal(wanted) == Decimal(str(found)) if field in _NUMBERS else wanted == str(found)


def _told(field: str, found: object) -> str:
    return f"no {field}" if found is None else str(found)
