"""The golden suite on CMS's own files: every coder agrees on four releases, and every outcome is as it was accepted."""

import pytest

from codeset.releases import Release
from codeset.store import Store
from codeset.suite.check_release import check_messages, check_release
from codeset.suite.goldens import goldens_folder
from codeset.suite.lint import unconfirmed_citations
from codeset.suite.scenarios import Suite
from codeset.visit.trials.coding_scenarios import coding_folder, load_coding
from codeset.visit.trials.run_coding import run_shipped_rules


@pytest.mark.cms
@pytest.mark.parametrize("label", ["2024q2", "2024q3", "2025q4", "2026q3"])
def test_the_suite_holds_on_a_release_of_cms(golden_suite: Suite, real_store: Store, label: str) -> None:
    snapshot = real_store.open(Release.parse(label))
    release_check = check_release(golden_suite, snapshot, goldens_folder(golden_suite.folder))
    assert check_messages(release_check) == []
    assert len(release_check.run.results) >= 250


@pytest.mark.cms
@pytest.mark.parametrize("label", ["2024q2", "2024q3", "2025q4", "2026q3"])
def test_every_cited_row_is_in_cms_files(golden_suite: Suite, real_store: Store, label: str) -> None:
    assert unconfirmed_citations(golden_suite, real_store.open(Release.parse(label))) == []


@pytest.mark.cms
@pytest.mark.parametrize("label", ["2024q2", "2024q3", "2025q4", "2026q3"])
def test_visits_are_coded_as_coders_say_and_no_line_is_denied(real_store: Store, label: str) -> None:
    run = run_shipped_rules(load_coding(coding_folder()), real_store.open(Release.parse(label)))
    assert {result.scenario.id: result.failures for result in run.failed} == {}  # a denied line would be asked about
    assert len(run.results) >= 200
