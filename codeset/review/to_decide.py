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
    return (*_scenario_decisions(outcomes), *_code_alone_decisions(pairs), *_pair_decisions(pairs))


def own_differences(
    differing_outcomes: tuple[ToDecide, ...],
    cms_outcomes: tuple[ToDecide, ...],
    table_by_id: Mapping[str, str],
    reasons: Mapping[str, str],
) -> tuple[OwnDifference, ...]:
    """Return those *differing_outcomes* that are not *cms_outcomes*; *reasons* are why the baseline differs, by table.

    *table_by_id* names the table that decides an outcome, where one does.
    """
    cms_ids = {outcome.id for outcome in cms_outcomes}
    all_reasons = "; ".join(reasons.values())
    return tuple(
        OwnDifference(outcome.id, outcome.says, reasons.get(table_by_id.get(outcome.id, ""), all_reasons))
        for outcome in differing_outcomes
        if outcome.id not in cms_ids
    )


def deciding_tables(outcomes: OutcomeChanges, pairs: PairChanges) -> dict[str, str]:
    """Return the table whose edit decides each changed outcome, by its id, where one does."""
    table_by_id = {
        f"scenario {changed_outcome.scenario.id}": _deciding_table(changed_outcome)
        for changed_outcome in outcomes.changed
    }
    for changed_row in pairs.alone.iter_rows(named=True):
        # The later edit: an outcome is to be decided for the new release, and the old one may have had no edit.
        table_by_id[f"code {changed_row['hcpcs']}"] = changed_row["edit after"] or changed_row["edit before"] or ""
    for changed_row in pairs.changed.iter_rows(named=True):
        deciding_edits = (
            changed_row[f"edit_{column} {when}"] for column in ("one", "two") for when in ("after", "before")
        )
        table_by_id[f"pair {changed_row['hcpcs_one']}/{changed_row['hcpcs_two']}"] = next(
            filter(None, deciding_edits), ""
        )
    return table_by_id


def _deciding_table(changed_outcome: ChangedOutcome) -> str:
    for line_before, line_after in zip(changed_outcome.before, changed_outcome.after, strict=True):
        # A line without a price has no edit and no finding to compare: the missing conversion factor is what differs.
        if "no-conversion-factor" in (line_before.get("unpriced"), line_after.get("unpriced")):
            return FACTOR
        if line_before["edit"] != line_after["edit"] or line_before["findings"] != line_after["findings"]:
            return str(line_after["edit"] or line_before["edit"] or "")
    return ""


def _scenario_decisions(outcomes: OutcomeChanges) -> Iterator[ToDecide]:
    for changed_outcome in outcomes.changed:
        numbered_lines = enumerate(zip(changed_outcome.before, changed_outcome.after, strict=True), start=1)
        results_text = " and ".join(
            f"line {line_number}: was {wording.disposition(line_before['disposition'])}, now "
            f"{wording.disposition(line_after['disposition'])}"
            for line_number, (line_before, line_after) in numbered_lines
            if line_before["disposition"] != line_after["disposition"]
        )
        scenario = changed_outcome.scenario
        yield ToDecide(
            f"scenario {scenario.id}", f"{scenario.says} ({results_text or 'same result, different reason'})"
        )


def _code_alone_decisions(pairs: PairChanges) -> Iterator[ToDecide]:
    for code_row in pairs.alone.iter_rows(named=True):
        result_before, result_after = (
            wording.disposition(code_row[f"disposition {when}"]) for when in ("before", "after")
        )
        result_text = (
            f"was {result_before}, now {result_after}"
            if result_before != result_after
            else f"still {result_after}, different reason"
        )
        pairs_note = f". Same in {wording.count(code_row['cases'], 'pair')}" if code_row["cases"] else ""
        yield ToDecide(f"code {code_row['hcpcs']}", f"{code_row['hcpcs']} billed alone: {result_text}{pairs_note}")


def _pair_decisions(pairs: PairChanges) -> Iterator[ToDecide]:
    # One decision for a pair, with and without XS: one row of CMS's is behind all of its cases.
    code_pairs = pairs.changed.select("hcpcs_one", "hcpcs_two").unique(maintain_order=True)
    for first_code, second_code in code_pairs.iter_rows():
        yield ToDecide(
            f"pair {first_code}/{second_code}", f"{first_code} with {second_code} on one day: different result"
        )
