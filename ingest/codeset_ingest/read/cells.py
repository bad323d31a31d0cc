"""The forms in which CMS ships a table, each read into text cells: delimited, fixed width, workbook.

Every reader returns a frame of text columns (those of millions of rows as categoricals) named as in the layout, plus
`source_line` (from 1) and, where the layout fills a column down, `block`. Notices and descriptors are dropped here and
go no further.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl

from codeset.errors import BadInput, Fault
from codeset.extras import extra
from codeset.releases import Release
from codeset_ingest.read.layout import Column, Layout
from codeset_ingest.read.open_files import File
from codeset_ingest.read.table import LINE

with extra("ingest"):
    import fastexcel

BLOCK = "block"
END_OF_FILE = "\x1a"
"""Ctrl-Z: the last record of most CMS text files up to 2025."""

_HEAD_BYTES = 16_384
_HEAD_ROWS = 30
_HEADER_LETTERS = 60
_ENCODING = "cp1252"

_LONE_RETURN = re.compile(rb"\r(?!\n)")
"""A line end of its own, which polars would take for text, or drop at the end of a cell."""


@dataclass(frozen=True)
class Grid:
    """A row of cells with its line."""

    line: int
    cells: Sequence[str]

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in it."""
        return not "".join(self.cells).strip()

    @property
    def is_end(self) -> bool:
        """Whether it is the lone end-of-file mark."""
        return self.cells[0] == END_OF_FILE and self.is_single

    @property
    def is_single(self) -> bool:
        """Whether only its first cell says anything, as a footnote's."""
        return bool(self.cells[0].strip()) and not "".join(self.cells[1:]).strip()


def sheets_of(file: File) -> list[str]:
    """Return the names of a workbook's sheets; one empty name for a text file; none for anything else."""
    if file.is_workbook:
        try:
            return list(fastexcel.read_excel(file.data).sheet_names)
        except fastexcel.FastExcelError as error:
            raise BadInput([Fault(file.names, 0, f"not a workbook that can be read ({error})")]) from error
    return [] if file.is_zip or file.data.startswith(b"%PDF") else [""]


def head_of(file: File, sheet: str) -> str:
    """Return the first lines as text; a workbook's cells are separated by tabs."""
    if sheet:
        return "\n".join("\t".join(cell or "" for cell in row.cells) for row in _workbook(file, sheet, _HEAD_ROWS))
    return _lines_normalised(file.data[:_HEAD_BYTES]).decode(_ENCODING, errors="replace")


def cells(file: File, layout: Layout, form: str, sheet: str, release: Release) -> pl.DataFrame:
    """Return the records of *file* as text cells.

    Raises BadInput: for headers that are not the layout's, records of another length, a file that was cut.
    ComputeError or SchemaError: if a record of a tab separated file is too long.
    """
    rules, columns = layout.forms[form], layout.columns_of(release)
    if rules["kind"] == "fixed":
        return _fixed(file, rules, [column for column in columns if column.fixed])
    if rules["kind"] == "workbook":
        return _from_grid(file, rules, columns, layout, _workbook(file, sheet))
    _refuse_cut(file)
    if rules["delimiter"] == "\t":
        return _tabbed(file, rules, columns, layout)
    return _from_grid(file, rules, columns, layout, _delimited(file, rules["delimiter"]))


def _lines_normalised(data: bytes) -> bytes:
    """The bytes with plain line ends, and without the mark that some editors put in front."""
    return data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _text(file: File) -> str:
    data = _lines_normalised(file.data)
    try:
        return data.decode(_ENCODING)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte {data[error.start]:#x} is no character of {_ENCODING}, which CMS writes"
        raise BadInput([Fault(file.names, line, found)]) from error


def _refuse_cut(file: File) -> None:
    if not file.data.endswith((b"\n", b"\r", b"\x1a")):
        line = _lines_normalised(file.data).count(b"\n") + 1
        raise BadInput([Fault(file.names, line, "the last line has no line end: the file was cut; fetch it again")])


def _workbook(file: File, sheet: str, rows: int | None = None) -> Iterator[Grid]:
    frame = fastexcel.read_excel(file.data).load_sheet(sheet, header_row=None, n_rows=rows, dtypes="string").to_polars()
    for line, row in enumerate(frame.iter_rows(), start=1):
        yield Grid(line, [cell or "" for cell in row])


def _delimited(file: File, delimiter: str) -> Iterator[Grid]:
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
    """The records with the number of their block (blocks are parted by blank rows), and what is neither."""
    records: list[tuple[Grid, int]] = []
    faults: list[Fault] = []
    footnote: Grid | None = None
    block = 0
    for row in rows:
        if row.is_blank or row.is_end:
            block += 1
        elif row.is_single and "footnotes" in rules and re.match(rules["footnotes"], row.cells[0]):
            footnote = footnote or row
        elif len(row.cells) != width:
            faults.append(Fault(file.names, row.line, f"{len(row.cells)} cells, expected {width} as in the header"))
        else:
            if footnote is not None:
                faults.append(Fault(file.names, footnote.line, "text between the records; footnotes stand after them"))
                footnote = None
            records.append((row, block))
    return records, faults


def _header(file: File, header: Any, columns: list[Column], layout: Layout, rows: Iterator[Grid]) -> list[Column]:
    """Read *rows* up to the end of the stacked header; return the layout's column for each cell."""
    seen: list[Grid] = []
    for row in islice(rows, _HEAD_ROWS):
        seen.append(row)
        if _folded(row.cells[0]) == header["anchor"]:
            break
    else:
        raise BadInput([Fault(file.names, 0, f'no header row that begins with "{header["anchor"]}"')])
    stack = [*seen[-1 - header["above"] :], *islice(rows, header["below"])]
    width = len(seen[-1].cells)
    texts = [_folded(" ".join(row.cells[place] for row in stack if place < len(row.cells))) for place in range(width)]
    return _matched(file, texts, columns, layout, seen[-1].line)


def _matched(file: File, texts: list[str], columns: list[Column], layout: Layout, line: int) -> list[Column]:
    places = [[column for column in columns if column.header.fullmatch(text)] for text in texts]
    found = [column for place in places for column in place]
    read = f"headers read: {_quoted(texts)}"
    table = layout.rules["tables"][0]["table"]
    faults = [
        Fault(file.names, line, f'no column "{column.rules["header"]}" ({table}.{column.name or "dropped"}); {read}')
        for column in columns
        if column not in found and not column.rules.get("optional")
    ]
    faults += [
        Fault(file.names, line, f'column "{_quoted([text])}" is not in the layout of {layout.publication}; {read}')
        for text, place in zip(texts, places, strict=True)
        if not place
    ]
    faults += [
        Fault(file.names, line, f'column "{column.rules["header"]}" stands {found.count(column)} times; {read}')
        for column in columns
        if found.count(column) > 1
    ]
    if faults:
        raise BadInput(faults)
    return [place[0] for place in places]


def _folded(text: str) -> str:
    return " ".join(text.split())


def _quoted(texts: list[str]) -> str:
    """Headers as a message shows them: of a long one the last word, so that no notice above it slips into a log."""
    return "; ".join(text if len(text) <= _HEADER_LETTERS else "... " + text.split()[-1] for text in texts)


def _tabbed(file: File, rules: Any, columns: list[Column], layout: Layout) -> pl.DataFrame:
    """Tab separated files are CMS's millions of rows: polars reads them, once the header is matched.

    A record that is too long fails; in one too short the missing cells are blank, which the last column of every such
    layout does not allow. Categoricals, since some ten thousand texts stand in all the cells; polars reads their blank
    cells as null.
    """
    start = (Grid(n, line.split("\t")) for n, line in enumerate(head_of(file, "").split("\n"), start=1))
    names = [column.name for column in _header(file, rules["header"], columns, layout, start)]
    above = next(start).line - 1
    data = _lines_normalised(file.data) if _LONE_RETURN.search(file.data) else file.data
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


def ragged(file: File, header: Any, width: int) -> list[Fault]:
    """Return a fault for each record of a tab separated file that has not *width* cells."""
    lines = _lines_normalised(file.data).removesuffix(b"\n").split(b"\n")
    anchor = next(n for n, line in enumerate(lines) if line.startswith(header["anchor"].encode()))
    records = enumerate(lines[anchor + header["below"] + 1 :], start=anchor + header["below"] + 2)
    counts = ((line, record.count(b"\t") + 1) for line, record in records)
    return [
        Fault(file.names, line, f"{found} cells, expected {width} as in the header")
        for line, found in counts
        if found != width
    ]


def _fixed(file: File, rules: Any, columns: list[Column]) -> pl.DataFrame:
    _refuse_cut(file)
    lines = _text(file).removesuffix("\n").split("\n")
    record = re.compile(rules.get("record", ""))
    kept = [n for n, line in enumerate(lines) if line.strip() and line.strip() != END_OF_FILE]
    notice = re.compile(rules["notices"]) if "notices" in rules else None
    is_record = {
        n: bool(record.match(lines[n])) and not ("record" not in rules and _is(notice, lines[n])) for n in kept
    }
    records = [n for n in kept if is_record[n]]
    if not records:
        raise BadInput([Fault(file.names, 0, "no record in it")])
    faults = [
        Fault(file.names, n + 1, "neither a record nor a notice that the layout knows")
        for n in kept
        if not is_record[n] and not _is_notice(rules, notice, lines[n], before=n < records[0], after=n > records[-1])
    ]
    frame = pl.DataFrame({LINE: [n + 1 for n in records], "text": [lines[n] for n in records]})
    frame = frame.with_columns(pl.col(LINE).cast(pl.Int32), _blocks(lines, records))
    faults += _uncovered(file, frame, columns)
    if faults:
        raise BadInput(faults)
    return frame.select(
        LINE,
        BLOCK,
        *(_slice(column).alias(column.name) for column in columns if column.name),
    )


def _is(pattern: re.Pattern[str] | None, line: str) -> bool:
    return pattern is not None and bool(pattern.match(line))


def _is_notice(rules: Any, notice: re.Pattern[str] | None, line: str, *, before: bool, after: bool) -> bool:
    if before:
        return _is(notice, line)
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
    """Positions that no column covers must be blank: something there would be something not understood."""
    width = int(frame["text"].str.len_chars().max() or 0)  # type: ignore[arg-type]
    spans = [column.fixed for column in columns if column.fixed]
    covered = {place for first, last in spans for place in range(first, last + 1)}
    gaps = [place for place in range(1, width + 1) if place not in covered]
    text = pl.concat_str([pl.col("text").str.slice(place - 1, 1) for place in gaps] or [pl.lit("")])
    wrong = frame.filter(text.str.strip_chars() != "")
    return [
        Fault(file.names, row[LINE], "text at positions that the layout leaves blank") for row in wrong.to_dicts()[:1]
    ]
