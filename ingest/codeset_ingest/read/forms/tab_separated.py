"""Tab-separated files, CMS's millions of rows: read by polars, once the header is matched."""

import re
from typing import Any

import polars as pl

from codeset.errors import Fault
from codeset_ingest.read.forms.grid import CellRow, read_header
from codeset_ingest.read.forms.head_and_tail import head_of
from codeset_ingest.read.forms.text_files import normalize_line_ends, text_of
from codeset_ingest.read.layout import Column, Layout
from codeset_ingest.read.open_files import File
from codeset_ingest.read.table import LINE

_LONE_RETURN = re.compile(rb"\r(?!\n)")
"""A bare CR as line end, which polars would read as text, or drop at the end of a cell."""


def read_tabbed(file: File, rules: Any, columns: list[Column], layout: Layout) -> pl.DataFrame:
    """Read a tab-separated file, CMS's millions of rows, with polars, once the header is matched.

    A record that is too long fails; in a short one the missing cells are blank, which the last column of every such
    layout does not allow. Categoricals, since all cells together hold some ten thousand texts; polars reads their
    blank cells as null.
    """
    start = (CellRow(n, line.split("\t")) for n, line in enumerate(head_of(file, "").split("\n"), start=1))
    names = [column.name for column in read_header(file, rules["header"], columns, layout, start)]
    above = next(start).line - 1
    # Copied only where it must be: a part of the edits has 48 MB.
    data = normalize_line_ends(file.data) if _LONE_RETURN.search(file.data) else file.data
    return pl.read_csv(
        data if data.isascii() else text_of(file).encode(),
        separator="\t",
        has_header=False,
        skip_lines=above,
        quote_char=None,
        schema=dict.fromkeys(names, pl.Categorical()),
        extra_columns="raise",
        row_index_name=LINE,
        row_index_offset=above + 1,
    ).with_columns(pl.col(LINE).cast(pl.Int32), pl.col(names).fill_null(""))


def ragged_records(file: File, header: Any, width: int) -> list[Fault]:
    """Return a fault for each record of a tab-separated file that does not have *width* cells."""
    lines = normalize_line_ends(file.data).removesuffix(b"\n").split(b"\n")
    anchor = next(n for n, line in enumerate(lines) if re.match(header["anchor"].encode(), line))
    records = enumerate(lines[anchor + header["below"] + 1 :], start=anchor + header["below"] + 2)
    counts = ((line, record.count(b"\t") + 1) for line, record in records)
    return [
        Fault(file.names, line, f"{count} cells, expected {width} as in the header")
        for line, count in counts
        if count != width
    ]
