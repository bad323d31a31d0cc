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
        return not any(map(str.strip, self.cells))

    @property
    def is_end(self) -> bool:
        """Whether it is only the end-of-file mark."""
        return self.cells[0] == END_OF_FILE and self.is_single

    @property
    def has_line_break(self) -> bool:
        """Whether a cell holds more than one line."""
        joined_text = "".join(self.cells)
        return "\n" in joined_text or "\r" in joined_text

    @property
    def is_single(self) -> bool:
        """Whether only the first cell is filled, as in a footnote."""
        return bool(self.cells[0].strip()) and not any(map(str.strip, self.cells[1:]))


def workbook_rows(source_file: File, sheet_name: str, row_count: int | None = None) -> Iterator[CellRow]:
    """Yield the first *row_count* rows of a sheet, all by default."""
    for line_number, cells in enumerate(workbooks.sheet_rows(source_file, sheet_name, row_count), start=1):
        yield CellRow(line_number, cells)


def delimited_rows(source_file: File, delimiter: str) -> Iterator[CellRow]:
    """Yield the rows of a csv file; a row with quoted line breaks has the line on which it begins.

    Raises BadInput: for what is no csv record, with its line.
    """
    # Strict: text behind a closing quotation mark would else be taken for part of the cell.
    record_reader = csv.reader(io.StringIO(text_of(source_file), newline=""), delimiter=delimiter, strict=True)
    first_line = 1
    try:
        for record_cells in record_reader:
            yield CellRow(first_line, record_cells or [""])
            first_line = record_reader.line_num + 1
    except csv.Error as error:
        raise BadInput([Fault(source_file.names, first_line, f"not a csv record ({error})")]) from error


def grid_records(
    source_file: File, form_rules: Any, columns: list[Column], layout: Layout, grid_rows: Iterable[CellRow]
) -> pl.DataFrame:
    """Return the records of *grid_rows* below the header that *form_rules* describe, a column for each of the layout's.

    Raises BadInput: for headers that are not the layout's, and for every row of another width.
    """
    remaining_rows = iter(grid_rows)
    columns_of_cells = read_header(source_file, form_rules["header"], columns, layout, remaining_rows)
    block_records, faults = _records_below_header(source_file, form_rules, remaining_rows, len(columns_of_cells))
    if faults:
        raise BadInput(faults)
    column_values: dict[str, Sequence[Any]] = {
        LINE: [cell_row.line for cell_row, _ in block_records],
        BLOCK: [block for _, block in block_records],
    }
    by_column = (
        zip(*(row.cells for row, _ in block_records), strict=True) if block_records else ([] for _ in columns_of_cells)
    )
    column_values |= {
        column.name: texts for column, texts in zip(columns_of_cells, by_column, strict=True) if column.name
    }
    column_types = {name: pl.Int32 if name in (LINE, BLOCK) else pl.String for name in column_values}
    return pl.DataFrame(column_values, schema=column_types)


def _records_below_header(
    source_file: File, form_rules: Any, remaining_rows: Iterator[CellRow], header_width: int
) -> tuple[list[tuple[CellRow, int]], list[Fault]]:
    """The records with the number of their block (blank rows separate blocks), and faults for other rows."""
    block_records: list[tuple[CellRow, int]] = []
    faults: list[Fault] = []
    footnote: CellRow | None = None
    block_number = 0
    for cell_row in remaining_rows:
        # LOCCO names a state in the first of its rows, with blank rows between the states: no state is filled across.
        if cell_row.is_blank or cell_row.is_end:
            block_number += 1
        elif "footnotes" in form_rules and cell_row.is_single and re.match(form_rules["footnotes"], cell_row.cells[0]):
            footnote = footnote or cell_row
        elif len(cell_row.cells) != header_width:
            faults.append(
                Fault(
                    source_file.names,
                    cell_row.line,
                    f"{len(cell_row.cells)} cells, expected {header_width} as in the header",
                )
            )
        elif cell_row.has_line_break and "line_breaks" not in form_rules:
            message = "a cell goes on over several lines: a quotation mark is open, or two records stand in one cell"
            faults.append(Fault(source_file.names, cell_row.line, message))
        else:
            if footnote is not None:
                faults.append(
                    Fault(source_file.names, footnote.line, "text between the records; footnotes stand after them")
                )
                footnote = None
            block_records.append((cell_row, block_number))
    return block_records, faults


def read_header(
    source_file: File, header_rules: Any, columns: list[Column], layout: Layout, remaining_rows: Iterator[CellRow]
) -> list[Column]:
    """Read *remaining_rows* up to the end of the stacked header; return the layout's column for each cell."""
    rows_so_far: list[CellRow] = []
    for cell_row in islice(remaining_rows, HEAD_ROWS):
        rows_so_far.append(cell_row)
        if re.fullmatch(header_rules["anchor"], _folded(cell_row.cells[0])):
            break
    else:
        raise BadInput([Fault(source_file.names, 0, f'no header row that begins with "{header_rules["anchor"]}"')])
    # PPRRVU spreads a caption over up to five rows (NON-FAC / PE / RVU), and RVU, INDICATOR and TOTAL are in its last
    # row several times: only what is joined names a column. So columns may move, as in 2026, when PRIC IND came before
    # ENDO BASE.
    stacked_rows = [*rows_so_far[-1 - header_rules["above"] :], *islice(remaining_rows, header_rules["below"])]
    header_width = len(rows_so_far[-1].cells)
    header_texts = [
        _folded(" ".join(row.cells[column_index] for row in stacked_rows if column_index < len(row.cells)))
        for column_index in range(header_width)
    ]
    return _match_columns(source_file, header_texts, columns, layout, rows_so_far[-1].line)


def _match_columns(
    source_file: File, header_texts: list[str], columns: list[Column], layout: Layout, header_line: int
) -> list[Column]:
    columns_of_texts = [[column for column in columns if column.header.fullmatch(text)] for text in header_texts]
    matched_columns = [column for columns_of_text in columns_of_texts for column in columns_of_text]
    headers_read = f"headers read: {_header_texts(header_texts)}"
    table_name = layout.rules["tables"][0]["table"]
    faults = [
        Fault(
            source_file.names,
            header_line,
            f'no column "{column.label}" ({table_name}.{column.name or "dropped"}); {headers_read}',
        )
        for column in columns
        if column not in matched_columns and not column.rules.get("optional")
    ]
    faults += [
        Fault(
            source_file.names,
            header_line,
            f'column "{_header_texts([header_text])}" is not in the layout of {layout.publication}; {headers_read}',
        )
        for header_text, columns_of_text in zip(header_texts, columns_of_texts, strict=True)
        if not columns_of_text
    ]
    faults += [
        Fault(
            source_file.names,
            header_line,
            f'column "{column.label}" is there {matched_columns.count(column)} times; {headers_read}',
        )
        for column in columns
        if matched_columns.count(column) > 1
    ]
    if faults:
        raise BadInput(faults)
    return [columns_of_text[0] for columns_of_text in columns_of_texts]


def _folded(caption_text: str) -> str:
    return " ".join(caption_text.split())


def _header_texts(header_texts: list[str]) -> str:
    """Headers for a message: of a long one only the last word, so that no notice above it slips into a log."""
    return "; ".join(text if len(text) <= _HEADER_LETTERS else "... " + text.split()[-1] for text in header_texts)
