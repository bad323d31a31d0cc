"""The first and the last lines of a file: by which it is recognized, and seen to be whole."""

import csv
import io
import re
from collections import deque
from itertools import islice
from typing import Any

from codeset.releases import Release
from codeset_ingest.read import workbooks
from codeset_ingest.read.forms.grid import HEAD_ROWS, workbook_rows
from codeset_ingest.read.forms.text_files import ENCODING, normalize_line_ends
from codeset_ingest.read.layout import Layout
from codeset_ingest.read.open_files import File

_HEAD_BYTES = 16_384

_TAIL_BYTES = 8_192


def sheets_of(file: File) -> list[str]:
    """Return the names of a workbook's sheets; one empty name for a text file; none for anything else."""
    if file.is_workbook:
        return workbooks.sheet_names(file)
    # Packages hold their record layout as a pdf: RVU26C.pdf.
    return [] if file.is_zip or file.data.startswith(b"%PDF") else [""]


def head_of(file: File, sheet: str) -> str:
    """Return the first lines as text; a workbook's cells are separated by tabs."""
    if sheet:
        return "\n".join("\t".join(row.cells) for row in workbook_rows(file, sheet, HEAD_ROWS))
    return normalize_line_ends(file.data[:_HEAD_BYTES]).decode(ENCODING, errors="replace")


def head_rows(file: File, sheet: str) -> list[list[str]]:
    """Return the first rows as cells: of text, those of a csv or tab-separated file, whichever has more."""
    if sheet:
        return [list(row.cells) for row in workbook_rows(file, sheet, HEAD_ROWS)]
    # Split as csv and by tabs: of an unknown file its delimiter is not known.
    lines = io.StringIO(head_of(file, ""), newline="")
    rows = list(islice(csv.reader(lines), HEAD_ROWS))
    return [row[0].split("\t") if len(row) == 1 else row for row in rows if row]


def truncation_signs(file: File, layout: Layout, form: str, sheet: str, release: Release) -> list[tuple[int, str]]:
    """Return the lines and reasons for which *file* may have been cut: no line end, no end mark or footnote.

    A last record without a line end is not one of them if it is as long as every other of its fixed-width file:
    OPPSCAP of July 2025 ends like that.
    """
    rules = layout.forms[form]
    if rules["kind"] == "xml":  # its last tag ends it: what was cut is no XML
        return []
    signs = []
    if not sheet and not file.data.endswith((b"\n", b"\r", b"\x1a")) and not _ends_in_a_full_record(file, rules):
        line = normalize_line_ends(file.data).count(b"\n") + 1
        signs.append((line, "the last line has no line end: the file was cut; fetch it again"))
    if "end" in rules and _is_due(rules["end"], release) and not re.search(rules["end"]["pattern"], _tail(file, sheet)):
        message = "what ends a complete file is missing (an end-of-file mark or a footnote): the file may have been cut"
        signs.append((0, f"{message}; fetch it again"))
    return signs


def _ends_in_a_full_record(file: File, rules: Any) -> bool:
    if rules["kind"] != "fixed":
        return False
    lengths = [len(line) for line in normalize_line_ends(file.data[-_TAIL_BYTES:]).split(b"\n")[1:]]
    return len(lengths) > 1 and len(set(lengths)) == 1


def _is_due(end: Any, release: Release) -> bool:
    first, last = end.get("since"), end.get("until")
    return (first is None or Release.parse(first) <= release.unrevised) and (
        last is None or release.unrevised <= Release.parse(last)
    )


def _tail(file: File, sheet: str) -> str:
    """The last lines as text, as `head_of` gives the first."""
    if sheet:
        return "\n".join("\t".join(row.cells) for row in deque(workbook_rows(file, sheet), HEAD_ROWS))
    return normalize_line_ends(file.data[-_TAIL_BYTES:]).decode(ENCODING, errors="replace")


def closing_lines(file: File) -> str:
    """Return the end of a text file, where some layouts have a summary."""
    return _tail(file, "")
