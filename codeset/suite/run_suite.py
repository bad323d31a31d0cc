"""Every scenario that holds in a release, through the engine at once; what it said, and where a coder differs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import polars as pl

from codeset.claims.adjudicate import adjudicate, compact_outcome
from codeset.claims.claim_fields import COLUMNS
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.outcome import outcome_plain
from codeset.errors import WrongUse
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.suite.expectations import failures
from codeset.suite.scenarios import Claim, Line, Scenario, Suite
from codeset.tables import REQUIRED_TABLES

_ALWAYS = (date(1900, 1, 1), date(2999, 12, 31))
"""Every date of a scenario, and still dates that days can be added to, which `date.min` and `date.max` are not."""

LineOutcome = Mapping[str, Any]
"""What was said of a line: the line of `outcome.schema.json`, its findings without their sentences."""


@dataclass(frozen=True)
class ScenarioResult:
    """One scenario on one release: what the engine said of its lines, and how that differs from what is expected."""

    scenario: Scenario
    lines: tuple[LineOutcome, ...]
    failures: tuple[str, ...]


@dataclass(frozen=True)
class SuiteRun:
    """The suite on one release. `left_out`: the scenarios that do not hold in its quarter, or need a table it lacks."""

    release: Release
    results: tuple[ScenarioResult, ...]
    left_out: tuple[Scenario, ...]

    @property
    def failed(self) -> tuple[ScenarioResult, ...]:
        """Those of which the engine says something else than the coder."""
        return tuple(result for result in self.results if result.failures)


def run_suite(suite: Suite, snapshot: Snapshot) -> SuiteRun:
    """Run the scenarios of *suite* on *snapshot*.

    Raises WrongUse: if the release lacks a table that claims are read against.
    """
    if missing_tables := [table for table in REQUIRED_TABLES if table not in snapshot]:
        raise WrongUse(f"{snapshot.release} holds no {', '.join(missing_tables)}: build it with --from or --carry")
    holding_scenarios = [
        scenario
        for scenario in suite.scenarios
        if scenario.holds_in(snapshot.release) and all(table in snapshot for table in scenario.tables)
    ]
    outcomes_of_scenario = scenario_outcomes(holding_scenarios, snapshot)
    results = tuple(
        ScenarioResult(
            scenario, outcomes_of_scenario[scenario.id], failures(scenario, outcomes_of_scenario[scenario.id])
        )
        for scenario in holding_scenarios
    )
    return SuiteRun(
        snapshot.release,
        results,
        tuple(scenario for scenario in suite.scenarios if scenario.id not in outcomes_of_scenario),
    )


def scenario_outcomes(scenarios: Iterable[Scenario], snapshot: Snapshot) -> dict[str, tuple[LineOutcome, ...]]:
    """Return what the engine says of the lines of each scenario, by its id, on a snapshot that holds what is needed.

    One batch for each conversion factor, for dates beyond the quarter, and for scenarios that expect a remedy: only
    theirs are worked out.
    """

    def batch_key(scenario: Scenario) -> tuple[str, bool, bool]:
        return str(scenario.participant), scenario.beyond_quarter, _expects_remedy(scenario)

    outcomes_of_scenario: dict[str, tuple[LineOutcome, ...]] = {}
    for _, same_batch in groupby(sorted(scenarios, key=batch_key), key=batch_key):
        outcomes_of_scenario |= _batch_outcomes(list(same_batch), snapshot)
    return outcomes_of_scenario


def _batch_outcomes(scenarios: list[Scenario], snapshot: Snapshot) -> dict[str, tuple[LineOutcome, ...]]:
    lines = claim_lines(scenarios, snapshot.release)
    participant = scenarios[0].participant
    if scenarios[0].beyond_quarter:
        code_set = _valid_on_every_date(CodeSet.of([snapshot], lines["hcpcs"].unique()))
        outcome = compact_outcome(lines, code_set, participant=participant).outcome()
    else:
        outcome = adjudicate(lines, snapshot, participant=participant)
    if not _expects_remedy(scenarios[0]):
        # Without its reader an outcome works out no remedies: no scenario of this batch expects one.
        outcome = replace(outcome, reader=None)
    lines_of_scenario: dict[str, list[LineOutcome]] = {}
    for claim in outcome_plain(outcome, sentences=False):
        lines_of_scenario.setdefault(claim["claim_id"].partition("/")[0], []).extend(claim["lines"])
    return {scenario_id: tuple(lines) for scenario_id, lines in lines_of_scenario.items()}


def _expects_remedy(scenario: Scenario) -> bool:
    return any("remedy" in expected for expected in scenario.expected)


def _valid_on_every_date(code_set: CodeSet) -> CodeSet:
    """The release as though it covered every date: its dated rows hold their history."""
    first_day, last_day = _ALWAYS
    releases = code_set.releases.with_columns(first=pl.lit(first_day), last=pl.lit(last_day))
    # Conversion factors are not dated beyond the quarter: the first and the last one are stretched.
    factor_starts, factor_ends = pl.col("factor_first"), pl.col("factor_last")
    factors = code_set.factors.with_columns(
        factor_first=pl.when(factor_starts == factor_starts.min()).then(pl.lit(first_day)).otherwise(factor_starts),
        factor_last=pl.when(factor_ends == factor_ends.max()).then(pl.lit(last_day)).otherwise(factor_ends),
    )
    return replace(code_set, releases=releases, factors=factors)


def claim_lines(scenarios: Iterable[Scenario], release: Release) -> pl.DataFrame:
    """Return the lines of *scenarios* as the engine takes them; each scenario is a beneficiary of its own."""
    claim_rows = [
        _claim_row(scenario, claim_number, claim, line_number, line, scenario.day_zero(release))
        for scenario in scenarios
        for claim_number, claim in enumerate(scenario.claims, start=1)
        for line_number, line in enumerate(claim.lines, start=1)
    ]
    return pl.DataFrame(claim_rows, schema=dict(COLUMNS))


def _claim_row(
    scenario: Scenario, claim_number: int, claim: Claim, line_number: int, line: Line, day_zero: date
) -> dict[str, Any]:
    through_date = None if line.through_day is None else day_zero + timedelta(days=line.through_day)
    return {
        # Two digits: the engine sorts claims by their text, and lines come back in that order.
        "claim_id": f"{scenario.id}/{claim_number:02}",
        "line": line_number,
        "beneficiary": scenario.id,
        "provider": claim.provider,
        "group": claim.group,
        "specialty": claim.specialty,
        "date_of_service": day_zero + timedelta(days=line.day),
        "through_date": through_date,
        "hcpcs": line.hcpcs,
        "modifiers": " ".join(line.modifiers),
        "units": line.units,
        "place_of_service": line.place_of_service,
        "locality": claim.locality,
        "charge_cents": line.charge_cents,
        "lesion": line.lesion,
        "diagnoses": " ".join(line.diagnoses) or None,
        "diagnoses_of_claim": None if line.diagnoses_of_claim == line.diagnoses else " ".join(line.diagnoses_of_claim),
    }
