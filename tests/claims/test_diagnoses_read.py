"""The diagnoses of a line, by every door: those of its claim that it points to, in the order of the pointers."""

import json
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook

from codeset.claims.claim_fields import COLUMNS
from codeset.claims.input.check import refuse
from codeset.claims.input.claim import Claim, ClaimLine, to_frame
from codeset.claims.input.claim_files import read_claims
from codeset.claims.input.claim_frames import from_frame, lines_of
from codeset.errors import BadInput

HEADER = "claim,patient id,npi,dos,cpt,mod,units,pos,locality"
LINE = "A1,B1,P1,2026-07-15,{hcpcs},,1,11,national"


def diagnoses_of_csv(folder: Path, header: str, *cells: str) -> list[str | None]:
    """The diagnoses of the lines of a csv with so many more columns."""
    rows = [f"{LINE.format(hcpcs=f'1700{number}')},{cell}" for number, cell in enumerate(cells)]
    path = folder / "claims.csv"
    path.write_text("\n".join([f"{HEADER},{header}", *rows]) + "\n")
    lines, rejects = read_claims(path)
    refuse(rejects)
    return lines["diagnoses"].to_list()


def refusals(folder: Path, header: str, *cells: str) -> list[str]:
    with pytest.raises(BadInput) as error:
        diagnoses_of_csv(folder, header, *cells)
    return [str(fault).partition("line 1: ")[2] for fault in error.value.faults]


@pytest.mark.parametrize(
    ("pointers", "diagnoses"),
    [
        ("1", "L57.0"),
        ("2 1", "C44.41 L57.0"),
        ("B", "C44.41"),
        ("CA", "D22.5 L57.0"),
        ("A:B", "L57.0 C44.41"),
        ('"3,1"', "D22.5 L57.0"),
        ("", "L57.0 C44.41 D22.5"),
    ],
)
def test_a_line_has_the_diagnoses_that_it_points_to(tmp_path: Path, pointers: str, diagnoses: str) -> None:
    assert diagnoses_of_csv(tmp_path, "Dx 1,Dx 2,Dx 3,Dx Pointer", f"L57.0,C44.41,D22.5,{pointers}") == [diagnoses]


def test_the_claim_s_other_diagnoses_are_kept_where_a_line_does_not_point_to_them(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    cells = ["L57.0,C44.41,D22.5,1", "L57.0,C44.41,D22.5,ABC", "L57.0,C44.41,D22.5,BA"]
    rows = [f"{LINE.format(hcpcs=f'1700{number}')},{cell}" for number, cell in enumerate(cells)]
    path.write_text("\n".join([f"{HEADER},Dx 1,Dx 2,Dx 3,Dx Pointer", *rows]) + "\n")
    lines, rejects = read_claims(path)
    refuse(rejects)
    all_of_claim = "L57.0 C44.41 D22.5"
    assert lines["diagnoses_of_claim"].to_list() == [all_of_claim, None, all_of_claim]
    assert from_frame(lines)[0].equals(lines)


@pytest.mark.parametrize("cell", ["L57.0 C44.41", '"L57.0, C44.41"', "L57.0;C44.41", "L57.0|C44.41"])
def test_diagnoses_of_one_column_are_set_apart_by_blanks_commas_semicolons_or_bars(tmp_path: Path, cell: str) -> None:
    assert diagnoses_of_csv(tmp_path, "Diagnosis Codes", cell) == ["L57.0 C44.41"]


@pytest.mark.parametrize("code", ["QA0.0101", "QA00101", "C4A.9", "L57", "S01.01XA", "O9A.11", "Z3A.00"])
def test_the_forms_of_codes_are_those_of_the_code_set(tmp_path: Path, code: str) -> None:
    """CDC's order file of fiscal year 2026 has the first codes with a letter in second place (QA0)."""
    assert diagnoses_of_csv(tmp_path, "Dx", code) == [code]


@pytest.mark.parametrize("code", ["l57.0", "L5.70", "L57.", "L57..0", "57.0", "L", "NONE", "L57.01234", "LL7.0X-"])
def test_what_has_not_the_form_of_a_code_is_refused(tmp_path: Path, code: str) -> None:
    assert refusals(tmp_path, "Dx", code)[0].startswith(
        "diagnoses: expected up to twelve ICD-10-CM codes, found text like"
    )


def test_pointers_of_several_columns_are_in_their_order(tmp_path: Path) -> None:
    header = "Diag1,Diag2,Ptr 1,Ptr 2"
    assert diagnoses_of_csv(tmp_path, header, "L57.0,C44.41,2,1", "L57.0,C44.41,1,") == ["C44.41 L57.0", "L57.0"]


def test_pointers_without_diagnoses_are_not_read(tmp_path: Path) -> None:
    assert diagnoses_of_csv(tmp_path, "Dx Pointer", "A") == [None]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("L57.0,2", 'diagnosis_pointers: expected places in the claim\'s diagnoses, found "2", and 1 diagnoses'),
        (",A", 'diagnosis_pointers: expected places in the claim\'s diagnoses, found "A", and 0 diagnoses'),
        (
            "L57.0,13",
            'diagnosis_pointers: expected up to four places in the claim\'s diagnoses: 1 to 12, or A to L, found "13"',
        ),
        ("57.0,1", "diagnoses: expected up to twelve ICD-10-CM codes, found text like 99.9"),
        ("L57.01234,1", "diagnoses: expected up to twelve ICD-10-CM codes, found text like A99.99999"),
    ],
)
def test_what_points_to_nothing_or_is_no_code_is_refused(tmp_path: Path, cells: str, says: str) -> None:
    assert refusals(tmp_path, "Dx,Dx Pointer", cells) == [says]


def test_a_workbook_is_read_as_the_csv_that_it_could_be(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append([*HEADER.split(","), "ICD-10", "Diagnosis Pointer"])
    book.active.append(["A1", "B1", "P1", date(2026, 7, 15), 17000, None, 1, 11, "national", "L57.0, C44.41", 2])
    content = BytesIO()
    book.save(content)
    path = tmp_path / "claims.xlsx"
    path.write_bytes(content.getvalue())
    assert read_claims(path)[0]["diagnoses"].to_list() == ["C44.41"]


LINES = [{"line": 1, "date_of_service": "2026-07-15", "hcpcs": "17000", "units": 1}]
CLAIM = {"claim_id": "A1", "beneficiary": "B1", "provider": "P1", "place_of_service": "11", "locality": "national"}


@pytest.mark.parametrize(
    ("pointers", "value_in_file"),
    [([2], '"2", and 1 diagnoses'), ([1, 3], '"1 3", and 1 diagnoses'), (["1", None], "a list of 2")],
)
def test_a_json_claim_that_points_to_nothing_is_refused(
    tmp_path: Path, pointers: list[object], value_in_file: str
) -> None:
    path = tmp_path / "claims.json"
    lines = [{**LINES[0], "diagnosis_pointers": pointers}]
    path.write_text(json.dumps({**CLAIM, "diagnoses": ["L57.0"], "lines": lines}))
    faults = read_claims(path)[1].faults
    assert faults.select("field", "found").rows() == [("diagnosis_pointers", value_in_file)]


def test_a_frame_has_lists_or_text() -> None:
    frame = pl.DataFrame([{**CLAIM, "line": number, **LINES[0], "modifiers": ""} for number in (1, 2)]).with_columns(
        line=pl.Series([1, 2]),
        diagnoses=pl.Series([["L57.0", "C44.41"], ["D22.5"]]),
        diagnosis_pointers=pl.Series([[2, 1], None], dtype=pl.List(pl.Int64)),
    )
    lines, rejects = from_frame(frame)
    refuse(rejects)
    assert lines["diagnoses"].to_list() == ["C44.41 L57.0", "D22.5"]
    assert lines.columns == list(COLUMNS)
    assert from_frame(lines)[0].equals(lines)


def test_values_are_read_as_json_is() -> None:
    line = ClaimLine(1, date(2026, 7, 15), "17000", 1, "11", "national", diagnosis_pointers=(2,))
    claim = Claim("A1", "B1", "P1", (line,), diagnoses=("L57.0", "C44.41"))
    assert to_frame([claim])["diagnoses"].to_list() == lines_of(claim)["diagnoses"].to_list() == ["C44.41"]
    with pytest.raises(BadInput):
        to_frame([Claim("A1", "B1", "P1", (line,), diagnoses=("L57.0",))])


TWELVE = [
    "L57.0",
    "D22.5",
    "L82.1",
    "C44.41",
    "L40.0",
    "L70.0",
    "L30.9",
    "B07.8",
    "D48.5",
    "Z85.828",
    "QA0.0101",
    "L66.1",
]
POINTERS = [[12], [1, 4], [2, 2, 1], []]
X12_HEAD = """ISA*00*          *00*          *ZZ*S              *ZZ*R              *260701*1200*^*00501*000000001*0*P*:~
GS*HC*S*R*20260701*1200*1*X*005010X222A1~ST*837*0001*005010X222A1~BHT*0019*00*1*20260701*1200*CH~
HL*1**20*1~NM1*85*2*CLINIC*****XX*P1~HL*2*1*22*0~SBR*P*18*******MB~NM1*IL*1*A*B****MI*B1~CLM*A1*100***11:B:1*Y*A*Y*Y~
"""


def by_csv(folder: Path) -> Path:
    letters = ["".join("ABCDEFGHIJKL"[place - 1] for place in line) for line in POINTERS]
    heads = ",".join(f"Dx {letter}" for letter in "ABCDEFGHIJKL")
    rows = [f"{LINE.format(hcpcs='17000')},{','.join(TWELVE)},{pointers}" for pointers in letters]
    path = folder / "claims.csv"
    path.write_text("\n".join([f"{HEADER},{heads},Dx Pointer", *rows]) + "\n")
    return path


def by_xlsx(folder: Path) -> Path:
    book = Workbook()
    book.active.append([*HEADER.split(","), *(f"ICD10 {place}" for place in range(1, 13)), "Ptr 1", "Ptr 2", "Ptr 3"])
    for pointers in POINTERS:
        first = ["A1", "B1", "P1", date(2026, 7, 15), 17000, None, 1, 11, "national", *TWELVE]
        book.active.append([*first, *pointers, *[None] * (3 - len(pointers))])
    path = folder / "claims.xlsx"
    book.save(path)
    return path


def by_json(folder: Path) -> Path:
    lines = [
        {**LINES[0], "line": n, "diagnosis_pointers": pointers or None} for n, pointers in enumerate(POINTERS, start=1)
    ]
    path = folder / "claims.json"
    path.write_text(json.dumps({**CLAIM, "diagnoses": TWELVE, "lines": lines}))
    return path


def by_x12(folder: Path) -> Path:
    codes = [code.replace(".", "") for code in TWELVE]
    segments = ["HI*ABK:" + "*ABF:".join(codes)]
    for number, pointers in enumerate(POINTERS, start=1):
        service = f"SV1*HC:17000*100*UN*1***{':'.join(map(str, pointers))}".rstrip("*")
        segments += [f"LX*{number}", service, "DTP*472*D8*20260715"]
    path = folder / "claims.x12"
    path.write_text(
        X12_HEAD.replace("\n", "")
        + "".join(f"{segment}~" for segment in segments)
        + "SE*1*0001~GE*1*1~IEA*1*000000001~"
    )
    return path


@pytest.mark.parametrize(("day", "faulty_claims"), [("20150930", 0), ("20151001", 1)])
def test_pointers_to_codes_of_icd_9_are_not_read_while_that_was_in_force(
    tmp_path: Path, day: str, faulty_claims: int
) -> None:
    """ICD-10-CM is the code set of claims since 2015-10-01 (45 CFR 162.1002); BK is ICD-9-CM in HI."""
    segments = ["HI*BK:7020", "LX*1", "SV1*HC:17000*100*UN*1***1", f"DTP*472*D8*{day}", "SE*1*0001", "GE*1*1"]
    path = tmp_path / "claims.x12"
    path.write_text(X12_HEAD.replace("\n", "") + "".join(f"{segment}~" for segment in [*segments, "IEA*1*000000001"]))
    lines, rejects = read_claims(path, locality="national")
    assert (lines.height, rejects.claims) == (1 - faulty_claims, faulty_claims)


@pytest.mark.parametrize("door", [by_csv, by_xlsx, by_json, by_x12])
def test_twelve_diagnoses_and_their_pointers_are_the_same_by_every_door(
    tmp_path: Path, door: Callable[..., Path]
) -> None:
    lines, rejects = read_claims(door(tmp_path), locality="national")
    assert rejects.claims == 0
    plain = lines.select(pl.col("diagnoses", "diagnoses_of_claim").str.replace_all(".", "", literal=True))
    codes = [code.replace(".", "") for code in TWELVE]
    diagnoses_by_line = [" ".join(codes[place - 1] for place in pointers) or " ".join(codes) for pointers in POINTERS]
    assert plain["diagnoses"].to_list() == diagnoses_by_line
    assert plain["diagnoses_of_claim"].to_list() == [" ".join(codes)] * 3 + [None]


def test_python_values_have_them_too() -> None:
    lines = tuple(
        ClaimLine(n, date(2026, 7, 15), "17000", 1, "11", "national", diagnosis_pointers=tuple(pointers))
        for n, pointers in enumerate(POINTERS, start=1)
    )
    frame = lines_of(Claim("A1", "B1", "P1", lines, diagnoses=tuple(TWELVE)))
    assert frame["diagnoses"].to_list() == ["L66.1", "L57.0 C44.41", "D22.5 D22.5 L57.0", " ".join(TWELVE)]
    assert frame["diagnoses_of_claim"].null_count() == 1
