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
_YEAR_FORMATS = {4: COUNT, 5: MONEY, 6: MONEY, 7: SIGNED, 8: PERCENT}


def payments_sheet(review: Review) -> Sheet:
    """Return the sheet of each code whose amount changed, largest first."""
    rvus = [f"{kind} RVU {when}" for kind in ("work", "PE", "MP") for when in ("before", "after")]
    header = ("code", "modifier", "family", "setting", "QP status", *release_names(review), *CHANGE_HEADER)
    parts = [f"change due to {name}" for name in ("work RVU", "PE RVU", "MP RVU", "GPCI", "conversion factor")]
    payments = [payment for table in review.payments for payment in table.rows]
    largest_first = sorted(payments, key=lambda payment: -abs(payment.change_cents or 0))
    rows = map(_payment, largest_first)
    formats = {5: MONEY, 6: MONEY, **dict.fromkeys((7, *range(9, 14)), SIGNED), 8: PERCENT}
    formats |= dict.fromkeys(range(14, 20), RVU)
    notes = {5: f"Medicare allowed amount, {review.place.name}.", 9: _SPLIT_NOTE, 20: ROW_NOTE}
    columns = (*header, *parts, *rvus, *ROWS_HEADER, "not priced before because", "not priced after because")
    return Sheet(rows, columns, formats=formats, notes=notes)


def _payment(payment: Payment) -> Sequence[Cell]:
    before, after = payment.before, payment.after
    parts = [decimal_dollars(getattr(payment.parts, part)) if payment.parts else None for part in PARTS]
    rvus = [
        getattr(side.rvus, kind) if side.rvus else None for kind in ("work", "pe", "mp") for side in (before, after)
    ]
    return (
        payment.hcpcs,
        payment.modifier,
        wording.family(payment.family),
        *setting_and_participant(payment),
        decimal_dollars(before.cents),
        decimal_dollars(after.cents),
        decimal_dollars(payment.change_cents),
        payment.ratio,
        *parts,
        *rvus,
        cms_row_link(before.row),
        cms_row_link(after.row),
        before.lacks,
        after.lacks,
    )


def families_sheet(review: Review) -> Sheet:
    """Return the sheet of the change of each family, by setting."""
    rows = (
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
    header = ("family", "setting", "QP status", "amounts", "changed", "smallest", "median", "largest")
    notes = {6: "The lower of the two in the middle."}
    return Sheet(rows, header, formats=dict.fromkeys((5, 6, 7), PERCENT), notes=notes)


def year_sheet(review: Review) -> Sheet:
    """Return the sheet of the practice's year by family, with its totals."""
    rows = (
        (wording.family(total.family), *setting_and_participant(year), total.codes, *_amounts_of_year(total))
        for year in review.years
        for total in year.families
    )
    header = ("family", "setting", "QP status", "codes", "units", *release_names(review), *CHANGE_HEADER)
    return Sheet(rows, header, _totals(review), formats=_YEAR_FORMATS, notes={5: YEAR_NOTE})


def _totals(review: Review) -> list[str]:
    """The totals of a year, above the rows that a filter hides."""
    title = ["Your year"]
    for year in review.years:
        total = year.total
        share = wording.percent(total.before_cents, total.after_cents)
        title.append(
            f"All, {', '.join(setting_and_participant(year))}: {dollars(total.before_cents)} → "
            f"{dollars(total.after_cents)}, {signed_dollars(total.change_cents)} ({share})"
        )
    return title


def codes_of_year_sheet(review: Review) -> Sheet:
    """Return the sheet of the practice's year by code."""
    rows = (
        (
            line.hcpcs,
            line.modifier,
            *setting_and_participant(year),
            *_amounts_of_year(line),
            wording.family(line.family),
            line.lacks,
            *both_rows(line),
        )
        for year in review.years
        for line in (*year.lines, *year.without)
    )
    header = ("code", "modifier", "setting", "QP status", "units", *release_names(review), *CHANGE_HEADER)
    columns = (*header, "family", "not priced because", *ROWS_HEADER)
    notes = {10: "Such a code is in no total.", 11: ROW_NOTE}
    return Sheet(rows, columns, _totals(review), formats=_YEAR_FORMATS, notes=notes)


def groups_of_year_sheet(review: Review) -> Sheet:
    """Return the sheet of the practice's year by place of service, provider, payer and locality."""
    rows = (
        (wording.named(group.by), total.family, *setting_and_participant(year), total.codes, *_amounts_of_year(total))
        for year in review.years
        for group in year.groups
        for total in group.totals
    )
    header = ("by", "value", "setting", "QP status", "codes", "units", *release_names(review), *CHANGE_HEADER)
    formats = {place + 1: form for place, form in _YEAR_FORMATS.items()}
    return Sheet(rows, header, formats=formats, notes={6: YEAR_NOTE})


def _amounts_of_year(line: YearTotal | YearLine) -> tuple[Cell, ...]:
    amounts = (line.before_cents, line.after_cents)
    return (line.units, *map(decimal_dollars, (*amounts, line.change_cents)), wording.ratio(*amounts))


def claims_sheet(review: Review) -> Sheet:
    """Return the sheet of the practice's claim lines with a new result."""
    rows = (
        (
            line.claim_id,
            line.line,
            line.date_of_service,
            line.hcpcs,
            line.modifiers,
            line.units,
            participant_label(impact.participant),
            *(cell for result in (line.before, line.after) for cell in _claim_result(result)),
            decimal_dollars(line.change_cents),
        )
        for impact in review.claims
        for line in impact.changed
    )
    results = (
        f"{name} {release}" for release in release_names(review) for name in ("result", "allowed", "deciding row")
    )
    header = ("claim", "line", "date", "code", "modifiers", "units", "QP status", *results, "change")
    return Sheet(rows, header, formats={8: MONEY, 11: MONEY, 13: SIGNED})


def _claim_result(result: LineOfClaim) -> tuple[Cell, ...]:
    return (wording.disposition(result.disposition), decimal_dollars(result.cents), result.row)


def codes_of_claims_sheet(review: Review) -> Sheet:
    """Return the sheet of the practice's claims by code."""
    rows = (
        (total.name, participant_label(impact.participant), total.lines, *_amounts_of_claims(total))
        for impact in review.claims
        for total in impact.codes
    )
    header = ("code", "QP status", "lines", *release_names(review), *CHANGE_HEADER)
    return Sheet(rows, header, formats={2: COUNT, 3: MONEY, 4: MONEY, 5: SIGNED, 6: PERCENT})


def _amounts_of_claims(total: ImpactTotal) -> tuple[Cell, ...]:
    amounts = (total.before_cents, total.after_cents)
    return (*map(decimal_dollars, (*amounts, total.change_cents)), wording.ratio(*amounts))
