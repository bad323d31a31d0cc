"""What the approver decides on each changed outcome of a review: accepted or rejected, with a reason."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codeset.errors import WrongUse

ACCEPTED, REJECTED = "accepted", "rejected"
_ANSWERS = {"accept": ACCEPTED, "accepted": ACCEPTED, "reject": REJECTED, "rejected": REJECTED}


@dataclass(frozen=True)
class Decision:
    """The decision on one changed outcome."""

    outcome: str
    decision: str
    reason: str


@dataclass(frozen=True)
class Entry:
    """What somebody filled in: `outcome`, `decision` and `reason` in their own words, `where` for messages.

    The outcome is its id, its number on the page, or the code alone; the decision is accept or reject.
    """

    where: str
    outcome: str
    decision: str
    reason: str


def option_entries(option: str, texts: Iterable[str]) -> Iterator[Entry]:
    """Yield what `OUTCOME=REASON` texts of *option* (accept or reject) say."""
    for text in texts:
        outcome, _, reason = (part.strip() for part in text.partition("="))
        yield Entry(f'--{option} "{text}"', outcome, option, reason)


def parse_decisions(review: Mapping[str, Any], entries: Sequence[Entry], reason: str | None) -> list[Decision]:
    """Return the decisions of *entries*; with a *reason*, every outcome that they leave open is accepted.

    An entry without decision and reason is one that was left blank.

    Raises WrongUse: with every entry whose outcome is not in the review's `to_decide` or is decided twice, that is
    neither accept nor reject, or that has no reason.
    """
    outcomes = [outcome["id"] for outcome in review["to_decide"]]
    names = _names(outcomes)
    filled = [(entry, names.get(_key(entry.outcome))) for entry in entries if entry.decision or entry.reason]
    if faults := [*_entry_faults(filled, outcomes), *_repeats(filled)]:
        raise WrongUse("\n".join([*faults, "Nothing was written."]))
    decisions = {
        outcome: Decision(outcome, _ANSWERS[entry.decision.lower()], entry.reason)
        for entry, outcome in filled
        if outcome
    }
    if reason is not None:
        left = (outcome for outcome in outcomes if outcome not in decisions)
        decisions |= {outcome: Decision(outcome, ACCEPTED, reason) for outcome in left}
    return [decisions[outcome] for outcome in outcomes if outcome in decisions]


def _names(outcomes: Sequence[str]) -> dict[str, str]:
    """The outcome by everything that the page shows of it: its id, the code or codes alone, its number."""
    numbers = {str(number): outcome for number, outcome in enumerate(outcomes, start=1)}
    shown = {f"{number} {_key(outcome)}": outcome for number, outcome in numbers.items()}
    bare = {_key(outcome).partition(" ")[2]: outcome for outcome in outcomes}
    return numbers | shown | bare | {_key(outcome): outcome for outcome in outcomes}


def _key(text: str) -> str:
    return re.sub(r"[\s.:]+", " ", text).strip().lower()


def _entry_faults(filled: Iterable[tuple[Entry, str | None]], outcomes: Sequence[str]) -> Iterator[str]:
    for entry, outcome in filled:
        if outcome is None:
            known = "; ".join(f"{number} = {name}" for number, name in enumerate(outcomes, start=1))
            named = f'"{entry.outcome}"' if entry.outcome else "no outcome"
            yield f"{entry.where}: {named} is not in this review; it has: {known or 'nothing to decide'}"
        elif entry.decision.lower() not in _ANSWERS:
            answer = f'found "{entry.decision}"' if entry.decision else "the decision is missing"
            yield f"{entry.where}: {outcome}: expected accept or reject, {answer}"
        elif not entry.reason:
            yield f"{entry.where}: {outcome}: the reason is missing"


def _repeats(filled: Iterable[tuple[Entry, str | None]]) -> Iterator[str]:
    first: dict[str, Entry] = {}
    for entry, outcome in filled:
        if outcome is None:
            continue
        earlier = first.setdefault(outcome, entry)
        if earlier is entry:
            continue
        answers = {_ANSWERS.get(each.decision.lower()) for each in (earlier, entry)}
        fault = "is both accepted and rejected" if answers == {ACCEPTED, REJECTED} else "is decided twice"
        yield f"{outcome} {fault}: {earlier.where}, and {entry.where}"


def undecided(review: Mapping[str, Any], decisions: Iterable[Decision]) -> list[str]:
    """Return the changed outcomes of *review* without a decision, in its order."""
    decided = {decision.outcome for decision in decisions}
    return [outcome["id"] for outcome in review["to_decide"] if outcome["id"] not in decided]
