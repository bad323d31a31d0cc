"""CMS's own report of what changed in the NCCI edits of a quarter, held against our difference, row by row."""

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

Edit = tuple[str, str]
"""Column one and column two."""

Report = Mapping[str, Mapping[Edit, str | None]]
"""The edits that were added, removed and changed, each with its CCMI, or None where the report does not tell it."""

_HCPCS = re.compile(r"[0-9A-Z]{5}")


@dataclass(frozen=True)
class Disagreement:
    """An edit that only one side has, or that both have with another CCMI."""

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


def read(file: Path) -> Report:
    """Read CMS's zip.

    Raises BadInput: if a member is missing or its columns are not found.
    """
    report: dict[str, Mapping[Edit, str | None]] = {}
    with zipfile.ZipFile(file) as archive:
        for kind, pattern in _layout()["members"].items():
            names = [each for each in archive.namelist() if re.search(pattern, each.lower())]
            if len(names) != 1:
                held = ", ".join(archive.namelist())
                raise BadInput(
                    [Fault(file.name, 0, f"expected one text of edits {kind} ({pattern}); it holds: {held}")]
                )
            report[kind] = _edits(archive.read(names[0]).decode("cp1252"), f"{file.name}/{names[0]}")
    return report


def _edits(text: str, name: str) -> dict[Edit, str | None]:
    lines = [[cell.strip() for cell in line.split("\t")] for line in text.splitlines()]
    head, places = _header(lines, name)
    rows = {}
    for number, cells in enumerate(lines[head + 1 :], start=head + 2):
        if not any(cells):
            continue
        one, two = (
            cells[places[column]] if places[column] < len(cells) else "" for column in ("column_one", "column_two")
        )
        if _HCPCS.fullmatch(one) and _HCPCS.fullmatch(two):
            ccmi = places.get("ccmi")
            rows[one, two] = None if ccmi is None else cells[ccmi][:1]
        elif rows:
            raise BadInput([Fault(name, number, f'expected two codes, found "{one}" and "{two}"')])
    return rows


def _header(lines: list[list[str]], name: str) -> tuple[int, dict[str, int]]:
    """The line of the captions, and the place of each column that one caption alone answers to."""
    for number, cells in enumerate(lines):
        found = {column: _places(cells, pattern) for column, pattern in _layout()["columns"].items()}
        if len(found["column_one"]) == 1 and len(found["column_two"]) == 1:
            return number, {column: places[0] for column, places in found.items() if len(places) == 1}
    shown = " | ".join("\t".join(cells) for cells in lines[:4])
    raise BadInput([Fault(name, 0, f"no line with the captions Column 1 and Column 2; it begins: {shown}")])


def _places(cells: list[str], pattern: str) -> list[int]:
    return [place for place, cell in enumerate(cells) if re.search(pattern, cell.lower())]


def ours(changes: TableChanges) -> Report:
    """Return our difference of the two quarters in the report's terms."""
    ccmi = changes.changed.filter(pl.col("column") == "ccmi")
    changed = {(one, two): after for one, two, after in ccmi.select("column_one", "column_two", "after").iter_rows()}
    return {"added": _pairs(changes.added), "removed": _pairs(changes.removed), "changed": changed}


def _pairs(rows: pl.DataFrame) -> dict[Edit, str | None]:
    return {(one, two): str(ccmi) for one, two, ccmi in rows.select("column_one", "column_two", "ccmi").iter_rows()}


def disagreements(report: Report, difference: Report) -> list[Disagreement]:
    """Return every edit on which CMS's report and our difference do not say the same, in their order."""
    return list(_disagreements(report, difference))


def _disagreements(report: Report, difference: Report) -> Iterator[Disagreement]:
    for kind in report:
        theirs, own = report[kind], difference[kind]
        for edit in sorted({*theirs, *own}):
            said = [_said(edit, side) for side in (theirs, own)]
            if (edit in theirs) != (edit in own) or (None not in (theirs[edit], own[edit]) and said[0] != said[1]):
                yield Disagreement(kind, *edit, *said)


def _said(edit: Edit, side: Mapping[Edit, str | None]) -> str:
    if edit not in side:
        return "not there"
    return "there" if side[edit] is None else f"CCMI {side[edit]}"
