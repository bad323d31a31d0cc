"""The four packages of 2025, as CMS shipped them: they build, and every cell equals what another reader finds.

The other reader is Python's csv module, by place: RVU25D's record layout numbers the columns of the fee schedule.
"""

import csv
import io
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from codeset.snapshot import Snapshot
from codeset_ingest.build import READER

pytestmark = pytest.mark.cms

PACKAGES = {
    "2025q1": ("packages/rvu25a.zip", "PPRRVU25_JAN.csv", 18_865),
    "2025q2": ("packages/rvu25b.zip", "PPRRVU25_APR.csv", 18_923),
    "2025q3": ("packages/rvu25c.zip", "PPRRVU2025_Jul.csv", 19_029),
    "2025q4": ("2025q4/rvu25d.zip", "PPRRVU2025_Oct.csv", 19_090),
}

PLACES = {
    3: "status_code",
    5: "work_rvu",
    6: "nonfacility_pe_rvu",
    8: "facility_pe_rvu",
    10: "mp_rvu",
    11: "nonfacility_total_rvu",
    12: "facility_total_rvu",
    13: "pctc_indicator",
    14: "global_days",
    15: "preoperative_percentage",
    16: "intraoperative_percentage",
    17: "postoperative_percentage",
    18: "multiple_procedure",
    19: "bilateral_surgery",
    20: "assistant_surgery",
    21: "co_surgery",
    22: "team_surgery",
    23: "endoscopic_base",
    25: "physician_supervision",
    28: "opps_nonfacility_pe_rvu",
    29: "opps_facility_pe_rvu",
    30: "opps_mp_rvu",
}


def rows_of_csv(archive: Path, member: str) -> list[list[str]]:
    """The records as the csv module reads them: those whose first cell is a code of five characters."""
    with zipfile.ZipFile(archive) as package:
        text = package.read(member).decode("cp1252")
    records = csv.reader(io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"), newline=""))
    return [row for row in records if len(row[0].strip()) == 5 and row[0] != "HCPCS"]


@pytest.mark.parametrize("label", PACKAGES)
def test_every_cell_of_a_package_equals_the_raw_file(cms: Path, packages_2025: dict[str, Snapshot], label: str) -> None:
    package, member, count = PACKAGES[label]
    raw = {(row[0], row[1]): row for row in rows_of_csv(cms / package, member)}
    table = packages_2025[label].table("mpfs")
    assert table.height == len(raw) == count
    differences = []
    for row in table.iter_rows(named=True):
        cells = raw[row["hcpcs"], row["modifier"]]
        for place, column in PLACES.items():
            value, text = row[column], cells[place].strip()
            same = value == Decimal(text) if isinstance(value, Decimal) else (value or "") == text
            if not same:
                differences.append((row["hcpcs"], column, value, text))
        assert row["nonfacility_na"] == (cells[7].strip() == "NA"), row["hcpcs"]
        assert row["facility_na"] == (cells[9].strip() == "NA"), row["hcpcs"]
        assert row["not_used_for_medicare"] == (cells[4].strip() == "+"), row["hcpcs"]
    assert differences == []
    assert {Decimal(cells[24]) for cells in raw.values()} == {
        factor.value for factor in packages_2025[label].conversion_factors
    }


@pytest.mark.parametrize("label", PACKAGES)
def test_a_package_holds_all_its_tables(packages_2025: dict[str, Snapshot], label: str) -> None:
    rows = {name: entry.rows for name, entry in packages_2025[label].manifest.tables.items()}
    assert rows == {
        "mpfs": PACKAGES[label][2],
        "gpci": 109,
        "oppscap": 16_100,
        "anesthesia": 109,
        "locality_county": 109,
        "code_facts": 185,
    }
    assert packages_2025[label].verify() == []


ROWS_AS_READ = {
    2: {
        "anesthesia": "1726174cf2f22ca0",
        "code_facts": "06f474b3390f5850",
        "gpci": "ea0e80f6049ccbe0",
        "locality_county": "51528bba42a1dc95",
        "mpfs": "a06eecf0c07d9c69",
        "oppscap": "355a3a2ccde8640d",
    }
}
"""By the reader's number: the content digests of July 2025's tables, shortened."""


def test_the_same_files_read_otherwise_have_another_reader_number(packages_2025: dict[str, Snapshot]) -> None:
    """If this fails, CMS's files give other rows than they did: raise READER, and add its rows here."""
    tables = packages_2025["2025q3"].manifest.tables
    assert {name: entry.content_sha256[:16] for name, entry in tables.items()} == ROWS_AS_READ[READER]


def test_caps_of_july_2025_end_without_a_line_end_and_are_read_to_the_last_record(
    cms: Path, packages_2025: dict[str, Snapshot]
) -> None:
    with zipfile.ZipFile(cms / "packages" / "rvu25c.zip") as package:
        text = package.read("OPPSCAP_JUL.txt")
    assert text.endswith(b"93990TC A 15202  00    97.07     97.07")
    row = (
        packages_2025["2025q3"].table("oppscap").filter(hcpcs="93990", modifier="TC", mac="15202", locality="00").row(0)
    )
    assert row[-2:] == (Decimal("97.07"), Decimal("97.07"))
