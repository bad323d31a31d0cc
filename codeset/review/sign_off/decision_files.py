"""Decisions as a file: the workbook's sheet "decide", the file that the page offers, or a pull request's tick boxes.

Each names the review that it is about by its `basis_digest`: decisions of another review are refused.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from codeset.errors import BadInput, Fault, WrongUse
from codeset.formats import format_fault
from codeset.review.decision_basis import DECIDE_SHEET, basis_digest, boxes_in, has_boxes
from codeset.review.sign_off.decisions import Entry
from codeset.schemas import reading_faults
from codeset.spreadsheets.read_workbook import ReadCell, read_sheets
from codeset.suite.yaml_files import MOST_BYTES, read_yaml

_NOTHING_READ = "No decision was read."
_WORKBOOK_START = b"PK"
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_BOX = re.compile(r"[-*] \[(?P<tick>[ xX])\] (?P<decision>accept|reject)", re.IGNORECASE)
_NUMBER = re.compile(r"\*\*(?P<number>\d+)\.\*\*")
_REASON = re.compile(r"[-*] reason:(?P<reason>.*)", re.IGNORECASE)


@dataclass(frozen=True)
class DecisionFile:
    """What a file says: the digest of the review that it is about, and what was filled in."""

    name: str
    review: str
    entries: tuple[Entry, ...]


def read_decision_file(file_path: Path) -> DecisionFile:
    """Return the decisions in *file_path*: xlsx, JSON, YAML, or the text of a pull request; recognized by content.

    Raises WrongUse: if it is not there. BadInput: if it is none of these, or does not say which review it is about.
    """
    if not file_path.is_file():
        raise WrongUse(f"{file_path}: there is no such file of decisions")
    content = file_path.read_bytes()
    if content.startswith(_WORKBOOK_START):
        return _decisions_of_workbook(file_path.name, content)
    # Undecodable bytes are replaced: only tick boxes are looked for; the YAML reader names what is wrong with a text.
    file_text = content[:MOST_BYTES].decode("utf-8", errors="replace")
    if has_boxes(file_text):
        return _decisions_of_pull_request(file_path.name, file_text)
    return _decisions_of_document(file_path)


def check_review(decisions: DecisionFile, review: Mapping[str, Any]) -> None:
    """Check that *decisions* are about *review*.

    Raises WrongUse: if they are about another.
    """
    if decisions.review != basis_digest(review):
        old_release, new_release = (review[side]["release"] for side in ("old", "new"))
        raise WrongUse(
            f"{decisions.name} is about another review, not about this one of {old_release} and {new_release}. "
            f'Fill in the page or the sheet "{DECIDE_SHEET}" of this review. Nothing was written.'
        )


def _decisions_of_document(file_path: Path) -> DecisionFile:
    yaml_file = read_yaml(file_path)
    faults = list(yaml_file.faults)
    if not faults:
        faults = [Fault(file_path.name, 0, fault) for fault in reading_faults(yaml_file.plain, "decisions")]
    if faults:
        raise BadInput(faults, _NOTHING_READ)
    entries = tuple(
        Entry(
            f"{file_path.name}, line {yaml_file.line(('decisions', entry_index))}",
            *(_text_in_one_line(entry_document.get(field_name)) for field_name in ("outcome", "decision", "reason")),
        )
        for entry_index, entry_document in enumerate(yaml_file.plain["decisions"])
    )
    return DecisionFile(file_path.name, yaml_file.plain["review"], entries)


def _decisions_of_workbook(file_name: str, content: bytes) -> DecisionFile:
    rows_by_sheet = {
        sheet_title.strip().lower(): sheet_rows for sheet_title, sheet_rows in read_sheets(content, file_name).items()
    }
    if (sheet_rows := rows_by_sheet.get(DECIDE_SHEET)) is None:
        raise _unreadable(file_name, f'has no sheet "{DECIDE_SHEET}"; it has: {", ".join(rows_by_sheet)}')
    text_rows = [[_text_in_one_line(cell) for cell in sheet_row] for sheet_row in sheet_rows]
    # The table is found by its header: people insert rows and sort, and the instructions above it may grow.
    rows_above_header = list(takewhile(lambda text_row: not _is_header_row(text_row), text_rows))
    if len(rows_above_header) == len(text_rows):
        raise _unreadable(file_name, f'sheet "{DECIDE_SHEET}": the header with decision and reason is missing')
    digest_matches = (_DIGEST.search(cell_text) for text_row in rows_above_header for cell_text in text_row)
    if (digest_match := next(filter(None, digest_matches), None)) is None:
        raise _unreadable(
            file_name, f'sheet "{DECIDE_SHEET}": the line above the table that names the review is missing'
        )
    return DecisionFile(file_name, digest_match[0], tuple(_sheet_entries(file_name, text_rows, len(rows_above_header))))


def _unreadable(file_name: str, fault_text: str) -> BadInput:
    return BadInput([Fault(file_name, 0, fault_text)], _NOTHING_READ)


def _is_header_row(text_row: Sequence[str]) -> bool:
    return {"decision", "reason"} <= {cell_text.lower() for cell_text in text_row}


def _sheet_entries(file_name: str, text_rows: Sequence[Sequence[str]], header_index: int) -> Iterator[Entry]:
    column_indexes = {
        caption.lower(): column_index for column_index, caption in enumerate(text_rows[header_index]) if caption
    }
    for row_number, text_row in enumerate(text_rows[header_index + 1 :], start=header_index + 2):
        text_by_column = {
            column: text_row[column_index]
            for column, column_index in column_indexes.items()
            if column_index < len(text_row)
        }
        # A sheet of one's own may have any of the three columns; an id is the surest.
        outcome = text_by_column.get("outcome") or text_by_column.get("id") or text_by_column.get("number") or ""
        yield Entry(
            f"{file_name}, row {row_number}",
            outcome,
            text_by_column.get("decision", ""),
            text_by_column.get("reason", ""),
        )


def _decisions_of_pull_request(file_name: str, request_text: str) -> DecisionFile:
    if (tick_boxes := boxes_in(request_text)) is None:
        raise _unreadable(file_name, "the end of the decisions is missing; copy the whole text")
    if fault := format_fault({"format": tick_boxes["format"]}, "decisions"):
        raise _unreadable(file_name, fault)
    first_line = request_text.count("\n", 0, tick_boxes.start("boxes")) + 1
    box_lines = tick_boxes["boxes"].splitlines()
    return DecisionFile(file_name, tick_boxes["review"], tuple(_box_entries(file_name, box_lines, first_line)))


def _box_entries(file_name: str, box_lines: Sequence[str], first_line: int) -> Iterator[Entry]:
    """An entry for each box that is ticked; one without a decision where only a reason was written."""
    block_starts = [line_index for line_index, box_line in enumerate(box_lines) if _NUMBER.match(box_line.strip())]
    for block_start, block_end in zip(block_starts, [*block_starts[1:], len(box_lines)], strict=True):
        block = [box_line.strip() for box_line in box_lines[block_start:block_end]]
        outcome_number = _NUMBER.match(block[0])
        ticked_decisions = [
            box["decision"] for box_line in block if (box := _BOX.match(box_line)) and box["tick"] != " "
        ]
        line_reference = f"{file_name}, line {first_line + block_start}"
        # Both boxes ticked are two entries, refused as decided twice; no box, but a reason, is one without a decision.
        for decision in ticked_decisions or [""]:
            yield Entry(
                line_reference, outcome_number["number"] if outcome_number else "", decision, _reason_of_block(block)
            )


def _reason_of_block(block_lines: Sequence[str]) -> str:
    """The text after "Reason:", on as many lines as somebody wrote."""
    reason_index = next(
        (reason_index for reason_index, block_line in enumerate(block_lines) if _REASON.match(block_line)), None
    )
    if reason_index is None or not (reason_match := _REASON.match(block_lines[reason_index])):
        return ""
    return _text_in_one_line(" ".join([reason_match["reason"], *block_lines[reason_index + 1 :]]))


def _text_in_one_line(cell_value: ReadCell | Any) -> str:
    """A value as text in one line: cells and text boxes break lines where they like."""
    if isinstance(cell_value, float) and cell_value.is_integer():
        # Excel has no whole numbers: an outcome's number 3 is read as 3.0.
        cell_value = int(cell_value)
    return "" if cell_value is None else " ".join(str(cell_value).split())
