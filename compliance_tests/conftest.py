"""Without `--release` the suite is tried on the embedded releases, built for the occasion as a user would."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

SCENARIOS = Path(__file__).parent / "scenarios"
EMBEDDED = ("2025q4", "2026q3")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Choose this suite, and the embedded releases, where nothing else is asked for."""
    config = session.config
    if config.getoption("--scenarios") is not None:
        return
    config.option.scenarios = SCENARIOS
    if config.getoption("--release"):
        return
    folder = TemporaryDirectory(prefix="codeset-")
    config.add_cleanup(folder.cleanup)
    config.option.store, config.option.release = Path(folder.name), list(EMBEDDED)
    for release in EMBEDDED:
        build = [sys.executable, "-m", "codeset.cli", "build", release, "--embedded", "--store", folder.name]
        subprocess.run(build, check=True, capture_output=True)
