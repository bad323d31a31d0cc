"""From CMS's files to typed tables: parts are joined, forms compared, variants checked against one another."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby

import polars as pl

from codeset.errors import BadInput, Fault
from codeset.releases import Release
from codeset.tables import TABLES
from codeset_ingest.read.acceptance import AcceptableFault
from codeset_ingest.read.compare_forms import compare_forms
from codeset_ingest.read.descriptions.stated_facts import CODE_FACTS, facts_frame
from codeset_ingest.read.diagnoses.coverage_articles import article_rows
from codeset_ingest.read.diagnoses.coverage_download import documents_of_download, is_of_download
from codeset_ingest.read.diagnoses.editions import merge_edition
from codeset_ingest.read.diagnoses.replacements import split_replacements
from codeset_ingest.read.diagnoses.tabular_list import excludes_rows
from codeset_ingest.read.fee_schedules import merge_variants
from codeset_ingest.read.forms.head_and_tail import closing_lines, truncation_signs
from codeset_ingest.read.forms.read_cells import read_cells
from codeset_ingest.read.forms.tab_separated import ragged_records
from codeset_ingest.read.layout import Column
from codeset_ingest.read.parse_cells import parse_cells, zero_padding_notes
from codeset_ingest.read.recognize import CmsFile
from codeset_ingest.read.table import FILE, LINE, Reading

_FILES_AT_A_TIME = 2
"""Files read at the same time: Python reads a csv on one core while polars reads the edits on the others."""


def read(files: Iterable[CmsFile], release: Release) -> dict[str, Reading]:
    """Return each table that *files* make up, by name.

    Raises BadInput: with every fault of every file.
    """
    # Sorted, so that faults and notes come in one order whatever order the files were named in.
    in_order = sorted(files, key=lambda file: (file.table or "", file.form, file.part or 0, file.names))
    with ThreadPoolExecutor(_FILES_AT_A_TIME) as pool:
        outcomes = list(pool.map(lambda file: _read_or_fail(file, release), in_order))
    # Every fault of every file at once: who mends one at a time runs a build of minutes for each.
    if faults := [fault for outcome in outcomes if isinstance(outcome, BadInput) for fault in outcome.faults]:
        raise BadInput(faults)
    readings = [reading for outcome in outcomes if not isinstance(outcome, BadInput) for reading in outcome]
    readings.sort(key=lambda reading: reading.table)
    outcomes.clear()
    by_table = {table: list(group) for table, group in groupby(readings, lambda reading: reading.table)}
    readings.clear()  # a table's files are freed once it is made: by_table.pop holds the last reference
    return {table: _in_order(_table(table, by_table.pop(table), release)) for table in list(by_table)}


def _read_or_fail(file: CmsFile, release: Release) -> list[Reading] | BadInput:
    try:
        return _split(file, _read_file(file, release))
    except BadInput as error:
        return error


def _split(file: CmsFile, reading: Reading) -> list[Reading]:
    """The tables that one file holds, told apart by the type of its records; the facts that its descriptions state."""
    if descriptions := [column.name for column in file.layout.columns if "read_for" in column.rules]:
        facts = facts_frame(reading.frame)
        reading = replace(reading, frame=reading.frame.drop(descriptions))
        own = [] if facts is None else [replace(reading, table=CODE_FACTS, frame=facts, notes=(), doubts=())]
        return [reading, *own]
    if "records" not in file.layout.rules:
        return [reading]
    kind = file.layout.rules["records"]["column"]
    return [
        replace(
            reading,
            table=rule["table"],
            frame=reading.frame.filter(pl.col(kind) == rule["record"]).rename(rule.get("renames", {})),
        )
        for rule in file.layout.rules["tables"]
    ]


def _in_order(reading: Reading) -> Reading:
    """The rows sorted by the table's key, with the columns that older files lack as null."""
    table = TABLES[reading.table]
    lacking = [
        pl.lit(None, dtype=dtype).alias(column)
        for column, dtype in table.columns.items()
        if column not in reading.frame.columns
    ]
    frame = reading.frame.with_columns(lacking).select(*table.columns, LINE, FILE)
    # In order of the key: equal rows are the same bytes, and a look-up reads one stretch of the file.
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
        columns = [column for column in columns if column.name in cells.columns or not _may_be_absent(column, file)]
        frame = parse_cells(cells, columns, table, file.form, name)
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError) as error:
        raise BadInput(_ragged(file, release)) from error
    if isinstance(frame, list):
        # A record that is a cell short makes a fault in every column behind it: the records that are too short or too
        # long are reported instead, where there are any.
        raise BadInput([*(_ragged(file, release) or frame), *_doubts(file, release)])
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
        forms=(file.form,),
        names=(file.names,),
        variant=file.content.variant,
        doubts=tuple(_doubts(file, release)),
        closing=closing_lines(file.content) if "summary" in file.layout.forms[file.form] else "",
    )


def _may_be_absent(column: Column, file: CmsFile) -> bool:
    """Whether the rows may lack the column: a year's files had none, or it numbered lines that are joined by now."""
    return bool(column.rules.get("optional")) or column.name == file.layout.rules.get("records", {}).get("numbered_by")


def _doubts(file: CmsFile, release: Release) -> Iterator[AcceptableFault]:
    for line, message in truncation_signs(file.content, file.layout, file.form, file.sheet, release):
        yield AcceptableFault(file.names, line, message, f"end:{file.table}")


def _ragged(file: CmsFile, release: Release) -> list[Fault]:
    """The tab-separated records that are too short or too long: every other fault follows from them."""
    rules = file.layout.forms[file.form]
    if rules.get("delimiter") != "\t":
        return []
    return ragged_records(file.content, rules["header"], len(file.layout.columns_of(release)))


def _drop_repeats(frame: pl.DataFrame) -> tuple[list[str], pl.DataFrame]:
    """Keep each record once, where CMS is known to repeat some word for word."""
    columns = [column for column in frame.columns if column != LINE]
    # A layout allows this only where CMS is known to do it; elsewhere a repeated key breaks a contract.
    repeated = frame.filter(~frame.select(pl.struct(columns).is_first_distinct()).to_series())
    notes = [f"line {line} repeats an earlier record; kept once" for line in repeated[LINE]]
    return notes, frame.unique(columns, keep="first", maintain_order=True)


def _table(table: str, readings: list[Reading], release: Release) -> Reading:
    if table == "mpfs":
        return merge_variants(readings, release)
    if table == "diagnosis":
        return merge_edition(readings, release)
    if table == "diagnosis_replacement":
        return compare_forms([split_replacements(reading) for reading in readings])
    if table == "excludes":
        return excludes_rows(compare_forms(readings))
    if is_of_download(readings):
        return documents_of_download(readings)
    if table.startswith("coverage_"):
        readings = [article_rows(reading) for reading in readings]
    return compare_forms(readings if table == CODE_FACTS else _join_parts(readings))


def _join_parts(readings: list[Reading]) -> list[Reading]:
    """One reading for each form: the parts of a set are joined in their order."""
    joined = []
    for _, group in groupby(readings, lambda reading: reading.form):
        # The parts of the NCCI edits (f1 to f4) divide column one; their names say their order, and their first rows
        # show it.
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
