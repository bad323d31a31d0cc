"""The change of October 1, 2025 in a review: B88.0 was split, and 116 codes of chapter L are new."""

import json
from datetime import date
from pathlib import Path

import pytest
import reviewed

from codeset.differences import diff
from codeset.releases import Release
from codeset.review.first_page import first_page
from codeset.review.folder import DATA, PAGE, write_review
from codeset.review.make import make_review
from codeset.review.model import Review
from codeset.schemas import faults_of
from codeset.store import Store
from codeset.suite.guidance.guidance_files import guidance_folder
from codeset.suite.guidance.run_guidance import statements
from codeset.suite.scenarios import load


@pytest.fixture(scope="module")
def october(tmp_path_factory: pytest.TempPathFactory) -> tuple[Review, Path]:
    folder = tmp_path_factory.mktemp("october")
    store = Store(folder / "store")
    old, new = (reviewed.seal_codes(Release.parse(label), store) for label in ("2025q3", "2025q4"))
    suite, guides = load(reviewed.scenarios(folder)), statements(guidance_folder())
    review = make_review(old, new, suite, guides, favorites=("L570", "B880", "C4451", "L99ZZ", "E119"))
    write_review(review, folder / "review")
    return review, folder / "review"


def test_a_favorite_that_stops_is_an_action_item_with_its_day(october: tuple[Review, Path]) -> None:
    review, _ = october
    item, never_valid = [item for item in first_page(review).actions if item.section == "diagnoses"]
    assert item.title == "1 favorite diagnosis code stops on 10/01/2025"
    assert item.details == "B88.0: use B88.01 and B88.09"
    assert item.due == date(2025, 10, 1)
    assert never_valid.title == "2 favorite diagnosis codes are not valid for billing"
    assert first_page(review).headline.startswith("1 diagnosis code split")


def test_every_form_shows_it(october: tuple[Review, Path]) -> None:
    _, folder = october
    plain = json.loads((folder / DATA).read_text())
    assert list(faults_of(plain, "review")) == []
    diagnoses = plain["changes"]["diagnoses"]
    assert (diagnoses["headers"], diagnoses["unknown"]) == (["C44.51"], ["L99.ZZ"])
    assert diagnoses["outside_excerpt"] == ["E11.9"]
    page = (folder / PAGE).read_text()
    assert 'id="diagnoses"' in page
    assert "<li>C44.51 (header: use a more specific code)</li><li>L99.ZZ (no ICD-10-CM code)</li>" in page
    assert "so not checked: E11.9." in page
    text = (folder / "review.md").read_text()
    assert "B88.0 split since 10/01/2025: use B88.01, B88.09" in text
    assert "## On your list, and not valid for billing\n\n- C44.51 (header: use a more specific code)" in text


def test_without_a_list_dermatology_s_families_are_compared(october: tuple[Review, Path]) -> None:
    _, folder = october
    store = Store(folder.parent / "store")
    diagnosis_changes = diff(store.open("2025q3"), store.open("2025q4")).diagnoses
    new_codes = [change.diagnosis for change in diagnosis_changes.changes if change.kind == "new"]
    assert sum(code.startswith("L") for code in new_codes) == 116
