"""The golden suite and all pairs of derm codes on four real releases: how long a reviewer waits."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.diff import CARRIED_TABLES, NEW_RELEASE, OLD_RELEASE
from benchmarks.measure import CMS_FILES, Row, function, once, seconds
from codeset.releases import Release
from codeset.store import Store
from codeset.suite.pairs import adjudicate_pairs
from codeset.suite.run_suite import run_suite
from codeset.suite.scenarios import load, scenarios_folder
from codeset_ingest.build import build

_MODULE = "benchmarks.suite"
_GOAL_SECONDS = 60
_OF_2025_Q4, _OF_2026_Q2, _OF_2026_Q3 = Release(2025, 4), Release(2026, 2), Release(2026, 3)
_FILES_OF_2026_Q3 = ("PPRRVU2026_Jul_nonQPP.csv", "GPCI2026.csv")
_FILES_OF_2026_Q2 = ("AOC_V2026Q2-MCR.xlsx", "MCR_MUE_PractitionerServices_Eff_04-01-2026.csv")


def rows(folder: Path) -> Iterator[Row]:
    """Seal four releases in *folder*, measure; yield the table's rows."""
    once(function("seal_releases", _MODULE, folder, times=1))
    one_by_one, all_pairs = (
        once(function(job_name, _MODULE, folder, times=1)) for job_name in ("scenarios", "every_pair")
    )
    scenario_count = f"{len(load(scenarios_folder()).scenarios)} scenarios"
    yield Row("suite on four releases", seconds(one_by_one), scenario_count, "")
    yield Row("all pairs on four releases", seconds(all_pairs), "", "")
    # Together, for a reviewer waits for both.
    both_seconds = one_by_one.seconds + all_pairs.seconds
    yield Row("both", f"{both_seconds:.1f} s", "", "", f"< {_GOAL_SECONDS} s", both_seconds < _GOAL_SECONDS)


def seal_releases(folder: Path) -> None:
    """Seal the releases beside *folder*, with what they carry."""
    store = _store(folder)
    files_of_2026 = CMS_FILES / str(_OF_2026_Q3)
    build(OLD_RELEASE, [CMS_FILES / str(OLD_RELEASE)], store)
    build(NEW_RELEASE, [CMS_FILES / str(NEW_RELEASE)], store, dict.fromkeys(CARRIED_TABLES, OLD_RELEASE))
    # No later PTP edits are among the files: those of 2024q3 are carried.
    build(_OF_2025_Q4, [CMS_FILES / str(_OF_2025_Q4)], store, dict.fromkeys(("ptp", "mue", "add_on"), NEW_RELEASE))
    build(_OF_2026_Q2, [files_of_2026 / file_name for file_name in _FILES_OF_2026_Q2], store)
    build(
        _OF_2026_Q3,
        [files_of_2026 / file_name for file_name in _FILES_OF_2026_Q3],
        store,
        {"ptp": NEW_RELEASE, "mue": _OF_2026_Q2, "add_on": _OF_2026_Q2},
    )


def scenarios(folder: Path) -> None:
    """Try every scenario on each release."""
    suite = load(scenarios_folder())
    for release in (OLD_RELEASE, NEW_RELEASE, _OF_2025_Q4, _OF_2026_Q3):
        run_suite(suite, _store(folder).open(release))


def every_pair(folder: Path) -> None:
    """Try every pair on each release."""
    for release in (OLD_RELEASE, NEW_RELEASE, _OF_2025_Q4, _OF_2026_Q3):
        adjudicate_pairs(_store(folder).open(release))


def _store(folder: Path) -> Store:
    return Store(folder.parent / "store")
