"""A practice's own claims, adjudicated as if the one and as if the other release were in force on their dates.

The dates stay, so that same-day edits and global periods see what they saw; only the code set differs. A denied line
counts as $0.00. A line without an amount in one of the releases is in no total.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from codeset import wording
from codeset.claims.adjudicate import adjudicate, compact_outcome
from codeset.claims.engine.code_set import code_set_of
from codeset.claims.outcome import Outcome
from codeset.participants import Participant
from codeset.snapshot import Snapshot
from codeset.tables import TABLES

OTHER = "other codes"
"""The family of codes outside dermatology's families."""

MOST_LINES = 400
"""As many lines with a changed result as are kept one by one; those with the largest change of amount."""


@dataclass(frozen=True)
class LineResult:
    """What a release says of a line: its disposition, cents (None: no amount), the reason, and CMS's row that decides.

    The row is in words, and by `table` and `key`; "" and empty where none decides.
    """

    disposition: str
    cents: int | None
    reason: str
    row: str
    table: str
    key: tuple[str, ...]


@dataclass(frozen=True)
class ChangedLine:
    """A line whose disposition, reason or deciding row differs."""

    claim_id: str
    line: int
    date_of_service: date
    hcpcs: str
    modifiers: str
    units: int
    before: LineResult
    after: LineResult
    change_cents: int | None


@dataclass(frozen=True)
class ImpactTotal:
    """Lines that have an amount in both releases, summed: cents before, after, and the difference."""

    name: str
    lines: int
    before_cents: int
    after_cents: int
    change_cents: int


@dataclass(frozen=True)
class ClaimsImpact:
    """The difference that the new release makes on the claims, for one participant class.

    `result_changes` counts lines by disposition before and after, where the result changed; `changed` are those lines
    (at most `MOST_LINES`, `left_out` more). `units_times_fee` is what multiplying units by the fee of one unit gives in
    both releases for the lines in `total`: without denials and multiple-procedure reductions.
    """

    participant: Participant | None
    claims: int
    lines: int
    total: ImpactTotal
    units_times_fee: tuple[int, int]
    without_amount: int
    families: tuple[ImpactTotal, ...]
    codes: tuple[ImpactTotal, ...]
    result_changes: tuple[tuple[str, str, int], ...]
    changed: tuple[ChangedLine, ...]
    left_out: int


def claims_impact(
    claim_lines: pl.DataFrame,
    old_snapshot: Snapshot,
    new_snapshot: Snapshot,
    participant: Participant | None,
    families: Mapping[str, str],
) -> ClaimsImpact:
    """Return what *new_snapshot* in place of *old_snapshot* makes of *claim_lines* (columns of `claim_fields`).

    The lines are read against each of the two whatever their dates.


    *families* gives codes their family; *participant* chooses the conversion factor where there are several.
    """
    compared_lines = _compared_lines(claim_lines, old_snapshot, new_snapshot, participant).with_columns(
        pl.col("hcpcs").replace_strict(families, default=OTHER, return_dtype=pl.String).alias("family")
    )
    # Only lines with both amounts: a sum over others would mix the change with what is not known.
    priced_lines = compared_lines.filter(_HAS_BOTH)
    changed_lines = compared_lines.filter(_RESULT_DIFFERS)
    # Lines without an amount in one of the releases have no size, and come last.
    kept_lines = changed_lines.sort(_CHANGE_SIZE, descending=True, nulls_last=True, maintain_order=True).head(
        MOST_LINES
    )
    fees = priced_lines.select(pl.col(f"fee_times_units_{moment}").sum() for moment in _MOMENTS).row(0)
    return ClaimsImpact(
        participant=participant,
        claims=compared_lines["claim_id"].n_unique(),
        lines=compared_lines.height,
        total=next(_totals(priced_lines.with_columns(pl.lit("").alias("all")), "all"), ImpactTotal("", 0, 0, 0, 0)),
        units_times_fee=(fees[0], fees[1]),
        without_amount=compared_lines.height - priced_lines.height,
        families=tuple(_totals(priced_lines, "family")),
        codes=tuple(_totals(priced_lines.filter(_CENTS_CHANGE != 0), "hcpcs")),
        result_changes=tuple(_result_changes(changed_lines)),
        changed=tuple(map(_changed_line, kept_lines.sort("row").iter_rows(named=True))),
        left_out=changed_lines.height - kept_lines.height,
    )


_MOMENTS = ("before", "after")
_CENTS_CHANGE = pl.col("cents_after") - pl.col("cents_before")
_HAS_BOTH = pl.col("cents_before").is_not_null() & pl.col("cents_after").is_not_null()
_CHANGE_SIZE = _CENTS_CHANGE.abs()
_RESULT_DIFFERS = pl.any_horizontal(
    pl.col(f"{name}_before") != pl.col(f"{name}_after") for name in ("disposition", "reason", "row_text")
)
_LINE_COLUMNS = ("row", "claim_id", "line", "date_of_service", "hcpcs", "modifiers", "units")


def _compared_lines(
    claim_lines: pl.DataFrame, old_snapshot: Snapshot, new_snapshot: Snapshot, participant: Participant | None
) -> pl.DataFrame:
    """The lines with their result in each release, `before` and `after`."""
    results_by_release = [_results_in(claim_lines, snapshot, participant) for snapshot in (old_snapshot, new_snapshot)]
    result_columns = [
        release_results.select(pl.exclude(_LINE_COLUMNS).name.suffix(f"_{moment}"))
        for moment, release_results in zip(_MOMENTS, results_by_release, strict=True)
    ]
    return results_by_release[0].select(_LINE_COLUMNS).hstack(result_columns[0]).hstack(result_columns[1])


def _results_in(claim_lines: pl.DataFrame, snapshot: Snapshot, participant: Participant | None) -> pl.DataFrame:
    """Each line with `disposition`, `cents`, `reason`, `row_text`, and units times the fee of one unit."""
    claim_outcome = adjudicate(claim_lines, snapshot, participant=participant, on_any_date=True)
    is_denied = pl.col("disposition") == "deny"
    line_results = claim_outcome.lines.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String)).select(
        *_LINE_COLUMNS,
        "disposition",
        # A denied line is paid nothing, whatever its allowed amount would be.
        pl.when(is_denied).then(0).otherwise("allowed_cents").alias("cents"),
        pl.coalesce("decided_by", "unpriced", pl.lit("")).alias("reason"),
    )
    fee_column = _fee_times_units(claim_lines, snapshot, participant)
    return line_results.join(_deciding_rows(claim_outcome), on="row", how="left", maintain_order="left").with_columns(
        pl.col("row_text").fill_null(""), fee_column
    )


def _fee_times_units(claim_lines: pl.DataFrame, snapshot: Snapshot, participant: Participant | None) -> pl.Series:
    """What units times fee is for each line if no edit denied it and no rule reduced it; 0 without a fee."""
    code_set = code_set_of([snapshot], claim_lines["hcpcs"].unique(), on_any_date=True)
    # What a spreadsheet of units times fee would say: shown beside the result of the edits, so that the difference can
    # be seen.
    lines_without_edits = compact_outcome(claim_lines, code_set, participant=participant, edits=()).outcome().lines
    return lines_without_edits.select(
        (pl.col("fee_cents") * pl.col("units")).fill_null(0).alias("fee_times_units")
    ).to_series()


def _deciding_rows(claim_outcome: Outcome) -> pl.DataFrame:
    """For each line with findings, the row of CMS's that the decisive one rests on, as `row_text`."""
    # Findings of a line come gravest first: the first is the one that decides.
    deciding_findings = claim_outcome.findings.unique("row", keep="first", maintain_order=True)
    return deciding_findings.select(
        "row", _ROW_TEXT.alias("row_text"), *(_text_column(column) for column in ("table", "column_one", "column_two"))
    )


def _text_column(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).fill_null("")


_EFFECTIVE_NOTE = pl.when(pl.col("effective_date").is_not_null()).then(
    pl.concat_str(pl.lit(", effective "), pl.col("effective_date").dt.strftime("%m/%d/%Y"))
)
_TABLE_NAME = (
    pl.col("table")
    .cast(pl.String)
    .replace_strict({name: wording.table_name(name) for name in TABLES}, return_dtype=pl.String)
)
_ROW_TEXT = (
    pl.when(pl.col("table").cast(pl.String) == "ptp")
    .then(
        pl.concat_str(
            pl.lit("PTP "),
            _text_column("column_one"),
            pl.lit("/"),
            _text_column("column_two"),
            pl.lit(", modifier indicator "),
            _text_column("ccmi"),
            _EFFECTIVE_NOTE.fill_null(""),
        )
    )
    .when(pl.col("table").cast(pl.String) == "mue")
    .then(
        pl.concat_str(
            pl.lit("MUE "),
            _text_column("column_one"),
            pl.lit(": "),
            _text_column("mue_value"),
            pl.lit(" (MAI "),
            _text_column("mai"),
            pl.lit(")"),
        )
    )
    .when(pl.col("table").cast(pl.String) == "add_on")
    .then(pl.concat_str(pl.lit("add-on "), _text_column("column_one"), _EFFECTIVE_NOTE.fill_null("")))
    .when(pl.col("table").is_not_null())
    .then(pl.concat_str(_TABLE_NAME, pl.lit(" "), _text_column("column_one")))
    .otherwise(pl.lit(""))
)


def _totals(priced_lines: pl.DataFrame, group_column: str) -> Iterator[ImpactTotal]:
    """The sums of *priced_lines* by a column, those with the largest change first."""
    group_sums = priced_lines.group_by(group_column, maintain_order=True).agg(
        pl.len().alias("lines"), pl.col("cents_before").sum(), pl.col("cents_after").sum()
    )
    group_sums = group_sums.with_columns(_CENTS_CHANGE.alias("change"))
    for group_name, line_count, cents_before, cents_after, cents_change in group_sums.sort(
        pl.col("change").abs(), group_column, descending=[True, False]
    ).iter_rows():
        yield ImpactTotal(group_name, line_count, cents_before, cents_after, cents_change)


def _result_changes(changed_lines: pl.DataFrame) -> Iterator[tuple[str, str, int]]:
    change_counts = changed_lines.group_by("disposition_before", "disposition_after").len()
    yield from change_counts.sort("disposition_before", "disposition_after").iter_rows()


def _line_result(line_row: Mapping[str, Any], moment: str) -> LineResult:
    table_name = line_row[f"table_{moment}"] or ""
    return LineResult(
        disposition=line_row[f"disposition_{moment}"],
        cents=line_row[f"cents_{moment}"],
        reason=line_row[f"reason_{moment}"],
        row=line_row[f"row_text_{moment}"],
        table=table_name,
        key=_deciding_key(table_name, line_row[f"column_one_{moment}"], line_row[f"column_two_{moment}"]),
    )


def _deciding_key(table_name: str, first_code: str, second_code: str) -> tuple[str, ...]:
    """The key of the deciding row: both codes of a PTP edit, code and modifier of the fee schedule, else the code."""
    return {"ptp": (first_code, second_code), "mpfs": (first_code, ""), "": ()}.get(table_name, (first_code,))


def _changed_line(line_row: Mapping[str, Any]) -> ChangedLine:
    result_before, result_after = (_line_result(line_row, moment) for moment in _MOMENTS)
    change_cents = (
        None if result_before.cents is None or result_after.cents is None else result_after.cents - result_before.cents
    )
    line_fields = {field_name: line_row[field_name] for field_name in _LINE_COLUMNS[1:]}
    return ChangedLine(**line_fields, before=result_before, after=result_after, change_cents=change_cents)
