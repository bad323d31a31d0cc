"""A full build of 2024q3 against the floor (bare polars) and the common way (pandas into sqlite)."""

import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from benchmarks.measure import CMS, Measurement, Row, function, gib, interleaved, seconds
from codeset.releases import Release
from codeset.store import Store
from codeset.tables import TABLES
from codeset_ingest.build import build

FILES = CMS / "2024q3"
MPFS_FILE = FILES / "PPRRVU24_JUL.csv"
MUE_FILE = FILES / "MCR_MUE_PractitionerServices_Eff_07-01-2024.csv"
PTP_FILES = [FILES / f"ccipra-v302r0-f{part}.zip" for part in (1, 2, 3, 4)]

PTP = ["column_one", "column_two", "prior_to_1996", "effective_date", "deletion_date", "ccmi", "rationale"]
MUE = list(TABLES["mue"].columns)
PTP_HEADER, MUE_HEADER, MPFS_HEADER = 6, 2, 10

_MODULE = "benchmarks.build"


def rows(folder: Path) -> Iterator[Row]:
    """Measure in *folder*; yield the table's rows."""
    jobs = [function("ours", _MODULE, folder, times=5), function("floor", _MODULE, folder, times=5)]
    if find_spec("pandas"):
        jobs.append(function("common", _MODULE, folder, times=2))
    else:
        print("build: pandas is not installed, its row is left out (pip install -e '.[bench]')")
    measured = interleaved(jobs)
    yield from _against_floor(measured["ours"], measured["floor"])
    if "common" in measured:
        yield _against_common(measured["ours"], measured["common"])


def _against_floor(ours: Measurement, floor: Measurement) -> Iterator[Row]:
    ratio = ours.seconds / floor.seconds
    yield Row("build / bare polars", seconds(ours), seconds(floor), f"{ratio:.1f} x", "<= 2 x", ratio <= 2)
    share = ours.peak / floor.peak
    yield Row("build, peak memory", gib(ours), gib(floor), f"{share:.1f} x", "< 1.2 GiB", ours.peak < 1.2 * 2**30)


def _against_common(ours: Measurement, common: Measurement) -> Row:
    faster = common.seconds / ours.seconds
    ratio = f"{faster:.1f} x faster"
    return Row("build / pandas, sqlite", seconds(ours), seconds(common), ratio, ">= 5 x faster", faster >= 5)


def ours(folder: Path) -> None:
    """Recognise, read, check and seal."""
    build(Release(2024, 3), [MPFS_FILE, MUE_FILE, *PTP_FILES], Store(folder))


def floor(folder: Path) -> None:
    """Read, type, sort and write the same text: nothing is recognised, checked or verified."""
    for name, frame in (("ptp", _ptp()), ("mue", _mue()), ("mpfs", _mpfs())):
        table = frame.select(list(TABLES[name].columns)).collect().sort(TABLES[name].key, nulls_last=True)
        table.write_parquet(folder / f"{name}.parquet", compression="zstd", compression_level=3)


def _ptp() -> pl.LazyFrame:
    schema = dict.fromkeys(PTP, pl.String()) | {"ccmi": pl.UInt8()}
    parts = [
        pl.scan_csv(text, separator="\t", has_header=False, skip_lines=PTP_HEADER, quote_char=None, schema=schema)
        for text in map(_unzipped, PTP_FILES)
    ]
    return pl.concat(parts).with_columns(
        pl.col("effective_date").str.to_date("%Y%m%d"),
        # Not strict: the asterisk of an edit that was not deleted becomes null, as would any other text.
        pl.col("deletion_date").str.to_date("%Y%m%d", strict=False),
        pl.col("prior_to_1996").is_not_null(),
    )


def _unzipped(file: Path) -> bytes:
    with zipfile.ZipFile(file) as archive:
        return archive.read(archive.namelist()[0])


def _mue() -> pl.LazyFrame:
    schema = dict.fromkeys(MUE, pl.String()) | {"mue_value": pl.UInt32()}
    cells = pl.scan_csv(MUE_FILE, has_header=False, skip_rows=MUE_HEADER, schema=schema, encoding="utf8-lossy")
    return cells.with_columns(pl.col("mai").str.head(1).cast(pl.UInt8))


def _mpfs() -> pl.LazyFrame:
    schema = dict.fromkeys(_mpfs_columns(), pl.String())
    cells = pl.scan_csv(MPFS_FILE, has_header=False, skip_rows=MPFS_HEADER, schema=schema, encoding="utf8-lossy")
    dtypes = {name: dtype for name, dtype in TABLES["mpfs"].columns.items() if dtype.is_decimal()}
    flags = {name for name, dtype in TABLES["mpfs"].columns.items() if dtype == pl.Boolean}
    # The last record is a lone Ctrl-Z.
    return cells.filter(pl.col("status_code").is_not_null()).with_columns(
        *(pl.col(name).cast(dtype) for name, dtype in dtypes.items()),
        *(pl.col(name).is_not_null() for name in flags),
        pl.lit(None, pl.String).alias("pricing_indicator"),
    )


def _mpfs_columns() -> list[str]:
    """The columns of CMS's file of 2024 in their order: two more than the table's, one fewer."""
    columns = [name for name in TABLES["mpfs"].columns if name != "pricing_indicator"]
    columns.insert(columns.index("status_code"), "descriptor")
    columns.insert(columns.index("physician_supervision"), "conversion_factor")
    return columns


def common(folder: Path) -> None:
    """Read the same files with pandas and load them into an indexed sqlite database, all as text."""
    # By name: pandas is nothing that the project needs, and its types are not at hand where it is not installed.
    pd = import_module("pandas")
    text = {"header": None, "dtype": "str", "encoding": "cp1252"}
    with closing(sqlite3.connect(folder / "codes.sqlite")) as database:
        for file in PTP_FILES:
            part = pd.read_csv(file, sep="\t", skiprows=PTP_HEADER, names=PTP, **text)
            part.to_sql("ptp", database, if_exists="append", index=False)
        pd.read_csv(MUE_FILE, skiprows=MUE_HEADER, names=MUE, **text).to_sql("mue", database, index=False)
        mpfs = pd.read_csv(MPFS_FILE, skiprows=MPFS_HEADER, names=_mpfs_columns(), **text)
        mpfs.drop(columns="descriptor").to_sql("mpfs", database, index=False)
        database.execute("create index pair on ptp (column_one, column_two)")
        database.commit()
