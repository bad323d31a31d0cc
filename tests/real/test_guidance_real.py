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
    guide_statements = statements(GUIDES)
    full, part = (audit(guide_statements, store.open(label)) for store in (real_store, excerpt))
    assert [(result.statement.id, result.verdict, result.why) for result in full] == [
        (result.statement.id, result.verdict, result.why) for result in part
    ]


@pytest.mark.parametrize("label", ["2024q2", "2024q3"])
def test_bundled_pairs_are_contradicted_in_earlier_years_too(real_store, label):
    verdicts = {result.statement.id: result.verdict for result in audit(statements(GUIDES), real_store.open(label))}
    for name in ("coding-keratoses-25", "coding-warts-30", "coding-tangential-and-incisional", "coding-table-11102"):
        assert verdicts[name] is Verdict.CONTRADICTED


def test_a_release_without_edits_decides_by_its_fee_schedule_alone(real_store):
    results = {result.statement.id: result for result in audit(statements(GUIDES), real_store.open("2025q3"))}
    assert results["coding-96912-pays-more"].verdict is Verdict.CONTRADICTED
    assert results["coding-warts-30"].verdict is Verdict.NOT_DECIDABLE
    assert results["coding-warts-30"].why == "2025q3 holds no gpci, ptp, mue, add_on"
