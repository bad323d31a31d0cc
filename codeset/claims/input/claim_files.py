"""Claims from files: csv, xlsx, parquet, JSON, NDJSON and X12 837P, recognized by content."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Literal

import polars as pl

from codeset.claims.claim_fields import FIELDS
from codeset.claims.input.check import (
    FieldFault,
    Rejects,
    check_lines,
    check_locality,
    fault_of_file,
    faults_of,
    no_faults,
    refuse,
    safe_names,
)
from codeset.claims.input.claim import Claim, to_frame
from codeset.claims.input.fast_check import can_stay, valid_lines
from codeset.claims.input.headers import field_columns, read_header
from codeset.claims.input.json_claims import flatten_claims
from codeset.errors import BadInput, Fault

_NDJSON = (".ndjson", ".jsonl")
_NOTHING_READ = "Nothing was read."


def read_claims(path: Path, *, locality: str | None = None) -> tuple[pl.DataFrame, Rejects]:
    """Read the claims of a file: the lines of good claims (columns of `claim_fields`) and the claims set aside.

    The format is recognized by the content; `.ndjson` and `.jsonl` tell NDJSON from JSON. *locality* is for lines that
    name none; an 837 never does. `refuse(rejects)` raises if any claim was set aside.

    Raises BadInput: when the file as a whole cannot be read, with every fault found. WrongUse: *locality* is not one.
    """
    check_locality(locality)
    content = _content(path)
    if content.startswith(b"PAR1"):
        return from_frame(_parquet(content, path.name), locality=locality, name=path.name)
    if content[:3] == b"ISA":
        return _x12(content, path.name, locality)
    if content.startswith(b"PK"):
        return _check_table(_xlsx(content, path.name), path.name, locality, first=2)
    if content.lstrip()[:1] in (b"{", b"[") or path.suffix.lower() in (".json", *_NDJSON):
        objects = _objects(_decode(content, path.name), path)
        raw, faults = flatten_claims(item for item in objects if not isinstance(item[2], FieldFault))
        unreadable = [plain for _, _, plain in objects if isinstance(plain, FieldFault)]
        return check_lines(raw, path.name, locality, [*faults, *unreadable])
    return _check_table(_csv(content, path.name), path.name, locality, first=2)


def read_files(
    files: Sequence[Path], *, locality: str | None = None, skip_bad_claims: bool = False
) -> tuple[pl.DataFrame, list[Rejects]]:
    """Read the claims of *files*, one after another: their lines in one frame, and the claims set aside of each file.

    Raises BadInput: for files that cannot be read, and for bad claims unless *skip_bad_claims*.
    """
    contents = [read_claims(file, locality=locality) for file in files]
    rejects = [of_file for _, of_file in contents]
    if not skip_bad_claims:
        for of_file in rejects:
            refuse(of_file)
    return pl.concat([lines for lines, _ in contents]), rejects


def from_frame(
    frame: pl.DataFrame, *, locality: str | None = None, name: str = "frame"
) -> tuple[pl.DataFrame, Rejects]:
    """Read the claims of a frame of lines, as `read_claims` does; the columns are those of a csv file.

    Dates may be dates or text, modifiers lists or text; `charge_cents` may stand for `charge`.
    """
    check_locality(locality)
    try:
        table = frame.select(_as_text(frame, unless=can_stay))
    except pl.exceptions.PolarsError as error:
        dtypes = ", ".join(f"{safe_names([column])}: {dtype}" for column, dtype in frame.schema.items())
        raise _unreadable(name, f"expected text, numbers, dates and lists of text, found {dtypes}") from error
    return _check_table(table, name, locality, first=1)


def lines_of(claims: pl.DataFrame | Claim | Iterable[Claim]) -> pl.DataFrame:
    """Return the lines of a frame, a claim or claims (columns of `claim_fields`), checked as those of a file are.

    Raises BadInput: with every fault.
    """
    if not isinstance(claims, pl.DataFrame):
        return to_frame([claims] if isinstance(claims, Claim) else claims)
    lines, rejects = from_frame(claims)
    refuse(rejects)
    return lines


def rejects_as(rejects: Rejects, form: Literal["csv", "ndjson"]) -> bytes:
    """Return the faults of the claims set aside as a file: one row for each, with claim, line and field."""
    rows = rejects.faults.select(pl.lit(rejects.file).alias("file"), pl.all())
    return (rows.write_csv() if form == "csv" else rows.write_ndjson()).encode()


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise _unreadable(path.name, f"cannot be read ({error.strerror})") from error
    if not content.strip():
        raise _unreadable(path.name, "expected claims, found an empty file")
    return content


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput([Fault(name, line, "expected text in UTF-8, found other bytes")], _NOTHING_READ) from error


def _unreadable(name: str, *messages: str) -> BadInput:
    return BadInput([Fault(name, 0, message) for message in messages], _NOTHING_READ)


def _x12(content: bytes, name: str, locality: str | None) -> tuple[pl.DataFrame, Rejects]:
    from codeset.claims.input.x12 import X12Claims  # noqa: PLC0415 (needs the x12 extra)

    claims = X12Claims(StringIO(content.decode("latin-1"), newline=""))
    [(raw, faults)] = claims.chunks()
    lines, rejects = check_lines(raw, name, locality or "national", [*claims.envelope.minor, *faults])
    fatal = [fault_of_file(name, fault) for fault in claims.envelope.fatal]
    if locality is None:
        says = "an 837 does not say the locality: give it (--locality), as mac-locality, such as 01112-05, or national"
        fatal.append(Fault(name, 0, says))
    if fatal:
        raise BadInput([*fatal, *faults_of(rejects)], _NOTHING_READ)
    return lines, rejects


def _parquet(content: bytes, name: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise _unreadable(name, "begins like a parquet file, but cannot be read as one") from error


def _xlsx(content: bytes, name: str) -> pl.DataFrame:
    from codeset.claims.input.xlsx_claims import xlsx_table  # noqa: PLC0415 (needs the xlsx extra)

    try:
        return xlsx_table(content)
    except ValueError as error:
        raise _unreadable(name, str(error)) from error


def _csv(content: bytes, name: str) -> pl.DataFrame:
    try:
        return pl.read_csv(content, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise BadInput(_csv_faults(_decode(content, name), name), _NOTHING_READ) from error


def _csv_faults(text: str, name: str) -> list[Fault]:
    """Why polars refused a csv: its own words may show a patient's data."""
    rows = csv.reader(StringIO(text, newline=""), strict=True)
    faults = []
    try:
        width = len(next(rows))
        for row in rows:
            if len(row) > width:
                faults.append(Fault(name, rows.line_num, f"expected {width} cells, as in the header, found {len(row)}"))
    except csv.Error:
        faults.append(Fault(name, rows.line_num, "expected a quoted cell to end with its quote"))
    return faults or [Fault(name, 0, "cannot be read as csv, JSON, parquet or X12")]


def _as_text(frame: pl.DataFrame, unless: Callable[[pl.DataType], bool]) -> Iterator[pl.Expr]:
    """The columns of *frame* as text, *unless* their type may stay."""
    for column, dtype in frame.schema.items():
        if unless(dtype):
            yield pl.col(column)
        elif isinstance(dtype, pl.List):
            yield pl.col(column).cast(pl.List(pl.String)).list.join(" ")
        elif isinstance(dtype, pl.Datetime):
            yield pl.col(column).cast(pl.String).str.replace(r" 00:00:00(\.0+)?$", "")
        else:
            yield pl.col(column).cast(pl.String)


def _check_table(table: pl.DataFrame, name: str, locality: str | None, *, first: int) -> tuple[pl.DataFrame, Rejects]:
    """Check a table of text, integers and dates; its first row is line *first* of the file. Empty rows are no lines."""
    header = read_header(table.columns, locality=locality is not None)
    if header.faults:
        raise _unreadable(name, *header.faults)
    table = table.select(field_columns(header))
    if locality is not None and "locality" not in table.columns:
        table = table.with_columns(pl.lit(locality).alias("locality"))
    if "line" not in table.columns:
        table = table.with_columns(pl.int_range(1, pl.len() + 1).over("claim_id").alias("line"))
    if (lines := valid_lines(table)) is not None:
        return lines, Rejects(name, no_faults(), 0, 0, header.not_read)
    table = table.select(_as_text(table, unless=pl.String().__eq__))
    absent = [
        pl.lit(None, dtype=pl.String).alias(column) for column in (*FIELDS, "place") if column not in table.columns
    ]
    raw = table.with_columns(
        pl.int_range(first, pl.len() + first, dtype=pl.Int64).alias("at"),
        pl.lit(None, dtype=pl.Int64).alias("nth"),
        *absent,
    )
    is_line = pl.any_horizontal(pl.col(column).is_not_null() for column in table.columns)
    lines, rejects = check_lines(raw.filter(is_line), name, locality)
    return lines, replace(rejects, not_read=header.not_read)


def _objects(text: str, path: Path) -> list[tuple[int, str, Any]]:
    """The claims of a JSON or NDJSON text: line of the file, place within it, and the value or what is wrong."""
    if path.suffix.lower() not in _NDJSON:
        try:
            return list(_claims_in(_parse(text)))
        except json.JSONDecodeError as error:
            if error.msg != "Extra data":
                raise BadInput([Fault(path.name, error.lineno, _not_json(error))], _NOTHING_READ) from error
        except ValueError as error:
            raise _unreadable(path.name, str(error)) from error
    return [(at, "", _parse_line(line, at)) for at, line in enumerate(text.split("\n"), start=1) if line.strip()]


def _claims_in(plain: Any) -> Iterator[tuple[int, str, Any]]:
    if isinstance(plain, dict) and set(plain) == {"claims"} and isinstance(plain["claims"], list):
        yield from ((0, f"claims[{place}]", item) for place, item in enumerate(plain["claims"]))
    elif isinstance(plain, list):
        yield from ((0, f"[{place}]", item) for place, item in enumerate(plain))
    else:
        yield 0, "", plain


def _parse_line(line: str, at: int) -> Any:
    """The value of a line of NDJSON, or its fault."""
    try:
        return _parse(line)
    except json.JSONDecodeError as error:
        return FieldFault("claim", "an object in JSON", f"{error.msg} at column {error.colno}", at=at)
    except ValueError as error:
        return FieldFault("claim", "an object in JSON", str(error), at=at)


def _not_json(error: json.JSONDecodeError) -> str:
    return f"expected JSON, found {error.msg} at column {error.colno}"


def _parse(text: str) -> Any:
    """JSON with exact decimals, no NaN, and no name twice in an object."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except RecursionError as error:
        raise ValueError("expected claims, found lists or objects nested without end") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"expected a number, found {name}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) < len(pairs):
        raise ValueError("expected each name once in an object, found one twice")
    return plain
