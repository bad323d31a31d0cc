"""The coding scenarios: well made, cited, and coded as a coder says on every release that is tried."""

import pytest

from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.suite.plugin import releases_of, store_of
from codeset.suite.scenarios import Source, load
from codeset.visit.trials.coding_scenarios import CodingScenario, coding_folder, load_coding
from codeset.visit.trials.run_coding import run_shipped_rules
from compliance_tests import coverage

SCENARIOS = load_coding(coding_folder(coverage.HERE / "scenarios"))


def test_no_two_scenarios_have_one_name_or_say_the_same() -> None:
    assert len({scenario.id for scenario in SCENARIOS}) == len(SCENARIOS) >= 200
    assert len({scenario.says.casefold() for scenario in SCENARIOS}) == len(SCENARIOS)


def test_every_document_that_is_cited_is_known() -> None:
    documents = load(coverage.HERE / "scenarios").documents
    assert [
        scenario.id for scenario in SCENARIOS for source in scenario.sources if source.document not in documents
    ] == []


def test_every_row_that_is_cited_is_there(request: pytest.FixtureRequest) -> None:
    store = Store.at(store_of(request.config))
    for release in releases_of(request.config):
        snapshot = store.open(release)
        cited = [(scenario.id, source) for scenario in SCENARIOS for source in scenario.sources]
        assert [(name, str(source)) for name, source in cited if not is_there(source, snapshot)] == []


def is_there(source: Source, snapshot: Snapshot) -> bool:
    one, _, other = source.details.get("row", "").partition("/")
    match source.document:
        case "PFS relative values":
            return snapshot.mpfs(one) is not None
        case "NCCI PTP practitioner":
            return any(str(row["ccmi"]) == source.details["ccmi"] for row in snapshot.ptp(one, other))
        case "NCCI MUE practitioner":
            row = snapshot.mue(one)
            return row is not None and str(row["mue_value"]) == source.details["mue_value"]
        case "NCCI add-on":
            return other in {row["primary_code"] for row in snapshot.primaries(one)}
    return True


def test_visits_are_coded_as_a_coder_codes_them(request: pytest.FixtureRequest) -> None:
    store = Store.at(store_of(request.config))
    for release in releases_of(request.config):
        run = run_shipped_rules(SCENARIOS, store.open(release))
        assert {result.scenario.id: result.failures for result in run.failed} == {}


def test_every_scenario_codes_or_asks_something_but_what_is_included() -> None:
    silent = [scenario for scenario in SCENARIOS if not scenario.codes and not scenario.asks]
    assert [scenario.id for scenario in silent] == [
        "global-periods-drainage-of-a-wound-is-included",
        "light-hospital",
        "office-visits-related-in-global-period",
        "repairs-strips",
    ]


def test_codes_are_of_the_family_they_stand_in() -> None:
    families: dict[str, list[CodingScenario]] = {}
    for scenario in SCENARIOS:
        families.setdefault(scenario.family, []).append(scenario)
    assert all(scenario.id.startswith(f"{family}-") for family, group in families.items() for scenario in group)
