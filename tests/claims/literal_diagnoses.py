"""Editions of some literal diagnoses, and codes to bill them with: code, billable, parent."""

from collections.abc import Iterable, Sequence

import literal_claims

from codeset.claims.outcome import Outcome
from codeset.snapshot import Snapshot

CODES = ["11102", "11200", "11402", "11602", "17000", "17110", "17262", "17311", "96912", "99213"]
SPLIT = ["L6610", "L6611", "L6612", "L6619"]
SAME = [
    *(("C44", False, None), ("C444", False, "C44"), ("C4441", True, "C444"), ("C449", False, "C44")),
    *(("C4490", True, "C449"), ("L57", False, None), ("L570", True, "L57"), ("L66", False, None)),
    *(("L82", False, None), ("L821", True, "L82"), ("Z41", False, None), ("Z411", True, "Z41")),
    *(("L40", False, None), ("L400", True, "L40"), ("L99", True, None), ("W57", False, None), ("W57XXXA", True, "W57")),
    ("L98", False, None),
]
"""In each edition."""

FY2024 = [*SAME, ("L661", True, "L66")]
FY2025 = [*SAME, ("L661", False, "L66"), *((code, True, "L661") for code in SPLIT)]
FY2026 = [
    *FY2025,
    ("L98A", False, "L98"),
    ("L98A1", False, "L98A"),
    ("L98A11", False, "L98A1"),
    ("L98A111", True, "L98A11"),
]


def decided_alone(snapshots: Sequence[Snapshot], texts: Iterable[str]) -> dict[str, str]:
    """Return for each line alone its disposition, and what decided it even where that is a note."""
    answers = literal_claims.by_case(snapshots, [(text,) for text in texts], _decided)
    return {text: answer for (text,), [answer] in answers.items()}


def _decided(outcome: Outcome) -> list[str]:
    lines = outcome.lines.sort("line").select("disposition", "decided_by")
    return [" ".join(filter(None, answer)) for answer in lines.iter_rows()]
