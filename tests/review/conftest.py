"""One review, made and written once for the tests that read it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import reviewed

from codeset.review import write_review
from codeset.review.folder import DATA
from codeset.review.model import Review
from codeset.store import Store


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
    chosen = write_review.Chosen(place / "volumes.csv", None, None, place / "scenarios", None)
    return write_review.make((store.open("2025q4"), store.open("2026q3")), chosen, place / "review")


@pytest.fixture(scope="session")
def written(place: Path, made: Review) -> Path:
    """The folder of that review."""
    assert made.changed
    return place / "review"


@pytest.fixture(scope="session")
def plain(written: Path) -> Mapping[str, Any]:
    """Its JSON."""
    told: Mapping[str, Any] = json.loads((written / DATA).read_text())
    return told
