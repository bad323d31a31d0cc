"""CMS's own report of what changed in the NCCI edits of a quarter, compared with our difference row by row."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from codeset.differences import TableChanges
from codeset.errors import BadInput, Fault
from codeset_ingest.read.forms.text_files import END_OF_FILE, text_of
from codeset_ingest.read.open_files import File, open_all

CodePair = tuple[str, str]
"""Column one and column two of an edit."""

EditChanges = Mapping[str, Mapping[CodePair, str | None]]
"""The edits added, removed and changed, each with its CCMI, or None where the report does not state it."""

_CCMIS = ("0", "1", "9")
_HCPCS = re.compile(r"[0-9A-Z]{5}")
_SHOWN = 40


@dataclass(frozen=True)
class Disagreement:
    """An edit that only one side has, or that both have with different CCMIs."""

    kind: str
    column_one: str
    column_two: str
    report: str
    ours: str

    def __str__(self) -> str:
        """Return the row in words."""
        return (
            f"{self.column_one}/{self.column_two} {self.kind}: CMS's report: {self.report}; our difference: {self.ours}"
        )


@cache
def _layout() -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(
        files("codeset_ingest").joinpath("change_report.json").read_text(encoding="utf-8")
    )
    return plain


def read(file: Path) -> EditChanges:
    """Read CMS's zip.

    Raises BadInput: if it cannot be opened, a member is missing, or its columns are not found.
    """
    members = list(open_all([file]))
    return {change: _edits(_member(members, change, pattern, file)) for change, pattern in _layout()["members"].items()}


def _member(members: list[File], change: str, pattern: str, file: Path) -> File:
    """The one text of the edits that were added, removed or changed."""
    matching = [member for member in members if re.search(pattern, member.name.lower())]
    if len(matching) != 1:
        names = ", ".join(member.name for member in members)
        message = f"expected one text of edits {change} ({pattern}); it holds: {names}"
        raise BadInput([Fault(file.name, 0, message)])
    return matching[0]


def _edits(member: File) -> dict[CodePair, str | None]:
    name = member.names
    records = list(_records(text_of(member).rstrip("\n").removesuffix(END_OF_FILE), name))
    header, places = _header([cells for _, cells in records], name)
    rows: dict[CodePair, str | None] = {}
    for number, cells in records[header + 1 :]:
        if not any(cells):
            continue
        one, two = (
            cells[places[column]] if places[column] < len(cells) else "" for column in ("column_one", "column_two")
        )
        if _HCPCS.fullmatch(one) and _HCPCS.fullmatch(two):
            ccmi = None if "ccmi" not in places else _ccmi(cells, places["ccmi"], name, number)
            if (before := rows.get((one, two), ccmi)) != ccmi:
                message = f"{one}/{two} is there with the modifier indicators {before} and {ccmi}; expected one"
                raise BadInput([Fault(name, number, message)])
            rows[one, two] = ccmi
        # Notices stand above the records; below the first of them every line is one.
        elif rows:
            raise BadInput([Fault(name, number, f'expected two codes, found "{one}" and "{two}"')])
    return rows


def _records(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Each record's line and cells; a quoted cell, such as the caption of the modifier, goes on over several lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
    line = 1
    try:
        for record in reader:
            yield line, [" ".join(cell.split()) for cell in record]
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadInput([Fault(name, line, f"not a tab-separated record ({error})")]) from error


def _ccmi(cells: list[str], place: int, name: str, line: int) -> str:
    text = cells[place] if place < len(cells) else ""
    # The caption spells the indicators out (`1=allowed`), and so may a cell.
    ccmi, _, _ = text.partition("=")
    if ccmi not in _CCMIS:
        raise BadInput([Fault(name, line, f'expected a modifier indicator (0, 1 or 9), found "{text[:_SHOWN]}"')])
    return ccmi


def _header(lines: list[list[str]], name: str) -> tuple[int, dict[str, int]]:
    """The line of the captions, and the position of each column that exactly one caption matches."""
    for number, cells in enumerate(lines):
        matches = {column: _places(cells, pattern) for column, pattern in _layout()["columns"].items()}
        if len(matches["column_one"]) == 1 and len(matches["column_two"]) == 1:
            return number, {column: places[0] for column, places in matches.items() if len(places) == 1}
    # Above the captions is the AMA's notice, which is not repeated in messages.
    beginning = " | ".join("\t".join(cells)[:_SHOWN] for cells in lines[:4])
    raise BadInput([Fault(name, 0, f"no line with the captions Column 1 and Column 2; it begins: {beginning}")])


def _places(cells: list[str], pattern: str) -> list[int]:
    return [place for place, cell in enumerate(cells) if re.search(pattern, cell.lower())]


def from_difference(changes: TableChanges) -> EditChanges:
    """Return our difference of the two quarters in the report's terms."""
    ccmi = changes.changed.filter(pl.col("column") == "ccmi")
    changed = {(one, two): after for one, two, after in ccmi.select("column_one", "column_two", "after").iter_rows()}
    return {"added": _pairs(changes.added), "removed": _pairs(changes.removed), "changed": changed}


def _pairs(rows: pl.DataFrame) -> dict[CodePair, str | None]:
    return {(one, two): str(ccmi) for one, two, ccmi in rows.select("column_one", "column_two", "ccmi").iter_rows()}


def compare(report: EditChanges, difference: EditChanges) -> list[Disagreement]:
    """Return every edit on which CMS's report and our difference do not agree, sorted."""
    return list(_disagreements(report, difference))


def _disagreements(report: EditChanges, difference: EditChanges) -> Iterator[Disagreement]:
    for change in report:
        theirs, ours = report[change], difference[change]
        for pair in sorted({*theirs, *ours}):
            in_report, in_difference = _in_words(pair, theirs), _in_words(pair, ours)
            differ = (pair in theirs) != (pair in ours)
            # Where the report has no indicator, only that the pair is there can be compared.
            if differ or (None not in (theirs[pair], ours[pair]) and in_report != in_difference):
                yield Disagreement(change, *pair, in_report, in_difference)


def _in_words(pair: CodePair, edits: Mapping[CodePair, str | None]) -> str:
    if pair not in edits:
        return "not there"
    return "there" if edits[pair] is None else f"CCMI {edits[pair]}"
