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


def read_tabbed(source_file: File, form_rules: Any, columns: list[Column], layout: Layout) -> pl.DataFrame:
    """Read a tab-separated file, CMS's millions of rows, with polars, once the header is matched.

    A record that is too long fails; in a short one the missing cells are blank, which the last column of every such
    layout does not allow. Categoricals, since all cells together hold some ten thousand texts; polars reads their
    blank cells as null.
    """
    head_cells = (
        CellRow(line_number, line_text.split("\t"))
        for line_number, line_text in enumerate(head_of(source_file, "").split("\n"), start=1)
    )
    column_names = [
        column.name for column in read_header(source_file, form_rules["header"], columns, layout, head_cells)
    ]
    lines_above = next(head_cells).line - 1
    # Copied only where it must be: a part of the edits has 48 MB.
    file_bytes = normalize_line_ends(source_file.data) if _LONE_RETURN.search(source_file.data) else source_file.data
    return pl.read_csv(
        file_bytes if file_bytes.isascii() else text_of(source_file).encode(),
        separator="\t",
        has_header=False,
        skip_lines=lines_above,
        quote_char=None,
        schema=dict.fromkeys(column_names, pl.Categorical()),
        extra_columns="raise",
        row_index_name=LINE,
        row_index_offset=lines_above + 1,
    ).with_columns(pl.col(LINE).cast(pl.Int32), pl.col(column_names).fill_null(""))


def ragged_records(source_file: File, header_rules: Any, column_count: int) -> list[Fault]:
    """Return a fault for each record of a tab-separated file that does not have *column_count* cells."""
    record_bytes = normalize_line_ends(source_file.data).removesuffix(b"\n").split(b"\n")
    anchor_index = next(
        line_index
        for line_index, line_bytes in enumerate(record_bytes)
        if re.match(header_rules["anchor"].encode(), line_bytes)
    )
    records_below = enumerate(
        record_bytes[anchor_index + header_rules["below"] + 1 :], start=anchor_index + header_rules["below"] + 2
    )
    cell_counts = ((line_number, record.count(b"\t") + 1) for line_number, record in records_below)
    return [
        Fault(source_file.names, line_number, f"{cell_count} cells, expected {column_count} as in the header")
        for line_number, cell_count in cell_counts
        if cell_count != column_count
    ]
