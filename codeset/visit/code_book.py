"""What a release says of the codes that visits are coded with: payable or not, global days, PTP edits, MUEs, RVUs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from codeset.errors import WrongUse
from codeset.money import PAYABLE_STATUS
from codeset.snapshot import Snapshot
from codeset.tables import REQUIRED_TABLES
from codeset.visit.code_facts import CodeFacts


@dataclass(frozen=True)
class CodeRow:
    """A code's row of the fee schedule, as far as coding needs it."""

    status_code: str
    global_days: str
    pctc_indicator: str
    nonfacility_total_rvu: Decimal
    facility_total_rvu: Decimal


@dataclass(frozen=True)
class PtpEdit:
    """A PTP edit of two codes on a date: which is column one and which two, and the modifier indicator."""

    column_one: str
    column_two: str
    ccmi: int


@dataclass(frozen=True)
class CodeBook:
    """A release's rows of the codes that visits are coded with."""

    snapshot: Snapshot
    facts: CodeFacts
    fee_schedule: Mapping[str, CodeRow]
    mues: Mapping[str, tuple[int, int]]
    ptp_edits: Mapping[tuple[str, str], tuple[tuple[date, date, int], ...]]

    @classmethod
    def of(cls, snapshot: Snapshot) -> "CodeBook":
        """Read the rows of *snapshot*.

        Raises WrongUse: if it lacks a table that decides.
        """
        # Without MUEs or edits every service would seem billable: a table that is missing stops the coding.
        if missing_tables := [table for table in REQUIRED_TABLES if table not in snapshot]:
            raise WrongUse(f"{snapshot.release} holds no {', '.join(missing_tables)}: build it with --from or --carry")
        code_facts = CodeFacts.of(snapshot)
        visit_codes = code_facts.codes
        mue_rows = snapshot.scan("mue").filter(pl.col("hcpcs").is_in(visit_codes)).collect()
        return cls(
            snapshot,
            code_facts,
            _fee_rows_by_code(snapshot, visit_codes),
            {mue_row["hcpcs"]: (mue_row["mue_value"], mue_row["mai"]) for mue_row in mue_rows.iter_rows(named=True)},
            _dated_edits_by_pair(snapshot, visit_codes),
        )

    def is_payable(self, hcpcs: str) -> bool:
        """Whether the release pays the code by the fee schedule."""
        fee_row = self.fee_schedule.get(hcpcs)
        return fee_row is not None and fee_row.status_code in PAYABLE_STATUS

    def ptp_edit(self, hcpcs: str, other_hcpcs: str, date_of_service: date) -> PtpEdit | None:
        """Return the PTP edit of two codes that is in force on that date, whichever is column one; None without one."""
        for columns in ((hcpcs, other_hcpcs), (other_hcpcs, hcpcs)):
            for effective_date, deletion_date, ccmi in self.ptp_edits.get(columns, ()):
                # The deletion date is the last day on which the edit applies.
                if effective_date <= date_of_service <= deletion_date:
                    return PtpEdit(*columns, ccmi)
        return None


def _fee_rows_by_code(snapshot: Snapshot, visit_codes: Sequence[str]) -> dict[str, CodeRow]:
    indicator_columns = ["status_code", "global_days", "pctc_indicator", "nonfacility_total_rvu", "facility_total_rvu"]
    # Rows with 26, TC or 53 are parts of a code: a visit is coded with the whole.
    is_unmodified = pl.col("hcpcs").is_in(visit_codes) & (pl.col("modifier") == "")
    fee_rows = snapshot.scan("mpfs").filter(is_unmodified).select("hcpcs", *indicator_columns).collect()
    return {fee_row.pop("hcpcs"): CodeRow(**fee_row) for fee_row in fee_rows.iter_rows(named=True)}


def _dated_edits_by_pair(
    snapshot: Snapshot, visit_codes: Sequence[str]
) -> dict[tuple[str, str], tuple[tuple[date, date, int], ...]]:
    """The dates and modifier indicators of each pair; rows that were deleted as they took effect never applied."""
    has_both_codes = pl.col("column_one").is_in(visit_codes) & pl.col("column_two").is_in(visit_codes)
    columns = ["column_one", "column_two", "effective_date", "deletion_date", "ccmi"]
    edits_by_pair: dict[tuple[str, str], list[tuple[date, date, int]]] = defaultdict(list)
    ptp_row: dict[str, Any]
    for ptp_row in snapshot.scan("ptp").filter(has_both_codes).select(columns).collect().iter_rows(named=True):
        # CMS writes * for an edit that is still in force, which is read as null.
        deletion_date = ptp_row["deletion_date"] or date.max
        # One date for both: CMS took the edit back from its first day (Policy Manual 2026, I-14: indicator 9).
        if deletion_date != ptp_row["effective_date"]:
            edits_by_pair[ptp_row["column_one"], ptp_row["column_two"]].append(
                (ptp_row["effective_date"], deletion_date, ptp_row["ccmi"])
            )
    return {code_pair: tuple(dated_edits) for code_pair, dated_edits in edits_by_pair.items()}
