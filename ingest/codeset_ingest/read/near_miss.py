"""A file that no layout matches, but that nearly is one of CMS's: which one, and which header differs."""

import codecs
import re
from collections.abc import Iterator, Mapping
from typing import Any

from codeset_ingest.read.forms.head_and_tail import head_of, head_rows
from codeset_ingest.read.layout import Layout, layouts
from codeset_ingest.read.open_files import File

_NEAR = 0.6
"""Share of a layout's columns that a row must name to be taken for its header, changed in some places."""

_SHOWN = 40

_HEAD_BYTES = 32_768

_SHORTEST = 3
"""Columns below which two headers may be alike by chance."""


def near_miss(file: File, sheet: str) -> str | None:
    """Return which publication *file* nearly is and what differs, or None if it is not like any."""
    if any(re.search(pattern, head_of(file, sheet), re.MULTILINE) for pattern in _passed_over()):
        return None
    if not sheet and (message := _in_utf16(file)):
        return message
    grid = head_rows(file, sheet)
    best = max(_likenesses(grid), key=lambda likeness: likeness[0], default=(0.0, None, [], []))
    share, layout, missing, unknown = best
    # Of CMS's files at hand none names more than 0.4 of the columns of another publication, but for the two lists of
    # covered and noncovered diagnoses, which are twins.
    if layout is not None and share >= _NEAR:
        differs = [f'expected a column "{header}"' for header in missing] + [f'found "{text}"' for text in unknown]
        differences = "; ".join(differs) or "the lines above its header differ"
        return f"is like {layout.publication} ({_tables(layout)}), but its header differs: {differences}"
    return _layout_by_name(file)


def _in_utf16(file: File) -> str | None:
    """What a spreadsheet saves as "Unicode text": a table of CMS's whose every other byte is a zero."""
    if not file.data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    head = file.data[:_HEAD_BYTES].decode("utf-16", errors="replace").replace("\r\n", "\n")
    for layout in layouts():
        signs = [rules["sign"] for rules in layout.forms.values() if rules["kind"] in ("delimited", "fixed")]
        if any(re.search(sign, head, re.MULTILINE) for sign in signs):
            message = f"is {layout.publication} ({_tables(layout)}) in UTF-16, which CMS does not write"
            return f"{message}; take the file from CMS's own zip"
    return None


def _passed_over() -> Iterator[str]:
    """The signs of files that are known and not read."""
    return (layout.rules["unread"]["sign"] for layout in layouts() if "unread" in layout.rules)


def _likenesses(grid: list[list[str]]) -> Iterator[tuple[float, Layout | None, list[str], list[str]]]:
    """For each layout and row that could be its header: share of columns named, those missing, texts unknown."""
    for layout in layouts():
        # Columns that some years lack say nothing of likeness.
        named = [column for column in layout.columns if not {"optional", "since"} & set(column.rules)]
        header = next((rules["header"] for rules in layout.forms.values() if "header" in rules), None)
        if header is None or len(named) < _SHORTEST:
            continue
        for place in range(len(grid)):
            texts = _stacked(grid, place, header)
            matched = [column for column in named if any(column.header.fullmatch(text) for text in texts)]
            if matched:
                missing = [column.label for column in named if column not in matched]
                unknown = [text for text in texts if text and not _is_in_layout(layout, text)]
                yield len(matched) / len(named), layout, missing, [_short(text) for text in unknown]


def _stacked(grid: list[list[str]], place: int, header: Mapping[str, Any]) -> list[str]:
    """The captions of a header whose anchor row is at *place*, each joined over its rows."""
    stack = grid[max(place - header["above"], 0) : place + header["below"] + 1]
    width = len(grid[place])
    return [" ".join(" ".join(row[column] for row in stack if column < len(row)).split()) for column in range(width)]


def _is_in_layout(layout: Layout, text: str) -> bool:
    return any(column.header.fullmatch(text) for column in layout.columns)


def _short(text: str) -> str:
    """A caption shortened, so that no notice slips into a message."""
    return text if len(text) <= _SHOWN else "... " + text[-_SHOWN:].rsplit(maxsplit=1)[-1]


def _layout_by_name(file: File) -> str | None:
    """By its name: fixed-width files have no header to compare."""
    if not file.name.lower().endswith(".txt"):
        return None
    for layout in layouts():
        patterns = [rule["pattern"] for rule in layout.rules["period"] if rule["in"] in ("name", "names")]
        if "txt" in layout.forms and any(re.search(pattern, file.name, re.IGNORECASE) for pattern in patterns):
            return f"is named like {layout.publication} ({_tables(layout)}), but does not begin as its text form does"
    return None


def _tables(layout: Layout) -> str:
    return ", ".join(rule["table"] for rule in layout.rules["tables"])
