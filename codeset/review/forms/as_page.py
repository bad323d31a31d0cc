"""The review as one self-contained page that loads nothing; templates, style and script are in `page/`.

The page's policy allows the one style and the one script that it carries, by their digests, and nothing else.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib.resources import files
from itertools import groupby
from typing import Any

from markupsafe import Markup

from codeset import money, wording
from codeset.errors import extra
from codeset.participants import Participant, participant_label
from codeset.review.code_details import CodeDetail
from codeset.review.first_page import first_page, mover_text, no_change, participant_note
from codeset.review.forms.as_json import decision_digest
from codeset.review.forms.change_groups import change_groups
from codeset.review.forms.families_chart import chart_geometry
from codeset.review.forms.sections import sections
from codeset.review.forms.statement_groups import statement_groups
from codeset.review.model import Review
from codeset.review.payments import NATIONAL, PARTS, Payment, PaymentTable, Range
from codeset.review.source_rows import Ref, SourceRow
from codeset.review.volumes import YEAR_NOTE, Year, YearLine, YearTotal

with extra("review"):
    from jinja2 import Environment, FunctionLoader, StrictUndefined

_EDIT_TABLES = {
    "ptp": "NCCI procedure-to-procedure (PTP) edits",
    "mue": "Medically unlikely edits (MUE)",
    "add_on": "Add-on code edits",
}


@dataclass(frozen=True)
class PaymentRow:
    """A code and modifier in the table of amounts: its payment in each setting shown, and the practice's own units."""

    hcpcs: str
    modifier: str
    family: str
    payments: tuple[Payment | None, ...]
    units: int
    year_cents: int | None
    ref: Ref | None

    @property
    def changed(self) -> bool:
        """Whether an amount differs."""
        return any(payment.changed for payment in self.payments if payment)

    @property
    def change(self) -> int:
        """The change that counts: the practice's own a year, else that of one unit in the first setting with one."""
        if self.year_cents is not None:
            return self.year_cents
        return next((payment.change_cents for payment in self.payments if payment and payment.change_cents), 0) or 0

    @property
    def tags(self) -> str:
        """What the page's filters look for."""
        marks = {"mine": self.units > 0, "loser": self.change < 0, "gainer": self.change > 0, "changed": self.changed}
        return " ".join(name for name, holds in marks.items() if holds)


def review_html(review: Review) -> str:
    """Return *review* as a page; the same review gives the same bytes."""
    environment = Environment(loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = True
    environment.filters |= _FILTERS
    return environment.get_template("review.html.j2").render(**_context(review))


def _asset(name: str) -> str:
    return files("codeset.review.forms").joinpath("page", name).read_text(encoding="utf-8")


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


_FILTERS: Mapping[str, Any] = {
    "capitalized": _capitalized,
    "disposition": wording.disposition,
    "dollars": money.dollars,
    "family": wording.family,
    "named": wording.named,
    "participant_label": participant_label,
    "quarter": wording.quarter,
    "release_title": wording.release_title,
    "rounded": money.rounded_dollars,
    "setting": wording.setting,
    "signed_dollars": money.signed_dollars,
    "signed_rounded": money.signed_rounded_dollars,
    "signed_percent": wording.signed_percent,
    "table_name": wording.table_name,
    "us_date": wording.us_date,
    "verdict": wording.verdict,
}


def _context(review: Review) -> Mapping[str, Any]:
    """Everything that the templates use; the style and the script are our own and go in unescaped."""
    css, js, page = _asset("review.css"), _asset("review.js"), first_page(review)
    participants = list(dict.fromkeys(table.participant for table in review.payments))
    return {
        "r": review,
        "page": page,
        "decision_digest": decision_digest(review),
        "css": Markup(css),  # noqa: S704
        "js": Markup(js),  # noqa: S704
        "codes_data": Markup(_codes_data(review)),  # noqa: S704 (no character that ends a script is in it)
        "policy": _policy(css, js),
        "sections": sections(review),
        "edit_names": _EDIT_TABLES,
        "no_value": wording.NONE,
        "no_change": no_change,
        "percent": wording.percent,
        "ratio": wording.ratio,
        "participant_classes": participants,
        "charts": [chart_geometry(review.payments, participant) for participant in participants],
        "participant_note": partial(participant_note, review=review),
        "payment_rows": partial(payment_rows, review),
        "with_locality_names": partial(_with_locality_names, _locality_names(review)),
        "statement_groups": statement_groups,
        "change_groups": change_groups,
        "mover_text": partial(mover_text, page),
        "own_units": bool(review.years),
        "family_names": partial(_family_names, review),
        "family_range": _family_range,
        "year_families": _year_families(review),
        "year_total": _year_total,
        "year_note": YEAR_NOTE,
        "row_groups": _row_groups(review),
    }


def _policy(css: str, js: str) -> str:
    style, script = (base64.b64encode(sha256(text.encode()).digest()).decode() for text in (css, js))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _locality_names(review: Review) -> dict[str, str]:
    """The name of each locality that has a CMS row in the review: its GPCIs' row begins with it."""
    return {row.key: row.says[0].partition(": ")[0] for row in review.rows if row.ref.table == "gpci" and row.says}


def _with_locality_names(names: Mapping[str, str], keys: str) -> str:
    """The keys of changed rows, those of localities with their names."""
    return ", ".join(f"{key} {names[key]}" if key in names else key for key in keys.split(", "))


def payment_rows(review: Review, participant: Participant | None) -> list[PaymentRow]:
    """Return every code and modifier that has an amount for *participant*, the largest change of dollars first."""
    tables = [table for table in review.payments if table.participant == participant]
    by_key = [{(p.hcpcs, p.modifier): p for p in (*table.rows, *table.unchanged)} for table in tables]
    own = {(line.hcpcs, line.modifier): line for line in _own_lines(review, participant)}
    rows = [_payment_row(key, by_key, own.get(key)) for key in sorted({key for of_table in by_key for key in of_table})]
    return sorted(rows, key=lambda row: (-abs(row.change), row.hcpcs, row.modifier))


def _own_lines(review: Review, participant: Participant | None) -> Sequence[YearLine]:
    return next((year.lines for year in review.years if year.participant == participant), ())


def _payment_row(
    key: tuple[str, str], by_key: Sequence[Mapping[tuple[str, str], Payment]], own: YearLine | None
) -> PaymentRow:
    payments = tuple(of_table.get(key) for of_table in by_key)
    one = next(payment for payment in payments if payment)
    units, cents = (own.units, own.change_cents) if own else (0, None)
    return PaymentRow(*key, one.family, payments, units, cents, one.after.row or one.before.row)


def _codes_data(review: Review) -> str:
    """The data of the panel of each code; "<" is spelled out, so that nothing in it ends the script element."""
    parts: dict[str, dict[str, list[int]]] = {}
    for table in review.payments:
        for payment in table.rows:
            if payment.parts and not payment.modifier:
                cents = [getattr(payment.parts, part) for part in PARTS]
                parts.setdefault(payment.hcpcs, {}).setdefault(wording.setting(table.setting), cents)
    units: dict[str, int] = {}
    for line in review.years[0].lines if review.years else ():
        units[line.hcpcs] = units.get(line.hcpcs, 0) + line.units
    data = {
        "releases": {label: wording.quarter(label) for label in review.history},
        "place": review.place.name if review.place.before_row else "",
        "amounts": _amounts_of(review),
        "codes": {detail.hcpcs: _code_data(detail, parts, units) for detail in review.code_details},
    }
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _amounts_of(review: Review) -> str:
    """Whose the amounts of a panel are: the place, and the participants where they differ."""
    place = review.place.name if review.place.before_row else NATIONAL
    return f"{place}{participant_note(review.factors[0].participant, review)}" if review.factors else place


def _code_data(
    detail: CodeDetail, parts: Mapping[str, Mapping[str, list[int]]], units: Mapping[str, int]
) -> dict[str, Any]:
    rows = [
        [
            row.release,
            row.modifier,
            row.status_code,
            str(row.work_rvu),
            str(row.office_pe_rvu),
            str(row.facility_pe_rvu),
            str(row.mp_rvu),
            row.global_days,
            row.office_cents,
            row.facility_cents,
            row.mue,
        ]
        for row in detail.history
    ]
    edits = {
        "bundles": {indicator: " ".join(codes) for indicator, codes in detail.bundles.items()},
        "into": {indicator: " ".join(codes) for indicator, codes in detail.bundled_into.items()},
    }
    known = {
        "primaries": " ".join(detail.primaries),
        "addOns": " ".join(detail.add_ons),
        "parts": parts.get(detail.hcpcs),
        "units": units.get(detail.hcpcs),
        **edits,
    }
    return {"family": wording.family(detail.family), "rows": rows} | {
        name: value for name, value in known.items() if value
    }


def _family_names(review: Review, participant: Participant | None) -> list[str]:
    tables = [table for table in review.payments if table.participant == participant]
    return list(dict.fromkeys(family.family for table in tables for family in table.families))


def _family_range(table: PaymentTable, family: str) -> Range | None:
    return next((shown for shown in table.families if shown.family == family), None)


def _year_families(review: Review) -> list[str]:
    """Every family of the year; "" is the total, which is enough where no amount changed."""
    if not any(family.change_cents for year in review.years for family in year.families):
        return [""]
    return ["", *dict.fromkeys(total.family for year in review.years for total in year.families)]


def _year_total(year: Year, family: str) -> YearTotal | None:
    return next((total for total in (year.total, *year.families) if total.family == family), None)


def _row_groups(review: Review) -> list[tuple[str, str, str, list[SourceRow]]]:
    grouped = groupby(review.rows, key=lambda row: (row.ref.release, row.ref.table, row.edition))
    return [(release, wording.table_name(table), edition, list(rows)) for (release, table, edition), rows in grouped]
