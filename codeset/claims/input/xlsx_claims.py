"""Claim lines from an Excel workbook: the one sheet whose first row heads claim lines, every cell as text."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from itertools import dropwhile, islice

import polars as pl

from codeset.claims.input.headers import is_header_row
from codeset.spreadsheets.read_workbook import ReadCell, sheets_of


def xlsx_table(content: bytes) -> pl.DataFrame:
    """Return the claim lines of a workbook as text, columns by the names in the first row.

    Raises ValueError: says in words why it cannot be read.
    """
    filled_sheets = [
        sheet_rows for sheet_cells in sheets_of(content).values() if (sheet_rows := _text_rows(sheet_cells))
    ]
    # A workbook may have notes or totals on other sheets; which of two sheets of claims is meant is not guessed.
    claim_sheets = [rows for rows in filled_sheets if is_header_row(rows[0])]
    if len(claim_sheets) != 1:
        sheets_found = (
            "no sheet whose first row heads claim lines" if not claim_sheets else f"{len(claim_sheets)} such sheets"
        )
        raise ValueError(f"expected one sheet of claim lines, headers in its first row, found {sheets_found}")
    [[column_names, *sheet_rows]] = claim_sheets
    return pl.DataFrame(sheet_rows, schema=dict.fromkeys(_distinct_names(column_names), pl.String()), orient="row")


def _text_rows(cell_rows: Sequence[Sequence[ReadCell]]) -> list[list[str | None]]:
    """The rows from the first with a value on, all of one width."""
    rows_from_header = dropwhile(lambda row: not row, cell_rows)
    return list(_rows_of_one_width([[_cell_text(cell_value) for cell_value in row] for row in rows_from_header]))


def _rows_of_one_width(text_rows: Sequence[list[str | None]]) -> Iterator[list[str | None]]:
    """The rows, each with as many cells as the header has, or as its own values need."""
    if not text_rows:
        return
    width = max(
        (column_number for row in text_rows for column_number, cell_text in enumerate(row, start=1) if cell_text),
        default=0,
    )
    for row in text_rows:
        yield [*islice(row, width), *([None] * (width - len(row)))]


def _cell_text(cell_value: object) -> str | None:
    """A cell as its text: whole numbers without decimals, days as ISO writes them."""
    if cell_value is None:
        return None
    if isinstance(cell_value, datetime):
        return cell_value.date().isoformat() if cell_value.time() == time() else cell_value.isoformat(" ")
    # Excel has numbers only: 1 and 1.0 are one value in its files. A code with leading zeros is text there, or lost.
    if isinstance(cell_value, float) and cell_value.is_integer():
        return str(int(cell_value))
    return cell_value.isoformat() if isinstance(cell_value, date) else str(cell_value)


def _distinct_names(column_names: Sequence[str | None]) -> list[str]:
    """Column names; one that is lacking or there twice gets its number."""
    filled_names = [name or f"column {number}" for number, name in enumerate(column_names, start=1)]
    return [
        f"{name}_duplicated_{number}" if name in filled_names[:number] else name
        for number, name in enumerate(filled_names)
    ]
