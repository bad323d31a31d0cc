"""Layouts as values: what the files in `ingest/layouts/` say of each CMS publication."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from codeset.errors import BadInput, Fault
from codeset.releases import Release
from codeset.schemas import faults_of


@dataclass(frozen=True)
class Column:
    """One column of a publication; without a `name` it is dropped while reading."""

    header: re.Pattern[str]
    rules: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The table's column, or an empty text for a column that is dropped."""
        return str(self.rules.get("name", ""))

    @property
    def fixed(self) -> tuple[int, int] | None:
        """First and last position (from 1) in the fixed-width form."""
        span = self.rules.get("fixed")
        return None if span is None else (span[0], span[1])

    def holds(self, release: Release) -> bool:
        """Whether the column is in the files of *release*."""
        since = self.rules.get("since")
        return since is None or Release.parse(since) <= release.unrevised


@dataclass(frozen=True)
class Layout:
    """How one publication is recognised and read."""

    publication: str
    since: Release
    rules: Mapping[str, Any]
    columns: tuple[Column, ...]

    @property
    def forms(self) -> Mapping[str, Mapping[str, Any]]:
        """The rules of each form: csv, txt, xlsx."""
        forms: Mapping[str, Mapping[str, Any]] = self.rules["forms"]
        return forms

    @property
    def trusted_forms(self) -> list[str]:
        """The forms, most trusted first."""
        return list(self.rules["trusted"]["forms"])

    def columns_of(self, release: Release) -> list[Column]:
        """Return the columns that a file of *release* has, dropped ones included."""
        return [column for column in self.columns if column.holds(release)]


@cache
def layouts() -> tuple[Layout, ...]:
    """Return every layout, by publication.

    Raises BadInput: if a layout file breaks `layout.schema.json`, with every fault.
    """
    found = sorted(
        (each for each in files("codeset_ingest.read").joinpath("layouts").iterdir() if each.name.endswith(".json")),
        key=lambda each: each.name,
    )
    plain = {each.name: json.loads(each.read_text(encoding="utf-8")) for each in found}
    faults = [Fault(name, 0, says) for name, rules in plain.items() for says in faults_of(rules, "layout")]
    if faults:
        raise BadInput(faults)
    return tuple(_layout(rules) for rules in plain.values())


def layout_of(publication: str) -> Layout:
    """Return the layout of *publication*."""
    return next(each for each in layouts() if each.publication == publication)


def _layout(rules: Mapping[str, Any]) -> Layout:
    columns = tuple(Column(re.compile(each["header"]), each) for each in rules["columns"])
    return Layout(rules["publication"], Release.parse(rules["since"]), rules, columns)
