"""Comparing 2024q2 with 2024q3 against a bare full join of the two PTP tables."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

import codeset
from benchmarks.measure import CMS_FILES, Row, function, interleaved, once, seconds
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import build

OLD_RELEASE, NEW_RELEASE = Release(2024, 2), Release(2024, 3)
CARRIED_TABLES = ("gpci", "add_on", "anesthesia", "locality_county")

_MODULE = "benchmarks.diff"
_EDIT_KEY = ["column_one", "column_two", "effective_date"]


def rows(folder: Path) -> Iterator[Row]:
    """Seal both releases in *folder*, measure; yield the table's row."""
    once(function("seal_releases", _MODULE, folder, times=1))
    measurements = interleaved(
        [function(job_name, _MODULE, folder, times=7) for job_name in ("ours", "eager_join", "lazy_join")]
    )
    # Against the faster of two ways to write the same join.
    yardstick = min("eager_join", "lazy_join", key=lambda job_name: measurements[job_name].seconds)
    time_ratio = measurements["ours"].seconds / measurements[yardstick].seconds
    row_label = f"diff / {yardstick.replace('_', ' ')}"
    yield Row(
        row_label,
        seconds(measurements["ours"]),
        seconds(measurements[yardstick]),
        f"{time_ratio:.1f} x",
        "< 3 x",
        time_ratio < 3,
    )


def seal_releases(folder: Path) -> None:
    """Seal both releases beside *folder*."""
    store = _store(folder)
    build(OLD_RELEASE, [CMS_FILES / str(OLD_RELEASE)], store)
    build(NEW_RELEASE, [CMS_FILES / str(NEW_RELEASE)], store, dict.fromkeys(CARRIED_TABLES, OLD_RELEASE))


def ours(folder: Path) -> None:
    """Compare everything."""
    store = _store(folder)
    # With the opening: it checks the files, and is part of what a user waits for.
    codeset.diff(store.open(OLD_RELEASE), store.open(NEW_RELEASE), "all")


def eager_join(folder: Path) -> None:
    """Read both tables, then join them."""
    old_edits, new_edits = (pl.read_parquet(ptp_file) for ptp_file in _ptp_files(folder))
    old_edits.join(new_edits, on=_EDIT_KEY, how="full")


def lazy_join(folder: Path) -> None:
    """Plan reading and joining together."""
    old_edits, new_edits = (pl.scan_parquet(ptp_file) for ptp_file in _ptp_files(folder))
    old_edits.join(new_edits, on=_EDIT_KEY, how="full").collect()


def _store(folder: Path) -> Store:
    """The one store of all runs; each run's own folder is beside it."""
    return Store(folder.parent / "store")


def _ptp_files(folder: Path) -> list[Path]:
    return [_store(folder).path / str(release) / "ptp.parquet" for release in (OLD_RELEASE, NEW_RELEASE)]
