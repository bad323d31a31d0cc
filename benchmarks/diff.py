"""Comparing 2024q2 with 2024q3 against a bare full join of the two PTP tables."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

import codeset
from benchmarks.measure import CMS, Row, function, interleaved, once, seconds
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import build

OLD, NEW = Release(2024, 2), Release(2024, 3)
CARRIED = ("gpci", "add_on", "anesthesia", "locality_county")

_MODULE = "benchmarks.diff"
_KEY = ["column_one", "column_two", "effective_date"]


def rows(folder: Path) -> Iterator[Row]:
    """Seal both releases in *folder*, measure; yield the table's row."""
    once(function("seal_releases", _MODULE, folder, times=1))
    measured = interleaved([function(name, _MODULE, folder, times=7) for name in ("ours", "eager_join", "lazy_join")])
    yardstick = min("eager_join", "lazy_join", key=lambda name: measured[name].seconds)
    ratio = measured["ours"].seconds / measured[yardstick].seconds
    what = f"diff / {yardstick.replace('_', ' ')}"
    yield Row(what, seconds(measured["ours"]), seconds(measured[yardstick]), f"{ratio:.1f} x", "< 3 x", ratio < 3)


def seal_releases(folder: Path) -> None:
    """Seal both releases beside *folder*."""
    store = _store(folder)
    build(OLD, [CMS / str(OLD)], store)
    build(NEW, [CMS / str(NEW)], store, dict.fromkeys(CARRIED, OLD))


def ours(folder: Path) -> None:
    """Compare everything."""
    store = _store(folder)
    codeset.diff(store.open(OLD), store.open(NEW), "all")


def eager_join(folder: Path) -> None:
    """Read both tables, then join them."""
    old, new = (pl.read_parquet(file) for file in _ptp(folder))
    old.join(new, on=_KEY, how="full")


def lazy_join(folder: Path) -> None:
    """Plan reading and joining together."""
    old, new = (pl.scan_parquet(file) for file in _ptp(folder))
    old.join(new, on=_KEY, how="full").collect()


def _store(folder: Path) -> Store:
    """The one store of all runs; each run's own folder lies beside it."""
    return Store(folder.parent / "store")


def _ptp(folder: Path) -> list[Path]:
    return [_store(folder).path / str(release) / "ptp.parquet" for release in (OLD, NEW)]
