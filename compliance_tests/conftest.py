"""Without `--codeset-release` the suite is tried on the embedded releases, built for the occasion as a user would."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from codeset.suite.plugin import releases_of, scenarios_of

SCENARIOS = Path(__file__).parent / "scenarios"
EMBEDDED = ("2025q3", "2025q4", "2026q3")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Choose this suite, and the embedded releases, where nothing else is asked for."""
    config = session.config
    if scenarios_of(config) is not None:
        return
    config.option.codeset_scenarios = str(SCENARIOS)
    if releases_of(config):
        return
    folder = TemporaryDirectory(prefix="codeset-")
    config.add_cleanup(folder.cleanup)
    config.option.codeset_store, config.option.codeset_release = folder.name, list(EMBEDDED)
    for release in EMBEDDED:
        build = [sys.executable, "-m", "codeset.cli", "build", release, "--embedded", "--store", folder.name]
        subprocess.run(build, check=True, capture_output=True, timeout=240)
