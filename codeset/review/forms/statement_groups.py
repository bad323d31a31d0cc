"""Statements of the coding guides for a reader: those of one table of a guide that share their verdict are one row."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from codeset import wording
from codeset.review.guides import Cited, ReviewedStatement


@dataclass(frozen=True)
class StatementGroup:
    """One row: where the guide says what, its verdict on both releases, and why; of several, the first's CMS row."""

    where: str
    says: str
    before: str
    after: str
    why: str
    right: str
    row: Cited | None
    more_rows: int


def statement_groups(statements: Iterable[ReviewedStatement]) -> list[StatementGroup]:
    """Return *statements* in their order; rows of one table with the same verdict on both releases are one."""
    return [_group(list(group)) for _, group in groupby(statements, key=_table_and_verdict)]


def _table_and_verdict(statement: ReviewedStatement) -> tuple[str, ...]:
    table, dot, _ = statement.heading.partition(".")
    name = table if dot else statement.id
    return statement.guide, name, statement.before, statement.after


def _group(statements: list[ReviewedStatement]) -> StatementGroup:
    first, rows = statements[0], [row for statement in statements for row in statement.rows]
    where = f"{first.guide} guide, {wording.guide_heading(first.heading)}"
    says, why = wording.plain(first.says), f"{wording.plain(first.why)}."
    if len(statements) > 1:
        table, _, _ = first.heading.partition(".")
        entries = [statement.heading.partition(".")[2] for statement in statements]
        where = f"{first.guide} guide, {wording.guide_heading(table)}"
        says = f"{len(statements)} rows: {', '.join(entries)}"
        why = f"For example {why if why.startswith(entries[0]) else f'{entries[0]}: {why}'}"
    right = wording.plain(first.right) if len(statements) == 1 else ""
    return StatementGroup(where, says, first.before, first.after, why, right, next(iter(rows), None), len(rows) - 1)
