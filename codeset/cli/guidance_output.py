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

VERDICT_ORDER = (Verdict.CONTRADICTED, Verdict.NOT_DECIDABLE, Verdict.CONFIRMED)
"""What a reader must see comes first."""

_MOST_ROWS = 3
"""As many rows as a person reads; the JSON has all."""


def verdict_counts(audited_statements: Sequence[Audited]) -> Mapping[str, int]:
    """Return how many statements have each verdict."""
    verdict_numbers = Counter(audited_statement.verdict for audited_statement in audited_statements)
    return {verdict.value: verdict_numbers[verdict] for verdict in VERDICT_ORDER}


def counts_sentence(audited_statements: Sequence[Audited], release: Release) -> str:
    """Return the counts in one line."""
    counts_text = ", ".join(
        f"{statement_count} {verdict}" for verdict, statement_count in verdict_counts(audited_statements).items()
    )
    return f"{release}: {len(audited_statements)} statements; {counts_text}"


def guidance_table(audited_statements: Sequence[Audited], release: Release) -> Table:
    """Return the audit for people: what is contradicted first."""
    audit_table = Table(
        title=counts_sentence(audited_statements, release), title_justify="left", show_lines=True, expand=True
    )
    audit_table.add_column("verdict", no_wrap=True)
    for heading, width_ratio in (("where", 3), ("what is said", 4), ("why, and what is right", 8)):
        audit_table.add_column(heading, ratio=width_ratio, overflow="fold")
    for audited_statement in sorted(
        audited_statements, key=lambda audited_statement: VERDICT_ORDER.index(audited_statement.verdict)
    ):
        guide_and_heading = f"{audited_statement.statement.guide}: {guide_heading(audited_statement.statement.heading)}"
        audit_table.add_row(
            audited_statement.verdict.value,
            *map(escape, (guide_and_heading, audited_statement.statement.says, _explanation(audited_statement))),
        )
    return audit_table


def _explanation(audited_statement: Audited) -> str:
    row_texts = [str(row) for row in audited_statement.rows[:_MOST_ROWS]]
    further_rows = (
        [f"and {len(audited_statement.rows) - _MOST_ROWS} more"] if len(audited_statement.rows) > _MOST_ROWS else []
    )
    correction = [f"Right: {audited_statement.right}"] if audited_statement.right else []
    return "\n".join(
        [
            # A reason may end with a full stop already.
            f"{audited_statement.why[:1].upper()}{audited_statement.why[1:]}.".replace("..", "."),
            *row_texts,
            *further_rows,
            *correction,
        ]
    )


def guidance_json(audited_statements: Sequence[Audited], snapshot: Snapshot) -> Mapping[str, Any]:
    """Return the audit for programs, in the order of the files."""
    return {
        "release": str(snapshot.release),
        **basis_of([snapshot.manifest], None).plain(),
        "counts": verdict_counts(audited_statements),
        "statements": [_statement_json(audited_statement) for audited_statement in audited_statements],
    }


def _statement_json(audited_statement: Audited) -> Mapping[str, Any]:
    correction = audited_statement.right
    return {
        "id": audited_statement.statement.id,
        "guide": audited_statement.statement.guide,
        "heading": audited_statement.statement.heading,
        "says": audited_statement.statement.says,
        "verdict": audited_statement.verdict.value,
        "why": audited_statement.why,
        "rows": [_row_json(row) for row in audited_statement.rows],
        "right": None
        if correction is None
        else {"says": correction.says, "sources": [str(source) for source in correction.sources]},
    }


def _row_json(cms_row: CmsRow) -> Mapping[str, Any]:
    return {"table": cms_row.table, "key": cms_row.key, "values": dict(cms_row.values), "edition": cms_row.edition}
