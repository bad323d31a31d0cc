"""Fixed-width files: records by position, between notices and footnotes."""

import re
from typing import Any

import polars as pl

from codeset.errors import BadInput, Fault
from codeset_ingest.read.forms.grid import BLOCK
from codeset_ingest.read.forms.text_files import END_OF_FILE, text_of
from codeset_ingest.read.layout import Column
from codeset_ingest.read.open_files import File
from codeset_ingest.read.table import LINE


def read_fixed(source_file: File, form_rules: Any, columns: list[Column]) -> pl.DataFrame:
    """Return the records of a fixed-width *source_file*, cut where *columns* say.

    Raises BadInput: for a line that is neither record nor notice, text where no column is, or no record at all.
    """
    lines = text_of(source_file).removesuffix("\n").split("\n")
    record_pattern = re.compile(form_rules.get("record", ""))
    filled_lines = [line_index for line_index, line in enumerate(lines) if line.strip() and line.strip() != END_OF_FILE]
    notice_pattern = re.compile(form_rules["notices"]) if "notices" in form_rules else None
    # Without a pattern for records every line is one, but for notices: the header lines of PPRRVU's txt begin with HDR.
    is_record = {
        line_index: bool(record_pattern.match(lines[line_index]))
        and not ("record" not in form_rules and _matches_pattern(notice_pattern, lines[line_index]))
        for line_index in filled_lines
    }
    record_indices = [line_index for line_index in filled_lines if is_record[line_index]]
    if not record_indices and "may_be_empty" not in form_rules:
        raise BadInput([Fault(source_file.names, 0, "no record in it")])
    # Without a record every line is above the first one, and must be a notice.
    first_record, last_record = (record_indices[0], record_indices[-1]) if record_indices else (len(lines), len(lines))
    faults = [
        Fault(source_file.names, line_index + 1, "neither a record nor a notice that the layout knows")
        for line_index in filled_lines
        if not is_record[line_index]
        and not _is_notice(
            form_rules,
            notice_pattern,
            lines[line_index],
            before=line_index < first_record,
            after=line_index > last_record,
        )
    ]
    line_numbers = [line_index + 1 for line_index in record_indices]
    record_texts = [lines[line_index] for line_index in record_indices]
    record_rows = pl.DataFrame({LINE: line_numbers, "text": record_texts}, schema={LINE: pl.Int32, "text": pl.String})
    record_rows = record_rows.with_columns(_block_numbers(lines, record_indices))
    faults += _uncovered_text_faults(source_file, record_rows, columns)
    if faults:
        raise BadInput(faults)
    return record_rows.select(
        LINE,
        BLOCK,
        *(_column_slice(column).alias(column.name) for column in columns if column.name),
    )


def _matches_pattern(pattern: re.Pattern[str] | None, line_text: str) -> bool:
    return pattern is not None and bool(pattern.match(line_text))


def _is_notice(
    form_rules: Any, notice_pattern: re.Pattern[str] | None, line_text: str, *, before: bool, after: bool
) -> bool:
    if before:
        return _matches_pattern(notice_pattern, line_text)
    return after and "footnotes" in form_rules and bool(re.match(form_rules["footnotes"], line_text))


def _block_numbers(lines: list[str], record_indices: list[int]) -> pl.Series:
    """The number of blank lines above each record: records of one block share it."""
    blanks_above, blank_count = [], 0
    for line_text in lines:
        blank_count += not line_text.strip()
        blanks_above.append(blank_count)
    return pl.Series(BLOCK, [blanks_above[line_index] for line_index in record_indices], dtype=pl.Int32)


def _column_slice(column: Column) -> pl.Expr:
    first_position, last_position = column.fixed or (0, 0)
    return pl.col("text").str.slice(first_position - 1, last_position - first_position + 1)


def _uncovered_text_faults(source_file: File, record_rows: pl.DataFrame, columns: list[Column]) -> list[Fault]:
    """Positions that no column covers must be blank: text there would be data that is not understood."""
    longest_record = int(record_rows["text"].str.len_chars().max() or 0)  # type: ignore[arg-type]
    column_spans = [column.fixed for column in columns if column.fixed]
    covered_positions = {
        position
        for first_position, last_position in column_spans
        for position in range(first_position, last_position + 1)
    }
    uncovered_positions = [position for position in range(1, longest_record + 1) if position not in covered_positions]
    uncovered_text = pl.concat_str(
        [pl.col("text").str.slice(position - 1, 1) for position in uncovered_positions] or [pl.lit("")]
    )
    faulty_lines = record_rows.filter(uncovered_text.str.strip_chars() != "")[LINE]
    return [
        Fault(source_file.names, line_number, "text at positions that the layout leaves blank")
        for line_number in faulty_lines.head(1)
    ]
