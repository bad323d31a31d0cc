"""The outcomes that changed: those that CMS changed, to accept or reject, and those that differ by our own files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codeset import wording
from codeset.review.baseline import FACTOR
from codeset.suite.compare_outcomes import ChangedOutcome, OutcomeChanges
from codeset.suite.pairs import PairChanges


@dataclass(frozen=True)
class ToDecide:
    """One changed outcome: `id` names it in the approval, `says` describes the change in a sentence."""

    id: str
    says: str


@dataclass(frozen=True)
class OwnDifference:
    """An outcome that differs between our two releases although CMS changed nothing, and `why`."""

    id: str
    says: str
    why: str


def to_decide(outcomes: OutcomeChanges, pairs: PairChanges) -> tuple[ToDecide, ...]:
    """Return the changed outcomes: of test claims, then of codes billed alone, then of code pairs."""
    return (*_scenarios(outcomes), *_codes_alone(pairs), *_pairs(pairs))


def own_differences(
    differing: tuple[ToDecide, ...], by_cms: tuple[ToDecide, ...], edits: Mapping[str, str], reasons: Mapping[str, str]
) -> tuple[OwnDifference, ...]:
    """Return those *differing* that are not *by_cms*; *reasons* are why the baseline differs, by table.

    *edits* names the table that decides an outcome, where one does.
    """
    ids = {outcome.id for outcome in by_cms}
    everything = "; ".join(reasons.values())
    return tuple(
        OwnDifference(outcome.id, outcome.says, reasons.get(edits.get(outcome.id, ""), everything))
        for outcome in differing
        if outcome.id not in ids
    )


def deciding_tables(outcomes: OutcomeChanges, pairs: PairChanges) -> dict[str, str]:
    """Return the table whose edit decides each changed outcome, by its id, where one does."""
    tables = {f"scenario {changed.scenario.id}": _table_of(changed) for changed in outcomes.changed}
    for row in pairs.alone.iter_rows(named=True):
        tables[f"code {row['hcpcs']}"] = row["edit after"] or row["edit before"] or ""
    for row in pairs.changed.iter_rows(named=True):
        edits = (row[f"edit_{side} {when}"] for side in ("one", "two") for when in ("after", "before"))
        tables[f"pair {row['hcpcs_one']}/{row['hcpcs_two']}"] = next(filter(None, edits), "")
    return tables


def _table_of(changed: ChangedOutcome) -> str:
    for before, after in zip(changed.before, changed.after, strict=True):
        if "no-conversion-factor" in (before.get("unpriced"), after.get("unpriced")):
            return FACTOR
        if before["edit"] != after["edit"] or before["findings"] != after["findings"]:
            return str(after["edit"] or before["edit"] or "")
    return ""


def _scenarios(outcomes: OutcomeChanges) -> Iterator[ToDecide]:
    for changed in outcomes.changed:
        lines = enumerate(zip(changed.before, changed.after, strict=True), start=1)
        results = " and ".join(
            f"line {number}: was {wording.disposition(before['disposition'])}, now "
            f"{wording.disposition(after['disposition'])}"
            for number, (before, after) in lines
            if before["disposition"] != after["disposition"]
        )
        scenario = changed.scenario
        yield ToDecide(f"scenario {scenario.id}", f"{scenario.says} ({results or 'same result, different reason'})")


def _codes_alone(pairs: PairChanges) -> Iterator[ToDecide]:
    for row in pairs.alone.iter_rows(named=True):
        before, after = (wording.disposition(row[f"disposition {when}"]) for when in ("before", "after"))
        result = f"was {before}, now {after}" if before != after else f"still {after}, different reason"
        cases = f". Same in {wording.count(row['cases'], 'pair')}" if row["cases"] else ""
        yield ToDecide(f"code {row['hcpcs']}", f"{row['hcpcs']} billed alone: {result}{cases}")


def _pairs(pairs: PairChanges) -> Iterator[ToDecide]:
    # One decision for a pair, with and without XS: one row of CMS's is behind all of its cases.
    codes = pairs.changed.select("hcpcs_one", "hcpcs_two").unique(maintain_order=True)
    for one, two in codes.iter_rows():
        yield ToDecide(f"pair {one}/{two}", f"{one} with {two} on one day: different result")
