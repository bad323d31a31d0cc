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
    changes = [rows.select(*key, day.alias("first_day")) for day in (pl.col("first_day"), day_after)]
    ends = pl.col("first_day").shift(-1).over(key, order_by="first_day").dt.offset_by("-1d")
    intervals = pl.concat(changes).unique().sort(*key, "first_day").with_columns(ends.alias("last_day"))
    numbered = intervals.drop_nulls("last_day").with_row_index("interval")
    dated = rows.rename({"first_day": "row_first", "last_day": "row_last"})
    in_force = numbered.join(dated, on=list(key)).filter(pl.col("first_day").is_between("row_first", "row_last"))
    return in_force.drop("row_first", "row_last")


def rows_in_force(lines: Lines, dated_rows: Callable[[LineKinds], pl.DataFrame]) -> pl.DataFrame:
    """Return the rows that hold on the day of each line of their kind, with `row`; the edit reads `date_of_service`.

    *dated_rows* are a function of the line kinds: `line_kind`, `first_day`, `last_day`, and what else they say.
    """
    concerned = lines.look_up(lines.line_kinds.cached(_has_rows, dated_rows))
    rows = lines.line_kinds.cached(dated_rows)
    day = lines.table["date_of_service"].alias("day")
    dated = filter_rows(pl.DataFrame([lines.table["row"], lines.table["line_kind"], day]), concerned)
    if dated.is_empty():
        return dated
    return dated.join(rows, on="line_kind", how="inner", maintain_order="left").filter(IS_IN_FORCE)


def _has_rows(line_kinds: LineKinds, dated_rows: Callable[[LineKinds], pl.DataFrame]) -> pl.Series:
    """Whether each line kind has a dated row."""
    marks = all_false(line_kinds.table.height)
    return marks.scatter(line_kinds.cached(dated_rows)["line_kind"], values=True)
