"""From CMS's files to typed tables: parts are joined, forms compared, variants checked against one another."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from itertools import groupby, pairwise

import polars as pl

from codeset.errors import BadInput, Fault
from codeset.releases import Release
from codeset.tables import TABLES
from codeset_ingest.read.cells import ragged_records, read_cells, truncation_signs
from codeset_ingest.read.compare_forms import compare_forms, differences
from codeset_ingest.read.conversion_factors import with_dates
from codeset_ingest.read.parse_cells import parse_cells, zero_padding_notes
from codeset_ingest.read.recognize import CmsFile
from codeset_ingest.read.table import FILE, LINE, AcceptableFault, Reading

_FACTOR = "conversion_factor"

_FILES_AT_A_TIME = 2
"""Files read at the same time: Python reads a csv on one core while polars reads the edits on the others."""


def read(files: Iterable[CmsFile], release: Release) -> dict[str, Reading]:
    """Return each table that *files* make up, by name.

    Raises BadInput: with every fault of every file.
    """
    in_order = sorted(files, key=lambda file: (file.table or "", file.form, file.part or 0, file.names))
    with ThreadPoolExecutor(_FILES_AT_A_TIME) as pool:
        outcomes = list(pool.map(lambda file: _read_or_fail(file, release), in_order))
    if faults := [fault for outcome in outcomes if isinstance(outcome, BadInput) for fault in outcome.faults]:
        raise BadInput(faults)
    readings = [outcome for outcome in outcomes if isinstance(outcome, Reading)]
    outcomes.clear()
    by_table = {table: list(group) for table, group in groupby(readings, lambda reading: reading.table)}
    readings.clear()  # a table's files are freed once it is made: by_table.pop holds the last reference
    return {table: _in_order(_table(table, by_table.pop(table), release)) for table in list(by_table)}


def _read_or_fail(file: CmsFile, release: Release) -> Reading | BadInput:
    try:
        return _read_file(file, release)
    except BadInput as error:
        return error


def _in_order(reading: Reading) -> Reading:
    """The rows sorted by the table's key, with the columns that older files lack as null."""
    table = TABLES[reading.table]
    lacking = [
        pl.lit(None, dtype=dtype).alias(column)
        for column, dtype in table.columns.items()
        if column not in reading.frame.columns
    ]
    frame = reading.frame.with_columns(lacking).select(*table.columns, LINE, FILE)
    if not is_sorted(frame.select(table.key)):
        frame = frame.sort(*table.key, LINE, nulls_last=True)
    return replace(reading, frame=frame)


def is_sorted(keys: pl.DataFrame) -> bool:
    """Whether the rows strictly ascend, nulls last: most of CMS's files are in order, and sorting is expensive.

    A column is compared only where those before it are equal.
    """
    equal_so_far = pl.repeat(value=True, n=max(keys.height - 1, 0), eager=True)
    for column in keys.iter_columns():
        here, before = column.slice(1), column.head(-1)
        equal = here.eq_missing(before)
        here, before = here.filter(equal_so_far & ~equal), before.filter(equal_so_far & ~equal)
        if not (here > before).fill_null(here.is_null()).all():
            return False
        equal_so_far &= equal
    return not equal_so_far.any()


def _read_file(file: CmsFile, release: Release) -> Reading:
    """Read one file into its table's types."""
    table = file.table or ""
    lacking = file.layout.forms[file.form].get("lacks", [])
    columns = [column for column in file.layout.columns_of(release) if column.name and column.name not in lacking]
    name = file.content.names
    try:
        cells = read_cells(file.content, file.layout, file.form, file.sheet, release)
        frame = parse_cells(cells, columns, table, file.form, name)
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError) as error:
        raise BadInput(_ragged(file, release)) from error
    if isinstance(frame, list):
        raise BadInput(_ragged(file, release) or frame)
    notes = tuple(zero_padding_notes(cells, columns, file.form, name))
    repeated, frame = _drop_repeats(frame) if file.layout.rules.get("repeats") else ((), frame)
    return Reading(
        table=table,
        layout=file.layout,
        frame=frame.with_columns(pl.lit(name).cast(pl.Categorical()).alias(FILE)),
        edition=file.edition(release),
        sources=(file.content.source,),
        released=file.released,
        notes=(*notes, *(f"{name}: {note}" for note in repeated)),
        form=file.form,
        names=(file.names,),
        doubts=tuple(_doubts(file, release)),
    )


def _doubts(file: CmsFile, release: Release) -> Iterator[AcceptableFault]:
    for line, says in truncation_signs(file.content, file.layout, file.form, file.sheet, release):
        yield AcceptableFault(file.names, line, says, f"end:{file.table}")


def _ragged(file: CmsFile, release: Release) -> list[Fault]:
    """The tab-separated records that are too short or too long: every other fault follows from them."""
    rules = file.layout.forms[file.form]
    if rules.get("delimiter") != "\t":
        return []
    return ragged_records(file.content, rules["header"], len(file.layout.columns_of(release)))


def _drop_repeats(frame: pl.DataFrame) -> tuple[list[str], pl.DataFrame]:
    """Keep each record once, where CMS is known to repeat some word for word."""
    columns = [column for column in frame.columns if column != LINE]
    repeated = frame.filter(~frame.select(pl.struct(columns).is_first_distinct()).to_series())
    notes = [f"line {line} repeats an earlier record; kept once" for line in repeated[LINE]]
    return notes, frame.unique(columns, keep="first", maintain_order=True)


def _table(table: str, readings: list[Reading], release: Release) -> Reading:
    if _FACTOR in readings[0].frame.columns and table == "mpfs":
        return _merge_variants([_with_factor(reading) for reading in readings], release)
    return compare_forms(_join_parts(readings))


def _join_parts(readings: list[Reading]) -> list[Reading]:
    """One reading for each form: the parts of a set are joined in their order."""
    joined = []
    for _, group in groupby(readings, lambda reading: reading.form):
        parts = sorted(group, key=lambda part: part.frame.row(0)[1:3] if part.frame.height else ())
        joined.append(
            replace(
                parts[0],
                frame=pl.concat([part.frame for part in parts], rechunk=False),
                sources=tuple(source for part in parts for source in part.sources),
                notes=tuple(note for part in parts for note in part.notes),
                names=tuple(name for part in parts for name in part.names),
                doubts=tuple(doubt for part in parts for doubt in part.doubts),
            )
        )
    return joined


def _with_factor(reading: Reading) -> Reading:
    """Take the conversion factor out of the rows: CMS prints the one factor of a file in every row."""
    factors = reading.frame[_FACTOR].unique().sort().to_list()
    if len(factors) != 1:
        others = reading.frame.filter(pl.col(_FACTOR) != pl.col(_FACTOR).first())
        line = others[LINE][0] if others.height else 0
        values = ", ".join(map(str, factors)) or "none"
        raise BadInput([Fault(reading.names[0], line, f"expected one conversion factor in a file, found: {values}")])
    return replace(reading, frame=reading.frame.drop(_FACTOR), factor=factors[0])


def _merge_variants(readings: list[Reading], release: Release) -> Reading:
    """Merge files that differ only in the conversion factor: QP and non-QP; a change within a quarter."""
    by_factor = sorted(readings, key=lambda reading: (reading.factor or 0, reading.form))
    for one, other in pairwise(by_factor):
        if (one.factor, one.form) == (other.factor, other.form):
            says = f"a second edition of {one.table}; {one.names[0]} came too. Give one of them"
            raise BadInput([Fault(other.names[0], 0, says)])
    variants = [compare_forms(_join_parts(list(group))) for _, group in groupby(by_factor, lambda each: each.factor)]
    first, *others = variants
    notes, sources = list(first.notes), list(first.sources)
    for other in others:
        if differing := differences(first, other):
            raise BadInput(differing)
        notes += other.notes
        sources += other.sources
    factors = sorted(
        (with_dates(variant.factor or Decimal(0), release, variant) for variant in variants),
        key=lambda factor: (factor.first, str(factor.participant)),
    )
    return replace(first, notes=tuple(notes), sources=tuple(sources), factors=tuple(factors))
