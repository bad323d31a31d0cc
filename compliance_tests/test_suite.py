"""The suite itself: well made, cited by rows that are there, as large as it says, and its coverage page up to date."""

import pytest

from codeset.scope import scope
from codeset.store import Store
from codeset.suite.lint import lint, unconfirmed_citations
from codeset.suite.plugin import releases_of, store_of
from codeset.suite.scenarios import Suite, load
from compliance_tests import coverage


@pytest.fixture(scope="session")
def suite() -> Suite:
    return load(coverage.HERE / "scenarios")


def test_the_suite_has_no_lint_faults(suite: Suite) -> None:
    assert lint(suite, scope("derm").families, coverage.to_cover()) == []


def test_every_row_that_is_cited_is_there(suite: Suite, request: pytest.FixtureRequest) -> None:
    store = Store.at(store_of(request.config))
    for release in releases_of(request.config):
        assert unconfirmed_citations(suite, store.open(release)) == []


def test_there_are_at_least_250_scenarios(suite: Suite) -> None:
    assert len(suite.scenarios) >= 250


def test_what_can_be_covered_is_covered(suite: Suite) -> None:
    covered = {key for scenario in suite.scenarios for key in scenario.covers}
    excused = {key for key, about in coverage.to_cover().items() if "not_covered" in about}
    assert sorted(set(coverage.to_cover()) ^ covered ^ excused) == []


def test_the_coverage_page_is_that_of_the_suite() -> None:
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.page()
