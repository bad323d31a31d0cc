"""Claims from files: csv, parquet, JSON, NDJSON and X12 837P, told by what is in them."""

import csv
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Literal

import polars as pl

from codeset.claims.claim_fields import FIELDS, REQUIRED
from codeset.claims.input.check import (
    Malformed,
    Rejects,
    checked,
    faults_of,
    locality_given,
    named,
    no_faults,
    refuse,
)
from codeset.claims.input.fast_check import as_it_is, sound_lines
from codeset.claims.input.json_claims import flattened
from codeset.claims.input.x12 import x12_lines
from codeset.errors import BadInput, Fault

__all__ = ["Rejects", "from_frame", "read_claims", "refuse", "rejects_as"]

_HEADED = (*REQUIRED, "modifiers")
"""The columns that a table of lines has; those of `FIELDS` that are not here may be left out."""

_BY_LINES = (".ndjson", ".jsonl")
_NOTHING_READ = "Nothing was read."


def read_claims(path: Path, *, locality: str | None = None) -> tuple[pl.DataFrame, Rejects]:
    """Read the claims of a file: the lines of good claims (columns of `claim_fields`) and the claims set aside.

    The format is told by the content; `.ndjson` and `.jsonl` tell NDJSON from JSON. *locality* stands where the file
    gives none; an 837 never does. `refuse(rejects)` raises if any claim was set aside.

    Raises BadInput: when the file as a whole cannot be read, with every fault found. WrongUse: *locality* is none.
    """
    given = locality_given(locality)
    content = _content(path)
    if content.startswith(b"PAR1"):
        return from_frame(_parquet(content, path.name), locality=given, name=path.name)
    if content[:3] == b"ISA":
        return _x12(content, path.name, given)
    if content.lstrip()[:1] in (b"{", b"[") or path.suffix.lower() in (".json", *_BY_LINES):
        found = _objects(_decoded(content, path.name), path)
        raw, faults = flattened((at, place, plain) for at, place, plain in found if not isinstance(plain, Malformed))
        unread = [plain for _, _, plain in found if isinstance(plain, Malformed)]
        return checked(raw, path.name, given, [*faults, *unread])
    return _checked_table(_csv(content, path.name), path.name, given, first=2)


def from_frame(
    frame: pl.DataFrame, *, locality: str | None = None, name: str = "frame"
) -> tuple[pl.DataFrame, Rejects]:
    """Read the claims of a frame of lines, as `read_claims` does; the columns are those of a csv file.

    Dates may be dates or text, modifiers lists or text; `charge_cents` may stand for `charge`.
    """
    try:
        table = frame.select(_as_text(frame, kept=as_it_is))
    except pl.exceptions.PolarsError as error:
        kinds = ", ".join(f"{named([column])}: {kind}" for column, kind in frame.schema.items())
        raise _unreadable(name, f"expected text, numbers, dates and lists of text, found {kinds}") from error
    return _checked_table(table, name, locality_given(locality), first=1)


def rejects_as(rejects: Rejects, form: Literal["csv", "ndjson"]) -> bytes:
    """Return the faults of the claims set aside as a file: one row for each, with claim, line and field."""
    told = rejects.faults.select(pl.lit(rejects.file).alias("file"), pl.all())
    return (told.write_csv() if form == "csv" else told.write_ndjson()).encode()


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise _unreadable(path.name, f"cannot be read ({error.strerror})") from error
    if not content.strip():
        raise _unreadable(path.name, "expected claims, found an empty file")
    return content


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput([Fault(name, line, "expected text in UTF-8, found other bytes")], _NOTHING_READ) from error


def _unreadable(name: str, *says: str) -> BadInput:
    return BadInput([Fault(name, 0, each) for each in says], _NOTHING_READ)


def _x12(content: bytes, name: str, locality: str | None) -> tuple[pl.DataFrame, Rejects]:
    raw, faults, broken = x12_lines(content, name)
    if locality is None:
        says = "an 837 does not say the locality: give it (--locality), as mac-locality, such as 01112-05, or national"
        broken = [*broken, Fault(name, 0, says)]
    lines, rejects = checked(raw, name, locality or "national", faults)
    if broken:
        raise BadInput([*broken, *faults_of(rejects)], _NOTHING_READ)
    return lines, rejects


def _parquet(content: bytes, name: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise _unreadable(name, "begins like a parquet file, but cannot be read as one") from error


def _csv(content: bytes, name: str) -> pl.DataFrame:
    try:
        return pl.read_csv(content, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise BadInput(_csv_faults(_decoded(content, name), name), _NOTHING_READ) from error


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


def _as_text(frame: pl.DataFrame, kept: Callable[[pl.DataType], bool]) -> Iterator[pl.Expr]:
    for column, kind in frame.schema.items():
        if kept(kind):
            yield pl.col(column)
        elif isinstance(kind, pl.List):
            yield pl.col(column).cast(pl.List(pl.String)).list.join(" ")
        elif isinstance(kind, pl.Datetime):
            yield pl.col(column).cast(pl.String).str.replace(r" 00:00:00(\.0+)?$", "")
        else:
            yield pl.col(column).cast(pl.String)


def _checked_table(table: pl.DataFrame, name: str, locality: str | None, *, first: int) -> tuple[pl.DataFrame, Rejects]:
    """Check a table of text, integers and dates; its first row is line *first* of the file. Empty rows are no lines."""
    missing = [each for each in _HEADED if each not in table.columns and not (each == "locality" and locality)]
    unknown = [each for each in table.columns if each not in FIELDS]
    faults = [f"no column {each}; columns read: {named(table.columns)}" for each in missing]
    faults += [f"column {named([each])} is none of {', '.join(FIELDS)}" for each in unknown]
    if faults:
        raise _unreadable(name, *faults)
    if locality is not None and "locality" not in table.columns:
        table = table.with_columns(pl.lit(locality).alias("locality"))
    if (sound := sound_lines(table)) is not None:
        return sound, Rejects(name, no_faults(), 0, 0)
    table = table.select(_as_text(table, kept=pl.String().__eq__))
    absent = [pl.lit(None, dtype=pl.String).alias(each) for each in (*FIELDS, "place") if each not in table.columns]
    raw = table.with_columns(
        pl.int_range(first, pl.len() + first, dtype=pl.Int64).alias("at"),
        pl.lit(None, dtype=pl.Int64).alias("nth"),
        *absent,
    )
    filled = pl.any_horizontal(pl.col(each).is_not_null() for each in table.columns)
    return checked(raw.filter(filled), name, locality)


def _objects(text: str, path: Path) -> list[tuple[int, str, Any]]:
    """The claims of a JSON or NDJSON text: line of the file, place within it, and the value or what is wrong."""
    if path.suffix.lower() not in _BY_LINES:
        try:
            return list(_listed(_parsed(text)))
        except json.JSONDecodeError as error:
            if error.msg != "Extra data":
                raise BadInput([Fault(path.name, error.lineno, _not_json(error))], _NOTHING_READ) from error
        except ValueError as error:
            raise _unreadable(path.name, str(error)) from error
    return [(at, "", _line_parsed(line, at)) for at, line in enumerate(text.split("\n"), start=1) if line.strip()]


def _listed(plain: Any) -> Iterator[tuple[int, str, Any]]:
    if isinstance(plain, dict) and set(plain) == {"claims"} and isinstance(plain["claims"], list):
        yield from ((0, f"claims[{place}]", each) for place, each in enumerate(plain["claims"]))
    elif isinstance(plain, list):
        yield from ((0, f"[{place}]", each) for place, each in enumerate(plain))
    else:
        yield 0, "", plain


def _line_parsed(line: str, at: int) -> Any:
    try:
        return _parsed(line)
    except json.JSONDecodeError as error:
        return Malformed("claim", "an object in JSON", f"{error.msg} at column {error.colno}", at=at)
    except ValueError as error:
        return Malformed("claim", "an object in JSON", str(error), at=at)


def _not_json(error: json.JSONDecodeError) -> str:
    return f"expected JSON, found {error.msg} at column {error.colno}"


def _parsed(text: str) -> Any:
    """JSON with exact decimals, no NaN, and no name twice in an object."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_constant, object_pairs_hook=_object)
    except RecursionError as error:
        raise ValueError("expected claims, found lists or objects nested without end") from error


def _constant(name: str) -> None:
    raise ValueError(f"expected a number, found {name}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) < len(pairs):
        raise ValueError("expected each name once in an object, found one twice")
    return plain
