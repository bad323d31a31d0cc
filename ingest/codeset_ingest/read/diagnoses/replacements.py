"""The conversion table: which code took the place of which, from which day."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date

import polars as pl

from codeset.errors import BadInput, Fault
from codeset_ingest.read.table import FILE, LINE, Reading

_CODE = r"[A-Z][0-9A-Z]{2}(?:\.?[0-9A-Z]{1,4})?"
_SPAN = re.compile(rf"({_CODE})-({_CODE})|({_CODE})(?![\w.]|-)")
_IN_WORDS = re.compile(r"categor|\.-|code from", re.IGNORECASE)
_NO_CODE = re.compile(rf"^\s*none\s*$|{_IN_WORDS.pattern}", re.IGNORECASE)


def split_replacements(reading: Reading) -> Reading:
    """Return one row for each previous code of each new code; a year alone stands for its October 1.

    Categories that the table only describes (`Codes in Categories T36-T50`), and `None`, name no code: they are left
    out, and counted in a note.
    """
    if faults := list(_not_understood(reading)):
        raise BadInput(faults)
    rows, in_words = [], 0
    for row in reading.frame.iter_rows(named=True):
        previous = sorted(set(previous_codes(row["previous"])))
        in_words += not previous
        for code in previous:
            rows.append((_plain(code), _plain(row["diagnosis"]), _day(row["effective"]), row[LINE], row[FILE]))
    dtypes = {"previous_diagnosis": pl.String, "diagnosis": pl.String, "effective_date": pl.Date}
    frame = pl.DataFrame(rows, schema={**dtypes, LINE: pl.Int32, FILE: pl.String}, orient="row")
    note = f"{reading.names[0]}: {in_words} new codes without a previous code, or with one described only in words"
    return replace(
        reading, frame=frame.unique(list(dtypes), keep="first", maintain_order=True), notes=(*reading.notes, note)
    )


def _not_understood(reading: Reading) -> Iterator[Fault]:
    for row in reading.frame.iter_rows(named=True):
        if not (any(previous_codes(row["previous"])) or _NO_CODE.search(row["previous"])):
            message = (
                f"the previous codes of {row['diagnosis']} are not understood; expected codes, None, or categories"
            )
            yield Fault(row[FILE], row[LINE], message)
        if _day(row["effective"]) is None:
            yield Fault(row[FILE], row[LINE], f'effective is "{row["effective"]}", expected a date that exists')


def previous_codes(cell: str) -> Iterator[str]:
    """Yield the codes of a cell: listed (`C56.1 and C56.2`), or a range that ends in digits (`H02.101-H02.106`)."""
    if _IN_WORDS.search(cell):
        return
    for first, last, single in _SPAN.findall(cell):
        yield from [single] if single else _codes_between(first, last)


def _codes_between(first: str, last: str) -> Iterator[str]:
    """The codes of a range whose ends differ in their last digit; else only its ends, which alone are sure."""
    if first[:-1] == last[:-1] and first[-1].isdigit() and last[-1].isdigit():
        yield from (f"{first[:-1]}{digit}" for digit in range(int(first[-1]), int(last[-1]) + 1))
    else:
        yield from (first, last)


def _plain(code: str) -> str:
    return code.strip().replace(".", "")


def _day(effective: str) -> date | None:
    # CMS types the year, whose October 1 it is, but for codes of another day: those of April are dates of the workbook.
    with suppress(ValueError):
        if "/" in effective:
            month, day, year = (int(part) for part in effective.split("/"))
            return date(year, month, day)
        return date(int(effective), 10, 1) if len(effective) == 4 else date.fromisoformat(effective[:10])
    return None
