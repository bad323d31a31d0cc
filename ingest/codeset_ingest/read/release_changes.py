"""What changed in a table since the release before: counted, told, and refused where no release seen changed so much.

The bounds lie above all that was counted on CMS's files: the fee schedules of 20 consecutive releases 2020 to 2024, the
releases 2024q2 to 2026q3, MUE and add-on files of 2024 to 2026. Of the fee schedule's rows at most 2.9 % were gone,
of OPPSCAP's 11.7 %; in one column at most 4.3 % of the rows had another indicator, and 2.2 % a number that moved by
more than half. Swapped or slipped columns change far more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from codeset.errors import Fault
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.tables import TABLES
from codeset_ingest.read.acceptance import AcceptableFault
from codeset_ingest.read.table import Reading

GONE = 5
"""Percent of a table's keys that may be gone, for each year since the edition before."""

GONE_FROM: Mapping[str, int] = {"oppscap": 20}
"""The same, of tables in which CMS itself drops more."""

NEW = 20
"""Percent of a table's keys that may be new, likewise."""

CHANGED = 5
"""Percent of the rows that may have another value in one column; numbers: within a year, or moved by more than half."""

LOCALITIES = ("gpci", "anesthesia", "locality_county", "zip_locality")
"""Tables whose keys are localities, or places in them: none may be gone."""


@dataclass(frozen=True)
class ReleaseChanges:
    """What changed in a table since *release*: keys gone and new, and by column the rows with another value."""

    table: str
    release: Release
    keys_before: int
    keys_gone: int
    keys_new: int
    changed: Mapping[str, int]
    faults: tuple[Fault, ...] = ()

    def __str__(self) -> str:
        """Return the counts in words."""
        share = f"{100 * self.keys_gone / self.keys_before:.1f}%"
        removed = f"{self.keys_gone:,} of {self.keys_before:,} keys removed ({share})"
        cells = ", ".join(f"{column} {count:,}" for column, count in self.changed.items() if count)
        return f"{self.table} since {self.release}: {removed}, {self.keys_new:,} new; rows changed: {cells or 'none'}"


def count_changes(reading: Reading, release: Release, before: Snapshot) -> ReleaseChanges:
    """Compare the rows of *reading*, which is of *release*, with those of *before*, by the table's identity."""
    table, key = reading.table, identity(reading.table)
    old = before.table(table)
    new = reading.frame.select(pl.col(name).cast(dtype) for name, dtype in old.schema.items())
    # Of millions of rows nearly all are the same: only the others are matched by key.
    old_hashes, new_hashes = old.hash_rows(), new.hash_rows()
    old_rest, new_rest = (
        old.filter(~old_hashes.is_in(new_hashes.implode())),
        new.filter(~new_hashes.is_in(old_hashes.implode())),
    )
    removed = old_rest.join(_with_keys_of(new, old_rest, key), on=key, how="anti", nulls_equal=True)
    fresh = new_rest.join(_with_keys_of(old, new_rest, key), on=key, how="anti", nulls_equal=True)
    both = old_rest.unique(key).join(new_rest.unique(key), on=key, nulls_equal=True, suffix=" new")
    columns = [column for column in TABLES[table].columns if f"{column} new" in both.columns]
    counts = {column: _count(both, _differs(column)) for column in columns if not old[column].is_null().all()}
    # A table that was carried for two years may have changed twice as much.
    years = max(1, release.year - _edition_year(before, table))
    faults = [
        *_key_faults(reading, before, removed, fresh.height, years),
        *_column_faults(
            table, both, old.height - removed.height, before, moves=_edition_year(before, table) != release.year
        ),
    ]
    return ReleaseChanges(table, before.release, old.height, removed.height, fresh.height, counts, tuple(faults))


def _with_keys_of(rows: pl.DataFrame, others: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return rows.select(key).join(others.select(key), on=key, how="semi", nulls_equal=True)


def _differs(column: str) -> pl.Expr:
    return pl.col(column).ne_missing(pl.col(f"{column} new"))


def _edition_year(snapshot: Snapshot, table: str) -> int:
    origin = snapshot.manifest.tables[table].carried_from
    return Release.parse(origin).year if origin else snapshot.release.year


def identity(table: str) -> list[str]:
    """The columns that name a row from release to release: of dated tables without the day on which it ends."""
    ends = ("deletion_date", "rationale") if TABLES[table].dated else ()
    return [column for column in TABLES[table].key if column not in ends]


def _count(rows: pl.DataFrame, differs: pl.Expr) -> int:
    return int(rows.select(differs.sum()).item() or 0)


def _key_faults(
    reading: Reading, before: Snapshot, removed: pl.DataFrame, fresh: int, years: int
) -> Iterator[AcceptableFault]:
    """Keys gone or new beyond what a year brings, for each of the *years* since the edition before."""
    table, release = reading.table, before.release
    count = before.manifest.tables[table].rows
    most_gone, most_new = GONE_FROM.get(table, GONE) * years, NEW * years
    if removed.height * 100 > count * most_gone:
        message = f"{removed.height:,} of the {count:,} keys of {release} are removed, more than {most_gone}%"
        message = f"{message}: {_first(removed, table)}. A part of the file may be missing"
        yield AcceptableFault(table, 0, message, f"keys:{table}")
    if fresh * 100 > count * most_new:
        message = f"{fresh:,} keys are new beside the {count:,} of {release}, more than {most_new} %"
        yield AcceptableFault(table, 0, f"{message}. Another file may have slipped in", f"keys:{table}")
    if table in LOCALITIES and (lost_localities := _lost_localities(reading.frame, before.table(table))):
        message = f"{len(lost_localities)} localities of {release} are removed: {', '.join(lost_localities)}"
        yield AcceptableFault(table, 0, message, f"localities:{table}")


def _first(rows: pl.DataFrame, table: str) -> str:
    key = identity(table)
    shown = [" ".join(str(cell) for cell in row if cell not in ("", None)) for row in rows.select(key).sort(key).rows()]
    return ", ".join(shown[:5]) + (" ..." if len(shown) > 5 else "")


def _lost_localities(rows: pl.DataFrame, before: pl.DataFrame) -> list[str]:
    pair = pl.concat_str("mac", "locality", separator="-")
    return sorted(set(before.select(pair).to_series()) - set(rows.select(pair).to_series()))


def _column_faults(
    table: str, both: pl.DataFrame, count: int, before: Snapshot, *, moves: bool
) -> Iterator[AcceptableFault]:
    """Columns of the *count* rows in both that changed as only swapped or slipped ones do.

    Dates end rows, and remarks decide nothing. *moves*: most numbers change with the year, so that only those that
    moved by more than half count.
    """
    for column in [column for column in TABLES[table].columns if f"{column} new" in both.columns]:
        dtype = TABLES[table].columns[column]
        if dtype == pl.Date or column in TABLES[table].remarks or before.table(table)[column].is_null().all():
            continue
        by_half = moves and isinstance(dtype, pl.Decimal)
        changed = _count(both, _moved_by_half(column) if by_half else _differs(column))
        if changed * 100 > count * CHANGED:
            what = "moved by more than half" if by_half else "have another value"
            message = f"{column}: {changed:,} of {count:,} rows {what} since {before.release}, more than {CHANGED} %"
            yield AcceptableFault(table, 0, f"{message}. Columns may be swapped or slipped", f"changes:{table}")


def _moved_by_half(column: str) -> pl.Expr:
    old, new = pl.col(column).cast(pl.Float64), pl.col(f"{column} new").cast(pl.Float64)
    return ((old - new).abs() > pl.max_horizontal(old, new) / 2).fill_null(value=False)
