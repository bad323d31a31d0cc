"""Dated rows of CMS's tables: on which days which of them hold together, and which hold on the day of a line."""

from collections.abc import Callable, Sequence

import polars as pl

from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import all_false, filter_rows
from codeset.claims.engine.visits import IS_IN_FORCE


def validity_intervals(rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Return dated *rows* by the intervals on which the same rows of one *key* hold.

    *rows* have `first_day` and `last_day`; each is returned once for each `interval` on which it holds, with the days
    of the interval as `first_day` and `last_day`. Intervals of one key do not overlap.
    """
    day_after = pl.col("last_day").dt.offset_by("1d")
    change_days = [rows.select(*key, day.alias("first_day")) for day in (pl.col("first_day"), day_after)]
    interval_ends = pl.col("first_day").shift(-1).over(key, order_by="first_day").dt.offset_by("-1d")
    intervals = pl.concat(change_days).unique().sort(*key, "first_day").with_columns(interval_ends.alias("last_day"))
    numbered_intervals = intervals.drop_nulls("last_day").with_row_index("interval")
    rows_with_own_days = rows.rename({"first_day": "row_first", "last_day": "row_last"})
    # Of each interval a row holds on all days or on none: its first day decides.
    is_in_force = pl.col("first_day").is_between("row_first", "row_last")
    in_force = numbered_intervals.join(rows_with_own_days, on=list(key)).filter(is_in_force)
    return in_force.drop("row_first", "row_last")


def rows_in_force(lines: Lines, dated_rows: Callable[[LineKinds], pl.DataFrame]) -> pl.DataFrame:
    """Return the rows that hold on the day of each line of their kind, with `row`; the edit reads `date_of_service`.

    *dated_rows* are a function of the line kinds: `line_kind`, `first_day`, `last_day`, and what else they say.
    """
    is_concerned = lines.look_up(lines.line_kinds.cached(_has_rows, dated_rows))
    interval_rows = lines.line_kinds.cached(dated_rows)
    days = lines.table["date_of_service"].alias("day")
    dated_lines = filter_rows(pl.DataFrame([lines.table["row"], lines.table["line_kind"], days]), is_concerned)
    if dated_lines.is_empty():
        return dated_lines
    return dated_lines.join(interval_rows, on="line_kind", how="inner", maintain_order="left").filter(IS_IN_FORCE)


def _has_rows(line_kinds: LineKinds, dated_rows: Callable[[LineKinds], pl.DataFrame]) -> pl.Series:
    """Whether each line kind has a dated row."""
    marks = all_false(line_kinds.table.height)
    return marks.scatter(line_kinds.cached(dated_rows)["line_kind"], values=True)
