"""Excel workbooks that somebody else made are read here and nowhere else: the visible sheets, cell by cell.

A workbook is a zip of XML that anybody may have made: what could fill the memory, or read other files, is refused
before a cell is read.
"""

import zlib
from datetime import date, datetime, time
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

from codeset.errors import BadInput, Fault, extra

with extra("xlsx"):
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

ReadCell = str | int | float | bool | date | datetime | time | None
"""A cell as it was saved; a formula is its value."""

_BYTES_AT_MOST = 400_000_000
"""Of all members together, unpacked: Excel's million rows of claim lines have some 300 MB."""

# No table of claims or volumes is wider, nor has such a gap; a sheet that is was made to fill the memory, or is none.
_COLUMNS_AT_MOST = 500
_BLANK_ROWS_AT_MOST = 1_000
_CHUNK_BYTES = 1_000_000

_UNREADABLE = "cannot be read as an xlsx workbook"
# What openpyxl and the readers beneath it raise on a file that is no workbook.
_DAMAGE_ERRORS = (
    *(BadZipFile, InvalidFileException, zlib.error, KeyError, OSError, SyntaxError, TypeError, AttributeError),
    *(EOFError, NotImplementedError, RuntimeError),
)


def read_sheets(content: bytes, workbook_name: str) -> dict[str, list[list[ReadCell]]]:
    """Return the rows of each visible sheet of the workbook called *workbook_name*, by the name of the sheet.

    Raises BadInput: says why it cannot be read.
    """
    try:
        return sheets_of(content)
    except ValueError as error:
        raise BadInput([Fault(workbook_name, 0, str(error))], "Nothing was read.") from error


def sheets_of(content: bytes) -> dict[str, list[list[ReadCell]]]:
    """As `read_sheets`.

    Raises ValueError: says in words why it cannot be read.
    """
    _check_members(content)
    try:
        # `data_only`: the value that Excel saved, never a formula, which nobody here evaluates.
        workbook = load_workbook(BytesIO(content), read_only=True, data_only=True)
        return {sheet.title: _sheet_rows(sheet) for sheet in workbook.worksheets if sheet.sheet_state == "visible"}
    except _DAMAGE_ERRORS as error:
        raise ValueError(_UNREADABLE) from error


def _check_members(content: bytes) -> None:
    """Raise ValueError for members that unpack to more than is read, or declare entities."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _BYTES_AT_MOST:
                raise ValueError(f"unpacks to more than {_BYTES_AT_MOST:,} bytes")
            for member in archive.infolist():
                if member.filename.endswith((".xml", ".rels")):
                    _check_xml(archive, member.filename)
    except _DAMAGE_ERRORS as error:
        raise ValueError(_UNREADABLE) from error


def _check_xml(archive: ZipFile, member_name: str) -> None:
    """Raise ValueError if the member declares a document type: Excel writes none, and entities come with one."""
    unpacked_size, previous_end = 0, b""
    with archive.open(member_name) as member_file:
        while chunk := member_file.read(_CHUNK_BYTES):
            unpacked_size += len(chunk)
            if unpacked_size > _BYTES_AT_MOST or b"\0" in chunk or b"<!DOCTYPE" in (previous_end + chunk).upper():
                raise ValueError("is not a workbook as Excel writes it")
            # A word may be split between two chunks: "<!DOCTYPE" has nine letters.
            previous_end = chunk[-10:]


def _sheet_rows(sheet: Any) -> list[list[ReadCell]]:
    """The rows of a sheet from its first to the last one with a value.

    Raises ValueError: for cells far from the others, which no table has.
    """
    sheet.reset_dimensions()  # what the file says of its size may be anything
    sheet_rows: list[list[ReadCell]] = []
    blank_rows = 0
    for cell_values in sheet.iter_rows(values_only=True):
        if len(cell_values) > _COLUMNS_AT_MOST:
            raise ValueError(f"has cells beyond column {_COLUMNS_AT_MOST}")
        if not any(cell_value is not None for cell_value in cell_values):
            blank_rows += 1
            continue
        if blank_rows > _BLANK_ROWS_AT_MOST:
            raise ValueError(f"has cells after {blank_rows:,} blank rows")
        sheet_rows += [[]] * blank_rows
        sheet_rows.append(list(cell_values))
        blank_rows = 0
    return sheet_rows
