"""CMS's own payment amounts, and code sets of the files that they rest on; an oracle that owes the engine nothing."""

import csv
import gzip
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import polars as pl
from cms_files.decoded_columns import INDICATORS

from codeset.claims.engine.code_set import CodeSet
from codeset.manifest import ConversionFactor, Manifest, Source, TableEntry
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.tables import TABLES
from codeset_ingest.build import build

OFFICE, HOSPITAL = "11", "22"


def payment_file(text: str) -> pl.DataFrame:
    """The rows of one of CMS's payment files (layout PF26PB), amounts in cents.

    `nonfacility_cents`, `facility_cents`; `therapy_cents` (with a reduced practice expense, non-institutional);
    `opps_nonfacility_cents`, `opps_facility_cents` (the cap of imaging), where there are any.
    """
    rows = [row for row in csv.reader(text.splitlines()) if len(row) > 10]
    columns = {"nonfacility": 5, "facility": 6, "therapy": 11, "opps_nonfacility": 14, "opps_facility": 15}
    return pl.DataFrame(
        {
            "hcpcs": [row[3] for row in rows],
            "modifiers": [row[4].strip() for row in rows],
            "locality": [f"{row[1]}-{row[2]}" for row in rows],
            **{f"{name}_cents": [whole_cents(row[column]) for row in rows] for name, column in columns.items()},
        }
    )


def ohio_of_2020(file: Path) -> pl.DataFrame:
    """The amounts of Ohio in 2020, as `payment_file` has them."""
    with gzip.open(file, "rt") as stream:
        rows = list(csv.DictReader(stream))
    columns = {
        "nonfacility": "Non-Facility Fee",
        "facility": "Facility Fee",
        "therapy": "50% Therapy Reduction Amount (non-institutional)",
        "opps_nonfacility": "OPPS Non-Facility Fee",
        "opps_facility": "OPPS Facility Fee",
    }
    return pl.DataFrame(
        {
            "hcpcs": [row["HCPCS Code"] for row in rows],
            "modifiers": [row["Modifier"].replace("none", "") for row in rows],
            "locality": [f"{row['Carrier Number']}-{row['Locality']}" for row in rows],
            **{f"{name}_cents": [whole_cents(row[column]) for row in rows] for name, column in columns.items()},
        }
    )


def whole_cents(dollars: str) -> int:
    """Cents of dollars as CMS prints them, with at most two decimals."""
    cents = Decimal(dollars) * 100
    assert cents == cents.to_integral_value(), dollars
    return int(cents)


def in_both_settings(amounts: pl.DataFrame, prefix: str = "") -> pl.DataFrame:
    """A row for each amount: `place_of_service` and `published_cents`."""
    settings = {f"{prefix}nonfacility_cents": OFFICE, f"{prefix}facility_cents": HOSPITAL}
    index = ["hcpcs", "modifiers", "locality"]
    return amounts.unpivot(list(settings), index=index, value_name="published_cents").with_columns(
        pl.col("variable").replace_strict(settings).alias("place_of_service")
    )


def as_lines(amounts: pl.DataFrame, release: Release, units: int = 1) -> pl.DataFrame:
    """A line for each amount, each a visit of its own, so that no other line bears on it."""
    return amounts.with_row_index("row").with_columns(
        pl.col("row").alias("visit"),
        pl.lit(0, dtype=pl.UInt16).alias("release"),
        pl.lit(value=True).alias("payable"),
        pl.lit(units, dtype=pl.Int32).alias("units"),
        pl.lit(release.first_day).alias("date_of_service"),
        pl.lit(None, dtype=pl.Int64).alias("charge_cents"),
        pl.lit(None, dtype=pl.Int64).alias("practitioner_share"),
    )


def build_code_set(store: Path, label: str, *files: Path) -> tuple[Snapshot, CodeSet]:
    """The release that CMS's *files* give, and what claims are read against."""
    snapshot = build(Release.parse(label), list(files), Store(store)).sealed.snapshot
    return snapshot, code_set(snapshot)


def code_set(snapshot: Snapshot) -> CodeSet:
    """Everything of *snapshot* that claims are read against."""
    return CodeSet.of([snapshot], snapshot.table("mpfs")["hcpcs"].unique().to_list())


_DECODED_MPFS = {
    "mod": "modifier",
    "not_used_for_medicare_payment": "not_used_for_medicare",
    "non_fac_pe_rvu": "nonfacility_pe_rvu",
    "non_fac_indicator": "nonfacility_na",
    "facility_indicator": "facility_na",
    "non_facility_total": "nonfacility_total_rvu",
    "facility_total": "facility_total_rvu",
    **INDICATORS,
}
_DECODED_GPCI = {
    "locality_number": "locality",
    "gpci_work": "work_gpci",
    "gpci_pe": "pe_gpci",
    "gpci_mp": "mp_gpci",
}


def decoded_code_set(store: Path, label: str, fees: Path, gpci: Path) -> CodeSet:
    """What claims are read against, of the decoded fee schedule and GPCIs of a release in `history/`."""
    release = Release.parse(label)
    rows = read_csv(fees)
    (factor,) = {Decimal(value).quantize(Decimal("0.0001")) for value in rows["conv_factor"].unique()}
    tables = {
        "mpfs": _typed_rows("mpfs", rows.rename(_DECODED_MPFS)),
        "gpci": _typed_rows("gpci", read_csv(gpci).rename(_DECODED_GPCI)),
    }
    entries = {
        table: TableEntry(file.name, (Source(file.name, f"{len(file.name):064x}", 1),), 0, {}, "")
        for table, file in (("mpfs", fees), ("gpci", gpci))
    }
    factors = (ConversionFactor(factor, release.first_day, release.last_day),)
    return code_set(Store(store).seal(Manifest(release, "all", factors, entries), tables).snapshot)


def read_csv(file: Path) -> pl.DataFrame:
    """The cells of a decoded file, as text."""
    with gzip.open(file) as stream:
        return pl.read_csv(stream.read(), infer_schema=False)


def _typed_rows(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Decoded cells in the table's types: their floats carry noise in the last places, CMS's decimals do not."""
    return rows.select(_cell(column, dtype, rows.columns) for column, dtype in TABLES[table].columns.items())


def _cell(column: str, dtype: pl.DataType, file_columns: Sequence[str]) -> pl.Expr:
    if column not in file_columns:
        return pl.lit(None, dtype=dtype).alias(column)
    if isinstance(dtype, pl.Boolean):
        return pl.col(column).is_not_null().alias(column)
    if isinstance(dtype, pl.Decimal):
        return pl.col(column).cast(pl.Float64).round(dtype.scale).cast(pl.String).cast(dtype).alias(column)
    cell = pl.col(column).cast(dtype)
    return (cell.fill_null("") if column == "modifier" else cell).alias(column)
