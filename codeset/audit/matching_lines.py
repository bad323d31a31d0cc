"""Which claim lines meet a condition: conditions as polars expressions over a frame of lines."""

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne

import polars as pl

from codeset.audit.conditions import (
    LISTS,
    NUMBERS,
    RELATIONS,
    Comparison,
    Condition,
    Joined,
    Negation,
    NthDay,
    OneOf,
    Related,
)
from codeset.snapshot import Snapshot

_SIGN_OPERATORS: Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}
_QUARTER = "quarter"
_ANY_QUARTER = 0
"""Quarters are numbers, year x 4 + quarter, to join by; this one is none of them."""
_FACT_COLUMNS: Mapping[str, tuple[str, ...]] = {"mpfs": ("global_days", "status_code"), "mue": ("mue_value",)}


def with_facts(claim_lines: pl.DataFrame, snapshots: Sequence[Snapshot], *, on_any_date: bool = False) -> pl.DataFrame:
    """Return *claim_lines* with the columns of CMS's tables that conditions may use.

    Each line has the values of the release of its day; with *on_any_date* every line those of the one snapshot. Codes
    are those of the whole service, without a modifier. `is_covered`: a release covers the day.
    """
    text_columns = [pl.col(column).cast(pl.String) for column in ("hcpcs", "modifiers", "place_of_service")]
    service_day = pl.col("date_of_service").dt
    quarter_number = (
        pl.lit(_ANY_QUARTER)
        if on_any_date
        else service_day.year().cast(pl.Int32) * 4 + service_day.quarter().cast(pl.Int32)
    )
    lines_with_facts = claim_lines.with_columns(*text_columns, quarter_number.cast(pl.Int32).alias(_QUARTER))
    covered_quarters = [_ANY_QUARTER if on_any_date else _quarter_number(snapshot) for snapshot in snapshots]
    lines_with_facts = lines_with_facts.with_columns(is_covered=pl.col(_QUARTER).is_in(covered_quarters))
    for table_name, columns in _FACT_COLUMNS.items():
        lines_with_facts = lines_with_facts.join(
            _facts_by_quarter(table_name, columns, snapshots, covered_quarters),
            on=[_QUARTER, "hcpcs"],
            how="left",
            maintain_order="left",
        )
    return lines_with_facts.with_row_index("row")


def _quarter_number(snapshot: Snapshot) -> int:
    return snapshot.release.year * 4 + snapshot.release.quarter


def _facts_by_quarter(
    table_name: str, columns: Sequence[str], snapshots: Sequence[Snapshot], quarters: Sequence[int]
) -> pl.DataFrame:
    """The *columns* of a table by quarter and code; no row of a release that does not hold it."""
    schema = {_QUARTER: pl.Int32, "hcpcs": pl.String}
    schema |= {column: pl.Int64 if column in NUMBERS else pl.String for column in columns}
    quarter_frames = [pl.DataFrame(schema=schema)]
    for snapshot, quarter in zip(snapshots, quarters, strict=True):
        if table_name in snapshot:
            # The fee schedule has rows of 26, TC and 53 as well; a join by code alone would repeat the line for each.
            service_rows = (
                snapshot.scan(table_name).filter(pl.col("modifier") == "")
                if table_name == "mpfs"
                else snapshot.scan(table_name)
            )
            quarter_rows = service_rows.select(pl.lit(quarter).alias(_QUARTER), "hcpcs", *columns)
            quarter_frames.append(
                quarter_rows.select(pl.col(column).cast(dtype) for column, dtype in schema.items()).collect()
            )
    return pl.concat(quarter_frames)


def matching(lines_with_facts: pl.DataFrame, condition: Condition) -> pl.Series:
    """Return for each row of *lines_with_facts* (`with_facts`) whether it meets *condition*; what is null does not."""
    match condition:
        case Comparison(column, sign, value):
            return _true_only(
                lines_with_facts.select(_SIGN_OPERATORS[sign](pl.col(column), _operand(column, value))).to_series()
            )
        case OneOf(column, values):
            return _true_only(lines_with_facts.select(_is_one_of(column, sorted(values))).to_series())
        case Negation(condition_inside):
            return ~matching(lines_with_facts, condition_inside)
        case Joined(join_word, joined_conditions):
            condition_columns = pl.DataFrame(
                [
                    matching(lines_with_facts, joined_condition).alias(str(position))
                    for position, joined_condition in enumerate(joined_conditions)
                ]
            )
            joined_columns = pl.all_horizontal(pl.all()) if join_word == "and" else pl.any_horizontal(pl.all())
            return condition_columns.select(joined_columns).to_series()
        case Related(relation, condition_inside):
            return _has_related_line(
                lines_with_facts, RELATIONS[relation], matching(lines_with_facts, condition_inside)
            )
        case NthDay(condition_inside, sign, days):
            return _is_nth_day(lines_with_facts, matching(lines_with_facts, condition_inside), sign, days)


def _operand(column: str, value: str) -> pl.Expr:
    if value in NUMBERS:
        return pl.col(value)
    return pl.lit(int(value)) if column in NUMBERS else pl.lit(value)


def _is_one_of(column: str, values: Sequence[str]) -> pl.Expr:
    if column in LISTS:
        codes_without_point = [value.replace(".", "") for value in values]  # a diagnosis with its point or without
        return (
            pl.col(column)
            .str.replace_all(".", "", literal=True)
            .str.split(" ")
            .list.set_intersection(pl.lit(codes_without_point))
            .list.len()
            > 0
        )
    return pl.col(column).is_in(values)


def _has_related_line(
    lines_with_facts: pl.DataFrame, shared_columns: Sequence[str], meets_condition: pl.Series
) -> pl.Series:
    """Whether another row with the same *shared_columns* meets the condition: all that do, less the row itself."""
    # Sums instead of a join: a beneficiary with many lines would make pairs by the square of them.
    counted_rows = lines_with_facts.select(*shared_columns, meets=meets_condition.cast(pl.Int64))
    meeting_others = pl.col("meets").sum().over(*shared_columns) - pl.col("meets")
    return _true_only(counted_rows.select(meeting_others > 0).to_series())


def _is_nth_day(lines_with_facts: pl.DataFrame, meets_condition: pl.Series, sign: str, days: int) -> pl.Series:
    # Days, not lines: several sessions of one day are one day of treatment (NCD 250.1 counts days).
    day_columns = ("beneficiary", "date_of_service")
    days_of_beneficiaries = lines_with_facts.filter(meets_condition).select(day_columns).unique().sort(day_columns)
    numbered_days = days_of_beneficiaries.with_columns(nth=pl.int_range(1, pl.len() + 1).over("beneficiary"))
    numbered_lines = lines_with_facts.select(day_columns).join(
        numbered_days, on=day_columns, how="left", maintain_order="left"
    )
    return (
        _true_only(numbered_lines.select(_SIGN_OPERATORS[sign](pl.col("nth"), pl.lit(days))).to_series())
        & meets_condition
    )


def _true_only(truth_values: pl.Series) -> pl.Series:
    # Where there is no value, a comparison does not hold (docs/writing-a-check.md).
    return truth_values.fill_null(value=False)
