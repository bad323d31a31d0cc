"""What a review asks to be decided: every changed outcome, by a name that an approval can give back."""

from collections.abc import Iterator
from dataclasses import dataclass

from codeset.suite.compared import OutcomeChanges
from codeset.suite.pairs import PairChanges


@dataclass(frozen=True)
class ToDecide:
    """One changed outcome: `id` names it in the approval, `says` tells it in a sentence."""

    id: str
    says: str


def to_decide(outcomes: OutcomeChanges, pairs: PairChanges) -> tuple[ToDecide, ...]:
    """Return the changed outcomes: scenarios, then codes that come out otherwise by themselves, then pairs."""
    return (*_scenarios(outcomes), *_alone(pairs), *_pairs(pairs))


def _scenarios(outcomes: OutcomeChanges) -> Iterator[ToDecide]:
    for each in outcomes.changed:
        told = " and ".join(
            f"line {place}: {was['disposition']} → {now['disposition']}"
            for place, (was, now) in enumerate(zip(each.before, each.after, strict=True), start=1)
            if was["disposition"] != now["disposition"]
        )
        says = f"{each.scenario.says} ({told or 'for another reason'})"
        yield ToDecide(f"scenario {each.scenario.id}", says)


def _alone(pairs: PairChanges) -> Iterator[ToDecide]:
    for row in pairs.alone.iter_rows(named=True):
        was, now = (
            f"{row[f'disposition {when}']} ({row[f'reason {when}'] or 'as it is'})" for when in ("before", "after")
        )
        yield ToDecide(
            f"code {row['hcpcs']}", f"By itself {row['hcpcs']}: {was} → {now}, in {row['cases']:,} pairs too"
        )


def _pairs(pairs: PairChanges) -> Iterator[ToDecide]:
    both = pairs.changed.select("hcpcs_one", "hcpcs_two").unique(maintain_order=True)
    for one, two in both.iter_rows():
        yield ToDecide(f"pair {one}/{two}", f"{one} with {two}: the outcome of the pair changed")
