"""Workbooks, opened with care: what the reader would choke on is refused before it sees it."""

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import fastexcel

from codeset.errors import BadInput, Fault
from codeset_ingest.read.open_files import ZIP_ERRORS, File, refuse_bombs

MAX_CELLS = 5_000_000
"""Cells between the first and the last one of a sheet; CMS's largest sheet, the fee schedule, spans 620,000."""

_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_REFERENCE = re.compile(rb'[ <]r="([A-Z]{0,3})(\d{1,7})"')
_DIMENSION = re.compile(rb'<dimension[^>]* ref="[^":]*:?([A-Z]{1,3})(\d{1,7})"')
_DECLARED_TYPE = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


def sheet_names(file: File) -> list[str]:
    """Return the names of the sheets.

    Raises BadInput: for a workbook that is damaged, or not made as CMS's are.
    """
    _check(file)
    with _reading(file):
        return list(fastexcel.read_excel(file.data).sheet_names)


def rows(file: File, sheet: str, count: int | None = None) -> Iterator[list[str]]:
    """Yield the first *count* rows of a sheet (None: all) as text cells; raises as `sheet_names` does."""
    _check(file)
    with _reading(file):
        loaded = fastexcel.read_excel(file.data).load_sheet(sheet, header_row=None, n_rows=count, dtypes="string")
        frame = loaded.to_polars()
    for row in frame.iter_rows():
        yield [cell or "" for cell in row]


@contextmanager
def _reading(file: File) -> Iterator[None]:
    """Say in words that a workbook cannot be read; a panic of the reader, written in Rust, is no Exception."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise BadInput([Fault(file.names, 0, f"not a workbook that can be read ({error})")]) from error


@lru_cache(maxsize=1)
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
    if xml.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in xml[:64]:
        raise BadInput([Fault(file.names, 0, f"not a workbook that can be read ({name} is not in UTF-8)")])
    if _DECLARED_TYPE.search(xml):
        raise BadInput([Fault(file.names, 0, f"{name} declares a document type or entities; CMS's workbooks do not")])
    if _SHEET.fullmatch(name):
        _refuse_wide_spans(file, name, xml)


def _refuse_wide_spans(file: File, name: str, xml: bytes) -> None:
    """The reader makes room for every cell between the first and the last: one cell at the far end is enough."""
    references = {*_REFERENCE.findall(xml), *_DIMENSION.findall(xml)}
    width = max((_number(letters) for letters, _ in references), default=0)
    height = max((int(row) for _, row in references), default=0)
    if width * height > MAX_CELLS:
        says = f"{name} spans {height:,} rows and {width:,} columns; no sheet of CMS's is that large"
        raise BadInput([Fault(file.names, 0, says)])


def _number(letters: bytes) -> int:
    """A column's number from 1: A is 1, AA 27."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number
