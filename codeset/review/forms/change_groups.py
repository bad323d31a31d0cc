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
    key_groups = [
        _group_of_key(list(key_changes))
        for _, key_changes in groupby(changes, key=lambda change: (change.key, change.kind))
    ]
    groups_by_values: dict[tuple[str, ...], list[ChangeGroup]] = {}
    for key_group in key_groups:
        # Rows of a pair are put together only under one first code: edits of two codes that changed alike are two
        # facts.
        groups_by_values.setdefault(
            (key_group.key.partition(_SEPARATOR)[0] * (_SEPARATOR in key_group.key), *_shared_values(key_group)), []
        ).append(key_group)
    return [_merged_group(similar_groups) for similar_groups in groups_by_values.values()]


def _shared_values(change_group: ChangeGroup) -> tuple[str, ...]:
    return change_group.kind, change_group.what, change_group.before, change_group.after


def _group_of_key(changes: list[Change]) -> ChangeGroup:
    first_change = changes[0]
    deciding_row = first_change.after_row or first_change.before_row
    # Of rows added or removed all values are in one change already.
    if len(changes) == 1 or first_change.kind != CHANGED:
        return ChangeGroup(
            first_change.key,
            first_change.kind,
            first_change.what,
            first_change.before,
            first_change.after,
            deciding_row,
        )
    values_before, values_after = (
        "; ".join(f"{single.what} {getattr(single, moment)}" for single in changes) for moment in ("before", "after")
    )
    return ChangeGroup(
        first_change.key,
        first_change.kind,
        ", ".join(change.what for change in changes),
        values_before,
        values_after,
        deciding_row,
    )


def _merged_group(merged_groups: list[ChangeGroup]) -> ChangeGroup:
    """Pairs of one code are named by it and the others: `G2211 with 99341, 99342`."""
    first_group = merged_groups[0]
    if len(merged_groups) == 1:
        return first_group
    code, separator, _ = first_group.key.partition(_SEPARATOR)
    other_keys = ", ".join(member.key.partition(_SEPARATOR)[2] if separator else member.key for member in merged_groups)
    merged_key = f"{code} with {other_keys}" if separator else other_keys
    return replace(first_group, key=merged_key)
