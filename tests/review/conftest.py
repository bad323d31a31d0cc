"""One review, made and written once for the tests that read it."""

import json
from collections.abc import Mapping
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


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both embedded releases, a suite and volumes."""
    folder = tmp_path_factory.mktemp("review")
    reviewed.store(folder)
    reviewed.scenarios(folder)
    reviewed.volumes(folder)
    return folder


@pytest.fixture(scope="session")
def made(place: Path) -> Review:
    """The review of the annual update, written to `review` in that folder."""
    store = Store(place / "store")
    volumes = read_volumes(place / "volumes.csv").volumes
    suite, guidance = load(place / "scenarios"), statements(guidance_folder())
    review = make_review(store.open("2025q4"), store.open("2026q3"), suite, guidance, volumes=volumes)
    write_review(review, place / "review")
    return review


@pytest.fixture(scope="session")
def written(place: Path, made: Review) -> Path:
    """The folder of that review."""
    assert first_page(made).changed
    return place / "review"


@pytest.fixture(scope="session")
def plain(written: Path) -> Mapping[str, Any]:
    """Its JSON."""
    told: Mapping[str, Any] = json.loads((written / DATA).read_text())
    return told
