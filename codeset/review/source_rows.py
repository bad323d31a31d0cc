"""The rows of CMS's files that the figures of a review rest on: each has one place that every figure links to."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass

import polars as pl

from codeset import wording
from codeset.money import SETTINGS
from codeset.participants import participant_label
from codeset.snapshot import Row, Snapshot
from codeset.tables import TABLES

FACTORS = "conversion_factors"
"""Stands for the table of conversion factors, which the manifest holds."""


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
    """What CMS's file says in a row: `file` and `edition` it stands in, its key, and each of its periods in words."""

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
        for each in value:
            yield from refs_in(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from refs_in(getattr(value, each.name))


def source_rows(snapshots: Iterable[Snapshot], refs: Iterable[Ref]) -> tuple[SourceRow, ...]:
    """Return the rows that *refs* name, in their order; a row that the release does not have says so."""
    wanted = sorted(set(refs))
    return tuple(
        row
        for snapshot in snapshots
        for table in (*TABLES, FACTORS)
        for row in _of(snapshot, table, [r for r in wanted if (r.release, r.table) == (str(snapshot.release), table)])
    )


def _of(snapshot: Snapshot, table: str, refs: Sequence[Ref]) -> Iterator[SourceRow]:
    if refs and table == FACTORS:
        yield from (_factor(snapshot, ref) for ref in refs)
    elif refs:
        entry = snapshot.manifest.tables[table]
        found = _rows(snapshot, table, refs)
        for ref in refs:
            says = tuple(_TOLD[table](row) for row in found.get(ref.key, ())) or ("no such row",)
            key = wording.keyed(dict(zip(_key(table), ref.key, strict=True)), list(_key(table)))
            yield SourceRow(ref, _file([each.name for each in entry.sources]), entry.edition, key, says)


def _factor(snapshot: Snapshot, ref: Ref) -> SourceRow:
    told = (
        f"{each.value} for {participant_label(each.participant)}, {each.first} to {each.last}"
        for each in snapshot.conversion_factors
    )
    entry = snapshot.manifest.tables["mpfs"]
    return SourceRow(ref, _file([each.name for each in entry.sources]), entry.edition, "conversion factor", tuple(told))


def _file(names: Sequence[str]) -> str:
    """The file, or of several forms or parts the first and how many there are besides."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _key(table: str) -> tuple[str, ...]:
    """The columns by which rows are named here: an add-on code stands with all of its primaries."""
    return ("add_on_code",) if table == "add_on" else TABLES[table].codes if TABLES[table].dated else TABLES[table].key


def _rows(snapshot: Snapshot, table: str, refs: Sequence[Ref]) -> dict[tuple[str, ...], list[Row]]:
    key = list(_key(table))
    wanted = pl.LazyFrame([ref.key for ref in refs], schema=key, orient="row")
    rows = snapshot.scan(table).join(wanted, on=key, how="semi").sort(TABLES[table].key, nulls_last=True).collect()
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows.iter_rows(named=True):
        found.setdefault(tuple(row[column] for column in key), []).append(row)
    return found


def _schedule(row: Row) -> str:
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


def _indices(row: Row) -> str:
    return f"{row['locality_name']}: work {row['work_gpci']}, PE {row['pe_gpci']}, MP {row['mp_gpci']}"


def _edit(row: Row) -> str:
    return f"CCMI {row['ccmi']}, {_period(row)}"


def _mue(row: Row) -> str:
    return f"MUE {row['mue_value']}, MAI {row['mai']}"


def _add_on(row: Row) -> str:
    return f"primary {row['primary_code']}, type {row['add_on_type']}, {_period(row)}"


def _period(row: Row) -> str:
    return f"from {row['effective_date']}" + (f" to {row['deletion_date']}" if row["deletion_date"] else "")


def _any(row: Row) -> str:
    return ", ".join(f"{wording.named(name)} {value}" for name, value in row.items() if value is not None)


_TOLD: Mapping[str, Callable[[Row], str]] = {
    **dict.fromkeys(TABLES, _any),
    "mpfs": _schedule,
    "gpci": _indices,
    "ptp": _edit,
    "mue": _mue,
    "add_on": _add_on,
}
