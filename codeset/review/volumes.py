"""A practice's year: what a release does to the payment of the units it bills, in Medicare's allowed amounts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from codeset.claims.reference.reference_tables import places_of_service
from codeset.impact.claims_impact import OTHER
from codeset.impact.volume_files import Volume
from codeset.participants import Participant
from codeset.review.payments import Payment
from codeset.review.source_rows import Ref

AS_BILLED = "billed"
"""The setting of a year whose volumes have a place of service: each unit in the setting where it was done."""

YEAR_NOTE = (
    "Medicare units at Medicare's allowed amounts, units times fee. Left out: multiple-procedure reductions, edits and "
    "denials, modifiers other than 26, TC and 53, coinsurance and deductible. "
    "With --claims your own claims are adjudicated instead."
)
"""What a year is, and what it leaves out."""

_GROUP_COLUMNS = ("place_of_service", "provider", "payer", "locality")


@dataclass(frozen=True)
class YearLine:
    """A code's units in one setting: cents a year before and after; `lacks` says why there are none."""

    hcpcs: str
    modifier: str
    family: str
    units: int
    before_cents: int | None
    after_cents: int | None
    change_cents: int | None
    lacks: str
    before_row: Ref | None
    after_row: Ref | None


@dataclass(frozen=True)
class YearTotal:
    """The sum of a family's lines that have an amount in both releases."""

    family: str
    codes: int
    units: int
    before_cents: int
    after_cents: int
    change_cents: int


@dataclass(frozen=True)
class YearGroup:
    """The sums by one column of the volumes, such as `payer`; a total's `family` is the value of the column."""

    by: str
    totals: tuple[YearTotal, ...]


@dataclass(frozen=True)
class Year:
    """The year for one participant class: as billed, or as if all units were done in one setting.

    `without` lines are in no total; `groups` sums by each other column that the volumes have.
    """

    setting: str
    participant: Participant | None
    total: YearTotal
    families: tuple[YearTotal, ...]
    groups: tuple[YearGroup, ...]
    lines: tuple[YearLine, ...]
    without: tuple[YearLine, ...]


PaymentsOf = Callable[[str], Sequence[Payment]]
"""Of a locality, the payments there of every code in both settings, for each participant class."""


def years(
    volumes: Iterable[Volume], payments_of: PaymentsOf, settings: Sequence[str], families: Sequence[str]
) -> tuple[Year, ...]:
    """Return the year of *volumes*, whose `locality` is `mac-locality` or `national`, for each participant class.

    With places of service there is one year, as billed; without, one for each of *settings*.
    """
    year_volumes = list(volumes)
    if all(volume.place_of_service for volume in year_volumes):
        # One unit without a place of service would be missing in an as-billed year: then all are shown in each setting.
        settings = (AS_BILLED,)
    localities = dict.fromkeys(volume.locality for volume in year_volumes)
    payments_by_locality = {locality: payments_of(locality) for locality in localities}
    participants = dict.fromkeys(
        payment.participant for payments in payments_by_locality.values() for payment in payments
    )
    payment_by_key: dict[_PaymentKey, Payment] = {
        (locality, payment.setting, payment.participant, payment.hcpcs, payment.modifier): payment
        for locality, payments in payments_by_locality.items()
        for payment in payments
    }
    return tuple(
        _year(setting, participant, _volume_lines(year_volumes, setting, participant, payment_by_key), families)
        for participant in participants
        for setting in settings
    )


_PaymentKey = tuple[str, str | None, Participant | None, str, str]


def _volume_lines(
    volumes: Sequence[Volume],
    year_setting: str,
    participant: Participant | None,
    payment_by_key: dict[_PaymentKey, Payment],
) -> list[tuple[Volume, YearLine]]:
    """Each volume with its line of the year."""
    unit_settings = [_unit_setting(volume, year_setting) for volume in volumes]
    payment_keys = (
        (volume.locality, unit_setting, participant, volume.hcpcs, volume.modifier)
        for volume, unit_setting in zip(volumes, unit_settings, strict=True)
    )
    return [
        (volume, _year_line(volume, unit_setting, payment_by_key.get(payment_key)))
        for volume, unit_setting, payment_key in zip(volumes, unit_settings, payment_keys, strict=True)
    ]


def _unit_setting(volume: Volume, year_setting: str) -> str | None:
    """Where the units were done; None for a place of service that CMS gives no setting."""
    return year_setting if year_setting != AS_BILLED else _setting_by_place().get(volume.place_of_service)


@cache
def _setting_by_place() -> dict[str, str]:
    """The setting of each place of service, by CMS's latest row of it."""
    # A place may have rows by date: POS 10 has a rate since 2024 only (CR 13582). Volumes have no dates of service.
    latest_rows = places_of_service().sort("first_day", nulls_last=False).unique("place_of_service", keep="last")
    return dict(latest_rows.drop_nulls("setting").select("place_of_service", "setting").iter_rows())


def _year_line(volume: Volume, setting: str | None, payment: Payment | None) -> YearLine:
    side_before, side_after = (payment.before, payment.after) if payment else (None, None)
    # One national amount times the units: it is rounded to cents per unit, as Medicare pays it, and not per year.
    amounts = [
        None if side is None or side.cents is None else side.cents * volume.units for side in (side_before, side_after)
    ]
    no_row_reason = "not in the fee schedule" if setting else f"no setting is known for POS {volume.place_of_service}"
    missing_reasons = [side.lacks if side else no_row_reason for side in (side_before, side_after)]
    priced_in_both = amounts[0] is not None and amounts[1] is not None
    return YearLine(
        hcpcs=volume.hcpcs,
        modifier=volume.modifier,
        family=(payment.family if payment else "") or OTHER,
        units=volume.units,
        before_cents=amounts[0],
        after_cents=amounts[1],
        change_cents=(amounts[1] or 0) - (amounts[0] or 0) if priced_in_both else None,
        lacks=missing_reasons[0]
        if missing_reasons[0] == missing_reasons[1]
        else f"before: {missing_reasons[0] or 'paid'}; after: {missing_reasons[1] or 'paid'}",
        before_row=side_before.row if side_before else None,
        after_row=side_after.row if side_after else None,
    )


def _year(
    setting: str, participant: Participant | None, lines: Sequence[tuple[Volume, YearLine]], families: Sequence[str]
) -> Year:
    priced_volumes = [(volume, line) for volume, line in lines if line.change_cents is not None]
    # In no total: an amount in one release alone would look like a gain or a loss of all of it.
    unpriced_lines = [line for _, line in lines if line.change_cents is None]
    priced_lines = [line for _, line in priced_volumes]
    lines_by_family = (
        (family, [line for line in priced_lines if line.family == family]) for family in (*families, OTHER)
    )
    return Year(
        setting,
        participant,
        total=_year_total("", priced_lines),
        families=tuple(_year_total(family, family_lines) for family, family_lines in lines_by_family if family_lines),
        groups=tuple(_year_groups(priced_volumes)),
        lines=tuple(_merged_by_code(priced_lines)),
        without=tuple(_merged_by_code(unpriced_lines)),
    )


def _year_groups(volume_lines: Sequence[tuple[Volume, YearLine]]) -> Iterator[YearGroup]:
    """The sums by each column that has more than one value, or names a place."""
    for column in _GROUP_COLUMNS:
        column_values = sorted({getattr(volume, column) for volume, _ in volume_lines})
        if len(column_values) > 1 or (column == "place_of_service" and column_values != [""]):
            totals = (
                _year_total(
                    column_value,
                    [year_line for volume, year_line in volume_lines if getattr(volume, column) == column_value],
                )
                for column_value in column_values
            )
            yield YearGroup(column, tuple(totals))


def _merged_by_code(lines: Iterable[YearLine]) -> Iterator[YearLine]:
    """The lines of one code and modifier as one, with the CMS rows of the first."""
    line_by_code: dict[tuple[str, str, str], YearLine] = {}
    for year_line in lines:
        # By the reason too: a code may lack an amount at one place of service and have one at another.
        code_key = (year_line.hcpcs, year_line.modifier, year_line.lacks)
        line_by_code[code_key] = (
            _merged_line(line_by_code[code_key], year_line) if code_key in line_by_code else year_line
        )
    yield from line_by_code.values()


def _merged_line(first_line: YearLine, further_line: YearLine) -> YearLine:
    return replace(
        first_line,
        units=first_line.units + further_line.units,
        before_cents=_sum_if_both(first_line.before_cents, further_line.before_cents),
        after_cents=_sum_if_both(first_line.after_cents, further_line.after_cents),
        change_cents=_sum_if_both(first_line.change_cents, further_line.change_cents),
    )


def _sum_if_both(first_cents: int | None, further_cents: int | None) -> int | None:
    return None if first_cents is None or further_cents is None else first_cents + further_cents


def _year_total(family: str, lines: Sequence[YearLine]) -> YearTotal:
    before_cents, after_cents, change_cents = (
        sum(getattr(year_line, f"{column}_cents") for year_line in lines) for column in ("before", "after", "change")
    )
    code_count = len({(year_line.hcpcs, year_line.modifier) for year_line in lines})
    return YearTotal(
        family, code_count, sum(year_line.units for year_line in lines), before_cents, after_cents, change_cents
    )
