"""The sheets of money: allowed amounts, families, the practice's year, and its claims."""

from collections.abc import Sequence

from codeset import wording
from codeset.impact.claims_impact import ImpactTotal
from codeset.impact.claims_impact import LineResult as LineOfClaim
from codeset.money import decimal_dollars, dollars, signed_dollars
from codeset.participants import participant_label
from codeset.review.forms.sheet_columns import (
    CHANGE_HEADER,
    COUNT,
    MONEY,
    PERCENT,
    ROW_NOTE,
    ROWS_HEADER,
    RVU,
    SIGNED,
    both_rows,
    cms_row_link,
    release_names,
    setting_and_participant,
)
from codeset.review.model import Review
from codeset.review.payments import PARTS, Payment
from codeset.review.volumes import YEAR_NOTE, YearLine, YearTotal
from codeset.workbook import Cell, Sheet

_SPLIT_NOTE = (
    "Each RVU's change at the old GPCIs and the old conversion factor; then the GPCIs' on the new RVUs; last the "
    "conversion factor's on the new RVUs and GPCIs. Rounding differences are in the largest part: the parts add "
    "up to the change."
)
# By column, counted from 0, as in every sheet here.
_YEAR_FORMATS = {4: COUNT, 5: MONEY, 6: MONEY, 7: SIGNED, 8: PERCENT}


def payments_sheet(review: Review) -> Sheet:
    """Return the sheet of each code whose amount changed, largest first."""
    rvu_captions = [f"{rvu_kind} RVU {moment}" for rvu_kind in ("work", "PE", "MP") for moment in ("before", "after")]
    captions = ("code", "modifier", "family", "setting", "QP status", *release_names(review), *CHANGE_HEADER)
    part_captions = [
        f"change due to {cause}" for cause in ("work RVU", "PE RVU", "MP RVU", "GPCI", "conversion factor")
    ]
    payments = [payment for table in review.payments for payment in table.rows]
    # By dollars and not by percent: a reader looks for what moves the revenue. An amount that is new has no change.
    payments_by_size = sorted(payments, key=lambda payment: -abs(payment.change_cents or 0))
    payment_rows = map(_payment_cells, payments_by_size)
    number_formats = {5: MONEY, 6: MONEY, **dict.fromkeys((7, *range(9, 14)), SIGNED), 8: PERCENT}
    number_formats |= dict.fromkeys(range(14, 20), RVU)
    caption_notes = {5: f"Medicare allowed amount, {review.place.name}.", 9: _SPLIT_NOTE, 20: ROW_NOTE}
    columns = (
        *captions,
        *part_captions,
        *rvu_captions,
        *ROWS_HEADER,
        "not priced before because",
        "not priced after because",
    )
    return Sheet(payment_rows, columns, formats=number_formats, notes=caption_notes)


def _payment_cells(payment: Payment) -> Sequence[Cell]:
    side_before, side_after = payment.before, payment.after
    part_dollars = [decimal_dollars(getattr(payment.parts, cause)) if payment.parts else None for cause in PARTS]
    rvu_values = [
        getattr(side.rvus, rvu_kind) if side.rvus else None
        for rvu_kind in ("work", "pe", "mp")
        for side in (side_before, side_after)
    ]
    return (
        payment.hcpcs,
        payment.modifier,
        wording.family(payment.family),
        *setting_and_participant(payment),
        decimal_dollars(side_before.cents),
        decimal_dollars(side_after.cents),
        decimal_dollars(payment.change_cents),
        payment.ratio,
        *part_dollars,
        *rvu_values,
        cms_row_link(side_before.row),
        cms_row_link(side_after.row),
        side_before.lacks,
        side_after.lacks,
    )


def families_sheet(review: Review) -> Sheet:
    """Return the sheet of the change of each family, by setting."""
    family_rows = (
        (
            wording.family(family.family),
            *setting_and_participant(table),
            family.codes,
            family.changed,
            family.least,
            family.median,
            family.most,
        )
        for table in review.payments
        for family in table.families
    )
    captions = ("family", "setting", "QP status", "amounts", "changed", "smallest", "median", "largest")
    caption_notes = {6: "The lower of the two in the middle."}
    return Sheet(family_rows, captions, formats=dict.fromkeys((5, 6, 7), PERCENT), notes=caption_notes)


def year_sheet(review: Review) -> Sheet:
    """Return the sheet of the practice's year by family, with its totals."""
    family_rows = (
        (wording.family(total.family), *setting_and_participant(year), total.codes, *_amounts_of_year(total))
        for year in review.years
        for total in year.families
    )
    captions = ("family", "setting", "QP status", "codes", "units", *release_names(review), *CHANGE_HEADER)
    return Sheet(family_rows, captions, _year_totals(review), formats=_YEAR_FORMATS, notes={5: YEAR_NOTE})


def _year_totals(review: Review) -> list[str]:
    """The totals of a year, above the rows that a filter hides."""
    title_lines = ["Your year"]
    for year in review.years:
        year_total = year.total
        percent_change = wording.percent(year_total.before_cents, year_total.after_cents)
        title_lines.append(
            f"All, {', '.join(setting_and_participant(year))}: {dollars(year_total.before_cents)} → "
            f"{dollars(year_total.after_cents)}, {signed_dollars(year_total.change_cents)} ({percent_change})"
        )
    return title_lines


def codes_of_year_sheet(review: Review) -> Sheet:
    """Return the sheet of the practice's year by code."""
    code_rows = (
        (
            year_line.hcpcs,
            year_line.modifier,
            *setting_and_participant(year),
            *_amounts_of_year(year_line),
            wording.family(year_line.family),
            year_line.lacks,
            *both_rows(year_line),
        )
        for year in review.years
        for year_line in (*year.lines, *year.without)
    )
    captions = ("code", "modifier", "setting", "QP status", "units", *release_names(review), *CHANGE_HEADER)
    all_captions = (*captions, "family", "not priced because", *ROWS_HEADER)
    caption_notes = {10: "Such a code is in no total.", 11: ROW_NOTE}
    return Sheet(code_rows, all_captions, _year_totals(review), formats=_YEAR_FORMATS, notes=caption_notes)


def groups_of_year_sheet(review: Review) -> Sheet:
    """Return the sheet of the practice's year by place of service, provider, payer and locality."""
    group_rows = (
        (
            wording.column_label(group.by),
            total.family,
            *setting_and_participant(year),
            total.codes,
            *_amounts_of_year(total),
        )
        for year in review.years
        for group in year.groups
        for total in group.totals
    )
    captions = ("by", "value", "setting", "QP status", "codes", "units", *release_names(review), *CHANGE_HEADER)
    # One column more than the other sheets of the year: `by` and `value` are in place of the family or the code.
    shifted_formats = {column + 1: number_format for column, number_format in _YEAR_FORMATS.items()}
    return Sheet(group_rows, captions, formats=shifted_formats, notes={6: YEAR_NOTE})


def _amounts_of_year(year_amounts: YearTotal | YearLine) -> tuple[Cell, ...]:
    both_amounts = (year_amounts.before_cents, year_amounts.after_cents)
    return (
        year_amounts.units,
        *map(decimal_dollars, (*both_amounts, year_amounts.change_cents)),
        wording.ratio(*both_amounts),
    )


def claims_sheet(review: Review) -> Sheet:
    """Return the sheet of the practice's claim lines with a new result."""
    line_rows = (
        (
            claim_line.claim_id,
            claim_line.line,
            claim_line.date_of_service,
            claim_line.hcpcs,
            claim_line.modifiers,
            claim_line.units,
            participant_label(impact.participant),
            *(
                cell
                for line_result in (claim_line.before, claim_line.after)
                for cell in _claim_result_cells(line_result)
            ),
            decimal_dollars(claim_line.change_cents),
        )
        for impact in review.claims
        for claim_line in impact.changed
    )
    result_captions = (
        f"{caption} {release}" for release in release_names(review) for caption in ("result", "allowed", "deciding row")
    )
    captions = ("claim", "line", "date", "code", "modifiers", "units", "QP status", *result_captions, "change")
    return Sheet(line_rows, captions, formats={8: MONEY, 11: MONEY, 13: SIGNED})


def _claim_result_cells(line_result: LineOfClaim) -> tuple[Cell, ...]:
    return (wording.disposition(line_result.disposition), decimal_dollars(line_result.cents), line_result.row)


def codes_of_claims_sheet(review: Review) -> Sheet:
    """Return the sheet of the practice's claims by code."""
    code_rows = (
        (code_total.name, participant_label(impact.participant), code_total.lines, *_amounts_of_claims(code_total))
        for impact in review.claims
        for code_total in impact.codes
    )
    captions = ("code", "QP status", "lines", *release_names(review), *CHANGE_HEADER)
    return Sheet(code_rows, captions, formats={2: COUNT, 3: MONEY, 4: MONEY, 5: SIGNED, 6: PERCENT})


def _amounts_of_claims(code_total: ImpactTotal) -> tuple[Cell, ...]:
    both_amounts = (code_total.before_cents, code_total.after_cents)
    return (*map(decimal_dollars, (*both_amounts, code_total.change_cents)), wording.ratio(*both_amounts))
