"""The forms of a review: the same facts in each, nothing of the data becomes markup or a formula, same bytes again."""

import base64
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
from codeset.review.folder import FILES, write_review
from codeset.review.forms.as_markdown import changelog_entry, review_markdown, safe
from codeset.review.forms.as_page import review_html
from codeset.review.make import make_review
from codeset.schemas import faults_of
from codeset.store import Store
from codeset.suite.scenarios import load


@pytest.fixture(scope="module")
def page(written: Path) -> BeautifulSoup:
    return BeautifulSoup((written / "review.html").read_text(), "html.parser")


def test_the_folder_holds_every_form(written):
    assert sorted(each.name for each in written.iterdir()) == sorted(FILES)


def test_the_same_review_gives_the_same_bytes(made, written, tmp_path):
    write_review(made, tmp_path / "again")
    assert [(tmp_path / "again" / name).read_bytes() == (written / name).read_bytes() for name in FILES] == [True] * 5


def test_the_json_is_of_its_schema_and_so_are_the_changes_in_it(plain):
    assert faults_of(plain, "review") == []
    assert faults_of(plain["changes"], "changes") == []


def test_every_link_of_the_page_has_its_place_in_it(page):
    ids = [each["id"] for each in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    links = {each["href"] for each in page.find_all("a")}
    assert [each for each in links if not each.startswith("#") or each[1:] not in ids] == []


def test_each_amount_links_to_its_row_in_cms_file(page):
    row = next(each for each in page.find_all("tr") if each.th and each.th.text == "11102" and "95.75" in each.text)
    assert [(each.text, each["href"]) for each in row.find_all("a") if not each.has_attr("tabindex")] == [
        ("95.75", "#2025q4-mpfs-11102"),
        ("95.53", "#2026q3-mpfs-11102"),
    ]
    assert "rvu26c" in page.find(id="2026q3-mpfs-11102").text


def test_the_page_refers_to_nothing_outside_and_its_policy_allows_only_its_own_style_and_script(page, written):
    assert re.findall(r"""(?:src|href|url|@import)\W{0,3}(?:https?:|//)""", (written / "review.html").read_text()) == []
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    for tag in ("style", "script"):
        (element,) = page.find_all(tag)
        digest = base64.b64encode(sha256(element.string.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert page.find_all(style=True) == []


def test_the_page_shows_the_figures_of_the_json(page, plain):
    assert page.find(class_="verdict").text == plain["headline"]
    assert [each.text for each in page.select(".asked li")] == [each["text"] for each in plain["asked"]]
    figures = {each["href"]: each.strong.text for each in page.select(".counts a")}
    told = {f"#{each['section']}": f"{each['number']:,}" for each in plain["counts"] if each["number"]}
    assert {section: figures[section] for section in told} == told
    changes = [each["data-v"] for each in page.find_all("td", {"data-label": "change"}) if each.has_attr("data-v")]
    rows = [row for table in plain["payments"] for row in table["rows"]]
    assert changes == [str("" if row["change_cents"] is None else row["change_cents"]) for row in rows]


def test_a_name_in_a_manifest_does_not_become_markup(place, tmp_path):
    name = '<img src=x onerror="alert(1)">.csv'
    new = Store(place / "store").open("2026q3")
    old = Store(place / "store").open("2025q4")
    made = make_review(old, reviewed.retold(new, tmp_path / "new", name=name), load(place / "scenarios"), ())
    page = BeautifulSoup(review_html(made), "html.parser")
    assert page.find_all("img") == []
    assert name in page.find(id="editions").find_next("table").find_next("table").text
    assert "<img" not in review_markdown(made) + changelog_entry(made)


def test_text_that_markdown_would_read_is_left_as_it_is():
    assert safe("a|b <b> [x](y) `c` *d*\ne") == r"a\|b \<b\> \[x\](y) \`c\` \*d\* e"


def test_the_markdown_is_short_and_starts_with_the_verdict(written, plain):
    text = (written / "review.md").read_text()
    assert len(text) < 12_000
    assert text.splitlines()[2] == f"**{plain['headline']}**"
    assert "88346, MUE value changed: 2 → 3" in text


def test_the_changelog_entry_names_release_codes_what_and_why(written):
    entries = (written / "CHANGELOG-entry.md").read_text().splitlines()
    assert all(each.startswith("- **2026q3, against 2025q4, ") for each in entries)
    assert "biopsies 11102–11107; " in entries[0]
    assert "32.3465 → 33.4009 dollars (+3.26 %)" in entries[0]


def test_the_workbook_has_filters_frozen_headers_notes_and_no_formula(written):
    book = openpyxl.load_workbook(written / "review.xlsx")
    assert book.sheetnames[:3] == ["review", "payments", "families"]
    assert [each.title for each in book if not each.freeze_panes or not each.auto_filter.ref] == []
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    assert "add up to the change" in book["payments"]["J1"].comment.text


def test_the_workbook_holds_the_figures_of_the_json(written, plain):
    sheet = openpyxl.load_workbook(written / "review.xlsx")["payments"]
    rows = {(row[0], row[1], row[3]): row for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert len(rows) == sum(len(table["rows"]) for table in plain["payments"])
    biopsy = rows["11102", None, "non-facility"]
    assert biopsy[5:8] == (95.75, 95.53, -0.22)
    assert biopsy[9:14] == (-0.65, -2.59, 0, 0, 3.02)
    assert biopsy[20:22] == ("2025q4-mpfs-11102", "2026q3-mpfs-11102")
    assert sheet["F2"].number_format == "#,##0.00"


def test_a_folder_that_is_no_review_is_not_touched(made, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(WrongUse, match="is no review of 2025q4 → 2026q3"):
        write_review(made, tmp_path / "mine")
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_review_of_other_releases_or_with_other_files_is_not_replaced(made, written, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "review.json").write_text(json.dumps({"old": {"release": "2024q2"}, "new": {"release": "2024q3"}}))
    with pytest.raises(WrongUse, match="is no review of"):
        write_review(made, other)
    (other / "review.json").write_bytes((written / "review.json").read_bytes())
    (other / "signed.pdf").write_text("signed")
    with pytest.raises(WrongUse, match=r"signed\.pdf"):
        write_review(made, other)


def test_a_review_of_the_same_releases_is_replaced_whole(made, written, tmp_path):
    target = tmp_path / "review"
    target.mkdir()
    (target / "review.json").write_bytes((written / "review.json").read_bytes())
    (target / "review.md").write_text("old")
    write_review(made, target)
    assert (target / "review.md").read_text() == (written / "review.md").read_text()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["review"]


def test_a_review_that_cannot_be_written_leaves_what_was_there(made, tmp_path, monkeypatch):
    target = tmp_path / "review"
    write_review(made, target)
    before = (target / "review.html").read_bytes()

    def full(file: Path, content: bytes) -> None:
        if file.suffix == ".xlsx":
            raise OSError(28, "No space left on device")
        file.write_bytes(content)

    monkeypatch.setattr(folders, "write_file", full)
    with pytest.raises(WrongUse, match="No space left"):
        write_review(made, target)
    assert (target / "review.html").read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["review"]


def test_amounts_of_a_locality_link_to_its_indices(place):
    store = Store(place / "store")
    made = make_review(store.open("2025q4"), store.open("2026q3"), load(place / "scenarios"), (), locality="01112-05")
    page = BeautifulSoup(review_html(made), "html.parser")
    assert "work 1.095, PE 1.410, MP 0.425" in page.find(id="2026q3-gpci-01112-05").text
    assert page.find("a", href="#2026q3-gpci-01112-05").text == "2026q3"
    assert "GPCI" in [each.text for each in page.find("table", {"data-filter": "code or family"}).find_all("th")]
