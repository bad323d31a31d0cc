"""Reviews of CMS's own releases: what is known to have changed, and that no change is said as such."""

from pathlib import Path

import pytest

from codeset.review.first_page import first_page
from codeset.review.folder import write_review
from codeset.review.make import make_review
from codeset.store import Store
from codeset.suite.guidance.guidance_files import guidance_folder
from codeset.suite.guidance.run_guidance import statements
from codeset.suite.scenarios import Suite

pytestmark = pytest.mark.cms
NO_SCENARIO = Suite(Path(), (), {})


def test_a_july_release_without_derm_changes_is_said_to_be_one(real_store: Store) -> None:
    """2024: derm RVUs move in January only; the edits' additions of v30.2 are none of dermatology's."""
    review = make_review(
        real_store.open("2024q2"), real_store.open("2024q3"), NO_SCENARIO, statements(guidance_folder())
    )
    assert not first_page(review).changed
    assert first_page(review).headline.startswith(
        "No change. Compared: 349 codes priced, 391 rows of indicators, 18,772 NCCI PTP edits, 347 MUEs, "
    )
    assert first_page(review).headline.endswith("NOT CHECKED: add-on pairs.")
    assert [(payment.codes, payment.rows) for payment in review.payments] == [(365, ()), (323, ())]


def test_the_annual_update_raises_office_and_lowers_facility_payment(real_store: Store, tmp_path: Path) -> None:
    review = make_review(
        real_store.open("2025q4"), real_store.open("2026q3"), NO_SCENARIO, statements(guidance_folder())
    )
    office, facility = review.payments
    assert office.overall is not None
    assert facility.overall is not None
    assert office.overall.median > 0 > facility.overall.median
    assert [change.key for change in review.table("mpfs").changes] == ["J7309"]  # no global days, no indicator
    write_review(review, tmp_path / "review")
    assert (tmp_path / "review" / "review.html").stat().st_size < 1_500_000
