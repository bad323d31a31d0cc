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


def read(cms_files: Iterable[CmsFile], release: Release) -> dict[str, Reading]:
    """Return each table that *cms_files* make up, by name.

    Raises BadInput: with every fault of every file.
    """
    # Sorted, so that faults and notes come in one order whatever order the files were named in.
    files_in_order = sorted(
        cms_files, key=lambda cms_file: (cms_file.table or "", cms_file.form, cms_file.part or 0, cms_file.names)
    )
    with ThreadPoolExecutor(_FILES_AT_A_TIME) as reading_threads:
        outcomes = list(reading_threads.map(lambda cms_file: _read_or_fail(cms_file, release), files_in_order))
    # Every fault of every file at once: who mends one at a time runs a build of minutes for each.
    if faults := [fault for outcome in outcomes if isinstance(outcome, BadInput) for fault in outcome.faults]:
        raise BadInput(faults)
    readings = [reading for outcome in outcomes if not isinstance(outcome, BadInput) for reading in outcome]
    readings.sort(key=lambda reading: reading.table)
    outcomes.clear()
    readings_by_table = {table: list(group) for table, group in groupby(readings, lambda reading: reading.table)}
    readings.clear()  # a table's files are freed once it is made: by_table.pop holds the last reference
    return {
        table_name: _in_order(_table_reading(table_name, readings_by_table.pop(table_name), release))
        for table_name in list(readings_by_table)
    }


def _read_or_fail(cms_file: CmsFile, release: Release) -> list[Reading] | BadInput:
    try:
        return _split_by_table(cms_file, _read_file(cms_file, release))
    except BadInput as error:
        return error


def _split_by_table(cms_file: CmsFile, reading: Reading) -> list[Reading]:
    """The tables that one file holds, by the type of its records; the facts that its descriptions state."""
    if description_columns := [column.name for column in cms_file.layout.columns if "read_for" in column.rules]:
        stated_facts = facts_frame(reading.frame)
        reading = replace(reading, frame=reading.frame.drop(description_columns))
        facts_readings = (
            []
            if stated_facts is None
            else [replace(reading, table=CODE_FACTS, frame=stated_facts, notes=(), doubts=())]
        )
        return [reading, *facts_readings]
    if "records" not in cms_file.layout.rules:
        return [reading]
    record_type = cms_file.layout.rules["records"]["column"]
    return [
        replace(
            reading,
            table=rule["table"],
            frame=reading.frame.filter(pl.col(record_type) == rule["record"]).rename(rule.get("renames", {})),
        )
        for rule in cms_file.layout.rules["tables"]
    ]


def _in_order(reading: Reading) -> Reading:
    """The rows sorted by the table's key, with the columns that older files lack as null."""
    sealed_table = TABLES[reading.table]
    lacking_columns = [
        pl.lit(None, dtype=dtype).alias(column)
        for column, dtype in sealed_table.columns.items()
        if column not in reading.frame.columns
    ]
    complete_rows = reading.frame.with_columns(lacking_columns).select(*sealed_table.columns, LINE, FILE)
    # In order of the key: equal rows are the same bytes, and a look-up reads one stretch of the file.
    if not is_sorted(complete_rows.select(sealed_table.key)):
        complete_rows = complete_rows.sort(*sealed_table.key, LINE, nulls_last=True)
    return replace(reading, frame=complete_rows)


def is_sorted(key_rows: pl.DataFrame) -> bool:
    """Whether the rows strictly ascend, nulls last: most of CMS's files are in order, and sorting is expensive.

    A column is compared only where those before it are equal.
    """
    equal_so_far = pl.repeat(value=True, n=max(key_rows.height - 1, 0), eager=True)
    for key_column in key_rows.iter_columns():
        current_keys, previous_keys = key_column.slice(1), key_column.head(-1)
        equal_keys = current_keys.eq_missing(previous_keys)
        current_keys = current_keys.filter(equal_so_far & ~equal_keys)
        previous_keys = previous_keys.filter(equal_so_far & ~equal_keys)
        if not (current_keys > previous_keys).fill_null(current_keys.is_null()).all():
            return False
        equal_so_far &= equal_keys
    return not equal_so_far.any()


def _read_file(cms_file: CmsFile, release: Release) -> Reading:
    """Read one file into its table's types."""
    table_name = cms_file.table or ""
    lacking_columns = cms_file.layout.forms[cms_file.form].get("lacks", [])
    columns = [
        column for column in cms_file.layout.columns_of(release) if column.name and column.name not in lacking_columns
    ]
    file_names = cms_file.content.names
    try:
        text_cells = read_cells(cms_file.content, cms_file.layout, cms_file.form, cms_file.sheet, release)
        columns = [
            column for column in columns if column.name in text_cells.columns or not _may_be_absent(column, cms_file)
        ]
        typed_rows = parse_cells(text_cells, columns, table_name, cms_file.form, file_names)
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError) as error:
        raise BadInput(_ragged_record_faults(cms_file, release)) from error
    if isinstance(typed_rows, list):
        # A record that is a cell short makes a fault in every column behind it: the records that are too short or too
        # long are reported instead, where there are any.
        raise BadInput(
            [*(_ragged_record_faults(cms_file, release) or typed_rows), *_truncation_doubts(cms_file, release)]
        )
    padding_notes = tuple(zero_padding_notes(text_cells, columns, cms_file.form, file_names))
    repeat_notes, typed_rows = _drop_repeats(typed_rows) if cms_file.layout.rules.get("repeats") else ((), typed_rows)
    return Reading(
        table=table_name,
        layout=cms_file.layout,
        frame=typed_rows.with_columns(pl.lit(file_names).cast(pl.Categorical()).alias(FILE)),
        edition=cms_file.edition(release),
        sources=(cms_file.content.source,),
        released=cms_file.released,
        notes=(*padding_notes, *(f"{file_names}: {note}" for note in repeat_notes)),
        form=cms_file.form,
        forms=(cms_file.form,),
        names=(cms_file.names,),
        variant=cms_file.content.variant,
        doubts=tuple(_truncation_doubts(cms_file, release)),
        closing=closing_lines(cms_file.content) if "summary" in cms_file.layout.forms[cms_file.form] else "",
    )


def _may_be_absent(column: Column, cms_file: CmsFile) -> bool:
    """Whether the rows may lack the column: a year's files had none, or it numbered lines that are joined by now."""
    return bool(column.rules.get("optional")) or column.name == cms_file.layout.rules.get("records", {}).get(
        "numbered_by"
    )


def _truncation_doubts(cms_file: CmsFile, release: Release) -> Iterator[AcceptableFault]:
    for line_number, message in truncation_signs(
        cms_file.content, cms_file.layout, cms_file.form, cms_file.sheet, release
    ):
        yield AcceptableFault(cms_file.names, line_number, message, f"end:{cms_file.table}")


def _ragged_record_faults(cms_file: CmsFile, release: Release) -> list[Fault]:
    """The tab-separated records that are too short or too long: every other fault follows from them."""
    form_rules = cms_file.layout.forms[cms_file.form]
    if form_rules.get("delimiter") != "\t":
        return []
    return ragged_records(cms_file.content, form_rules["header"], len(cms_file.layout.columns_of(release)))


def _drop_repeats(typed_rows: pl.DataFrame) -> tuple[list[str], pl.DataFrame]:
    """Keep each record once, where CMS is known to repeat some word for word."""
    columns = [column for column in typed_rows.columns if column != LINE]
    # A layout allows this only where CMS is known to do it; elsewhere a repeated key breaks a contract.
    repeated_rows = typed_rows.filter(~typed_rows.select(pl.struct(columns).is_first_distinct()).to_series())
    repeat_notes = [f"line {line} repeats an earlier record; kept once" for line in repeated_rows[LINE]]
    return repeat_notes, typed_rows.unique(columns, keep="first", maintain_order=True)


def _table_reading(table_name: str, readings: list[Reading], release: Release) -> Reading:
    if table_name == "mpfs":
        return merge_variants(readings, release)
    if table_name == "diagnosis":
        return merge_edition(readings, release)
    if table_name == "diagnosis_replacement":
        return compare_forms([split_replacements(reading) for reading in readings])
    if table_name == "excludes":
        return excludes_rows(compare_forms(readings))
    if is_of_download(readings):
        return documents_of_download(readings)
    if table_name.startswith("coverage_"):
        readings = [article_rows(reading) for reading in readings]
    return compare_forms(readings if table_name == CODE_FACTS else _join_numbered_parts(readings))


def _join_numbered_parts(readings: list[Reading]) -> list[Reading]:
    """One reading for each form: the parts of a set are joined in their order."""
    joined_readings = []
    for _, readings_of_form in groupby(readings, lambda reading: reading.form):
        # The parts of the NCCI edits (f1 to f4) divide column one; their names say their order, and their first rows
        # show it.
        parts_in_order = sorted(readings_of_form, key=lambda part: part.frame.row(0)[1:3] if part.frame.height else ())
        joined_readings.append(
            replace(
                parts_in_order[0],
                frame=pl.concat([part.frame for part in parts_in_order], rechunk=False),
                sources=tuple(source for part in parts_in_order for source in part.sources),
                notes=tuple(note for part in parts_in_order for note in part.notes),
                names=tuple(name for part in parts_in_order for name in part.names),
                doubts=tuple(doubt for part in parts_in_order for doubt in part.doubts),
            )
        )
    return joined_readings
