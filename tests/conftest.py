"""Fixtures that every test may ask for: CMS's own files where they are, and small facts where they are not."""

import os
from pathlib import Path

import facts as known
import pytest

from codeset.store import Store

_CMS = "CODESET_CMS_DIR"

for _colours in ("GITHUB_ACTIONS", "FORCE_COLOR", "PY_COLORS"):
    os.environ.pop(_colours, None)  # where one is set, typer colours its messages even into a pipe


@pytest.fixture(scope="session")
def cms() -> Path:
    """Return the folder of real CMS files; a test that asks for it is marked `cms`."""
    named = os.environ.get(_CMS)
    folder = Path(named) if named else Path(__file__).parents[1] / ".." / "shared" / "cms"
    if folder.is_dir():
        return folder.resolve()
    if named:
        pytest.fail(f"{_CMS} names {folder}, which is no folder")
    pytest.skip(f"no CMS files: {_CMS} is not set and {folder} is not there")


@pytest.fixture(scope="session")
def facts() -> dict[str, known.Facts]:
    """Return small typed tables of 2024q2 and 2026q3, by release."""
    return known.both()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store; its folder is not there yet."""
    return Store.at(tmp_path / "store")
