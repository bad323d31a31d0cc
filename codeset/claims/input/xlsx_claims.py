"""Claim lines from an Excel workbook: the one sheet whose first row heads claim lines, every cell as text.

A workbook is a zip of XML that anybody may have made: what could fill the memory, or read other files, is refused
before a cell is read.
"""

import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from io import BytesIO
from itertools import islice
from typing import Any
from zipfile import BadZipFile, ZipFile

import polars as pl

from codeset.claims.input.headers import is_header_row
from codeset.errors import extra

with extra("xlsx"):
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

_BYTES_AT_MOST = 400_000_000
"""Of all members together, unpacked: Excel's million rows of claim lines have some 300 MB."""

_COLUMNS_AT_MOST = 500
_BLANK_ROWS_AT_MOST = 1_000
_PIECE = 1_000_000


def xlsx_table(content: bytes) -> pl.DataFrame:
    """Return the claim lines of a workbook as text, columns by the names in the first row.

    Raises ValueError: says in words why it cannot be read.
    """
    _check_members(content)
    try:
        book = load_workbook(BytesIO(content), read_only=True, data_only=True)
        sheets = [rows for sheet in book.worksheets if (rows := _rows(sheet))]
    except (BadZipFile, InvalidFileException, zlib.error, KeyError, OSError, SyntaxError, TypeError) as error:
        raise ValueError("is not a workbook that can be read") from error
    of_claims = [rows for rows in sheets if is_header_row(rows[0])]
    if len(of_claims) != 1:
        heads = "no sheet whose first row heads claim lines" if not of_claims else f"{len(of_claims)} such sheets"
        raise ValueError(f"expected one sheet of claim lines, headers in its first row, found {heads}")
    [[names, *rows]] = of_claims
    return pl.DataFrame(rows, schema=dict.fromkeys(_distinct(names), pl.String()), orient="row")


def _check_members(content: bytes) -> None:
    """Raise ValueError for members that unpack to more than is read, or declare entities."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _BYTES_AT_MOST:
                raise ValueError(f"unpacks to more than {_BYTES_AT_MOST:,} bytes")
            for member in archive.infolist():
                if member.filename.endswith((".xml", ".rels")):
                    _check_xml(archive, member.filename)
    except (BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ValueError("is not a workbook that can be read") from error


def _check_xml(archive: ZipFile, name: str) -> None:
    """Raise ValueError if the member declares a document type: Excel writes none, and entities come with one."""
    size, end = 0, b""
    with archive.open(name) as file:
        while piece := file.read(_PIECE):
            size += len(piece)
            if size > _BYTES_AT_MOST or b"\0" in piece or b"<!DOCTYPE" in (end + piece).upper():
                raise ValueError("is not a workbook as Excel writes it")
            end = piece[-10:]


def _rows(sheet: Any) -> list[list[str | None]]:
    """The rows of a sheet from the first with a value to the last one, all of one width.

    Raises ValueError: for cells far from the others, which no table has.
    """
    sheet.reset_dimensions()  # what the file says of its size may be anything
    rows: list[list[str | None]] = []
    blank = 0
    for row in sheet.iter_rows(values_only=True):
        if len(row) > _COLUMNS_AT_MOST:
            raise ValueError(f"has cells beyond column {_COLUMNS_AT_MOST}")
        if not any(value is not None for value in row):
            blank += 1
            continue
        if rows and blank > _BLANK_ROWS_AT_MOST:
            raise ValueError(f"has cells after {blank:,} blank rows")
        rows += [[None]] * (blank if rows else 0)
        rows.append([_text(value) for value in row])
        blank = 0
    return list(_squared(rows))


def _squared(rows: Sequence[list[str | None]]) -> Iterator[list[str | None]]:
    """The rows, each with as many cells as the header has, or as its own values need."""
    if not rows:
        return
    width = max((place for row in rows for place, text in enumerate(row, start=1) if text), default=0)
    for row in rows:
        yield [*islice(row, width), *([None] * (width - len(row)))]


def _text(value: object) -> str | None:
    """A cell as its text: whole numbers without decimals, days as ISO writes them."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _distinct(names: Sequence[str | None]) -> list[str]:
    """Column names; one that is lacking or there twice gets its number."""
    filled = [name or f"column {number}" for number, name in enumerate(names, start=1)]
    return [f"{name}_duplicated_{number}" if name in filled[:number] else name for number, name in enumerate(filled)]
