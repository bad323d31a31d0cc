"""The page in a real browser: sort, filter, expand, keyboard, phone, paper, dark, and an accessibility check."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PAYMENTS = "#payments ~ details:has(caption:text('Dollars. The change'))"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not there"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


class Opened:
    """The page in a window of its own, with what it said on the console and asked of the network."""

    def __init__(self, browser: Any, file: Path, width: int = 1280, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())

    def expand(self) -> None:
        self.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")


@pytest.fixture
def opened(browser: Any, written: Path) -> Iterator[Opened]:
    window = Opened(browser, written / "review.html")
    yield window
    assert window.said == []
    assert [each for each in window.asked if not each.startswith(("file:", "data:"))] == []
    window.context.close()


def test_nothing_is_said_on_the_console_and_nothing_is_asked_of_the_network(opened, written):
    opened.expand()
    assert opened.asked[0] == (written / "review.html").as_uri()
    assert len(opened.asked) <= 2  # the page, and its empty icon


def test_the_first_screen_holds_verdict_counts_and_what_is_asked(opened):
    for chosen in (".verdict", ".counts li >> nth=0", ".asked li >> nth=-1"):
        box = opened.page.locator(chosen).bounding_box()
        assert box["y"] + box["height"] <= 800


def test_filtering_leaves_the_rows_with_the_words_and_says_how_many(opened):
    table = opened.page.locator(PAYMENTS).first
    table.locator("summary").click()
    table.get_by_label("Filter").fill("MOHS")
    shown = table.locator("tbody tr:visible th").all_inner_texts()
    assert shown == ["17311", "17312", "17313", "17314", "17315"]
    assert re.fullmatch(r"5 of \d+ rows", table.locator("output").inner_text())
    table.get_by_label("Filter").fill("mohs 17312")
    assert table.locator("tbody tr:visible th").all_inner_texts() == ["17312"]
    table.get_by_label("Filter").fill("")
    assert table.locator("tbody tr:visible").count() > 300


def test_sorting_by_a_column_goes_by_its_figures_up_and_then_down(opened):
    table = opened.page.locator(PAYMENTS).first
    table.locator("summary").click()
    head = table.get_by_role("columnheader", name="change", exact=True)
    figures = "rows => rows.map(row => Number(row.cells[4].dataset.v || NaN)).filter(each => !Number.isNaN(each))"
    for order, turned in (("ascending", False), ("descending", True)):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == order
        found = table.locator("tbody tr").evaluate_all(figures)
        assert found == sorted(found, reverse=turned)
        assert found[0] != found[-1]


def test_a_scenario_opens_with_the_keyboard_and_shows_the_claim_before_and_after(opened):
    scenario = opened.page.locator("#scenario-three-units-of-88346")
    assert not scenario.locator("table").is_visible()
    scenario.locator("summary").focus()
    opened.page.keyboard.press("Enter")
    assert scenario.locator("table").is_visible()
    cells = scenario.locator("tbody td").all_inner_texts()
    assert cells[1].startswith("deny 3 units of 88346 that day, but at most 2")
    assert cells[2].startswith("pay ")


def test_the_first_tab_offers_to_skip_to_the_changes(opened):
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.textContent") == "To the changes"
    opened.page.keyboard.press("Enter")
    assert opened.page.evaluate("document.activeElement.id") == "main"


def test_sorting_and_filtering_are_reached_with_the_keyboard(opened):
    table = opened.page.locator(PAYMENTS).first
    table.locator("summary").focus()
    opened.page.keyboard.press("Enter")
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.type("17312")
    assert table.locator("tbody tr:visible").count() == 1
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.press("Enter")
    assert table.locator("th[aria-sort=ascending]").count() == 1


def test_a_figure_leads_to_its_row_though_the_rows_are_folded(opened):
    table = opened.page.locator(PAYMENTS).first
    table.locator("summary").click()
    table.get_by_role("link", name="95.53").click()
    row = opened.page.locator("[id='2026q3-mpfs-11102']")
    assert row.is_visible()
    assert "work 0.64, PE 2.16 / 0.20" in row.inner_text()


@pytest.mark.parametrize("width", [375, 768])
def test_nothing_is_wider_than_the_screen(browser, written, width):
    window = Opened(browser, written / "review.html", width)
    for _ in range(2):
        assert window.page.evaluate("document.documentElement.scrollWidth") == width
        window.expand()
    window.context.close()


def test_a_phone_can_sort_too(browser, written):
    window = Opened(browser, written / "review.html", 375)
    table = window.page.locator(PAYMENTS).first
    table.locator("summary").click()
    table.get_by_label("Sort by").select_option(label="change, down")
    found = table.locator("tbody tr").evaluate_all("rows => rows.map(row => Number(row.cells[4].dataset.v))")
    assert found[0] == max(found)
    window.context.close()


def test_on_paper_everything_is_there_though_it_is_folded_on_screen(opened):
    opened.page.emulate_media(media="print")
    assert opened.page.locator(PAYMENTS).first.locator("table").bounding_box()["height"] > 1_000
    assert not opened.page.locator("nav").is_visible()
    assert not opened.page.locator(".filter").first.is_visible()
    paper = opened.page.pdf(format="A4", print_background=True)
    assert paper.startswith(b"%PDF")
    assert 20 < len(re.findall(rb"/Type\s*/Page\b", paper)) < 80


def test_without_its_script_the_page_reads_the_same(browser, written):
    window = Opened(browser, written / "review.html", java_script_enabled=False)
    table = window.page.locator(PAYMENTS).first
    table.locator("summary").click()
    assert table.locator("tbody tr").first.is_visible()
    assert table.locator("button").count() == 0
    window.context.close()


def test_at_night_the_page_is_dark(browser, written):
    window = Opened(browser, written / "review.html", color_scheme="dark")
    assert window.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 23, 29)"
    window.context.close()


DROP_MOST_FOLDED_ROWS = """
for (const rows of document.querySelectorAll('details:not([open]) tbody'))
    for (const row of [...rows.rows].slice(10)) row.remove();
"""
"""Rows that are folded away look alike at every width and in every scheme: one check reads them all."""


@pytest.mark.parametrize(
    ("width", "scheme", "folded"), [(1280, "light", "all"), (1280, "dark", "some"), (375, "light", "some")]
)
def test_an_accessibility_check_finds_nothing_serious(browser, written, width, scheme, folded):
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    window = Opened(browser, written / "review.html", width, color_scheme=scheme)
    window.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    window.page.evaluate(
        "for (const each of document.querySelectorAll('.scenario, details:has(.sign)')) each.open = true"
    )
    table = window.page.locator(PAYMENTS).first
    table.locator("summary").click()
    table.get_by_label("Filter").fill("mohs")
    if folded == "some":
        window.page.evaluate(DROP_MOST_FOLDED_ROWS)
    found = window.page.evaluate("axe.run({resultTypes: ['violations']})")
    assert found["passes"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    window.context.close()
