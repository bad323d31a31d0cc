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

_NDJSON_SUFFIXES = (".ndjson", ".jsonl")
_RECOGNITION_BYTES = 4_096
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
        byte_stream = BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")
        if byte_stream.read(len(BOM_UTF8)) != BOM_UTF8:
            byte_stream.seek(0)
        return byte_stream

    def content(self) -> bytes:
        """Return its bytes, without a byte order mark."""
        with self.open() as byte_stream:
            return byte_stream.read()


def open_files(paths: Sequence[Path]) -> list[ClaimFile]:
    """Return the files, each in the format that its content has; `.ndjson` and `.jsonl` tell NDJSON from JSON.

    Raises BadInput: for files that cannot be read, that are empty, and for one given twice.
    """
    # Two folders may each have a claims.csv: then messages give the whole path.
    file_names = [path.name for path in paths]
    claim_files, faults = [], []
    for path in paths:
        file_name = path.name if file_names.count(path.name) == 1 else str(path)
        try:
            claim_files.append(_open_claim_file(path, file_name))
        except OSError as error:
            faults.append(Fault(file_name, 0, f"cannot be read ({error.strerror})"))
        except BadInput as error:
            faults += error.faults
    # A file given twice would double every unit of its claims, and deny them by their MUE.
    faults += _duplicate_files(claim_files)
    if faults:
        raise BadInput(faults, NOTHING_READ)
    return claim_files


def _open_claim_file(path: Path, file_name: str) -> ClaimFile:
    # A pipe can be read once only: its bytes are kept.
    source: Path | bytes = path if path.is_file() else path.read_bytes()
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as byte_stream:
        first_bytes = byte_stream.read(_RECOGNITION_BYTES).removeprefix(BOM_UTF8)
    other_format = _unreadable_format(first_bytes) if first_bytes.strip() else "an empty file"
    if other_format:
        raise BadInput([Fault(file_name, 0, f"expected claims, found {other_format}")], NOTHING_READ)
    claim_file = ClaimFile(file_name, _recognized_form(first_bytes, path.suffix.lower()), source)
    if claim_file.form is Form.PARQUET:
        _refuse_overpacked(claim_file)
    return claim_file


_MOST_LINES_PER_BYTE = 5
"""Of claims that differ a line takes a byte or more, however well parquet packs it."""


def _refuse_overpacked(claim_file: ClaimFile) -> None:
    """Raise BadInput for a parquet file with more lines than its bytes can hold if they differ; it is not unpacked."""
    packed_lines = claim_file.table.line_count()
    if packed_lines > _MOST_LINES_PER_BYTE * claim_file.size:
        raise BadInput(
            [Fault(claim_file.name, 0, f"has {packed_lines:,} lines in {claim_file.size:,} bytes: no claims do")],
            NOTHING_READ,
        )


def _unreadable_format(first_bytes: bytes) -> str | None:
    """What a file is that is not read as claims, by its first bytes; None if it may be claims."""
    return next(
        (other_format for signature, other_format in _UNREADABLE_FORMATS.items() if first_bytes.startswith(signature)),
        None,
    )


_COMPRESSED = "a compressed file: unpack it first"
# polars would unpack it whole, however large it becomes: gzip, Zstandard, and zlib by its level.
_UNREADABLE_FORMATS = {
    **dict.fromkeys((b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"), _COMPRESSED),
    **dict.fromkeys((BOM_UTF16_LE, BOM_UTF16_BE), 'text in UTF-16: save it as "CSV UTF-8"'),
    b"\xd0\xcf\x11\xe0": "an old or protected Office file: save it as .xlsx without a password",
}


def _recognized_form(first_bytes: bytes, suffix: str) -> Form:
    # Excel's workbooks are zip archives. The ending of the name decides only where content cannot: JSON or NDJSON.
    signatures = ((b"PAR1", Form.PARQUET), (b"PK", Form.XLSX), (b"ISA", Form.X12))
    for signature, signature_form in signatures:
        if first_bytes.startswith(signature):
            return signature_form
    if suffix in _NDJSON_SUFFIXES:
        return Form.NDJSON
    return Form.JSON if suffix == ".json" or first_bytes.lstrip()[:1] in (b"{", b"[") else Form.CSV


def _duplicate_files(claim_files: Sequence[ClaimFile]) -> Iterator[Fault]:
    """A fault for each file with the content of an earlier one; only files of one size are read for it."""
    earlier_names: dict[tuple[int, str], str] = {}
    file_sizes = [file.size for file in claim_files]
    for claim_file, file_size in zip(claim_files, file_sizes, strict=True):
        if file_sizes.count(file_size) > 1:
            with claim_file.open() as byte_stream:
                content_key = file_size, file_digest(byte_stream, "sha256").hexdigest()
            if content_key in earlier_names:
                yield Fault(
                    claim_file.name, 0, f"has the same content as {earlier_names[content_key]}: give each file once"
                )
            earlier_names.setdefault(content_key, claim_file.name)


def read_claims(path: Path, *, locality: str | None = None) -> tuple[pl.DataFrame, Rejects]:
    """Read the claims of a file: the lines of good claims (columns of `claim_fields`) and the claims set aside.

    *locality* is for lines that name none; an 837 never does. `refuse(rejects)` raises if any claim was set aside.

    Raises BadInput: when the file as a whole cannot be read, with every fault found. WrongUse: *locality* is not one.
    """
    check_locality(locality)
    [claim_file] = open_files([path])
    return _read_claim_file(claim_file, locality)


def read_files(
    paths: Sequence[Path], *, locality: str | None = None, skip_bad_claims: bool = False
) -> tuple[pl.DataFrame, list[Rejects]]:
    """Read the claims of files, one after another: their lines in one frame, and the claims set aside of each file.

    A claim is in one file: of one that several hold it is not known which is the right one, and all are set aside; so
    are, in any case, the claims of a day of a placeholder beneficiary.

    Raises BadInput: for files that cannot be read, and for bad claims unless *skip_bad_claims*.
    """
    check_locality(locality)
    claim_files = open_files(paths)
    lines_and_rejects = _read_claim_files(claim_files, locality)
    claims_of_files = shared_claims(
        [_claim_identifiers(*file_content) for file_content in lines_and_rejects],
        [claim_file.name for claim_file in claim_files],
    )
    placeholder_claim_lines = placeholder_claims(pl.concat([lines for lines, _ in lines_and_rejects]))
    # A file is read once more only where it shares a claim, or any file has a day of a placeholder.
    for file_number in range(len(claim_files)) if placeholder_claim_lines else claims_of_files:
        claims_as_read = raw_claims(claim_files[file_number], locality)
        file_faults = [
            *shared_faults(claims_as_read.lines, claims_of_files.get(file_number, {})),
            *placeholder_faults(claims_as_read.lines, placeholder_claim_lines),
        ]
        lines_and_rejects[file_number] = check_lines(
            claims_as_read.lines, claim_files[file_number].name, locality, [*claims_as_read.faults, *file_faults]
        )
    rejects = [file_rejects for _, file_rejects in lines_and_rejects]
    if not skip_bad_claims:
        refuse(*rejects)
    return pl.concat([lines for lines, _ in lines_and_rejects]), rejects


def _claim_identifiers(lines: pl.DataFrame, rejects: Rejects) -> pl.Series:
    return pl.concat([lines["claim_id"].unique(), rejects.faults["claim_id"].drop_nulls()]).unique()


def _read_claim_files(claim_files: Sequence[ClaimFile], locality: str | None) -> list[tuple[pl.DataFrame, Rejects]]:
    """Read *claim_files*; raise BadInput with the faults of all that cannot be read."""
    lines_and_rejects: list[tuple[pl.DataFrame, Rejects]] = []
    faults: list[Fault] = []
    for claim_file in claim_files:
        try:
            lines_and_rejects.append(_read_claim_file(claim_file, locality))
        except BadInput as error:
            faults += error.faults
    if faults:
        raise BadInput(faults, NOTHING_READ)
    return lines_and_rejects


class RawClaims(NamedTuple):
    """Lines as a file has them (columns of `RAW`); what its reader found malformed in them; what stops the file."""

    lines: pl.DataFrame
    faults: list[FieldFault]
    fatal: list[Fault]


def _read_claim_file(claim_file: ClaimFile, locality: str | None) -> tuple[pl.DataFrame, Rejects]:
    if claim_file.has_header:
        return from_frame(
            _table_lines(claim_file), locality=locality, file_name=claim_file.name, first_line=claim_file.first_line
        )
    claims_as_read = raw_claims(claim_file, locality)
    lines, rejects = check_lines(claims_as_read.lines, claim_file.name, locality, claims_as_read.faults)
    if claims_as_read.fatal:
        raise BadInput([*claims_as_read.fatal, *faults_of(rejects)], NOTHING_READ)
    return lines, rejects


def raw_claims(claim_file: ClaimFile, locality: str | None) -> RawClaims:
    """Return all lines of a file, as they are before the check.

    Raises BadInput: for a table without the columns that lines have, and files that cannot be read.
    """
    if claim_file.has_header:
        return RawClaims(
            as_raw(with_fields(_table_lines(claim_file), claim_file.name, locality), claim_file.first_line), [], []
        )
    claim_chunks = list(raw_chunks(claim_file, locality))
    lines = pl.concat([chunk.lines for chunk in claim_chunks])
    faults = [*chain(*(chunk.faults for chunk in claim_chunks))]
    return RawClaims(lines, faults, [*chain(*(chunk.fatal for chunk in claim_chunks))])


def raw_chunks(claim_file: ClaimFile, locality: str | None, claims_at_once: int | None = None) -> Iterator[RawClaims]:
    """Yield the lines of a JSON, NDJSON or X12 file by *claims_at_once* claims, or all; what stops it comes last."""
    if claim_file.form is Form.X12:
        yield from _x12_chunks(claim_file, locality, claims_at_once)
        return
    with claim_file.open() as byte_stream:
        is_ndjson = claim_file.form is Form.NDJSON
        file_name = claim_file.name
        claim_items = ndjson_items(byte_stream, file_name) if is_ndjson else json_items(claim_file.content(), file_name)
        is_first_batch = True
        # A file without claims yields one part, too: its faults are said like those of any other.
        while (claim_batch := list(islice(claim_items, claims_at_once))) or is_first_batch:
            is_first_batch = False
            lines, faults = flatten_claims(item for item in claim_batch if not isinstance(item[2], FieldFault))
            line_faults = [item[2] for item in claim_batch if isinstance(item[2], FieldFault)]
            yield RawClaims(lines, [*faults, *line_faults], [])


def rejects_as(rejects: Sequence[Rejects], file_format: Literal["csv", "ndjson"]) -> bytes:
    """Return the faults of the claims set aside as a file: one row for each, with file, claim, line and field."""
    reject_rows = pl.concat(
        file_rejects.faults.select(pl.lit(file_rejects.file).alias("file"), pl.exclude("claim_id"), SHOWN_CLAIM).select(
            "file", *file_rejects.faults.columns
        )
        for file_rejects in rejects
    )
    return csv_of(reject_rows) if file_format == "csv" else reject_rows.write_ndjson().encode()


_NATIONAL_LOCALITY = pl.lit("national").alias("locality")
"""The locality of lines whose file is refused for want of one: nothing else is said of them for that."""


def _x12_chunks(claim_file: ClaimFile, locality: str | None, claims_at_once: int | None) -> Iterator[RawClaims]:
    from codeset.claims.input.x12 import X12Claims  # noqa: PLC0415 (needs the x12 extra)

    # X12 is a character set of single bytes; latin-1 gives every byte a character, so that no byte stops the reader.
    with TextIOWrapper(claim_file.open(), encoding="latin-1", newline="") as text_stream:
        x12_claims = X12Claims(text_stream)
        for lines, faults in x12_claims.chunks(claims_at_once):
            yield RawClaims(lines.with_columns(_NATIONAL_LOCALITY) if locality is None else lines, faults, [])
    fatal_faults = [fault_of_file(claim_file.name, fault) for fault in x12_claims.envelope.fatal]
    if locality is None:
        missing_locality = (
            "an 837 does not say the locality: give it (--locality), as mac-locality, such as 01112-05, or national"
        )
        fatal_faults.append(Fault(claim_file.name, 0, missing_locality))
    yield RawClaims(pl.DataFrame(schema=dict(RAW)), x12_claims.envelope.minor, fatal_faults)


def _table_lines(claim_file: ClaimFile) -> pl.DataFrame:
    """The lines of a table as the file has them."""
    if claim_file.form is not Form.XLSX:
        return claim_file.table.read()
    from codeset.claims.input.xlsx_claims import xlsx_table  # noqa: PLC0415 (needs the xlsx extra)

    try:
        return xlsx_table(claim_file.content())
    except ValueError as error:
        raise BadInput([Fault(claim_file.name, 0, str(error))], NOTHING_READ) from error
