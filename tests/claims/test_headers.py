"""Tables of claim lines as practice systems write them: which column is read as which field."""

from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import polars as pl
import pytest
from openpyxl import Workbook
from polars.testing import assert_frame_equal

from codeset.claims.claim_fields import FIELDS
from codeset.claims.input.check import refuse
from codeset.claims.input.claim_files import read_claims
from codeset.claims.input.claim_frames import from_frame
from codeset.claims.input.headers import read_header
from codeset.errors import BadInput

PRACTICE = """\
Claim #,Patient ID,Patient Name,DOB,Rendering NPI,DOS,CPT,Mod 1,Mod 2,Mod 3,Mod 4,Units,POS,Charges
A1,B1,"DOE, JANE",01/02/1950,1888888882,08/03/2026,99213,25,,,,1,11,"$1,150.00"
A1,B1,"DOE, JANE",01/02/1950,1888888882,8/3/2026,17000,59,RT,,,1,11,100
"""
READ = [
    ("A1", 1, "B1", "1888888882", date(2026, 8, 3), "99213", "25", 1, "11", "national", 115000),
    ("A1", 2, "B1", "1888888882", date(2026, 8, 3), "17000", "59 RT", 1, "11", "national", 10000),
]
COLUMNS_READ = (
    *("claim_id", "line", "beneficiary", "provider", "date_of_service", "hcpcs", "modifiers", "units"),
    *("place_of_service", "locality", "charge_cents"),
)


def workbook(*rows: tuple[object, ...], other_sheets: int = 0) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for number in range(other_sheets):
        book.create_sheet(f"notes {number}").append(["made on", date(2026, 8, 4)])
    target = BytesIO()
    book.save(target)
    return target.getvalue()


def refusals(path: Path) -> list[str]:
    with pytest.raises(BadInput) as error:
        read_claims(path, locality="national")
    return [str(fault) for fault in error.value.faults]


def test_a_practice_systems_export_is_read(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(PRACTICE)
    lines, rejects = read_claims(path, locality="national")
    refuse(rejects)
    assert lines.select(COLUMNS_READ).rows() == READ
    assert rejects.notes == ("not read, for no rule needs them: Patient Name, DOB",)


def test_a_header_that_is_not_understood_is_named_in_one_line_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(PRACTICE.replace(",DOB,", ",Room 3 (old),").replace("Charges", "Copay"))
    lines, rejects = read_claims(path, locality="national")
    refuse(rejects)
    assert lines["charge_cents"].to_list() == [None, None]
    assert rejects.notes == (
        "not read, for no rule needs them: Patient Name",
        'column 4, "Room 3 (old)", is not understood, and not read',
        'column 14, "Copay", is not understood, and not read',
    )


@pytest.mark.parametrize(
    ("header", "header_in_message"),
    [
        ("Copay", '"Copay",'),
        ("Room 3 (old)", '"Room 3 (old)",'),
        ("Write-Off Amt", '"Write-Off Amt",'),
        ("InsuranceDeductible", '"InsuranceDeductible",'),
        ("Doe Jane", ""),
        ("Jane", ""),
        ("SMITH", ""),
        ("Patient Smith", ""),
        ("Smith Jr (old)", ""),
        ("de la Cruz", ""),
        ("Note 555123", ""),
        ("Room 1234567890", ""),
        ("O-Brien", ""),
    ],
)
def test_a_header_that_could_be_somebodys_name_or_number_is_called_by_its_number(
    tmp_path: Path, header: str, header_in_message: str
) -> None:
    """No value that could name or number a patient is in any message."""
    path = tmp_path / "export.csv"
    path.write_text(PRACTICE.replace(",DOB,", f",{header},"))
    _, rejects = read_claims(path, locality="national")
    column = f"column 4, {header_in_message}" if header_in_message else "column 4"
    assert rejects.notes[1:] == (f"{column} is not understood, and not read",)


def test_a_name_that_is_nearly_a_header_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(PRACTICE.replace(",DOB,", ",Charles,"))
    with pytest.raises(BadInput) as error:
        read_claims(path, locality="national")
    assert "Charles" not in str(error.value)
    assert "column 4 is not understood: if it is charge, rename it" in str(error.value)


def test_a_workbook_is_read_as_the_csv_that_it_could_be(tmp_path: Path) -> None:
    header = PRACTICE.splitlines()[0].split(",")
    path = tmp_path / "export.xlsx"
    day = date(2026, 8, 3)
    path.write_bytes(
        workbook(
            tuple(header),
            ("A1", "B1", "DOE, JANE", date(1950, 1, 2), 1888888882, day, 99213, 25, None, None, None, 1, 11, 1150),
            (
                "A1",
                "B1",
                "DOE, JANE",
                date(1950, 1, 2),
                1888888882,
                day,
                "17000",
                "59",
                "RT",
                None,
                None,
                1.0,
                "11",
                100.0,
            ),
            other_sheets=1,
        )
    )
    lines, rejects = read_claims(path, locality="national")
    refuse(rejects)
    assert lines.select(COLUMNS_READ).rows() == READ


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ((100,), "hcpcs: expected five characters, digits or capital letters, found text like 999"),
        (("17000", 2), 'place_of_service: expected two digits, found "2"'),
    ],
)
def test_a_workbook_that_lost_leading_zeros_is_refused(tmp_path: Path, cells: tuple[object, ...], says: str) -> None:
    header = ("claim", "patient id", "npi", "dos", "units", "mod", "cpt", "pos")
    path = tmp_path / "claims.xlsx"
    cells = (*cells, "11")[:2]
    path.write_bytes(workbook(header, ("A1", "B1", "P1", date(2026, 8, 3), 1, "59", *cells)))
    _, rejects = read_claims(path, locality="national")
    [fault] = rejects.faults.iter_rows(named=True)
    assert f"{fault['field']}: expected {fault['expected']}, found {fault['found']}" == says


def test_a_workbook_without_claim_lines_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.xlsx"
    path.write_bytes(workbook(("made on", "by"), (date(2026, 8, 3), "nobody")))
    assert refusals(path) == [
        (
            "other.xlsx: expected one sheet of claim lines, headers in its first row, "
            "found no sheet whose first row heads claim lines"
        )
    ]


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_read_by_its_own_name(name: str) -> None:
    before = ["diagnoses"] if name == "diagnosis_pointers" else []
    assert read_header([*before, name], locality=True).columns[name] == (len(before),)


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (("Diagnosis Code",), (0,)),
        (("Dx Code",), (0,)),
        (("ICD-10-CM Codes",), (0,)),
        (("Dx 2", "Dx 1"), (1, 0)),
        (("ICD10 2", "ICD10 1"), (1, 0)),
        (("ICD-10 12", "ICD-10 3"), (1, 0)),
        (("icd10cm_2", "icd10cm_1"), (1, 0)),
        (("ICD10 Code 1", "ICD10 Code 2"), (0, 1)),
        (("Dx C", "Dx A", "Dx B"), (1, 2, 0)),
        (("Diagnosis Code B", "Diagnosis Code A"), (1, 0)),
        (("Primary Diagnosis", "Secondary Diagnosis"), (0, 1)),
    ],
)
def test_diagnoses_are_headed_in_many_ways(names: tuple[str, ...], places: tuple[int, ...]) -> None:
    header = read_header(names, locality=True)
    assert header.columns["diagnoses"] == places


@pytest.mark.parametrize("name", ["Diagnosis Code Pointer", "Dx Ptr", "ICD Ptr", "Diag Pointers", "Dx Link"])
def test_pointers_are_headed_in_many_ways(name: str) -> None:
    assert read_header(["Dx", name], locality=True).columns["diagnosis_pointers"] == (1,)


@pytest.mark.parametrize(
    ("names", "modifiers"),
    [
        (("Mod 2", "Mod 1"), "1 0"),
        (("Mod", "Mod"), "0 1"),
        (("M1", "M2", "M3", "M4"), "0 1 2 3"),
        (("Modifier 1", "MOD_2"), "0 1"),
    ],
)
def test_several_columns_of_modifiers_are_in_their_order(names: tuple[str, ...], modifiers: str) -> None:
    assert " ".join(map(str, read_header(list(names), locality=True).columns["modifiers"])) == modifiers


@pytest.mark.parametrize("names", [("Mod", "Mod 1"), ("Mod 1", "Modifier 1"), ("CPT", "Procedure Code")])
def test_two_columns_that_could_be_one_are_asked_back(names: tuple[str, ...]) -> None:
    faults = read_header(list(names), locality=True).faults
    assert [fault for fault in faults if fault.startswith("columns 1 and 2 both hold")]


def test_a_frame_has_the_same_headers() -> None:
    frame = pl.read_csv(PRACTICE.encode(), infer_schema=False)
    lines, _ = from_frame(frame, locality="national")
    assert lines.select(COLUMNS_READ).rows() == READ


def test_line_numbers_that_are_lacking_are_counted_in_each_claim(tmp_path: Path) -> None:
    frame = pl.read_csv(PRACTICE.encode(), infer_schema=False)
    twice = pl.concat([frame, frame.with_columns(pl.lit("A2").alias("Claim #"))])
    assert from_frame(twice, locality="national")[0].select("claim_id", "line").rows() == [
        ("A1", 1),
        ("A1", 2),
        ("A2", 1),
        ("A2", 2),
    ]


def test_the_same_lines_under_other_headers_are_the_same() -> None:
    frame = pl.read_csv(PRACTICE.encode(), infer_schema=False)
    renamed_columns = frame.rename({"CPT": "Procedure Code", "POS": "place_of_service", "DOS": "Service Date"})
    assert_frame_equal(from_frame(frame, locality="national")[0], from_frame(renamed_columns, locality="national")[0])


def rezip(member: str, content: bytes) -> bytes:
    source, target = ZipFile(BytesIO(workbook(("claim", "patient id", "npi", "dos")))), BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name in source.namelist():
            archive.writestr(name, content if name == member else source.read(name))
    return target.getvalue()


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData/></worksheet>'
)
HUGE = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
    b'<sheetData><row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>claim</t></is></c></row></sheetData>'
    b"</worksheet>"
)
UTF_16 = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><worksheet/>'.encode("utf-16")
SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    "workbook_bytes",
    [
        pytest.param(lambda: b"PK\x03\x04 and no more", id="no zip"),
        pytest.param(lambda: rezip(SHEET, BOMB), id="entities"),
        pytest.param(lambda: rezip(SHEET, UTF_16), id="entities in UTF-16"),
        pytest.param(lambda: rezip(SHEET, b"<worksheet><sheetData>"), id="XML that does not end"),
        pytest.param(lambda: rezip(SHEET, HUGE), id="a sheet that says it is huge"),
        pytest.param(lambda: rezip("xl/workbook.xml", b"<workbook/>"), id="no sheets"),
        pytest.param(lambda: rezip(SHEET, b" " * 500_000_000), id="unpacks to half a gigabyte"),
        pytest.param(lambda: rezip("[Content_Types].xml", b"<Types/>"), id="no types"),
    ],
)
def test_a_hostile_or_damaged_workbook_is_refused(tmp_path: Path, workbook_bytes: Callable[[], bytes]) -> None:
    path = tmp_path / "claims.xlsx"
    path.write_bytes(workbook_bytes())
    [message] = refusals(path)
    assert message.startswith("claims.xlsx: ")
