"""The page in a real browser: sort, filter, expand, keyboard, phone, paper, dark, and an accessibility check."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from accessibility import COLOR_RULES, ONE_ROW_OF_EACH_LOOK, axe_violations

from codeset.review.sign_off.decision_files import check_review, read_decision_file
from codeset.review.sign_off.decisions import parse_decisions
from codeset.review.sign_off.read_review import read_review
from codeset.schemas import faults_of

PAYMENTS = "#payments ~ details:has(caption:text('Largest dollar change'))"

pytestmark = pytest.mark.browser


class ReviewWindow:
    """The page in a tab of its own, with its console messages and the addresses it requested."""

    def __init__(self, context: Any, file: Path, width: int = 1280) -> None:
        self.page = context.new_page()
        self.page.set_viewport_size({"width": width, "height": 800})
        self.page.emulate_media(color_scheme="light")
        self.console_messages: list[str] = []
        self.requested_addresses: list[str] = []
        self.page.on("console", lambda message: self.console_messages.append(message.text))
        self.page.on("pageerror", lambda error: self.console_messages.append(str(error)))
        self.page.on("request", lambda request: self.requested_addresses.append(request.url))
        self.page.goto(file.as_uri())

    def expand(self) -> None:
        self.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")


def open_and_close(context: Any, review_folder: Path) -> Iterator[ReviewWindow]:
    """The page in a tab, which is closed after its use: with an empty console, and nothing from the network."""
    window = ReviewWindow(context, review_folder / "review.html")
    yield window
    assert window.console_messages == []
    assert [address for address in window.requested_addresses if not address.startswith(("file:", "data:"))] == []
    window.page.close()


@pytest.fixture
def review_window(browser_window: Any, review_folder: Path) -> Iterator[ReviewWindow]:
    """The page in a tab of the test's own."""
    yield from open_and_close(browser_window, review_folder)


@pytest.fixture(scope="module")
def window_to_read(browser_window: Any, review_folder: Path) -> Iterator[ReviewWindow]:
    """The page as it loads, in one tab for the tests that leave it so: to load it takes half a second."""
    yield from open_and_close(browser_window, review_folder)


def test_the_console_is_empty_and_nothing_is_requested_from_the_network(review_window, review_folder):
    review_window.expand()
    assert review_window.requested_addresses[0] == (review_folder / "review.html").as_uri()
    assert len(review_window.requested_addresses) <= 2  # the page, and its empty icon


def test_the_first_screen_holds_readiness_what_changed_what_it_costs_and_what_to_do(window_to_read):
    for selector in (".status", ".verdict", ".impact li >> nth=0", "#why", ".actions tbody tr >> nth=0"):
        box = window_to_read.page.locator(selector).bounding_box()
        assert box["y"] + box["height"] <= 800


def test_filtering_leaves_the_rows_with_the_words_and_says_how_many(review_window):
    table = review_window.page.locator(PAYMENTS).first
    table.get_by_label("Filter").fill("MOHS")
    codes = table.locator("tbody tr:visible th").all_inner_texts()
    assert sorted(codes) == ["17311", "17312", "17313", "17314", "17315"]
    assert re.fullmatch(r"5 of \d+ rows", table.locator("output").inner_text())
    table.get_by_label("Filter").fill("mohs 17312")
    assert table.locator("tbody tr:visible th").all_inner_texts() == ["17312"]
    table.get_by_label("Filter").fill("")
    assert table.locator("tbody tr:visible").count() > 300


def test_chips_leave_the_practice_s_own_codes_and_those_that_lose(review_window):
    """Own volumes, office: 11102 loses 0.22 a unit, 99213 and 17000 gain."""
    table = review_window.page.locator(PAYMENTS).first
    table.get_by_role("button", name="My codes").click()
    assert sorted(table.locator("tbody tr:visible th").all_inner_texts()) == ["11102", "17000", "88305 26", "99213"]
    table.get_by_role("button", name="Losers").click()
    assert "11102" in table.locator("tbody tr:visible th").all_inner_texts()
    assert "99213" not in table.locator("tbody tr:visible th").all_inner_texts()
    assert table.get_by_role("button", name="Losers").get_attribute("aria-pressed") == "true"


def test_sorting_by_a_column_goes_by_its_figures_up_and_then_down(review_window):
    table = review_window.page.locator(PAYMENTS).first
    head = table.get_by_role("columnheader", name="Office: change", exact=True)
    figures = "rows => rows.map(row => Number(row.cells[1].dataset.v || NaN)).filter(each => !Number.isNaN(each))"
    for order, is_reversed in (("ascending", False), ("descending", True)):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == order
        row_values = table.locator("tbody tr").evaluate_all(figures)
        assert row_values == sorted(row_values, reverse=is_reversed)
        assert row_values[0] != row_values[-1]


def test_a_code_opens_its_panel_and_escape_goes_back_to_where_one_was(review_window):
    """11102: RVU25D and RVU26C; one unit a day for add-on 11103's primary (AOC V2026Q2)."""
    table = review_window.page.locator(PAYMENTS).first
    link = table.get_by_role("link", name="11102", exact=True)
    link.click()
    panel = review_window.page.locator("dialog.panel")
    panel.get_by_role("heading", name="11102, biopsies").wait_for()
    # The newest release comes first: with many releases on file the oldest are those beyond the edge.
    assert panel.get_by_role("row", name="Office, national").inner_text().split()[-2:] == ["$95.53", "$95.75"]
    assert "11103" in panel.inner_text()
    assert review_window.page.evaluate("location.hash") == "#code=11102"
    review_window.page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    assert review_window.page.evaluate("document.activeElement.textContent") == "11102"


def test_a_link_to_a_code_opens_its_panel(browser_window, review_folder):
    window = ReviewWindow(browser_window, review_folder / "review.html")
    window.page.goto(f"{(review_folder / 'review.html').as_uri()}#code=17003")
    window.page.locator("dialog.panel").get_by_role("heading", name="17003, destruction").wait_for()
    assert window.page.locator("dialog.panel").count() == 1
    window.page.close()


def test_decisions_are_downloaded_as_the_file_that_approve_takes(review_window, review_folder):
    row = review_window.page.locator("tr[data-outcome='scenario complexity-add-on-alone']")
    row.get_by_label("Accept scenario").check()
    row.get_by_label("Reason for scenario").fill("CMS added home visits")
    with review_window.page.expect_download() as download:
        review_window.page.get_by_role("button", name="Download decisions.json").click()
    file = Path(download.value.path())
    assert json.loads(file.read_text())["decisions"] == [
        {"outcome": "scenario complexity-add-on-alone", "decision": "accepted", "reason": "CMS added home visits"}
    ]
    assert faults_of(json.loads(file.read_text()), "decisions") == []
    review = read_review(review_folder)
    decisions = read_decision_file(file)
    check_review(decisions, review)
    assert [decision.decision for decision in parse_decisions(review, decisions.entries, None)] == ["accepted"]
    assert review_window.page.locator("#decisions output").inner_text() == "All decided."


def test_a_scenario_opens_with_the_keyboard_and_shows_the_claim_before_and_after(review_window):
    scenario = review_window.page.locator("#scenario-complexity-add-on-alone")
    assert not scenario.locator("table").is_visible()
    scenario.locator("summary").focus()
    review_window.page.keyboard.press("Enter")
    assert scenario.locator("table").is_visible()
    before, after = scenario.locator("tbody td").all_inner_texts()[1:]
    assert before.startswith("denied ")
    assert ("99350" in before, "99350" in after) == (False, True)


def test_the_first_tab_offers_to_skip_to_the_details(review_window):
    review_window.page.keyboard.press("Tab")
    assert review_window.page.evaluate("document.activeElement.textContent") == "Skip to the details"
    review_window.page.keyboard.press("Enter")
    assert review_window.page.evaluate("document.activeElement.id") == "main"


def test_sorting_and_filtering_are_reached_with_the_keyboard(review_window):
    table = review_window.page.locator(PAYMENTS).first
    table.locator("summary").focus()
    review_window.page.keyboard.press("Tab")
    review_window.page.keyboard.type("17312")
    assert table.locator("tbody tr:visible").count() == 1
    for _ in range(5):  # four chips, then the first head
        review_window.page.keyboard.press("Tab")
    review_window.page.keyboard.press("Enter")
    assert table.locator("th[aria-sort=ascending]").count() == 1


def test_there_is_one_tab_stop_for_each_row(window_to_read):
    table = window_to_read.page.locator(PAYMENTS).first
    assert table.locator("tbody a").count() == table.locator("tbody tr").count()


def test_a_panel_leads_to_cms_s_rows_though_they_are_folded(review_window):
    review_window.page.locator(PAYMENTS).first.get_by_role("link", name="11102", exact=True).click()
    review_window.page.locator("dialog.panel").get_by_role("link", name="2026q3 fee schedule").click()
    row = review_window.page.locator("[id='2026q3-mpfs-11102']")
    row.wait_for()
    assert "work 0.64, PE 2.16 / 0.20" in row.inner_text()


def test_on_a_phone_code_change_and_percent_come_first_and_rows_can_be_sorted(browser_window, review_folder):
    window = ReviewWindow(browser_window, review_folder / "review.html", 375)
    table = window.page.locator(PAYMENTS).first
    table.locator("summary").click()
    row = table.locator("tbody tr").first
    code, change, percent, old = (row.locator(f"> :nth-child({place})").bounding_box() for place in (1, 2, 3, 4))
    assert code["y"] < change["y"] == percent["y"] <= old["y"]
    table.get_by_label("Sort by").select_option(label="Office: change (high to low)")
    changes = table.locator("tbody tr").evaluate_all("rows => rows.map(row => Number(row.cells[1].dataset.v))")
    assert changes[0] == max(changes)
    table.get_by_label("Filter").fill("mohs 17312")
    assert table.locator("tbody tr:visible th").all_inner_texts() == ["17312"]
    window.page.close()


@pytest.mark.parametrize("width", [375, 768, 1280])
def test_nothing_overlaps_in_the_sign_off_and_nothing_is_wider_than_the_screen(browser_window, review_folder, width):
    window = ReviewWindow(browser_window, review_folder / "review.html", width)
    too_full = window.page.locator(".sign-off tbody td:visible, .sign-off tbody th").evaluate_all(
        "cells => cells.filter(cell => cell.scrollHeight > cell.clientHeight + 1).map(cell => cell.textContent)"
    )
    assert too_full == []
    boxes = window.page.locator(
        ".sign-off tbody td:visible, .sign-off tbody th, .sign-off pre, .sign-off p"
    ).evaluate_all(
        "cells => cells.map(cell => { const box = cell.getBoundingClientRect(); "
        "return [box.left, box.top, box.right, box.bottom]; })"
    )
    overlaps = [
        (one, two)
        for at, one in enumerate(boxes)
        for two in boxes[at + 1 :]
        if one[0] < two[2] - 1 and two[0] < one[2] - 1 and one[1] < two[3] - 1 and two[1] < one[3] - 1
    ]
    assert overlaps == []
    assert max(box[2] for box in boxes) <= width
    for _ in range(2):
        assert window.page.evaluate("document.documentElement.scrollWidth") == width
        window.expand()
    window.page.close()


def pages_of(paper: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", paper))


def test_on_paper_there_are_two_or_three_pages_and_the_appendix_on_request(review_window):
    review_window.page.emulate_media(media="print")
    assert not review_window.page.locator("nav").is_visible()
    assert not review_window.page.locator(".filter").first.is_visible()
    paper = review_window.page.pdf(format="Letter", print_background=True)
    assert paper.startswith(b"%PDF")
    assert 2 <= pages_of(paper) <= 3
    review_window.page.evaluate("document.body.classList.add('with-appendix')")
    review_window.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert review_window.page.locator(PAYMENTS).first.locator("table").bounding_box()["height"] > 1_000
    assert 12 < pages_of(review_window.page.pdf(format="Letter")) < 60


def test_the_handout_prints_on_one_page(browser_window, review_folder):
    window = ReviewWindow(browser_window, review_folder / "physician-handout.html")
    assert pages_of(window.page.pdf(format="Letter")) == 1
    window.page.close()


def test_without_its_script_the_page_reads_the_same(browser, review_folder):
    context = browser.new_context(java_script_enabled=False)
    window = ReviewWindow(context, review_folder / "review.html")
    table = window.page.locator(PAYMENTS).first
    assert table.locator("tbody tr").first.is_visible()
    assert table.locator("button").count() == 0
    context.close()


def test_at_night_the_page_is_dark(window_to_read):
    window_to_read.page.emulate_media(color_scheme="dark")
    assert window_to_read.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 23, 29)"
    window_to_read.page.emulate_media(color_scheme="light")


@pytest.mark.parametrize(("width", "rows"), [(1280, "all"), (375, "of each look")])
def test_an_accessibility_check_finds_nothing_serious(browser_window, review_folder, width, rows):
    window = ReviewWindow(browser_window, review_folder / "review.html", width)
    window.page.evaluate(
        "for (const each of document.querySelectorAll('.scenario, .long, details:has(.sign)')) each.open = true"
    )
    window.page.locator(PAYMENTS).first.get_by_label("Filter").fill("mohs")
    if rows == "of each look":
        window.page.evaluate(ONE_ROW_OF_EACH_LOOK)
    assert axe_violations(window.page) == []
    window.page.emulate_media(color_scheme="dark")
    window.page.evaluate(ONE_ROW_OF_EACH_LOOK)
    assert axe_violations(window.page, COLOR_RULES) == []
    window.page.close()


def test_an_accessibility_check_of_a_panel_finds_nothing_serious(browser_window, review_folder):
    window = ReviewWindow(browser_window, review_folder / "review.html")
    window.page.evaluate("location.hash = 'code=11102'")
    window.page.locator("dialog.panel h2").wait_for()
    assert axe_violations(window.page, part="dialog.panel") == []
    window.page.close()
