"""Why amounts changed, by policy: the rules of each year, tested on the RVUs and conversion factors of both releases.

`causes/<year>.yaml` holds each year's policies with their citation, effective date and a test in numbers. A cause
counts only where its test holds: a cut of 2.5% explains a work RVU that is the old one times 0.975, rounded half-up
to cents of an RVU, and no other. What no cause explains is counted too. The base of every count is codes; a code is
explained if all of its rows (modifiers, settings, participant classes) are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

from codeset.errors import BadInput, Fault
from codeset.participants import ANSWERS, Participant
from codeset.review.payments import Payment, PaymentTable
from codeset.schemas import faults_of
from codeset.suite.yaml_files import read_yaml

RVU_KINDS = ("work", "pe", "mp")

_CAUSES_FOLDER = Path(__file__).parent / "causes"

_HALF_OF_LAST_PERCENT = Decimal("0.00005")

RvuTest = Callable[[Decimal, Decimal], bool]
"""Whether a cause explains an RVU's change from the old value to the new one."""


@dataclass(frozen=True)
class RvuCause:
    """A policy that changed RVUs: of which kind (work, pe, mp), in which settings; `exact` if its test is a number."""

    name: str
    says: str
    citation: str
    effective: date
    rvu: str
    settings: tuple[str, ...]
    exact: bool
    explains: RvuTest


@dataclass(frozen=True)
class FactorPart:
    """A part of a conversion factor's change: `percent` exact; `ends` is the last day of a temporary part."""

    says: str
    factor: Decimal
    ends: date | None
    source: str

    @property
    def percent(self) -> Decimal:
        """The part in percent, rounded half-up to two decimals."""
        return ((self.factor - 1) * 100).quantize(Decimal("0.01"), ROUND_HALF_UP)


@dataclass(frozen=True)
class FactorCause:
    """One step of a conversion factor (dollars per RVU), and its parts, which multiply to it."""

    effective: date
    participant: Participant | None
    before: Decimal
    after: Decimal
    citation: str
    parts: tuple[FactorPart, ...]

    @property
    def holds(self) -> bool:
        """Whether the parts multiply to the new factor, as exactly as budget neutrality is published: to 0.01%."""
        product = self.before
        for part in self.parts:
            product *= part.factor
        return abs(product - self.after) <= self.after * _HALF_OF_LAST_PERCENT


@dataclass(frozen=True)
class RvuCauseResult:
    """Of how many codes an RVU changed that a cause could explain, and of how many it does."""

    name: str
    says: str
    citation: str
    rvu: str
    settings: tuple[str, ...]
    exact: bool
    changed: int
    explained: int


@dataclass(frozen=True)
class FactorCauseResult:
    """The steps from the old conversion factor to the new one; none if no cause leads there."""

    participant: Participant | None
    before: Decimal
    after: Decimal
    steps: tuple[FactorCause, ...]


@dataclass(frozen=True)
class PolicyCauses:
    """The policies between two releases, and what they leave open of the `codes` with a changed amount.

    `unexplained` are codes with an amount that no cause bears on; `partly_explained` have, besides, an RVU or a
    conversion factor that changed without a cause on file.
    """

    rvus: tuple[RvuCauseResult, ...]
    factors: tuple[FactorCauseResult, ...]
    codes: int
    unexplained: int
    partly_explained: int


def policy_causes(
    tables: Sequence[PaymentTable],
    factors: Iterable[tuple[Participant | None, Decimal | None, Decimal | None]],
    old_last_day: date,
    new_last_day: date,
) -> PolicyCauses:
    """Return what the policies effective after *old_last_day*, up to *new_last_day*, explain of the changed amounts.

    *factors* are each participant's conversion factors, old and new, in dollars per RVU.
    """
    # What took effect by the old release's last day is in both; what does later than the new one's last day, in
    # neither.
    causes = [cause for cause in _rvu_causes() if old_last_day < cause.effective <= new_last_day]
    factor_steps = [step for step in _factor_causes() if old_last_day < step.effective <= new_last_day]
    factor_results = tuple(_factor_results(factors, factor_steps))
    explained_participants = {result.participant for result in factor_results if result.steps}
    changed_payments = [payment for table in tables for payment in table.rows]
    explanations = [_explained_parts(payment, causes, explained_participants) for payment in changed_payments]
    unexplained_codes = {
        payment.hcpcs
        for payment, explanation in zip(changed_payments, explanations, strict=True)
        if not any(explanation)
    }
    codes_open_in_part = {
        payment.hcpcs
        for payment, explanation in zip(changed_payments, explanations, strict=True)
        if not all(explanation)
    }
    return PolicyCauses(
        rvus=tuple(_rvu_results(changed_payments, causes)),
        factors=factor_results,
        codes=len({payment.hcpcs for payment in changed_payments}),
        unexplained=len(unexplained_codes),
        partly_explained=len(codes_open_in_part - unexplained_codes),
    )


def _rvu_results(payments: Sequence[Payment], causes: Sequence[RvuCause]) -> Iterator[RvuCauseResult]:
    for cause in causes:
        is_explained_by_code: dict[str, bool] = {}
        for payment in payments:
            if _may_explain(cause, payment):
                # A code counts once, with all of its modifiers, settings and participant classes.
                is_explained_by_code[payment.hcpcs] = is_explained_by_code.get(payment.hcpcs, True) and _explains(
                    cause, payment
                )
        yield RvuCauseResult(
            name=cause.name,
            says=cause.says,
            citation=cause.citation,
            rvu=cause.rvu,
            settings=cause.settings,
            exact=cause.exact,
            changed=len(is_explained_by_code),
            explained=sum(is_explained_by_code.values()),
        )


def _may_explain(cause: RvuCause, payment: Payment) -> bool:
    return payment.setting in cause.settings and cause.rvu in _changed_rvu_kinds(payment)


def _changed_rvu_kinds(payment: Payment) -> list[str]:
    rvus_before, rvus_after = payment.before.rvus, payment.after.rvus
    if rvus_before is None or rvus_after is None:
        return []
    return [rvu_kind for rvu_kind in RVU_KINDS if getattr(rvus_before, rvu_kind) != getattr(rvus_after, rvu_kind)]


def _explains(cause: RvuCause, payment: Payment) -> bool:
    rvus_before, rvus_after = payment.before.rvus, payment.after.rvus
    if rvus_before is None or rvus_after is None or not _may_explain(cause, payment):
        return False
    return cause.explains(getattr(rvus_before, cause.rvu), getattr(rvus_after, cause.rvu))


def _explained_parts(
    payment: Payment, causes: Sequence[RvuCause], explained_participants: set[Participant | None]
) -> list[bool]:
    """Whether a cause holds, for each RVU that changed and for the conversion factor; empty if neither did."""
    explanation = [
        any(cause.rvu == rvu_kind and _explains(cause, payment) for cause in causes)
        for rvu_kind in _changed_rvu_kinds(payment)
    ]
    if payment.parts is not None and payment.parts.conversion_factor:
        explanation.append(payment.participant in explained_participants)
    return explanation


def _factor_results(
    factors: Iterable[tuple[Participant | None, Decimal | None, Decimal | None]], steps: Sequence[FactorCause]
) -> Iterator[FactorCauseResult]:
    for participant, factor_before, factor_after in factors:
        if factor_before is not None and factor_after is not None and factor_before != factor_after:
            yield FactorCauseResult(
                participant,
                factor_before,
                factor_after,
                _steps_between(factor_before, factor_after, participant, steps),
            )


def _steps_between(
    factor_before: Decimal, factor_after: Decimal, participant: Participant | None, steps: Sequence[FactorCause]
) -> tuple[FactorCause, ...]:
    """The steps that lead from one factor to the other, in order of date; none if they end elsewhere."""
    chained_steps, factor = [], factor_before
    # A year can have two steps: Congress changed the factor of 2024 on March 9, so January and July of it differ.
    for step in sorted(steps, key=lambda step: step.effective):
        if step.before == factor and step.participant in (None, participant) and step.holds:
            chained_steps.append(step)
            factor = step.after
    return tuple(chained_steps) if factor == factor_after else ()


@cache
def _year_files() -> tuple[Mapping[str, Any], ...]:
    """The files of all years.

    Raises BadInput: if one breaks `causes.schema.json`, with every fault.
    """
    parsed_files = [read_yaml(yaml_path) for yaml_path in sorted(_CAUSES_FOLDER.glob("*.yaml"))]
    faults = [fault for parsed_file in parsed_files for fault in parsed_file.faults]
    faults += [
        Fault(parsed_file.file, 0, fault_text)
        for parsed_file in parsed_files
        for fault_text in faults_of(parsed_file.plain, "causes")
    ]
    if faults:
        raise BadInput(faults)
    return tuple(parsed_file.plain for parsed_file in parsed_files)


def _rvu_causes() -> Iterator[RvuCause]:
    for year_file in _year_files():
        for cause_entry in year_file["rvu_causes"]:
            test_entry = cause_entry["test"]
            yield RvuCause(
                cause_entry["name"],
                cause_entry["says"],
                year_file["rule"]["citation"],
                date.fromisoformat(cause_entry["effective"]),
                cause_entry["rvu"],
                tuple(cause_entry["settings"]),
                "times" in test_entry,
                _rvu_test(test_entry),
            )


def _rvu_test(test_entry: Mapping[str, str]) -> RvuTest:
    if "times" not in test_entry:
        # A rule that states a direction and no number: the practice expense in a facility, which falls by different
        # shares.
        return lambda old_rvu, new_rvu: new_rvu < old_rvu
    multiplier, last_decimal = Decimal(test_entry["times"]), Decimal(1).scaleb(-int(test_entry["decimals"]))
    return lambda old_rvu, new_rvu: new_rvu == (old_rvu * multiplier).quantize(last_decimal, ROUND_HALF_UP)


def _factor_causes() -> Iterator[FactorCause]:
    for year_file in _year_files():
        for step_entry in year_file["conversion_factors"]:
            yield FactorCause(
                date.fromisoformat(step_entry["effective"]),
                ANSWERS[step_entry["qualifying_apm"]] if "qualifying_apm" in step_entry else None,
                Decimal(step_entry["before"]),
                Decimal(step_entry["after"]),
                year_file["rule"]["citation"],
                tuple(map(_factor_part, step_entry["parts"])),
            )


def _factor_part(part_entry: Mapping[str, str]) -> FactorPart:
    # An increase of one year that ends is taken out again: divided by what it was multiplied with.
    factor = Decimal(part_entry["times"]) if "times" in part_entry else 1 / Decimal(part_entry["divided_by"])
    last_day = date.fromisoformat(part_entry["ends"]) if "ends" in part_entry else None
    return FactorPart(part_entry["says"], factor, last_day, part_entry["source"])
