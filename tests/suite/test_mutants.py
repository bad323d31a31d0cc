"""Wrong engines, one fault each: the golden suite, with what was accepted, contradicts every one of them."""

import os
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.embedded import build_embedded

ROOT = Path(__file__).parents[2]
MUTANTS = tomllib.loads((Path(__file__).parent / "mutants.toml").read_text())["mutant"]
RELEASES = ("2026q3",)
_WHOLE = ("codeset", "ingest", "compliance_tests", "schemas")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mutants")
    for label in RELEASES:
        build_embedded(Release.parse(label), Store(folder))
    return folder


def mutated(mutant: dict[str, str]) -> str:
    text = (ROOT / "codeset" / "claims" / mutant["file"]).read_text()
    found = text.count(mutant["was"])
    assert found == 1 or (found and mutant.get("everywhere")), f"{mutant['says']}: its text is there {found} times"
    return text.replace(mutant["was"], mutant["now"])


def engine(folder: Path, mutant: dict[str, str] | None) -> Path:
    """A copy of the program, with the mutant's text in it."""
    for name in _WHOLE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    if mutant:
        (folder / "codeset" / "claims" / mutant["file"]).write_text(mutated(mutant))
    return folder


def suite_on(folder: Path, store: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "codeset.cli", "test", *RELEASES, "--json", "--store", str(store)]
    alone = {
        **os.environ,
        "PYTHONPATH": f"{folder}:{folder}/ingest",
        "PYTHONDONTWRITEBYTECODE": "1",
        "POLARS_MAX_THREADS": "1",
    }
    return subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def survivors(store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the suite says to each mutant: empty where it was contradicted."""

    def said(mutant: dict[str, str]) -> str:
        done = suite_on(engine(tmp_path_factory.mktemp("engine"), mutant), store)
        return "" if done.returncode == 1 else f"exit code {done.returncode}: {done.stderr[-500:]}"

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return dict(zip((each["says"] for each in MUTANTS), threads.map(said, MUTANTS), strict=True))


def test_there_are_at_least_thirty_mutants() -> None:
    assert len({each["says"] for each in MUTANTS}) == len(MUTANTS) >= 30


def test_the_engine_without_a_fault_passes(store: Path, tmp_path: Path) -> None:
    done = suite_on(engine(tmp_path, None), store)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("says", [each["says"] for each in MUTANTS])
def test_the_suite_contradicts_an_engine_in_which(says: str, survivors: dict[str, str]) -> None:
    assert survivors[says] == ""
