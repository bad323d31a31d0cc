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
    def has_amount(self) -> bool:
        """Whether either release sets an amount."""
        return self.before.cents is not None or self.after.cents is not None


def place_of(locality: str | None, old_snapshot: Snapshot, new_snapshot: Snapshot) -> Place:
    """Return the area of *locality* (`mac-locality`), or the nation without one.

    Raises WrongUse: for a locality that one of the releases does not have.
    """
    if locality in (None, NATIONAL):
        return Place(NATIONAL, "the nation (every GPCI 1)", NATION, NATION, None, None)
    mac, _, locality_number = str(locality).partition("-")
    gpci_rows = [snapshot.gpci(mac, locality_number) for snapshot in (old_snapshot, new_snapshot)]
    for snapshot, gpci_row in zip((old_snapshot, new_snapshot), gpci_rows, strict=True):
        if gpci_row is None:
            raise WrongUse(
                f'{snapshot.release} has no locality "{locality}"; expected MAC-LOCALITY such as 01112-05, or national'
            )
    gpci_before, gpci_after = (
        Gpci(gpci_row["work_gpci"], gpci_row["pe_gpci"], gpci_row["mp_gpci"]) for gpci_row in gpci_rows if gpci_row
    )
    gpci_refs = [
        Ref(str(snapshot.release), "gpci", (mac, locality_number)) for snapshot in (old_snapshot, new_snapshot)
    ]
    return Place(
        f"{mac}-{locality_number}",
        gpci_rows[1]["locality_name"] if gpci_rows[1] else "",
        gpci_before,
        gpci_after,
        gpci_refs[0],
        gpci_refs[1],
    )


def payments(
    old_snapshot: Snapshot, new_snapshot: Snapshot, place: Place, scope: Scope, settings: Sequence[str] = SETTINGS
) -> tuple[Payment, ...]:
    """Return every code of *scope* that either fee schedule has, in each setting, for each participant class."""
    all_payments: list[Payment] = []
    for participant, *factors in factor_pairs(old_snapshot.manifest, new_snapshot.manifest):
        for setting in settings:
            old_sides = _sides_by_code(old_snapshot, setting, factors[0], place.before, scope)
            new_sides = _sides_by_code(new_snapshot, setting, factors[1], place.after, scope)
            all_payments += [
                _payment(
                    code_key,
                    setting,
                    participant,
                    (old_sides.get(code_key), new_sides.get(code_key)),
                    (factors[0], factors[1]),
                    place,
                    scope,
                )
                for code_key in sorted({*old_sides, *new_sides})
            ]
    return tuple(all_payments)


def _sides_by_code(
    snapshot: Snapshot, setting: str, factor: Decimal | None, gpci: Gpci, scope: Scope
) -> dict[tuple[str, str], Side]:
    # Without a factor for this participant class no amount is known; that of the other class is not a substitute.
    amount_column = pl.lit(None, dtype=pl.Int64) if factor is None else local_cents(setting, factor, gpci)
    mpfs_rows = scope.of("mpfs", snapshot.scan("mpfs")).with_columns(amount_column.alias("cents")).collect()
    return {
        (mpfs_row["hcpcs"], mpfs_row["modifier"]): _side(mpfs_row, setting, snapshot)
        for mpfs_row in mpfs_rows.iter_rows(named=True)
    }


def _side(mpfs_row: Row, setting: str, snapshot: Snapshot) -> Side:
    rvus = Rvus(mpfs_row["work_rvu"], mpfs_row[f"{setting}_pe_rvu"], mpfs_row["mp_rvu"])
    has_opps_cap = is_capped(mpfs_row, setting)
    mpfs_ref = Ref(str(snapshot.release), "mpfs", (mpfs_row["hcpcs"], mpfs_row["modifier"]))
    # A capped fee is an OPPS amount: RVUs, GPCIs and the conversion factor neither give it nor explain its change.
    missing_reason = (
        "an OPPS cap holds, which is not reckoned here" if has_opps_cap else _missing_reason(mpfs_row, setting)
    )
    amount_cents = None if has_opps_cap else mpfs_row["cents"]
    return Side(rvus, amount_cents, "" if amount_cents is not None else missing_reason, mpfs_ref)


def _missing_reason(mpfs_row: Row, setting: str) -> str:
    # NA first: the row of a payable status, too, may have no rate in this setting.
    if mpfs_row[f"{setting}_na"]:
        return f"no {wording.setting(setting)} rate (NA indicator)"
    return f"status {mpfs_row['status_code']}" if mpfs_row["cents"] is None else ""


def _payment(
    code_key: tuple[str, str],
    setting: str,
    participant: Participant | None,
    sides: tuple[Side | None, Side | None],
    factors: tuple[Decimal | None, Decimal | None],
    place: Place,
    scope: Scope,
) -> Payment:
    old_side, new_side = (side or Side(None, None, "not in the fee schedule", None) for side in sides)
    hcpcs, modifier = code_key
    change_cents = None if old_side.cents is None or new_side.cents is None else new_side.cents - old_side.cents
    cause_parts = None
    if change_cents is not None and old_side.rvus and new_side.rvus and factors[0] and factors[1]:
        cause_parts = split(old_side.rvus, new_side.rvus, place, (factors[0], factors[1]), change_cents)
    family = scope.families.get(hcpcs, "")
    change_ratio = wording.share(old_side.cents, new_side.cents)
    return Payment(
        hcpcs, modifier, family, setting, participant, old_side, new_side, change_cents, change_ratio, cause_parts
    )


def split(
    rvus_before: Rvus, rvus_after: Rvus, place: Place, factors: tuple[Decimal, Decimal], change_cents: int
) -> Parts:
    """Return the split of a change of *change_cents*, by the convention of this module."""
    old_factor, new_factor = factors
    # The first three parts are those with an RVU and a GPCI of their own.
    rvus_and_gpcis = [
        (
            getattr(rvus_before, rvu_kind),
            getattr(rvus_after, rvu_kind),
            getattr(place.before, rvu_kind),
            getattr(place.after, rvu_kind),
        )
        for rvu_kind in PARTS[:3]
    ]
    # Exact until here: parts rounded on the way would add up to another change than the two amounts have.
    exact_dollars = [(new_rvu - old_rvu) * old_gpci * old_factor for old_rvu, new_rvu, old_gpci, _ in rvus_and_gpcis]
    exact_dollars.append(
        sum(((gpci_after - gpci_before) * rvu for _, rvu, gpci_before, gpci_after in rvus_and_gpcis), Decimal(0))
        * old_factor
    )
    exact_dollars.append(
        sum((rvu * new_gpci for _, rvu, _, new_gpci in rvus_and_gpcis), Decimal(0)) * (new_factor - old_factor)
    )
    part_cents = [int((cause * 100).quantize(Decimal(1), ROUND_HALF_UP)) for cause in exact_dollars]
    # The part's position breaks a tie: the same two releases must give the same bytes.
    largest_part = max(range(len(PARTS)), key=lambda cause: (abs(exact_dollars[cause]), cause))
    part_cents[largest_part] += change_cents - sum(part_cents)
    return Parts(*part_cents)


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
    priced_payments = (payment for payment in all_payments if payment.has_amount)
    # `payments` gives them by participant class and setting, as `groupby` needs them.
    payments_by_setting = groupby(priced_payments, key=lambda payment: (payment.setting, payment.participant))
    return tuple(
        _payment_table(setting, participant, tuple(table_payments), families)
        for (setting, participant), table_payments in payments_by_setting
    )


def _payment_table(
    setting: str, participant: Participant | None, table_payments: Sequence[Payment], families: Sequence[str]
) -> PaymentTable:
    payments_in_both = [payment for payment in table_payments if payment.change_cents is not None]
    return PaymentTable(
        setting=setting,
        participant=participant,
        codes=len(table_payments),
        rows=tuple(payment for payment in table_payments if payment.changed),
        unchanged=tuple(payment for payment in table_payments if not payment.changed),
        raised=sum((payment.change_cents or 0) > 0 for payment in payments_in_both),
        lowered=sum((payment.change_cents or 0) < 0 for payment in payments_in_both),
        overall=next(_ranges([("", payments_in_both)]), None),
        causes=tuple(_causes(payments_in_both)),
        families=tuple(_ranges((family, [p for p in payments_in_both if p.family == family]) for family in families)),
    )


def _ranges(families: Iterable[tuple[str, Sequence[Payment]]]) -> Iterator[Range]:
    for family, family_payments in families:
        ratios = [payment.ratio for payment in family_payments if payment.ratio is not None]
        if ratios:
            changed_count = sum(payment.changed for payment in family_payments)
            # The lower of the two in the middle is a change that some code has; their mean may be none's.
            yield Range(family, len(ratios), changed_count, min(ratios), median_low(ratios), max(ratios))


def _causes(priced_payments: Sequence[Payment]) -> Iterator[Cause]:
    for cause in PARTS:
        part_cents = [getattr(payment.parts, cause) for payment in priced_payments if payment.parts]
        if any(part_cents):
            yield Cause(
                cause,
                sum(change > 0 for change in part_cents),
                sum(change < 0 for change in part_cents),
                median_low(part_cents),
            )


def factor_refs(old_snapshot: Snapshot, new_snapshot: Snapshot) -> tuple[Ref, Ref]:
    """Return the rows of both releases' conversion factors."""
    return Ref(str(old_snapshot.release), FACTORS, ()), Ref(str(new_snapshot.release), FACTORS, ())
