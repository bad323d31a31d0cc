"""A file that no layout matches, but that nearly is one of CMS's: which one, and which header differs."""

import codecs
import re
from collections.abc import Iterator, Mapping
from typing import Any

from codeset_ingest.read.forms.head_and_tail import head_of, head_rows
from codeset_ingest.read.layout import Layout, layouts
from codeset_ingest.read.open_files import File

_NEAR_SHARE = 0.6
"""Share of a layout's columns that a row must name to be taken for its header, changed in some places."""

_LETTERS_SHOWN = 40

_HEAD_BYTES = 32_768

_FEWEST_COLUMNS = 3
"""Columns below which two headers may be alike by chance."""


def near_miss(unknown_file: File, sheet_name: str) -> str | None:
    """Return which publication *unknown_file* nearly is and what differs, or None if it is not like any."""
    if any(re.search(pattern, head_of(unknown_file, sheet_name), re.MULTILINE) for pattern in _signs_of_unread_files()):
        return None
    if not sheet_name and (message := _utf16_message(unknown_file)):
        return message
    head_grid = head_rows(unknown_file, sheet_name)
    nearest_layout = max(_layout_likenesses(head_grid), key=lambda likeness: likeness[0], default=(0.0, None, [], []))
    share_of_columns, nearest, missing_labels, unknown_texts = nearest_layout
    # Of CMS's files at hand none names more than 0.4 of the columns of another publication, but for the two lists of
    # covered and noncovered diagnoses, which are twins.
    if nearest is not None and share_of_columns >= _NEAR_SHARE:
        expected_texts = [f'expected a column "{label}"' for label in missing_labels]
        found_texts = [f'found "{text}"' for text in unknown_texts]
        differences_text = "; ".join(expected_texts + found_texts) or "the lines above its header differ"
        return f"is like {nearest.publication} ({_table_names(nearest)}), but its header differs: {differences_text}"
    return _layout_by_name(unknown_file)


def _utf16_message(unknown_file: File) -> str | None:
    """What a spreadsheet saves as "Unicode text": a table of CMS's whose every other byte is a zero."""
    if not unknown_file.data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    head_text = unknown_file.data[:_HEAD_BYTES].decode("utf-16", errors="replace").replace("\r\n", "\n")
    for layout in layouts():
        layout_signs = [rules["sign"] for rules in layout.forms.values() if rules["kind"] in ("delimited", "fixed")]
        if any(re.search(layout_sign, head_text, re.MULTILINE) for layout_sign in layout_signs):
            message = f"is {layout.publication} ({_table_names(layout)}) in UTF-16, which CMS does not write"
            return f"{message}; take the file from CMS's own zip"
    return None


def _signs_of_unread_files() -> Iterator[str]:
    """The signs of files that are known and not read."""
    return (layout.rules["unread"]["sign"] for layout in layouts() if "unread" in layout.rules)


def _layout_likenesses(head_grid: list[list[str]]) -> Iterator[tuple[float, Layout | None, list[str], list[str]]]:
    """For each layout and row that could be its header: share of columns named, those missing, texts unknown."""
    for layout in layouts():
        # Columns that some years lack say nothing of likeness.
        lasting_columns = [column for column in layout.columns if not {"optional", "since"} & set(column.rules)]
        header_rules = next((rules["header"] for rules in layout.forms.values() if "header" in rules), None)
        if header_rules is None or len(lasting_columns) < _FEWEST_COLUMNS:
            continue
        for anchor_index in range(len(head_grid)):
            captions = _stacked_captions(head_grid, anchor_index, header_rules)
            matched_columns = [
                column for column in lasting_columns if any(column.header.fullmatch(caption) for caption in captions)
            ]
            if matched_columns:
                missing_labels = [column.label for column in lasting_columns if column not in matched_columns]
                unknown_captions = [caption for caption in captions if caption and not _is_in_layout(layout, caption)]
                yield (
                    len(matched_columns) / len(lasting_columns),
                    layout,
                    missing_labels,
                    [_shortened_caption(caption) for caption in unknown_captions],
                )


def _stacked_captions(head_grid: list[list[str]], anchor_index: int, header_rules: Mapping[str, Any]) -> list[str]:
    """The captions of a header whose anchor row is at *anchor_index*, each joined over its rows."""
    stacked_rows = head_grid[max(anchor_index - header_rules["above"], 0) : anchor_index + header_rules["below"] + 1]
    width = len(head_grid[anchor_index])
    return [
        " ".join(" ".join(row[column_index] for row in stacked_rows if column_index < len(row)).split())
        for column_index in range(width)
    ]


def _is_in_layout(layout: Layout, caption: str) -> bool:
    return any(column.header.fullmatch(caption) for column in layout.columns)


def _shortened_caption(caption: str) -> str:
    """A caption shortened, so that no notice slips into a message."""
    return caption if len(caption) <= _LETTERS_SHOWN else "... " + caption[-_LETTERS_SHOWN:].rsplit(maxsplit=1)[-1]


def _layout_by_name(unknown_file: File) -> str | None:
    """By its name: fixed-width files have no header to compare."""
    if not unknown_file.name.lower().endswith(".txt"):
        return None
    for layout in layouts():
        patterns = [rule["pattern"] for rule in layout.rules["period"] if rule["in"] in ("name", "names")]
        if "txt" in layout.forms and any(re.search(pattern, unknown_file.name, re.IGNORECASE) for pattern in patterns):
            return (
                f"is named like {layout.publication} ({_table_names(layout)}), but does not begin as its text form does"
            )
    return None


def _table_names(layout: Layout) -> str:
    return ", ".join(table_rule["table"] for table_rule in layout.rules["tables"])
