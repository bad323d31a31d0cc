"""Tables written back as the files that CMS posts: what `ingest` reads, for checkouts and sites without CMS's own.

Names, captions, stacked headers, marks, blank lines, footnotes, end-of-file marks and lost zeros are as in CMS's files.
Descriptors and notices are not: a sentence of our own stands in their place.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import polars as pl

from cms_files import hcpcs_level2, rendered_forms
from codeset import workbook
from codeset.manifest import ConversionFactor
from codeset.participants import Participant
from codeset.releases import Release
from codeset.tables import READ_FROM_OTHERS, TABLES
from codeset_ingest.read.forms.text_files import END_OF_FILE
from codeset_ingest.read.layout import Column, Layout, layouts

_ENCODING = "cp1252"
_CRLF = "\r\n"
_ZIPPED = (1980, 1, 1, 0, 0, 0)
_PACKAGE = ("mpfs", "gpci", "anesthesia", "locality_county", "oppscap")
"""The tables of the fee schedule's package."""

_NCCI_EPOCH = 1994
_NCCI = {"ptp": "ccipra", "ptp_outpatient": "ccioph"}


def layout_for(table: str) -> Layout:
    """Return the layout whose files make up *table*."""
    return next(layout for layout in layouts() if table in (rule["table"] for rule in layout.rules["tables"]))


def render_file(
    table: str,
    frame: pl.DataFrame,
    release: Release,
    form: str,
    conversion_factor: Decimal | None = None,
    line_end: str = _CRLF,
    released: date | None = None,
    lost_zeros: bool = True,
) -> bytes:
    """Return *frame*, typed as in `codeset.tables`, as one file of *form* (csv, txt, xlsx) in CMS's layout.

    *conversion_factor* is for mpfs, which CMS prints it into; *released* (first day of the quarter, unless given) for
    its title. *lost_zeros*: MAC and locality lose leading zeros in the forms in which CMS's do.

    Raises ValueError: for mpfs without a conversion factor, a form that CMS does not ship, a text too long for it.
    """
    layout = layout_for(table)
    if form not in layout.forms:
        raise ValueError(f"CMS ships {table} as {', '.join(layout.forms)}, not as {form}")
    if table == "mpfs" and conversion_factor is None:
        raise ValueError("the fee schedule's files state their conversion factor; none is given")
    columns = rendered_forms.columns_of(layout, release)
    ordered_rows = _by_state(frame) if table == "locality_county" else frame.sort(TABLES[table].key)
    texts = rendered_forms.cells(table, ordered_rows, columns, form, conversion_factor, release)
    if lost_zeros and rendered_forms.loses_zeros(layout, release, form):
        texts = rendered_forms.without_zeros(texts, columns)
    if layout.forms[form]["kind"] == "fixed":
        return _fixed_width_text(texts, layout, columns, release, line_end)
    heads = rendered_forms.above(layout, release, released or release.first_day)
    heads += rendered_forms.captions(layout, form, table, release, columns)
    if layout.forms[form].get("delimiter") == "\t":
        return _tab_separated_text(heads, texts, line_end)
    rows = [*heads, *_spaced_rows(texts.iter_rows(), layout, columns)]
    if layout.forms[form]["kind"] == "workbook":
        return _workbook(rows, len(heads), layout, columns, release, sheet_name(table, release))
    rows += [[text] for text in rendered_forms.below(layout, release)]
    return _csv(rows, len(columns), line_end)


def _by_state(frame: pl.DataFrame) -> pl.DataFrame:
    """Localities in the blocks of their states; rows without one come first, for a blank takes the state above it."""
    return frame.sort("state", *TABLES["locality_county"].key)


def _spaced_rows(rows: Iterable[Sequence[str]], layout: Layout, columns: list[Column]) -> Iterator[Sequence[str]]:
    """The records; a blank row above each block where CMS parts them so."""
    place = next((place for place, column in enumerate(columns) if column.rules.get("fill_down")), None)
    for row in rows:
        if place is not None and row[place]:
            yield [""]
        yield row


def _fixed_width_text(
    texts: pl.DataFrame, layout: Layout, columns: list[Column], release: Release, line_end: str
) -> bytes:
    records = rendered_forms.fixed(texts, layout, columns)
    spaced_records = [row[-1] for row in _spaced_rows(zip(*texts, records, strict=True), layout, columns)]
    lines = [*rendered_forms.lines_above(layout, release), *spaced_records]
    tail = rendered_forms.below(layout, release)
    text = line_end.join([*lines, *tail]) + ("" if tail and tail[-1] == END_OF_FILE else line_end)
    return text.encode(_ENCODING)


def _tab_separated_text(heads: list[list[str]], texts: pl.DataFrame, line_end: str) -> bytes:
    """CMS's millions of rows: polars joins them."""
    lines = ["\t".join(row) + "\t" * (texts.width - len(row)) for row in heads]
    records = texts.select(pl.concat_str(pl.all(), separator="\t").alias("line"))["line"].to_list()
    return (line_end.join([*lines, *records]) + line_end).encode(_ENCODING)


def _csv(rows: list[Sequence[str]], width: int, line_end: str) -> bytes:
    """Line breaks within a cell stay as they are, and quoted, whatever ends the lines."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator=_CRLF).writerows([*row, *[""] * (width - len(row))] for row in rows)
    return stream.getvalue().replace(_CRLF, line_end).encode(_ENCODING)


def _workbook(
    rows: list[Sequence[str]], heads: int, layout: Layout, columns: list[Column], release: Release, name: str
) -> bytes:
    cells: list[Sequence[workbook.Cell]] = [[text or None for text in row] for row in rows[:heads]]
    cells += [rendered_forms.numbered(row, layout, columns, release) if len(row) > 1 else [] for row in rows[heads:]]
    cells += [[text] for text in rendered_forms.below(layout, release)]
    stream = io.BytesIO()
    workbook.write(stream, {name: workbook.Sheet(cells)})
    return stream.getvalue()


def file_name(
    table: str, release: Release, form: str, part: int | None = None, participant: Participant | None = None
) -> str:
    """Return the name that CMS gives the file; *part* from 1 is for PTP, *participant* for mpfs from 2026."""
    extension = form.upper() if part in (1, 2) and form == "txt" else form
    return f"{_stem(table, release, part, participant)}.{extension}"


def _stem(table: str, release: Release, part: int | None, participant: Participant | None) -> str:
    year, first = release.year, release.first_day
    month = f"{first:%b}".upper() if year <= 2024 else f"{first:%b}"
    variant = {None: "", Participant.QP: "_QPP", Participant.NON_QP: "_nonQPP"}[participant]
    supplier = rendered_forms.SUPPLIERS.get(table, "").replace(" ", "")
    part_suffix = "" if part is None else f"-f{part}"
    names = {
        "pprrvu": f"PPRRVU{year % 100 if year <= 2024 else year}_{month}{variant}",
        "oppscap": f"OPPSCAP_{month}",
        "gpci": f"GPCI{year}",
        "anes": f"ANES{year}",
        "locco": f"{year % 100}LOCCO",
        "mue": f"MCR_MUE_{supplier}Services_Eff_{first:%m-%d-%Y}",
        "aoc": f"AOC_V{year}Q{release.quarter}-MCR",
        "ptp": f"{_NCCI.get(table)}-{ncci_version(release)}{part_suffix}",
        "zip_locality": f"ZIP5_{f'{first:%b}'.upper()}{year}",
    }
    return names[layout_for(table).publication]


def ncci_version(release: Release) -> str:
    """Return NCCI's own number of the quarter: v322r0 is that of 2026q3."""
    return f"v{release.year - _NCCI_EPOCH}{release.quarter - 1}r0"


def sheet_name(table: str, release: Release) -> str:
    """Return the name of a workbook's one sheet."""
    if table in rendered_forms.SUPPLIERS:
        return f"{rendered_forms.SUPPLIERS[table].split()[0]}SvcEff-{release.first_day:%m-%d-%Y}"
    return _stem(table, release, None, None)


def deliver(
    tables: Mapping[str, pl.DataFrame],
    release: Release,
    conversion_factors: Iterable[ConversionFactor],
    folder: Path,
    parts: int = 4,
) -> list[Path]:
    """Write what CMS posts for *release* into *folder*, in CMS's packages; return their paths.

    The fee schedule's package (a second one, with an r, when the factor changed within the quarter), PTP in zips of
    *parts*, MUE as csv and xlsx, add-on edits as txt and xlsx. The same tables give the same bytes.

    Raises ValueError: for mpfs without a conversion factor.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, bytes] = {}
    for table in sorted(set(tables) & set(_NCCI)):
        files |= _parts(table, tables[table].sort(TABLES[table].key), release, parts)
    if "hcpcs_level2" in tables:
        for form in ("txt", "xlsx"):
            data = hcpcs_level2.render_file(tables["hcpcs_level2"], tables["modifier"], form)
            files[hcpcs_level2.file_name(release, form)] = data
    for table in sorted(set(tables) - set(_NCCI) - set(_PACKAGE) - READ_FROM_OTHERS - {"hcpcs_level2", "modifier"}):
        for form in layout_for(table).forms:
            files[file_name(table, release, form)] = render_file(table, tables[table], release, form)
    for letter, factors in zip(("", "r"), _by_first_day(tables, conversion_factors), strict=False):
        if members := _package(tables, release, factors):
            files[_package_name(release, letter)] = zip_of(members)
    return [_write(folder / name, data) for name, data in files.items()]


def _by_first_day(
    tables: Mapping[str, pl.DataFrame], conversion_factors: Iterable[ConversionFactor]
) -> list[list[ConversionFactor]]:
    """The factors of each package: QP and non-QP come together, one that holds from a later day comes in another."""
    factors = sorted(conversion_factors, key=lambda factor: (factor.first, factor.participant or ""))
    if "mpfs" in tables and not factors:
        raise ValueError("the fee schedule's files state their conversion factor; none is given")
    return [list(group) for _, group in groupby(factors, key=lambda factor: factor.first)] or [[]]


def _package_name(release: Release, letter: str) -> str:
    return f"rvu{release.year % 100}{'abcd'[release.quarter - 1]}{letter}.zip"


def _package(
    tables: Mapping[str, pl.DataFrame], release: Release, factors: Sequence[ConversionFactor]
) -> dict[str, bytes]:
    members = {
        file_name(table, release, form): render_file(table, tables[table], release, form)
        for table in _PACKAGE
        if table in tables and table != "mpfs"
        for form in layout_for(table).forms
    }
    for factor in factors if "mpfs" in tables else ():
        for form in layout_for("mpfs").forms:
            name = file_name("mpfs", release, form, participant=factor.participant)
            members[name] = render_file("mpfs", tables["mpfs"], release, form, factor.value)
    return members


def _parts(table: str, frame: pl.DataFrame, release: Release, parts: int) -> dict[str, bytes]:
    """PTP as CMS cuts it: by rows, in the order of column one, each part with its own header."""
    size = -(-frame.height // parts)
    packages = {}
    for part in range(1, parts + 1):
        rows = frame.slice((part - 1) * size, size)
        member = file_name(table, release, "txt", part)
        packages[f"{Path(member).stem}.zip"] = zip_of({member: render_file(table, rows, release, "txt")})
    return packages


def zip_of(members: Mapping[str, bytes]) -> bytes:
    """Return a zip of *members*, with no clock in it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, _ZIPPED)
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 0
            archive.writestr(info, data)
    return stream.getvalue()


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
