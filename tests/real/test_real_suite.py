"""The golden suite on CMS's own files: every coder agrees on four releases, and every outcome is as it was accepted."""

import pytest

from codeset.releases import Release
from codeset.store import Store
from codeset.suite.check_release import check_messages, check_release
from codeset.suite.goldens import goldens_folder
from codeset.suite.lint import rows_cited
from codeset.suite.scenarios import Suite, load, scenarios_folder


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load(scenarios_folder())


@pytest.mark.cms
@pytest.mark.parametrize("label", ["2024q2", "2024q3", "2025q4", "2026q3"])
def test_the_suite_holds_on_a_release_of_cms(suite: Suite, real_store: Store, label: str) -> None:
    snapshot = real_store.open(Release.parse(label))
    tested = check_release(suite, snapshot, goldens_folder(suite.folder))
    assert check_messages(tested) == []
    assert len(tested.run.results) >= 250


@pytest.mark.cms
@pytest.mark.parametrize("label", ["2024q2", "2024q3", "2025q4", "2026q3"])
def test_every_cited_row_stands_in_cms_files(suite: Suite, real_store: Store, label: str) -> None:
    assert rows_cited(suite, real_store.open(Release.parse(label))) == []
