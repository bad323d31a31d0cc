"""Claims from files: csv, xlsx, parquet, JSON, NDJSON and X12 837P, recognized by content."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import file_digest
from io import BufferedReader, BytesIO, TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from codeset.claims.claims_csv import csv_of
from codeset.claims.input.check import (
    RAW,
    SHOWN_CLAIM,
    FieldFault,
    Rejects,
    check_lines,
    check_locality,
    fault_of_file,
    faults_of,
    refuse,
)
from codeset.claims.input.claim_frames import as_raw, from_frame, with_fields
from codeset.claims.input.claim_tables import NOTHING_READ, TableFile
from codeset.claims.input.json_claims import flatten_claims
from codeset.claims.input.json_text import json_items, ndjson_items
from codeset.claims.input.placeholders import placeholder_claims, placeholder_faults
from codeset.claims.input.shared_claims import shared_claims, shared_faults
from codeset.errors import BadInput, Fault

_NDJSON = (".ndjson", ".jsonl")
_HEAD = 4_096
"""Bytes by which a format is recognized."""


class Form(StrEnum):
    """The formats of claim files."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"
    JSON = "json"
    NDJSON = "ndjson"
    X12 = "x12"


@dataclass(frozen=True)
class ClaimFile:
    """A file of claims: what messages call it, its format, and its path, or the bytes of a pipe."""

    name: str
    form: Form
    source: Path | bytes

    @property
    def has_header(self) -> bool:
        """Whether it is a table, whose columns have names."""
        return self.form in (Form.CSV, Form.PARQUET, Form.XLSX)

    @property
    def first_line(self) -> int:
        """The line of the file that the first row of a table is: in csv and xlsx the header is line 1."""
        return 1 if self.form is Form.PARQUET else 2

    @property
    def size(self) -> int:
        """Its bytes, as many as it has before it is unpacked."""
        return self.source.stat().st_size if isinstance(self.source, Path) else len(self.source)

    @property
    def table(self) -> TableFile:
        """The file as a table that can be scanned; it is csv or parquet."""
        return TableFile(self.name, self.source, is_parquet=self.form is Form.PARQUET)

    def open(self) -> BytesIO | BufferedReader:
        """Open it for reading its bytes, after a byte order mark."""
        file = BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")
        if file.read(len(BOM_UTF8)) != BOM_UTF8:
            file.seek(0)
        return file

    def content(self) -> bytes:
        """Return its bytes, without a byte order mark."""
        with self.open() as file:
            return file.read()


def open_files(paths: Sequence[Path]) -> list[ClaimFile]:
    """Return the files, each in the format that its content has; `.ndjson` and `.jsonl` tell NDJSON from JSON.

    Raises BadInput: for files that cannot be read, that are empty, and for one given twice.
    """
    # Two folders may each have a claims.csv: then messages give the whole path.
    names = [path.name for path in paths]
    files, faults = [], []
    for path in paths:
        name = path.name if names.count(path.name) == 1 else str(path)
        try:
            files.append(_open(path, name))
        except OSError as error:
            faults.append(Fault(name, 0, f"cannot be read ({error.strerror})"))
        except BadInput as error:
            faults += error.faults
    # A file given twice would double every unit of its claims, and deny them by their MUE.
    faults += _given_twice(files)
    if faults:
        raise BadInput(faults, NOTHING_READ)
    return files


def _open(path: Path, name: str) -> ClaimFile:
    # A pipe can be read once only: its bytes are kept.
    source: Path | bytes = path if path.is_file() else path.read_bytes()
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        head = file.read(_HEAD).removeprefix(BOM_UTF8)
    other = _other_kind(head) if head.strip() else "an empty file"
    if other:
        raise BadInput([Fault(name, 0, f"expected claims, found {other}")], NOTHING_READ)
    claim_file = ClaimFile(name, _form(head, path.suffix.lower()), source)
    if claim_file.form is Form.PARQUET:
        _refuse_packed(claim_file)
    return claim_file


_MOST_LINES_PER_BYTE = 5
"""Of claims that differ a line takes a byte or more, however well parquet packs it."""


def _refuse_packed(file: ClaimFile) -> None:
    """Raise BadInput for a parquet file of so many equal lines that they do not fit into memory; it is not unpacked."""
    lines = file.table.line_count()
    if lines > _MOST_LINES_PER_BYTE * file.size:
        raise BadInput([Fault(file.name, 0, f"has {lines:,} lines in {file.size:,} bytes: no claims do")], NOTHING_READ)


def _other_kind(head: bytes) -> str | None:
    """What a file is that is not read as claims, by its first bytes; None if it may be claims."""
    return next((kind for start, kind in _OTHER_KINDS.items() if head.startswith(start)), None)


_COMPRESSED = "a compressed file: unpack it first"
# polars would unpack it whole, however large it becomes: gzip, Zstandard, and zlib by its level.
_OTHER_KINDS = {
    **dict.fromkeys((b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"), _COMPRESSED),
    **dict.fromkeys((BOM_UTF16_LE, BOM_UTF16_BE), 'text in UTF-16: save it as "CSV UTF-8"'),
    b"\xd0\xcf\x11\xe0": "an old or protected Office file: save it as .xlsx without a password",
}


def _form(head: bytes, suffix: str) -> Form:
    starts = ((b"PAR1", Form.PARQUET), (b"PK", Form.XLSX), (b"ISA", Form.X12))
    for start, form in starts:
        if head.startswith(start):
            return form
    if suffix in _NDJSON:
        return Form.NDJSON
    return Form.JSON if suffix == ".json" or head.lstrip()[:1] in (b"{", b"[") else Form.CSV


def _given_twice(files: Sequence[ClaimFile]) -> Iterator[Fault]:
    """A fault for each file with the content of an earlier one; only files of one size are read for it."""
    earlier: dict[tuple[int, str], str] = {}
    sizes = [file.size for file in files]
    for file, size in zip(files, sizes, strict=True):
        if sizes.count(size) > 1:
            with file.open() as content:
                key = size, file_digest(content, "sha256").hexdigest()
            if key in earlier:
                yield Fault(file.name, 0, f"has the same content as {earlier[key]}: give each file once")
            earlier.setdefault(key, file.name)


def read_claims(path: Path, *, locality: str | None = None) -> tuple[pl.DataFrame, Rejects]:
    """Read the claims of a file: the lines of good claims (columns of `claim_fields`) and the claims set aside.

    *locality* is for lines that name none; an 837 never does. `refuse(rejects)` raises if any claim was set aside.

    Raises BadInput: when the file as a whole cannot be read, with every fault found. WrongUse: *locality* is not one.
    """
    check_locality(locality)
    [file] = open_files([path])
    return _read(file, locality)


def read_files(
    paths: Sequence[Path], *, locality: str | None = None, skip_bad_claims: bool = False
) -> tuple[pl.DataFrame, list[Rejects]]:
    """Read the claims of files, one after another: their lines in one frame, and the claims set aside of each file.

    A claim is in one file: of one that several hold it is not known which is the right one, and all are set aside; so
    are, in any case, the claims of a day of a placeholder beneficiary.

    Raises BadInput: for files that cannot be read, and for bad claims unless *skip_bad_claims*.
    """
    check_locality(locality)
    files = open_files(paths)
    contents = _read_all(files, locality)
    shared = shared_claims([_claim_ids(*content) for content in contents], [file.name for file in files])
    placeholders = placeholder_claims(pl.concat([lines for lines, _ in contents]))
    for place in range(len(files)) if placeholders else shared:
        raw = raw_claims(files[place], locality)
        faults = [*shared_faults(raw.lines, shared.get(place, {})), *placeholder_faults(raw.lines, placeholders)]
        contents[place] = check_lines(raw.lines, files[place].name, locality, [*raw.faults, *faults])
    rejects = [of_file for _, of_file in contents]
    if not skip_bad_claims:
        refuse(*rejects)
    return pl.concat([lines for lines, _ in contents]), rejects


def _claim_ids(lines: pl.DataFrame, rejects: Rejects) -> pl.Series:
    return pl.concat([lines["claim_id"].unique(), rejects.faults["claim_id"].drop_nulls()]).unique()


def _read_all(files: Sequence[ClaimFile], locality: str | None) -> list[tuple[pl.DataFrame, Rejects]]:
    """Read *files*; raise BadInput with the faults of all that cannot be read."""
    contents: list[tuple[pl.DataFrame, Rejects]] = []
    faults: list[Fault] = []
    for file in files:
        try:
            contents.append(_read(file, locality))
        except BadInput as error:
            faults += error.faults
    if faults:
        raise BadInput(faults, NOTHING_READ)
    return contents


class RawClaims(NamedTuple):
    """Lines as a file has them (columns of `RAW`); what its reader found malformed in them; what stops the file."""

    lines: pl.DataFrame
    faults: list[FieldFault]
    fatal: list[Fault]


def _read(file: ClaimFile, locality: str | None) -> tuple[pl.DataFrame, Rejects]:
    if file.has_header:
        return from_frame(_frame(file), locality=locality, name=file.name, first_line=file.first_line)
    raw = raw_claims(file, locality)
    lines, rejects = check_lines(raw.lines, file.name, locality, raw.faults)
    if raw.fatal:
        raise BadInput([*raw.fatal, *faults_of(rejects)], NOTHING_READ)
    return lines, rejects


def raw_claims(file: ClaimFile, locality: str | None) -> RawClaims:
    """Return all lines of a file, as they are before the check.

    Raises BadInput: for a table without the columns that lines have, and files that cannot be read.
    """
    if file.has_header:
        return RawClaims(as_raw(with_fields(_frame(file), file.name, locality), file.first_line), [], [])
    chunks = list(raw_chunks(file, locality))
    lines = pl.concat([chunk.lines for chunk in chunks])
    return RawClaims(lines, [*chain(*(chunk.faults for chunk in chunks))], [*chain(*(chunk.fatal for chunk in chunks))])


def raw_chunks(file: ClaimFile, locality: str | None, claims_at_once: int | None = None) -> Iterator[RawClaims]:
    """Yield the lines of a JSON, NDJSON or X12 file, so many claims at once, or all; what stops it comes last."""
    if file.form is Form.X12:
        yield from _x12_chunks(file, locality, claims_at_once)
        return
    with file.open() as content:
        is_ndjson = file.form is Form.NDJSON
        items = ndjson_items(content, file.name) if is_ndjson else json_items(file.content(), file.name)
        first = True
        while (batch := list(islice(items, claims_at_once))) or first:
            first = False
            lines, faults = flatten_claims(item for item in batch if not isinstance(item[2], FieldFault))
            yield RawClaims(lines, [*faults, *(plain for _, _, plain in batch if isinstance(plain, FieldFault))], [])


def rejects_as(rejects: Sequence[Rejects], form: Literal["csv", "ndjson"]) -> bytes:
    """Return the faults of the claims set aside as a file: one row for each, with file, claim, line and field."""
    rows = pl.concat(
        of_file.faults.select(pl.lit(of_file.file).alias("file"), pl.exclude("claim_id"), SHOWN_CLAIM).select(
            "file", *of_file.faults.columns
        )
        for of_file in rejects
    )
    return csv_of(rows) if form == "csv" else rows.write_ndjson().encode()


_NATIONAL = pl.lit("national").alias("locality")
"""The locality of lines whose file is refused for want of one: nothing else is said of them for that."""


def _x12_chunks(file: ClaimFile, locality: str | None, claims_at_once: int | None) -> Iterator[RawClaims]:
    from codeset.claims.input.x12 import X12Claims  # noqa: PLC0415 (needs the x12 extra)

    # X12 is a character set of single bytes; latin-1 gives every byte a character, so that no byte stops the reader.
    with TextIOWrapper(file.open(), encoding="latin-1", newline="") as stream:
        claims = X12Claims(stream)
        for lines, faults in claims.chunks(claims_at_once):
            yield RawClaims(lines.with_columns(_NATIONAL) if locality is None else lines, faults, [])
    fatal = [fault_of_file(file.name, fault) for fault in claims.envelope.fatal]
    if locality is None:
        says = "an 837 does not say the locality: give it (--locality), as mac-locality, such as 01112-05, or national"
        fatal.append(Fault(file.name, 0, says))
    yield RawClaims(pl.DataFrame(schema=dict(RAW)), claims.envelope.minor, fatal)


def _frame(file: ClaimFile) -> pl.DataFrame:
    """The lines of a table as the file has them."""
    if file.form is not Form.XLSX:
        return file.table.read()
    from codeset.claims.input.xlsx_claims import xlsx_table  # noqa: PLC0415 (needs the xlsx extra)

    try:
        return xlsx_table(file.content())
    except ValueError as error:
        raise BadInput([Fault(file.name, 0, str(error))], NOTHING_READ) from error
