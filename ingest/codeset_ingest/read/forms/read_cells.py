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


def read_cells(source_file: File, layout: Layout, form_name: str, sheet_name: str, release: Release) -> pl.DataFrame:
    """Return the records of *source_file* as text cells.

    Raises BadInput: for headers that are not the layout's, records of another length.
    ComputeError or SchemaError: if a record of a tab separated file is too long.
    """
    form_rules, columns = layout.forms[form_name], layout.columns_of(release)
    if form_rules["kind"] == "workbook":
        workbooks.refuse_lost_cells(source_file)
        text_rows = grid_records(source_file, form_rules, columns, layout, workbook_rows(source_file, sheet_name))
        return _join_continuations(source_file, text_rows, layout)
    if form_rules["kind"] == "xml":
        return tabular_cells(source_file)
    if "prose" not in form_rules:
        refuse_long_lines(source_file)
        refuse_control_characters(source_file)
    if form_rules["kind"] == "fixed":
        text_rows = read_fixed(source_file, form_rules, [column for column in columns if column.fixed])
        return _join_continuations(source_file, text_rows, layout)
    if form_rules["delimiter"] == "\t":
        return read_tabbed(source_file, form_rules, columns, layout)
    return grid_records(source_file, form_rules, columns, layout, delimited_rows(source_file, form_rules["delimiter"]))


def _join_continuations(source_file: File, text_rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Put the text of continuation records behind that of the record that they continue."""
    record_rules = layout.rules.get("records")
    if record_rules is None:
        return text_rows
    record_kind = pl.col(record_rules["column"]).str.strip_chars()
    record_code = pl.col(layout.columns[0].name)
    text_column = record_rules["joins"]
    continued = record_kind.replace_strict(record_rules["continued_by"], default=None, return_dtype=pl.String)
    text_rows = text_rows.with_columns(continued.is_null().cum_sum().alias("record"), continued.alias("continues"))
    # HCPCS Level II: record types 3 and 7 begin a code or modifier, 4 and 8 continue its long description.
    first_lines = text_rows.group_by("record", maintain_order=True).first()
    record_heads = first_lines.select("record", head_kind=record_kind, head_code=record_code)
    stray_lines = text_rows.join(record_heads, on="record", maintain_order="left").filter(
        pl.col("continues").is_not_null()
        & (
            (pl.col("continues") != pl.col("head_kind"))
            | (record_code != pl.col("head_code"))
            | (pl.col("record") == 0)
        )
    )
    if stray_lines.height:
        raise BadInput(
            [
                Fault(source_file.names, line_number, "continues no record of its code")
                for line_number in stray_lines[LINE].head(1)
            ]
        )
    # Before the lines are joined: afterwards a missing one could not be seen.
    _refuse_gaps(source_file, text_rows, layout)
    joined_texts = text_rows.group_by("record", maintain_order=True).agg(pl.col(text_column).str.join(" "))
    return first_lines.with_columns(joined_texts[text_column]).drop("record", "continues", record_rules["numbered_by"])


def _refuse_gaps(source_file: File, text_rows: pl.DataFrame, layout: Layout) -> None:
    """Refuse a line of a record that is missing or there twice: its text would be short, or repeat itself."""
    # SEQNUM counts the lines of a code from 00100 by hundreds in the txt, from 0010 by tens in the workbook.
    sequence_number = pl.col(layout.rules["records"]["numbered_by"]).str.strip_chars()
    line_of_record = pl.col(LINE).cum_count().over("record").cast(pl.String)
    expected_number = line_of_record.str.zfill(3) + sequence_number.str.slice(3).str.replace_all("[^0]", "0")
    numbered_lines = text_rows.select(
        LINE, code=layout.columns[0].name, number=sequence_number, expected=expected_number
    )
    for numbered_line in numbered_lines.filter(pl.col("number") != pl.col("expected")).head(1).iter_rows(named=True):
        message = (
            f"its sequence number is {numbered_line['number']}, expected {numbered_line['expected']}: a line of "
            f"{numbered_line['code'].strip()} is "
        )
        raise BadInput([Fault(source_file.names, numbered_line[LINE], f"{message}missing, or there twice")])
