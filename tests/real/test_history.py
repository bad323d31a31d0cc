"""The decoded fee schedules of 2020 to 2024: in dermatology RVUs move only in January (DOMAIN section 12)."""

import gzip
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from decoded import RVUS

import codeset
from codeset.manifest import ConversionFactor, Manifest, Source, TableEntry
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.tables import RVU_COLUMNS, TABLES

pytestmark = pytest.mark.cms


def decode_history(file: Path) -> pl.DataFrame:
    """The file's codes and RVUs in the table's types; its floats carry noise, CMS's hundredths do not."""
    with gzip.open(file) as stream:
        rows = pl.read_csv(stream.read(), infer_schema=False).with_columns(pl.col("mod").fill_null(""))
    exact = [
        pl.col(file_column).cast(pl.Float64).round(2).cast(pl.String).alias(column)
        for file_column, column in RVUS.items()
    ]
    figures = rows.select(pl.col("hcpcs"), pl.col("mod").alias("modifier"), "status_code", "conv_factor", *exact)
    missing_columns = [pl.lit(None).alias(column) for column in TABLES["mpfs"].columns if column not in figures.columns]
    return figures.with_columns(missing_columns).select(
        "conv_factor", *(pl.col(c).cast(k) for c, k in TABLES["mpfs"].columns.items())
    )


@pytest.fixture(scope="module")
def snapshots(cms: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Snapshot]:
    store = Store(tmp_path_factory.mktemp("history"))
    releases = []
    for file in sorted((cms / "history").glob("pprrvu_*.csv.gz")):
        year, letter = 2000 + int(file.name[10:12]), file.name[12]
        if file.name[13] == "r":
            continue
        release = Release(year, "abcd".index(letter) + 1)
        frame = decode_history(file)
        factor = Decimal(frame["conv_factor"][0]).quantize(Decimal("0.0001"))
        entry = TableEntry(file.name, (Source(file.name, f"{len(releases):064x}", 1),), 0, {}, "")
        manifest = Manifest(
            release, "all", (ConversionFactor(factor, release.first_day, release.last_day),), {"mpfs": entry}
        )
        releases.append(store.seal(manifest, {"mpfs": frame.drop("conv_factor")}).snapshot)
    return releases


def test_dermatology_rvus_move_only_in_january(snapshots):
    assert len(snapshots) == 19, "20 releases, one of them a re-issue of January 2024"
    for old, new in pairwise(snapshots):
        changes = codeset.diff(old, new).tables["mpfs"]
        moved_rvus = changes.changed.filter(pl.col("column").is_in(RVU_COLUMNS))
        assert changes.compared[0] > 300
        assert moved_rvus.is_empty() == (new.release.quarter != 1), (old.release, new.release, moved_rvus)
