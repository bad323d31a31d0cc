"""One review, made and written once for the tests that read it, whichever worker process runs them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import reviewed

from codeset.impact.volume_files import read_volumes
from codeset.review.first_page import first_page
from codeset.review.folder import DATA, write_review
from codeset.review.make import make_review
from codeset.review.model import Review
from codeset.store import Store
from codeset.suite.guidance.guidance_files import guidance_folder
from codeset.suite.guidance.run_guidance import statements
from codeset.suite.scenarios import load

Reviewed = tuple[Path, Review]


@pytest.fixture(scope="session")
def folder_and_review(once: Callable[[str, Callable[[Path], Reviewed]], Reviewed]) -> Reviewed:
    return once("review", review_annual_update)


def review_annual_update(folder: Path) -> Reviewed:
    """Write both embedded releases, a suite, volumes, and the `review` made of them into *folder*."""
    store = reviewed.store(folder)
    suite, guidance = load(reviewed.scenarios(folder)), statements(guidance_folder())
    volumes = read_volumes(reviewed.volumes(folder)).volumes
    review = make_review(store.open("2025q4"), store.open("2026q3"), suite, guidance, volumes=volumes)
    write_review(review, folder / "review")
    return folder, review


@pytest.fixture(scope="session")
def place(folder_and_review: Reviewed) -> Path:
    """A folder with both embedded releases, a suite and volumes."""
    return folder_and_review[0]


@pytest.fixture(scope="session")
def short_place(once: Callable[[str, Callable[[Path], Path]], Path]) -> Path:
    """A folder with the facts of a few codes in both releases, and the suite."""

    def write_store_and_suite(folder: Path) -> Path:
        reviewed.short_store(folder)
        reviewed.scenarios(folder)
        return folder

    return once("short", write_store_and_suite)


@pytest.fixture(scope="session")
def short_review_folder(short_place: Path, once: Callable[[str, Callable[[Path], Path]], Path]) -> Path:
    """The folder of a review of these codes."""

    def review_codes(folder: Path) -> Path:
        store = Store(short_place / "store")
        suite = load(short_place / "scenarios")
        write_review(make_review(store.open("2025q4"), store.open("2026q3"), suite, ()), folder)
        return folder

    return once("short-review", review_codes)


@pytest.fixture(scope="session")
def annual_review(folder_and_review: Reviewed) -> Review:
    """The review of the annual update, written to `review` in that folder."""
    return folder_and_review[1]


@pytest.fixture(scope="session")
def review_folder(place: Path, annual_review: Review) -> Path:
    """The folder of that review."""
    assert first_page(annual_review).changed
    return place / "review"


@pytest.fixture(scope="session")
def plain(review_folder: Path) -> Mapping[str, Any]:
    """Its JSON."""
    document: Mapping[str, Any] = json.loads((review_folder / DATA).read_text())
    return document
