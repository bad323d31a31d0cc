"""Workbooks, opened with care: what the reader would choke on is refused before it sees it."""

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import fastexcel

from codeset.errors import BadInput, Fault
from codeset_ingest.read.open_files import ZIP_ERRORS, File, refuse_bombs

_SHEET_PART = re.compile(r"xl/worksheets/[^/]+\.xml")
_DECLARED_TYPE = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


def _references_to(cells: bytes) -> tuple[re.Pattern[bytes], ...]:
    """The patterns of a cell or row, and of a dimension's end: each begins with bytes that are searched for at once."""
    return re.compile(rb' r="' + cells), re.compile(rb"<dimension[^>]*:" + cells)


# The reader makes room for every cell between the first and the last: one cell at the far end is enough. CMS's widest
# sheet ends in column AV (HCPCS Level II), its longest, a part of the NCCI edits, in row 700,000 and column G.
_FAR_COLUMN = _references_to(rb"(?:[A-Z]{3}|[B-Z][A-Z])\d")
_LONG_ROW = _references_to(rb"[A-Z]{0,3}\d{6}")
_WIDE_COLUMN = _references_to(rb"(?:[Q-Z]|[A-Z]{2})\d")

# The reader gives a blank for an error (#N/A), and for a formula that was saved without its result. A blank deletion
# date is an edit that still applies: such a cell stops the build. No CMS workbook that was read has either.
_CELL_PLACE = rb'<c r="(?P<place>[A-Z]+(?P<row>[0-9]+))"'
_ERROR_CELL = re.compile(_CELL_PLACE + rb'[^>]* t="e"')
_NO_RESULT = re.compile(_CELL_PLACE + rb"[^>]*>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)(?:<v ?/>|<v></v>)?</c>")
_LOST_CELLS = (
    (b' t="e"', _ERROR_CELL, "holds an error, expected a value; take the file from CMS's own zip"),
    (b"<f", _NO_RESULT, "holds a formula without its result, expected a value; take the file from CMS's own zip"),
)
"""The bytes without which a sheet has no such cell, which are found faster than a pattern; its pattern; the message."""


def sheet_names(workbook_file: File) -> list[str]:
    """Return the names of the sheets.

    Raises BadInput: for a workbook that is damaged, or not made as CMS's are.
    """
    _refuse_hostile_parts(workbook_file)
    with _reader_faults_in_words(workbook_file):
        return list(fastexcel.read_excel(workbook_file.data).sheet_names)


def sheet_rows(workbook_file: File, sheet_name: str, row_count: int | None = None) -> Iterator[list[str]]:
    """Yield the first *row_count* rows of a sheet (None: all) as text cells; its name came from `sheet_names`.

    Raises BadInput: if the workbook is damaged.
    """
    with _reader_faults_in_words(workbook_file):
        # As text, with no header row: the header is stacked over several rows, and codes must not become numbers on the
        # way.
        loaded_sheet = fastexcel.read_excel(workbook_file.data).load_sheet(
            sheet_name, header_row=None, n_rows=row_count, dtypes="string"
        )
        text_cells = loaded_sheet.to_polars()
    for row_cells in text_cells.iter_rows():
        yield [cell or "" for cell in row_cells]


def refuse_lost_cells(workbook_file: File) -> None:
    """Refuse a workbook with a cell that is read as blank, and is not: an error, or a formula without its result.

    Raises BadInput: with the first such cell of each sheet.
    """
    with zipfile.ZipFile(io.BytesIO(workbook_file.data)) as archive:
        sheet_parts = [archive.read(part_name) for part_name in archive.namelist() if _SHEET_PART.fullmatch(part_name)]
    lost_cells = [
        (cell, message)
        for sheet_part in sheet_parts
        for needed_bytes, pattern, message in _LOST_CELLS
        if needed_bytes in sheet_part and (cell := pattern.search(sheet_part))
    ]
    faults = [
        Fault(workbook_file.names, int(cell["row"]), f"cell {cell['place'].decode()} {message}")
        for cell, message in lost_cells
    ]
    if faults:
        raise BadInput(faults)


@contextmanager
def _reader_faults_in_words(workbook_file: File) -> Iterator[None]:
    """Say in words that a workbook cannot be read; a panic of the reader, written in Rust, is no Exception."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise BadInput([Fault(workbook_file.names, 0, f"not a workbook that can be read ({error})")]) from error


def _refuse_hostile_parts(workbook_file: File) -> None:
    """Refuse bombs, document types and entities, and sheets that span more cells than any of CMS's.

    Raises BadInput: with the first of these.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(workbook_file.data)) as archive:
            refuse_bombs(workbook_file, archive.infolist())
            for part_name in archive.namelist():
                if part_name.endswith((".xml", ".rels")):
                    _refuse_hostile_part(workbook_file, part_name, archive.read(part_name))
    except ZIP_ERRORS as error:
        raise BadInput([Fault(workbook_file.names, 0, f"not a workbook that can be read ({error})")]) from error


def _refuse_hostile_part(workbook_file: File, part_name: str, part_xml: bytes) -> None:
    # The patterns below look for ASCII bytes: in UTF-16 they would find nothing, and the reader would read on.
    if part_xml.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in part_xml[:64]:
        raise BadInput(
            [Fault(workbook_file.names, 0, f"not a workbook that can be read ({part_name} is not in UTF-8)")]
        )
    if _DECLARED_TYPE.search(part_xml):
        raise BadInput(
            [Fault(workbook_file.names, 0, f"{part_name} declares a document type or entities; CMS's workbooks do not")]
        )
    if _SHEET_PART.fullmatch(part_name):
        _refuse_wide_spans(workbook_file, part_name, part_xml)


def _refuse_wide_spans(workbook_file: File, part_name: str, part_xml: bytes) -> None:
    def has(patterns: tuple[re.Pattern[bytes], ...]) -> bool:
        return any(pattern.search(part_xml) for pattern in patterns)

    if has(_FAR_COLUMN) or (has(_LONG_ROW) and has(_WIDE_COLUMN)):
        raise BadInput(
            [Fault(workbook_file.names, 0, f"{part_name} spans more rows and columns than any sheet of CMS's")]
        )
