"""The changed outcomes that a person accepts or rejects, each with a name that an approval can repeat."""

from collections.abc import Iterator
from dataclasses import dataclass

from codeset.suite.compare_outcomes import OutcomeChanges
from codeset.suite.pairs import PairChanges


@dataclass(frozen=True)
class ToDecide:
    """One changed outcome: `id` names it in the approval, `says` describes the change in a sentence."""

    id: str
    says: str


def to_decide(outcomes: OutcomeChanges, pairs: PairChanges) -> tuple[ToDecide, ...]:
    """Return the changed outcomes: of scenarios, then of codes billed alone, then of code pairs."""
    return (*_scenarios(outcomes), *_codes_alone(pairs), *_pairs(pairs))


def _scenarios(outcomes: OutcomeChanges) -> Iterator[ToDecide]:
    for changed in outcomes.changed:
        lines = enumerate(zip(changed.before, changed.after, strict=True), start=1)
        dispositions = " and ".join(
            f"line {number}: {before['disposition']} → {after['disposition']}"
            for number, (before, after) in lines
            if before["disposition"] != after["disposition"]
        )
        scenario = changed.scenario
        yield ToDecide(f"scenario {scenario.id}", f"{scenario.says} ({dispositions or 'for another reason'})")


def _codes_alone(pairs: PairChanges) -> Iterator[ToDecide]:
    for row in pairs.alone.iter_rows(named=True):
        before, after = (
            f"{row[f'disposition {when}']} ({row[f'reason {when}'] or 'as it is'})" for when in ("before", "after")
        )
        hcpcs, cases = row["hcpcs"], row["cases"]
        yield ToDecide(f"code {hcpcs}", f"By itself {hcpcs}: {before} → {after}, in {cases:,} pairs too")


def _pairs(pairs: PairChanges) -> Iterator[ToDecide]:
    codes = pairs.changed.select("hcpcs_one", "hcpcs_two").unique(maintain_order=True)
    for one, two in codes.iter_rows():
        yield ToDecide(f"pair {one}/{two}", f"{one} with {two}: the outcome of the pair changed")
