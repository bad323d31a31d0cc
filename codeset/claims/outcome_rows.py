"""The rows of an outcome as typed Python values."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from codeset.claims.outcome import Outcome, outcome_frames
from codeset.claims.remedies.find_remedies import Remedy


@dataclass(frozen=True)
class Finding:
    """One finding of a line: the reason, the row of CMS's table behind it, and in words what it says and what to do."""

    reason: str
    edit: str
    severity: str
    group_code: str | None
    carc: str | None
    rarc: str | None
    table: str | None
    column_one: str | None
    column_two: str | None
    ccmi: int | None
    mue_value: int | None
    mai: int | None
    effective_date: date | None
    deletion_date: date | None
    edition: str | None
    partner_claim_id: str | None
    partner_line: int | None
    detail: str | None
    says: str
    do: str


@dataclass(frozen=True)
class LineOutcome:
    """One line: its disposition, what decides it, its amounts in cents, and its findings, the decisive one first.

    `remedy` has the claim lines to report in its place, where it is denied and CMS's tables say which.
    """

    claim_id: str
    line: int
    date_of_service: date
    hcpcs: str
    modifiers: tuple[str, ...]
    units: int
    disposition: str
    decided_by: str | None
    edit: str | None
    allowed_cents: int | None
    payment_percent: Decimal | None
    setting: str | None
    fee_cents: int | None
    nonparticipating_cents: int | None
    limiting_cents: int | None
    unpriced: str | None
    global_days: str | None
    work_rvu: Decimal | None
    pe_rvu: Decimal | None
    mp_rvu: Decimal | None
    findings: tuple[Finding, ...]
    remedy: Remedy | None


def outcome_rows(outcome: Outcome) -> list[LineOutcome]:
    """Return a value for each line of *outcome*, in its order."""
    frames = outcome_frames(outcome)
    findings_of_lines: dict[tuple[str, int], list[Finding]] = defaultdict(list)
    for row in frames.findings.iter_rows(named=True):
        findings_of_lines[row["claim_id"], row["line"]].append(Finding(**_members_of_row(Finding, row)))
    return [
        LineOutcome(
            **{**_members_of_row(LineOutcome, row), "modifiers": tuple(row["modifiers"].split())},
            findings=tuple(findings_of_lines[row["claim_id"], row["line"]]),
            remedy=outcome.remedies.get((row["claim_id"], row["line"])),
        )
        for row in frames.lines.iter_rows(named=True)
    ]


def _members_of_row(value_type: type, table_row: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: table_row[field.name] for field in fields(value_type) if field.name in table_row}
