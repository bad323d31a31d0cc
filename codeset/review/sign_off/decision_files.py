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

_UNREAD = "No decision was read."
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


def read_decision_file(file: Path) -> DecisionFile:
    """Return the decisions in *file*: xlsx, JSON, YAML, or the text of a pull request; recognized by content.

    Raises WrongUse: if it is not there. BadInput: if it is none of these, or does not say which review it is about.
    """
    if not file.is_file():
        raise WrongUse(f"{file}: there is no such file of decisions")
    content = file.read_bytes()
    if content.startswith(_WORKBOOK_START):
        return _of_sheet(file.name, content)
    text = content[:MOST_BYTES].decode("utf-8", errors="replace")
    if has_boxes(text):
        return _of_pull_request(file.name, text)
    return _of_plain(file)


def check_review(decisions: DecisionFile, review: Mapping[str, Any]) -> None:
    """Check that *decisions* are about *review*.

    Raises WrongUse: if they are about another.
    """
    if decisions.review != basis_digest(review):
        old, new = (review[name]["release"] for name in ("old", "new"))
        raise WrongUse(
            f"{decisions.name} is about another review, not about this one of {old} and {new}. Fill in the page or the "
            f'sheet "{DECIDE_SHEET}" of this review. Nothing was written.'
        )


def _of_plain(file: Path) -> DecisionFile:
    written = read_yaml(file)
    faults = list(written.faults)
    if not faults:
        faults = [Fault(file.name, 0, fault) for fault in reading_faults(written.plain, "decisions")]
    if faults:
        raise BadInput(faults, _UNREAD)
    entries = tuple(
        Entry(
            f"{file.name}, line {written.line(('decisions', place))}",
            *(_one_line(plain.get(name)) for name in ("outcome", "decision", "reason")),
        )
        for place, plain in enumerate(written.plain["decisions"])
    )
    return DecisionFile(file.name, written.plain["review"], entries)


def _of_sheet(name: str, content: bytes) -> DecisionFile:
    sheets = {title.strip().lower(): rows for title, rows in read_sheets(content, name).items()}
    if (rows := sheets.get(DECIDE_SHEET)) is None:
        raise BadInput([Fault(name, 0, f'has no sheet "{DECIDE_SHEET}"; it has: {", ".join(sheets)}')], _UNREAD)
    texts = [[_one_line(cell) for cell in row] for row in rows]
    above = list(takewhile(lambda row: not _is_header(row), texts))
    if len(above) == len(texts):
        raise BadInput(
            [Fault(name, 0, f'sheet "{DECIDE_SHEET}": the header with decision and reason is missing')], _UNREAD
        )
    digest = next((match[0] for row in above for text in row if (match := _DIGEST.search(text))), None)
    if digest is None:
        raise BadInput(
            [Fault(name, 0, f'sheet "{DECIDE_SHEET}": the line above the table that names the review is missing')],
            _UNREAD,
        )
    return DecisionFile(name, digest, tuple(_sheet_entries(name, texts, len(above))))


def _is_header(row: Sequence[str]) -> bool:
    return {"decision", "reason"} <= {text.lower() for text in row}


def _sheet_entries(name: str, rows: Sequence[Sequence[str]], header: int) -> Iterator[Entry]:
    places = {text.lower(): place for place, text in enumerate(rows[header]) if text}
    for number, row in enumerate(rows[header + 1 :], start=header + 2):
        values = {column: row[place] for column, place in places.items() if place < len(row)}
        outcome = values.get("outcome") or values.get("id") or values.get("number") or ""
        yield Entry(f"{name}, row {number}", outcome, values.get("decision", ""), values.get("reason", ""))


def _of_pull_request(name: str, text: str) -> DecisionFile:
    if (boxes := boxes_in(text)) is None:
        raise BadInput([Fault(name, 0, "the end of the decisions is missing; copy the whole text")], _UNREAD)
    if fault := format_fault({"format": boxes["format"]}, "decisions"):
        raise BadInput([Fault(name, 0, fault)], _UNREAD)
    first_line = text.count("\n", 0, boxes.start("boxes")) + 1
    lines = boxes["boxes"].splitlines()
    return DecisionFile(name, boxes["review"], tuple(_box_entries(name, lines, first_line)))


def _box_entries(name: str, lines: Sequence[str], first_line: int) -> Iterator[Entry]:
    """An entry for each box that is ticked; one without a decision where only a reason was written."""
    starts = [place for place, line in enumerate(lines) if _NUMBER.match(line.strip())]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        block = [line.strip() for line in lines[start:end]]
        number = _NUMBER.match(block[0])
        ticked = [box["decision"] for line in block if (box := _BOX.match(line)) and box["tick"] != " "]
        where = f"{name}, line {first_line + start}"
        for decision in ticked or [""]:
            yield Entry(where, number["number"] if number else "", decision, _reason(block))


def _reason(block: Sequence[str]) -> str:
    """What stands behind "Reason:", on as many lines as somebody wrote."""
    place = next((place for place, line in enumerate(block) if _REASON.match(line)), None)
    if place is None or not (first := _REASON.match(block[place])):
        return ""
    return _one_line(" ".join([first["reason"], *block[place + 1 :]]))


def _one_line(value: ReadCell | Any) -> str:
    """A value as text in one line: cells and text boxes break lines where they like."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else " ".join(str(value).split())
