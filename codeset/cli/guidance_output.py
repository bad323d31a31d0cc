"""The audit of guidance for people and for programs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from codeset.releases import Release
from codeset.suite.guidance.run_guidance import Audited, CmsRow, Verdict

ORDER = (Verdict.CONTRADICTED, Verdict.NOT_DECIDABLE, Verdict.CONFIRMED)
"""What a reader must see comes first."""

_MOST_ROWS = 3
"""As many rows as a person reads; the JSON has all."""


def counts(audited: Sequence[Audited]) -> Mapping[str, int]:
    """Return how many statements have each verdict."""
    found = Counter(each.verdict for each in audited)
    return {verdict.value: found[verdict] for verdict in ORDER}


def sentence(audited: Sequence[Audited], release: Release) -> str:
    """Return the counts in one line."""
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts(audited).items())
    return f"{release}: {len(audited)} statements; {told}"


def table(audited: Sequence[Audited], release: Release) -> Table:
    """Return the audit for people: what is contradicted first."""
    shown = Table(title=sentence(audited, release), title_justify="left", show_lines=True, expand=True)
    shown.add_column("verdict", no_wrap=True)
    for column, share in (("where", 3), ("what is said", 4), ("why, and what is right", 8)):
        shown.add_column(column, ratio=share, overflow="fold")
    for each in sorted(audited, key=lambda each: ORDER.index(each.verdict)):
        where = f"{each.statement.guide}: {each.statement.heading}"
        shown.add_row(each.verdict.value, *map(escape, (where, each.statement.says, _why(each))))
    return shown


def _why(each: Audited) -> str:
    rows = [str(row) for row in each.rows[:_MOST_ROWS]]
    more = [f"and {len(each.rows) - _MOST_ROWS} more"] if len(each.rows) > _MOST_ROWS else []
    right = [f"Right: {each.right}"] if each.right else []
    return "\n".join([f"{each.why[:1].upper()}{each.why[1:]}.".replace("..", "."), *rows, *more, *right])


def plain(audited: Sequence[Audited], release: Release) -> Mapping[str, Any]:
    """Return the audit for programs, in the order of the files."""
    return {
        "release": str(release),
        "counts": counts(audited),
        "statements": [_plain(each) for each in audited],
    }


def _plain(each: Audited) -> Mapping[str, Any]:
    right = each.right
    return {
        "id": each.statement.id,
        "guide": each.statement.guide,
        "heading": each.statement.heading,
        "says": each.statement.says,
        "verdict": each.verdict.value,
        "why": each.why,
        "rows": [_row(row) for row in each.rows],
        "right": None if right is None else {"says": right.says, "sources": [str(source) for source in right.sources]},
    }


def _row(row: CmsRow) -> Mapping[str, Any]:
    return {"table": row.table, "key": row.key, "values": dict(row.values), "edition": row.edition}
