"""What a coder expects of a scenario's lines against what the engine said, field by field, in words."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from codeset.suite.scenarios import Scenario

_OF_LINE = ("disposition", "edit", "global_days")
_NUMBERS = ("payment_percent", "allowed_cents")
_OF_FINDING = ("column_one", "column_two", "ccmi", "mue_value", "mai", "carc", "group_code")
"""Fields of the finding that decides."""


def failures(scenario: Scenario, lines: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return how what was said of *lines* differs from what *scenario* expects; nothing, if it does not."""
    return tuple(
        f"line {place} ({line['hcpcs']}), {difference}"
        for place, (expected, line) in enumerate(zip(scenario.expected, lines, strict=True), start=1)
        for difference in _differences(expected, line)
    )


def _differences(expected: Mapping[str, str], line: Mapping[str, Any]) -> Iterator[str]:
    decisive: Mapping[str, Any] = next(iter(line["findings"]), {}) if line["decided_by"] else {}
    for field, text in expected.items():
        value = decisive.get(field) if field in _OF_FINDING else line.get(field)
        if field == "remedy":
            value = remedy_text(line)
        if not _same(field, text, value):
            yield f"{field}: expected {text}, found {_as_text(field, value)}"


def remedy_text(line: Mapping[str, Any]) -> str:
    """Return a line's remedy as scenarios have it: `17000 + 17003-59 x3`, or `none`."""
    lines = line.get("remedy") or []
    texts = ["-".join((code["hcpcs"], *code["modifiers"])) + _times(code["units"]) for code in lines]
    return " + ".join(texts) or "none"


def _times(units: int) -> str:
    return f" x{units}" if units != 1 else ""


def _same(field: str, text: str, value: object) -> bool:
    if value is None:
        return False
    # As numbers: a person writes 50 where the engine says 50.000.
    return Decimal(text) == Decimal(str(value)) if field in _NUMBERS else text == str(value)


def _as_text(field: str, value: object) -> str:
    return f"no {field}" if value is None else str(value)
