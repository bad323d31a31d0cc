"""The sections of the review: their order and headings on the page, and the sheets of the workbook.

A section is shown by the macro of its name in `page/parts.html.j2`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from codeset import wording
from codeset.review.decision_basis import DECIDE_SHEET
from codeset.review.forms.sheet_columns import COUNT, ROWS_SHEET
from codeset.review.forms.sheets_of_amounts import (
    claims_sheet,
    codes_of_claims_sheet,
    codes_of_year_sheet,
    families_sheet,
    groups_of_year_sheet,
    payments_sheet,
    year_sheet,
)
from codeset.review.forms.sheets_of_changes import (
    articles_sheet,
    codes_sheet,
    diagnoses_sheet,
    guides_sheet,
    practice_guide_sheet,
    table_changes_sheet,
)
from codeset.review.forms.sheets_of_results import (
    codes_alone_sheet,
    own_differences_sheet,
    pairs_sheet,
    scenarios_sheet,
    to_decide_sheet,
)
from codeset.review.model import Review
from codeset.workbook import Cell, Sheet


@dataclass(frozen=True)
class Section:
    """One section of the page: `id` names it in links and its macro, `title` in the list of sections.

    An appendix is printed only on request.
    """

    id: str
    title: str
    heading: str
    is_appendix: bool = False

    @property
    def macro(self) -> str:
        """The macro of `page/parts.html.j2` that shows it."""
        return f"{self.id.replace('-', '_')}_section"


def sections(review: Review) -> list[Section]:
    """Return the sections that *review* has, in their order on the page."""
    own_differences = review.own_differences or any(table.own_changes for table in review.tables)
    shown_values: dict[str, object] = {"diagnoses": review.changes.diagnoses.is_reportable}
    shown_values |= {"year": review.years, "claims": review.claims, "own-differences": own_differences}
    return [section for section in _SECTIONS if shown_values.get(section.id, True)]


# What must be read before signing comes first, what only supports a figure last.
_SECTIONS = (
    Section("limits", "Limitations", "Limitations — read before you sign"),
    Section("own-differences", "Differences from our files", "Differs because of our files, not CMS"),
    Section("year", "Your year", "Your practice's year"),
    Section("claims", "Your claims", "Your claims under both releases"),
    Section("payments", "Allowed amounts", "Allowed amounts"),
    Section("codes", "New and deleted codes", "New and deleted codes"),
    Section("diagnoses", "Diagnosis codes", "Diagnosis codes (ICD-10-CM)"),
    Section("indicators", "Global periods and indicators", "Global periods and indicators"),
    Section("edits", "Edits", "Edits"),
    Section("scenarios", "Test claims", "Test claims with a new result"),
    Section("pairs", "Code pairs", "Code pairs with a new result"),
    Section("guidance", "Coding guides", "Coding guides"),
    Section("practice-guide", "Practice guide", "Changes in the practice guide", is_appendix=True),
    Section("sign-off", "Sign-off", "Sign-off"),
    Section("gpci", "GPCIs", "Geographic practice cost indices (GPCIs)", is_appendix=True),
    Section("editions", "Source files", "Source files", is_appendix=True),
    Section("rows", "CMS rows", "CMS rows", is_appendix=True),
)


def editions_sheet(review: Review) -> Sheet:
    """Return the sheet of the source files of both releases."""
    edition_rows: Iterable[Sequence[Cell]] = (
        (
            release.release,
            wording.table_name(table.table),
            table.edition,
            table.carried_from or "",
            table.rows,
            file.name,
            file.sha256,
        )
        for release in (review.old, review.new)
        for table in release.editions
        for file in table.files
    )
    captions = ("release", "table", "edition", "carried from", "rows", "CMS file", "SHA-256 checksum")
    return Sheet(edition_rows, captions, formats={4: COUNT})


def rows_sheet(review: Review) -> Sheet:
    """Return the sheet of the CMS rows that figures rest on."""
    source_rows = (
        (
            source_row.ref.anchor,
            source_row.ref.release,
            wording.table_name(source_row.ref.table),
            source_row.edition,
            source_row.file,
            source_row.key,
            "; ".join(source_row.says),
        )
        for source_row in review.rows
    )
    captions = ("CMS row", "release", "table", "edition", "CMS file", "code", "values")
    return Sheet(
        source_rows, captions, wrapped=frozenset({6}), targets=[source_row.ref.anchor for source_row in review.rows]
    )


_SHEETS: Mapping[str, Callable[[Review], Sheet]] = {
    "allowed amounts": payments_sheet,
    "families": families_sheet,
    "year": year_sheet,
    "year by code": codes_of_year_sheet,
    "year by group": groups_of_year_sheet,
    "claims": claims_sheet,
    "claims by code": codes_of_claims_sheet,
    "new and deleted codes": codes_sheet,
    "diagnosis codes": diagnoses_sheet,
    "coverage articles": articles_sheet,
    "edits changed": table_changes_sheet,
    DECIDE_SHEET: to_decide_sheet,
    "not from CMS": own_differences_sheet,
    "test claims": scenarios_sheet,
    "codes alone": codes_alone_sheet,
    "code pairs": pairs_sheet,
    "guides": guides_sheet,
    "practice guide": practice_guide_sheet,
    "source files": editions_sheet,
    ROWS_SHEET: rows_sheet,
}


def sheets(review: Review) -> dict[str, Sheet]:
    """Return the sheets of *review* by name, in their order in the workbook."""
    diagnoses = review.changes.diagnoses
    optional_contents = {
        "year": review.years,
        "claims": review.claims,
        "diagnosis codes": diagnoses.is_reportable,
        "coverage articles": diagnoses.articles,
    }
    # By the beginning of a name: without a year there are no sheets of it by code and by group either.
    empty_sheets = tuple(sheet_name for sheet_name, contents in optional_contents.items() if not contents)
    return {
        sheet_name: sheet(review)
        for sheet_name, sheet in _SHEETS.items()
        if not (empty_sheets and sheet_name.startswith(empty_sheets))
    }
