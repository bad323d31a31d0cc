"""Workbooks are written here and nowhere else: text stays text, same content is same bytes."""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from math import ceil
from pathlib import Path
from typing import BinaryIO

from codeset.errors import extra

with extra("review"):
    from openpyxl import Workbook
    from openpyxl.cell import Cell as WrittenCell
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.hyperlink import Hyperlink
    from openpyxl.worksheet.properties import PageSetupProperties
    from openpyxl.worksheet.worksheet import Worksheet


@dataclass(frozen=True)
class Link:
    """A text that leads to a row of another sheet: to the one of that name in its `targets`."""

    text: str
    sheet: str
    target: str

    def __str__(self) -> str:
        """Return the text."""
        return self.text


Cell = str | int | float | Decimal | bool | date | Link | None

_MAKER = "derm-codeset"
_MODIFIED_ON = datetime(2000, 1, 1)  # noqa: DTZ001 (a workbook's dates have no zone; no clock goes into what is hashed)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")
# The earliest time that a zip can hold.
_ZIPPED_ON = (1980, 1, 1, 0, 0, 0)

_TITLE = Font(bold=True, size=14)
_LINK = Font(underline="single", color="0563C1")
_HEADER = Font(bold=True, color="FFFFFF")
_HEADER_FILL = PatternFill("solid", fgColor="1F4E78")
_WRAPPED_TOP = Alignment(wrap_text=True, vertical="top")
_UNWRAPPED_TOP = Alignment(vertical="top")

_NARROWEST, _WIDEST, _ROWS_MEASURED = 9, 60, 200
"""Characters that a column is wide at least and at most, and rows that are looked at to tell."""

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")
"""What an xlsx text spells as `_xHHHH_`: control characters, and an underscore that would begin such a spelling."""

_LINE_HEIGHT, _LETTERS_OF_A_DIGIT = 15, 1.1
"""Points, and how many letters of a text fit where one digit of the column's width does."""

_NOTE_HEIGHT, _NOTE_WIDTH = 90, 320
"""Pixels."""

_FORMULA_SIGNS = ("=", "+", "-", "@")
# Characters of a cell (Excel specifications and limits).
_LONGEST_TEXT = 32_767


@dataclass(frozen=True)
class Sheet:
    """One sheet: `title` lines, then a styled `header` (frozen, with a filter) if there is one, then the rows.

    `formats` are number formats and `widths` characters, both by column from 0; a column without a width takes it
    from its texts when there is a header. `notes` explain columns, by column from 0: they show when one points at the
    header. Texts of the columns in `wrapped` go on in further lines. `targets` names the rows for
    links, in their order.
    """

    rows: Iterable[Sequence[Cell]]
    header: Sequence[str] = ()
    title: Sequence[str] = ()
    formats: Mapping[int, str] = field(default_factory=dict)
    widths: Mapping[int, float] = field(default_factory=dict)
    notes: Mapping[int, str] = field(default_factory=dict)
    wrapped: frozenset[int] = frozenset()
    targets: Sequence[str] = ()


def write(output: Path | BinaryIO, sheets: Mapping[str, Sheet]) -> None:
    """Write *sheets*, by name, as an xlsx workbook to *output*.

    No text becomes a formula, a number, an error or a link, whatever it begins with. Names are at most 31 characters.

    Raises ValueError: for a text longer than a cell holds, a sheet name that Excel refuses, or no sheet at all.
    """
    if not sheets:
        raise ValueError("a workbook has at least one sheet")
    # Written row by row: a workbook of 100,000 rows is never in memory whole.
    workbook = Workbook(write_only=True)
    workbook.properties.creator, workbook.properties.created = _MAKER, _MODIFIED_ON
    # Targets are known before any row is written, for a link may lead to a sheet that comes later.
    target_cells = {
        (sheet_name, target_name): f"'{sheet_name}'!A{_rows_above(sheet) + row_number}"
        for sheet_name, sheet in sheets.items()
        for row_number, target_name in enumerate(sheet.targets, start=1)
    }
    for sheet_name, sheet in sheets.items():
        _fill_page(workbook.create_sheet(sheet_name), sheet, target_cells)
    saved_bytes = io.BytesIO()
    workbook.save(saved_bytes)
    clockless_bytes = _without_clock(saved_bytes)
    if isinstance(output, Path):
        output.write_bytes(clockless_bytes)
    else:
        output.write(clockless_bytes)


_TargetCells = Mapping[tuple[str, str], str]
"""The cell of each target, by its sheet and name."""


def _rows_above(sheet: Sheet) -> int:
    return len(sheet.title) + bool(sheet.title) + bool(sheet.header)


def _fill_page(page: Worksheet, sheet: Sheet, target_cells: _TargetCells) -> None:
    remaining_rows = iter(sheet.rows)
    # Widths are written before the rows: the first rows are looked at, then written with the others.
    first_rows = list(islice(remaining_rows, _ROWS_MEASURED)) if sheet.header else []
    widths = {**_column_widths(sheet.header, first_rows), **sheet.widths}
    for column_index, column_width in widths.items():
        page.column_dimensions[get_column_letter(column_index + 1)].width = column_width
    rows_above = _rows_above(sheet)
    _lay_out(page, rows_above if sheet.header else 0)
    for caption_row in _caption_rows(page, sheet):
        page.append(caption_row)
    row_count = 0
    for row_cells in chain(first_rows, remaining_rows):
        if sheet.wrapped:
            row_height = _LINE_HEIGHT * _lines_needed(row_cells, sheet, widths)
            page.row_dimensions[rows_above + row_count + 1].height = row_height
        page.append(
            [
                _written_cell(page, cell_value, column_index, sheet, target_cells)
                for column_index, cell_value in enumerate(row_cells)
            ]
        )
        row_count += 1
    if sheet.header:
        page.auto_filter.ref = f"A{rows_above}:{get_column_letter(len(sheet.header))}{rows_above + row_count}"


def _lines_needed(row_cells: Sequence[Cell], sheet: Sheet, widths: Mapping[int, float]) -> int:
    """How many lines the row needs: LibreOffice shows one where the file does not say."""
    wrapped_texts = (
        (column_index, cell_value)
        for column_index, cell_value in enumerate(row_cells)
        if column_index in sheet.wrapped and isinstance(cell_value, str)
    )
    return max(
        (
            ceil(len(text) / (widths[column_index] * _LETTERS_OF_A_DIGIT))
            for column_index, text in wrapped_texts
            if text
        ),
        default=1,
    )


def _lay_out(page: Worksheet, header_row: int) -> None:
    """On the screen the header stays; on paper it is on every page, which is as wide as the sheet."""
    page.page_setup.orientation, page.page_setup.fitToHeight = "landscape", False
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    if header_row:
        page.freeze_panes = f"A{header_row + 1}"
        page.print_title_rows = f"{header_row}:{header_row}"


def _caption_rows(page: Worksheet, sheet: Sheet) -> Iterator[list[WrittenCell | None]]:
    """The title's lines, the first of them large, a blank line, the header."""
    for position, title_line in enumerate(sheet.title):
        caption_cell = _text_cell(page, title_line)
        if position == 0:
            caption_cell.font = _TITLE
        yield [caption_cell]
    if sheet.title:
        yield []
    if sheet.header:
        header_cells = [_text_cell(page, caption) for caption in sheet.header]
        for position, caption_cell in enumerate(header_cells):
            caption_cell.font, caption_cell.fill, caption_cell.alignment = _HEADER, _HEADER_FILL, _WRAPPED_TOP
            if position in sheet.notes:
                caption_cell.comment = Comment(sheet.notes[position], _MAKER, height=_NOTE_HEIGHT, width=_NOTE_WIDTH)
        yield list(header_cells)


def _column_widths(header_texts: Sequence[str], first_rows: Iterable[Sequence[Cell]]) -> dict[int, float]:
    """The width of each column of a sheet with a header, from its texts."""
    measured_rows = [header_texts, *first_rows] if header_texts else []
    column_widths: dict[int, float] = {}
    for measured_row in measured_rows:
        for column_index, cell_value in enumerate(measured_row):
            longest_line = max(
                len(text_line) for text_line in str(cell_value if cell_value is not None else "").split("\n")
            )
            column_widths[column_index] = min(
                max(column_widths.get(column_index, _NARROWEST), longest_line + 2), _WIDEST
            )
    return column_widths


def _written_cell(
    page: Worksheet, cell_value: Cell, column_index: int, sheet: Sheet, target_cells: _TargetCells
) -> Cell | WrittenCell:
    number_format = sheet.formats.get(column_index)
    if isinstance(cell_value, Link):
        return _link_cell(page, cell_value, target_cells)
    if isinstance(cell_value, str):
        text_cell = _text_cell(page, cell_value)
        if sheet.wrapped:
            text_cell.alignment = _WRAPPED_TOP if column_index in sheet.wrapped else _UNWRAPPED_TOP
        return text_cell
    if cell_value is None or number_format is None:
        return cell_value
    cell: WrittenCell = WriteOnlyCell(page, value=cell_value)  # type: ignore[arg-type]  # nor Decimal nor date there
    cell.number_format = number_format
    return cell


def _link_cell(page: Worksheet, link: Link, target_cells: _TargetCells) -> WrittenCell:
    """A link within the workbook; only its text, if the sheet has no such row."""
    link_cell = _text_cell(page, link.text)
    if location := target_cells.get((link.sheet, link.target)):
        link_cell.hyperlink = Hyperlink(ref="", location=location)
        link_cell.font = _LINK
    return link_cell


def _text_cell(page: Worksheet, cell_text: str) -> WrittenCell:
    """A cell that is text and stays so when someone edits it: openpyxl itself takes "=…" for a formula."""
    escaped = _UNWRITABLE.sub(lambda match: f"_x{ord(match[0]):04X}_", cell_text)
    if len(escaped) > _LONGEST_TEXT:
        raise ValueError(f"a text of {len(escaped)} characters; a cell holds at most {_LONGEST_TEXT}")
    written_cell: WrittenCell = WriteOnlyCell(page, value=escaped)
    # Set after the value, from which openpyxl concludes a formula, a number or an error.
    written_cell.data_type = "s"
    # As if it had been typed with an apostrophe before it: else editing the cell makes it a formula.
    if cell_text.startswith(_FORMULA_SIGNS):
        written_cell.quotePrefix = True
    return written_cell


def _without_clock(workbook_bytes: BinaryIO) -> bytes:
    """The workbook with every clock taken out: openpyxl stamps the zip's members and the time of saving."""
    settled_bytes = io.BytesIO()
    modified_element = rb"\g<1>" + _MODIFIED_ON.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with (
        zipfile.ZipFile(workbook_bytes) as saved_zip,
        zipfile.ZipFile(settled_bytes, "w", zipfile.ZIP_DEFLATED) as settled_zip,
    ):
        for member_name in saved_zip.namelist():
            member_bytes = saved_zip.read(member_name)
            member_info = zipfile.ZipInfo(member_name, _ZIPPED_ON)
            member_info.compress_type = zipfile.ZIP_DEFLATED
            # Zip members say which system wrote them, and its file modes.
            member_info.create_system, member_info.external_attr = 0, 0
            if member_name == "docProps/core.xml":
                member_bytes = _MODIFIED.sub(modified_element, member_bytes)
            settled_zip.writestr(member_info, member_bytes)
    return settled_bytes.getvalue()
