"""Rows of cells of workbooks and delimited files, and the records among them below a stacked header."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl

from codeset.errors import BadInput, Fault
from codeset_ingest.read import workbooks
from codeset_ingest.read.forms.text_files import END_OF_FILE, text_of
from codeset_ingest.read.layout import Column, Layout
from codeset_ingest.read.open_files import File
from codeset_ingest.read.table import LINE

BLOCK = "block"
"""The column with the number of a record's block: LOCCO parts its states by blank rows."""

HEAD_ROWS = 30
"""As many rows as notices and header may take; PPRRVU's, the deepest, end in row 10."""

_HEADER_LETTERS = 60
"""No header is longer; a longer one has a notice of the AMA's in it, which is not repeated in messages."""


csv.field_size_limit(1 << 24)  # an article's prose; of all other files a line is refused sooner


@dataclass(frozen=True)
class CellRow:
    """A row of cells with its line."""

    line: int
    cells: Sequence[str]

    @property
    def is_blank(self) -> bool:
        """Whether all cells are blank."""
        return not "".join(self.cells).strip()

    @property
    def is_end(self) -> bool:
        """Whether it is only the end-of-file mark."""
        return self.cells[0] == END_OF_FILE and self.is_single

    @property
    def has_line_break(self) -> bool:
        """Whether a cell holds more than one line."""
        text = "".join(self.cells)
        return "\n" in text or "\r" in text

    @property
    def is_single(self) -> bool:
        """Whether only the first cell is filled, as in a footnote."""
        return bool(self.cells[0].strip()) and not "".join(self.cells[1:]).strip()


def workbook_rows(file: File, sheet: str, rows: int | None = None) -> Iterator[CellRow]:
    """Yield the first *rows* rows of a sheet, all by default."""
    for line, cells in enumerate(workbooks.sheet_rows(file, sheet, rows), start=1):
        yield CellRow(line, cells)


def delimited_rows(file: File, delimiter: str) -> Iterator[CellRow]:
    """Yield the rows of a csv file; a row with quoted line breaks has the line on which it begins.

    Raises BadInput: for what is no csv record, with its line.
    """
    # Strict: text behind a closing quotation mark would else be taken for part of the cell.
    reader = csv.reader(io.StringIO(text_of(file), newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            yield CellRow(line, row or [""])
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadInput([Fault(file.names, line, f"not a csv record ({error})")]) from error


def grid_records(
    file: File, rules: Any, columns: list[Column], layout: Layout, grid: Iterable[CellRow]
) -> pl.DataFrame:
    """Return the records of *grid* below the header that *rules* describe, a column for each of the layout's.

    Raises BadInput: for headers that are not the layout's, and for every row of another width.
    """
    rows = iter(grid)
    places = read_header(file, rules["header"], columns, layout, rows)
    records, faults = _records(file, rules, rows, len(places))
    if faults:
        raise BadInput(faults)
    data: dict[str, Sequence[Any]] = {LINE: [row.line for row, _ in records], BLOCK: [block for _, block in records]}
    by_column = zip(*(row.cells for row, _ in records), strict=True) if records else ([] for _ in places)
    data |= {column.name: texts for column, texts in zip(places, by_column, strict=True) if column.name}
    schema = {name: pl.Int32 if name in (LINE, BLOCK) else pl.String for name in data}
    return pl.DataFrame(data, schema=schema)


def _records(
    file: File, rules: Any, rows: Iterator[CellRow], width: int
) -> tuple[list[tuple[CellRow, int]], list[Fault]]:
    """The records with the number of their block (blank rows separate blocks), and faults for other rows."""
    records: list[tuple[CellRow, int]] = []
    faults: list[Fault] = []
    footnote: CellRow | None = None
    block = 0
    for row in rows:
        # LOCCO names a state in the first of its rows, and parts the states by blank ones: no state is filled across.
        if row.is_blank or row.is_end:
            block += 1
        elif row.is_single and "footnotes" in rules and re.match(rules["footnotes"], row.cells[0]):
            footnote = footnote or row
        elif len(row.cells) != width:
            faults.append(Fault(file.names, row.line, f"{len(row.cells)} cells, expected {width} as in the header"))
        elif row.has_line_break and "line_breaks" not in rules:
            message = "a cell goes on over several lines: a quotation mark is open, or two records stand in one cell"
            faults.append(Fault(file.names, row.line, message))
        else:
            if footnote is not None:
                faults.append(Fault(file.names, footnote.line, "text between the records; footnotes stand after them"))
                footnote = None
            records.append((row, block))
    return records, faults


def read_header(
    file: File, header: Any, columns: list[Column], layout: Layout, rows: Iterator[CellRow]
) -> list[Column]:
    """Read *rows* up to the end of the stacked header; return the layout's column for each cell."""
    above: list[CellRow] = []
    for row in islice(rows, HEAD_ROWS):
        above.append(row)
        if re.fullmatch(header["anchor"], _fold(row.cells[0])):
            break
    else:
        raise BadInput([Fault(file.names, 0, f'no header row that begins with "{header["anchor"]}"')])
    # PPRRVU spreads a caption over up to five rows (NON-FAC / PE / RVU), and RVU, INDICATOR and TOTAL stand in its last
    # row several times: only what is joined names a column. So columns may move, as in 2026, when PRIC IND came before
    # ENDO BASE.
    stack = [*above[-1 - header["above"] :], *islice(rows, header["below"])]
    width = len(above[-1].cells)
    texts = [_fold(" ".join(row.cells[place] for row in stack if place < len(row.cells))) for place in range(width)]
    return _match_columns(file, texts, columns, layout, above[-1].line)


def _match_columns(file: File, texts: list[str], columns: list[Column], layout: Layout, line: int) -> list[Column]:
    places = [[column for column in columns if column.header.fullmatch(text)] for text in texts]
    matched = [column for place in places for column in place]
    read = f"headers read: {_header_texts(texts)}"
    table = layout.rules["tables"][0]["table"]
    faults = [
        Fault(file.names, line, f'no column "{column.label}" ({table}.{column.name or "dropped"}); {read}')
        for column in columns
        if column not in matched and not column.rules.get("optional")
    ]
    faults += [
        Fault(
            file.names, line, f'column "{_header_texts([text])}" is not in the layout of {layout.publication}; {read}'
        )
        for text, place in zip(texts, places, strict=True)
        if not place
    ]
    faults += [
        Fault(file.names, line, f'column "{column.label}" is there {matched.count(column)} times; {read}')
        for column in columns
        if matched.count(column) > 1
    ]
    if faults:
        raise BadInput(faults)
    return [place[0] for place in places]


def _fold(text: str) -> str:
    return " ".join(text.split())


def _header_texts(texts: list[str]) -> str:
    """Headers for a message: of a long one only the last word, so that no notice above it slips into a log."""
    return "; ".join(text if len(text) <= _HEADER_LETTERS else "... " + text.split()[-1] for text in texts)
