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


def read_fixed(file: File, rules: Any, columns: list[Column]) -> pl.DataFrame:
    """Return the records of a fixed-width *file*, cut where *columns* say.

    Raises BadInput: for a line that is neither record nor notice, text where no column is, or no record at all.
    """
    lines = text_of(file).removesuffix("\n").split("\n")
    record = re.compile(rules.get("record", ""))
    filled = [n for n, line in enumerate(lines) if line.strip() and line.strip() != END_OF_FILE]
    notice = re.compile(rules["notices"]) if "notices" in rules else None
    # Without a pattern for records every line is one, but for notices: the header lines of PPRRVU's txt begin with HDR.
    is_record = {
        n: bool(record.match(lines[n])) and not ("record" not in rules and _matches(notice, lines[n])) for n in filled
    }
    records = [n for n in filled if is_record[n]]
    if not records and "may_be_empty" not in rules:
        raise BadInput([Fault(file.names, 0, "no record in it")])
    first, last = (records[0], records[-1]) if records else (len(lines), len(lines))
    faults = [
        Fault(file.names, n + 1, "neither a record nor a notice that the layout knows")
        for n in filled
        if not is_record[n] and not _is_notice(rules, notice, lines[n], before=n < first, after=n > last)
    ]
    numbers, texts = [n + 1 for n in records], [lines[n] for n in records]
    frame = pl.DataFrame({LINE: numbers, "text": texts}, schema={LINE: pl.Int32, "text": pl.String})
    frame = frame.with_columns(_blocks(lines, records))
    faults += _uncovered(file, frame, columns)
    if faults:
        raise BadInput(faults)
    return frame.select(
        LINE,
        BLOCK,
        *(_slice(column).alias(column.name) for column in columns if column.name),
    )


def _matches(pattern: re.Pattern[str] | None, line: str) -> bool:
    return pattern is not None and bool(pattern.match(line))


def _is_notice(rules: Any, notice: re.Pattern[str] | None, line: str, *, before: bool, after: bool) -> bool:
    if before:
        return _matches(notice, line)
    return after and "footnotes" in rules and bool(re.match(rules["footnotes"], line))


def _blocks(lines: list[str], records: list[int]) -> pl.Series:
    """The number of blank lines above each record: records of one block share it."""
    blanks, count = [], 0
    for line in lines:
        count += not line.strip()
        blanks.append(count)
    return pl.Series(BLOCK, [blanks[n] for n in records], dtype=pl.Int32)


def _slice(column: Column) -> pl.Expr:
    first, last = column.fixed or (0, 0)
    return pl.col("text").str.slice(first - 1, last - first + 1)


def _uncovered(file: File, frame: pl.DataFrame, columns: list[Column]) -> list[Fault]:
    """Positions that no column covers must be blank: text there would be data that is not understood."""
    width = int(frame["text"].str.len_chars().max() or 0)  # type: ignore[arg-type]
    spans = [column.fixed for column in columns if column.fixed]
    covered = {place for first, last in spans for place in range(first, last + 1)}
    gaps = [place for place in range(1, width + 1) if place not in covered]
    text = pl.concat_str([pl.col("text").str.slice(place - 1, 1) for place in gaps] or [pl.lit("")])
    lines = frame.filter(text.str.strip_chars() != "")[LINE]
    return [Fault(file.names, line, "text at positions that the layout leaves blank") for line in lines.head(1)]
