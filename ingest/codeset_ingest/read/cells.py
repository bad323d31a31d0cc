"""Read the forms in which CMS ships a table into text cells: delimited, fixed width, workbook.

Every reader returns a frame of text columns (those of millions of rows as categoricals) named as in the layout, plus
`source_line` (from 1) and, where the layout fills a column down, `block`. Notices and descriptors are dropped here.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl

from codeset.errors import BadInput, Fault, extra
from codeset.releases import Release
from codeset_ingest.read import workbooks
from codeset_ingest.read.diagnoses.tabular_list import tabular_cells
from codeset_ingest.read.layout import Column, Layout
from codeset_ingest.read.open_files import File
from codeset_ingest.read.table import LINE

with extra("ingest"):
    pass

BLOCK = "block"
END_OF_FILE = "\x1a"
"""Ctrl-Z: the last record of most CMS text files up to 2025."""

_HEAD_BYTES = 16_384
_HEAD_ROWS = 30
_TAIL_BYTES = 8_192
_LONGEST_LINE = 10_000
"""Characters that a line of a text file may have; CMS's longest, a notice, has under a thousand."""

_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\r\n"))
_AFTER_LAST_RECORD = b"\x1a, \r\n"
"""What may follow the last record: the end-of-file mark, in a csv with the commas of its row, and blank lines."""

_HEADER_LETTERS = 60
_ENCODING = "cp1252"

_LONE_RETURN = re.compile(rb"\r(?!\n)")
"""A bare CR as line end, which polars would read as text, or drop at the end of a cell."""


@dataclass(frozen=True)
class Grid:
    """A row of cells with its line."""

    line: int
    cells: Sequence[str]

    @property
    def is_blank(self) -> bool:
        """Whether all cells are blank."""
        return not "".join(self.cells).strip()

    @property
    def is_end(self) -> bool:
        """Whether it is only the end-of-file mark."""
        return self.cells[0] == END_OF_FILE and self.is_single

    @property
    def has_line_break(self) -> bool:
        """Whether a cell holds more than one line."""
        text = "".join(self.cells)
        return "\n" in text or "\r" in text

    @property
    def is_single(self) -> bool:
        """Whether only the first cell is filled, as in a footnote."""
        return bool(self.cells[0].strip()) and not "".join(self.cells[1:]).strip()


def sheets_of(file: File) -> list[str]:
    """Return the names of a workbook's sheets; one empty name for a text file; none for anything else."""
    if file.is_workbook:
        return workbooks.sheet_names(file)
    return [] if file.is_zip or file.data.startswith(b"%PDF") else [""]


def head_of(file: File, sheet: str) -> str:
    """Return the first lines as text; a workbook's cells are separated by tabs."""
    if sheet:
        return "\n".join("\t".join(row.cells) for row in _read_workbook(file, sheet, _HEAD_ROWS))
    return _normalize_line_ends(file.data[:_HEAD_BYTES]).decode(_ENCODING, errors="replace")


def head_rows(file: File, sheet: str) -> list[list[str]]:
    """Return the first rows as cells: of text, those of a csv or tab-separated file, whichever has more."""
    if sheet:
        return [list(row.cells) for row in _read_workbook(file, sheet, _HEAD_ROWS)]
    lines = io.StringIO(head_of(file, ""), newline="")
    rows = list(islice(csv.reader(lines), _HEAD_ROWS))
    return [row[0].split("\t") if len(row) == 1 else row for row in rows if row]


def read_cells(file: File, layout: Layout, form: str, sheet: str, release: Release) -> pl.DataFrame:
    """Return the records of *file* as text cells.

    Raises BadInput: for headers that are not the layout's, records of another length.
    ComputeError or SchemaError: if a record of a tab separated file is too long.
    """
    rules, columns = layout.forms[form], layout.columns_of(release)
    if rules["kind"] == "workbook":
        frame = _from_grid(file, rules, columns, layout, _read_workbook(file, sheet))
        return _join_continuations(file, frame, layout)
    if rules["kind"] == "xml":
        return tabular_cells(file)
    _refuse_long_lines(file)
    _refuse_control_characters(file)
    if rules["kind"] == "fixed":
        frame = _read_fixed(file, rules, [column for column in columns if column.fixed])
        return _join_continuations(file, frame, layout)
    if rules["delimiter"] == "\t":
        return _read_tabbed(file, rules, columns, layout)
    return _from_grid(file, rules, columns, layout, _read_delimited(file, rules["delimiter"]))


def _refuse_long_lines(file: File) -> None:
    """Refuse a line longer than any of CMS's before it is examined; each step looks at one stretch of the text."""
    start = 0
    while len(file.data) - start > _LONGEST_LINE:
        stop = start + _LONGEST_LINE + 1
        end = max(file.data.rfind(b"\n", start, stop), file.data.rfind(b"\r", start, stop))
        if end < 0:
            line = _normalize_line_ends(file.data[:start]).count(b"\n") + 1
            says = f"more than {_LONGEST_LINE:,} characters in one line; CMS's longest has some hundred"
            raise BadInput([Fault(file.names, line, says)])
        start = end + 1


def _refuse_control_characters(file: File) -> None:
    """Refuse characters that no CMS text has: two files put together have an end-of-file mark between their records."""
    records = file.data.rstrip(_AFTER_LAST_RECORD)
    if len(records.translate(None, _CONTROLS)) == len(records):
        return
    place = next(place for place, byte in enumerate(records) if byte in _CONTROLS)
    line = _normalize_line_ends(records[:place]).count(b"\n") + 1
    says = f"control character {records[place]:#04x} between the records"
    if records[place] == END_OF_FILE.encode()[0]:
        says = "an end-of-file mark with records after it: two files in one, or a damaged copy"
    raise BadInput([Fault(file.names, line, f"{says}; fetch it again")])


def _normalize_line_ends(data: bytes) -> bytes:
    """The bytes with LF line ends, and without the byte order mark that some editors add."""
    return data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _text(file: File) -> str:
    data = _normalize_line_ends(file.data)
    try:
        return data.decode(_ENCODING)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        says = f"byte {data[error.start]:#x} is no character of {_ENCODING}, which CMS writes"
        raise BadInput([Fault(file.names, line, says)]) from error


def truncation_signs(file: File, layout: Layout, form: str, sheet: str, release: Release) -> list[tuple[int, str]]:
    """Return the lines and reasons for which *file* may have been cut: no line end, no end mark or footnote.

    A last record without a line end is not one of them if it is as long as every other of its fixed-width file:
    OPPSCAP of July 2025 ends like that.
    """
    rules = layout.forms[form]
    if rules["kind"] == "xml":  # its last tag ends it: what was cut is no XML
        return []
    signs = []
    if not sheet and not file.data.endswith((b"\n", b"\r", b"\x1a")) and not _ends_in_a_full_record(file, rules):
        line = _normalize_line_ends(file.data).count(b"\n") + 1
        signs.append((line, "the last line has no line end: the file was cut; fetch it again"))
    if "end" in rules and _is_due(rules["end"], release) and not re.search(rules["end"]["pattern"], _tail(file, sheet)):
        says = "what ends a complete file is missing (an end-of-file mark or a footnote): the file may have been cut"
        signs.append((0, f"{says}; fetch it again"))
    return signs


def _ends_in_a_full_record(file: File, rules: Any) -> bool:
    if rules["kind"] != "fixed":
        return False
    lengths = [len(line) for line in _normalize_line_ends(file.data[-_TAIL_BYTES:]).split(b"\n")[1:]]
    return len(lengths) > 1 and len(set(lengths)) == 1


def _is_due(end: Any, release: Release) -> bool:
    first, last = end.get("since"), end.get("until")
    return (first is None or Release.parse(first) <= release.unrevised) and (
        last is None or release.unrevised <= Release.parse(last)
    )


def _tail(file: File, sheet: str) -> str:
    """The last lines as text, as `head_of` gives the first."""
    if sheet:
        return "\n".join("\t".join(row.cells) for row in deque(_read_workbook(file, sheet), _HEAD_ROWS))
    return _normalize_line_ends(file.data[-_TAIL_BYTES:]).decode(_ENCODING, errors="replace")


def closing_lines(file: File) -> str:
    """Return the end of a text file, where some layouts have a summary."""
    return _tail(file, "")


def _read_workbook(file: File, sheet: str, rows: int | None = None) -> Iterator[Grid]:
    for line, cells in enumerate(workbooks.rows(file, sheet, rows), start=1):
        yield Grid(line, cells)


def _read_delimited(file: File, delimiter: str) -> Iterator[Grid]:
    reader = csv.reader(io.StringIO(_text(file), newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            yield Grid(line, row or [""])
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadInput([Fault(file.names, line, f"not a csv record ({error})")]) from error


def _from_grid(file: File, rules: Any, columns: list[Column], layout: Layout, grid: Iterable[Grid]) -> pl.DataFrame:
    rows = iter(grid)
    places = _header(file, rules["header"], columns, layout, rows)
    records, faults = _records(file, rules, rows, len(places))
    if faults:
        raise BadInput(faults)
    data: dict[str, Sequence[Any]] = {LINE: [row.line for row, _ in records], BLOCK: [block for _, block in records]}
    by_column = zip(*(row.cells for row, _ in records), strict=True) if records else ([] for _ in places)
    data |= {column.name: texts for column, texts in zip(places, by_column, strict=True) if column.name}
    schema = {name: pl.Int32 if name in (LINE, BLOCK) else pl.String for name in data}
    return pl.DataFrame(data, schema=schema)


def _records(file: File, rules: Any, rows: Iterator[Grid], width: int) -> tuple[list[tuple[Grid, int]], list[Fault]]:
    """The records with the number of their block (blank rows separate blocks), and faults for other rows."""
    records: list[tuple[Grid, int]] = []
    faults: list[Fault] = []
    footnote: Grid | None = None
    block = 0
    for row in rows:
        # LOCCO names a state in the first of its rows, and parts the states by blank ones: no state is filled across.
        if row.is_blank or row.is_end:
            block += 1
        elif row.is_single and "footnotes" in rules and re.match(rules["footnotes"], row.cells[0]):
            footnote = footnote or row
        elif len(row.cells) != width:
            faults.append(Fault(file.names, row.line, f"{len(row.cells)} cells, expected {width} as in the header"))
        elif row.has_line_break and "line_breaks" not in rules:
            says = "a cell goes on over several lines: a quotation mark is open, or two records stand in one cell"
            faults.append(Fault(file.names, row.line, says))
        else:
            if footnote is not None:
                faults.append(Fault(file.names, footnote.line, "text between the records; footnotes stand after them"))
                footnote = None
            records.append((row, block))
    return records, faults


def _header(file: File, header: Any, columns: list[Column], layout: Layout, rows: Iterator[Grid]) -> list[Column]:
    """Read *rows* up to the end of the stacked header; return the layout's column for each cell."""
    above: list[Grid] = []
    for row in islice(rows, _HEAD_ROWS):
        above.append(row)
        if re.fullmatch(header["anchor"], _fold(row.cells[0])):
            break
    else:
        raise BadInput([Fault(file.names, 0, f'no header row that begins with "{header["anchor"]}"')])
    stack = [*above[-1 - header["above"] :], *islice(rows, header["below"])]
    width = len(above[-1].cells)
    texts = [_fold(" ".join(row.cells[place] for row in stack if place < len(row.cells))) for place in range(width)]
    return _match_columns(file, texts, columns, layout, above[-1].line)


def _match_columns(file: File, texts: list[str], columns: list[Column], layout: Layout, line: int) -> list[Column]:
    places = [[column for column in columns if column.header.fullmatch(text)] for text in texts]
    matched = [column for place in places for column in place]
    read = f"headers read: {_header_texts(texts)}"
    table = layout.rules["tables"][0]["table"]
    faults = [
        Fault(file.names, line, f'no column "{column.label}" ({table}.{column.name or "dropped"}); {read}')
        for column in columns
        if column not in matched and not column.rules.get("optional")
    ]
    faults += [
        Fault(
            file.names, line, f'column "{_header_texts([text])}" is not in the layout of {layout.publication}; {read}'
        )
        for text, place in zip(texts, places, strict=True)
        if not place
    ]
    faults += [
        Fault(file.names, line, f'column "{column.label}" is there {matched.count(column)} times; {read}')
        for column in columns
        if matched.count(column) > 1
    ]
    if faults:
        raise BadInput(faults)
    return [place[0] for place in places]


def _fold(text: str) -> str:
    return " ".join(text.split())


def _header_texts(texts: list[str]) -> str:
    """Headers for a message: of a long one only the last word, so that no notice above it slips into a log."""
    return "; ".join(text if len(text) <= _HEADER_LETTERS else "... " + text.split()[-1] for text in texts)


def _read_tabbed(file: File, rules: Any, columns: list[Column], layout: Layout) -> pl.DataFrame:
    """Read a tab-separated file, CMS's millions of rows, with polars, once the header is matched.

    A record that is too long fails; in a short one the missing cells are blank, which the last column of every such
    layout does not allow. Categoricals, since all cells together hold some ten thousand texts; polars reads their
    blank cells as null.
    """
    start = (Grid(n, line.split("\t")) for n, line in enumerate(head_of(file, "").split("\n"), start=1))
    names = [column.name for column in _header(file, rules["header"], columns, layout, start)]
    above = next(start).line - 1
    data = _normalize_line_ends(file.data) if _LONE_RETURN.search(file.data) else file.data
    return pl.read_csv(
        data if data.isascii() else _text(file).encode(),
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
    lines = _normalize_line_ends(file.data).removesuffix(b"\n").split(b"\n")
    anchor = next(n for n, line in enumerate(lines) if re.match(header["anchor"].encode(), line))
    records = enumerate(lines[anchor + header["below"] + 1 :], start=anchor + header["below"] + 2)
    counts = ((line, record.count(b"\t") + 1) for line, record in records)
    return [
        Fault(file.names, line, f"{count} cells, expected {width} as in the header")
        for line, count in counts
        if count != width
    ]


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
    texts = frame.group_by("record", maintain_order=True).agg(pl.col(text).str.join(" "))
    return first.with_columns(texts[text]).drop("record", "continues")


def _read_fixed(file: File, rules: Any, columns: list[Column]) -> pl.DataFrame:
    lines = _text(file).removesuffix("\n").split("\n")
    record = re.compile(rules.get("record", ""))
    filled = [n for n, line in enumerate(lines) if line.strip() and line.strip() != END_OF_FILE]
    notice = re.compile(rules["notices"]) if "notices" in rules else None
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
