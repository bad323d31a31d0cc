"""The review as a workbook: the first page, then a sheet for each kind of change with every row."""

import io
from collections.abc import Sequence

from codeset import workbook
from codeset.review.first_page import FirstPage, first_page, movers_text
from codeset.review.forms.sections import sheets
from codeset.review.forms.sheet_columns import COUNT
from codeset.review.model import Review
from codeset.workbook import Cell, Sheet


def review_workbook(review: Review) -> bytes:
    """Return *review* as an xlsx workbook; the same review gives the same bytes."""
    xlsx_bytes = io.BytesIO()
    workbook.write(xlsx_bytes, {"review": _opening_sheet(first_page(review)), **sheets(review)})
    return xlsx_bytes.getvalue()


def _opening_sheet(opening_page: FirstPage) -> Sheet:
    """The first page: readiness, money, why, action items with room for owner and date, figures, limitations."""
    readiness = opening_page.readiness
    sheet_rows: list[Sequence[Cell]] = [("Status", readiness.verdict)]
    sheet_rows += [("Readiness", f"{label}: {status}") for label, status in readiness.checks]
    sheet_rows.append(("Summary", opening_page.headline))
    sheet_rows += [(opening_page.impact_title, sentence) for sentence in opening_page.impact]
    mover_labels = (f"Biggest gains ({opening_page.movers_unit})", f"Biggest losses ({opening_page.movers_unit})")
    sheet_rows += [
        (label, cell_text)
        for label, cell_text in zip(mover_labels, movers_text(opening_page), strict=True)
        if cell_text
    ]
    sheet_rows += [("Why", sentence) for sentence in opening_page.why]
    sheet_rows += [
        (
            "Action item",
            ". ".join(filter(None, (action_item.title, action_item.details))),
            None,
            None,
            action_item.file,
            "",
            action_item.due,
        )
        for action_item in opening_page.actions
    ]
    sheet_rows += [
        # Words in a column of numbers: a 0 would read as no change.
        ("Figure", figure.label, "not checked" if figure.unchecked else figure.number, figure.of)
        for figure in opening_page.counts
    ]
    sheet_rows += [("Limitation", f"{cell_text}.") for cell_text in opening_page.limits]
    captions = ("part", "text", "number", "of", "file", "owner", "due")
    column_widths = {0: 24, 1: 100, 2: 12, 3: 12, 4: 22, 5: 20, 6: 12}
    column_formats = {2: COUNT, 3: COUNT, 6: "mm/dd/yyyy"}
    return Sheet(
        sheet_rows,
        captions,
        [opening_page.title, opening_page.subtitle],
        column_formats,
        column_widths,
        {3: "What was compared."},
        frozenset({1}),
    )
