"""The audit of guidance for people and for programs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from codeset.claims.basis import basis_of
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.suite.guidance.run_guidance import Audited, CmsRow, Verdict
from codeset.wording import guide_heading

ORDER = (Verdict.CONTRADICTED, Verdict.NOT_DECIDABLE, Verdict.CONFIRMED)
"""What a reader must see comes first."""

_MOST_ROWS = 3
"""As many rows as a person reads; the JSON has all."""


def counts(audited: Sequence[Audited]) -> Mapping[str, int]:
    """Return how many statements have each verdict."""
    numbers = Counter(audit.verdict for audit in audited)
    return {verdict.value: numbers[verdict] for verdict in ORDER}


def sentence(audited: Sequence[Audited], release: Release) -> str:
    """Return the counts in one line."""
    numbers = ", ".join(f"{count} {verdict}" for verdict, count in counts(audited).items())
    return f"{release}: {len(audited)} statements; {numbers}"


def table(audited: Sequence[Audited], release: Release) -> Table:
    """Return the audit for people: what is contradicted first."""
    rows = Table(title=sentence(audited, release), title_justify="left", show_lines=True, expand=True)
    rows.add_column("verdict", no_wrap=True)
    for column, share in (("where", 3), ("what is said", 4), ("why, and what is right", 8)):
        rows.add_column(column, ratio=share, overflow="fold")
    for audit in sorted(audited, key=lambda audit: ORDER.index(audit.verdict)):
        where = f"{audit.statement.guide}: {guide_heading(audit.statement.heading)}"
        rows.add_row(audit.verdict.value, *map(escape, (where, audit.statement.says, _why(audit))))
    return rows


def _why(audit: Audited) -> str:
    rows = [str(row) for row in audit.rows[:_MOST_ROWS]]
    more = [f"and {len(audit.rows) - _MOST_ROWS} more"] if len(audit.rows) > _MOST_ROWS else []
    right = [f"Right: {audit.right}"] if audit.right else []
    return "\n".join([f"{audit.why[:1].upper()}{audit.why[1:]}.".replace("..", "."), *rows, *more, *right])


def plain(audited: Sequence[Audited], snapshot: Snapshot) -> Mapping[str, Any]:
    """Return the audit for programs, in the order of the files."""
    return {
        "release": str(snapshot.release),
        **basis_of([snapshot.manifest], None).plain(),
        "counts": counts(audited),
        "statements": [_plain(audit) for audit in audited],
    }


def _plain(audit: Audited) -> Mapping[str, Any]:
    right = audit.right
    return {
        "id": audit.statement.id,
        "guide": audit.statement.guide,
        "heading": audit.statement.heading,
        "says": audit.statement.says,
        "verdict": audit.verdict.value,
        "why": audit.why,
        "rows": [_row(row) for row in audit.rows],
        "right": None if right is None else {"says": right.says, "sources": [str(source) for source in right.sources]},
    }


def _row(row: CmsRow) -> Mapping[str, Any]:
    return {"table": row.table, "key": row.key, "values": dict(row.values), "edition": row.edition}
