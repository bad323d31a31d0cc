"""What the guides say, on CMS's own files; the embedded excerpt must answer as they do."""

from pathlib import Path

import pytest

from codeset.releases import Release
from codeset.store import Store
from codeset.suite.guidance.run_guidance import Verdict, audit, statements
from codeset_ingest.embedded import build_embedded

pytestmark = pytest.mark.cms

GUIDES = Path(__file__).parents[2] / "compliance_tests" / "guidance"


@pytest.mark.parametrize("label", ["2025q4", "2026q3"])
def test_full_releases_and_the_excerpt_give_the_same_verdicts(real_store, tmp_path, label):
    excerpt = Store(tmp_path)
    build_embedded(Release.parse(label), excerpt)
    read = statements(GUIDES)
    full, part = (audit(read, store.open(label)) for store in (real_store, excerpt))
    assert [(each.statement.id, each.verdict, each.why) for each in full] == [
        (each.statement.id, each.verdict, each.why) for each in part
    ]


@pytest.mark.parametrize("label", ["2024q2", "2024q3"])
def test_bundled_pairs_are_contradicted_in_earlier_years_too(real_store, label):
    found = {each.statement.id: each.verdict for each in audit(statements(GUIDES), real_store.open(label))}
    for name in ("coding-keratoses-25", "coding-warts-30", "coding-tangential-and-incisional", "coding-table-11102"):
        assert found[name] is Verdict.CONTRADICTED


def test_a_release_without_edits_decides_by_its_fee_schedule_alone(real_store):
    found = {each.statement.id: each for each in audit(statements(GUIDES), real_store.open("2025q3"))}
    assert found["coding-96912-pays-more"].verdict is Verdict.CONTRADICTED
    assert found["coding-warts-30"].verdict is Verdict.NOT_DECIDABLE
    assert found["coding-warts-30"].why == "2025q3 holds no gpci, ptp, mue, add_on"
