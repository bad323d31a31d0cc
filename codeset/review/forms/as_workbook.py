"""The review as a workbook: the first page, then a sheet for each kind of change with every row."""

import io
from collections.abc import Sequence

from codeset import workbook
from codeset.review.first_page import first_page
from codeset.review.forms.sections import sheets
from codeset.review.model import Review
from codeset.workbook import Cell, Sheet

_COUNT = "#,##0"


def review_workbook(review: Review) -> bytes:
    """Return *review* as an xlsx workbook; the same review gives the same bytes."""
    target = io.BytesIO()
    workbook.write(target, {"review": _first_sheet(review), **sheets(review)})
    return target.getvalue()


def _first_sheet(review: Review) -> Sheet:
    page = first_page(review)
    title = [f"What changed for dermatology billing: {review.old.release} → {review.new.release}"]
    rows: list[Sequence[Cell]] = [("verdict", page.headline)]
    rows += [("count", count.label, count.number if count.seen else "not seen", count.of) for count in page.counts]
    texts = {"cost": page.money, "why": page.why, "asked": [item.text for item in page.asked]}
    rows += [(kind, text) for kind, listed in texts.items() for text in listed]
    rows += [("to know first", f"{text}.") for text in page.cautions]
    notes = {2: "Not seen: both releases rest on the same files.", 3: "What was compared."}
    widths = {0: 16, 1: 100, 2: 12, 3: 12}
    return Sheet(rows, ("kind", "what", "number", "of"), title, {2: _COUNT, 3: _COUNT}, widths, notes, frozenset({1}))
