"""What each code pays before and after, and why: the change split into work, PE, MP, GPCI and conversion factor.

The split goes from old to new in steps that add up to the exact change: first each RVU changes, at the old GPCIs and
the old conversion factor; then the GPCIs, on the new RVUs; last the conversion factor, on the new RVUs and GPCIs. Each
part is rounded half-up to cents; the rounding difference goes to the largest part, so that the parts add up to the
difference of the two amounts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from statistics import median_low

import polars as pl

from codeset import wording
from codeset.differences import factor_pairs
from codeset.errors import WrongUse
from codeset.money import NATION, SETTINGS, Gpci, is_capped, local_cents
from codeset.participants import Participant
from codeset.review.source_rows import FACTORS, Ref
from codeset.scope import Scope
from codeset.snapshot import Row, Snapshot

NATIONAL = "national"
PARTS = ("work", "pe", "mp", "gpci", "conversion_factor")


@dataclass(frozen=True)
class Place:
    """The area that amounts are for: `national` or `mac-locality`, its name, its GPCIs in both releases."""

    locality: str
    name: str
    before: Gpci
    after: Gpci
    before_row: Ref | None
    after_row: Ref | None


@dataclass(frozen=True)
class Rvus:
    """The relative values of a code in one setting."""

    work: Decimal
    pe: Decimal
    mp: Decimal


@dataclass(frozen=True)
class Parts:
    """How much of a change each cause explains, in cents."""

    work: int
    pe: int
    mp: int
    gpci: int
    conversion_factor: int


@dataclass(frozen=True)
class Side:
    """A code in one release: its RVUs, its amount in cents or why it has none, and its row."""

    rvus: Rvus | None
    cents: int | None
    lacks: str
    row: Ref | None


@dataclass(frozen=True)
class Payment:
    """A code in one setting, before and after; `change_cents` and `parts` are None unless both have an amount."""

    hcpcs: str
    modifier: str
    family: str
    setting: str
    participant: Participant | None
    before: Side
    after: Side
    change_cents: int | None
    ratio: Decimal | None
    parts: Parts | None

    @property
    def changed(self) -> bool:
        """Whether the amount differs."""
        return self.before.cents != self.after.cents

    @property
    def known(self) -> bool:
        """Whether either release sets an amount."""
        return self.before.cents is not None or self.after.cents is not None


def place_of(locality: str | None, old: Snapshot, new: Snapshot) -> Place:
    """Return the area of *locality* (`mac-locality`), or the nation without one.

    Raises WrongUse: for a locality that one of the releases does not have.
    """
    if locality in (None, NATIONAL):
        return Place(NATIONAL, "the nation (every GPCI 1)", NATION, NATION, None, None)
    mac, _, number = str(locality).partition("-")
    rows = [snapshot.gpci(mac, number) for snapshot in (old, new)]
    for snapshot, row in zip((old, new), rows, strict=True):
        if row is None:
            raise WrongUse(
                f'{snapshot.release} has no locality "{locality}"; expected MAC-LOCALITY such as 01112-05, or national'
            )
    before, after = (Gpci(row["work_gpci"], row["pe_gpci"], row["mp_gpci"]) for row in rows if row)
    refs = [Ref(str(snapshot.release), "gpci", (mac, number)) for snapshot in (old, new)]
    return Place(f"{mac}-{number}", rows[1]["locality_name"] if rows[1] else "", before, after, refs[0], refs[1])


def payments(
    old: Snapshot, new: Snapshot, place: Place, scope: Scope, settings: Sequence[str] = SETTINGS
) -> tuple[Payment, ...]:
    """Return every code of *scope* that either fee schedule has, in each setting, for each participant class."""
    listed: list[Payment] = []
    for participant, *factors in factor_pairs(old.manifest, new.manifest):
        for setting in settings:
            before = _sides(old, setting, factors[0], place.before, scope)
            after = _sides(new, setting, factors[1], place.after, scope)
            listed += [
                _payment(
                    key, setting, participant, (before.get(key), after.get(key)), (factors[0], factors[1]), place, scope
                )
                for key in sorted({*before, *after})
            ]
    return tuple(listed)


def _sides(
    snapshot: Snapshot, setting: str, factor: Decimal | None, gpci: Gpci, scope: Scope
) -> dict[tuple[str, str], Side]:
    cents = pl.lit(None, dtype=pl.Int64) if factor is None else local_cents(setting, factor, gpci)
    rows = scope.of("mpfs", snapshot.scan("mpfs")).with_columns(cents.alias("cents")).collect()
    return {(row["hcpcs"], row["modifier"]): _side(row, setting, snapshot) for row in rows.iter_rows(named=True)}


def _side(row: Row, setting: str, snapshot: Snapshot) -> Side:
    rvus = Rvus(row["work_rvu"], row[f"{setting}_pe_rvu"], row["mp_rvu"])
    capped = is_capped(row, setting)
    ref = Ref(str(snapshot.release), "mpfs", (row["hcpcs"], row["modifier"]))
    lacks = "an OPPS cap holds, which is not reckoned here" if capped else _lacks(row, setting)
    cents = None if capped else row["cents"]
    return Side(rvus, cents, "" if cents is not None else lacks, ref)


def _lacks(row: Row, setting: str) -> str:
    if row[f"{setting}_na"]:
        return f"no {wording.setting(setting)} rate (NA indicator)"
    return f"status {row['status_code']}" if row["cents"] is None else ""


def _payment(
    key: tuple[str, str],
    setting: str,
    participant: Participant | None,
    sides: tuple[Side | None, Side | None],
    factors: tuple[Decimal | None, Decimal | None],
    place: Place,
    scope: Scope,
) -> Payment:
    before, after = (side or Side(None, None, "not in the fee schedule", None) for side in sides)
    hcpcs, modifier = key
    change = None if before.cents is None or after.cents is None else after.cents - before.cents
    parts = None
    if change is not None and before.rvus and after.rvus and factors[0] and factors[1]:
        parts = split(before.rvus, after.rvus, place, (factors[0], factors[1]), change)
    family = scope.families.get(hcpcs, "")
    ratio = wording.share(before.cents, after.cents)
    return Payment(hcpcs, modifier, family, setting, participant, before, after, change, ratio, parts)


def split(before: Rvus, after: Rvus, place: Place, factors: tuple[Decimal, Decimal], change_cents: int) -> Parts:
    """Return the split of a change of *change_cents*, by the convention of this module."""
    old_factor, new_factor = factors
    components = [
        (getattr(before, k), getattr(after, k), getattr(place.before, k), getattr(place.after, k)) for k in PARTS[:3]
    ]
    exact = [(new_rvu - old_rvu) * old_gpci * old_factor for old_rvu, new_rvu, old_gpci, _ in components]
    exact.append(sum(((new - old) * rvu for _, rvu, old, new in components), Decimal(0)) * old_factor)
    exact.append(sum((rvu * new_gpci for _, rvu, _, new_gpci in components), Decimal(0)) * (new_factor - old_factor))
    cents = [int((part * 100).quantize(Decimal(1), ROUND_HALF_UP)) for part in exact]
    largest = max(range(len(PARTS)), key=lambda part: (abs(exact[part]), part))
    cents[largest] += change_cents - sum(cents)
    return Parts(*cents)


@dataclass(frozen=True)
class Cause:
    """One cause of the changes: how many codes it raises and lowers, and the (lower) median of its cents."""

    part: str
    raises: int
    lowers: int
    median_cents: int


@dataclass(frozen=True)
class Range:
    """A family's changes in one setting: codes with an amount in both, how many changed, least, median, most."""

    family: str
    codes: int
    changed: int
    least: Decimal
    median: Decimal
    most: Decimal


@dataclass(frozen=True)
class PaymentTable:
    """The payments of one setting and participant class: `rows` changed, `unchanged` did not, `codes` counts both."""

    setting: str
    participant: Participant | None
    codes: int
    rows: tuple[Payment, ...]
    unchanged: tuple[Payment, ...]
    raised: int
    lowered: int
    overall: Range | None
    causes: tuple[Cause, ...]
    families: tuple[Range, ...]


def payment_tables(all_payments: Iterable[Payment], families: Sequence[str]) -> tuple[PaymentTable, ...]:
    """Return *all_payments* by setting and participant, the changed ones listed; *families* give the order."""
    priced = (payment for payment in all_payments if payment.known)
    grouped = groupby(priced, key=lambda payment: (payment.setting, payment.participant))
    return tuple(_table(setting, participant, tuple(rows), families) for (setting, participant), rows in grouped)


def _table(
    setting: str, participant: Participant | None, rows: Sequence[Payment], families: Sequence[str]
) -> PaymentTable:
    both = [payment for payment in rows if payment.change_cents is not None]
    return PaymentTable(
        setting=setting,
        participant=participant,
        codes=len(rows),
        rows=tuple(payment for payment in rows if payment.changed),
        unchanged=tuple(payment for payment in rows if not payment.changed),
        raised=sum((payment.change_cents or 0) > 0 for payment in both),
        lowered=sum((payment.change_cents or 0) < 0 for payment in both),
        overall=next(_ranges([("", both)]), None),
        causes=tuple(_causes(both)),
        families=tuple(_ranges((name, [p for p in both if p.family == name]) for name in families)),
    )


def _ranges(families: Iterable[tuple[str, Sequence[Payment]]]) -> Iterator[Range]:
    for name, rows in families:
        ratios = [payment.ratio for payment in rows if payment.ratio is not None]
        if ratios:
            changed = sum(payment.changed for payment in rows)
            # The lower of the two in the middle is a change that some code has; their mean may be none's.
            yield Range(name, len(ratios), changed, min(ratios), median_low(ratios), max(ratios))


def _causes(rows: Sequence[Payment]) -> Iterator[Cause]:
    for part in PARTS:
        cents = [getattr(payment.parts, part) for payment in rows if payment.parts]
        if any(cents):
            yield Cause(part, sum(c > 0 for c in cents), sum(c < 0 for c in cents), median_low(cents))


def factor_refs(old: Snapshot, new: Snapshot) -> tuple[Ref, Ref]:
    """Return the rows of both releases' conversion factors."""
    return Ref(str(old.release), FACTORS, ()), Ref(str(new.release), FACTORS, ())
