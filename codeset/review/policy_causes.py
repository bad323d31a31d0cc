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

_FOLDER = Path(__file__).parent / "causes"

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
    after: date,
    until: date,
) -> PolicyCauses:
    """Return what the policies effective later than *after*, up to *until*, explain of the changed amounts.

    *factors* are each participant's conversion factors, old and new, in dollars per RVU.
    """
    # What took effect by the old release's last day is in both; what does later than the new one's last day, in
    # neither.
    causes = [cause for cause in _rvu_causes() if after < cause.effective <= until]
    steps = [step for step in _factor_causes() if after < step.effective <= until]
    results = tuple(_factor_results(factors, steps))
    explained_factors = {result.participant for result in results if result.steps}
    changed = [payment for table in tables for payment in table.rows]
    explanations = [_explanation(payment, causes, explained_factors) for payment in changed]
    unexplained = {payment.hcpcs for payment, parts in zip(changed, explanations, strict=True) if not any(parts)}
    open_in_part = {payment.hcpcs for payment, parts in zip(changed, explanations, strict=True) if not all(parts)}
    return PolicyCauses(
        rvus=tuple(_rvu_results(changed, causes)),
        factors=results,
        codes=len({payment.hcpcs for payment in changed}),
        unexplained=len(unexplained),
        partly_explained=len(open_in_part - unexplained),
    )


def _rvu_results(payments: Sequence[Payment], causes: Sequence[RvuCause]) -> Iterator[RvuCauseResult]:
    for cause in causes:
        explained: dict[str, bool] = {}
        for payment in payments:
            if _bears_on(cause, payment):
                explained[payment.hcpcs] = explained.get(payment.hcpcs, True) and _explains(cause, payment)
        yield RvuCauseResult(
            name=cause.name,
            says=cause.says,
            citation=cause.citation,
            rvu=cause.rvu,
            settings=cause.settings,
            exact=cause.exact,
            changed=len(explained),
            explained=sum(explained.values()),
        )


def _bears_on(cause: RvuCause, payment: Payment) -> bool:
    return payment.setting in cause.settings and cause.rvu in _changed_rvus(payment)


def _changed_rvus(payment: Payment) -> list[str]:
    before, after = payment.before.rvus, payment.after.rvus
    if before is None or after is None:
        return []
    return [kind for kind in RVU_KINDS if getattr(before, kind) != getattr(after, kind)]


def _explains(cause: RvuCause, payment: Payment) -> bool:
    before, after = payment.before.rvus, payment.after.rvus
    if before is None or after is None or not _bears_on(cause, payment):
        return False
    return cause.explains(getattr(before, cause.rvu), getattr(after, cause.rvu))


def _explanation(
    payment: Payment, causes: Sequence[RvuCause], explained_factors: set[Participant | None]
) -> list[bool]:
    """Whether a cause holds, for each RVU that changed and for the conversion factor; empty if neither did."""
    explanation = [
        any(cause.rvu == kind and _explains(cause, payment) for cause in causes) for kind in _changed_rvus(payment)
    ]
    if payment.parts is not None and payment.parts.conversion_factor:
        explanation.append(payment.participant in explained_factors)
    return explanation


def _factor_results(
    factors: Iterable[tuple[Participant | None, Decimal | None, Decimal | None]], steps: Sequence[FactorCause]
) -> Iterator[FactorCauseResult]:
    for participant, before, after in factors:
        if before is not None and after is not None and before != after:
            yield FactorCauseResult(participant, before, after, _steps_between(before, after, participant, steps))


def _steps_between(
    before: Decimal, after: Decimal, participant: Participant | None, steps: Sequence[FactorCause]
) -> tuple[FactorCause, ...]:
    """The steps that lead from one factor to the other, in order of date; none if they end elsewhere."""
    taken, factor = [], before
    for step in sorted(steps, key=lambda step: step.effective):
        if step.before == factor and step.participant in (None, participant) and step.holds:
            taken.append(step)
            factor = step.after
    return tuple(taken) if factor == after else ()


# --- causes/<year>.yaml


@cache
def _years() -> tuple[Mapping[str, Any], ...]:
    """The files of all years.

    Raises BadInput: if one breaks `causes.schema.json`, with every fault.
    """
    written = [read_yaml(file) for file in sorted(_FOLDER.glob("*.yaml"))]
    faults = [fault for year in written for fault in year.faults]
    faults += [Fault(year.file, 0, says) for year in written for says in faults_of(year.plain, "causes")]
    if faults:
        raise BadInput(faults)
    return tuple(year.plain for year in written)


def _rvu_causes() -> Iterator[RvuCause]:
    for year in _years():
        for cause in year["rvu_causes"]:
            test = cause["test"]
            yield RvuCause(
                cause["name"],
                cause["says"],
                year["rule"]["citation"],
                date.fromisoformat(cause["effective"]),
                cause["rvu"],
                tuple(cause["settings"]),
                "times" in test,
                _rvu_test(test),
            )


def _rvu_test(test: Mapping[str, str]) -> RvuTest:
    if "times" not in test:
        # A rule that states a direction and no number: the practice expense in a facility, which falls by different
        # shares.
        return lambda before, after: after < before
    times, last_place = Decimal(test["times"]), Decimal(1).scaleb(-int(test["decimals"]))
    return lambda before, after: after == (before * times).quantize(last_place, ROUND_HALF_UP)


def _factor_causes() -> Iterator[FactorCause]:
    for year in _years():
        for step in year["conversion_factors"]:
            yield FactorCause(
                date.fromisoformat(step["effective"]),
                ANSWERS[step["qualifying_apm"]] if "qualifying_apm" in step else None,
                Decimal(step["before"]),
                Decimal(step["after"]),
                year["rule"]["citation"],
                tuple(map(_factor_part, step["parts"])),
            )


def _factor_part(part: Mapping[str, str]) -> FactorPart:
    # An increase of one year that ends is taken out again: divided by what it was multiplied with.
    factor = Decimal(part["times"]) if "times" in part else 1 / Decimal(part["divided_by"])
    ends = date.fromisoformat(part["ends"]) if "ends" in part else None
    return FactorPart(part["says"], factor, ends, part["source"])
