"""CMS's HCPCS Level II file, rendered: codes and modifiers in one file, long descriptions over several records."""

import io
import textwrap
from collections.abc import Iterator
from datetime import date

import polars as pl

from codeset import workbook
from codeset.releases import Release
from codeset_ingest.read.layout import layout_of

_RECORD, _CONTINUED = 320, 91
_DESCRIPTION = 80
_NOTE = ["A note on coverage stands here in the files of CMS.", ""]


def file_name(release: Release, form: str) -> str:
    """Return the name that CMS gives the file: HCPC2025_OCT_ANWEB.txt."""
    month = f"{release.first_day:%b}".upper()
    return f"HCPC{release.year}_{month}_ANWEB.{form}"


def render_file(codes: pl.DataFrame, modifiers: pl.DataFrame, form: str) -> bytes:
    """Return both tables as one file in CMS's layout: a fixed-width text of cp1252, or a workbook of texts."""
    rows = [*_rows(modifiers, "modifier", "7"), *_rows(codes, "hcpcs", "3")]
    if form == "xlsx":
        return _workbook(rows)
    lines = [*_NOTE, *(line for row in rows for line in _records(row))]
    return "".join(f"{line}\r\n" for line in lines).encode("cp1252")


def _rows(table: pl.DataFrame, key: str, record: str) -> Iterator[dict[str, str]]:
    for row in table.sort(key).iter_rows(named=True):
        texts = {name: _text(value) for name, value in row.items() if name != key}
        yield texts | {"hcpcs": f"{row[key]:>5}", "record_type": record}


def _text(value: object) -> str:
    return f"{value:%Y%m%d}" if isinstance(value, date) else str(value or "")


def _records(row: dict[str, str]) -> Iterator[str]:
    """The lines of one code: the rest of a description that is longer than its field goes on in lines of its own."""
    first, *others = textwrap.wrap(row["long_description"], _DESCRIPTION)
    line = [" "] * _RECORD
    for column in layout_of("hcpcs").columns:
        if column.name and column.fixed:
            start, end = column.fixed
            text = first if column.name == "long_description" else row.get(column.name, "")
            line[start - 1 : end] = f"{text:{end - start + 1}}"
    yield "".join([*line[:5], "00100", *line[10:]])
    for number, text in enumerate(others, start=2):
        record = {"3": "4", "7": "8"}[row["record_type"]]
        yield f"{row['hcpcs']}{number:03d}00{record}{text:{_CONTINUED - 11}}"


def _workbook(rows: list[dict[str, str]]) -> bytes:
    columns = layout_of("hcpcs").columns
    cells: list[list[workbook.Cell]] = [[column.header.pattern for column in columns]]
    for row in rows:
        texts = row | {"": ""}
        cells.append(["0010" if column.header.pattern == "SEQNUM" else texts.get(column.name) for column in columns])
    stream = io.BytesIO()
    workbook.write(stream, {"HCPC_ANWEB": workbook.Sheet(cells)})
    return stream.getvalue()
