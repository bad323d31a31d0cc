"""The review as one self-contained page, with nothing loaded from elsewhere; template, style and script lie in `page/`.

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
from codeset.extras import extra
from codeset.participants import Participant, participant_label
from codeset.review import summary
from codeset.review.chart import families_svg
from codeset.review.model import Review
from codeset.review.payments import PARTS, PaymentTable, Range
from codeset.review.source_rows import SourceRow
from codeset.review.volumes import Year, YearLine, YearTotal

with extra("review"):
    from jinja2 import Environment, FunctionLoader, StrictUndefined

_EDITS = {
    "ptp": "NCCI procedure-to-procedure (PTP) edits",
    "mue": "Medically unlikely edits (MUE)",
    "add_on": "Add-on codes",
}
_PARTS = {"work": "work", "pe": "PE", "mp": "MP", "gpci": "GPCI", "conversion_factor": "conversion factor"}
_SECTIONS = {
    "cautions": "To know first",
    "year": "Your year",
    "payments": "Payment",
    "codes": "Codes new and gone",
    "indicators": "Global periods and indicators",
    "edits": "Edits",
    "scenarios": "Scenarios",
    "pairs": "Pairs",
    "guidance": "Guides",
    "gpci": "Geographic indices",
    "editions": "Editions",
    "sign-off": "Sign-off",
    "rows": "CMS's rows",
}


def review_html(review: Review) -> str:
    """Return *review* as a page; the same review gives the same bytes."""
    environment = Environment(loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = True
    environment.filters |= _filters()
    return environment.get_template("review.html.j2").render(**_shown(review))


def _asset(name: str) -> str:
    return files("codeset.review").joinpath("page", name).read_text(encoding="utf-8")


def _filters() -> dict[str, Any]:
    return {
        "dollars": money.dollars,
        "signed_dollars": money.signed_dollars,
        "signed_percent": wording.signed_percent,
        "setting": wording.setting,
        "participant_label": participant_label,
        "named": wording.named,
        "part_name": _PARTS.__getitem__,
    }


def _shown(review: Review) -> Mapping[str, Any]:
    """What the template may ask for; the style and the script are ours and go in as they are."""
    css, js = _asset("review.css"), _asset("review.js")
    participants = list(dict.fromkeys(each.participant for each in review.payments))
    return {
        "r": review,
        "css": Markup(css),  # noqa: S704
        "js": Markup(js),  # noqa: S704
        "policy": _policy(css, js),
        "sections": [(id_, title) for id_, title in _SECTIONS.items() if id_ != "year" or review.years],
        "told": [each for each in review.counts if each.number or not each.seen],
        "same": [each for each in review.counts if each.seen and not each.number and each.of != 0],
        "edit_names": _EDITS,
        "none_sign": wording.NONE,
        "no_change": summary.no_change,
        "percent": wording.percent,
        "ratio": wording.ratio,
        "classes": participants,
        "charts": [Markup(families_svg(review.payments, each)) for each in participants],  # noqa: S704 (vega escapes texts)
        "for_whom": partial(_for_whom, review),
        "parts": [each for each in PARTS if each != "gpci" or review.place.before != review.place.after],
        "family_names": partial(_family_names, review),
        "family_range": _family_range,
        "year_families": _year_families(review),
        "year_total": _year_total,
        "year_codes": _year_codes(review),
        "row_groups": _row_groups(review),
    }


def _policy(css: str, js: str) -> str:
    style, script = (base64.b64encode(sha256(text.encode()).digest()).decode() for text in (css, js))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _for_whom(review: Review, participant: Participant | None) -> str:
    several = len({each.participant for each in review.factors}) > 1
    return f", {participant_label(participant)}" if several else ""


def _family_names(review: Review, participant: Participant | None) -> list[str]:
    tables = [each for each in review.payments if each.participant == participant]
    return list(dict.fromkeys(each.family for table in tables for each in table.families))


def _family_range(table: PaymentTable, family: str) -> Range | None:
    return next((each for each in table.families if each.family == family), None)


def _year_families(review: Review) -> list[str]:
    """Every family of the year; "" is the total."""
    return ["", *dict.fromkeys(each.family for year in review.years for each in year.families)]


def _year_total(year: Year, family: str) -> YearTotal | None:
    return next((each for each in (year.total, *year.families) if each.family == family), None)


def _year_codes(review: Review) -> list[tuple[YearLine, list[YearLine]]]:
    """Each code of the volumes with its line in every year shown."""
    by_year = [{(each.hcpcs, each.modifier): each for each in (*y.lines, *y.without)} for y in review.years]
    return [(by_year[0][key], [lines[key] for lines in by_year]) for key in sorted(by_year[0])] if by_year else []


def _row_groups(review: Review) -> list[tuple[str, str, str, list[SourceRow]]]:
    grouped = groupby(review.rows, key=lambda each: (each.ref.release, each.ref.table, each.edition))
    return [(release, wording.named(table), edition, list(rows)) for (release, table, edition), rows in grouped]
