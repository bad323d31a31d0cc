"""From recognised files to typed tables: parts are joined, forms compared, variants held against one another."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from itertools import groupby, pairwise

import polars as pl

from codeset.errors import BadInput, Fault
from codeset.releases import Release
from codeset.tables import TABLES
from codeset_ingest.read.cells import cells as read_cells
from codeset_ingest.read.cells import ragged
from codeset_ingest.read.compare_forms import agreed, differences
from codeset_ingest.read.conversion_factors import dated
from codeset_ingest.read.parse_cells import restored, typed
from codeset_ingest.read.recognize import Recognised
from codeset_ingest.read.table import FILE, LINE, Reading

_FACTOR = "conversion_factor"

_AT_A_TIME = 2
"""Files read side by side: csv is read by Python on one core, meanwhile polars reads the edits on the others."""


def read(recognised: Iterable[Recognised], release: Release) -> dict[str, Reading]:
    """Return each table that *recognised* files make up, by name.

    Raises BadInput: with every fault of every file.
    """
    files = sorted(recognised, key=lambda each: (each.table or "", each.form, each.part or 0, each.names))
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        tried = list(pool.map(lambda each: _tried(each, release), files))
    if faults := [fault for each in tried if isinstance(each, BadInput) for fault in each.faults]:
        raise BadInput(faults)
    readings = [each for each in tried if isinstance(each, Reading)]
    tried.clear()
    by_table = {table: list(group) for table, group in groupby(readings, lambda each: each.table)}
    readings.clear()
    return {table: _in_order(_table(table, by_table.pop(table), release)) for table in list(by_table)}


def _tried(each: Recognised, release: Release) -> Reading | BadInput:
    try:
        return _one(each, release)
    except BadInput as error:
        return error


def _in_order(reading: Reading) -> Reading:
    """The rows by the table's key, with the columns that older files lack as null."""
    table = TABLES[reading.table]
    lacking = [
        pl.lit(None, dtype=kind).alias(column)
        for column, kind in table.columns.items()
        if column not in reading.frame.columns
    ]
    frame = reading.frame.with_columns(lacking).select(*table.columns, LINE, FILE)
    if not _ascends(frame.select(table.key)):
        frame = frame.sort(*table.key, LINE, nulls_last=True)
    return replace(reading, frame=frame)


def _ascends(keys: pl.DataFrame) -> bool:
    """Whether each row comes after the one before, nulls last: most of CMS's files are in order, and sorting is dear.

    A column counts where those before it are alike.
    """
    alike = pl.repeat(value=True, n=max(keys.height - 1, 0), eager=True)
    for column in keys.iter_columns():
        here, before = column.slice(1), column.head(-1)
        same = here.eq_missing(before)
        here, before = here.filter(alike & ~same), before.filter(alike & ~same)
        if not (here > before).fill_null(here.is_null()).all():
            return False
        alike &= same
    return not alike.any()


def _one(each: Recognised, release: Release) -> Reading:
    """Read one file into its table's types."""
    table = each.table or ""
    lacking = each.layout.forms[each.form].get("lacks", [])
    columns = [column for column in each.layout.columns_of(release) if column.name and column.name not in lacking]
    try:
        cells = read_cells(each.file, each.layout, each.form, each.sheet, release)
        frame = typed(cells, columns, table, each.form, each.file.names)
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError) as error:
        raise BadInput(_ragged(each, release)) from error
    if isinstance(frame, list):
        raise BadInput(_ragged(each, release) or frame)
    notes = tuple(restored(cells, columns, each.form, each.file.names))
    repeated, frame = _once(frame) if each.layout.rules.get("repeats") else ((), frame)
    return Reading(
        table=table,
        layout=each.layout,
        frame=frame.with_columns(pl.lit(each.file.names).cast(pl.Categorical()).alias(FILE)),
        edition=each.edition(release),
        sources=(each.file.source,),
        released=each.released,
        notes=(*notes, *(f"{each.file.names}: {note}" for note in repeated)),
        form=each.form,
        names=(each.names,),
    )


def _ragged(each: Recognised, release: Release) -> list[Fault]:
    """The records of a tab separated file that are too short or too long: what else is wrong follows from them."""
    rules = each.layout.forms[each.form]
    if rules.get("delimiter") != "\t":
        return []
    return ragged(each.file, rules["header"], len(each.layout.columns_of(release)))


def _once(frame: pl.DataFrame) -> tuple[list[str], pl.DataFrame]:
    """Keep each record once, where CMS is known to repeat some word for word."""
    columns = [column for column in frame.columns if column != LINE]
    repeated = frame.filter(~frame.select(pl.struct(columns).is_first_distinct()).to_series())
    notes = [f"line {line} repeats an earlier record; kept once" for line in repeated[LINE]]
    return notes, frame.unique(columns, keep="first", maintain_order=True)


def _table(table: str, readings: list[Reading], release: Release) -> Reading:
    if _FACTOR in readings[0].frame.columns and table == "mpfs":
        return _variants([_with_factor(each) for each in readings], release)
    return agreed(_joined(readings))


def _joined(readings: list[Reading]) -> list[Reading]:
    """One reading for each form: the parts of a set are put together in their order."""
    joined = []
    for _, group in groupby(readings, lambda each: each.form):
        parts = sorted(group, key=lambda each: each.frame.row(0)[1:3] if each.frame.height else ())
        joined.append(
            replace(
                parts[0],
                frame=pl.concat([each.frame for each in parts], rechunk=False),
                sources=tuple(source for each in parts for source in each.sources),
                notes=tuple(note for each in parts for note in each.notes),
                names=tuple(name for each in parts for name in each.names),
            )
        )
    return joined


def _with_factor(reading: Reading) -> Reading:
    """Take the conversion factor out of the rows: CMS prints the one factor of a file in each of them."""
    factors = reading.frame[_FACTOR].unique().sort().to_list()
    if len(factors) != 1:
        found = reading.frame.filter(pl.col(_FACTOR) != pl.col(_FACTOR).first())
        line = found[LINE][0] if found.height else 0
        said = ", ".join(map(str, factors)) or "none"
        raise BadInput([Fault(reading.names[0], line, f"expected one conversion factor in a file, found: {said}")])
    return replace(reading, frame=reading.frame.drop(_FACTOR), factor=factors[0])


def _variants(readings: list[Reading], release: Release) -> Reading:
    """Files that differ in nothing but the conversion factor: QP and non-QP; a change within a quarter."""
    by_factor = sorted(readings, key=lambda each: (each.factor or 0, each.form))
    for one, other in pairwise(by_factor):
        if (one.factor, one.form) == (other.factor, other.form):
            says = f"a second edition of {one.table}; {one.names[0]} came too. Give one of them"
            raise BadInput([Fault(other.names[0], 0, says)])
    by_value = [agreed(_joined(list(group))) for _, group in groupby(by_factor, lambda each: each.factor)]
    first, *others = by_value
    notes, sources = list(first.notes), list(first.sources)
    for other in others:
        differing = differences(first, other)
        if differing:
            raise BadInput(differing)
        notes += other.notes
        sources += other.sources
    factors = sorted(
        (dated(each.factor or Decimal(0), release, each) for each in by_value),
        key=lambda each: (each.first, str(each.participant)),
    )
    return replace(first, notes=tuple(notes), sources=tuple(sources), factors=tuple(factors))
