"""CMS's own packages: every form of every table says the same, and says it to other readers too."""

import csv
import io
import zipfile
from decimal import Decimal
from functools import cache
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from cms_files.render import render_file
from polars.testing import assert_frame_equal

from codeset.releases import Release
from codeset.tables import TABLES
from codeset_ingest.read.delivery import faults_of, sort_files
from codeset_ingest.read.forms.read_cells import read_cells
from codeset_ingest.read.open_files import File, open_all
from codeset_ingest.read.read_files import read
from codeset_ingest.read.recognize import recognize
from codeset_ingest.read.table import LINE, Reading

pytestmark = pytest.mark.cms

PACKAGES = {"2024q2": "2024q2/rvu24b.zip", "2025q4": "2025q4/rvu25d.zip"}
ROWS = {
    "2024q2": {
        "mpfs": 18534,
        "gpci": 109,
        "oppscap": 17710,
        "anesthesia": 109,
        "locality_county": 109,
        "code_facts": 185,
    },
    "2025q4": {
        "mpfs": 19090,
        "gpci": 109,
        "oppscap": 16100,
        "anesthesia": 109,
        "locality_county": 109,
        "code_facts": 185,
    },
}


@pytest.fixture(scope="module", params=list(PACKAGES))
def package(request: pytest.FixtureRequest, cms: Path) -> tuple[str, dict[str, Reading]]:
    """A release's fee schedule package, read as a build reads it."""
    label = request.param
    delivery = sort_files(recognize(_open_files(cms, label)))
    assert list(faults_of(delivery, Release.parse(label))) == []
    return label, read(delivery.files, Release.parse(label))


@cache
def _open_files(cms: Path, label: str) -> tuple[File, ...]:
    """The files of a release's package, opened once for all tests."""
    return tuple(open_all([cms / PACKAGES[label]]))


def _member(cms: Path, label: str, begin: str, end: str) -> bytes:
    """The bytes of the one file of a package that is so called, as Python unpacks it."""
    with zipfile.ZipFile(cms / PACKAGES[label]) as archive:
        (name,) = (name for name in archive.namelist() if name.startswith(begin) and name.endswith(end))
        return archive.read(name)


def test_every_form_of_every_table_says_the_same(package: tuple[str, dict[str, Reading]]) -> None:
    label, readings = package
    assert {table: reading.frame.height for table, reading in readings.items()} == ROWS[label]
    assert {table: len(reading.sources) for table, reading in readings.items()} == dict.fromkeys(ROWS[label], 3)


def test_the_localities_that_forms_word_otherwise_are_in_the_notes(package: tuple[str, dict[str, Reading]]) -> None:
    label, readings = package
    year = label[2:4]
    because = (
        "xlsx is trusted: the csv lost its leading zeros, the txt leaves California's state blank and words one area "
        "otherwise; the workbook has both whole"
    )
    notes = [note for note in readings["locality_county"].notes if note.endswith(because)]
    assert [note for note in notes if f"rvu{year}" not in note] == []
    assert len(notes) == 3
    assert sum(f"{year}LOCCO.txt" in note for note in notes) == 3


def test_each_form_of_the_fee_schedule_reads_alike_by_itself(cms: Path) -> None:
    for label in PACKAGES:
        release = Release.parse(label)
        files = [file for file in _open_files(cms, label) if file.name.startswith("PPRRVU")]
        assert len(files) == 3
        frames = [
            read(sort_files(recognize([file])).files, release)["mpfs"].frame.select(
                [column for column in TABLES["mpfs"].columns if column != "pricing_indicator"]
            )
            for file in files
        ]
        one, *others = (frame.sort("hcpcs", "modifier") for frame in frames)
        for other in others:
            assert_frame_equal(one, other)


NUMBERS = {
    "work_rvu": 5,
    "nonfacility_pe_rvu": 6,
    "facility_pe_rvu": 8,
    "mp_rvu": 10,
    "nonfacility_total_rvu": 11,
    "facility_total_rvu": 12,
    "preoperative_percentage": 15,
    "opps_mp_rvu": 30,
}
TEXTS = {"status_code": 3, "pctc_indicator": 13, "global_days": 14, "team_surgery": 22, "imaging_family": 27}


def _frame(reading: Reading) -> list[tuple[object, ...]]:
    return reading.frame.sort("hcpcs", "modifier").select("hcpcs", "modifier", *NUMBERS, *TEXTS).rows()


def test_the_csv_read_by_python_says_what_was_read(package: tuple[str, dict[str, Reading]], cms: Path) -> None:
    label, readings = package
    data = _member(cms, label, "PPRRVU", "csv")
    rows = [row for row in csv.reader(io.StringIO(data.decode("cp1252"))) if len(row) == 31][10:]
    plain = sorted(
        (row[0], row[1], *(Decimal(row[at]) for at in NUMBERS.values()), *(row[at] for at in TEXTS.values()))
        for row in rows
        if row[0] != "\x1a"
    )
    assert plain == _frame(readings["mpfs"])


def test_the_workbook_read_by_openpyxl_says_what_was_read(package: tuple[str, dict[str, Reading]], cms: Path) -> None:
    label, readings = package
    data = _member(cms, label, "PPRRVU", "xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True).worksheets[0]
    plain = sorted(
        (
            str(row[0]).zfill(5),
            str(row[1] or ""),
            *(Decimal(repr(row[at])).quantize(Decimal("0.01")) for at in NUMBERS.values()),
            *(str(row[at]) for at in TEXTS.values()),
        )
        for row in sheet.iter_rows(min_row=11, values_only=True)
        if row[0] is not None and row[0] != "_x001A_"
    )
    assert plain == _frame(readings["mpfs"])


@pytest.mark.parametrize("form", ["csv", "txt"])
def test_rendered_caps_are_cmss_own_to_the_byte(form: str, cms: Path) -> None:
    release = Release.parse("2024q2")
    data = _member(cms, "2024q2", "OPPSCAP_APR", form)
    caps = sort_files(recognize(file for file in _open_files(cms, "2024q2") if file.name.startswith("OPPSCAP"))).files
    assert {file.table for file in caps} == {"oppscap"}
    frame = read(caps, release)["oppscap"].frame.select(list(TABLES["oppscap"].columns))
    assert render_file("oppscap", frame, release, form) == data


def test_rendered_fixed_width_fees_are_cmss_own_but_for_descriptors_and_notices(cms: Path) -> None:
    release = Release.parse("2025q4")
    data = _member(cms, "2025q4", "PPRRVU2025_Oct", "txt")
    files = sort_files(recognize(file for file in _open_files(cms, "2025q4") if file.name.startswith("PPRRVU"))).files
    assert {file.table for file in files} == {"mpfs"}
    fees = read(files, release)["mpfs"]
    frame = fees.frame.with_columns(pricing_indicator=pl.lit(None, pl.String)).select(list(TABLES["mpfs"].columns))
    ours = render_file("mpfs", frame, release, "txt", fees.factors[0].value)
    assert ours.startswith(b"HDR ")
    assert _without_texts(ours) == _without_texts(data)


def _without_texts(data: bytes) -> list[bytes]:
    """The records without their descriptors."""
    return sorted(line[:7] + line[57:] for line in data.splitlines() if not line.startswith((b"HDR ", b"\x1a")))


def test_every_line_of_the_csv_is_read_or_accounted_for(cms: Path) -> None:
    release = Release.parse("2024q2")
    (fees,) = recognize(file for file in _open_files(cms, "2024q2") if file.name == "PPRRVU24_APR.csv")
    lines = read_cells(fees.content, fees.layout, fees.form, fees.sheet, release)[LINE].to_list()  # type: ignore[union-attr]
    assert lines == list(range(11, 18545))
    assert fees.content.data.count(b"\n") == 18545  # type: ignore[union-attr]
