"""The forms of a review: the same facts in each, nothing of the data becomes markup or a formula, same bytes again."""

import base64
import csv
import json
import re
from hashlib import sha256
from pathlib import Path

import openpyxl
import pytest
import reviewed
from bs4 import BeautifulSoup

from codeset.errors import WrongUse
from codeset.review import folder as folders
from codeset.review.decision_basis import basis_digest
from codeset.review.folder import FILES, write_review
from codeset.review.forms.as_markdown import changelog_entry, review_markdown, safe
from codeset.review.forms.as_page import review_html
from codeset.review.make import make_review
from codeset.review.model import Review
from codeset.review.sign_off.decision_files import read_decision_file
from codeset.schemas import faults_of
from codeset.store import Store
from codeset.suite.scenarios import load


@pytest.fixture(scope="module")
def page(review_folder: Path) -> BeautifulSoup:
    return BeautifulSoup((review_folder / "review.html").read_text(), "html.parser")


def test_the_folder_holds_every_form(review_folder):
    assert sorted(path.name for path in review_folder.iterdir()) == sorted(FILES)


def test_the_same_review_gives_the_same_bytes(annual_review, review_folder, tmp_path):
    write_review(annual_review, tmp_path / "again")
    assert [(tmp_path / "again" / name).read_bytes() == (review_folder / name).read_bytes() for name in FILES] == [
        True
    ] * 10


def test_the_json_is_of_its_schema_and_so_are_the_changes_in_it(plain):
    assert faults_of(plain, "review") == []
    assert faults_of(plain["changes"], "changes") == []


def test_every_link_of_the_page_has_its_place_in_it_or_in_the_folder(page, review_folder):
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    links = {link["href"] for link in page.find_all("a")}
    files = {file.name for file in review_folder.iterdir()}
    assert [link for link in links if link not in files and link.removeprefix("#") not in ids] == []


def test_each_row_of_amounts_has_one_link_to_cms_s_row_and_to_the_panel_of_its_code(page):
    row = next(row for row in page.find_all("tr") if row.th and row.th.text == "11102" and "$95.75" in row.text)
    (link,) = row.find_all("a")
    assert (link.text, link["href"], link["data-code"]) == ("11102", "#2026q3-mpfs-11102", "11102")
    assert "work 0.64" in page.find(id="2026q3-mpfs-11102").text


def test_the_panel_of_a_code_has_its_history_its_edits_and_its_units(page):
    """11102: RVU25D and RVU26C; PTP v30.2; 820 units of the volumes."""
    data = json.loads(page.find(id="codes-data").string)
    code = data["codes"]["11102"]
    assert [[row[0], *row[3:5], *row[8:10]] for row in code["rows"] if row[1] == ""] == [
        ["2025q4", "0.66", "2.24", 9575, 3623],
        ["2026q3", "0.64", "2.16", 9553, 3006],
    ]
    assert code["units"] == 820
    assert code["addOns"] == "11103"
    assert "11104" in code["into"]["0"]
    assert code["parts"]["office"] == [-65, -259, 0, 0, 302]


def test_rows_alike_of_a_guide_s_table_are_one(page):
    """All 20 rows of the guide's RVU table are right for 2026 and not for 2025."""
    (row,) = [row for row in page.find_all("tr") if row.text.count("20 rows: 11102, 11103")]
    assert "was wrong, now right" in row.text


def test_the_page_refers_to_nothing_outside_and_its_policy_allows_only_its_own_style_and_script(page, review_folder):
    assert (
        re.findall(r"""(?:src|href|url|@import)\W{0,3}(?:https?:|//)""", (review_folder / "review.html").read_text())
        == []
    )
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    for tag in ("style", "script"):
        (element,) = page.find_all(tag, type=None)
        digest = base64.b64encode(sha256(element.string.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert page.find_all(style=True) == []


def test_the_page_shows_the_figures_of_the_json(page, plain):
    assert page.find(class_="verdict").text == plain["headline"]
    titles = [row.th.a.text for row in page.select("table.actions tbody tr")]
    assert titles == [item["title"] for item in plain["actions"]]
    assert page.find(class_="status").text.startswith("NOT READY TO SIGN: ")
    changes_on_page = {}
    for row in page.select("tr[data-tags]"):
        cell = row.find("td", {"data-label": "Office: change"})
        changes_on_page[row.th.text] = cell["data-v"] if cell else ""
    office = next(table for table in plain["payments"] if table["setting"] == "nonfacility")
    expected = {f"{row['hcpcs']} {row['modifier']}".strip(): row["change_cents"] for row in office["rows"]}
    assert {code: changes_on_page[code] for code in expected} == {
        code: "" if cents is None else str(cents) for code, cents in expected.items()
    }


def test_the_table_of_amounts_begins_with_the_largest_change_of_the_practice_s_own_dollars(page):
    """820 x -0.22, 2,400 x 0.16, 6,100 x 6.24 (office): 99213 first, then 17000, then 11102."""
    codes = [row.th.text for row in page.select("tr[data-tags~=mine]")]
    assert codes == ["99213", "17000", "11102", "88305 26"]


IMAGE = '<img src=x onerror="alert(1)">.csv'


@pytest.fixture(scope="module")
def elsewhere(short_place: Path, tmp_path_factory: pytest.TempPathFactory) -> Review:
    """A review for a locality, of a release whose manifest says that each of its files is called IMAGE."""
    store = Store(short_place / "store")
    new = reviewed.retold(store.open("2026q3"), tmp_path_factory.mktemp("retold") / "new", name=IMAGE)
    return make_review(store.open("2025q4"), new, load(short_place / "scenarios"), (), locality="01112-05")


@pytest.fixture(scope="module")
def page_elsewhere(elsewhere: Review) -> BeautifulSoup:
    return BeautifulSoup(review_html(elsewhere), "html.parser")


def test_a_name_in_a_manifest_does_not_become_markup(elsewhere, page_elsewhere):
    assert page_elsewhere.find_all("img") == []
    assert IMAGE in page_elsewhere.find(id="editions").find_next("table").find_next("table").text
    assert "<img" not in review_markdown(elsewhere) + changelog_entry(elsewhere)


def test_text_that_markdown_would_read_is_left_as_it_is():
    assert safe("a|b <b> [x](y) `c` *d*\ne") == r"a\|b \<b\> \[x\](y) \`c\` \*d\* e"


def test_the_markdown_is_short_and_starts_with_the_verdict(review_folder, plain):
    text = (review_folder / "review.md").read_text()
    assert len(text) < 12_000
    lines = text.splitlines()
    assert lines[0] == f"# {plain['title']}"
    assert lines[2].startswith("**NOT READY TO SIGN: NCCI PTP edits are 8 quarters old; MUEs are 1 quarter old")
    place = "National rates (no locality adjustment), office and facility"
    assert lines[6] == f"{place}. Dates of service 07/01/2026 to 09/30/2026."
    assert lines[8] == f"**{plain['headline']}**"
    assert "G2211 / 99350, add-on pair added" in text


def test_the_changelog_entry_names_release_codes_what_and_why(review_folder):
    entries = (review_folder / "CHANGELOG-entry.md").read_text().splitlines()
    assert all(entry.startswith("- **July 2026 (2026q3) vs. October 2025 (2025q4), ") for entry in entries)
    assert "biopsies 11102–11107; " in entries[0]
    assert "+3.26%, from $32.3465 to $33.4009" in entries[0]


@pytest.fixture(scope="module")
def book(review_folder: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(review_folder / "review.xlsx")


def test_the_workbook_has_filters_frozen_headers_notes_and_no_formula(book):
    assert book.sheetnames[:3] == ["review", "allowed amounts", "families"]
    assert [sheet.title for sheet in book if not sheet.freeze_panes or not sheet.auto_filter.ref] == []
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    assert "add up to the change" in book["allowed amounts"]["J1"].comment.text


def test_the_workbook_holds_the_figures_of_the_json(book, plain):
    sheet = book["allowed amounts"]
    rows = {(row[0], row[1], row[3]): row for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert len(rows) == sum(len(table["rows"]) for table in plain["payments"])
    biopsy = rows["11102", None, "office"]
    assert biopsy[5:8] == (95.75, 95.53, -0.22)
    assert biopsy[9:14] == (-0.65, -2.59, 0, 0, 3.02)
    assert biopsy[20:22] == ("2025q4-mpfs-11102", "2026q3-mpfs-11102")
    assert sheet["F2"].number_format == "$#,##0.00"
    link = sheet["U2"].hyperlink
    assert link.location.startswith("'CMS rows'!A")


def test_a_folder_that_is_no_review_is_not_touched(annual_review, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(WrongUse, match="is not a review of 2025q4 and 2026q3"):
        write_review(annual_review, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_review_of_other_releases_or_with_other_files_is_not_replaced(annual_review, review_folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "review.json").write_text(json.dumps({"old": {"release": "2024q2"}, "new": {"release": "2024q3"}}))
    with pytest.raises(WrongUse, match="is not a review of"):
        write_review(annual_review, other)
    (other / "review.json").write_bytes((review_folder / "review.json").read_bytes())
    (other / "signed.pdf").write_text("signed")
    with pytest.raises(WrongUse, match=r"signed\.pdf"):
        write_review(annual_review, other)


def test_a_review_of_the_same_releases_is_replaced_whole(
    annual_review, review_folder, tmp_path, reviews_once, monkeypatch
):
    reviews_once.patch(monkeypatch)
    target = tmp_path / "review"
    target.mkdir()
    (target / "review.json").write_bytes((review_folder / "review.json").read_bytes())
    (target / "review.md").write_text("old")
    write_review(annual_review, target)
    assert (target / "review.md").read_text() == (review_folder / "review.md").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["review"]


def test_a_review_that_cannot_be_written_leaves_what_was_there(annual_review, tmp_path, reviews_once, monkeypatch):
    reviews_once.patch(monkeypatch)
    target = tmp_path / "review"
    write_review(annual_review, target)
    before = (target / "review.html").read_bytes()

    def full(file: Path, content: bytes) -> None:
        if file.suffix == ".xlsx":
            raise OSError(28, "No space left on device")
        file.write_bytes(content)

    monkeypatch.setattr(folders, "write_file", full)
    with pytest.raises(WrongUse, match="No space left"):
        write_review(annual_review, target)
    assert (target / "review.html").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["review"]


def test_amounts_of_a_locality_link_to_its_indices(elsewhere, page_elsewhere):
    assert "work 1.095, PE 1.410, MP 0.425" in page_elsewhere.find(id="2026q3-gpci-01112-05").text
    assert page_elsewhere.find("a", href="#2026q3-gpci-01112-05").text == "2026q3"
    (gpci,) = [row for row in elsewhere.payments[0].rows if row.hcpcs == "11102"]
    assert gpci.parts is not None
    assert gpci.parts.gpci == -52


def test_page_and_workbook_name_the_review_that_their_decisions_are_about(review_folder, plain):
    digest = basis_digest(plain)
    assert read_decision_file(review_folder / "review.xlsx").review == digest
    page = (review_folder / "review.html").read_text()
    assert (f'data-review="{digest}"' in page) == bool(plain["to_decide"])


def test_rates_to_load_have_two_decimals_and_their_locality(review_folder):
    """17003 in the office: 0.20 x 32.3465 = 6.47, 0.19 x 33.4009 = 6.35 (RVU25D, RVU26C)."""
    rows = list(csv.DictReader((review_folder / "fee-schedule.csv").read_text().splitlines()))
    rates = {(row["code"], row["modifier"], row["setting"]): row for row in rows}
    office = rates["17003", "", "office"]
    assert (office["old"], office["new"], office["effective"]) == ("6.47", "6.35", "2026-07-01")
    assert {row["locality"] for row in rows} == {"national"}
    assert all(re.fullmatch(r"(\d+\.\d\d)?", row[name]) for row in rows for name in ("old", "new"))


def test_an_edit_that_our_older_file_lacks_is_given_no_day_that_no_file_says(review_folder):
    """Since when an MUE holds, CMS's file does not say; an add-on edit has its effective date."""
    rows = list(csv.DictReader((review_folder / "edits-changed.csv").read_text().splitlines()))
    by_codes = {(row["table"], row["code"], row["other_code"]): row for row in rows}
    mue = by_codes["MUEs", "88346", ""]
    assert (mue["old"], mue["new"], mue["effective"], mue["changed_by"]) == ("2", "3", "", "our older file")
    add_on = by_codes["add-on code edits", "G2211", "99341"]
    assert (add_on["effective"], add_on["changed_by"]) == ("2026-01-01", "CMS")


def test_the_handout_begins_with_the_practice_s_largest_changes_and_names_pairs_alike_once(review_folder):
    """6,100 x 6.24 for 99213 is the largest; home visits became primary codes of G2211 on 01/01/2026."""
    handout = BeautifulSoup((review_folder / "physician-handout.html").read_text(), "html.parser")
    assert [row.th.text for row in handout.select("tbody tr")][:3] == ["99213", "17000", "11102"]
    (edit,) = [item.text for item in handout.find_all("li") if item.text.startswith("G2211")]
    assert edit.startswith("G2211 with 99341, 99342, 99344, 99345, 99347, 99348, 99349, 99350: add-on pair added")


def test_localities_have_their_names(page):
    table = page.find(id="gpci").find_next("table")
    assert table.find("th", string=re.compile("^01112-05 SAN FRANCISCO"))
