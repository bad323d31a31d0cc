"""A practice's own claims, adjudicated as if the one and as if the other release were in force on their dates.

The dates stay, so that same-day edits and global periods see what they saw; only the code set differs. A denied line
counts as $0.00. A line without an amount in one of the releases is in no total.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from codeset.claims.adjudicate import adjudicate, compact_outcome
from codeset.claims.engine.code_set import code_set_of
from codeset.claims.outcome import Outcome
from codeset.participants import Participant
from codeset.snapshot import Snapshot

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
    lines: pl.DataFrame,
    old: Snapshot,
    new: Snapshot,
    participant: Participant | None,
    families: Mapping[str, str],
) -> ClaimsImpact:
    """Return what *new* in place of *old* makes of claim *lines* (columns of `claim_fields`), whatever their dates.

    *families* gives codes their family; *participant* chooses the conversion factor where there are several.
    """
    compared = _compared(lines, old, new, participant).with_columns(
        pl.col("hcpcs").replace_strict(families, default=OTHER, return_dtype=pl.String).alias("family")
    )
    # Only lines with both amounts: a sum over others would mix the change with what is not known.
    comparable = compared.filter(_HAS_BOTH)
    changed_results = compared.filter(_RESULT_DIFFERS)
    # Lines without an amount in one of the releases have no size, and come last.
    changed = changed_results.sort(_SIZE, descending=True, nulls_last=True, maintain_order=True).head(MOST_LINES)
    fees = comparable.select(pl.col(f"fee_times_units_{when}").sum() for when in _WHEN).row(0)
    return ClaimsImpact(
        participant=participant,
        claims=compared["claim_id"].n_unique(),
        lines=compared.height,
        total=next(_totals(comparable.with_columns(pl.lit("").alias("all")), "all"), ImpactTotal("", 0, 0, 0, 0)),
        units_times_fee=(fees[0], fees[1]),
        without_amount=compared.height - comparable.height,
        families=tuple(_totals(comparable, "family")),
        codes=tuple(_totals(comparable.filter(_CHANGE != 0), "hcpcs")),
        result_changes=tuple(_result_changes(changed_results)),
        changed=tuple(map(_changed_line, changed.sort("row").iter_rows(named=True))),
        left_out=changed_results.height - changed.height,
    )


_WHEN = ("before", "after")
_CHANGE = pl.col("cents_after") - pl.col("cents_before")
_HAS_BOTH = pl.col("cents_before").is_not_null() & pl.col("cents_after").is_not_null()
_SIZE = _CHANGE.abs()
_RESULT_DIFFERS = pl.any_horizontal(
    pl.col(f"{name}_before") != pl.col(f"{name}_after") for name in ("disposition", "reason", "row_text")
)
_LINE = ("row", "claim_id", "line", "date_of_service", "hcpcs", "modifiers", "units")


def _compared(lines: pl.DataFrame, old: Snapshot, new: Snapshot, participant: Participant | None) -> pl.DataFrame:
    """The lines with their result in each release, `before` and `after`."""
    results = [_results(lines, snapshot, participant) for snapshot in (old, new)]
    answers = [
        result.select(pl.exclude(_LINE).name.suffix(f"_{when}")) for when, result in zip(_WHEN, results, strict=True)
    ]
    return results[0].select(_LINE).hstack(answers[0]).hstack(answers[1])


def _results(lines: pl.DataFrame, snapshot: Snapshot, participant: Participant | None) -> pl.DataFrame:
    """Each line with `disposition`, `cents`, `reason`, `row_text`, and units times the fee of one unit."""
    outcome = adjudicate(lines, snapshot, participant=participant, on_any_date=True)
    is_denied = pl.col("disposition") == "deny"
    results = outcome.lines.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String)).select(
        *_LINE,
        "disposition",
        pl.when(is_denied).then(0).otherwise("allowed_cents").alias("cents"),
        pl.coalesce("decided_by", "unpriced", pl.lit("")).alias("reason"),
    )
    fees = _fee_times_units(lines, snapshot, participant)
    return results.join(_deciding_rows(outcome), on="row", how="left", maintain_order="left").with_columns(
        pl.col("row_text").fill_null(""), fees
    )


def _fee_times_units(lines: pl.DataFrame, snapshot: Snapshot, participant: Participant | None) -> pl.Series:
    """What units times fee is for each line if no edit denied it and no rule reduced it; 0 without a fee."""
    code_set = code_set_of([snapshot], lines["hcpcs"].unique(), on_any_date=True)
    # What a spreadsheet of units times fee would say: shown beside the result of the edits, so that the difference can
    # be seen.
    unedited = compact_outcome(lines, code_set, participant=participant, edits=()).outcome().lines
    return unedited.select((pl.col("fee_cents") * pl.col("units")).fill_null(0).alias("fee_times_units")).to_series()


def _deciding_rows(outcome: Outcome) -> pl.DataFrame:
    """For each line with findings, the row of CMS's that the decisive one rests on, as `row_text`."""
    # Findings of a line come gravest first: the first is the one that decides.
    decisive = outcome.findings.unique("row", keep="first", maintain_order=True)
    return decisive.select(
        "row", _ROW_TEXT.alias("row_text"), *(_text(name) for name in ("table", "column_one", "column_two"))
    )


def _text(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).fill_null("")


_SINCE = pl.when(pl.col("effective_date").is_not_null()).then(
    pl.concat_str(pl.lit(", effective "), pl.col("effective_date").dt.strftime("%m/%d/%Y"))
)
_ROW_TEXT = (
    pl.when(pl.col("table").cast(pl.String) == "ptp")
    .then(
        pl.concat_str(
            pl.lit("PTP "),
            _text("column_one"),
            pl.lit("/"),
            _text("column_two"),
            pl.lit(", modifier indicator "),
            _text("ccmi"),
            _SINCE.fill_null(""),
        )
    )
    .when(pl.col("table").cast(pl.String) == "mue")
    .then(
        pl.concat_str(
            pl.lit("MUE "),
            _text("column_one"),
            pl.lit(": "),
            _text("mue_value"),
            pl.lit(" (MAI "),
            _text("mai"),
            pl.lit(")"),
        )
    )
    .when(pl.col("table").cast(pl.String) == "add_on")
    .then(pl.concat_str(pl.lit("add-on "), _text("column_one"), _SINCE.fill_null("")))
    .when(pl.col("table").cast(pl.String) == "mpfs")
    .then(pl.concat_str(pl.lit("fee schedule "), _text("column_one")))
    .otherwise(pl.lit(""))
)


def _totals(lines: pl.DataFrame, by: str) -> Iterator[ImpactTotal]:
    """The sums of *lines* by a column, those with the largest change first."""
    sums = lines.group_by(by, maintain_order=True).agg(
        pl.len().alias("lines"), pl.col("cents_before").sum(), pl.col("cents_after").sum()
    )
    sums = sums.with_columns(_CHANGE.alias("change"))
    for name, count, before, after, change in sums.sort(
        pl.col("change").abs(), by, descending=[True, False]
    ).iter_rows():
        yield ImpactTotal(name, count, before, after, change)


def _result_changes(lines: pl.DataFrame) -> Iterator[tuple[str, str, int]]:
    counts = lines.group_by("disposition_before", "disposition_after").len()
    yield from counts.sort("disposition_before", "disposition_after").iter_rows()


def _line_result(row: Mapping[str, Any], when: str) -> LineResult:
    table = row[f"table_{when}"] or ""
    return LineResult(
        disposition=row[f"disposition_{when}"],
        cents=row[f"cents_{when}"],
        reason=row[f"reason_{when}"],
        row=row[f"row_text_{when}"],
        table=table,
        key=_key(table, row[f"column_one_{when}"], row[f"column_two_{when}"]),
    )


def _key(table: str, one: str, two: str) -> tuple[str, ...]:
    """The key of the deciding row: both codes of a PTP edit, code and modifier of the fee schedule, else the code."""
    return {"ptp": (one, two), "mpfs": (one, ""), "": ()}.get(table, (one,))


def _changed_line(row: Mapping[str, Any]) -> ChangedLine:
    before, after = (_line_result(row, when) for when in _WHEN)
    change = None if before.cents is None or after.cents is None else after.cents - before.cents
    line_fields = {name: row[name] for name in _LINE[1:]}
    return ChangedLine(**line_fields, before=before, after=after, change_cents=change)
