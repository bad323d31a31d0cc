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


def option_entries(option: str, option_texts: Iterable[str]) -> Iterator[Entry]:
    """Yield what `OUTCOME=REASON` texts of *option* (accept or reject) say."""
    for option_text in option_texts:
        outcome, _, reason = (text_part.strip() for text_part in option_text.partition("="))
        yield Entry(f'--{option} "{option_text}"', outcome, option, reason)


def parse_decisions(review: Mapping[str, Any], entries: Sequence[Entry], reason: str | None) -> list[Decision]:
    """Return the decisions of *entries*; with a *reason*, every outcome that they leave open is accepted.

    An entry without decision and reason is one that was left blank.

    Raises WrongUse: with every entry whose outcome is not in the review's `to_decide` or is decided twice, that is
    neither accept nor reject, or that has no reason.
    """
    outcome_ids = [outcome["id"] for outcome in review["to_decide"]]
    outcome_by_name = _outcome_by_name(outcome_ids)
    entries_with_outcome = [
        (entry, outcome_by_name.get(_normalized_name(entry.outcome)))
        for entry in entries
        if entry.decision or entry.reason
    ]
    if faults := [*_entry_faults(entries_with_outcome, outcome_ids), *_repeat_faults(entries_with_outcome)]:
        raise WrongUse("\n".join([*faults, "Nothing was written."]))
    decisions = {
        outcome: Decision(outcome, _ANSWERS[entry.decision.lower()], entry.reason)
        for entry, outcome in entries_with_outcome
        if outcome
    }
    if reason is not None:
        open_outcomes = (outcome for outcome in outcome_ids if outcome not in decisions)
        decisions |= {outcome: Decision(outcome, ACCEPTED, reason) for outcome in open_outcomes}
    return [decisions[outcome] for outcome in outcome_ids if outcome in decisions]


def _outcome_by_name(outcome_ids: Sequence[str]) -> dict[str, str]:
    """The outcome by everything that the page shows of it: its id, the code or codes alone, its number."""
    outcome_by_number = {str(outcome_number): outcome for outcome_number, outcome in enumerate(outcome_ids, start=1)}
    outcome_by_number_and_name = {
        f"{outcome_number} {_normalized_name(outcome)}": outcome
        for outcome_number, outcome in outcome_by_number.items()
    }
    outcome_by_codes = {_normalized_name(outcome).partition(" ")[2]: outcome for outcome in outcome_ids}
    # An id comes last and wins: no short form of one outcome may name another one that has it as its id.
    return (
        outcome_by_number
        | outcome_by_number_and_name
        | outcome_by_codes
        | {_normalized_name(outcome): outcome for outcome in outcome_ids}
    )


def _normalized_name(outcome_text: str) -> str:
    # Blanks, points and colons do not count: people copy an outcome with its number from the page, or type it.
    return re.sub(r"[\s.:]+", " ", outcome_text).strip().lower()


def _entry_faults(
    entries_with_outcome: Iterable[tuple[Entry, str | None]], outcome_ids: Sequence[str]
) -> Iterator[str]:
    for entry, outcome in entries_with_outcome:
        if outcome is None:
            outcome_list = "; ".join(
                f"{outcome_number} = {outcome_name}" for outcome_number, outcome_name in enumerate(outcome_ids, start=1)
            )
            found_outcome = f'"{entry.outcome}"' if entry.outcome else "no outcome"
            yield f"{entry.where}: {found_outcome} is not in this review; it has: {outcome_list or 'nothing to decide'}"
        elif entry.decision.lower() not in _ANSWERS:
            found_answer = f'found "{entry.decision}"' if entry.decision else "the decision is missing"
            yield f"{entry.where}: {outcome}: expected accept or reject, {found_answer}"
        elif not entry.reason:
            yield f"{entry.where}: {outcome}: the reason is missing"


def _repeat_faults(entries_with_outcome: Iterable[tuple[Entry, str | None]]) -> Iterator[str]:
    first_entries: dict[str, Entry] = {}
    for entry, outcome in entries_with_outcome:
        if outcome is None:
            continue
        earlier_entry = first_entries.setdefault(outcome, entry)
        if earlier_entry is entry:
            continue
        answers = {_ANSWERS.get(answered.decision.lower()) for answered in (earlier_entry, entry)}
        fault = "is both accepted and rejected" if answers == {ACCEPTED, REJECTED} else "is decided twice"
        yield f"{outcome} {fault}: {earlier_entry.where}, and {entry.where}"


def undecided(review: Mapping[str, Any], decisions: Iterable[Decision]) -> list[str]:
    """Return the changed outcomes of *review* without a decision, in its order."""
    decided_outcomes = {decision.outcome for decision in decisions}
    return [outcome["id"] for outcome in review["to_decide"] if outcome["id"] not in decided_outcomes]
