"""The golden suite and all pairs of derm codes on four real releases: how long a reviewer waits."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.diff import CARRIED, NEW, OLD
from benchmarks.measure import CMS, Row, function, once, seconds
from codeset.releases import Release
from codeset.store import Store
from codeset.suite.pairs import pairs
from codeset.suite.run_suite import run_suite
from codeset.suite.scenarios import load, scenarios_folder
from codeset_ingest.build import build

_MODULE = "benchmarks.suite"
_GOAL = 60
_2025, _Q2, _2026 = Release(2025, 4), Release(2026, 2), Release(2026, 3)
_OF_2026 = ("PPRRVU2026_Jul_nonQPP.csv", "GPCI2026.csv")
_OF_Q2 = ("AOC_V2026Q2-MCR.xlsx", "MCR_MUE_PractitionerServices_Eff_04-01-2026.csv")


def rows(folder: Path) -> Iterator[Row]:
    """Seal four releases in *folder*, measure; yield the table's rows."""
    once(function("seal_releases", _MODULE, folder, times=1))
    one_by_one, all_pairs = (once(function(name, _MODULE, folder, times=1)) for name in ("scenarios", "every_pair"))
    scenario_count = f"{len(load(scenarios_folder()).scenarios)} scenarios"
    yield Row("suite on four releases", seconds(one_by_one), scenario_count, "")
    yield Row("all pairs on four releases", seconds(all_pairs), "", "")
    both = one_by_one.seconds + all_pairs.seconds
    yield Row("both", f"{both:.1f} s", "", "", f"< {_GOAL} s", both < _GOAL)


def seal_releases(folder: Path) -> None:
    """Seal the releases beside *folder*, with what they carry."""
    store = _store(folder)
    later = CMS / str(_2026)
    build(OLD, [CMS / str(OLD)], store)
    build(NEW, [CMS / str(NEW)], store, dict.fromkeys(CARRIED, OLD))
    build(_2025, [CMS / str(_2025)], store, dict.fromkeys(("ptp", "mue", "add_on"), NEW))
    build(_Q2, [later / name for name in _OF_Q2], store)
    build(_2026, [later / name for name in _OF_2026], store, {"ptp": NEW, "mue": _Q2, "add_on": _Q2})


def scenarios(folder: Path) -> None:
    """Try every scenario on each release."""
    suite = load(scenarios_folder())
    for release in (OLD, NEW, _2025, _2026):
        run_suite(suite, _store(folder).open(release))


def every_pair(folder: Path) -> None:
    """Try every pair on each release."""
    for release in (OLD, NEW, _2025, _2026):
        pairs(_store(folder).open(release))


def _store(folder: Path) -> Store:
    return Store(folder.parent / "store")
