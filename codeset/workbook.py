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
_ZIPPED = (1980, 1, 1, 0, 0, 0)

_TITLE = Font(bold=True, size=14)
_LINK = Font(underline="single", color="0563C1")
_HEADER = Font(bold=True, color="FFFFFF")
_HEADER_FILL = PatternFill("solid", fgColor="1F4E78")
_TOP = Alignment(wrap_text=True, vertical="top")
_BESIDE = Alignment(vertical="top")

_NARROWEST, _WIDEST, _MEASURED = 9, 60, 200
"""Characters that a column is wide at least and at most, and rows that are looked at to tell."""

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")
"""What an xlsx text spells as `_xHHHH_`: control characters, and an underscore that would begin such a spelling."""

_LINE_HEIGHT, _FILLED = 15, 1.1
"""Points, and how many letters of a text stand where one digit of the column's width does."""

_NOTE_HEIGHT, _NOTE_WIDTH = 90, 320
"""Pixels."""

_FORMULA_SIGNS = ("=", "+", "-", "@")
# Characters of a cell (Excel specifications and limits).
_LONGEST = 32_767


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


def write(target: Path | BinaryIO, sheets: Mapping[str, Sheet]) -> None:
    """Write *sheets*, by name, as an xlsx workbook to *target*.

    No text becomes a formula, a number, an error or a link, whatever it begins with. Names are at most 31 characters.

    Raises ValueError: for a text longer than a cell holds, a sheet name that Excel refuses, or no sheet at all.
    """
    if not sheets:
        raise ValueError("a workbook has at least one sheet")
    # Written row by row: a workbook of 100,000 rows is never in memory whole.
    book = Workbook(write_only=True)
    book.properties.creator, book.properties.created = _MAKER, _MODIFIED_ON
    # Targets are known before any row is written, for a link may lead to a sheet that comes later.
    places = {
        (name, target): f"'{name}'!A{_rows_above(sheet) + row}"
        for name, sheet in sheets.items()
        for row, target in enumerate(sheet.targets, start=1)
    }
    for name, sheet in sheets.items():
        _fill(book.create_sheet(name), sheet, places)
    raw = io.BytesIO()
    book.save(raw)
    data = _without_clock(raw)
    if isinstance(target, Path):
        target.write_bytes(data)
    else:
        target.write(data)


_Places = Mapping[tuple[str, str], str]
"""The cell of each target, by its sheet and name."""


def _rows_above(sheet: Sheet) -> int:
    return len(sheet.title) + bool(sheet.title) + bool(sheet.header)


def _fill(page: Worksheet, sheet: Sheet, places: _Places) -> None:
    rows = iter(sheet.rows)
    # Widths are written before the rows: the first rows are looked at, then written with the others.
    first = list(islice(rows, _MEASURED)) if sheet.header else []
    widths = {**_column_widths(sheet.header, first), **sheet.widths}
    for place, width in widths.items():
        page.column_dimensions[get_column_letter(place + 1)].width = width
    above = _rows_above(sheet)
    _lay_out(page, above if sheet.header else 0)
    for captions in _captions(page, sheet):
        page.append(captions)
    count = 0
    for row in chain(first, rows):
        if sheet.wrapped:
            page.row_dimensions[above + count + 1].height = _LINE_HEIGHT * _lines(row, sheet, widths)
        page.append([_cell(page, value, place, sheet, places) for place, value in enumerate(row)])
        count += 1
    if sheet.header:
        page.auto_filter.ref = f"A{above}:{get_column_letter(len(sheet.header))}{above + count}"


def _lines(row: Sequence[Cell], sheet: Sheet, widths: Mapping[int, float]) -> int:
    """How many lines the row needs: LibreOffice shows one where the file does not say."""
    texts = ((place, value) for place, value in enumerate(row) if place in sheet.wrapped and isinstance(value, str))
    return max((ceil(len(text) / (widths[place] * _FILLED)) for place, text in texts if text), default=1)


def _lay_out(page: Worksheet, header: int) -> None:
    """On the screen the header stays; on paper it stands on every page, which is as wide as the sheet."""
    page.page_setup.orientation, page.page_setup.fitToHeight = "landscape", False
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    if header:
        page.freeze_panes = f"A{header + 1}"
        page.print_title_rows = f"{header}:{header}"


def _captions(page: Worksheet, sheet: Sheet) -> Iterator[list[WrittenCell | None]]:
    """The title's lines, the first of them large, a blank line, the header."""
    for place, line in enumerate(sheet.title):
        cell = _text(page, line)
        if place == 0:
            cell.font = _TITLE
        yield [cell]
    if sheet.title:
        yield []
    if sheet.header:
        header = [_text(page, caption) for caption in sheet.header]
        for place, cell in enumerate(header):
            cell.font, cell.fill, cell.alignment = _HEADER, _HEADER_FILL, _TOP
            if place in sheet.notes:
                cell.comment = Comment(sheet.notes[place], _MAKER, height=_NOTE_HEIGHT, width=_NOTE_WIDTH)
        yield list(header)


def _column_widths(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> dict[int, float]:
    """The width of each column of a sheet with a header, from its texts."""
    lines = [header, *rows] if header else []
    widths: dict[int, float] = {}
    for line in lines:
        for place, value in enumerate(line):
            longest = max(len(part) for part in str(value if value is not None else "").split("\n"))
            widths[place] = min(max(widths.get(place, _NARROWEST), longest + 2), _WIDEST)
    return widths


def _cell(page: Worksheet, value: Cell, place: int, sheet: Sheet, places: _Places) -> Cell | WrittenCell:
    number_format = sheet.formats.get(place)
    if isinstance(value, Link):
        return _link(page, value, places)
    if isinstance(value, str):
        text = _text(page, value)
        if sheet.wrapped:
            text.alignment = _TOP if place in sheet.wrapped else _BESIDE
        return text
    if value is None or number_format is None:
        return value
    cell: WrittenCell = WriteOnlyCell(page, value=value)  # type: ignore[arg-type]  # nor Decimal nor date there
    cell.number_format = number_format
    return cell


def _link(page: Worksheet, link: Link, places: _Places) -> WrittenCell:
    """A link within the workbook; only its text, if the sheet has no such row."""
    cell = _text(page, link.text)
    if location := places.get((link.sheet, link.target)):
        cell.hyperlink = Hyperlink(ref="", location=location)
        cell.font = _LINK
    return cell


def _text(page: Worksheet, text: str) -> WrittenCell:
    """A cell that is text and stays so when someone edits it: openpyxl itself takes "=…" for a formula."""
    escaped = _UNWRITABLE.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
    if len(escaped) > _LONGEST:
        raise ValueError(f"a text of {len(escaped)} characters; a cell holds at most {_LONGEST}")
    cell: WrittenCell = WriteOnlyCell(page, value=escaped)
    # Set after the value, from which openpyxl concludes a formula, a number or an error.
    cell.data_type = "s"
    # As if it had been typed with an apostrophe before it: else editing the cell makes it a formula.
    if text.startswith(_FORMULA_SIGNS):
        cell.quotePrefix = True
    return cell


def _without_clock(raw: BinaryIO) -> bytes:
    """The workbook with every clock taken out: openpyxl stamps the zip's members and the time of saving."""
    settled = io.BytesIO()
    modified = rb"\g<1>" + _MODIFIED_ON.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(settled, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            info = zipfile.ZipInfo(name, _ZIPPED)
            info.compress_type = zipfile.ZIP_DEFLATED
            # Zip members say which system wrote them, and its file modes.
            info.create_system, info.external_attr = 0, 0
            new.writestr(info, _MODIFIED.sub(modified, data) if name == "docProps/core.xml" else data)
    return settled.getvalue()
