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
    rows: Mapping[str, CodeRow]
    mues: Mapping[str, tuple[int, int]]
    pairs: Mapping[tuple[str, str], tuple[tuple[date, date, int], ...]]

    @classmethod
    def of(cls, snapshot: Snapshot) -> "CodeBook":
        """Read the rows of *snapshot*.

        Raises WrongUse: if it lacks a table that decides.
        """
        if missing_tables := [table for table in REQUIRED_TABLES if table not in snapshot]:
            raise WrongUse(f"{snapshot.release} holds no {', '.join(missing_tables)}: build it with --from or --carry")
        facts = CodeFacts.of(snapshot)
        codes = facts.codes
        mue = snapshot.scan("mue").filter(pl.col("hcpcs").is_in(codes)).collect()
        return cls(
            snapshot,
            facts,
            _code_rows(snapshot, codes),
            {row["hcpcs"]: (row["mue_value"], row["mai"]) for row in mue.iter_rows(named=True)},
            _ptp_pairs(snapshot, codes),
        )

    def is_payable(self, hcpcs: str) -> bool:
        """Whether the release pays the code by the fee schedule."""
        row = self.rows.get(hcpcs)
        return row is not None and row.status_code in PAYABLE_STATUS

    def edit(self, one: str, other: str, day: date) -> PtpEdit | None:
        """Return the PTP edit of two codes that is in force on *day*, whichever is column one; None without one."""
        for pair in ((one, other), (other, one)):
            for effective, deletion, ccmi in self.pairs.get(pair, ()):
                # The deletion date is the last day on which the edit applies.
                if effective <= day <= deletion:
                    return PtpEdit(*pair, ccmi)
        return None


def _code_rows(snapshot: Snapshot, codes: Sequence[str]) -> dict[str, CodeRow]:
    columns = ["status_code", "global_days", "pctc_indicator", "nonfacility_total_rvu", "facility_total_rvu"]
    is_whole = pl.col("hcpcs").is_in(codes) & (pl.col("modifier") == "")
    rows = snapshot.scan("mpfs").filter(is_whole).select("hcpcs", *columns).collect()
    return {row.pop("hcpcs"): CodeRow(**row) for row in rows.iter_rows(named=True)}


def _ptp_pairs(snapshot: Snapshot, codes: Sequence[str]) -> dict[tuple[str, str], tuple[tuple[date, date, int], ...]]:
    """The dates and modifier indicators of each pair; rows that were deleted as they took effect never applied."""
    has_both_codes = pl.col("column_one").is_in(codes) & pl.col("column_two").is_in(codes)
    columns = ["column_one", "column_two", "effective_date", "deletion_date", "ccmi"]
    pairs: dict[tuple[str, str], list[tuple[date, date, int]]] = defaultdict(list)
    row: dict[str, Any]
    for row in snapshot.scan("ptp").filter(has_both_codes).select(columns).collect().iter_rows(named=True):
        deletion = row["deletion_date"] or date.max
        # One date for both: CMS took the edit back from its first day (Policy Manual 2026, I-14: indicator 9).
        if deletion != row["effective_date"]:
            pairs[row["column_one"], row["column_two"]].append((row["effective_date"], deletion, row["ccmi"]))
    return {pair: tuple(rows) for pair, rows in pairs.items()}
