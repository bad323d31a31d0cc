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
    sheets = [rows for cells in sheets_of(content).values() if (rows := _text_rows(cells))]
    # A workbook may have notes or totals on other sheets; which of two sheets of claims is meant is not guessed.
    of_claims = [rows for rows in sheets if is_header_row(rows[0])]
    if len(of_claims) != 1:
        heads = "no sheet whose first row heads claim lines" if not of_claims else f"{len(of_claims)} such sheets"
        raise ValueError(f"expected one sheet of claim lines, headers in its first row, found {heads}")
    [[names, *rows]] = of_claims
    return pl.DataFrame(rows, schema=dict.fromkeys(_distinct(names), pl.String()), orient="row")


def _text_rows(rows: Sequence[Sequence[ReadCell]]) -> list[list[str | None]]:
    """The rows from the first with a value on, all of one width."""
    filled = dropwhile(lambda row: not row, rows)
    return list(_squared([[_text(value) for value in row] for row in filled]))


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
    # Excel has numbers only: 1 and 1.0 are one value in its files. A code with leading zeros is text there, or lost.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _distinct(names: Sequence[str | None]) -> list[str]:
    """Column names; one that is lacking or there twice gets its number."""
    filled = [name or f"column {number}" for number, name in enumerate(names, start=1)]
    return [f"{name}_duplicated_{number}" if name in filled[:number] else name for number, name in enumerate(filled)]
