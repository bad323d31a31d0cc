"""The changes of CMS's tables in one form for all: what changed, before and after, with the rows behind it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from codeset import wording
from codeset.change_report import facts
from codeset.differences import Changes, TableChanges
from codeset.review.source_rows import Ref, with_releases
from codeset.tables import RVU_COLUMNS, TABLES

ADDED, REMOVED, CHANGED, TURNED, BACK = "added", "removed", "changed", "reversed", "retroactive"


@dataclass(frozen=True)
class Change:
    """One difference: a row added or removed, or one of its values; `what` names the row or the value.

    `since` is the day on which a dated row took effect.
    """

    kind: str
    key: str
    what: str
    before: str
    after: str
    since: date | None
    before_row: Ref | None
    after_row: Ref | None


@dataclass(frozen=True)
class TableReview:
    """What changed in one table: `changes` by CMS, `own_changes` because our old release was built with an older file.

    `unchecked` says why changes of CMS's cannot show, "" if they can. RVUs are counted in `rvus` (rows) and shown with
    the payments; `count` counts the changed rows.
    """

    table: str
    holds: str
    compared: tuple[int, int]
    same_files: bool
    carried_from: tuple[str | None, str | None]
    unchecked: str
    count: int
    changes: tuple[Change, ...]
    own_changes: tuple[Change, ...]
    rvus: int
    remarks: tuple[tuple[str, int], ...]


def table_reviews(changes: Changes, by_cms: Changes, replaced: Mapping[str, str]) -> tuple[TableReview, ...]:
    """Return every table of *changes*; *by_cms* are those from the baseline, which *replaced* these tables, and why."""
    return tuple(
        _review(changes, name, table, by_cms.tables[name], replaced.get(name, ""))
        for name, table in changes.tables.items()
    )


def _review(changes: Changes, name: str, table: TableChanges, by_cms: TableChanges, replaced: str) -> TableReview:
    releases = str(changes.old.release), str(changes.new.release)
    rvus = table.changed.filter(pl.col("column").is_in(RVU_COLUMNS)) if name == "mpfs" else table.changed.clear()
    carried = changes.old.tables[name].carried_from, changes.new.tables[name].carried_from
    rows_of_base = {(releases[0], name): releases[1]} if replaced else {}
    cms_changes = with_releases(tuple(_changes(by_cms, releases)), rows_of_base)
    facts_by_cms = {_fact(change) for change in cms_changes}
    return TableReview(
        table=name,
        holds=TABLES[name].holds,
        compared=table.compared,
        same_files=table.same_files,
        carried_from=carried,
        unchecked=_why_unchecked(table, replaced, carried[1]),
        count=by_cms.count,
        changes=cms_changes,
        own_changes=tuple(change for change in _changes(table, releases) if _fact(change) not in facts_by_cms),
        rvus=rvus.select(table.key).n_unique(),
        remarks=tuple(sorted(by_cms.remarks.items())),
    )


def _fact(change: Change) -> tuple[str, ...]:
    # Without its rows: the same fact has other rows when it is compared from the baseline.
    return change.kind, change.key, change.what, change.before, change.after


def _why_unchecked(table: TableChanges, replaced: str, carried: str | None) -> str:
    """Without dates in its rows, an older file does not tell when CMS changed them."""
    if table.same_files:
        return (
            f"both quarters use the {wording.quarter(carried)} file" if carried else "both quarters use the same file"
        )
    return replaced if replaced and not TABLES[table.table].dated else ""


def _changes(table: TableChanges, releases: tuple[str, str]) -> Iterator[Change]:
    old, new = releases
    for row in table.added.iter_rows(named=True):
        yield _row(ADDED, table, row, None, new)
    for row in table.removed.iter_rows(named=True):
        # An edit that ended is still in the new file, with its deletion date; a code that left the fee schedule is not.
        yield _row(REMOVED, table, row, old, new if TABLES[table.table].dated else None)
    for row in table.flipped.iter_rows(named=True):
        yield _row(TURNED, table, row, None, new)
    for row in table.past.iter_rows(named=True):
        yield _row(BACK, table, row, None, new)
    cells = facts.indicators(table) if table.table == "mpfs" else table.changed
    for row in cells.iter_rows(named=True):
        before, after = (row[when] or wording.NONE for when in ("before", "after"))
        refs = _ref(table, row, old), _ref(table, row, new)
        yield Change(CHANGED, wording.keyed(row, table.key), wording.named(row["column"]), before, after, None, *refs)


def _row(kind: str, table: TableChanges, row: Mapping[str, Any], old: str | None, new: str | None) -> Change:
    """A row added or removed; a removed one may still be in the new release, with its deletion date."""
    values = _values(table.table, row)
    before, after = (values, wording.NONE) if kind == REMOVED else (wording.NONE, values)
    refs = _ref(table, row, old), _ref(table, row, new)
    since = row.get("effective_date")
    return Change(kind, wording.keyed(row, table.key), _ROW_NAMES[table.table], before, after, since, *refs)


def _ref(table: TableChanges, row: Mapping[str, Any], release: str | None) -> Ref | None:
    if release is None:
        return None
    key = ["add_on_code"] if table.table == "add_on" else table.key
    return Ref(release, table.table, tuple(str(row[column]) for column in key))


_ROW_NAMES = {"mpfs": "code", "gpci": "locality", "ptp": "PTP edit", "mue": "MUE", "add_on": "add-on pair"}
_SHOWN_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "mpfs": ("status_code", "work_rvu", "nonfacility_total_rvu", "facility_total_rvu", "global_days"),
    "gpci": ("work_gpci", "pe_gpci", "mp_gpci"),
    "ptp": ("ccmi", "effective_date", "deletion_date"),
    "mue": ("mue_value", "mai"),
    "add_on": ("add_on_type", "effective_date", "deletion_date"),
}


def _values(table: str, row: Mapping[str, Any]) -> str:
    columns: Iterable[str] = _SHOWN_COLUMNS.get(table, row.keys())
    return ", ".join(f"{wording.named(column)} {_text(row[column])}" for column in columns if row[column] is not None)


def _text(value: object) -> str:
    return wording.us_date(value) if isinstance(value, date) else str(value)
