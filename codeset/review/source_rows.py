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


def refs_in(value: object) -> Iterator[Ref]:
    """Yield every row that *value*, of dataclasses and tuples, refers to."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from refs_in(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from refs_in(getattr(value, field.name))


def with_releases(value: Any, releases: Mapping[tuple[str, str], str]) -> Any:
    """Return *value*, of dataclasses and tuples, with the rows of each (release, table) as those of another release."""
    if isinstance(value, Ref):
        return replace(value, release=releases.get((value.release, value.table), value.release))
    if isinstance(value, tuple):
        return tuple(with_releases(item, releases) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{field.name: with_releases(getattr(value, field.name), releases) for field in fields(value)}
        )
    return value


def source_rows(snapshots: Iterable[Snapshot], refs: Iterable[Ref]) -> tuple[SourceRow, ...]:
    """Return the rows that *refs* name, in their order; a row that the release does not have says so."""
    wanted = sorted(set(refs))
    return tuple(
        row
        for snapshot in snapshots
        for table in (*TABLES, FACTORS)
        for row in _rows_of(
            snapshot, table, [r for r in wanted if (r.release, r.table) == (str(snapshot.release), table)]
        )
    )


def _rows_of(snapshot: Snapshot, table: str, refs: Sequence[Ref]) -> Iterator[SourceRow]:
    if refs and table == FACTORS:
        yield from (_factor(snapshot, ref) for ref in refs)
    elif refs:
        entry = snapshot.manifest.tables[table]
        rows = _rows_by_key(snapshot, table, refs)
        for ref in refs:
            # A figure may rest on there being no row: a code without an MUE has none.
            says = tuple(_IN_WORDS[table](row) for row in rows.get(ref.key, ())) or ("no such row",)
            key = wording.keyed(dict(zip(_key(table), ref.key, strict=True)), list(_key(table)))
            yield SourceRow(ref, _file([source.name for source in entry.sources]), entry.edition, key, says)


def _factor(snapshot: Snapshot, ref: Ref) -> SourceRow:
    says = tuple(
        f"{factor.value} for {participant_label(factor.participant)}, {factor.first} to {factor.last}"
        for factor in snapshot.conversion_factors
    )
    entry = snapshot.manifest.tables["mpfs"]
    return SourceRow(ref, _file([source.name for source in entry.sources]), entry.edition, "conversion factor", says)


def _file(names: Sequence[str]) -> str:
    """The file; of several forms or parts, the first and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _key(table: str) -> tuple[str, ...]:
    """The columns that name a row here: an add-on code is one row with all of its primaries."""
    return ("add_on_code",) if table == "add_on" else TABLES[table].codes if TABLES[table].dated else TABLES[table].key


def _rows_by_key(snapshot: Snapshot, table: str, refs: Sequence[Ref]) -> dict[tuple[str, ...], list[Row]]:
    key = list(_key(table))
    wanted = pl.LazyFrame([ref.key for ref in refs], schema=key, orient="row")
    rows = snapshot.scan(table).join(wanted, on=key, how="semi").sort(TABLES[table].key, nulls_last=True).collect()
    by_key: dict[tuple[str, ...], list[Row]] = {}
    for row in rows.iter_rows(named=True):
        by_key.setdefault(tuple(row[column] for column in key), []).append(row)
    return by_key


def _fee_schedule(row: Row) -> str:
    pe, total = (
        " / ".join(_number(row, f"{setting}_{kind}_rvu", f"{setting}_na") for setting in SETTINGS)
        for kind in ("pe", "total")
    )
    indicators = ", ".join(
        f"{wording.named(column)} {row[column]}"
        for column in ("global_days", "multiple_procedure", "bilateral_surgery", "assistant_surgery")
    )
    return (
        f"status {row['status_code']}; RVUs: work {row['work_rvu']}, PE {pe}, MP {row['mp_rvu']}, total {total} "
        f"(non-facility / facility); {indicators}"
    )


def _number(row: Row, column: str, na: str) -> str:
    return f"{row[column]} (NA)" if row[na] else str(row[column])


def _gpcis(row: Row) -> str:
    return f"{row['locality_name']}: work {row['work_gpci']}, PE {row['pe_gpci']}, MP {row['mp_gpci']}"


def _ptp_edit(row: Row) -> str:
    return f"CCMI {row['ccmi']}, {_period(row)}"


def _mue(row: Row) -> str:
    return f"MUE {row['mue_value']}, MAI {row['mai']}"


def _add_on(row: Row) -> str:
    return f"primary {row['primary_code']}, type {row['add_on_type']}, {_period(row)}"


def _period(row: Row) -> str:
    return f"from {row['effective_date']}" + (f" to {row['deletion_date']}" if row["deletion_date"] else "")


def _any_row(row: Row) -> str:
    return ", ".join(f"{wording.named(name)} {value}" for name, value in row.items() if value is not None)


_IN_WORDS: Mapping[str, Callable[[Row], str]] = {
    **dict.fromkeys(TABLES, _any_row),
    "mpfs": _fee_schedule,
    "gpci": _gpcis,
    "ptp": _ptp_edit,
    "mue": _mue,
    "add_on": _add_on,
}
