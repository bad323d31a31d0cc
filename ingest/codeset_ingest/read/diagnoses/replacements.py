"""The conversion table: which code took the place of which, from which day."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date

import polars as pl

from codeset.errors import BadInput, Fault
from codeset_ingest.read.table import FILE, LINE, Reading

_CODE_PATTERN = r"[A-Z][0-9A-Z]{2}(?:\.?[0-9A-Z]{1,4})?"
_CODE_SPAN = re.compile(rf"({_CODE_PATTERN})-({_CODE_PATTERN})|({_CODE_PATTERN})(?![\w.]|-)")
_IN_WORDS = re.compile(r"categor|\.-|code from", re.IGNORECASE)
_NO_CODE = re.compile(rf"^\s*none\s*$|{_IN_WORDS.pattern}", re.IGNORECASE)


def split_replacements(reading: Reading) -> Reading:
    """Return one row for each previous code of each new code; a year alone means its October 1.

    Categories that the table only describes (`Codes in Categories T36-T50`), and `None`, name no code: they are left
    out, and counted in a note.
    """
    if faults := list(_not_understood(reading)):
        raise BadInput(faults)
    replacement_rows, count_in_words = [], 0
    for conversion_row in reading.frame.iter_rows(named=True):
        previous_of_row = sorted(set(previous_codes(conversion_row["previous"])))
        # Counted in a note, for a code that only words describe has no row to show for it.
        count_in_words += not previous_of_row
        for previous_code in previous_of_row:
            replacement_rows.append(
                (
                    _without_point(previous_code),
                    _without_point(conversion_row["diagnosis"]),
                    _effective_day(conversion_row["effective"]),
                    conversion_row[LINE],
                    conversion_row[FILE],
                )
            )
    dtypes = {"previous_diagnosis": pl.String, "diagnosis": pl.String, "effective_date": pl.Date}
    replacements = pl.DataFrame(replacement_rows, schema={**dtypes, LINE: pl.Int32, FILE: pl.String}, orient="row")
    count_note = (
        f"{reading.names[0]}: {count_in_words} new codes without a previous code, or with one described only in words"
    )
    return replace(
        reading,
        frame=replacements.unique(list(dtypes), keep="first", maintain_order=True),
        notes=(*reading.notes, count_note),
    )


def _not_understood(reading: Reading) -> Iterator[Fault]:
    for conversion_row in reading.frame.iter_rows(named=True):
        if not (any(previous_codes(conversion_row["previous"])) or _NO_CODE.search(conversion_row["previous"])):
            message = (
                f"the previous codes of {conversion_row['diagnosis']} are not understood; expected codes, None, or "
                "categories"
            )
            yield Fault(conversion_row[FILE], conversion_row[LINE], message)
        if _effective_day(conversion_row["effective"]) is None:
            yield Fault(
                conversion_row[FILE],
                conversion_row[LINE],
                f'effective is "{conversion_row["effective"]}", expected a date that exists',
            )


def previous_codes(cell_text: str) -> Iterator[str]:
    """Yield the codes of a cell: listed (`C56.1 and C56.2`), or a range that ends in digits (`H02.101-H02.106`)."""
    if _IN_WORDS.search(cell_text):
        return
    for first_code, last_code, single_code in _CODE_SPAN.findall(cell_text):
        yield from [single_code] if single_code else _codes_between(first_code, last_code)


def _codes_between(first_code: str, last_code: str) -> Iterator[str]:
    """The codes of a range whose ends differ in their last digit; else only its ends, which alone are sure."""
    # Codes end in letters too, and skip numbers: only a run of last digits can be written out without a guess.
    if first_code[:-1] == last_code[:-1] and first_code[-1].isdigit() and last_code[-1].isdigit():
        yield from (f"{first_code[:-1]}{digit}" for digit in range(int(first_code[-1]), int(last_code[-1]) + 1))
    else:
        yield from (first_code, last_code)


def _without_point(dotted_code: str) -> str:
    return dotted_code.strip().replace(".", "")


def _effective_day(effective_text: str) -> date | None:
    # CMS types the year, whose October 1 it is, but for codes of another day: those of April are dates of the workbook.
    with suppress(ValueError):
        if "/" in effective_text:
            month, day, year = (int(date_part) for date_part in effective_text.split("/"))
            return date(year, month, day)
        return date(int(effective_text), 10, 1) if len(effective_text) == 4 else date.fromisoformat(effective_text[:10])
    return None
