"""Listing pages, the license page and robots.txt, read from their text."""

from pathlib import Path

import pytest
from cms_site import pages
from cms_site.packages import quarter

from codeset.errors import BadInput
from codeset.releases import Release
from codeset_ingest.cms_site.ama_license import accepting_address
from codeset_ingest.cms_site.link_names import publications
from codeset_ingest.cms_site.listing_pages import LayoutChanged, files_of_release, read_listing
from codeset_ingest.cms_site.robots import robots

PAGE = "https://www.cms.gov/medicare/coding-billing/page"


def publication(name: str):
    return next(candidate for candidate in publications() if candidate.name == name)


def page_of(*paths: str) -> bytes:
    links = "".join(f'<li><a href="{path}">a label (9,386 records) (ZIP)</a></li>' for path in paths)
    return f"<html><body><a href='/about-cms'>About</a><ul>{links}</ul></body></html>".encode()


def ptp(version: str, *parts: int) -> list[str]:
    stem = f"/license/ama?file=/files/zip/medicare-ncci-2026q3-practitioner-ptp-edits-ccipra-{version}"
    return [f"{stem}-f{part}.zip" for part in parts]


def urls_of_release(name: str, *paths: str, label: str = "2026q3") -> list[str]:
    of_it = publication(name)
    return [
        link.url
        for link in files_of_release(of_it, read_listing(of_it, page_of(*paths), PAGE).posted, Release.parse(label))
    ]


def test_a_link_s_label_tells_how_many_records_it_has():
    links = read_listing(publication("ptp"), page_of(*ptp("v322r0", 1)), PAGE).posted
    assert [(link.records, link.gated, link.page) for link in links] == [(9386, True, PAGE)]


def test_all_parts_are_taken_until_there_are_no_more():
    assert [url[-6:] for url in urls_of_release("ptp", *ptp("v322r0", 3, 1, 2, 4))] == [
        "f1.zip",
        "f2.zip",
        "f3.zip",
        "f4.zip",
    ]


@pytest.mark.parametrize(("parts", "missing"), [((1, 2, 4), "f3"), ((2, 3, 4), "f1")])
def test_a_missing_part_is_reported(parts, missing):
    with pytest.raises(BadInput, match=f"not whole on this page: {missing} is missing"):
        urls_of_release("ptp", *ptp("v322r0", *parts))


def test_a_replaced_set_takes_the_place_of_the_first():
    assert all("v322r1" in url for url in urls_of_release("ptp", *ptp("v322r0", 1, 2), *ptp("v322r1", 1, 2)))


def test_a_set_replaced_in_part_is_not_put_together_from_two_editions():
    with pytest.raises(BadInput, match=r"ptp v322r1 is not whole on this page: f1 is missing"):
        urls_of_release("ptp", *ptp("v322r0", 1, 2), *ptp("v322r1", 2))


def test_the_last_of_several_dates_holds():
    paths = [f"/files/zip/rvu26c-updated-{day}-2026.zip" for day in ("06-30", "06-10")]
    assert [url[-29:] for url in urls_of_release("mpfs", *paths)] == ["/rvu26c-updated-06-30-2026.zip"[-29:]]


def test_two_packages_of_a_quarter_hold_side_by_side():
    """RVU24A held to 8 March 2024, RVU24AR from 9 March on."""
    paths = ["/files/zip/rvu24a-updated-04/01/2024.zip", "/files/zip/rvu24ar-posted-04/01/2024.zip"]
    assert len(urls_of_release("mpfs", *paths, label="2024q1")) == 2


def test_a_file_that_is_linked_twice_is_taken_once_and_gated_if_one_link_is():
    (gated,) = ptp("v322r0", 1)
    of_it = publication("ptp")
    html = page_of(gated.partition("file=")[2], gated)
    (link,) = files_of_release(of_it, read_listing(of_it, html, PAGE).posted, Release(2026, 3))
    assert link.gated


def test_two_files_that_nothing_tells_apart_are_refused():
    with pytest.raises(BadInput, match="neither name nor date tells which holds"):
        urls_of_release("mpfs", "/files/zip/rvu26c.zip", "/downloads/rvu26c.zip")


def test_a_page_without_the_links_says_what_was_looked_for_and_what_was_seen():
    html = page_of("/files/zip/something-else.zip", "/files/document/ncci-news.pdf")
    with pytest.raises(LayoutChanged) as error:
        read_listing(publication("mue"), html, PAGE)
    assert "Looked for: medically unlikely edits, practitioner" in str(error.value)
    assert "/files/zip/something-else.zip" in str(error.value)
    assert error.value.html == html


def test_a_file_that_is_named_in_a_new_way_is_reported():
    usual = "/files/zip/medicare-ncci-2026-q3-practitioner-services-mue-table.zip"
    strange = "/files/zip/practitioner-services-mue-table-fall-2026.zip"
    assert read_listing(publication("mue"), page_of(usual, strange), PAGE).not_understood == (
        f"https://www.cms.gov{strange}",
    )


def test_every_page_of_the_site_for_tests_is_understood():
    page_by_path = pages.pages(quarter(Release(2026, 3)))
    for kind, place in pages.PLACES.items():
        assert read_listing(publication(kind), page_by_path[place].encode(), PAGE).not_understood == ()


@pytest.mark.cms
def test_the_real_license_page_says_where_accepting_leads(cms: Path):
    html = (cms / "site" / "license-page.html").read_bytes()
    assert accepting_address(html, "https://www.cms.gov/license/ama") == (
        "https://www.cms.gov/files/zip/medicare-ncci-2026q1-practitioner-ptp-edits-ccipra-v313r0-f1.zip"
        "?agree=yes&next=Accept"
    )


def test_the_license_page_for_tests_has_the_form_of_the_real_one():
    html = pages.license_page("/files/zip/a.zip").encode()
    assert (
        accepting_address(html, "https://www.cms.gov/x") == "https://www.cms.gov/files/zip/a.zip?agree=yes&next=Accept"
    )


def test_another_page_is_no_license_page():
    assert accepting_address(page_of(), PAGE) is None


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/files/zip/a.zip", True),
        ("/license/ama?file=/files/zip/a.zip", False),
        ("/sitemap.xml?page=2", True),
        ("/search/cms", False),
    ],
)
def test_robots_txt_forbids_query_strings_and_allows_files(path, allowed):
    """The longest matching rule decides (RFC 9309, section 2.2.2)."""
    assert robots(pages.ROBOTS, "derm-codeset").allows(f"https://www.cms.gov{path}") is allowed


def test_robots_txt_is_read_in_the_group_that_names_us():
    others = "User-agent: other\nDisallow: /\n"
    text = f"{others}\nUser-agent: derm-codeset\nUser-agent: x\nDisallow: /a$\nCrawl-delay: 3\n\n{others}"
    rules = robots(text, "derm-codeset")
    assert [rules.allows(f"https://x{path}") for path in ("/", "/a", "/ab")] == [True, False, True]
    assert rules.crawl_delay == 3


FORBIDDEN = {
    "an escape in other letters": ("User-agent: *\nDisallow: /a%3Cd.html\n", "/a%3cd.html"),
    "a space": ("User-agent: *\nDisallow: /a b\n", "/a%20b"),
    "a letter beyond ASCII": ("User-agent: *\nDisallow: /\u00e9\n", "/%C3%A9"),
    "a version behind our name": ("User-agent: Derm-Codeset/1.0\nDisallow: /\n", "/x"),
    "a byte order mark": ("\ufeffUser-agent: *\nDisallow: /x\n", "/x"),
    "a pause between two agents": (
        "User-agent: derm-codeset\nCrawl-delay: 2\nUser-agent: other\nDisallow: /x\n",
        "/x",
    ),
    "two groups for all": ("User-agent: *\nDisallow: /x\n\nUser-agent: *\nDisallow: /y\n", "/y"),
    "a sitemap between two agents": ("User-agent: a\nSitemap: /s\nUser-agent: derm-codeset\nDisallow: /x\n", "/x"),
    "an end of the path": ("User-agent: *\nDisallow: *.zip$\n", "/a.zip"),
    "no spaces": ("user-agent:*\ndisallow:/x", "/x"),
    "a remark": ("User-agent: *\nDisallow: /x # remark\n", "/x"),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_rfc_9309_forbids_is_not_asked_for(case):
    """RFC 9309, sections 2.2.1 to 2.2.4."""
    text, path = FORBIDDEN[case]
    assert not robots(text, "derm-codeset").allows(f"https://www.cms.gov{path}")


def test_an_empty_robots_txt_forbids_nothing():
    assert robots("", "derm-codeset").allows("https://x/anything?a=b")
