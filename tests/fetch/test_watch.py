"""What is new: posted, posted again, missing by CMS's calendar; and a changed page is never "nothing new"."""

from datetime import date

import pytest

from codeset.releases import Release
from codeset_ingest.cms_site import lock as locks
from codeset_ingest.cms_site.listing_pages import LayoutChanged
from codeset_ingest.cms_site.watch import LocalState, watch
from codeset_ingest.fetch_and_build import build_fetched

AUGUST = date(2026, 8, 1)
NEW_EACH_QUARTER = (
    "hcpcs",
    "icd10cm",
    "icd10cm_conversion",
    "icd10cm_tabular",
    "mpfs",
    "mue",
    "ptp",
    "ptp_changes",
    "zip_locality",
)


def news_of_site(desk, since: str | None = None, today: date = AUGUST) -> list[tuple[str, str, str]]:
    local = LocalState(desk.store, locks.read(desk.folder.lock))
    with desk.connect() as connection:
        news = watch(connection, local, Release.parse(since) if since else None, today)
    return [(str(item.release), item.publication, item.status) for item in news]


def test_everything_is_new_to_an_empty_store(desk):
    news = news_of_site(desk, "2026q3")
    assert {item[1] for item in news if item[0] == "2026q3"} == {
        *("mpfs", "ptp", "ptp_changes", "mue", "aoc", "hcpcs", "zip_locality")
    }
    assert {item[2] for item in news} == {"new"}


def test_an_empty_store_is_watched_from_today_s_quarter_on(desk):
    assert {item[0] for item in news_of_site(desk)} == {
        "2026q1",
        "2026q3",
    }  # the policy manual of the year is of its q1


def test_nothing_is_new_after_it_was_built(desk_with_release):
    assert news_of_site(desk_with_release) == []


def test_watching_fetches_nothing(desk_with_release):
    count = len(desk_with_release.site.downloads())
    news_of_site(desk_with_release)
    assert len(desk_with_release.site.downloads()) == count


def test_a_new_quarter_is_new(desk_with_release):
    desk_with_release.site.post("2026q4")
    assert news_of_site(desk_with_release) == [("2026q4", name, "new") for name in NEW_EACH_QUARTER]


def test_a_file_posted_again_under_its_name_is_reported(desk_with_release):
    desk_with_release.site.reissue("2026q3")
    assert news_of_site(desk_with_release) == [("2026q3", "mue", "re-posted")]
    build_fetched(desk_with_release.fetch("2026q3"), desk_with_release.store)
    assert news_of_site(desk_with_release) == []


def test_a_file_posted_again_under_another_name_is_reported(desk_with_release):
    path = next(path for path in desk_with_release.site.files if "rvu26c" in path)
    file = desk_with_release.site.files.pop(path)
    again = path.replace("06-11", "08-01")
    desk_with_release.site.files[again] = type(file)(**vars(file) | {"path": again})
    assert news_of_site(desk_with_release) == [("2026q3", "mpfs", "re-posted")]


def test_what_is_due_and_not_there_is_missing_and_what_is_soon_due_is_awaited(desk_with_release):
    assert news_of_site(desk_with_release, today=date(2026, 9, 15)) == [
        ("2026q4", name, "awaited") for name in ("mpfs", "mue", "ptp")
    ]
    assert news_of_site(desk_with_release, today=date(2026, 10, 1)) == [
        ("2026q4", name, "missing") for name in ("mpfs", "mue", "ptp")
    ]
    desk_with_release.site.post("2026q4")
    desk_with_release.site.withdraw("2026-q4-practitioner-services-mue")
    assert ("2026q4", "mue", "missing") in news_of_site(desk_with_release, today=date(2026, 10, 1))


def test_add_on_edits_are_not_missed_when_they_did_not_change(desk_with_release):
    desk_with_release.site.post("2026q4")
    assert not [item for item in news_of_site(desk_with_release, today=date(2026, 10, 1)) if item[1] == "aoc"]


def test_a_file_named_in_no_known_way_is_reported(desk_with_release):
    file = next(file for path, file in desk_with_release.site.files.items() if "q3-practitioner-services-mue" in path)
    path = "/files/zip/ncci-practitioner-services-mue-autumn.zip"
    desk_with_release.site.files[path] = type(file)(**vars(file) | {"path": path})
    assert news_of_site(desk_with_release) == [("None", "mue", "not understood")]


@pytest.mark.parametrize("page", ["pfs-relative-value-files$", "rvu26c$", "ptp-edits$", "unlikely-edits$", "add-code"])
def test_a_page_in_another_layout_is_an_error_and_not_nothing_new(desk_with_release, page):
    desk_with_release.site.fault("layout", page)
    with pytest.raises(LayoutChanged, match="Looked for"):
        news_of_site(desk_with_release)


def test_a_release_built_from_files_by_hand_is_reported_as_not_seen(desk_with_release):
    desk_with_release.folder.lock.unlink()
    assert news_of_site(desk_with_release) == [
        ("2026q3", name, "not seen") for name in ("aoc", "hcpcs", "mpfs", "mue", "ptp", "zip_locality")
    ]


def test_a_missing_page_that_no_release_needs_is_reported_and_no_error(desk_with_release):
    desk_with_release.site.fault("gone", "payment/fee-schedules$")
    assert ("None", "zip_locality", "not seen") in news_of_site(desk_with_release)


def test_what_a_release_does_not_need_is_not_missed(desk_with_release):
    desk_with_release.site.post("2026q4")
    desk_with_release.site.withdraw("october-2026-alpha-numeric")
    assert not [item for item in news_of_site(desk_with_release, today=date(2026, 10, 1)) if item[1] == "hcpcs"]
