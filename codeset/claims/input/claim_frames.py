"""Claims from frames: columns as fields, the check of all values at once, and of every line where one has a fault."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import polars as pl

from codeset.claims.claim_fields import FIELDS
from codeset.claims.engine.pointed_diagnoses import with_own_diagnoses
from codeset.claims.input.check import Rejects, check_lines, check_locality, faults_of, no_faults, refuse, safe_names
from codeset.claims.input.claim import Claim, to_frame
from codeset.claims.input.fast_check import can_stay, valid_lines
from codeset.claims.input.headers import field_columns, read_header
from codeset.claims.input.placeholders import placeholder_claims, placeholder_faults
from codeset.errors import BadInput, Fault, WrongUse

BESIDES = ("at", "place")
"""Columns that a frame may have besides fields: where the file that it came from has each line."""


def lines_of(claims: pl.DataFrame | Claim | Iterable[Claim]) -> pl.DataFrame:
    """Return the lines of a frame, a claim or claims (columns of `claim_fields`), checked as those of a file are.

    Raises BadInput: with every fault. WrongUse: for what holds no claims.
    """
    if isinstance(claims, (pl.LazyFrame, str)) or not isinstance(claims, (Claim, Iterable)):
        type_name = type(claims).__name__
        raise WrongUse(
            f"expected a polars DataFrame (collect a LazyFrame first), a Claim, or Claims; found {type_name}"
        )
    if not isinstance(claims, pl.DataFrame):
        claims = to_frame([claims] if isinstance(claims, Claim) else claims)
    lines, rejects = from_frame(claims)
    refuse(rejects)
    placeholders = placeholder_claims(lines)
    if placeholders:
        raw_lines = as_raw(with_fields(claims, rejects.file, None), first_line=1)
        raise BadInput(
            faults_of(check_lines(raw_lines, rejects.file, None, [*placeholder_faults(raw_lines, placeholders)])[1])
        )
    return lines


def from_frame(
    frame: pl.DataFrame, *, locality: str | None = None, file_name: str = "frame", first_line: int = 1
) -> tuple[pl.DataFrame, Rejects]:
    """Read the claims of a frame of lines, as those of a file are read: good claims, and the claims set aside.

    The columns are those of a csv file. Dates may be dates or text, modifiers lists or text; `charge_cents` may stand
    for `charge`. In messages the first row is the line *first_line*.

    Raises BadInput: for columns that are lacking, not understood or of other types. WrongUse: *locality* is not one.
    """
    lines, rejects = pointed_lines(frame, locality=locality, file_name=file_name, first_line=first_line)
    return with_own_diagnoses(lines), rejects


def pointed_lines(
    frame: pl.DataFrame, *, locality: str | None = None, file_name: str = "frame", first_line: int = 1
) -> tuple[pl.DataFrame, Rejects]:
    """Read as `from_frame` does; lines may have the diagnoses of their claim still, and pointers to them.

    Claims in bulk are read so: to write the diagnoses of each line takes longer than to look through its claim's.
    """
    check_locality(locality)
    table = with_fields(frame, file_name, locality)
    # Most frames have no fault: distinct values are checked first, and every line only where that fails.
    if (lines := valid_lines(table[_readable_columns(table)])) is not None:
        return lines, Rejects(file_name, no_faults(), 0, 0, header_notes(frame))
    lines, rejects = check_lines(as_raw(table, first_line), file_name, locality)
    return lines, replace(rejects, notes=header_notes(frame))


def header_notes(frame: pl.DataFrame) -> tuple[str, ...]:
    """Return which columns are not read, in words."""
    return read_header(_readable_columns(frame), locality=True).notes


def _readable_columns(frame: pl.DataFrame) -> list[str]:
    return [column for column in frame.columns if column not in BESIDES]


def with_fields(frame: pl.DataFrame, file_name: str, locality: str | None) -> pl.DataFrame:
    """Return the fields of *frame*, text or of types that can stay; lines without a number are numbered in their claim.

    Raises BadInput: for columns that are lacking, not understood or of other types.
    """
    origin_columns = [frame[name] for name in BESIDES if name in frame.columns]
    table = frame[_readable_columns(frame)]
    header = read_header(table.columns, locality=locality is not None)
    if header.faults:
        raise BadInput([Fault(file_name, 0, message) for message in header.faults], "Nothing was read.")
    table = table.select(field_columns(header))
    try:
        if not all(map(can_stay, table.columns, table.dtypes)):
            table = table.select(_text_columns(table, may_stay=can_stay))
    except pl.exceptions.PolarsError:
        dtypes = ", ".join(f"{safe_names([column])}: {dtype}" for column, dtype in table.schema.items())
        type_mismatch = f"expected text, numbers, dates and lists of text, found {dtypes}"
        raise BadInput([Fault(file_name, 0, type_mismatch)], "Nothing was read.") from None  # its words may show values
    derived = derived_fields(table.columns, locality)
    return (table.with_columns(derived) if derived else table).hstack(origin_columns)


def derived_fields(
    columns: Sequence[str], locality: str | None, wanted_fields: Sequence[str] = ("locality", "line")
) -> list[pl.Expr]:
    """Return those of *wanted_fields* that a table with *columns* lacks; a row without any value has none of them."""
    is_line = pl.any_horizontal(pl.all().is_not_null())
    # Numbered within their claim, in the order of the file.
    field_values = {"locality": pl.lit(locality, pl.String), "line": pl.int_range(1, pl.len() + 1).over("claim_id")}
    return [
        pl.when(is_line).then(field_values[field_name]).alias(field_name)
        for field_name in wanted_fields
        if field_name not in columns
    ]


def as_raw(table: pl.DataFrame, first_line: int) -> pl.DataFrame:
    """Return the lines of *table*, a frame of fields, as text (columns of `RAW`). Empty rows are no lines."""
    table = table.select(_text_columns(table, may_stay=lambda _, dtype: dtype in (pl.String, pl.Int64)))
    is_line = pl.any_horizontal(pl.col(name).is_not_null() for name in table.columns if name in FIELDS)
    line_numbers = pl.int_range(first_line, pl.len() + first_line, dtype=pl.Int64)
    return table.select(
        *((pl.col(name).cast(pl.String) if name in table.columns else _NULL_TEXT.alias(name)) for name in FIELDS),
        (pl.col("at") if "at" in table.columns else line_numbers).alias("at"),
        (pl.col("place") if "place" in table.columns else _NULL_TEXT).alias("place"),
        pl.lit(None, dtype=pl.Int64).alias("claim_number"),
    ).filter(is_line)


_NULL_TEXT = pl.lit(None, dtype=pl.String)


def _text_columns(frame: pl.DataFrame, may_stay: Callable[[str, pl.DataType], bool]) -> Iterator[pl.Expr]:
    """The columns of *frame* as text, but for those whose type *may_stay*."""
    for column, dtype in frame.schema.items():
        if may_stay(column, dtype):
            yield pl.col(column)
        elif isinstance(dtype, pl.List):
            yield pl.col(column).cast(pl.List(pl.String)).list.join(" ")
        # Databases give days as midnights.
        elif isinstance(dtype, pl.Datetime):
            yield pl.col(column).cast(pl.String).str.replace(r" 00:00:00(\.0+)?$", "")
        else:
            yield pl.col(column).cast(pl.String)
