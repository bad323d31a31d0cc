"""CMS's own amounts, to the cent: an oracle that owes this code nothing."""

import zipfile
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from cms_amounts import (
    HOSPITAL,
    OFFICE,
    as_lines,
    build_code_set,
    code_set,
    decoded_code_set,
    in_both_settings,
    ohio_of_2020,
    payment_file,
)

from codeset.claims.engine.code_set import CodeSet
from codeset.claims.pricing.amount_findings import amount_findings
from codeset.claims.pricing.price import price
from codeset.participants import Participant
from codeset.releases import Release

pytestmark = pytest.mark.cms


def published_amounts(archive: Path) -> pl.DataFrame:
    """Codes, localities and both amounts of one of CMS's payment files of 2026."""
    with zipfile.ZipFile(archive) as members:
        return in_both_settings(payment_file(members.read("PFREV26B.txt").decode("cp1252")))


def engine_amounts(
    amounts: pl.DataFrame, codes: CodeSet, label: str, participant: Participant | None = None
) -> pl.DataFrame:
    """*amounts* with what the engine says of a line for each."""
    lines = as_lines(amounts, Release.parse(label))
    return price(lines, codes, participant=participant).amounts.join(lines, on="row")


@pytest.fixture(scope="module")
def july_2026(cms: Path, tmp_path_factory: pytest.TempPathFactory) -> CodeSet:
    """July 2026, with the factor of qualifying APM participants, which is not in the file at hand."""
    files = [cms / "2026q3" / name for name in ("PPRRVU2026_Jul_nonQPP.csv", "GPCI2026.csv")]
    _, codes = build_code_set(tmp_path_factory.mktemp("store"), "2026q3", *files)
    other = codes.factors.head(1).with_columns(participant=pl.lit(Participant.NON_QP, dtype=pl.Enum(Participant)))
    qualifying_amounts = other.with_columns(
        participant=pl.lit(Participant.QP, dtype=pl.Enum(Participant)), conversion_factor=pl.lit(335675, dtype=pl.Int64)
    )
    return replace(codes, factors=pl.concat([other, qualifying_amounts]))


@pytest.mark.parametrize(("variant", "participant"), [("nonQP", Participant.NON_QP), ("QP", Participant.QP)])
def test_cms_payment_files_to_the_cent(cms, july_2026, variant, participant):
    """PFREV26B: 37 codes x 109 localities x two settings = 8,066 amounts of each file, 16,132 of both.

    Each of the 37 codes has an NA indicator in one of the settings. CMS prints an amount there as well, which is told,
    and that it is for review.
    """
    amounts = published_amounts(cms / "payments" / f"PFREV26B_{variant}.zip")
    lines = as_lines(amounts, Release.parse("2026q3"))
    of_lines = price(lines, july_2026, participant=participant)
    amounts_of_both = of_lines.amounts.join(lines, on="row")
    equal = amounts_of_both.filter(pl.col("fee_cents") == pl.col("published_cents"))
    allowed_equal = amounts_of_both.filter(pl.col("allowed_cents") == pl.col("published_cents"))
    [of_other_setting] = amount_findings(of_lines)
    reasons = of_other_setting.reason_rows["reason"]
    print(
        f"{variant}: {equal.height} of {amounts.height} fees equal, {allowed_equal.height} allowed, {reasons.len()} NA"
    )
    assert (equal.height, allowed_equal.height, amounts.height) == (8066, 8066, 8066)
    assert reasons.value_counts().rows() == [("amount-of-other-setting", 4033)]
    assert amounts["hcpcs"].n_unique() * amounts["locality"].n_unique() * 2 == 8066


def test_the_two_files_differ_in_every_amount(cms):
    """Else the test above would not tell one conversion factor from the other."""
    one, two = (published_amounts(cms / "payments" / f"PFREV26B_{variant}.zip") for variant in ("nonQP", "QP"))
    assert (one["published_cents"] != two["published_cents"]).all()


def test_cms_payment_file_of_october_2025_to_the_cent(cms, package_2025):
    """PFREV4: 14 rows of codes with their components x 109 localities x two settings = 3,052 amounts."""
    amounts = in_both_settings(payment_file((cms / "payments" / "PFREV4.txt").read_text(encoding="cp1252")))
    of_lines = engine_amounts(amounts, code_set(package_2025("2025q4")), "2025q4")
    equal = of_lines.filter(pl.col("fee_cents") == pl.col("published_cents"))
    assert (equal.height, amounts.height) == (3052, 14 * 109 * 2)
    assert amounts["locality"].n_unique() == 109
    assert set(of_lines.filter(pl.col("allowed_cents") != pl.col("fee_cents"))["hcpcs"]) == set()


# --- Ohio, 2020: every row of the fee schedule with an amount

HISTORY = {"2020q1": "rvu20a_jan", "2020q2": "rvu20b_apr", "2020q3": "rvu20c_v0618", "2020q4": "rvu20d_oct"}


@pytest.fixture(scope="module")
def ohio(cms: Path) -> pl.DataFrame:
    return ohio_of_2020(cms / "payments" / "ohio_2020.csv.gz")


@pytest.fixture(scope="module")
def in_2020(cms: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CodeSet]:
    folder, store = cms / "history", tmp_path_factory.mktemp("store")
    return {
        label: decoded_code_set(store, label, folder / f"pprrvu_{name}.csv.gz", folder / f"gpci_{name[:6]}.csv.gz")
        for label, name in HISTORY.items()
    }


@pytest.mark.parametrize(
    ("label", "other_amount", "no_amount"), [("2020q2", 0, 0), ("2020q3", 0, 0), ("2020q4", 0, 0), ("2020q1", 14, 12)]
)
def test_every_amount_of_ohio_in_2020_to_the_cent(ohio, in_2020, label, other_amount, no_amount):
    """8,994 rows x two settings = 17,988 amounts, those of the year after CMS's corrections of April.

    January had other RVUs for 14 rows, and for 12 (telephone visits, acupuncture, dry needling) status N: not paid.
    """
    of_lines = engine_amounts(in_both_settings(ohio), in_2020[label], label)
    other = of_lines.filter(pl.col("fee_cents") != pl.col("published_cents"))
    without = of_lines.filter(pl.col("fee_cents").is_null())
    assert of_lines.height == 2 * 8994
    assert other.select("hcpcs", "modifiers").n_unique() == other_amount
    assert without.select("hcpcs", "modifiers").n_unique() == no_amount
    assert set(without["unpriced"]) <= {"not-priced-by-rvu"}


def test_imaging_in_ohio_is_paid_the_lower_of_fee_and_opps_amount(ohio, in_2020):
    """959 rows have an OPPS amount: 1,918 caps."""
    capped_amounts = ohio.filter(pl.col("opps_nonfacility_cents") > 0)
    caps = in_both_settings(capped_amounts, "opps_")
    fees = in_both_settings(capped_amounts).rename({"published_cents": "published_fee"}).drop("variable")
    of_lines = engine_amounts(caps, in_2020["2020q4"], "2020q4").join(
        fees, on=["hcpcs", "modifiers", "locality", "place_of_service"]
    )
    lower = pl.min_horizontal("published_cents", "published_fee")
    paid = of_lines.filter(pl.col("allowed_cents").is_not_null())
    assert (caps.height, of_lines.height) == (1918, 1918)
    assert paid.height == caps.height
    assert paid.filter(pl.col("allowed_cents") != lower).is_empty()
    assert paid.filter(pl.col("published_cents") < pl.col("published_fee")).height > 0


def test_a_second_unit_of_therapy_in_ohio_is_paid_the_reduced_amount(ohio, in_2020):
    """48 rows have an amount with a reduced practice expense: two units are the fee and that amount."""
    therapy = ohio.filter(pl.col("therapy_cents") > 0)
    one_setting = in_both_settings(therapy).filter(place_of_service=OFFICE)
    reduced_amounts = therapy.select("hcpcs", "modifiers", "therapy_cents")
    lines = as_lines(one_setting.join(reduced_amounts, on=["hcpcs", "modifiers"]), Release.parse("2020q4"), units=2)
    paid = price(lines, in_2020["2020q4"], participant=None).amounts.join(lines, on="row")
    assert paid.height > 40
    assert paid.filter(pl.col("allowed_cents") != pl.col("published_cents") + pl.col("therapy_cents")).is_empty()
    assert paid["allowed_cents"].null_count() == 0


# --- the caps of imaging


@pytest.mark.parametrize(("label", "rows"), [("2024q2", 8066), ("2025q4", 6322)])
def test_cms_oppscap_files_to_the_cent(real_release, package_2025, label, rows):
    """OPPSCAP holds "the payment amounts after the application of the OPPS-based payment caps" (layout RVU25D).

    Compared are the rows of status A in the localities of the GPCI file; status C is priced by the carriers.
    """
    snapshot = real_release(label).sealed.snapshot if label == "2024q2" else package_2025(label)
    codes = code_set(snapshot)
    locality = pl.concat_str("mac", "locality", separator="-").alias("locality")
    amounts = (
        snapshot.table("oppscap")
        .filter(status_code="A")
        .with_columns(locality)
        .join(snapshot.table("gpci").select(locality), on="locality", how="semi")
        .select(
            "hcpcs",
            pl.col("modifier").alias("modifiers"),
            "locality",
            *((pl.col(f"{name}_amount") * 100).cast(pl.Int64).alias(f"{name}_cents") for name in SETTINGS),
        )
    )
    fees = codes.fees.with_columns(facility_na=pl.lit(value=False))
    whole = replace(codes, rows={**codes.rows, "mpfs": fees})
    of_lines = engine_amounts(in_both_settings(amounts), whole, label)
    equal = of_lines.filter(pl.col("allowed_cents") == pl.col("published_cents"))
    print(f"{label}: {equal.height} of {of_lines.height} capped amounts equal")
    assert (equal.height, of_lines.height) == (2 * rows, 2 * rows)
    assert (of_lines["fee_cents"] > of_lines["allowed_cents"]).all()


SETTINGS = {"nonfacility": OFFICE, "facility": HOSPITAL}
