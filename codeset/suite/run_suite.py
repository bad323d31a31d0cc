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
    holding = [
        scenario
        for scenario in suite.scenarios
        if scenario.holds_in(snapshot.release) and all(table in snapshot for table in scenario.tables)
    ]
    answers = scenario_outcomes(holding, snapshot)
    results = tuple(
        ScenarioResult(scenario, answers[scenario.id], failures(scenario, answers[scenario.id])) for scenario in holding
    )
    return SuiteRun(
        snapshot.release, results, tuple(scenario for scenario in suite.scenarios if scenario.id not in answers)
    )


def scenario_outcomes(scenarios: Iterable[Scenario], snapshot: Snapshot) -> dict[str, tuple[LineOutcome, ...]]:
    """Return what the engine says of the lines of each scenario, by its id, on a snapshot that holds what is needed.

    One batch for each conversion factor, for dates beyond the quarter, and for scenarios that expect a remedy: only
    theirs are worked out.
    """

    def batch_key(scenario: Scenario) -> tuple[str, bool, bool]:
        return str(scenario.participant), scenario.beyond_quarter, _expects_remedy(scenario)

    answers: dict[str, tuple[LineOutcome, ...]] = {}
    for _, group in groupby(sorted(scenarios, key=batch_key), key=batch_key):
        answers |= _batch(list(group), snapshot)
    return answers


def _batch(scenarios: list[Scenario], snapshot: Snapshot) -> dict[str, tuple[LineOutcome, ...]]:
    lines = claim_lines(scenarios, snapshot.release)
    participant = scenarios[0].participant
    if scenarios[0].beyond_quarter:
        code_set = _for_always(CodeSet.of([snapshot], lines["hcpcs"].unique()))
        outcome = compact_outcome(lines, code_set, participant=participant).outcome()
    else:
        outcome = adjudicate(lines, snapshot, participant=participant)
    if not _expects_remedy(scenarios[0]):
        outcome = replace(outcome, reader=None)
    answers: dict[str, list[LineOutcome]] = {}
    for claim in outcome_plain(outcome, sentences=False):
        answers.setdefault(claim["claim_id"].partition("/")[0], []).extend(claim["lines"])
    return {name: tuple(lines) for name, lines in answers.items()}


def _expects_remedy(scenario: Scenario) -> bool:
    return any("remedy" in expected for expected in scenario.expected)


def _for_always(code_set: CodeSet) -> CodeSet:
    """The release as though it covered every date: its dated rows hold their history."""
    first, last = _ALWAYS
    releases = code_set.releases.with_columns(first=pl.lit(first), last=pl.lit(last))
    # Conversion factors are not dated beyond the quarter: the first and the last one are stretched.
    starts, ends = pl.col("factor_first"), pl.col("factor_last")
    factors = code_set.factors.with_columns(
        factor_first=pl.when(starts == starts.min()).then(pl.lit(first)).otherwise(starts),
        factor_last=pl.when(ends == ends.max()).then(pl.lit(last)).otherwise(ends),
    )
    return replace(code_set, releases=releases, factors=factors)


def claim_lines(scenarios: Iterable[Scenario], release: Release) -> pl.DataFrame:
    """Return the lines of *scenarios* as the engine takes them; each scenario is a beneficiary of its own."""
    rows = [
        _row(scenario, nth, claim, number, line, scenario.day_zero(release))
        for scenario in scenarios
        for nth, claim in enumerate(scenario.claims, start=1)
        for number, line in enumerate(claim.lines, start=1)
    ]
    return pl.DataFrame(rows, schema=dict(COLUMNS))


def _row(scenario: Scenario, nth: int, claim: Claim, number: int, line: Line, zero: date) -> dict[str, Any]:
    through = None if line.through_day is None else zero + timedelta(days=line.through_day)
    return {
        "claim_id": f"{scenario.id}/{nth:02}",
        "line": number,
        "beneficiary": scenario.id,
        "provider": claim.provider,
        "group": claim.group,
        "specialty": claim.specialty,
        "date_of_service": zero + timedelta(days=line.day),
        "through_date": through,
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
