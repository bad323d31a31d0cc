"""Changed rows for a reader: rows alike are one row, and all changed fields of one code or locality are one row."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from codeset.review.source_rows import Ref
from codeset.review.table_changes import CHANGED, Change

_SEPARATOR = " / "


@dataclass(frozen=True)
class ChangeGroup:
    """One row: the code, pair or locality (or several that changed alike), what changed, before and after."""

    key: str
    kind: str
    what: str
    before: str
    after: str
    row: Ref | None


def change_groups(changes: Iterable[Change]) -> list[ChangeGroup]:
    """Return *changes* in their order, alike ones at the place of the first."""
    rows = [_of_one_key(list(group)) for _, group in groupby(changes, key=lambda change: (change.key, change.kind))]
    alike: dict[tuple[str, ...], list[ChangeGroup]] = {}
    for row in rows:
        # Rows of a pair are put together only under one first code: edits of two codes that changed alike are two
        # facts.
        alike.setdefault((row.key.partition(_SEPARATOR)[0] * (_SEPARATOR in row.key), *_values(row)), []).append(row)
    return [_merged(group) for group in alike.values()]


def _values(row: ChangeGroup) -> tuple[str, ...]:
    return row.kind, row.what, row.before, row.after


def _of_one_key(changes: list[Change]) -> ChangeGroup:
    first = changes[0]
    row = first.after_row or first.before_row
    if len(changes) == 1 or first.kind != CHANGED:
        return ChangeGroup(first.key, first.kind, first.what, first.before, first.after, row)
    before, after = ("; ".join(f"{c.what} {getattr(c, when)}" for c in changes) for when in ("before", "after"))
    return ChangeGroup(first.key, first.kind, ", ".join(change.what for change in changes), before, after, row)


def _merged(rows: list[ChangeGroup]) -> ChangeGroup:
    """Pairs of one code are named by it and the others: `G2211 with 99341, 99342`."""
    first = rows[0]
    if len(rows) == 1:
        return first
    code, separator, _ = first.key.partition(_SEPARATOR)
    others = ", ".join(row.key.partition(_SEPARATOR)[2] if separator else row.key for row in rows)
    key = f"{code} with {others}" if separator else others
    return replace(first, key=key)
