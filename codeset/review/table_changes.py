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

ADDED, REMOVED, CHANGED, REVERSED, RETROACTIVE = "added", "removed", "changed", "reversed", "retroactive"


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


def table_reviews(
    changes: Changes, changes_by_cms: Changes, outdated_reasons: Mapping[str, str]
) -> tuple[TableReview, ...]:
    """Return every table of *changes*; *changes_by_cms* are those from the baseline.

    *outdated_reasons* says why the baseline has another table than the old release, by table.
    """
    return tuple(
        _table_review(
            changes, table_name, table_changes, changes_by_cms.tables[table_name], outdated_reasons.get(table_name, "")
        )
        for table_name, table_changes in changes.tables.items()
    )


def _table_review(
    changes: Changes, table_name: str, table_changes: TableChanges, changes_by_cms: TableChanges, outdated_reason: str
) -> TableReview:
    releases = str(changes.old.release), str(changes.new.release)
    rvu_changes = (
        table_changes.changed.filter(pl.col("column").is_in(RVU_COLUMNS))
        if table_name == "mpfs"
        else table_changes.changed.clear()
    )
    carried_quarters = changes.old.tables[table_name].carried_from, changes.new.tables[table_name].carried_from
    base_releases = {(releases[0], table_name): releases[1]} if outdated_reason else {}
    cms_changes = with_releases(tuple(_differences(changes_by_cms, releases)), base_releases)
    facts_by_cms = {_fact_without_rows(change) for change in cms_changes}
    return TableReview(
        table=table_name,
        holds=TABLES[table_name].holds,
        compared=table_changes.compared,
        same_files=table_changes.same_files,
        carried_from=carried_quarters,
        unchecked=_why_unchecked(table_changes, outdated_reason, carried_quarters[1]),
        count=changes_by_cms.count,
        changes=cms_changes,
        own_changes=tuple(
            change for change in _differences(table_changes, releases) if _fact_without_rows(change) not in facts_by_cms
        ),
        rvus=rvu_changes.select(table_changes.key).n_unique(),
        remarks=tuple(sorted(changes_by_cms.remarks.items())),
    )


def _fact_without_rows(change: Change) -> tuple[str, ...]:
    # Without its rows: the same fact has other rows when it is compared from the baseline.
    return change.kind, change.key, change.what, change.before, change.after


def _why_unchecked(table_changes: TableChanges, outdated_reason: str, carried_quarter: str | None) -> str:
    """Without dates in its rows, an older file does not show when CMS changed them."""
    if table_changes.same_files:
        return (
            f"both quarters use the {wording.quarter(carried_quarter)} file"
            if carried_quarter
            else "both quarters use the same file"
        )
    return outdated_reason if outdated_reason and not TABLES[table_changes.table].dated else ""


def _differences(table_changes: TableChanges, releases: tuple[str, str]) -> Iterator[Change]:
    old_release, new_release = releases
    for table_row in table_changes.added.iter_rows(named=True):
        yield _row_change(ADDED, table_changes, table_row, None, new_release)
    for table_row in table_changes.removed.iter_rows(named=True):
        # An edit that ended is still in the new file, with its deletion date; a code that left the fee schedule is not.
        yield _row_change(
            REMOVED, table_changes, table_row, old_release, new_release if TABLES[table_changes.table].dated else None
        )
    for table_row in table_changes.flipped.iter_rows(named=True):
        # Also among the added edits: a scrubber that has the pair the other way round would deny the wrong code.
        yield _row_change(REVERSED, table_changes, table_row, None, new_release)
    for table_row in table_changes.past.iter_rows(named=True):
        yield _row_change(RETROACTIVE, table_changes, table_row, None, new_release)
    changed_cells = facts.indicators(table_changes) if table_changes.table == "mpfs" else table_changes.changed
    for table_row in changed_cells.iter_rows(named=True):
        value_before, value_after = (table_row[column] or wording.NONE for column in ("before", "after"))
        row_refs = _row_ref(table_changes, table_row, old_release), _row_ref(table_changes, table_row, new_release)
        yield Change(
            CHANGED,
            wording.row_label(table_row, table_changes.key),
            wording.column_label(table_row["column"]),
            value_before,
            value_after,
            None,
            *row_refs,
        )


def _row_change(
    change_kind: str,
    table_changes: TableChanges,
    table_row: Mapping[str, Any],
    old_release: str | None,
    new_release: str | None,
) -> Change:
    """A row added or removed; a removed one may still be in the new release, with its deletion date."""
    row_values = _values_in_words(table_changes.table, table_row)
    values_before, values_after = (row_values, wording.NONE) if change_kind == REMOVED else (wording.NONE, row_values)
    row_refs = _row_ref(table_changes, table_row, old_release), _row_ref(table_changes, table_row, new_release)
    effective_date = table_row.get("effective_date")
    return Change(
        change_kind,
        wording.row_label(table_row, table_changes.key),
        _ROW_NAMES[table_changes.table],
        values_before,
        values_after,
        effective_date,
        *row_refs,
    )


def _row_ref(table_changes: TableChanges, table_row: Mapping[str, Any], release: str | None) -> Ref | None:
    if release is None:
        return None
    # An add-on code is one row with all of its primaries, as in `source_rows`.
    key_columns = ["add_on_code"] if table_changes.table == "add_on" else table_changes.key
    return Ref(release, table_changes.table, tuple(str(table_row[column]) for column in key_columns))


_ROW_NAMES = {"mpfs": "code", "gpci": "locality", "ptp": "PTP edit", "mue": "MUE", "add_on": "add-on pair"}
_SHOWN_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "mpfs": ("status_code", "work_rvu", "nonfacility_total_rvu", "facility_total_rvu", "global_days"),
    "gpci": ("work_gpci", "pe_gpci", "mp_gpci"),
    "ptp": ("ccmi", "effective_date", "deletion_date"),
    "mue": ("mue_value", "mai"),
    "add_on": ("add_on_type", "effective_date", "deletion_date"),
}


def _values_in_words(table_name: str, table_row: Mapping[str, Any]) -> str:
    shown_columns: Iterable[str] = _SHOWN_COLUMNS.get(table_name, table_row.keys())
    return ", ".join(
        f"{wording.column_label(column)} {_value_in_words(table_row[column])}"
        for column in shown_columns
        if table_row[column] is not None
    )


def _value_in_words(cell_value: object) -> str:
    return wording.us_date(cell_value) if isinstance(cell_value, date) else str(cell_value)
