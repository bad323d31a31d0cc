"""The sheets of what changed: codes, diagnoses, edits, guides."""

from collections.abc import Iterator
from datetime import date

from codeset import wording
from codeset.review.forms.sheet_columns import DAY, ROW_NOTE, cms_row_link, release_names
from codeset.review.guides import ReviewedStatement
from codeset.review.model import Review
from codeset.review.table_changes import Change, TableReview
from codeset.workbook import Cell, Sheet


def codes_sheet(review: Review) -> Sheet:
    """Return the sheet of new and deleted codes."""
    listed = (("new", review.new_codes), ("removed", review.gone_codes))
    rows = (
        (change, code.hcpcs, code.modifier, wording.family(code.family), cms_row_link(code.row))
        for change, codes in listed
        for code in codes
    )
    return Sheet(rows, ("change", "code", "modifier", "family", "CMS row"), notes={4: ROW_NOTE})


def diagnoses_sheet(review: Review) -> Sheet:
    """Return the sheet of diagnosis codes that changed."""
    diagnoses = review.changes.diagnoses
    rows = [
        *(
            (change.kind, change.diagnosis, wording.family(change.family), change.since, ", ".join(change.others))
            for change in diagnoses.changes
        ),
        *(("not valid for billing", code, "", None, why) for code, why in diagnoses.never_valid),
    ]
    columns = ("change", "code", "family", "since", "replaces or is replaced by")
    return Sheet(rows, columns, formats={3: DAY}, wrapped=frozenset({4}))


def articles_sheet(review: Review) -> Sheet:
    """Return the sheet of coverage articles that changed."""
    rows = (article.cells for article in review.changes.diagnoses.articles)
    columns = ("article", "contractor", *release_names(review), "diagnoses added", "diagnoses dropped")
    return Sheet(rows, columns, wrapped=frozenset({4, 5}))


def table_changes_sheet(review: Review) -> Sheet:
    """Return the sheet of changed edits, those that our own files explain included."""
    rows = (
        (
            wording.table_name(table.table),
            change.key,
            change.kind,
            change.what,
            change.before,
            change.after,
            since,
            source,
        )
        for table, change, since, source in _changes_with_source(review)
    )
    columns = ("table", "code", "change", "field", *release_names(review), "in effect since", "changed by")
    notes = {7: "Our files: the old release on file was built with an older file, so CMS's change may be older."}
    return Sheet(rows, columns, formats={6: DAY}, notes=notes)


def _changes_with_source(review: Review) -> Iterator[tuple[TableReview, Change, date | None, str]]:
    for table in review.tables:
        yield from ((table, change, change.since, "CMS") for change in table.changes)
        yield from ((table, change, change.since, "our files") for change in table.own_changes)


def practice_guide_sheet(review: Review) -> Sheet:
    """Return the sheet of changed figures of the practice guide."""
    rows = ((change.key, change.what, change.before, change.after) for change in review.practice_guide)
    return Sheet(rows, ("code or pair", "figure", *release_names(review)))


def guides_sheet(review: Review) -> Sheet:
    """Return the sheet of statements of guides that changed or are contradicted."""
    listed = {statement.id: statement for statement in (*review.guidance.changed, *review.guidance.contradicted)}
    rows = map(_statement, listed.values())
    header = ("statement", "guide", "heading", "guide says", *release_names(review), "CMS says", "right", "CMS row")
    return Sheet(rows, header, wrapped=frozenset({3, 6, 7, 8}))


def _statement(statement: ReviewedStatement) -> tuple[Cell, ...]:
    verdicts = (wording.verdict(statement.before), wording.verdict(statement.after))
    texts = (wording.plain(statement.why), wording.plain(statement.right))
    cited = "; ".join(row.text for row in statement.rows)
    where = statement.guide, wording.guide_heading(statement.heading)
    return (statement.id, *where, wording.plain(statement.says), *verdicts, *texts, cited)
