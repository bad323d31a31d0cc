"""What changed in a table since the release before: counted, reported, refused where no release seen changed as much.

The bounds are above all that was counted on CMS's files: the fee schedules of 20 consecutive releases 2020 to 2024, the
releases 2024q2 to 2026q3, MUE and add-on files of 2024 to 2026. Of the fee schedule's rows at most 2.9 % were removed,
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

PERCENT_GONE = 5
"""Percent of a table's keys that may be removed, for each year since the edition before."""

PERCENT_GONE_BY_TABLE: Mapping[str, int] = {"oppscap": 20}
"""The same, of tables in which CMS itself drops more."""

PERCENT_NEW = 20
"""Percent of a table's keys that may be new, likewise."""

PERCENT_CHANGED = 5
"""Percent of the rows that may have another value in one column; numbers: within a year, or moved by more than half."""

LOCALITY_TABLES = ("gpci", "anesthesia", "locality_county", "zip_locality")
"""Tables whose keys are localities, or places in them: none may be removed."""


@dataclass(frozen=True)
class ReleaseChanges:
    """What changed in a table since *release*: keys removed and new, and by column the rows with another value."""

    table: str
    release: Release
    keys_before: int
    keys_gone: int
    keys_new: int
    changed: Mapping[str, int]
    faults: tuple[Fault, ...] = ()

    def __str__(self) -> str:
        """Return the counts in words."""
        removed_share = f"{100 * self.keys_gone / self.keys_before:.1f}%"
        removed_text = f"{self.keys_gone:,} of {self.keys_before:,} keys removed ({removed_share})"
        changed_text = ", ".join(
            f"{column} {changed_count:,}" for column, changed_count in self.changed.items() if changed_count
        )
        return (
            f"{self.table} since {self.release}: {removed_text}, {self.keys_new:,} new; rows changed: "
            f"{changed_text or 'none'}"
        )


def count_changes(reading: Reading, release: Release, previous_snapshot: Snapshot) -> ReleaseChanges:
    """Compare the rows of *reading*, of *release*, with those of *previous_snapshot*, by the table's identity."""
    table_name, identity_columns = reading.table, identity(reading.table)
    previous_rows = previous_snapshot.table(table_name)
    current_rows = reading.frame.select(pl.col(name).cast(dtype) for name, dtype in previous_rows.schema.items())
    # Of millions of rows nearly all are the same: only the others are matched by key.
    previous_hashes, current_hashes = previous_rows.hash_rows(), current_rows.hash_rows()
    previous_rest = previous_rows.filter(~previous_hashes.is_in(current_hashes.implode()))
    current_rest = current_rows.filter(~current_hashes.is_in(previous_hashes.implode()))
    kept_keys = _with_keys_of(current_rows, previous_rest, identity_columns)
    removed_rows = previous_rest.join(kept_keys, on=identity_columns, how="anti", nulls_equal=True)
    known_keys = _with_keys_of(previous_rows, current_rest, identity_columns)
    new_rows = current_rest.join(known_keys, on=identity_columns, how="anti", nulls_equal=True)
    # One row for each key: PTP rows that differ in their rationale alone share one, and the join would multiply them.
    rows_in_both = previous_rest.unique(identity_columns).join(
        current_rest.unique(identity_columns), on=identity_columns, nulls_equal=True, suffix=" new"
    )
    columns = [column for column in TABLES[table_name].columns if f"{column} new" in rows_in_both.columns]
    changed_counts = {
        column: _count_rows(rows_in_both, _value_differs(column))
        for column in columns
        # A column that the edition before did not have (the pricing indicator, new in 2026) is no change of its rows.
        if not previous_rows[column].is_null().all()
    }
    # A table that was carried for two years may have changed twice as much.
    years_between = max(1, release.year - _edition_year(previous_snapshot, table_name))
    kept_count = previous_rows.height - removed_rows.height
    numbers_move = _edition_year(previous_snapshot, table_name) != release.year
    faults = [
        *_key_faults(reading, previous_snapshot, removed_rows, new_rows.height, years_between),
        *_column_faults(table_name, rows_in_both, kept_count, previous_snapshot, numbers_move=numbers_move),
    ]
    return ReleaseChanges(
        table_name,
        previous_snapshot.release,
        previous_rows.height,
        removed_rows.height,
        new_rows.height,
        changed_counts,
        tuple(faults),
    )


def _with_keys_of(table_rows: pl.DataFrame, other_rows: pl.DataFrame, key_columns: list[str]) -> pl.DataFrame:
    return table_rows.select(key_columns).join(
        other_rows.select(key_columns), on=key_columns, how="semi", nulls_equal=True
    )


def _value_differs(column: str) -> pl.Expr:
    return pl.col(column).ne_missing(pl.col(f"{column} new"))


def _edition_year(snapshot: Snapshot, table_name: str) -> int:
    origin_label = snapshot.manifest.tables[table_name].carried_from
    return Release.parse(origin_label).year if origin_label else snapshot.release.year


def identity(table_name: str) -> list[str]:
    """The columns that name a row from release to release: of dated tables without the day on which it ends."""
    end_columns = ("deletion_date", "rationale") if TABLES[table_name].dated else ()
    return [column for column in TABLES[table_name].key if column not in end_columns]


def _count_rows(rows_in_both: pl.DataFrame, condition: pl.Expr) -> int:
    return int(rows_in_both.select(condition.sum()).item() or 0)


def _key_faults(
    reading: Reading, previous_snapshot: Snapshot, removed_rows: pl.DataFrame, new_count: int, years_between: int
) -> Iterator[AcceptableFault]:
    """Keys removed or new beyond what a year brings, for each of the *years_between* since the edition before."""
    table_name, release = reading.table, previous_snapshot.release
    previous_count = previous_snapshot.manifest.tables[table_name].rows
    most_gone = PERCENT_GONE_BY_TABLE.get(table_name, PERCENT_GONE) * years_between
    most_new = PERCENT_NEW * years_between
    if removed_rows.height * 100 > previous_count * most_gone:
        message = (
            f"{removed_rows.height:,} of the {previous_count:,} keys of {release} are removed, more than {most_gone}%"
        )
        message = f"{message}: {_first_keys(removed_rows, table_name)}. A part of the file may be missing"
        yield AcceptableFault(table_name, 0, message, f"keys:{table_name}")
    if new_count * 100 > previous_count * most_new:
        message = f"{new_count:,} keys are new beside the {previous_count:,} of {release}, more than {most_new} %"
        yield AcceptableFault(table_name, 0, f"{message}. Another file may have slipped in", f"keys:{table_name}")
    if table_name in LOCALITY_TABLES and (
        lost_localities := _lost_localities(reading.frame, previous_snapshot.table(table_name))
    ):
        message = f"{len(lost_localities)} localities of {release} are removed: {', '.join(lost_localities)}"
        yield AcceptableFault(table_name, 0, message, f"localities:{table_name}")


def _first_keys(removed_rows: pl.DataFrame, table_name: str) -> str:
    identity_columns = identity(table_name)
    key_texts = [
        " ".join(str(cell) for cell in key_cells if cell not in ("", None))
        for key_cells in removed_rows.select(identity_columns).sort(identity_columns).rows()
    ]
    return ", ".join(key_texts[:5]) + (" ..." if len(key_texts) > 5 else "")


def _lost_localities(current_rows: pl.DataFrame, previous_rows: pl.DataFrame) -> list[str]:
    locality_key = pl.concat_str("mac", "locality", separator="-")
    return sorted(
        set(previous_rows.select(locality_key).to_series()) - set(current_rows.select(locality_key).to_series())
    )


def _column_faults(
    table_name: str, rows_in_both: pl.DataFrame, kept_count: int, previous_snapshot: Snapshot, *, numbers_move: bool
) -> Iterator[AcceptableFault]:
    """Columns of the *kept_count* rows in both that changed as only swapped or slipped ones do.

    Dates end rows, and remarks decide nothing. *numbers_move*: most numbers change with the year, so that only those
    that moved by more than half count.
    """
    for column in [column for column in TABLES[table_name].columns if f"{column} new" in rows_in_both.columns]:
        dtype = TABLES[table_name].columns[column]
        if (
            dtype == pl.Date
            or column in TABLES[table_name].remarks
            or previous_snapshot.table(table_name)[column].is_null().all()
        ):
            continue
        by_half = numbers_move and isinstance(dtype, pl.Decimal)
        changed_count = _count_rows(rows_in_both, _moved_by_half(column) if by_half else _value_differs(column))
        if changed_count * 100 > kept_count * PERCENT_CHANGED:
            change_text = "moved by more than half" if by_half else "have another value"
            message = (
                f"{column}: {changed_count:,} of {kept_count:,} rows {change_text} since "
                f"{previous_snapshot.release}, more than {PERCENT_CHANGED} %"
            )
            yield AcceptableFault(
                table_name, 0, f"{message}. Columns may be swapped or slipped", f"changes:{table_name}"
            )


def _moved_by_half(column: str) -> pl.Expr:
    previous_value, current_value = pl.col(column).cast(pl.Float64), pl.col(f"{column} new").cast(pl.Float64)
    return ((previous_value - current_value).abs() > pl.max_horizontal(previous_value, current_value) / 2).fill_null(
        value=False
    )
