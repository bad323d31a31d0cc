"""Layouts as values: the files in `layouts/`, one for each CMS publication."""

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
    def label(self) -> str:
        """The header as a message shows it: the pattern without what may vary from year to year."""
        header_text = self.header.pattern.replace("\\(", "<").replace("\\)", ">").replace("\\**", "")
        header_text = re.sub(r"\([^()]*\)\?", "", header_text).replace("\\d{4} ", "")
        return re.sub(r"\\(.)", r"\1", header_text).replace("<", "(").replace(">", ")")

    @property
    def fixed(self) -> tuple[int, int] | None:
        """First and last position (from 1) in the fixed-width form."""
        positions = self.rules.get("fixed")
        return None if positions is None else (positions[0], positions[1])

    def holds(self, release: Release) -> bool:
        """Whether the column is in the files of *release*."""
        first_release = self.rules.get("since")
        return first_release is None or Release.parse(first_release) <= release.unrevised


@dataclass(frozen=True)
class Layout:
    """How to recognize and read one publication."""

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
    folder = files("codeset_ingest.read").joinpath("layouts")
    layout_files = {file.name: file for file in folder.iterdir() if file.name.endswith(".json")}
    layout_rules = {name: json.loads(layout_files[name].read_text(encoding="utf-8")) for name in sorted(layout_files)}
    # Layouts are edited by hand: a misspelled rule would else be ignored, and its check not made.
    faults = [
        Fault(file_name, 0, message)
        for file_name, rules in layout_rules.items()
        for message in faults_of(rules, "layout")
    ]
    if faults:
        raise BadInput(faults)
    return tuple(_layout_of_rules(rules) for rules in layout_rules.values())


def layout_of(publication: str) -> Layout:
    """Return the layout of *publication*."""
    return next(layout for layout in layouts() if layout.publication == publication)


def _layout_of_rules(rules: Mapping[str, Any]) -> Layout:
    # Headers are patterns, for CMS puts the year and footnote marks in them: "2026 PW GPCI (with 1.0 Floor)".
    columns = tuple(Column(re.compile(column["header"]), column) for column in rules["columns"])
    return Layout(rules["publication"], Release.parse(rules["since"]), rules, columns)
