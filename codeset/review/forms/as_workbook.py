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
    target = io.BytesIO()
    workbook.write(target, {"review": _first_sheet(first_page(review)), **sheets(review)})
    return target.getvalue()


def _first_sheet(page: FirstPage) -> Sheet:
    """The first page: readiness, money, why, action items with room for owner and date, figures, limitations."""
    ready = page.readiness
    rows: list[Sequence[Cell]] = [("Status", ready.verdict)]
    rows += [("Readiness", f"{name}: {status}") for name, status in ready.checks]
    rows.append(("Summary", page.headline))
    rows += [(page.impact_title, sentence) for sentence in page.impact]
    names = (f"Biggest gains ({page.movers_unit})", f"Biggest losses ({page.movers_unit})")
    rows += [(name, text) for name, text in zip(names, movers_text(page), strict=True) if text]
    rows += [("Why", sentence) for sentence in page.why]
    rows += [
        ("Action item", ". ".join(filter(None, (item.title, item.details))), None, None, item.file, "", item.due)
        for item in page.actions
    ]
    rows += [
        ("Figure", count.label, "not checked" if count.unchecked else count.number, count.of) for count in page.counts
    ]
    rows += [("Limitation", f"{text}.") for text in page.limits]
    header = ("part", "text", "number", "of", "file", "owner", "due")
    widths = {0: 24, 1: 100, 2: 12, 3: 12, 4: 22, 5: 20, 6: 12}
    formats = {2: COUNT, 3: COUNT, 6: "mm/dd/yyyy"}
    return Sheet(rows, header, [page.title, page.subtitle], formats, widths, {3: "What was compared."}, frozenset({1}))
