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
_LETTERS_SHOWN = 40


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
def _report_layout() -> dict[str, Any]:
    layout_document: dict[str, Any] = json.loads(
        files("codeset_ingest").joinpath("change_report.json").read_text(encoding="utf-8")
    )
    return layout_document


def read(zip_path: Path) -> EditChanges:
    """Read CMS's zip.

    Raises BadInput: if it cannot be opened, a member is missing, or its columns are not found.
    """
    members = list(open_all([zip_path]))
    return {
        change_kind: _edits_of_member(_member_of_change(members, change_kind, pattern, zip_path))
        for change_kind, pattern in _report_layout()["members"].items()
    }


def _member_of_change(members: list[File], change_kind: str, pattern: str, zip_path: Path) -> File:
    """The one text of the edits that were added, removed or changed."""
    matching_members = [member for member in members if re.search(pattern, member.name.lower())]
    if len(matching_members) != 1:
        member_names = ", ".join(member.name for member in members)
        message = f"expected one text of edits {change_kind} ({pattern}); it holds: {member_names}"
        raise BadInput([Fault(zip_path.name, 0, message)])
    return matching_members[0]


def _edits_of_member(member: File) -> dict[CodePair, str | None]:
    member_name = member.names
    records = list(_tabbed_records(text_of(member).rstrip("\n").removesuffix(END_OF_FILE), member_name))
    header_index, column_indices = _header_row([cells for _, cells in records], member_name)
    ccmi_by_pair: dict[CodePair, str | None] = {}
    for line_number, cells in records[header_index + 1 :]:
        if not any(cells):
            continue
        column_one, column_two = (
            cells[column_indices[column]] if column_indices[column] < len(cells) else ""
            for column in ("column_one", "column_two")
        )
        if _HCPCS.fullmatch(column_one) and _HCPCS.fullmatch(column_two):
            # A report without the column states no indicator: of such an edit only that it is there can be compared.
            has_ccmi = "ccmi" in column_indices
            ccmi = _ccmi_of_cell(cells, column_indices["ccmi"], member_name, line_number) if has_ccmi else None
            if (earlier_ccmi := ccmi_by_pair.get((column_one, column_two), ccmi)) != ccmi:
                indicators = f"{earlier_ccmi} and {ccmi}"
                message = f"{column_one}/{column_two} is there with the modifier indicators {indicators}; expected one"
                raise BadInput([Fault(member_name, line_number, message)])
            ccmi_by_pair[column_one, column_two] = ccmi
        # Notices are above the records only; below the first record every line is a record.
        elif ccmi_by_pair:
            message = f'expected two codes, found "{column_one}" and "{column_two}"'
            raise BadInput([Fault(member_name, line_number, message)])
    return ccmi_by_pair


def _tabbed_records(report_text: str, member_name: str) -> Iterator[tuple[int, list[str]]]:
    """Each record's line and cells; a quoted cell, such as the caption of the modifier, goes on over several lines."""
    record_reader = csv.reader(io.StringIO(report_text, newline=""), delimiter="\t", strict=True)
    first_line = 1
    try:
        for record in record_reader:
            yield first_line, [" ".join(cell.split()) for cell in record]
            first_line = record_reader.line_num + 1
    except csv.Error as error:
        raise BadInput([Fault(member_name, first_line, f"not a tab-separated record ({error})")]) from error


def _ccmi_of_cell(cells: list[str], column_index: int, member_name: str, line_number: int) -> str:
    cell_text = cells[column_index] if column_index < len(cells) else ""
    # The caption spells the indicators out (`1=allowed`), and so may a cell.
    ccmi, _, _ = cell_text.partition("=")
    if ccmi not in _CCMIS:
        message = f'expected a modifier indicator (0, 1 or 9), found "{cell_text[:_LETTERS_SHOWN]}"'
        raise BadInput([Fault(member_name, line_number, message)])
    return ccmi


def _header_row(record_cells: list[list[str]], member_name: str) -> tuple[int, dict[str, int]]:
    """The line of the captions, and the position of each column that exactly one caption matches."""
    for record_index, cells in enumerate(record_cells):
        matching_columns = {
            column: _matching_positions(cells, pattern) for column, pattern in _report_layout()["columns"].items()
        }
        if len(matching_columns["column_one"]) == 1 and len(matching_columns["column_two"]) == 1:
            return record_index, {
                column: positions[0] for column, positions in matching_columns.items() if len(positions) == 1
            }
    # Above the captions is the AMA's notice, which is not repeated in messages.
    beginning = " | ".join("\t".join(cells)[:_LETTERS_SHOWN] for cells in record_cells[:4])
    raise BadInput([Fault(member_name, 0, f"no line with the captions Column 1 and Column 2; it begins: {beginning}")])


def _matching_positions(cells: list[str], pattern: str) -> list[int]:
    return [column_index for column_index, caption in enumerate(cells) if re.search(pattern, caption.lower())]


def from_difference(changes: TableChanges) -> EditChanges:
    """Return our difference of the two quarters in the report's terms."""
    ccmi_changes = changes.changed.filter(pl.col("column") == "ccmi")
    changed_ccmis = {
        (column_one, column_two): current_ccmi
        for column_one, column_two, current_ccmi in ccmi_changes.select("column_one", "column_two", "after").iter_rows()
    }
    return {"added": _ccmi_by_pair(changes.added), "removed": _ccmi_by_pair(changes.removed), "changed": changed_ccmis}


def _ccmi_by_pair(edit_rows: pl.DataFrame) -> dict[CodePair, str | None]:
    return {
        (column_one, column_two): str(ccmi)
        for column_one, column_two, ccmi in edit_rows.select("column_one", "column_two", "ccmi").iter_rows()
    }


def compare(reported_edits: EditChanges, our_edits: EditChanges) -> list[Disagreement]:
    """Return every edit on which CMS's report and our difference do not agree, sorted."""
    return list(_sorted_disagreements(reported_edits, our_edits))


def _sorted_disagreements(reported_edits: EditChanges, our_edits: EditChanges) -> Iterator[Disagreement]:
    for change_kind in reported_edits:
        edits_of_cms, edits_of_ours = reported_edits[change_kind], our_edits[change_kind]
        for code_pair in sorted({*edits_of_cms, *edits_of_ours}):
            in_report, in_difference = _in_words(code_pair, edits_of_cms), _in_words(code_pair, edits_of_ours)
            only_on_one_side = (code_pair in edits_of_cms) != (code_pair in edits_of_ours)
            # Where the report has no indicator, only that the pair is there can be compared.
            if only_on_one_side or (
                None not in (edits_of_cms[code_pair], edits_of_ours[code_pair]) and in_report != in_difference
            ):
                yield Disagreement(change_kind, *code_pair, in_report, in_difference)


def _in_words(code_pair: CodePair, ccmi_by_pair: Mapping[CodePair, str | None]) -> str:
    if code_pair not in ccmi_by_pair:
        return "not there"
    return "there" if ccmi_by_pair[code_pair] is None else f"CCMI {ccmi_by_pair[code_pair]}"
