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
    trusted = readings[0].layout.trusted_forms
    first, *others = sorted(readings, key=lambda reading: trusted.index(reading.form))
    # The forms of LOCCO differ in CMS's own packages: its txt leaves California's state blank and words an area
    # otherwise. The layout says which form is trusted, and a note in the manifest says what differs.
    may_differ = first.layout.rules["trusted"].get("may_differ", [])
    because = first.layout.rules["trusted"]["because"]
    notes, sources, faults = list(first.notes), list(first.sources), []
    for other in others:
        for fault in differences(first, other):
            if fault.column in may_differ:
                notes.append(f"{fault}. {first.form} is trusted: {because}")
            else:
                faults.append(fault)
        notes += other.notes
        sources += other.sources
    if faults:
        raise BadInput(faults)
    released = next((reading.released for reading in (first, *others) if reading.released), None)
    return replace(
        first,
        notes=tuple(notes),
        sources=tuple(sources),
        released=released,
        doubts=() if others else first.doubts,
        forms=tuple(sorted({form for reading in readings for form in reading.forms})),
    )


@dataclass(frozen=True, order=True)
class Difference(Fault):
    """Two files of one table that should agree and do not, in `column` (blank: a row is missing)."""

    column: str = ""


def differences(one: Reading, other: Reading) -> list[Difference]:
    """Where two readings of one table differ: one entry for each column, and for rows that only one has."""
    may_differ = one.layout.rules["trusted"].get("may_differ", [])
    key = [column for column in TABLES[one.table].key if column not in may_differ]
    values = [
        column for column in one.frame.columns if column in other.frame.columns and column not in (*key, LINE, FILE)
    ]
    differing = []
    for here, there in ((one, other), (other, one)):
        alone = here.frame.join(there.frame, on=key, how="anti", nulls_equal=True)
        if alone.height:
            row = alone.row(0, named=True)
            message = f"{alone.height} records are not in {there.names[0]} (first: {key_text(row, key)})"
            differing.append(Difference(row[FILE], row[LINE], message))
    both = one.frame.join(other.frame, on=key, how="inner", nulls_equal=True, suffix=" there", maintain_order="left")
    for column in values:
        unequal = both.filter(pl.col(column).ne_missing(pl.col(f"{column} there")))
        if unequal.height:
            row = unequal.row(0, named=True)
            message = (
                f"{column} of {key_text(row, key)} is {row[column]}, but {row[f'{column} there']} in "
                f"{row[f'{FILE} there']} line {row[f'{LINE} there']} ({unequal.height} such records)"
            )
            differing.append(Difference(row[FILE], row[LINE], message, column))
    return differing
