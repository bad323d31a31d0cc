"""CMS's own report of what changed in the NCCI edits of a quarter, compared with our difference row by row."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from codeset.differences import TableChanges
from codeset.errors import BadInput, Fault

CodePair = tuple[str, str]
"""Column one and column two of an edit."""

EditChanges = Mapping[str, Mapping[CodePair, str | None]]
"""The edits added, removed and changed, each with its CCMI, or None where the report does not state it."""

_CCMIS = ("0", "1", "9")
_HCPCS = re.compile(r"[0-9A-Z]{5}")


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

    Raises BadInput: if a member is missing or its columns are not found.
    """
    report: dict[str, Mapping[CodePair, str | None]] = {}
    with zipfile.ZipFile(file) as archive:
        for change, pattern in _layout()["members"].items():
            names = [name for name in archive.namelist() if re.search(pattern, name.lower())]
            if len(names) != 1:
                members = ", ".join(archive.namelist())
                says = f"expected one text of edits {change} ({pattern}); it holds: {members}"
                raise BadInput([Fault(file.name, 0, says)])
            # CMS's encoding, as in the edits themselves.
            report[change] = _edits(archive.read(names[0]).decode("cp1252"), f"{file.name}/{names[0]}")
    return report


def _edits(text: str, name: str) -> dict[CodePair, str | None]:
    records = list(_records(text, name))
    header, places = _header([cells for _, cells in records], name)
    rows = {}
    for number, cells in records[header + 1 :]:
        if not any(cells):
            continue
        one, two = (
            cells[places[column]] if places[column] < len(cells) else "" for column in ("column_one", "column_two")
        )
        if _HCPCS.fullmatch(one) and _HCPCS.fullmatch(two):
            ccmi = places.get("ccmi")
            rows[one, two] = None if ccmi is None else _ccmi(cells, ccmi, name, number)
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
    ccmi = cells[place][:1] if place < len(cells) else ""
    if ccmi not in _CCMIS:
        raise BadInput([Fault(name, line, f'expected a modifier indicator (0, 1 or 9), found "{ccmi}"')])
    return ccmi


def _header(lines: list[list[str]], name: str) -> tuple[int, dict[str, int]]:
    """The line of the captions, and the position of each column that exactly one caption matches."""
    for number, cells in enumerate(lines):
        matches = {column: _places(cells, pattern) for column, pattern in _layout()["columns"].items()}
        if len(matches["column_one"]) == 1 and len(matches["column_two"]) == 1:
            return number, {column: places[0] for column, places in matches.items() if len(places) == 1}
    beginning = " | ".join("\t".join(cells) for cells in lines[:4])
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
