"""Volumes as practices export them: headers by many names, csv and xlsx, separators, repeats summed, strict cells."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from codeset.errors import BadInput
from codeset.impact.volume_files import Volume, read_volumes


def file_of(folder: Path, text: str) -> Path:
    file = folder / "volumes.csv"
    file.write_text(text, encoding="utf-8")
    return file


def workbook(folder: Path, *rows: list[object]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(folder / "volumes.xlsx")
    return folder / "volumes.xlsx"


@pytest.mark.parametrize(
    "header",
    [
        "hcpcs,units",
        "Code,Units",
        "CPT®/HCPCS Code,Qty",
        "Procedure Code,Total Units",
        "PROC CODE,QUANTITY",
        "cpt,volume",
    ],
)
def test_a_header_is_recognized_by_the_names_that_exports_give_it(tmp_path, header):
    assert read_volumes(file_of(tmp_path, f"{header}\n11102,820\n")).volumes == (Volume("11102", "", 820),)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_title_lines_and_other_delimiters_are_no_hindrance(tmp_path, delimiter):
    lines = ["Procedure Analysis", "01/01/2025 to 12/31/2025", "", delimiter.join(("CPT Code", "Units"))]
    file = file_of(tmp_path, "\ufeff" + "\n".join([*lines, delimiter.join(("99213", "6100"))]))
    assert read_volumes(file).volumes == (Volume("99213", "", 6100),)


def test_thousands_separators_and_repeated_codes_are_summed(tmp_path):
    file = file_of(tmp_path, 'code,units\n99213,"6,100"\n99213,"1,234,567.00"\n17000,2\nTotal,"1,240,669"\n')
    result = read_volumes(file)
    assert result.volumes == (Volume("17000", "", 2), Volume("99213", "", 1_240_667))
    assert result.rows == 3


def test_a_total_that_is_not_the_sum_is_refused(tmp_path):
    with pytest.raises(BadInput, match="line 3: the total is 11, but the lines add up to 10"):
        read_volumes(file_of(tmp_path, "code,units\n99213,10\nGrand Total,11\n"))


def test_modifiers_place_provider_payer_and_zip_code_are_kept(tmp_path):
    rows = "CPT,Mod 1,Mod 2,Qty,POS,Rendering Provider,Payor,Service ZIP,Avg Charge\n"
    rows += "88305,26,59,12,22 - On Campus,Dr. A,Medicare,10001-1234,80.00\n88305-26,59,,8,22,Dr. A,Medicare,10001,80\n"
    rows += "g2211,,,5,Office,Dr. B,Aetna,2139,20\n"
    result = read_volumes(file_of(tmp_path, rows))
    assert result.volumes == (
        Volume("88305", "26 59", 20, "22", "Dr. A", "Medicare", "10001"),
        Volume("G2211", "", 5, "11", "Dr. B", "Aetna", "02139"),
    )
    assert [volume.modifier for volume in result.volumes] == ["26", ""]
    assert result.unused == ("Avg Charge",)


def test_a_workbook_is_read_with_numbers_as_numbers(tmp_path):
    header = ["CPT", "Units", "POS", "ZIP"]
    file = workbook(tmp_path, ["2025 volumes"], header, [11102, 820.0, 11, 2139], ["J7309", 12, "11", 10001])
    assert read_volumes(file).volumes == (
        Volume("11102", "", 820, "11", "", "", "02139"),
        Volume("J7309", "", 12, "11", "", "", "10001"),
    )


def test_all_faults_are_reported_together_with_their_lines(tmp_path):
    cells = ["1110,5,11", '=HYPERLINK("x"),5,11', "11102,1.5,11", "11102,1-,11", '17000,"1,00",11', "99213,7,"]
    with pytest.raises(BadInput) as error:
        read_volumes(file_of(tmp_path, "\n".join(["hcpcs,units,pos", *cells])))
    assert [(fault.line, fault.says.split(":")[0]) for fault in error.value.faults] == [
        (2, "hcpcs"),
        (3, "hcpcs"),
        (4, "units"),
        (5, "units"),
        (6, "units"),
        (7, "place_of_service"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no volumes; expected a header with a code and a units column"),
        ("hcpcs,units\n", "has no volumes; expected a header with a code and a units column"),
        ("hcpcs,amount\n11102,5\n", "a units column units, unit, qty"),
        ("code,hcpcs,units\n11102,11102,5\n", "more than one hcpcs column: code, hcpcs"),
        ('hcpcs,units\n"11102,5\n', "cannot be read as csv"),
        ("code,units,modifier\n99213,5,256\n", "modifier: expected up to four modifiers of two characters"),
    ],
)
def test_what_is_no_file_of_volumes_is_refused(tmp_path, text, says):
    with pytest.raises(BadInput) as error:
        read_volumes(file_of(tmp_path, text))
    assert says in str(error.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        read_volumes(tmp_path / "none.csv")
    (tmp_path / "book.csv").write_bytes(b"hcpcs,units\n11102,\xff\n")
    with pytest.raises(BadInput, match="line 2: units: expected a whole number"):
        read_volumes(tmp_path / "book.csv")
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(BadInput, match="cannot be read as an xlsx workbook"):
        read_volumes(tmp_path / "book.xlsx")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_as_excel_saves_it(tmp_path, encoding):
    """CSV UTF-8 (with a mark), Unicode Text (UTF-16), and CSV in the code page of Windows."""
    file = tmp_path / "volumes.csv"
    file.write_bytes('"CPT"\t"Units"\t"Provider"\n"11102"\t"1,250"\t"M\u00fcller"\n'.encode(encoding))
    assert read_volumes(file).volumes == (Volume("11102", "", 1250, provider="M\u00fcller"),)


def test_a_csv_whose_cells_are_all_quoted_is_read(tmp_path):
    assert read_volumes(file_of(tmp_path, '"CPT","Units"\n"11102","5"\n')).volumes == (Volume("11102", "", 5),)


@pytest.mark.parametrize(
    "cell", ['"=""17000"""', "'17000", "17000 - Destruction of a lesion", '"17000: lesion, first"', "17000 | lesion"]
)
def test_a_code_may_be_kept_as_text_or_precede_its_description(tmp_path, cell):
    assert read_volumes(file_of(tmp_path, f"CPT,# of Units\n{cell},6\n")).volumes == (Volume("17000", "", 6),)


def test_voided_units_are_taken_back_and_never_more_than_were_billed(tmp_path):
    volume_text = 'CPT,Units\n11102,10\n11102,-2\n17000,"1,003"\n17000,(3)\n'
    assert read_volumes(file_of(tmp_path, volume_text)).volumes == (Volume("11102", "", 8), Volume("17000", "", 1000))
    with pytest.raises(BadInput, match=r"11102: more units are taken back than billed \(-3\)"):
        read_volumes(file_of(tmp_path, "CPT,Units\n11102,2\n11102,-5\n"))
