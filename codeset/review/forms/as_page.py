"""The review as one self-contained page that loads nothing; templates, style and script are in `page/`.

The page's policy allows the one style and the one script that it carries, by their digests, and nothing else.
"""

import base64
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from importlib.resources import files
from itertools import groupby
from typing import Any

from markupsafe import Markup

from codeset import money, wording
from codeset.errors import extra
from codeset.participants import Participant, participant_label
from codeset.review.first_page import first_page, no_change, participant_note
from codeset.review.forms.families_chart import chart_geometry
from codeset.review.forms.sections import sections
from codeset.review.model import Review
from codeset.review.payments import PARTS, PaymentTable, Range
from codeset.review.source_rows import SourceRow
from codeset.review.volumes import YEAR_NOTE, Year, YearLine, YearTotal

with extra("review"):
    from jinja2 import Environment, FunctionLoader, StrictUndefined

_EDIT_TABLES = {
    "ptp": "NCCI procedure-to-procedure (PTP) edits",
    "mue": "Medically unlikely edits (MUE)",
    "add_on": "Add-on codes",
}
_PART_NAMES = {"work": "work", "pe": "PE", "mp": "MP", "gpci": "GPCI", "conversion_factor": "conversion factor"}


def review_html(review: Review) -> str:
    """Return *review* as a page; the same review gives the same bytes."""
    environment = Environment(loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = True
    environment.filters |= _FILTERS
    return environment.get_template("review.html.j2").render(**_context(review))


def _asset(name: str) -> str:
    return files("codeset.review.forms").joinpath("page", name).read_text(encoding="utf-8")


_FILTERS: Mapping[str, Any] = {
    "dollars": money.dollars,
    "signed_dollars": money.signed_dollars,
    "signed_percent": wording.signed_percent,
    "setting": wording.setting,
    "participant_label": participant_label,
    "named": wording.named,
    "disposition": wording.disposition,
    "part_name": _PART_NAMES.__getitem__,
}


def _context(review: Review) -> Mapping[str, Any]:
    """Everything that the templates use; the style and the script are our own and go in unescaped."""
    css, js = _asset("review.css"), _asset("review.js")
    page = first_page(review)
    participants = list(dict.fromkeys(table.participant for table in review.payments))
    return {
        "r": review,
        "page": page,
        "css": Markup(css),  # noqa: S704
        "js": Markup(js),  # noqa: S704
        "policy": _policy(css, js),
        "sections": sections(review),
        "shown_counts": [count for count in page.counts if count.number or not count.seen],
        "unchanged_counts": [count for count in page.counts if count.seen and not count.number and count.of != 0],
        "edit_names": _EDIT_TABLES,
        "no_value": wording.NONE,
        "no_change": no_change,
        "percent": wording.percent,
        "ratio": wording.ratio,
        "participant_classes": participants,
        "charts": [chart_geometry(review.payments, participant) for participant in participants],
        "participant_note": partial(participant_note, review=review),
        "parts": [part for part in PARTS if part != "gpci" or review.place.before != review.place.after],
        "family_names": partial(_family_names, review),
        "family_range": _family_range,
        "year_families": _year_families(review),
        "year_total": _year_total,
        "year_codes": _year_codes(review),
        "year_note": YEAR_NOTE,
        "row_groups": _row_groups(review),
    }


def _policy(css: str, js: str) -> str:
    style, script = (base64.b64encode(sha256(text.encode()).digest()).decode() for text in (css, js))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _family_names(review: Review, participant: Participant | None) -> list[str]:
    tables = [table for table in review.payments if table.participant == participant]
    return list(dict.fromkeys(family.family for table in tables for family in table.families))


def _family_range(table: PaymentTable, family: str) -> Range | None:
    return next((shown for shown in table.families if shown.family == family), None)


def _year_families(review: Review) -> list[str]:
    """Every family of the year; "" is the total."""
    return ["", *dict.fromkeys(total.family for year in review.years for total in year.families)]


def _year_total(year: Year, family: str) -> YearTotal | None:
    return next((total for total in (year.total, *year.families) if total.family == family), None)


def _year_codes(review: Review) -> list[tuple[YearLine, list[YearLine]]]:
    """Each code of the volumes with its line in every year shown."""
    by_year = [{(line.hcpcs, line.modifier): line for line in (*y.without, *y.lines)} for y in review.years]
    return [(by_year[0][key], [lines[key] for lines in by_year]) for key in sorted(by_year[0])] if by_year else []


def _row_groups(review: Review) -> list[tuple[str, str, str, list[SourceRow]]]:
    grouped = groupby(review.rows, key=lambda row: (row.ref.release, row.ref.table, row.edition))
    return [(release, wording.named(table), edition, list(rows)) for (release, table, edition), rows in grouped]
