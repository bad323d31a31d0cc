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

_GROUPS = ("place_of_service", "provider", "payer", "locality")


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
    listed = list(volumes)
    if all(volume.place_of_service for volume in listed):
        settings = (AS_BILLED,)
    localities = dict.fromkeys(volume.locality for volume in listed)
    by_locality = {locality: payments_of(locality) for locality in localities}
    participants = dict.fromkeys(payment.participant for payments in by_locality.values() for payment in payments)
    by_key: dict[_PaymentKey, Payment] = {
        (locality, payment.setting, payment.participant, payment.hcpcs, payment.modifier): payment
        for locality, payments in by_locality.items()
        for payment in payments
    }
    return tuple(
        _year(setting, participant, _with_lines(listed, setting, participant, by_key), families)
        for participant in participants
        for setting in settings
    )


_PaymentKey = tuple[str, str | None, Participant | None, str, str]


def _with_lines(
    volumes: Sequence[Volume], setting: str, participant: Participant | None, by_key: dict[_PaymentKey, Payment]
) -> list[tuple[Volume, YearLine]]:
    """Each volume with its line of the year."""
    settings = [_setting(volume, setting) for volume in volumes]
    keys = (
        (volume.locality, where, participant, volume.hcpcs, volume.modifier)
        for volume, where in zip(volumes, settings, strict=True)
    )
    return [
        (volume, _line(volume, where, by_key.get(key)))
        for volume, where, key in zip(volumes, settings, keys, strict=True)
    ]


def _setting(volume: Volume, setting: str) -> str | None:
    """Where the units were done; None for a place of service that CMS gives no setting."""
    return setting if setting != AS_BILLED else _settings().get(volume.place_of_service)


@cache
def _settings() -> dict[str, str]:
    """The setting of each place of service, by CMS's latest row of it."""
    latest = places_of_service().sort("first_day", nulls_last=False).unique("place_of_service", keep="last")
    return dict(latest.drop_nulls("setting").select("place_of_service", "setting").iter_rows())


def _line(volume: Volume, setting: str | None, payment: Payment | None) -> YearLine:
    before, after = (payment.before, payment.after) if payment else (None, None)
    cents = [None if side is None or side.cents is None else side.cents * volume.units for side in (before, after)]
    missing = "not in the fee schedule" if setting else f"no setting is known for POS {volume.place_of_service}"
    lacks = [side.lacks if side else missing for side in (before, after)]
    both = cents[0] is not None and cents[1] is not None
    return YearLine(
        hcpcs=volume.hcpcs,
        modifier=volume.modifier,
        family=(payment.family if payment else "") or OTHER,
        units=volume.units,
        before_cents=cents[0],
        after_cents=cents[1],
        change_cents=(cents[1] or 0) - (cents[0] or 0) if both else None,
        lacks=lacks[0] if lacks[0] == lacks[1] else f"before: {lacks[0] or 'paid'}; after: {lacks[1] or 'paid'}",
        before_row=before.row if before else None,
        after_row=after.row if after else None,
    )


def _year(
    setting: str, participant: Participant | None, lines: Sequence[tuple[Volume, YearLine]], families: Sequence[str]
) -> Year:
    priced = [(volume, line) for volume, line in lines if line.change_cents is not None]
    without = [line for _, line in lines if line.change_cents is None]
    priced_lines = [line for _, line in priced]
    by_family = ((name, [line for line in priced_lines if line.family == name]) for name in (*families, OTHER))
    return Year(
        setting,
        participant,
        total=_total("", priced_lines),
        families=tuple(_total(name, family_lines) for name, family_lines in by_family if family_lines),
        groups=tuple(_groups(priced)),
        lines=tuple(_by_code(priced_lines)),
        without=tuple(_by_code(without)),
    )


def _groups(lines: Sequence[tuple[Volume, YearLine]]) -> Iterator[YearGroup]:
    """The sums by each column that has more than one value, or names a place."""
    for by in _GROUPS:
        values = sorted({getattr(volume, by) for volume, _ in lines})
        if len(values) > 1 or (by == "place_of_service" and values != [""]):
            totals = (
                _total(value, [line for volume, line in lines if getattr(volume, by) == value]) for value in values
            )
            yield YearGroup(by, tuple(totals))


def _by_code(lines: Iterable[YearLine]) -> Iterator[YearLine]:
    """The lines of one code and modifier as one, with the CMS rows of the first."""
    by_code: dict[tuple[str, str, str], YearLine] = {}
    for line in lines:
        key = (line.hcpcs, line.modifier, line.lacks)
        by_code[key] = _sum(by_code[key], line) if key in by_code else line
    yield from by_code.values()


def _sum(one: YearLine, two: YearLine) -> YearLine:
    return replace(
        one,
        units=one.units + two.units,
        before_cents=_added(one.before_cents, two.before_cents),
        after_cents=_added(one.after_cents, two.after_cents),
        change_cents=_added(one.change_cents, two.change_cents),
    )


def _added(one: int | None, two: int | None) -> int | None:
    return None if one is None or two is None else one + two


def _total(family: str, lines: Sequence[YearLine]) -> YearTotal:
    before, after, change = (
        sum(getattr(line, f"{name}_cents") for line in lines) for name in ("before", "after", "change")
    )
    codes = len({(line.hcpcs, line.modifier) for line in lines})
    return YearTotal(family, codes, sum(line.units for line in lines), before, after, change)
