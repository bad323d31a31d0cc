"""What a coder expects of a scenario's lines against what the engine said, field by field, in words."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from codeset.suite.scenarios import Scenario

_LINE_FIELDS = ("disposition", "edit", "global_days")
_NUMBER_FIELDS = ("payment_percent", "allowed_cents")
_FINDING_FIELDS = ("column_one", "column_two", "ccmi", "mue_value", "mai", "carc", "group_code")
"""Fields of the finding that decides."""


def failures(scenario: Scenario, lines: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return how what was said of *lines* differs from what *scenario* expects; nothing, if it does not."""
    return tuple(
        f"line {line_number} ({line['hcpcs']}), {difference}"
        for line_number, (expected_fields, line) in enumerate(zip(scenario.expected, lines, strict=True), start=1)
        for difference in _differences(expected_fields, line)
    )


def _differences(expected_fields: Mapping[str, str], line: Mapping[str, Any]) -> Iterator[str]:
    # The finding that decides comes first; where nothing decides, the first one is a note.
    decisive: Mapping[str, Any] = next(iter(line["findings"]), {}) if line["decided_by"] else {}
    for field, expected_text in expected_fields.items():
        actual_value = decisive.get(field) if field in _FINDING_FIELDS else line.get(field)
        if field == "remedy":
            actual_value = remedy_text(line)
        if not _is_same_value(field, expected_text, actual_value):
            yield f"{field}: expected {expected_text}, found {_actual_text(field, actual_value)}"


def remedy_text(line: Mapping[str, Any]) -> str:
    """Return a line's remedy as scenarios have it: `17000 + 17003-59 x3`, or `none`."""
    remedy_lines = line.get("remedy") or []
    line_texts = [
        "-".join((remedy_line["hcpcs"], *remedy_line["modifiers"])) + _units_text(remedy_line["units"])
        for remedy_line in remedy_lines
    ]
    return " + ".join(line_texts) or "none"


def _units_text(units: int) -> str:
    return f" x{units}" if units != 1 else ""


def _is_same_value(field: str, expected_text: str, actual_value: object) -> bool:
    if actual_value is None:
        return False
    # As numbers: a person writes 50 where the engine says 50.000.
    return (
        Decimal(expected_text) == Decimal(str(actual_value))
        if field in _NUMBER_FIELDS
        else expected_text == str(actual_value)
    )


def _actual_text(field: str, actual_value: object) -> str:
    return f"no {field}" if actual_value is None else str(actual_value)
