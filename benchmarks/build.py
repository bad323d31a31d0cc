"""A full build of 2024q3 against the floor (bare polars) and the common way (pandas into sqlite)."""

import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from benchmarks.measure import CMS_FILES, Measurement, Row, function, gib, interleaved, seconds
from codeset.releases import Release
from codeset.store import Store
from codeset.tables import TABLES
from codeset_ingest.build import build

FILES = CMS_FILES / "2024q3"
MPFS_FILE = FILES / "PPRRVU24_JUL.csv"
MUE_FILE = FILES / "MCR_MUE_PractitionerServices_Eff_07-01-2024.csv"
PTP_FILES = [FILES / f"ccipra-v302r0-f{part}.zip" for part in (1, 2, 3, 4)]

PTP_COLUMNS = ["column_one", "column_two", "prior_to_1996", "effective_date", "deletion_date", "ccmi", "rationale"]
MUE_COLUMNS = list(TABLES["mue"].columns)
PTP_HEADER, MUE_HEADER, MPFS_HEADER = 6, 2, 10

_MODULE = "benchmarks.build"


def rows(folder: Path) -> Iterator[Row]:
    """Measure in *folder*; yield the table's rows."""
    jobs = [function("ours", _MODULE, folder, times=5), function("floor", _MODULE, folder, times=5)]
    if find_spec("pandas"):
        # Twice only: it takes several times as long as the others.
        jobs.append(function("common", _MODULE, folder, times=2))
    else:
        print("build: pandas is not installed, its row is left out (pip install -e '.[bench]')")
    measurements = interleaved(jobs)
    yield from _against_floor(measurements["ours"], measurements["floor"])
    if "common" in measurements:
        yield _against_common(measurements["ours"], measurements["common"])


def _against_floor(our_build: Measurement, floor_build: Measurement) -> Iterator[Row]:
    ratio = our_build.seconds / floor_build.seconds
    yield Row("build / bare polars", seconds(our_build), seconds(floor_build), f"{ratio:.1f} x", "<= 2 x", ratio <= 2)
    memory_ratio = our_build.peak / floor_build.peak
    yield Row(
        "build, peak memory",
        gib(our_build),
        gib(floor_build),
        f"{memory_ratio:.1f} x",
        "< 1.2 GiB",
        our_build.peak < 1.2 * 2**30,
    )


def _against_common(our_build: Measurement, common_build: Measurement) -> Row:
    speedup = common_build.seconds / our_build.seconds
    ratio = f"{speedup:.1f} x faster"
    return Row(
        "build / pandas, sqlite", seconds(our_build), seconds(common_build), ratio, ">= 5 x faster", speedup >= 5
    )


def ours(folder: Path) -> None:
    """Recognise, read, check and seal."""
    build(Release(2024, 3), [MPFS_FILE, MUE_FILE, *PTP_FILES], Store(folder))


def floor(folder: Path) -> None:
    """Read, type, sort and write the same text: nothing is recognised, checked or verified."""
    for table_name, table_rows in (("ptp", _ptp_rows()), ("mue", _mue_rows()), ("mpfs", _mpfs_rows())):
        sorted_rows = (
            table_rows.select(list(TABLES[table_name].columns)).collect().sort(TABLES[table_name].key, nulls_last=True)
        )
        sorted_rows.write_parquet(folder / f"{table_name}.parquet", compression="zstd", compression_level=3)


def _ptp_rows() -> pl.LazyFrame:
    column_types = dict.fromkeys(PTP_COLUMNS, pl.String()) | {"ccmi": pl.UInt8()}
    part_rows = [
        pl.scan_csv(
            part_bytes, separator="\t", has_header=False, skip_lines=PTP_HEADER, quote_char=None, schema=column_types
        )
        for part_bytes in map(_first_member, PTP_FILES)
    ]
    return pl.concat(part_rows).with_columns(
        pl.col("effective_date").str.to_date("%Y%m%d"),
        # Not strict: the asterisk of an edit that was not deleted becomes null, as would any other text.
        pl.col("deletion_date").str.to_date("%Y%m%d", strict=False),
        pl.col("prior_to_1996").is_not_null(),
    )


def _first_member(zip_path: Path) -> bytes:
    with zipfile.ZipFile(zip_path) as archive:
        return archive.read(archive.namelist()[0])


def _mue_rows() -> pl.LazyFrame:
    column_types = dict.fromkeys(MUE_COLUMNS, pl.String()) | {"mue_value": pl.UInt32()}
    text_cells = pl.scan_csv(
        MUE_FILE, has_header=False, skip_rows=MUE_HEADER, schema=column_types, encoding="utf8-lossy"
    )
    return text_cells.with_columns(pl.col("mai").str.head(1).cast(pl.UInt8))


def _mpfs_rows() -> pl.LazyFrame:
    column_types = dict.fromkeys(_mpfs_columns(), pl.String())
    text_cells = pl.scan_csv(
        MPFS_FILE, has_header=False, skip_rows=MPFS_HEADER, schema=column_types, encoding="utf8-lossy"
    )
    decimal_types = {column_name: dtype for column_name, dtype in TABLES["mpfs"].columns.items() if dtype.is_decimal()}
    flag_columns = {column_name for column_name, dtype in TABLES["mpfs"].columns.items() if dtype == pl.Boolean}
    # The last record is a lone Ctrl-Z.
    return text_cells.filter(pl.col("status_code").is_not_null()).with_columns(
        *(pl.col(column_name).cast(dtype) for column_name, dtype in decimal_types.items()),
        *(pl.col(column_name).is_not_null() for column_name in flag_columns),
        pl.lit(None, pl.String).alias("pricing_indicator"),
    )


def _mpfs_columns() -> list[str]:
    """The columns of CMS's file of 2024 in their order: two more than the table's, one fewer."""
    column_names = [column_name for column_name in TABLES["mpfs"].columns if column_name != "pricing_indicator"]
    column_names.insert(column_names.index("status_code"), "descriptor")
    column_names.insert(column_names.index("physician_supervision"), "conversion_factor")
    return column_names


def common(folder: Path) -> None:
    """Read the same files with pandas and load them into an indexed sqlite database, all as text."""
    # By name: pandas is nothing that the project needs, and its types are not at hand where it is not installed.
    pandas = import_module("pandas")
    csv_options = {"header": None, "dtype": "str", "encoding": "cp1252"}
    with closing(sqlite3.connect(folder / "codes.sqlite")) as database:
        for ptp_file in PTP_FILES:
            part_rows = pandas.read_csv(ptp_file, sep="\t", skiprows=PTP_HEADER, names=PTP_COLUMNS, **csv_options)
            part_rows.to_sql("ptp", database, if_exists="append", index=False)
        pandas.read_csv(MUE_FILE, skiprows=MUE_HEADER, names=MUE_COLUMNS, **csv_options).to_sql(
            "mue", database, index=False
        )
        mpfs_rows = pandas.read_csv(MPFS_FILE, skiprows=MPFS_HEADER, names=_mpfs_columns(), **csv_options)
        mpfs_rows.drop(columns="descriptor").to_sql("mpfs", database, index=False)
        database.execute("create index pair on ptp (column_one, column_two)")
        database.commit()
