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

_SIGNS: Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
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
_FACTS: Mapping[str, tuple[str, ...]] = {"mpfs": ("global_days", "status_code"), "mue": ("mue_value",)}


def with_facts(lines: pl.DataFrame, snapshots: Sequence[Snapshot], *, on_any_date: bool = False) -> pl.DataFrame:
    """Return *lines* with the columns of CMS's tables that conditions may use.

    Each line has the values of the release of its day; with *on_any_date* every line those of the one snapshot. Codes
    are those of the whole service, without a modifier. `is_covered`: a release covers the day.
    """
    text = [pl.col(name).cast(pl.String) for name in ("hcpcs", "modifiers", "place_of_service")]
    day = pl.col("date_of_service").dt
    quarter = pl.lit(_ANY_QUARTER) if on_any_date else day.year().cast(pl.Int32) * 4 + day.quarter().cast(pl.Int32)
    frame = lines.with_columns(*text, quarter.cast(pl.Int32).alias(_QUARTER))
    covered = [_ANY_QUARTER if on_any_date else _number(snapshot) for snapshot in snapshots]
    frame = frame.with_columns(is_covered=pl.col(_QUARTER).is_in(covered))
    for table, columns in _FACTS.items():
        frame = frame.join(
            _facts(table, columns, snapshots, covered), on=[_QUARTER, "hcpcs"], how="left", maintain_order="left"
        )
    return frame.with_row_index("row")


def _number(snapshot: Snapshot) -> int:
    return snapshot.release.year * 4 + snapshot.release.quarter


def _facts(table: str, columns: Sequence[str], snapshots: Sequence[Snapshot], quarters: Sequence[int]) -> pl.DataFrame:
    """The *columns* of a table by quarter and code; no row of a release that does not hold it."""
    schema = {_QUARTER: pl.Int32, "hcpcs": pl.String}
    schema |= {name: pl.Int64 if name in NUMBERS else pl.String for name in columns}
    rows = [pl.DataFrame(schema=schema)]
    for snapshot, quarter in zip(snapshots, quarters, strict=True):
        if table in snapshot:
            whole = snapshot.scan(table).filter(pl.col("modifier") == "") if table == "mpfs" else snapshot.scan(table)
            of_quarter = whole.select(pl.lit(quarter).alias(_QUARTER), "hcpcs", *columns)
            rows.append(of_quarter.select(pl.col(name).cast(dtype) for name, dtype in schema.items()).collect())
    return pl.concat(rows)


def matching(frame: pl.DataFrame, condition: Condition) -> pl.Series:
    """Return for each row of *frame* (made by `with_facts`) whether it meets *condition*; what is null does not."""
    match condition:
        case Comparison(column, sign, value):
            return _true_only(frame.select(_SIGNS[sign](pl.col(column), _operand(column, value))).to_series())
        case OneOf(column, values):
            return _true_only(frame.select(_one_of(column, sorted(values))).to_series())
        case Negation(inner):
            return ~matching(frame, inner)
        case Joined(word, parts):
            columns = pl.DataFrame([matching(frame, part).alias(str(n)) for n, part in enumerate(parts)])
            holds = pl.all_horizontal(pl.all()) if word == "and" else pl.any_horizontal(pl.all())
            return columns.select(holds).to_series()
        case Related(relation, inner):
            return _related(frame, RELATIONS[relation], matching(frame, inner))
        case NthDay(inner, sign, days):
            return _nth_day(frame, matching(frame, inner), sign, days)


def _operand(column: str, value: str) -> pl.Expr:
    if value in NUMBERS:
        return pl.col(value)
    return pl.lit(int(value)) if column in NUMBERS else pl.lit(value)


def _one_of(column: str, values: Sequence[str]) -> pl.Expr:
    if column in LISTS:
        codes = [value.replace(".", "") for value in values]  # a diagnosis with its point or without
        return (
            pl.col(column)
            .str.replace_all(".", "", literal=True)
            .str.split(" ")
            .list.set_intersection(pl.lit(codes))
            .list.len()
            > 0
        )
    return pl.col(column).is_in(values)


def _related(frame: pl.DataFrame, keys: Sequence[str], meets: pl.Series) -> pl.Series:
    """Whether another row with the same *keys* meets the condition: all that do, less the row itself."""
    # Sums instead of a join: a beneficiary with many lines would make pairs by the square of them.
    rows = frame.select(*keys, meets=meets.cast(pl.Int64))
    others = pl.col("meets").sum().over(*keys) - pl.col("meets")
    return _true_only(rows.select(others > 0).to_series())


def _nth_day(frame: pl.DataFrame, meets: pl.Series, sign: str, days: int) -> pl.Series:
    # Days, not lines: several sessions of one day are one day of treatment (NCD 250.1 counts days).
    keys = ("beneficiary", "date_of_service")
    of_beneficiary = frame.filter(meets).select(keys).unique().sort(keys)
    days_in_order = of_beneficiary.with_columns(nth=pl.int_range(1, pl.len() + 1).over("beneficiary"))
    numbered_lines = frame.select(keys).join(days_in_order, on=keys, how="left", maintain_order="left")
    return _true_only(numbered_lines.select(_SIGNS[sign](pl.col("nth"), pl.lit(days))).to_series()) & meets


def _true_only(values: pl.Series) -> pl.Series:
    # Where there is no value, a comparison does not hold (docs/writing-a-check.md).
    return values.fill_null(value=False)
