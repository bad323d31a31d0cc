"""CMS's own amounts, to the cent: an oracle that owes this code nothing."""

import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from codeset.claims.engine.code_set import CodeSet
from codeset.claims.pricing.price import price
from codeset.participants import Participant
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import build

OFFICE, HOSPITAL = "11", "22"


def published(archive: Path) -> pl.DataFrame:
    """Codes, localities and both amounts of one of CMS's payment files (layout PF26PB)."""
    with zipfile.ZipFile(archive) as members:
        text = members.read("PFREV26B.txt").decode("cp1252")
    rows = [row for row in csv.reader(io.StringIO(text)) if len(row) > 10]
    return pl.DataFrame(
        {
            "hcpcs": [row[3] for row in rows],
            "modifiers": [row[4].strip() for row in rows],
            "locality": [f"{row[1]}-{row[2]}" for row in rows],
            OFFICE: [int(row[5].replace(".", "")) for row in rows],
            HOSPITAL: [int(row[6].replace(".", "")) for row in rows],
        }
    ).unpivot(
        [OFFICE, HOSPITAL],
        index=["hcpcs", "modifiers", "locality"],
        variable_name="place_of_service",
        value_name="published_cents",
    )


def as_lines(amounts: pl.DataFrame, release: Release) -> pl.DataFrame:
    """A line for each amount, each a visit of its own, so that no rule of multiple procedures has a say."""
    return amounts.with_row_index("row").with_columns(
        pl.col("row").alias("visit"),
        pl.col("row").cast(pl.String).alias("claim_id"),
        pl.lit(0, dtype=pl.UInt16).alias("release"),
        pl.lit(value=True).alias("payable"),
        pl.lit(1, dtype=pl.Int32).alias("line"),
        pl.lit(1, dtype=pl.Int32).alias("units"),
        pl.lit(release.first_day).alias("date_of_service"),
        pl.lit(None, dtype=pl.Int64).alias("charge_cents"),
    )


def built(store: Path, label: str, *files: Path) -> CodeSet:
    release = Release.parse(label)
    snapshot = build(release, list(files), Store(store)).sealed.snapshot
    return CodeSet.of([snapshot], snapshot.table("mpfs")["hcpcs"].unique().to_list())


@pytest.fixture(scope="module")
def july_2026(cms: Path, tmp_path_factory: pytest.TempPathFactory) -> CodeSet:
    """July 2026, with the factor of qualifying APM participants, which is not in the file at hand."""
    files = [cms / "2026q3" / name for name in ("PPRRVU2026_Jul_nonQPP.csv", "GPCI2026.csv")]
    codes = built(tmp_path_factory.mktemp("store"), "2026q3", *files)
    other = codes.factors.head(1).with_columns(participant=pl.lit(Participant.NON_QP, dtype=pl.Enum(Participant)))
    qualifying = other.with_columns(
        participant=pl.lit(Participant.QP, dtype=pl.Enum(Participant)), conversion_factor=pl.lit(335675, dtype=pl.Int64)
    )
    return replace(codes, factors=pl.concat([other, qualifying]))


@pytest.mark.cms
@pytest.mark.parametrize(("variant", "participant"), [("nonQP", Participant.NON_QP), ("QP", Participant.QP)])
def test_cms_payment_files_to_the_cent(cms, july_2026, variant, participant):
    """PFREV26B: 37 codes x 109 localities x two settings = 8,066 amounts of each file, 16,132 of both.

    Each of the 37 codes has an NA indicator in one of the settings. CMS prints an amount there as well, and `fee_cents`
    is equal to it; but no amount is allowed.
    """
    amounts = published(cms / "payments" / f"PFREV26B_{variant}.zip")
    lines = as_lines(amounts, Release.parse("2026q3"))
    priced = price(lines, july_2026, participant=participant).amounts.join(lines, on="row")
    equal = priced.filter(pl.col("fee_cents") == pl.col("published_cents"))
    paid = priced.filter(pl.col("allowed_cents") == pl.col("published_cents"))
    blocked = priced.filter(pl.col("allowed_cents").is_null(), unpriced="setting-na")
    print(f"{variant}: {equal.height} of {amounts.height} fees equal, {paid.height} allowed, {blocked.height} NA")
    assert (equal.height, amounts.height) == (8066, 8066)
    assert (paid.height, blocked.height) == (4033, 4033)
    assert amounts["hcpcs"].n_unique() * amounts["locality"].n_unique() * 2 == 8066


@pytest.mark.cms
def test_the_two_files_differ_in_every_amount(cms):
    """Else the test above would not tell one conversion factor from the other."""
    one, two = (published(cms / "payments" / f"PFREV26B_{variant}.zip") for variant in ("nonQP", "QP"))
    assert (one["published_cents"] != two["published_cents"]).all()


@pytest.mark.cms
@pytest.mark.parametrize(("label", "archive", "rows"), [("2024q2", "rvu24b.zip", 8066), ("2025q4", "rvu25d.zip", 6322)])
def test_cms_oppscap_files_to_the_cent(cms, tmp_path, label, archive, rows):
    """OPPSCAP holds "the payment amounts after the application of the OPPS-based payment caps" (layout RVU25D).

    Compared are the rows of status A in the localities of the GPCI file; status C is priced by the carriers.
    """
    codes = built(tmp_path, label, cms / label / archive)
    named = pl.concat_str("mac", "locality", separator="-")
    caps = codes.oppscap.filter(status_code="A").with_columns(named.alias("locality"))
    known = codes.gpci.select(named.alias("locality"))
    settings = {"nonfacility_amount": OFFICE, "facility_amount": HOSPITAL}
    amounts = (
        caps.join(known, on="locality", how="semi")
        .unpivot(list(settings), index=["hcpcs", "modifier", "locality"], value_name="published_cents")
        .with_columns(pl.col("variable").replace_strict(settings).alias("place_of_service"))
        .rename({"modifier": "modifiers"})
    )
    whole = replace(codes, fees=codes.fees.with_columns(facility_na=pl.lit(value=False)))
    lines = as_lines(amounts, Release.parse(label))
    priced = price(lines, whole, participant=Participant.NON_QP).amounts.join(lines, on="row")
    equal = priced.filter(pl.col("allowed_cents") == pl.col("published_cents"))
    print(f"{label}: {equal.height} of {amounts.height} capped amounts equal")
    assert (equal.height, amounts.height) == (2 * rows, 2 * rows)
    assert (priced["fee_cents"] > priced["allowed_cents"]).all()
