"""Fixtures that every test may ask for: CMS's own files where they are, and small facts where they are not."""

import atexit
import gc
import os
import pickle
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
from facts import Facts, facts_by_release
from filelock import FileLock
from reviews_once import ReviewsOnce

from codeset.releases import Release
from codeset.review import make
from codeset.snapshot import Snapshot, digest
from codeset.store import Store
from codeset.suite.pairs import Pairs, adjudicate_pairs
from codeset.suite.scenarios import Suite, load, scenarios_folder
from codeset_ingest.build import BuildResult, build
from codeset_ingest.embedded import build_embedded

_CMS = "CODESET_CMS_DIR"
DELIVERIES = tomllib.loads((Path(__file__).parent / "real" / "deliveries.toml").read_text(encoding="utf-8"))

PACKAGES_2025 = {
    "2025q1": "packages/rvu25a.zip",
    "2025q2": "packages/rvu25b.zip",
    "2025q3": "packages/rvu25c.zip",
    "2025q4": "2025q4/rvu25d.zip",
}
CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

ODD = tuple("13579")
Sealed = TypeVar("Sealed")

Once = Callable[[str, Callable[[Path], Any]], Any]
"""Of a name and of what makes a folder: what that returned, made once for all worker processes of a test run."""

for _colours in ("GITHUB_ACTIONS", "FORCE_COLOR", "PY_COLORS"):
    os.environ.pop(_colours, None)  # where one is set, typer colours its messages even into a pipe
os.environ |= {
    "GIT_CONFIG_GLOBAL": os.devnull,  # of whoever runs the tests: it may sign commits, and ask for a passphrase
    "GIT_TERMINAL_PROMPT": "0",
    "SSH_ASKPASS": "false",
    "SSH_ASKPASS_REQUIRE": "force",
}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for garbage neither while tests are collected nor, later, among them: all of them stay to the end."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()
    # A search after every 700 objects, as by default, takes a sixth of the time of tests: suites and reviews are many.
    gc.set_threshold(20_000)
    # Libraries report what is still there at the end as leaked. Not sooner: pytest then searches all of it five times.
    atexit.register(gc.unfreeze)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests: the processes share what is left, but not a test that one of them is at."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def cms() -> Path:
    """Return the folder of real CMS files; a test that asks for it is marked `cms`."""
    folder_setting = os.environ.get(_CMS)
    folder = Path(folder_setting) if folder_setting else Path(__file__).parents[1] / ".." / "shared" / "cms"
    if folder.is_dir():
        return folder.resolve()
    if folder_setting:
        pytest.fail(f"{_CMS} names {folder}, which is no folder")
    pytest.skip(f"no CMS files: {_CMS} is not set and {folder} is not there")


@pytest.fixture(scope="session")
def facts() -> dict[str, Facts]:
    """Return small typed tables of 2024q2 and 2026q3, by release."""
    return facts_by_release()


@pytest.fixture(scope="session")
def golden_suite() -> Suite:
    """Return the suite that ships, read once."""
    return load(scenarios_folder())


@pytest.fixture(scope="session", autouse=True)
def pairs_once() -> Iterator[None]:
    """Let reviews try every pair of codes of a snapshot once, whichever of them comes first: that takes seconds."""
    pairs_by_key: dict[tuple[tuple[str, ...], str, frozenset[str] | None], Pairs] = {}

    def once(snapshot: Snapshot, of: Collection[str] | None = None) -> Pairs:
        files = tuple(digest(file) for file in sorted(snapshot.path.glob("*.parquet")))  # tests change tables
        manifest = replace(snapshot.manifest, made_by={}).to_json()  # whichever version sealed them
        key = files, manifest, None if of is None else frozenset(of)
        if key not in pairs_by_key:
            pairs_by_key[key] = adjudicate_pairs(snapshot, of)
        return pairs_by_key[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make, "all_pairs", once)
        yield


@pytest.fixture(scope="session")
def reviews_once() -> ReviewsOnce:
    """Return what lets a test make and render each review once, and run the suite once on the same snapshot."""
    return ReviewsOnce()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store; its folder is not there yet."""
    return Store.at(tmp_path / "store")


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Return what makes a folder of that name once; the other workers wait, and read what was returned.

    What makes one folder asks for no other: a worker that waits holds no lock, so that two cannot wait for each other.
    """
    own = tmp_path_factory.getbasetemp()
    base = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def made_once(name: str, make: Callable[[Path], Any]) -> Any:
        pickle_file = base / f"{name}.pickle"
        with FileLock(base / f"{name}.lock", timeout=540):
            if not pickle_file.exists():
                pickle_file.write_bytes(pickle.dumps(make(base / name)))
        return pickle.loads(pickle_file.read_bytes())

    return made_once


@pytest.fixture(scope="session")
def embedded(once: Once) -> Store:
    """Return a store of both embedded releases; nothing may be written into it."""

    def build_both(folder: Path) -> Path:
        for label in ("2025q4", "2026q3"):
            build_embedded(Release.parse(label), Store(folder))
        return folder

    return Store(once("embedded", build_both))


@pytest.fixture(scope="session")
def real_release(cms: Path, once: Once) -> Callable[[str], BuildResult]:
    """Return what seals a release of CMS's own files, and those that it carries tables from, in one store."""

    @cache
    def seal_release(label: str) -> BuildResult:
        delivery = DELIVERIES[label]
        carried_releases = {table: Release.parse(origin) for table, origin in delivery.get("carried", {}).items()}
        for origin in sorted(set(carried_releases.values())):
            seal_release(str(origin))
        files = [cms / name for name in delivery["files"]]
        store = Store(once("real", lambda folder: folder))
        build_result: BuildResult = once(
            f"real-{label}", lambda _: build(Release.parse(label), files, store, carried_releases)
        )
        return build_result

    return seal_release


@pytest.fixture(scope="session")
def package_2025(cms: Path, once: Once) -> Callable[[str], Snapshot]:
    """Return what seals one of CMS's four packages of 2025 by itself, by its release."""

    @cache
    def seal_release(label: str) -> Snapshot:
        store = Store(once("packages", lambda folder: folder))
        build_result = once(
            f"package-{label}", lambda _: build(Release.parse(label), [cms / PACKAGES_2025[label]], store)
        )
        snapshot: Snapshot = build_result.sealed.snapshot
        return snapshot

    return seal_release


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Return headless Chromium, started once; a test opens windows of its own, and closes them."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def browser_window(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a window whose first tab stays open; a test opens tabs of its own, and closes them.

    Tabs with files share one process. To start another takes twice as long as to load our largest page.
    """
    first = tmp_path_factory.mktemp("window") / "first.html"
    first.write_text("<!DOCTYPE html><title>First tab</title>", encoding="utf-8")
    window = browser.new_context(viewport={"width": 1280, "height": 800})
    window.new_page().goto(first.as_uri())
    yield window
    window.close()


def _sealed_side_by_side(labels: Iterable[str], seal_release: Callable[[str], Sealed]) -> dict[str, Sealed]:
    """What was sealed of each release; every second worker begins with the last, so that none waits for each."""
    in_order = list(labels)
    for label in in_order[:: -1 if os.environ.get("PYTEST_XDIST_WORKER", "")[-1:] in ODD else 1]:
        seal_release(label)
    return {label: seal_release(label) for label in in_order}


@pytest.fixture(scope="session")
def packages_2025(package_2025: Callable[[str], Snapshot]) -> dict[str, Snapshot]:
    """Return all four of them."""
    return _sealed_side_by_side(PACKAGES_2025, package_2025)


@pytest.fixture(scope="session")
def real_2024q3(real_release: Callable[[str], BuildResult]) -> Snapshot:
    """Return CMS's own 2024q3: all tables, the indices and the add-on codes of 2024q2."""
    return real_release("2024q3").sealed.snapshot


@pytest.fixture(scope="session")
def real_builds(real_release: Callable[[str], BuildResult]) -> dict[str, BuildResult]:
    """Return what was sealed of every release that CMS's own files give."""
    return _sealed_side_by_side(DELIVERIES, real_release)


@pytest.fixture(scope="session")
def real_store(real_builds: dict[str, BuildResult]) -> Store:
    """Return the store of all of them."""
    return Store(real_builds["2024q2"].sealed.snapshot.path.parent)
