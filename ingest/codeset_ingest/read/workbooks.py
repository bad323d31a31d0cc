"""Workbooks, opened with care: what the reader would choke on is refused before it sees it."""

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import fastexcel

from codeset.errors import BadInput, Fault
from codeset_ingest.read.open_files import ZIP_ERRORS, File, refuse_bombs

_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_DECLARED_TYPE = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)

# The reader makes room for every cell between the first and the last: one cell at the far end is enough. CMS's widest
# sheet ends in column AV (HCPCS Level II), its longest, a part of the NCCI edits, in row 700,000 and column G.
_CELL = rb'(?: r="|<dimension[^>]*:)'
_FAR_COLUMN = re.compile(_CELL + rb"(?:[A-Z]{3}|[B-Z][A-Z])\d")
_LONG = re.compile(_CELL + rb"[A-Z]{0,3}\d{6}")
_WIDE = re.compile(_CELL + rb"(?:[Q-Z]|[A-Z]{2})\d")

# The reader gives a blank for an error (#N/A), and for a formula that was saved without its result. A blank deletion
# date is an edit that still applies: such a cell stops the build. No CMS workbook that was read has either.
_PLACE = rb'<c r="(?P<place>[A-Z]+(?P<row>[0-9]+))"'
_ERROR = re.compile(_PLACE + rb'[^>]* t="e"')
_NO_RESULT = re.compile(_PLACE + rb"[^>]*>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)(?:<v ?/>|<v></v>)?</c>")
_LOST = {
    "holds an error, expected a value; take the file from CMS's own zip": _ERROR,
    "holds a formula without its result, expected a value; take the file from CMS's own zip": _NO_RESULT,
}


def sheet_names(file: File) -> list[str]:
    """Return the names of the sheets.

    Raises BadInput: for a workbook that is damaged, or not made as CMS's are.
    """
    _check(file)
    with _reading(file):
        return list(fastexcel.read_excel(file.data).sheet_names)


def rows(file: File, sheet: str, count: int | None = None) -> Iterator[list[str]]:
    """Yield the first *count* rows of a sheet (None: all) as text cells; its name came from `sheet_names`.

    Raises BadInput: if the workbook is damaged.
    """
    with _reading(file):
        # As text, with no header row: the header is stacked over several rows, and codes must not become numbers on the
        # way.
        loaded = fastexcel.read_excel(file.data).load_sheet(sheet, header_row=None, n_rows=count, dtypes="string")
        frame = loaded.to_polars()
    for row in frame.iter_rows():
        yield [cell or "" for cell in row]


def refuse_lost_cells(file: File) -> None:
    """Refuse a workbook with a cell that is read as blank, and is not: an error, or a formula without its result.

    Raises BadInput: with the first such cell of each sheet.
    """
    with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if _SHEET.fullmatch(name)]
    cells = [(cell, message) for xml in sheets for message, pattern in _LOST.items() if (cell := pattern.search(xml))]
    faults = [
        Fault(file.names, int(cell["row"]), f"cell {cell['place'].decode()} {message}") for cell, message in cells
    ]
    if faults:
        raise BadInput(faults)


@contextmanager
def _reading(file: File) -> Iterator[None]:
    """Say in words that a workbook cannot be read; a panic of the reader, written in Rust, is no Exception."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise BadInput([Fault(file.names, 0, f"not a workbook that can be read ({error})")]) from error


def _check(file: File) -> None:
    """Refuse bombs, document types and entities, and sheets that span more cells than any of CMS's.

    Raises BadInput: with the first of these.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            refuse_bombs(file, archive.infolist())
            for name in archive.namelist():
                if name.endswith((".xml", ".rels")):
                    _check_part(file, name, archive.read(name))
    except ZIP_ERRORS as error:
        raise BadInput([Fault(file.names, 0, f"not a workbook that can be read ({error})")]) from error


def _check_part(file: File, name: str, xml: bytes) -> None:
    # The patterns below look for ASCII bytes: in UTF-16 they would find nothing, and the reader would read on.
    if xml.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in xml[:64]:
        raise BadInput([Fault(file.names, 0, f"not a workbook that can be read ({name} is not in UTF-8)")])
    if _DECLARED_TYPE.search(xml):
        raise BadInput([Fault(file.names, 0, f"{name} declares a document type or entities; CMS's workbooks do not")])
    if _SHEET.fullmatch(name):
        _refuse_wide_spans(file, name, xml)


def _refuse_wide_spans(file: File, name: str, xml: bytes) -> None:
    if _FAR_COLUMN.search(xml) or (_LONG.search(xml) and _WIDE.search(xml)):
        raise BadInput([Fault(file.names, 0, f"{name} spans more rows and columns than any sheet of CMS's")])
