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


def sheets_of(source_file: File) -> list[str]:
    """Return the names of a workbook's sheets; one empty name for a text file; none for anything else."""
    if source_file.is_workbook:
        return workbooks.sheet_names(source_file)
    # Packages hold their record layout as a pdf: RVU26C.pdf.
    return [] if source_file.is_zip or source_file.data.startswith(b"%PDF") else [""]


def head_of(source_file: File, sheet_name: str) -> str:
    """Return the first lines as text; a workbook's cells are separated by tabs."""
    if sheet_name:
        return "\n".join("\t".join(cell_row.cells) for cell_row in workbook_rows(source_file, sheet_name, HEAD_ROWS))
    return normalize_line_ends(source_file.data[:_HEAD_BYTES]).decode(ENCODING, errors="replace")


def head_rows(source_file: File, sheet_name: str) -> list[list[str]]:
    """Return the first rows as cells: of text, those of a csv or tab-separated file, whichever has more."""
    if sheet_name:
        return [list(cell_row.cells) for cell_row in workbook_rows(source_file, sheet_name, HEAD_ROWS)]
    # Split as csv and by tabs: of an unknown file its delimiter is not known.
    head_stream = io.StringIO(head_of(source_file, ""), newline="")
    csv_rows = list(islice(csv.reader(head_stream), HEAD_ROWS))
    return [cell_row[0].split("\t") if len(cell_row) == 1 else cell_row for cell_row in csv_rows if cell_row]


def truncation_signs(
    source_file: File, layout: Layout, form_name: str, sheet_name: str, release: Release
) -> list[tuple[int, str]]:
    """Return the lines and reasons for which *source_file* may have been cut: no line end, no end mark or footnote.

    A last record without a line end is not one of them if it is as long as every other of its fixed-width file:
    OPPSCAP of July 2025 ends like that.
    """
    form_rules = layout.forms[form_name]
    if form_rules["kind"] == "xml":  # its last tag ends it: what was cut is no XML
        return []
    signs_of_cut = []
    if (
        not sheet_name
        and not source_file.data.endswith((b"\n", b"\r", b"\x1a"))
        and not _ends_in_a_full_record(source_file, form_rules)
    ):
        last_line = normalize_line_ends(source_file.data).count(b"\n") + 1
        signs_of_cut.append((last_line, "the last line has no line end: the file was cut; fetch it again"))
    if (
        "end" in form_rules
        and _is_due(form_rules["end"], release)
        and not re.search(form_rules["end"]["pattern"], _tail_of(source_file, sheet_name))
    ):
        message = "what ends a complete file is missing (an end-of-file mark or a footnote): the file may have been cut"
        signs_of_cut.append((0, f"{message}; fetch it again"))
    return signs_of_cut


def _ends_in_a_full_record(source_file: File, form_rules: Any) -> bool:
    if form_rules["kind"] != "fixed":
        return False
    record_lengths = [
        len(record_bytes) for record_bytes in normalize_line_ends(source_file.data[-_TAIL_BYTES:]).split(b"\n")[1:]
    ]
    return len(record_lengths) > 1 and len(set(record_lengths)) == 1


def _is_due(end_rules: Any, release: Release) -> bool:
    first_release, last_release = end_rules.get("since"), end_rules.get("until")
    return (first_release is None or Release.parse(first_release) <= release.unrevised) and (
        last_release is None or release.unrevised <= Release.parse(last_release)
    )


def _tail_of(source_file: File, sheet_name: str) -> str:
    """The last lines as text, as `head_of` gives the first."""
    if sheet_name:
        return "\n".join("\t".join(row.cells) for row in deque(workbook_rows(source_file, sheet_name), HEAD_ROWS))
    return normalize_line_ends(source_file.data[-_TAIL_BYTES:]).decode(ENCODING, errors="replace")


def closing_lines(source_file: File) -> str:
    """Return the end of a text file, where some layouts have a summary."""
    return _tail_of(source_file, "")
