"""Operations on numbers and marks of many lines that the engine is built of: packing, counting, marking, gathering.

Each is the fastest of the ways that were measured, and quick for one claim too: there are no plans and no joins here.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, TypeVar

import polars as pl

Numbers = TypeVar("Numbers", pl.Expr, pl.Series)


def pack_u64(high: Numbers, low: Numbers) -> Numbers:
    """Return two numbers of 32 bits as one: by one number polars joins and groups in half the time that two take."""
    return high.cast(pl.UInt64) * 2**32 + low.cast(pl.UInt64)


def count_up(length: int) -> pl.Series:
    """Return the numbers 0, 1, 2, ..., *length* of them."""
    return pl.int_range(length, dtype=pl.UInt32, eager=True)


def repeat(value: int | None, length: int) -> pl.Series:
    """Return *value* *length* times."""
    return pl.Series([value], dtype=pl.UInt32).new_from_index(0, length)


def only_at(rows: pl.Series, values: pl.Series, length: int) -> pl.Series:
    """Return *values* at *rows*, which are places in a column of that *length*; null at every other place."""
    nothing = pl.Series([None], dtype=values.dtype).new_from_index(0, length)
    return (nothing if rows.is_empty() else nothing.scatter(rows, values)).alias(values.name)


def all_false(length: int) -> pl.Series:
    """Return *length* times false, to be marked."""
    return pl.Series([False]).new_from_index(0, length)


def starts_group(values: pl.Series) -> pl.Series:
    """Return for each value whether it differs from the one before it; the first does."""
    later_values, sooner_values = values[1:], values[:-1]
    is_other = later_values.ne_missing(sooner_values) if values.null_count() else later_values != sooner_values
    return pl.concat([_TRUE[: values.len()], is_other], rechunk=True)


_TRUE = pl.Series([True])


def group_numbers(starts: pl.Series) -> pl.Series:
    """Return the number, from 0 on, of the group of each value; *starts* marks where groups start.

    Counting what is not null takes a quarter of the time of a sum.
    """
    if starts.len() <= _FEW:
        return pl.Series([max(count - 1, 0) for count in accumulate(starts.to_list())], dtype=pl.UInt32)
    return starts.to_frame("starts").select(_COUNTED).to_series()


_COUNTED = pl.when("starts").then(pl.lit(0, dtype=pl.UInt8)).cum_count() - 1


def true_positions(marks: pl.Series) -> pl.Series:
    """Return the positions at which *marks* is true."""
    return count_up(marks.len()).filter(marks)


def filter_rows(table: pl.DataFrame, marks: pl.Series) -> pl.DataFrame:
    """Return the rows that *marks* selects; for one claim sooner than by a plan."""
    return pl.DataFrame([column.filter(marks) for column in table])


def is_member(rows: pl.Series, chosen: pl.Series) -> pl.Series:
    """Return whether each of *rows* is in *chosen*. Rows are small numbers: marks are quicker than a look-up."""
    if chosen.is_empty() or rows.is_empty():
        return all_false(rows.len())
    highest_row: Any = pl.concat([rows, chosen]).max()
    return all_false(highest_row + 1).scatter(chosen, values=True)[rows]


def is_one_of(codes: pl.Series, chosen: pl.Series) -> pl.Series:
    """Return whether each of *codes* is one of *chosen*, both categories."""
    if codes.len() <= _FEW:
        chosen_codes = frozenset(chosen.to_list())
        return pl.Series([code in chosen_codes for code in codes.to_list()], dtype=pl.Boolean)
    return codes.is_in(chosen.implode())


def is_constant(values: pl.Series) -> bool:
    """Return whether all *values* are the same, or all null."""
    null_count = values.null_count()
    return null_count == values.len() or (null_count == 0 and bool((values == values.first()).all()))


def distinct(table: pl.DataFrame, key: Sequence[str]) -> tuple[pl.DataFrame, pl.Series]:
    """Return the distinct values of the columns *key*, and for every row of *table* which of these it has."""
    positions, key_columns = count_up(table.height), table[list(key)]
    first_positions = _first_of_few(key_columns) if table.height <= _FEW else _first_of_many(key_columns, positions)
    is_first = first_positions == positions
    distinct_rows = filter_rows(key_columns, is_first)
    # A clone, as scatter writes into the column itself.
    place_among_distinct = positions.clone().scatter(positions.filter(is_first), positions.head(distinct_rows.height))
    return distinct_rows, place_among_distinct[first_positions]


_FEW = 50
"""Up to this many rows are compared sooner in Python."""


def _first_of_few(key_columns: pl.DataFrame) -> pl.Series:
    first_by_key: dict[tuple[Any, ...], int] = {}
    return pl.Series(
        [first_by_key.setdefault(key_values, position) for position, key_values in enumerate(key_columns.iter_rows())],
        dtype=pl.UInt32,
    )


def _first_of_many(key_columns: pl.DataFrame, positions: pl.Series) -> pl.Series:
    first_position = pl.col("here").first().over(key_columns.columns)
    return key_columns.hstack([positions.alias("here")]).select(first_position).to_series()
