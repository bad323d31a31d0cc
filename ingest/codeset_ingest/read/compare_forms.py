"""CMS ships one table in several forms: they must say the same, cell for cell, unless the layout excuses a column."""

from dataclasses import dataclass, replace

import polars as pl

from codeset.errors import BadInput, Fault
from codeset.tables import TABLES
from codeset_ingest.read.table import FILE, LINE, Reading, keyed


def agreed(readings: list[Reading]) -> Reading:
    """The most trusted of the forms, once the others are seen to say the same."""
    trusted = readings[0].layout.trusted_forms
    first, *others = sorted(readings, key=lambda each: trusted.index(each.form))
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
    released = next((each.released for each in (first, *others) if each.released), None)
    return replace(first, notes=tuple(notes), sources=tuple(sources), released=released)


@dataclass(frozen=True, order=True)
class Disagreement(Fault):
    """Two files that should say the same of one table, and do not, in `column` (blank: a row is missing)."""

    column: str = ""


def differences(one: Reading, other: Reading) -> list[Disagreement]:
    """Where two readings of one table differ: a finding for each column, and for rows that only one has."""
    may_differ = one.layout.rules["trusted"].get("may_differ", [])
    key = [column for column in TABLES[one.table].key if column not in may_differ]
    values = [
        column for column in one.frame.columns if column in other.frame.columns and column not in (*key, LINE, FILE)
    ]
    found = []
    for here, there in ((one, other), (other, one)):
        alone = here.frame.join(there.frame, on=key, how="anti", nulls_equal=True)
        if alone.height:
            row = alone.row(0, named=True)
            says = f"{alone.height} records are not in {there.names[0]} (first: {keyed(row, key)})"
            found.append(Disagreement(row[FILE], row[LINE], says))
    both = one.frame.join(other.frame, on=key, how="inner", nulls_equal=True, suffix=" there", maintain_order="left")
    for column in values:
        unequal = both.filter(pl.col(column).ne_missing(pl.col(f"{column} there")))
        if unequal.height:
            row = unequal.row(0, named=True)
            says = (
                f"{column} of {keyed(row, key)} is {row[column]}, but {row[f'{column} there']} in "
                f"{row[f'{FILE} there']} line {row[f'{LINE} there']} ({unequal.height} such records)"
            )
            found.append(Disagreement(row[FILE], row[LINE], says, column))
    return found
