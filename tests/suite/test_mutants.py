"""Wrong engines, one fault each: the golden suite, with what was accepted, contradicts every one of them."""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mutated import NothingMutated, engine_with

from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.suite.goldens import Goldens, goldens, goldens_folder
from codeset.suite.scenarios import Suite

MUTANTS = tomllib.loads((Path(__file__).parent / "mutants.toml").read_text())["mutant"]
RELEASE = "2026q3"


@pytest.fixture(scope="module")
def snapshot(embedded: Store) -> Snapshot:
    return embedded.open(RELEASE)


@pytest.fixture(scope="module")
def batches(snapshot: Snapshot, golden_suite: Suite) -> list[Suite]:
    """The suite in parts that the engine takes as one batch each; the largest, which contradicts most, comes first."""
    suite = golden_suite
    scenarios_of_batch: dict[tuple[str, bool], list[Any]] = {}
    for scenario in suite.scenarios:
        if scenario.holds_in(snapshot.release):
            scenarios_of_batch.setdefault((str(scenario.participant), scenario.beyond_quarter), []).append(scenario)
    largest_first = sorted(scenarios_of_batch.values(), key=len, reverse=True)
    return [Suite(suite.folder, tuple(scenarios), suite.documents) for scenarios in largest_first]


@pytest.fixture(scope="module")
def approved_goldens(snapshot: Snapshot, batches: list[Suite]) -> Goldens:
    return goldens(goldens_folder(batches[0].folder), snapshot.release)


def contradictions(
    engine: ModuleType, batches: list[Suite], snapshot: Snapshot, approved_goldens: Goldens
) -> Iterator[str]:
    """Where a coder or an approved result says otherwise than the engine, one scenario after another."""
    for batch in batches:
        suite_run = engine.run_suite(batch, snapshot)
        yield from (f"{result.scenario.id}: {result.failures}" for result in suite_run.failed)
        yield from (f"{name}: {difference}" for name, difference in approved_goldens.differing(suite_run).items())


def judges(mutant: dict[str, Any], batches: list[Suite]) -> list[Suite]:
    """The scenario that is said to contradict a mutant; the suite, where none is said to."""
    if "scenario" not in mutant:
        return batches
    with_that_scenario = (
        replace(batch, scenarios=tuple(scenario for scenario in batch.scenarios if scenario.id == mutant["scenario"]))
        for batch in batches
    )
    return [batch for batch in with_that_scenario if batch.scenarios]


def test_there_are_at_least_thirty_mutants() -> None:
    assert len({mutant["says"] for mutant in MUTANTS}) == len(MUTANTS) >= 30


def test_the_engine_without_a_fault_passes(batches: list[Suite], snapshot: Snapshot, approved_goldens: Goldens) -> None:
    with engine_with(None) as engine:
        assert list(contradictions(engine, batches, snapshot, approved_goldens)) == []
        for name in {mutant["scenario"] for mutant in MUTANTS if "scenario" in mutant}:
            (alone,) = judges({"scenario": name}, batches)
            assert list(contradictions(engine, [alone], snapshot, approved_goldens)) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant["says"] for mutant in MUTANTS])
def test_the_suite_contradicts_an_engine_in_which(
    mutant: dict[str, Any], batches: list[Suite], snapshot: Snapshot, approved_goldens: Goldens
) -> None:
    with engine_with(mutant) as engine:
        contradiction = next(contradictions(engine, judges(mutant, batches), snapshot, approved_goldens), None)
    assert contradiction is not None, "leave `scenario` out to try the whole suite"


def test_a_mutant_of_a_name_that_is_missing_is_no_mutant() -> None:
    missing_name = {"says": "nothing", "name": "edits.ptp.no_such_name", "now": "None"}
    with pytest.raises(NothingMutated, match=r"edits\.ptp\.no_such_name is not there"), engine_with(missing_name):
        pass
