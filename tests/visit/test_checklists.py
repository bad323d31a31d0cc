"""What the record must hold: every family has a cited checklist, and a visit says what is missing."""

import re
from datetime import date

import pytest

from codeset.errors import BadInput, WrongUse
from codeset.participants import ANSWERS
from codeset.visit.checklist_page import checklist_html
from codeset.visit.checklists import checklist, checklist_markdown, checklists
from codeset.visit.code_visit import code_visits
from codeset.visit.visit_files import parse_visits

BASE = {"visit_id": "v", "date_of_service": date(2026, 7, 15), "place_of_service": 11, "patient": "established"}
EXCISION = {"name": "a", "site": "back", "nature": "malignant", "technique": "excision", "excised_diameter_cm": "1.1"}
WART = {"name": "b", "site": "hand", "nature": "benign", "technique": "destruction"}


def verdicts(embedded, lesions, **facts):
    visits = parse_visits(BASE | facts | {"lesions": lesions})
    visit = code_visits(visits, embedded.open("2026q3"), participant=ANSWERS["no"])[0]
    return {line.service.hcpcs: line.record.verdict for line in visit.lines}


@pytest.mark.parametrize("family", list(checklists()))
def test_every_item_is_cited_and_dated(family):
    page = checklist(family)
    assert page.items
    assert page.since >= date(2024, 1, 1)
    assert all(item.says and item.source for item in page.items)
    assert len({item.name for item in page.items}) == len(page.items)


@pytest.mark.browser
def test_every_checklist_prints_on_one_page(browser_window):
    page = browser_window.new_page()
    sheets = {}
    for family in checklists():
        page.set_content(checklist_html(checklist(family)), timeout=10_000)
        pdf = page.pdf(prefer_css_page_size=True)
        sheets[family] = len(re.findall(rb"/Type\s*/Page[^s]", pdf))
    page.close()
    assert sheets == dict.fromkeys(checklists(), 1)


@pytest.mark.parametrize("family", list(checklists()))
def test_a_page_has_a_box_for_every_item_and_loads_nothing(family):
    html = checklist_html(checklist(family))
    items = checklist(family).items
    assert html.count('role="checkbox"') == len(items) == checklist_markdown(checklist(family)).count("- [ ] ")
    assert all(item.source in html.replace("&#39;", "'").replace("&amp;", "&") for item in items)
    assert re.findall(r"(?:src|href)=", html) == []


def test_a_family_that_is_not_there_is_named():
    with pytest.raises(WrongUse, match='no checklist is called "nails"; there are: biopsy, shave'):
        checklist("nails")


@pytest.mark.parametrize(
    ("documented", "verdict"),
    [
        (["size", "margins", "site", "indication", "wound", "closure_type", "pathology"], "documented"),
        (["size", "site", "indication", "wound", "closure_type", "pathology"], "missing: margins"),
        (["size"], "missing: margins, site, indication, wound, closure_type, pathology"),
    ],
)
def test_what_is_missing_of_an_excision_is_said(embedded, documented, verdict):
    assert verdicts(embedded, [EXCISION | {"documented": documented}]) == {"11602": verdict}


# The coding guide's section on documentation, procedure by procedure: what each note must have.
GUIDE_ITEMS = {
    "biopsy": {"description", "site", "indication", "technique"},
    "excision": {"size", "margins", "wound", "closure_type", "pathology"},
    "destruction": {"count", "size", "site", "method", "indication"},
    "mohs": {"tissue", "map", "histology", "clear_margins"},
}


@pytest.mark.parametrize(("family", "names"), GUIDE_ITEMS.items())
def test_the_guide_asks_for_nothing_that_the_checklist_lacks(family, names):
    assert names <= {item.name for item in checklist(family).items}


def test_without_record_facts_nothing_is_said(embedded):
    assert verdicts(embedded, [EXCISION]) == {"11602": "record not given"}


def test_a_visit_with_25_needs_its_separate_work_documented(embedded):
    evaluation = {"level": "low", "separate": "yes", "documented": ["level"]}
    documented = WART | {"documented": ["count", "size", "site", "method", "indication"]}
    assert verdicts(embedded, [documented], evaluation=evaluation) == {
        "99213": "missing: separate_work",
        "17110": "documented",
    }


def test_a_name_that_is_on_no_checklist_is_refused_with_the_nearest(embedded):
    with pytest.raises(BadInput, match='no checklist has an item called "margin"; is "margins" meant'):
        parse_visits(BASE | {"lesions": [EXCISION | {"documented": ["margin"]}]})
