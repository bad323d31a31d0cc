"""The review as one self-contained page that loads nothing; templates, style and script are in `page/`.

The page's policy allows the one style and the one script that it carries, by their digests, and nothing else.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import groupby
from typing import Any

from markupsafe import Markup

from codeset import money, wording
from codeset.participants import Participant, participant_label
from codeset.review.code_details import CodeDetail
from codeset.review.first_page import first_page, mover_text, no_change, participant_note
from codeset.review.forms.as_json import decision_digest
from codeset.review.forms.change_groups import change_groups
from codeset.review.forms.families_chart import chart_geometry
from codeset.review.forms.page_templates import page_asset, template_environment
from codeset.review.forms.sections import sections
from codeset.review.forms.statement_groups import statement_groups
from codeset.review.model import Review
from codeset.review.payments import NATIONAL, PARTS, Payment, PaymentTable, Range
from codeset.review.source_rows import Ref, SourceRow
from codeset.review.volumes import YEAR_NOTE, Year, YearLine, YearTotal

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
        filter_marks = {
            "mine": self.units > 0,
            "loser": self.change < 0,
            "gainer": self.change > 0,
            "changed": self.changed,
        }
        return " ".join(filter_name for filter_name, is_marked in filter_marks.items() if is_marked)


def review_html(review: Review) -> str:
    """Return *review* as a page; the same review gives the same bytes."""
    environment = template_environment()
    environment.filters |= _FILTERS
    return environment.get_template("review.html.j2").render(**_context(review))


_FILTERS: Mapping[str, Any] = {
    "capitalize_first": wording.capitalize_first,
    "disposition": wording.disposition,
    "dollars": money.dollars,
    "family": wording.family,
    "named": wording.column_label,
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
    style_sheet, script, opening_page = page_asset("review.css"), page_asset("review.js"), first_page(review)
    participants = list(dict.fromkeys(table.participant for table in review.payments))
    return {
        "r": review,
        "page": opening_page,
        "decision_digest": decision_digest(review),
        "css": Markup(style_sheet),  # noqa: S704
        "js": Markup(script),  # noqa: S704
        "codes_data": Markup(_codes_data(review)),  # noqa: S704 (no character that ends a script is in it)
        "policy": _page_policy(style_sheet, script),
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
        "with_locality_names": partial(_keys_with_names, _locality_names(review)),
        "statement_groups": statement_groups,
        "change_groups": change_groups,
        "mover_text": partial(mover_text, opening_page),
        "own_units": bool(review.years),
        "family_names": partial(_family_names, review),
        "family_range": _family_range,
        "year_families": _year_families(review),
        "year_total": _year_total,
        "year_note": YEAR_NOTE,
        "row_groups": _row_groups(review),
    }


def _page_policy(style_sheet: str, script_text: str) -> str:
    style_digest, script_digest = (
        base64.b64encode(sha256(asset_text.encode()).digest()).decode() for asset_text in (style_sheet, script_text)
    )
    return (
        f"default-src 'none'; style-src 'sha256-{style_digest}'; script-src 'sha256-{script_digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _locality_names(review: Review) -> dict[str, str]:
    """The name of each locality that has a CMS row in the review: its GPCIs' row begins with it."""
    return {
        source_row.key: source_row.says[0].partition(": ")[0]
        for source_row in review.rows
        if source_row.ref.table == "gpci" and source_row.says
    }


def _keys_with_names(name_by_locality: Mapping[str, str], keys_text: str) -> str:
    """The keys of changed rows, those of localities with their names."""
    return ", ".join(
        f"{row_key} {name_by_locality[row_key]}" if row_key in name_by_locality else row_key
        for row_key in keys_text.split(", ")
    )


def payment_rows(review: Review, participant: Participant | None) -> list[PaymentRow]:
    """Return every code and modifier that has an amount for *participant*, the largest change of dollars first."""
    payment_tables = [table for table in review.payments if table.participant == participant]
    payments_by_setting = [
        {(payment.hcpcs, payment.modifier): payment for payment in (*table.rows, *table.unchanged)}
        for table in payment_tables
    ]
    year_line_by_code = {(line.hcpcs, line.modifier): line for line in _own_lines(review, participant)}
    all_rows = [
        _payment_row(code_key, payments_by_setting, year_line_by_code.get(code_key))
        for code_key in sorted({code_key for payment_by_code in payments_by_setting for code_key in payment_by_code})
    ]
    return sorted(all_rows, key=lambda payment_row: (-abs(payment_row.change), payment_row.hcpcs, payment_row.modifier))


def _own_lines(review: Review, participant: Participant | None) -> Sequence[YearLine]:
    return next((year.lines for year in review.years if year.participant == participant), ())


def _payment_row(
    code_key: tuple[str, str],
    payments_by_setting: Sequence[Mapping[tuple[str, str], Payment]],
    year_line: YearLine | None,
) -> PaymentRow:
    payments = tuple(payment_by_code.get(code_key) for payment_by_code in payments_by_setting)
    # The family is the code's, and so the same in every setting.
    any_payment = next(payment for payment in payments if payment)
    units, year_cents = (year_line.units, year_line.change_cents) if year_line else (0, None)
    return PaymentRow(
        *code_key, any_payment.family, payments, units, year_cents, any_payment.after.row or any_payment.before.row
    )


def _codes_data(review: Review) -> str:
    """The data of the panel of each code; "<" is spelled out, so that nothing in it ends the script element."""
    parts_by_code: dict[str, dict[str, list[int]]] = {}
    for table in review.payments:
        for payment in table.rows:
            # The panel is of a code: of its components (26, TC) the table of amounts has the split.
            if payment.parts and not payment.modifier:
                part_cents = [getattr(payment.parts, cause) for cause in PARTS]
                parts_by_code.setdefault(payment.hcpcs, {}).setdefault(wording.setting(table.setting), part_cents)
    units_by_code: dict[str, int] = {}
    for line in review.years[0].lines if review.years else ():
        units_by_code[line.hcpcs] = units_by_code.get(line.hcpcs, 0) + line.units
    panel_data = {
        "releases": {label: wording.quarter(label) for label in review.history},
        "place": review.place.name if review.place.before_row else "",
        "amounts": _amounts_label(review),
        "codes": {detail.hcpcs: _code_data(detail, parts_by_code, units_by_code) for detail in review.code_details},
    }
    return json.dumps(panel_data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _amounts_label(review: Review) -> str:
    """Whose the amounts of a panel are: the place, and the participants where they differ."""
    place = review.place.name if review.place.before_row else NATIONAL
    return f"{place}{participant_note(review.factors[0].participant, review)}" if review.factors else place


def _code_data(
    detail: CodeDetail, parts_by_code: Mapping[str, Mapping[str, list[int]]], units_by_code: Mapping[str, int]
) -> dict[str, Any]:
    history_rows = [
        [
            schedule_row.release,
            schedule_row.modifier,
            schedule_row.status_code,
            str(schedule_row.work_rvu),
            str(schedule_row.office_pe_rvu),
            str(schedule_row.facility_pe_rvu),
            str(schedule_row.mp_rvu),
            schedule_row.global_days,
            schedule_row.office_cents,
            schedule_row.facility_cents,
            schedule_row.mue,
        ]
        for schedule_row in detail.history
    ]
    edit_texts = {
        "bundles": {indicator: " ".join(edit_codes) for indicator, edit_codes in detail.bundles.items()},
        "into": {indicator: " ".join(edit_codes) for indicator, edit_codes in detail.bundled_into.items()},
    }
    panel_values = {
        "primaries": " ".join(detail.primaries),
        "addOns": " ".join(detail.add_ons),
        "parts": parts_by_code.get(detail.hcpcs),
        "units": units_by_code.get(detail.hcpcs),
        **edit_texts,
    }
    return {"family": wording.family(detail.family), "rows": history_rows} | {
        field_name: panel_value for field_name, panel_value in panel_values.items() if panel_value
    }


def _family_names(review: Review, participant: Participant | None) -> list[str]:
    payment_tables = [table for table in review.payments if table.participant == participant]
    return list(dict.fromkeys(family.family for table in payment_tables for family in table.families))


def _family_range(table: PaymentTable, family: str) -> Range | None:
    return next((family_range for family_range in table.families if family_range.family == family), None)


def _year_families(review: Review) -> list[str]:
    """Every family of the year; "" is the total, which is enough where no amount changed."""
    if not any(family.change_cents for year in review.years for family in year.families):
        return [""]
    return ["", *dict.fromkeys(total.family for year in review.years for total in year.families)]


def _year_total(year: Year, family: str) -> YearTotal | None:
    return next((total for total in (year.total, *year.families) if total.family == family), None)


def _row_groups(review: Review) -> list[tuple[str, str, str, list[SourceRow]]]:
    # The rows come by release and table (`source_rows`), as `groupby` needs them; a table has one edition.
    rows_by_edition = groupby(
        review.rows, key=lambda source_row: (source_row.ref.release, source_row.ref.table, source_row.edition)
    )
    return [
        (release, wording.table_name(table), edition, list(edition_rows))
        for (release, table, edition), edition_rows in rows_by_edition
    ]
