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
    # Statements of one table of a guide follow each other, as `groupby` needs them.
    return [_statement_group(list(group)) for _, group in groupby(statements, key=_table_and_verdict)]


def _table_and_verdict(statement: ReviewedStatement) -> tuple[str, ...]:
    # A heading is `table.row`; a statement from the guide's text has no row, and is a group of its own.
    guide_table, separator, _ = statement.heading.partition(".")
    row_group = guide_table if separator else statement.id
    return statement.guide, row_group, statement.before, statement.after


def _statement_group(statements: list[ReviewedStatement]) -> StatementGroup:
    first_statement, cited_rows = statements[0], [cited_row for statement in statements for cited_row in statement.rows]
    heading_text = f"{first_statement.guide} guide, {wording.guide_heading(first_statement.heading)}"
    claim_text, reason_text = (
        wording.with_column_labels(first_statement.says),
        f"{wording.with_column_labels(first_statement.why)}.",
    )
    if len(statements) > 1:
        guide_table, _, _ = first_statement.heading.partition(".")
        row_names = [statement.heading.partition(".")[2] for statement in statements]
        heading_text = f"{first_statement.guide} guide, {wording.guide_heading(guide_table)}"
        claim_text = f"{len(statements)} rows: {', '.join(row_names)}"
        reason_text = (
            f"For example {reason_text if reason_text.startswith(row_names[0]) else f'{row_names[0]}: {reason_text}'}"
        )
    # Of several rows each has a right value of its own: the rows themselves are in the workbook.
    right_value = wording.with_column_labels(first_statement.right) if len(statements) == 1 else ""
    return StatementGroup(
        heading_text,
        claim_text,
        first_statement.before,
        first_statement.after,
        reason_text,
        right_value,
        next(iter(cited_rows), None),
        len(cited_rows) - 1,
    )
