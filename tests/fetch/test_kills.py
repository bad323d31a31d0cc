"""A kill at any moment of fetching or building, then the same command again: the same bytes as an undisturbed run."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from killed import Counter

from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.cms_site import ama_license
from codeset_ingest.cms_site.link_names import site_facts
from codeset_ingest.fetch_and_build import FetchOptions, fetch_and_build

RELEASE = "2026q3"
MOMENTS = 5


def store_with_license(home: Path) -> Path:
    """A store in which the license was accepted."""
    store = home / "store"
    store.mkdir(parents=True)
    acceptance = ama_license.Acceptance(
        site_facts()["license"]["name"], "A Person", "2026-06-01T00:00:00+00:00", "https://x"
    )
    (store / ama_license.FILE).write_text(json.dumps([vars(acceptance)]))
    return store


def run(store: Path, at: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(Path(__file__).with_name("killed.py")), str(store), RELEASE, str(at)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


def contents(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def again(store: Path) -> None:
    fetch_and_build(RELEASE, FetchOptions(Store.at(store)), [], {}, [], lambda _: None)


@pytest.fixture
def whole_run(cms_site, tmp_path) -> tuple[dict[str, bytes], int]:
    """What lies in the store after a run that nothing disturbed, and how many changes of files it made."""
    store = store_with_license(tmp_path / "undisturbed")
    process = run(store, 0)
    assert process.returncode == 0, process.stderr
    return contents(store), int(process.stdout)


@pytest.mark.long
def test_a_killed_fetch_and_build_is_made_whole_by_the_same_command(whole_run, tmp_path):
    whole, changes = whole_run
    assert changes > 40
    for moment in range(1, changes + 1, changes // MOMENTS):
        store = store_with_license(tmp_path / f"killed-{moment}")
        assert run(store, moment).returncode == -signal.SIGKILL
        visible = [path.name for path in store.iterdir() if path.name.startswith("20")]
        assert all(not Store.at(store).open(label).verify() for label in visible)
        again(store)
        assert contents(store) == whole, f"killed at change {moment} of {changes}"
        shutil.rmtree(store)


class Interrupted(BaseException):
    """What a user's Ctrl-C does, at a moment of the test's choosing."""


def interrupt() -> None:
    raise Interrupted


@pytest.fixture(scope="module")
def counter() -> Counter:
    """A counter of changes, at work for the rest of the session (audit hooks stay); it acts only when it is armed."""
    counter = Counter("/nowhere")
    counter.act = interrupt
    sys.addaudithook(counter)
    return counter


def test_an_interrupted_fetch_is_made_whole_by_the_same_command(desk, counter):
    desk.fetch()
    desk.site.reissue(RELEASE)
    start = desk.contents()
    shutil.copytree(desk.home, desk.home.with_name("start"))
    counter.home, counter.count = str(desk.home), 0
    desk.fetch()
    changes, whole = counter.count, desk.contents()
    for moment in range(1, changes + 1, 3):
        shutil.rmtree(desk.home)
        shutil.copytree(desk.home.with_name("start"), desk.home)
        counter.count, counter.at = 0, moment
        with pytest.raises(Interrupted):
            desk.fetch()
        counter.at = 0
        files_left = desk.contents()
        assert all(files_left[name] == start[name] for name in start if name.startswith("downloads/"))
        assert desk.fetch().release == Release.parse("2026q3r1")
        assert desk.contents() == whole, f"interrupted at change {moment} of {changes}"
