"""The rows of CMS's files that the figures of a review rest on: each has one place, and every figure links to it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import polars as pl

from codeset import wording
from codeset.money import SETTINGS
from codeset.participants import participant_label
from codeset.snapshot import Row, Snapshot
from codeset.tables import TABLES

FACTORS = "conversion_factors"
"""The conversion factors, named like a table: the manifest holds them."""


@dataclass(frozen=True, order=True)
class Ref:
    """A row: the release that it was read from, the table, and its key; of dated tables its codes, for all periods."""

    release: str
    table: str
    key: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """Its name in a page or file: `2026q3-mpfs-17311-26`."""
        return "-".join((self.release, self.table, *filter(None, self.key)))


@dataclass(frozen=True)
class SourceRow:
    """What CMS's file says in a row: its `file` and `edition`, its key, and each of its periods in words."""

    ref: Ref
    file: str
    edition: str
    key: str
    says: tuple[str, ...]


def refs_in(review_part: object) -> Iterator[Ref]:
    """Yield every row that *review_part*, of dataclasses and tuples, refers to."""
    if isinstance(review_part, Ref):
        yield review_part
    elif isinstance(review_part, tuple):
        for member in review_part:
            yield from refs_in(member)
    elif is_dataclass(review_part):
        for field in fields(review_part):
            yield from refs_in(getattr(review_part, field.name))


def with_releases(review_part: Any, release_of_table: Mapping[tuple[str, str], str]) -> Any:
    """Return *review_part*, of dataclasses and tuples, with rows of (release, table) as those of another release."""
    if isinstance(review_part, Ref):
        return replace(
            review_part, release=release_of_table.get((review_part.release, review_part.table), review_part.release)
        )
    if isinstance(review_part, tuple):
        return tuple(with_releases(member, release_of_table) for member in review_part)
    # `is_dataclass` is true of the class too, which `replace` cannot copy.
    if is_dataclass(review_part) and not isinstance(review_part, type):
        return replace(
            review_part,
            **{
                field.name: with_releases(getattr(review_part, field.name), release_of_table)
                for field in fields(review_part)
            },
        )
    return review_part


def source_rows(snapshots: Iterable[Snapshot], refs: Iterable[Ref]) -> tuple[SourceRow, ...]:
    """Return the rows that *refs* name, in their order; a row that the release does not have says so."""
    sorted_refs = sorted(set(refs))
    return tuple(
        row
        for snapshot in snapshots
        for table_name in (*TABLES, FACTORS)
        for row in _source_rows_of_table(
            snapshot,
            table_name,
            [ref for ref in sorted_refs if (ref.release, ref.table) == (str(snapshot.release), table_name)],
        )
    )


def _source_rows_of_table(snapshot: Snapshot, table_name: str, refs: Sequence[Ref]) -> Iterator[SourceRow]:
    if refs and table_name == FACTORS:
        yield from (_factor_row(snapshot, ref) for ref in refs)
    elif refs:
        sealed_table = snapshot.manifest.tables[table_name]
        rows_by_key = _rows_by_key(snapshot, table_name, refs)
        for ref in refs:
            # A figure may rest on there being no row: a code without an MUE has none.
            descriptions = tuple(_IN_WORDS[table_name](table_row) for table_row in rows_by_key.get(ref.key, ())) or (
                "no such row",
            )
            key_text = wording.row_label(
                dict(zip(_key_columns(table_name), ref.key, strict=True)), list(_key_columns(table_name))
            )
            yield SourceRow(
                ref,
                _files_in_words([source.name for source in sealed_table.sources]),
                sealed_table.edition,
                key_text,
                descriptions,
            )


def _factor_row(snapshot: Snapshot, ref: Ref) -> SourceRow:
    descriptions = tuple(
        f"{factor.value} for {participant_label(factor.participant)}, {factor.first} to {factor.last}"
        for factor in snapshot.conversion_factors
    )
    # CMS publishes the conversion factor as a column of the fee schedule file, in no file of its own.
    fee_schedule = snapshot.manifest.tables["mpfs"]
    return SourceRow(
        ref,
        _files_in_words([source.name for source in fee_schedule.sources]),
        fee_schedule.edition,
        "conversion factor",
        descriptions,
    )


def _files_in_words(file_names: Sequence[str]) -> str:
    """The file; of several forms or parts, the first and how many more there are."""
    return file_names[0] if len(file_names) == 1 else f"{file_names[0]} and {len(file_names) - 1} more"


def _key_columns(table_name: str) -> tuple[str, ...]:
    """The columns that name a row here: an add-on code is one row with all of its primaries."""
    if table_name == "add_on":
        return ("add_on_code",)
    # Without the dates: CMS ends a PTP edit and starts it again in a row of its own, so one pair may have more periods.
    return TABLES[table_name].codes if TABLES[table_name].dated else TABLES[table_name].key


def _rows_by_key(snapshot: Snapshot, table_name: str, refs: Sequence[Ref]) -> dict[tuple[str, ...], list[Row]]:
    key_columns = list(_key_columns(table_name))
    wanted_keys = pl.LazyFrame([ref.key for ref in refs], schema=key_columns, orient="row")
    matching_rows = (
        snapshot.scan(table_name)
        .join(wanted_keys, on=key_columns, how="semi")
        .sort(TABLES[table_name].key, nulls_last=True)
        .collect()
    )
    rows_by_key: dict[tuple[str, ...], list[Row]] = {}
    for table_row in matching_rows.iter_rows(named=True):
        rows_by_key.setdefault(tuple(table_row[column] for column in key_columns), []).append(table_row)
    return rows_by_key


def _fee_schedule_in_words(mpfs_row: Row) -> str:
    pe_rvus, total_rvus = (
        " / ".join(_rvu_or_na(mpfs_row, f"{setting}_{rvu_kind}_rvu", f"{setting}_na") for setting in SETTINGS)
        for rvu_kind in ("pe", "total")
    )
    indicators = ", ".join(
        f"{wording.column_label(column)} {mpfs_row[column]}"
        for column in ("global_days", "multiple_procedure", "bilateral_surgery", "assistant_surgery")
    )
    return (
        f"status {mpfs_row['status_code']}; "
        f"RVUs: work {mpfs_row['work_rvu']}, PE {pe_rvus}, MP {mpfs_row['mp_rvu']}, total {total_rvus} "
        f"(non-facility / facility); {indicators}"
    )


def _rvu_or_na(mpfs_row: Row, column: str, na_column: str) -> str:
    # Beside an NA indicator CMS prints the PE of the other setting, so the number alone would look like a rate here.
    return f"{mpfs_row[column]} (NA)" if mpfs_row[na_column] else str(mpfs_row[column])


def _gpcis_in_words(gpci_row: Row) -> str:
    return (
        f"{gpci_row['locality_name']}: work {gpci_row['work_gpci']}, PE {gpci_row['pe_gpci']}, MP {gpci_row['mp_gpci']}"
    )


def _ptp_edit_in_words(edit_row: Row) -> str:
    return f"CCMI {edit_row['ccmi']}, {_period_in_words(edit_row)}"


def _mue_in_words(mue_row: Row) -> str:
    return f"MUE {mue_row['mue_value']}, MAI {mue_row['mai']}"


def _add_on_in_words(pair_row: Row) -> str:
    return f"primary {pair_row['primary_code']}, type {pair_row['add_on_type']}, {_period_in_words(pair_row)}"


def _period_in_words(dated_row: Row) -> str:
    return f"from {dated_row['effective_date']}" + (
        f" to {dated_row['deletion_date']}" if dated_row["deletion_date"] else ""
    )


def _any_row_in_words(table_row: Row) -> str:
    return ", ".join(
        f"{wording.column_label(column)} {value}" for column, value in table_row.items() if value is not None
    )


_IN_WORDS: Mapping[str, Callable[[Row], str]] = {
    # Any table may decide a changed claim line; those below have a wording of their own.
    **dict.fromkeys(TABLES, _any_row_in_words),
    "mpfs": _fee_schedule_in_words,
    "gpci": _gpcis_in_words,
    "ptp": _ptp_edit_in_words,
    "mue": _mue_in_words,
    "add_on": _add_on_in_words,
}
