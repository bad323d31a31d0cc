"""What the approver decides on each changed outcome of a review: accepted or rejected, with a reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from codeset.errors import WrongUse

ACCEPTED, REJECTED = "accepted", "rejected"


@dataclass(frozen=True)
class Decision:
    """The decision on one changed outcome."""

    outcome: str
    decision: str
    reason: str


def parse_decisions(
    review: Mapping[str, Any], accepted: Iterable[str], rejected: Iterable[str], reason: str | None
) -> list[Decision]:
    """Return the decisions of `OUTCOME=REASON` texts; with a *reason*, every outcome that they leave open is accepted.

    Raises WrongUse: for an outcome that is not in the review's `to_decide`, is repeated, or has no reason.
    """
    outcomes = [outcome["id"] for outcome in review["to_decide"]]
    decisions: dict[str, Decision] = {}
    for decision, texts in ((ACCEPTED, accepted), (REJECTED, rejected)):
        for text in texts:
            outcome, _, why = (part.strip() for part in text.partition("="))
            if outcome not in outcomes or outcome in decisions or not why:
                known = "; ".join(outcomes) or "nothing to decide"
                raise WrongUse(f'"{text}": expected OUTCOME=REASON, once, of: {known}')
            decisions[outcome] = Decision(outcome, decision, why)
    if reason is not None:
        left = (outcome for outcome in outcomes if outcome not in decisions)
        decisions |= {outcome: Decision(outcome, ACCEPTED, reason) for outcome in left}
    return [decisions[outcome] for outcome in outcomes if outcome in decisions]


def undecided(review: Mapping[str, Any], decisions: Iterable[Decision]) -> list[str]:
    """Return the changed outcomes of *review* without a decision, in its order."""
    decided = {decision.outcome for decision in decisions}
    return [outcome["id"] for outcome in review["to_decide"] if outcome["id"] not in decided]
