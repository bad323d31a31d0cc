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
    codes_by_change = (("new", review.new_codes), ("removed", review.gone_codes))
    code_rows = (
        (change_kind, code.hcpcs, code.modifier, wording.family(code.family), cms_row_link(code.row))
        for change_kind, codes in codes_by_change
        for code in codes
    )
    return Sheet(code_rows, ("change", "code", "modifier", "family", "CMS row"), notes={4: ROW_NOTE})


def diagnoses_sheet(review: Review) -> Sheet:
    """Return the sheet of diagnosis codes that changed."""
    diagnoses = review.changes.diagnoses
    diagnosis_rows = [
        *(
            (change.kind, change.diagnosis, wording.family(change.family), change.since, ", ".join(change.others))
            for change in diagnoses.changes
        ),
        *(("not valid for billing", code, "", None, reason_text) for code, reason_text in diagnoses.never_valid),
    ]
    captions = ("change", "code", "family", "since", "replaces or is replaced by")
    return Sheet(diagnosis_rows, captions, formats={3: DAY}, wrapped=frozenset({4}))


def articles_sheet(review: Review) -> Sheet:
    """Return the sheet of coverage articles that changed."""
    article_rows = (article.cells for article in review.changes.diagnoses.articles)
    captions = ("article", "contractor", *release_names(review), "diagnoses added", "diagnoses dropped")
    return Sheet(article_rows, captions, wrapped=frozenset({4, 5}))


def table_changes_sheet(review: Review) -> Sheet:
    """Return the sheet of changed edits, those that our own files explain included."""
    change_rows = (
        (
            wording.table_name(table_review.table),
            change.key,
            change.kind,
            change.what,
            change.before,
            change.after,
            effective_date,
            changed_by,
        )
        for table_review, change, effective_date, changed_by in _changes_with_source(review)
    )
    captions = ("table", "code", "change", "field", *release_names(review), "in effect since", "changed by")
    caption_notes = {
        7: "Our files: the old release on file was built with an older file, so CMS's change may be older."
    }
    return Sheet(change_rows, captions, formats={6: DAY}, notes=caption_notes)


def _changes_with_source(review: Review) -> Iterator[tuple[TableReview, Change, date | None, str]]:
    for table_review in review.tables:
        yield from ((table_review, change, change.since, "CMS") for change in table_review.changes)
        # Shown too, and marked: a reader who misses them here would take them for changes that nobody noticed.
        yield from ((table_review, change, change.since, "our files") for change in table_review.own_changes)


def practice_guide_sheet(review: Review) -> Sheet:
    """Return the sheet of changed figures of the practice guide."""
    figure_rows = ((change.key, change.what, change.before, change.after) for change in review.practice_guide)
    return Sheet(figure_rows, ("code or pair", "figure", *release_names(review)))


def guides_sheet(review: Review) -> Sheet:
    """Return the sheet of statements of guides that changed or are contradicted."""
    # By id: a statement that changed may be contradicted as well, and is one row.
    statement_by_id = {
        statement.id: statement for statement in (*review.guidance.changed, *review.guidance.contradicted)
    }
    statement_rows = map(_statement_cells, statement_by_id.values())
    captions = ("statement", "guide", "heading", "guide says", *release_names(review), "CMS says", "right", "CMS row")
    return Sheet(statement_rows, captions, wrapped=frozenset({3, 6, 7, 8}))


def _statement_cells(statement: ReviewedStatement) -> tuple[Cell, ...]:
    verdicts = (wording.verdict(statement.before), wording.verdict(statement.after))
    answer_texts = (wording.with_column_labels(statement.why), wording.with_column_labels(statement.right))
    cited_rows = "; ".join(cited_row.text for cited_row in statement.rows)
    place_cells = statement.guide, wording.guide_heading(statement.heading)
    return (
        statement.id,
        *place_cells,
        wording.with_column_labels(statement.says),
        *verdicts,
        *answer_texts,
        cited_rows,
    )
