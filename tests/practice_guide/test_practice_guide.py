"""The practice guide of the embedded releases: figures from CMS's files (RVU26C, NCCI v30.2, MUE and AOC of 2026q2)."""

import json
from pathlib import Path
from typing import Any

import pytest
from accessibility import COLOR_RULES, ONE_ROW_OF_EACH_LOOK, axe_violations
from command_line import run_codeset

from codeset.errors import WrongUse
from codeset.practice_guide.guide import Guide, GuideCode, make_guide
from codeset.practice_guide.guide_changes import GuideChange, guide_changes
from codeset.practice_guide.guide_folder import write_guide
from codeset.schemas import faults_of
from codeset.store import Store
from codeset.suite.guidance.guidance_files import guidance_folder
from codeset.suite.guidance.run_guidance import statements


@pytest.fixture(scope="module")
def guides(embedded: Store) -> dict[str, Guide]:
    to_check = statements(guidance_folder())
    return {label: make_guide("derm", embedded.open(label), to_check) for label in ("2025q4", "2026q3")}


@pytest.fixture(scope="module")
def guide(guides: dict[str, Guide]) -> Guide:
    return guides["2026q3"]


@pytest.fixture(scope="module")
def guide_folder(guides: dict[str, Guide], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide")
    write_guide(folder, guides["2026q3"], guides["2025q4"])
    return folder


def code_called(guide: Guide, name: str) -> GuideCode:
    return next(code for code in guide.codes if code.name == name)


def test_a_code_has_its_rvus_both_amounts_and_global_days(guide):
    """11102 of RVU26C: work 0.64, totals 2.86 and 0.90, x 33.4009 = 95.53 and 30.06; 000 global days; MUE 1 (MAI 2)."""
    code = code_called(guide, "11102")
    assert list(map(str, (code.work_rvu, code.nonfacility_total_rvu, code.facility_total_rvu))) == [
        "0.64",
        "2.86",
        "0.90",
    ]
    assert [(amount.setting, amount.cents) for amount in code.amounts] == [("nonfacility", 9553), ("facility", 3006)]
    assert (code.global_days, code.mue_value, code.mai) == ("000", 1, 2)
    assert code.add_ons == ("11103",)


def test_add_on_codes_name_their_primaries(guide):
    """11103 is an add-on to 11102, 11104 and 11106; 17003 to 17000 (AOC_V2026Q2)."""
    assert code_called(guide, "11103").add_on_to == ("11102", "11104", "11106")
    assert code_called(guide, "17003").add_on_to == ("17000",)


def test_a_setting_without_an_amount_says_why(guide):
    """88305 has an NA indicator in a facility; J7308 has status E."""
    assert [amount.lacks for amount in code_called(guide, "88305").amounts] == ["", "NA"]
    assert {amount.lacks for amount in code_called(guide, "J7308").amounts} == {"excluded from the MPFS"}


def test_pairs_have_the_indicator_of_the_edit_in_force(guide):
    """17004 > 17000 has modifier indicator 0; 11042 > 17000 has 1, and 17000 > 11042 ended on 2019-03-31."""
    bundles = {bundle.column_one: bundle for bundle in guide.bundles}
    assert "17000" in bundles["17004"].never
    assert "17000" in bundles["11042"].with_modifier
    assert "11042" not in (*bundles["17000"].never, *bundles["17000"].with_modifier)


def test_the_codes_of_a_family_are_together(guide):
    biopsies = next(family for family in guide.families if family.name == "biopsies")
    assert [code.hcpcs for code in biopsies.codes] == ["11102", "11103", "11104", "11105", "11106", "11107"]


def test_amounts_of_a_locality_are_those_of_its_gpcis(embedded):
    """99213 in Manhattan: (1.30 x 1.064 + 1.46 x 1.162 + 0.09 x 1.586) x 33.4009 = 107.63."""
    guide = make_guide("derm", embedded.open("2026q3"), (), "13202-01")
    assert code_called(guide, "99213").amounts[0].cents == 10763
    assert guide.locality_name == "MANHATTAN"


def test_printed_guides_get_a_verdict_and_what_is_right(guide):
    """Guides that let 17000 and 17003 be paid beside 17004 are wrong: modifier indicator 0."""
    wrong_statements = [
        s for s in guide.statements if s.verdict == "contradicted" and any("17004/17000" in row for row in s.rows)
    ]
    assert wrong_statements
    assert all(statement.right for statement in wrong_statements)


def test_what_changed_is_data(guides):
    """RVU25D to RVU26C: 11102 work 0.66 to 0.64, office 95.75 to 95.53; MUE of 88346 2 to 3."""
    changes = guide_changes(guides["2025q4"], guides["2026q3"])
    assert GuideChange("codes", "11102", "work RVU", "0.66", "0.64") in changes
    assert GuideChange("codes", "11102", "office amount", "$95.75", "$95.53") in changes
    assert GuideChange("codes", "88346", "MUE", "2 (MAI 3)", "3 (MAI 3)") in changes
    assert not [change for change in changes if change.section == "bundles"]  # both rest on NCCI v30.2
    assert guide_changes(guides["2026q3"], guides["2026q3"]) == ()


def test_two_runs_write_the_same_bytes(guides, guide_folder, tmp_path):
    write_guide(tmp_path, guides["2026q3"], guides["2025q4"])
    for name in ("guide.html", "guide.md", "guide.json"):
        assert (tmp_path / name).read_bytes() == (guide_folder / name).read_bytes(), name


def test_the_json_keeps_its_schema(guide_folder):
    assert faults_of(json.loads((guide_folder / "guide.json").read_text()), "guide") == []


def test_the_markdown_has_the_code_table(guide_folder):
    text = (guide_folder / "guide.md").read_text()
    assert "| 11102 | A | 0.64 | 2.86 | 0.90 | $95.53 | $30.06 | 000 | 1 (2) |  | 11103 |" in text
    assert "NCCI PTP edits: carried from 2024q3" in text


def test_another_guide_or_locality_is_refused(embedded):
    with pytest.raises(WrongUse, match="no guide is called"):
        make_guide("cardio", embedded.open("2026q3"), ())
    with pytest.raises(WrongUse, match="has no locality"):
        make_guide("derm", embedded.open("2026q3"), (), "99999-99")


def test_the_command_writes_the_folder(embedded, tmp_path):
    result = run_codeset(
        "page", "derm", "2026Q3", "-o", tmp_path / "guide", "--since", "2025Q4", "--store", embedded.path
    )
    assert result.returncode == 0, result.stderr
    assert "figures differ from 2025q4" in result.stdout
    assert sorted(file.name for file in (tmp_path / "guide").iterdir()) == ["guide.html", "guide.json", "guide.md"]


@pytest.mark.browser
@pytest.mark.parametrize("width", [375, 768, 1280])
def test_the_page_loads_nothing_fits_and_is_accessible(guide_folder, browser_window, width):
    messages: list[str] = []
    requests: list[str] = []
    page: Any = browser_window.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.on("console", lambda message: messages.append(message.text))
    page.on("request", lambda request: requests.append(request.url))
    page.goto((guide_folder / "guide.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Find a code").fill("17004")
    assert page.locator("#code-17004").is_visible()
    assert not page.locator("#code-11102").is_visible()
    page.get_by_label("Find a code").fill("")
    page.evaluate(ONE_ROW_OF_EACH_LOOK)
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert axe_violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert axe_violations(page, COLOR_RULES) == []
    page.close()
    assert messages == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
