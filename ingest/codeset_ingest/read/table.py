"""A table as it was read from CMS's files, before it is checked and sealed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from codeset.errors import Fault
from codeset.manifest import ConversionFactor, Source
from codeset_ingest.read.layout import Layout

FILE = "source_file"
LINE = "source_line"
"""Columns with the place a row was read from; the contracts use them, and they are not sealed."""


def key_text(table_row: Mapping[str, object], key_columns: Iterable[str]) -> str:
    """Return a row's key as messages show it."""
    # Blank modifiers say nothing: `17000`, not `17000 `.
    return " ".join(str(table_row[column]) for column in key_columns if table_row[column] not in ("", None))


@dataclass(frozen=True)
class Reading:
    """A table as read: its rows (with `source_file` and `source_line`), their sources, and remarks.

    Texts in the frame are categoricals, which share one set of categories: polars compares them as numbers.
    """

    table: str
    layout: Layout
    frame: pl.DataFrame
    edition: str
    sources: tuple[Source, ...]
    released: date | None = None
    notes: tuple[str, ...] = ()
    factors: tuple[ConversionFactor, ...] = ()
    form: str = ""
    factor: Decimal | None = None
    names: tuple[str, ...] = ()
    doubts: tuple[Fault, ...] = ()
    """What suggests that the file was cut; another form that agrees dispels it. An unpublished conversion factor."""

    variant: str = ""
    """Where the file is and its name without the ending: forms of one variant must agree in everything."""

    forms: tuple[str, ...] = ()
    """The forms that were read and agree."""

    closing: str = ""
    """The last lines of a file whose layout has a summary at its end."""

    before: pl.DataFrame | None = None
    """The rows of the edition before, where the files say what changed since."""
