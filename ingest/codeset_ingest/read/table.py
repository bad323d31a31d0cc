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


@dataclass(frozen=True, order=True)
class AcceptableFault(Fault):
    """A fault that a person may accept, by the name that the message gives: `CHECK:TABLE`."""

    accept: str = ""

    def __str__(self) -> str:
        """Return the fault and how to accept it."""
        return f"{super().__str__()}. If that is right, build with --accept {self.accept}"


def key_text(row: Mapping[str, object], key: Iterable[str]) -> str:
    """Return a row's key as messages show it."""
    return " ".join(str(row[column]) for column in key if row[column] not in ("", None))


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
    doubts: tuple[AcceptableFault, ...] = ()
    """What suggests that the file was cut; another form that agrees dispels it."""
