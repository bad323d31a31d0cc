"""CMS's own files: every release builds, holds what CMS published, and changed as CMS changed it.

Expected figures come from CMS's files as counted outside this project (README and DOMAIN beside the files), from the
decoded releases in `history/`, and from the practice guide's table.
"""

import csv
import gzip
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from cms_files.decoded_columns import INDICATORS
from decoded import RVUS

import codeset
from codeset.schemas import faults_of
from codeset.scope import scope
from codeset.tables import active_in
from codeset_ingest.embedded import facts
from codeset_ingest.write_embedded import facts_of

pytestmark = pytest.mark.cms

ROWS = {
    "2024q2": {"mpfs": 18_534, "ptp": 2_545_089, "mue": 14_679, "gpci": 109},
    "2024q3": {"mpfs": 18_664, "ptp": 2_546_017, "gpci": 109},
    "2025q3": {"mpfs": 19_029},
    "2025q4": {"mpfs": 19_090, "gpci": 109},
    "2026q2": {"mue": 15_095, "add_on": 9_000},
    "2026q3": {"mpfs": 19_356, "mue": 15_095, "add_on": 9_000, "gpci": 109},
}


@pytest.mark.parametrize("release", ROWS)
def test_every_release_has_cms_row_counts(real_store, release):
    tables = real_store.open(release).manifest.tables
    assert {table: tables[table].rows for table in ROWS[release]} == ROWS[release]


@pytest.mark.parametrize("release", ROWS)
def test_every_snapshot_is_sound_and_its_manifest_keeps_its_schema(real_store, release):
    snapshot = real_store.open(release)
    assert snapshot.verify() == []
    assert faults_of(json.loads((snapshot.path / "manifest.json").read_text()), "manifest") == []


def test_what_is_missing_and_what_is_not_recognised_is_said(real_builds):
    assert real_builds["2024q2"].missing == ()
    assert real_builds["2024q2"].unrecognized == ("rvu24b.zip/RVU24B.pdf",)
    assert real_builds["2025q3"].missing == ("gpci", "ptp", "mue", "add_on")
    assert real_builds["2026q3"].missing == ()


def test_where_cms_forms_differ_it_is_said(real_builds):
    notes = " ".join(real_builds["2025q4"].notes)
    assert "25LOCCO.csv: 79 cells of mac had lost leading zeros, restored by rule" in notes
    assert "state of 01182 18 is CALIFORNIA, but None in rvu25d.zip/25LOCCO.txt" in notes


FROM_HISTORY = {
    "hcpcs": "hcpcs",
    "mod": "modifier",
    "status_code": "status_code",
    **RVUS,
    **INDICATORS,
    "calculation_flag": "calculation_flag",
}


@pytest.mark.parametrize(("release", "file"), [("2024q2", "rvu24b_apr"), ("2024q3", "rvu24c_jul")])
def test_a_release_equals_the_decoded_one_in_every_cell(cms, real_store, release, file):
    with gzip.open(cms / "history" / f"pprrvu_{file}.csv.gz", "rt", encoding="utf-8") as stream:
        history_rows = {(row["hcpcs"], row["mod"]): row for row in csv.DictReader(stream)}
    table = real_store.open(release).table("mpfs")
    assert table.height == len(history_rows)
    differences = []
    for row in table.iter_rows(named=True):
        theirs = history_rows[(row["hcpcs"], row["modifier"])]
        for file_column, column in FROM_HISTORY.items():
            ours = row[column]
            same = (
                ours == Decimal(theirs[file_column]).quantize(Decimal("0.01"))
                if isinstance(ours, Decimal)
                else (ours or "") == theirs[file_column]
            )
            if not same:
                differences.append((row["hcpcs"], column, ours, theirs[file_column]))
        for file_column, column in (("non_fac_indicator", "nonfacility_na"), ("facility_indicator", "facility_na")):
            assert (theirs[file_column] == "NA") == row[column], row["hcpcs"]
        assert (theirs["not_used_for_medicare_payment"] == "+") == row["not_used_for_medicare"]
    assert differences == []
    factors = {Decimal(row["conv_factor"]).quantize(Decimal("0.0001")) for row in history_rows.values()}
    assert factors == {factor.value for factor in real_store.open(release).conversion_factors}


def test_gpci_equals_the_decoded_one(cms, real_store):
    with gzip.open(cms / "history" / "gpci_rvu24b.csv.gz", "rt", encoding="utf-8") as stream:
        history_rows = list(csv.DictReader(stream))
    snapshot = real_store.open("2024q2")
    for row in history_rows:
        ours = snapshot.gpci(row["mac"], row["locality_number"])
        for file_column, column in (("gpci_work", "work_gpci"), ("gpci_pe", "pe_gpci"), ("gpci_mp", "mp_gpci")):
            assert ours[column] == Decimal(row[file_column]).quantize(Decimal("0.001")), row
    assert len(history_rows) == 109


def test_ptp_changed_as_cms_changed_it_in_2024q3(real_store):
    changes = codeset.diff(real_store.open("2024q2"), real_store.open("2024q3"), "all")
    ptp_changes = changes.tables["ptp"]
    assert (ptp_changes.added.height, ptp_changes.removed.height) == (926, 293)
    assert ptp_changes.changed.filter(column="ccmi").height == 2
    assert ptp_changes.compared == (2_545_089, 2_546_017)


def test_dermatology_saw_no_change_in_2024q3(real_store):
    changes = codeset.diff(real_store.open("2024q2"), real_store.open("2024q3"))
    assert changes.none
    assert changes.payments.is_empty()
    assert changes.tables["ptp"].compared == (18_772, 18_772)


def test_the_annual_update_of_2026_in_dermatology(real_store):
    changes = codeset.diff(real_store.open("2025q4"), real_store.open("2026q3"))
    schedule = changes.tables["mpfs"].changed
    assert schedule.filter(column="global_days").is_empty()
    work = schedule.filter(column="work_rvu")
    for row in work.iter_rows(named=True):
        reduced_rvu = (Decimal(row["before"]) * Decimal("0.975")).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        assert Decimal(row["after"]) == reduced_rvu, row
    visits = [code for code, family in scope("derm").families.items() if family == "office visits"]
    assert work.filter(pl.col("hcpcs").is_in(visits)).is_empty()
    assert work.height > 300
    amounts = changes.payments.filter(hcpcs="11102", modifier="", setting="nonfacility")
    assert amounts.select("before_cents", "after_cents").rows() == [(9575, 9553)]


NATIONAL = [
    ("17000", "nonfacility", 6631, 6647),
    ("17000", "facility", 5370, 4776),
    ("17003", "nonfacility", 647, 635),
    ("17004", "nonfacility", 16173, 16233),
    ("17110", "nonfacility", 10998, 11122),
    ("17111", "nonfacility", 12906, 12993),
    ("17311", "nonfacility", 66116, 66702),
    ("17311", "facility", 34287, 28691),
    ("17312", "nonfacility", 39948, 40281),
    ("14040", "nonfacility", 74462, 76722),
    ("14040", "facility", 61135, 54610),
    ("12032", "nonfacility", 29403, 29994),
    ("13132", "nonfacility", 45350, 46227),
    ("11642", "nonfacility", 26039, 26687),
    ("88305", "nonfacility", 6954, 7014),
    ("96567", "nonfacility", 12777, 12926),
    ("96573", "nonfacility", 21284, 21744),
    ("96574", "nonfacility", 26168, 26687),
    ("96910", "nonfacility", 11354, 11490),
    ("99213", "nonfacility", 8895, 9519),
    ("99214", "nonfacility", 12518, 13561),
    ("99213", "facility", 6372, 5745),
    ("G2211", "nonfacility", 1553, 1737),
]


@pytest.mark.parametrize(("hcpcs", "setting", "before", "after"), NATIONAL)
def test_national_amounts_of_2025_and_2026(real_store, hcpcs, setting, before, after):
    """The amounts of DOMAIN section 8, worked out from RVU25D and RVU26C."""
    changes = codeset.diff(real_store.open("2025q4"), real_store.open("2026q3"))
    payments = changes.payments.filter(hcpcs=hcpcs, modifier="", setting=setting)
    assert payments.select("before_cents", "after_cents").rows() == [(before, after)]


RELATIONS = [
    ("17004", "17000", 0),
    ("17004", "17003", 0),
    ("17111", "17110", 0),
    ("11104", "11102", 0),
    ("11102", "17000", 1),
]


@pytest.mark.parametrize(("one", "two", "ccmi"), RELATIONS)
def test_edits_of_v302_that_dermatology_lives_by(real_store, one, two, ccmi):
    """DOMAIN section 9.2, from CMS's v30.2 file."""
    snapshot = real_store.open("2024q3")
    release = snapshot.release
    rows = snapshot.scan("ptp").filter(
        pl.col("column_one") == one,
        pl.col("column_two") == two,
        active_in(pl.lit(release.first_day), pl.lit(release.last_day)),
    )
    assert rows.collect()["ccmi"].to_list() == [ccmi]
    assert all(row["deletion_date"] is not None for row in snapshot.ptp(two, one)), "never both directions"


MUES = [
    ("11102", 1, 2),
    ("11103", 6, 3),
    ("17003", 13, 2),
    ("17004", 1, 2),
    ("17311", 4, 3),
    ("17315", 15, 3),
    ("J7345", 600, 3),
]


@pytest.mark.parametrize(("hcpcs", "value", "mai"), MUES)
def test_mues_of_april_2026(real_store, hcpcs, value, mai):
    """DOMAIN section 9.3."""
    row = real_store.open("2026q2").mue(hcpcs)
    assert (row["mue_value"], row["mai"]) == (value, mai)


def test_add_on_deletion_dates_are_the_last_days_of_quarters(real_store):
    """Day 091 is 31 March in a leap year; 366 is 31 December (DOMAIN section 6)."""
    days = real_store.open("2026q2").table("add_on")["deletion_date"].drop_nulls()
    never = real_store.open("2026q2").table("add_on").filter(pl.col("deletion_date") == pl.col("effective_date"))
    ends = {(3, 31), (6, 30), (9, 30), (12, 31)}
    assert {(day.month, day.day) for day in days} - ends == {
        (day.month, day.day) for day in never["deletion_date"]
    } - ends
    assert days.len() == 1_260
    assert never.height == 18


@pytest.mark.parametrize("release", ["2025q4", "2026q3"])
def test_the_embedded_facts_are_those_of_cms_files(real_store, release):
    """What is embedded equals the derm scope of the release built from CMS's files, cell for cell."""
    snapshot = real_store.open(release)
    manifest, tables = facts(snapshot.release)
    for name, table in tables.items():
        assert table.equals(facts_of(name, snapshot.scan(name)).collect()), name
        assert manifest.tables[name].sources == snapshot.manifest.tables[name].sources
        assert manifest.tables[name].carried_from == snapshot.manifest.tables[name].carried_from


def test_the_guides_table_holds_on_the_real_files(real_store):
    file = Path(__file__).parents[2] / "compliance_tests" / "guidance" / "figures.csv"
    snapshot = real_store.open("2026q3")
    rows = list(csv.DictReader(file.read_text().splitlines()))
    for row in rows:
        fee = snapshot.mpfs(row["hcpcs"])
        assert str(fee["work_rvu"]) == row["work_rvu"]
        assert str(fee["nonfacility_total_rvu"]) == row["total_rvu"]
        assert fee["global_days"] == row["global_days"]
    assert len(rows) == 20
