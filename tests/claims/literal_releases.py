"""Releases of some literal codes, and what decides each line of claims read against them.

"IOM" is the Medicare Claims Processing Manual (100-04); pages such as I-16 are those of the Policy Manual of 2026.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import literal_claims

from codeset.claims.outcome import Outcome, outcome_frames
from codeset.snapshot import Snapshot

VISITS = ["99202", "99203", "99204", "99205", "99211", "99212", "99213", "99214", "99215", "99348"]
SURGERY = {"global_days": "010", "multiple_procedure": "2"}
FEES: list[str | dict[str, Any]] = [
    *VISITS,
    {"hcpcs": "G2211", "global_days": "ZZZ"},
    {"hcpcs": "G0559", "global_days": "ZZZ"},
    {"hcpcs": "G0439"},
    {"hcpcs": "G0008"},
    {"hcpcs": "G0473"},
    {"hcpcs": "99406"},
    {"hcpcs": "11102", "global_days": "000", "multiple_procedure": "2"},
    {"hcpcs": "11402", **SURGERY},
    {"hcpcs": "17000", **SURGERY},
    *({"hcpcs": code, "global_days": "000", "multiple_procedure": "2"} for code in ("17311", "17313")),
    {"hcpcs": "17312", "global_days": "ZZZ"},
    {"hcpcs": "14040", "global_days": "090", "multiple_procedure": "2"},
    {"hcpcs": "20610", "global_days": "000", "multiple_procedure": "2", "bilateral_surgery": "1"},
    {"hcpcs": "15271", "global_days": "000", "multiple_procedure": "2"},
    {"hcpcs": "Q4101", "global_days": "ZZZ", "pctc_indicator": "3"},
    {"hcpcs": "96910", "pctc_indicator": "5"},
    *({"hcpcs": "88305", "pctc_indicator": "1", "modifier": modifier} for modifier in ("", "26", "TC")),
    {"hcpcs": "J3301", "status_code": "E", "global_days": "XXX"},
    {"hcpcs": "99024", "status_code": "B", "global_days": "XXX"},
    {"hcpcs": "0001F", "status_code": "M"},
    {"hcpcs": "99243", "status_code": "I"},
    {"hcpcs": "99417", "status_code": "I", "global_days": "ZZZ"},
    {"hcpcs": "G0463", "status_code": "X"},
    {"hcpcs": "A4550", "status_code": "B"},
]
ADD_ON = [
    *(("G2211", visit, "2024-01-01", None, 1) for visit in VISITS[:-1]),
    ("G2211", "99348", "2026-01-01", None, 1),
    ("99417", "99205", "2021-01-01", None, 1),
    ("17312", "17311", "2007-01-01", None, 1),
]
MUE = [
    ("J3301", 16, 3),
    ("99203", 1, 2),
    ("99024", 1, 3),
    ("99243", 0, 3),
    ("A4550", 0, 2),
    ("G0463", 0, 3),
    ("99213", 2, 3),
    ("11402", 3, 3),
    ("17311", 4, 3),
]

NURSE, ASSISTANT = "provider=n group=g specialty=50", "provider=a group=g specialty=97"
PHYSICIAN, INTERNIST = "group=g specialty=07", "provider=i group=g specialty=11"
"""Of one group. Practitioners who are no physicians enroll under specialties of their own (50, 89, 97)."""

PAY, REVIEW, UNKNOWN = ("pay", None, None), ("review", None, None), ("unknown", None, None)
DOCUMENTED = ("pay_if_documented", None, None)


def deny(group: str, carc: str | None) -> tuple[str, str | None, str | None]:
    return ("deny", group, carc)


Decision = tuple[str, str | None, str | None]
"""The disposition of a line, and group and number of the denial code of the finding that decides."""


def decisions(snapshots: Snapshot | Sequence[Snapshot], *texts: str) -> list[Decision]:
    """Return the decision of each line."""
    return decisions_by_case(snapshots, [texts])[texts]


def decisions_alone(snapshots: Snapshot | Sequence[Snapshot], texts: Iterable[str]) -> dict[str, Decision]:
    """Return the decision of each line alone: no two are of one patient."""
    cases = decisions_by_case(snapshots, [(text,) for text in texts])
    return {text: decision for (text,), [decision] in cases.items()}


def decisions_by_case(
    snapshots: Snapshot | Sequence[Snapshot], cases: Iterable[literal_claims.Case]
) -> dict[literal_claims.Case, list[Decision]]:
    """Return what `decisions` of each case is; all are adjudicated at once."""
    return literal_claims.by_case(snapshots, cases, _decisions_of)


def _decisions_of(outcome: Outcome) -> list[Decision]:
    first = outcome_frames(outcome).findings.unique(["claim_id", "line"], keep="first", maintain_order=True)
    lines = outcome_frames(outcome).lines.join(first, on=["claim_id", "line"], how="left")
    return [
        (row["disposition"], row["group_code"], row["carc"])
        if row["disposition"] in ("deny", "no_payment_due")
        else (row["disposition"], None, None)
        for row in lines.sort("line").iter_rows(named=True)
    ]
