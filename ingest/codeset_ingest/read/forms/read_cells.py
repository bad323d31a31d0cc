"""Read the forms in which CMS ships a table into text cells: delimited, fixed width, workbook.

Every reader returns a frame of text columns (those of millions of rows as categoricals) named as in the layout, plus
`source_line` (from 1) and, where the layout fills a column down, `block`. Notices and descriptors are dropped here.
"""

import polars as pl

from codeset.errors import BadInput, Fault
from codeset.releases import Release
from codeset_ingest.read import workbooks
from codeset_ingest.read.diagnoses.tabular_list import tabular_cells
from codeset_ingest.read.forms.fixed_width import read_fixed
from codeset_ingest.read.forms.grid import delimited_rows, grid_records, workbook_rows
from codeset_ingest.read.forms.tab_separated import read_tabbed
from codeset_ingest.read.forms.text_files import refuse_control_characters, refuse_long_lines
from codeset_ingest.read.layout import Layout
from codeset_ingest.read.open_files import File
from codeset_ingest.read.table import LINE


def read_cells(file: File, layout: Layout, form: str, sheet: str, release: Release) -> pl.DataFrame:
    """Return the records of *file* as text cells.

    Raises BadInput: for headers that are not the layout's, records of another length.
    ComputeError or SchemaError: if a record of a tab separated file is too long.
    """
    rules, columns = layout.forms[form], layout.columns_of(release)
    if rules["kind"] == "workbook":
        workbooks.refuse_lost_cells(file)
        frame = grid_records(file, rules, columns, layout, workbook_rows(file, sheet))
        return _join_continuations(file, frame, layout)
    if rules["kind"] == "xml":
        return tabular_cells(file)
    if "prose" not in rules:
        refuse_long_lines(file)
        refuse_control_characters(file)
    if rules["kind"] == "fixed":
        frame = read_fixed(file, rules, [column for column in columns if column.fixed])
        return _join_continuations(file, frame, layout)
    if rules["delimiter"] == "\t":
        return read_tabbed(file, rules, columns, layout)
    return grid_records(file, rules, columns, layout, delimited_rows(file, rules["delimiter"]))


def _join_continuations(file: File, frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Put the text of continuation records behind that of the record that they continue."""
    rules = layout.rules.get("records")
    if rules is None:
        return frame
    kind, code, text = pl.col(rules["column"]).str.strip_chars(), pl.col(layout.columns[0].name), rules["joins"]
    continued = kind.replace_strict(rules["continued_by"], default=None, return_dtype=pl.String)
    frame = frame.with_columns(continued.is_null().cum_sum().alias("record"), continued.alias("continues"))
    first = frame.group_by("record", maintain_order=True).first()
    heads = first.select("record", head_kind=kind, head_code=code)
    stray = frame.join(heads, on="record", maintain_order="left").filter(
        pl.col("continues").is_not_null()
        & ((pl.col("continues") != pl.col("head_kind")) | (code != pl.col("head_code")) | (pl.col("record") == 0))
    )
    if stray.height:
        raise BadInput([Fault(file.names, line, "continues no record of its code") for line in stray[LINE].head(1)])
    _refuse_gaps(file, frame, layout)
    texts = frame.group_by("record", maintain_order=True).agg(pl.col(text).str.join(" "))
    return first.with_columns(texts[text]).drop("record", "continues", rules["numbered_by"])


def _refuse_gaps(file: File, frame: pl.DataFrame, layout: Layout) -> None:
    """Refuse a line of a record that is missing or there twice: its text would be short, or repeat itself."""
    # SEQNUM counts the lines of a code from 00100 by hundreds in the txt, from 0010 by tens in the workbook.
    number = pl.col(layout.rules["records"]["numbered_by"]).str.strip_chars()
    line_of_record = pl.col(LINE).cum_count().over("record").cast(pl.String)
    expected = line_of_record.str.zfill(3) + number.str.slice(3).str.replace_all("[^0]", "0")
    numbered = frame.select(LINE, code=layout.columns[0].name, number=number, expected=expected)
    for row in numbered.filter(pl.col("number") != pl.col("expected")).head(1).iter_rows(named=True):
        message = (
            f"its sequence number is {row['number']}, expected {row['expected']}: a line of {row['code'].strip()} is "
        )
        raise BadInput([Fault(file.names, row[LINE], f"{message}missing, or there twice")])
