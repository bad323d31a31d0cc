"""The workbook in LibreOffice: it opens, and what is read back is what was written."""

import csv
import subprocess
from pathlib import Path
from shutil import which

import pytest

SOFFICE = which("soffice")
EVERY_SHEET = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"

pytestmark = [pytest.mark.office, pytest.mark.skipif(SOFFICE is None, reason="soffice (LibreOffice) is not there")]


@pytest.fixture(scope="module")
def office_folder(review_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workbook's sheets as csv files, written by LibreOffice."""
    folder = tmp_path_factory.mktemp("office")
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [str(SOFFICE), profile, "--headless", "--convert-to", EVERY_SHEET, "--outdir", str(folder / "out")]
    process = subprocess.run(
        [*command, str(review_folder / "review.xlsx")], capture_output=True, text=True, check=True, timeout=180
    )
    # It looks for Java, and needs none.
    complaints = [line for line in process.stderr.splitlines() if "javaldx" not in line]
    assert complaints == []
    return folder / "out"


def rows(folder: Path, sheet: str) -> list[list[str]]:
    with (folder / f"review-{sheet}.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def test_every_sheet_is_read_back(office_folder):
    names = {file.stem.removeprefix("review-") for file in office_folder.iterdir()}
    expected = {"review", "allowed amounts", "families", "year", "edits changed", "decide", "test claims", "CMS rows"}
    assert expected <= names


def test_amounts_are_read_back_to_the_cent(office_folder, plain):
    header, *cells = rows(office_folder, "allowed amounts")
    assert header[5:8] == ["2025q4", "2026q3", "change"]
    cents = sorted(round(float(row[7]) * 100) for row in cells if row[7])
    expected = [row["change_cents"] for table in plain["payments"] for row in table["rows"] if row["parts"]]
    assert cents == sorted(expected)
    assert next(row[5:8] for row in cells if (row[0], row[3]) == ("11102", "office")) == ["95.75", "95.53", "-0.22"]


def test_texts_are_read_back_as_texts(office_folder, plain):
    _, *cells = rows(office_folder, "CMS rows")
    assert [row[0] for row in cells] == [row["ref"] for row in plain["rows"]]
    assert all("Err:" not in cell for row in cells for cell in row)
