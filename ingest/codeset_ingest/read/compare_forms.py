"""CMS ships one table in several forms, which must agree cell for cell, unless the layout excuses a column."""

from dataclasses import dataclass, replace

import polars as pl

from codeset.errors import BadInput, Fault
from codeset.tables import TABLES
from codeset_ingest.read.table import FILE, LINE, Reading, key_text


def compare_forms(readings: list[Reading]) -> Reading:
    """Return the most trusted of the forms, with the notes and sources of all; doubts are dispelled by agreement.

    Raises BadInput: with every difference in a column that the layout does not excuse.
    """
    trusted_forms = readings[0].layout.trusted_forms
    trusted_reading, *other_readings = sorted(readings, key=lambda reading: trusted_forms.index(reading.form))
    # The forms of LOCCO differ in CMS's own packages: its txt leaves California's state blank and words an area
    # otherwise. The layout says which form is trusted, and a note in the manifest says what differs.
    may_differ = trusted_reading.layout.rules["trusted"].get("may_differ", [])
    trust_reason = trusted_reading.layout.rules["trusted"]["because"]
    remarks, sources, refused_differences = list(trusted_reading.notes), list(trusted_reading.sources), []
    for other_reading in other_readings:
        for difference in differences(trusted_reading, other_reading):
            if difference.column in may_differ:
                remarks.append(f"{difference}. {trusted_reading.form} is trusted: {trust_reason}")
            else:
                refused_differences.append(difference)
        remarks += other_reading.notes
        sources += other_reading.sources
    if refused_differences:
        raise BadInput(refused_differences)
    released = next((reading.released for reading in (trusted_reading, *other_readings) if reading.released), None)
    return replace(
        trusted_reading,
        notes=tuple(remarks),
        sources=tuple(sources),
        released=released,
        doubts=() if other_readings else trusted_reading.doubts,
        forms=tuple(sorted({form for reading in readings for form in reading.forms})),
    )


@dataclass(frozen=True, order=True)
class Difference(Fault):
    """Two files of one table that should agree and do not, in `column` (blank: a row is missing)."""

    column: str = ""


def differences(first_reading: Reading, second_reading: Reading) -> list[Difference]:
    """Where two readings of one table differ: one entry for each column, and for rows that only one has."""
    may_differ = first_reading.layout.rules["trusted"].get("may_differ", [])
    key_columns = [column for column in TABLES[first_reading.table].key if column not in may_differ]
    value_columns = [
        column
        for column in first_reading.frame.columns
        if column in second_reading.frame.columns and column not in (*key_columns, LINE, FILE)
    ]
    found_differences = []
    for reading_here, reading_there in ((first_reading, second_reading), (second_reading, first_reading)):
        rows_only_here = reading_here.frame.join(reading_there.frame, on=key_columns, how="anti", nulls_equal=True)
        if rows_only_here.height:
            differing_row = rows_only_here.row(0, named=True)
            message = (
                f"{rows_only_here.height} records are not in {reading_there.names[0]} (first: "
                f"{key_text(differing_row, key_columns)})"
            )
            found_differences.append(Difference(differing_row[FILE], differing_row[LINE], message))
    rows_in_both = first_reading.frame.join(
        second_reading.frame, on=key_columns, how="inner", nulls_equal=True, suffix=" there", maintain_order="left"
    )
    for column in value_columns:
        unequal_rows = rows_in_both.filter(pl.col(column).ne_missing(pl.col(f"{column} there")))
        if unequal_rows.height:
            differing_row = unequal_rows.row(0, named=True)
            message = (
                f"{column} of {key_text(differing_row, key_columns)} is {differing_row[column]}, but "
                f"{differing_row[f'{column} there']} in "
                f"{differing_row[f'{FILE} there']} line {differing_row[f'{LINE} there']} ({unequal_rows.height} such "
                "records)"
            )
            found_differences.append(Difference(differing_row[FILE], differing_row[LINE], message, column))
    return found_differences
