"""Without `--codeset-release` the suite is tried on the embedded releases, built for the occasion as a user would."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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

    def build(release: str) -> None:
        command = [sys.executable, "-m", "codeset.cli", "build", release, "--embedded", "--store", folder.name]
        subprocess.run(command, check=True, capture_output=True, timeout=240)

    with ThreadPoolExecutor(len(EMBEDDED)) as builds:  # every test waits for them
        list(builds.map(build, EMBEDDED))
