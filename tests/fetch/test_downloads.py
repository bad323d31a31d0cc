"""Every fault of the way and of what comes, on a real connection to a site on loopback.

After each, what was there before is there as before, or the release is there whole; and the fault has its own message.
"""

import io
import json
import time
import zipfile
from itertools import pairwise

import pytest
from cms_site.packages import quarter

from codeset.errors import BadInput, WrongUse
from codeset.releases import Release
from codeset.schemas import faults_of
from codeset_ingest.cms_site.ama_license import LicenseNeeded
from codeset_ingest.cms_site.hosts import Site, SiteProblem, site
from codeset_ingest.cms_site.http import partial_download
from codeset_ingest.cms_site.listing_pages import LayoutChanged

MUE = "practitioner-services-mue"
EDITS = "ccipra-v322r0-f1"
_NCCI = "/medicare/coding-billing/national-correct-coding-initiative-ncci-edits"
PAGE_OF_MUE = f"{_NCCI}/medicare-ncci-medically-unlikely-edits"


def zip_bytes(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def whole() -> set[str]:
    """The names of the files of 2026q3 for practitioners, as they are kept; April's diagnosis codes are of 2026q2."""
    others = ("ptp_outpatient", "mue_outpatient", "mue_dme", "icd10cm", "icd10cm_tabular", "icd10cm_conversion")
    return {
        file.path.split("/files/zip/")[-1].split("/files/document/")[-1].replace("/", "-")
        for file in quarter(Release(2026, 3))
        if file.kind not in others
    }


def assert_as_before_then_whole(desk, error: type[Exception], match: str) -> None:
    """The fault is told and leaves no trace; when it is over, the same command brings the release whole."""
    before = desk.contents()
    with pytest.raises(error, match=match):
        desk.fetch()
    assert desk.contents() == before
    desk.site.heal()
    desk.fetch()
    assert_whole(desk)


def assert_whole(desk) -> None:
    files = {name.rpartition("/")[2]: data for name, data in desk.contents().items() if "downloads/" in name}
    assert set(files) == whole()
    site_files = {path.split("/files/zip/")[-1]: file.data for path, file in desk.site.files.items()}
    assert all(files[name] == site_files[name] for name in files if name in site_files)
    assert not [path for path in desk.folder.path.iterdir() if path.name.startswith(".unfinished")]


@pytest.mark.parametrize("status", ["503", "429", "500 ", "502", "504"])
def test_a_busy_site_is_asked_again(desk, status):
    desk.site.fault("busy", MUE, times=2, value=status)
    desk.fetch()
    assert_whole(desk)
    statuses = [request.status for request in desk.site.requests if MUE in request.path and "/files/" in request.path]
    assert statuses[-1] == 200


def test_a_page_that_is_busy_is_asked_for_again(desk):
    desk.site.fault("busy", f"{PAGE_OF_MUE}$", times=2)
    desk.fetch()
    assert_whole(desk)


def test_a_site_that_stays_busy_is_given_up_on(desk):
    desk.site.fault("busy", MUE)
    assert_as_before_then_whole(desk, SiteProblem, r"the site answers 503 .* Tried 3 times")


def test_a_wait_that_is_no_number_is_passed_over(desk):
    """A superscript two is a digit to Python, and no number."""
    desk.site.fault("busy", MUE, times=1, value="503 \u00b2")
    desk.fetch()
    assert_whole(desk)


def test_the_wait_that_the_site_asks_for_is_kept(desk):
    desk.site.fault("busy", MUE, times=1, value="429 1")
    start = time.monotonic()
    desk.fetch(longest_wait=2)
    assert time.monotonic() - start >= 1


def test_a_wait_that_is_too_long_is_reported_instead_of_kept(desk):
    desk.site.fault("busy", MUE, value="503 86400")
    assert_as_before_then_whole(desk, SiteProblem, "asks to come back in 86,400 seconds")


def test_a_wait_may_be_given_as_a_date(desk):
    desk.site.fault("busy", MUE, value="503 Fri, 01 Jan 2100 00:00:00 GMT")
    assert_as_before_then_whole(desk, SiteProblem, "asks to come back in")


def test_a_cut_body_goes_on_where_it_stopped(desk):
    desk.site.fault("cut", EDITS, times=2)
    desk.fetch()
    assert_whole(desk)
    ranges = [request.headers.get("Range") for request in desk.site.requests if EDITS in request.path]
    assert ranges[0] is None
    assert all(byte_range.startswith("bytes=") for byte_range in ranges[1:])
    size = len(desk.site.files[f"/files/zip/medicare-ncci-2026q3-practitioner-ptp-edits-{EDITS}.zip"].data)
    assert sum(request.bytes_sent for request in desk.site.requests if EDITS in request.path) == size


def test_a_later_command_goes_on_where_an_earlier_one_was_cut(desk):
    desk.site.fault("cut", EDITS, times=3)
    with pytest.raises(SiteProblem, match="the answer ended after"):
        desk.fetch()
    assert desk.contents() == {}
    count = len(desk.site.requests)
    desk.fetch()
    assert_whole(desk)
    again = next(request for request in desk.site.requests[count:] if EDITS in request.path)
    assert again.status == 206
    assert "If-Range" in again.headers


NOTE = {"format": "1.0", "etag": '"a"', "last_modified": None, "size": 7}


def test_the_notes_beside_a_download_are_those_of_their_schema(desk):
    desk.site.fault("cut", EDITS)
    with pytest.raises(SiteProblem):
        desk.fetch()
    notes = {path.name: json.loads(path.read_text()) for path in desk.folder.path.rglob("*.json")}
    parts = [note for name, note in notes.items() if name.endswith(".part.json")]
    assert len(parts) == 1 < len(notes)
    assert [faults_of(note, "download") for note in notes.values()] == [[]] * len(notes)


@pytest.mark.parametrize(
    ("note", "received"),
    [
        (NOTE, 3),
        (NOTE | {"format": "1.4", "further": 1}, 3),
        ({name: value for name, value in NOTE.items() if name != "format"}, 3),
        (NOTE | {"format": "2.0"}, 0),
        ([], 0),
    ],
)
def test_a_note_of_a_newer_major_format_starts_the_download_over(tmp_path, note, received):
    part = tmp_path / "a.zip.part"
    part.write_bytes(b"abc")
    (tmp_path / "a.zip.part.json").write_text(json.dumps(note))
    assert partial_download(part)[0] == received


def test_a_file_that_changed_while_it_was_cut_is_brought_anew(desk):
    desk.site.fault("cut", MUE, times=3)
    with pytest.raises(SiteProblem):
        desk.fetch()
    desk.site.reissue("2026q3")
    desk.fetch()
    assert_whole(desk)


def test_an_etag_that_lies_about_the_rest_of_a_file_is_found_out(desk):
    desk.site.fault("cut", MUE, times=3)
    with pytest.raises(SiteProblem):
        desk.fetch()
    changed_data = next(file.data for file in quarter(Release(2026, 3), 1) if file.kind == "mue")
    desk.site.replace_data("2026-q3-practitioner-services-mue", changed_data, same_validators=True)
    desk.fetch()
    assert_whole(desk)
    assert any("brought anew" in message for message in desk.messages)


def test_a_wrong_length_is_reported(desk):
    desk.site.fault("length", MUE, value="100")
    size = next(len(file.data) for path, file in desk.site.files.items() if MUE in path)
    assert_as_before_then_whole(desk, SiteProblem, f"the answer ended after {size:,} of {size + 100:,} bytes")


def test_a_length_that_is_too_short_leaves_a_broken_zip_which_is_refused(desk):
    desk.site.fault("length", MUE, value="-100")
    assert_as_before_then_whole(desk, BadInput, "mue-table.zip: not a whole zip")


def test_a_drip_is_cut_off_at_the_time_limit(desk):
    desk.site.fault("drip", MUE)
    start = time.monotonic()
    before = desk.contents()
    with pytest.raises(SiteProblem, match="not whole after 0 seconds"):
        desk.fetch(whole=0.3)
    assert time.monotonic() - start < 30
    assert desk.contents() == before
    desk.site.heal()
    desk.fetch()
    assert_whole(desk)


def test_a_web_page_in_place_of_a_zip_is_refused(desk):
    desk.site.fault("html", "/files/.*mue")
    assert_as_before_then_whole(desk, BadInput, r'a web page came \("Page not found \| CMS"\) where a zip is expected')


def test_what_is_no_zip_is_refused(desk):
    desk.site.replace_data("2026-q3-practitioner-services-mue", b"not a zip at all")
    before = desk.contents()
    with pytest.raises(BadInput, match="begins with b'not a zi', expected a zip"):
        desk.fetch()
    assert desk.contents() == before


def test_a_file_larger_than_any_of_cms_is_refused_before_it_comes(desk):
    with pytest.raises(SiteProblem, match=r"[\d,]+ bytes and more; what CMS posts here has less than 100,000"):
        desk.fetch(file=100_000)
    assert desk.contents() == {}


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a\\..\\b.txt", "C:\\x.txt"])
def test_a_zip_that_names_files_outside_of_itself_is_refused(desk, name):
    desk.site.replace_data("2026-q3-practitioner-services-mue", zip_bytes(**{name: b"x"}))
    with pytest.raises(BadInput, match="names a file outside of itself"):
        desk.fetch()
    assert desk.contents() == {}


def test_a_zip_bomb_is_refused_without_unpacking_it(desk):
    desk.site.replace_data("2026-q3-practitioner-services-mue", zip_bytes(big=bytes(30 << 20)))
    with pytest.raises(BadInput, match=r"would unpack from [\d,]+ to 31,457,280 bytes: a zip bomb"):
        desk.fetch()
    assert desk.contents() == {}


def test_a_broken_member_is_refused(desk):
    data = bytearray(zip_bytes(member=bytes(range(256)) * 50))
    data[60] ^= 0xFF
    desk.site.replace_data("2026-q3-practitioner-services-mue", bytes(data))
    with pytest.raises(BadInput, match=r"is broken|not a whole zip"):
        desk.fetch()
    assert desk.contents() == {}


def test_a_redirect_off_the_site_is_not_followed(desk):
    desk.site.fault("redirect", "/files/.*mue", value="https://example.org/x.zip")
    assert_as_before_then_whole(
        desk, SiteProblem, r"leads away from http://127\.0\.0\.1.* to https://example.org/x.zip"
    )


def test_a_page_that_redirects_on_the_site_is_followed_and_reported(desk):
    desk.site.fault("redirect", "edits-mues$", value=PAGE_OF_MUE + "/")
    desk.site.fault("gone", f"{PAGE_OF_MUE}$")
    desk.fetch()
    assert_whole(desk)
    assert any(message.endswith(f"it has moved to {desk.site.origin}{PAGE_OF_MUE}/") for message in desk.messages)


def test_redirects_in_a_circle_end(desk):
    desk.site.fault("redirect", "/files/.*mue", value="/files/zip/mue-again.zip")
    assert_as_before_then_whole(desk, SiteProblem, "more than 5 redirects")


def test_a_page_that_has_moved_is_reported_with_where_to_put_its_new_address(desk):
    desk.site.fault("gone", "medically-unlikely-edits")
    assert_as_before_then_whole(desk, SiteProblem, r"has moved or was removed.*ingest/site.json")


def test_a_page_in_another_layout_is_an_error_with_what_was_seen(desk):
    desk.site.fault("layout", "medically-unlikely-edits")
    assert_as_before_then_whole(desk, LayoutChanged, "layout has changed(.|\n)*Looked for: medically unlikely edits")


def test_a_release_page_in_another_layout_is_an_error(desk):
    desk.site.fault("layout", "rvu26c$")
    assert_as_before_then_whole(desk, LayoutChanged, "Looked for: physician fee schedule")


def test_a_site_that_is_not_there_is_reported(desk, monkeypatch):
    monkeypatch.setattr(desk.site, "origin", "http://127.0.0.1:9")
    with pytest.raises(SiteProblem, match="the connection failed"):
        desk.fetch()
    assert desk.contents() == {}


def test_cms_itself_is_only_spoken_to_by_https_on_its_own_hosts():
    cms = site("")
    assert cms == Site("https://www.cms.gov")
    cms.refuse("https://www.cms.gov/files/zip/a.zip", "a link")
    for address, says in (
        ("http://www.cms.gov/files/zip/a.zip", "is not https"),
        ("https://www.cms.gov:8443/a.zip", "is not https"),
        ("https://www.cms.gov.example.org/a.zip", "leads away from cms.gov"),
        ("https://user@example.org/www.cms.gov", "leads away from cms.gov"),
        ("ftp://www.cms.gov/a.zip", "is not https"),
    ):
        with pytest.raises(SiteProblem, match=says):
            cms.refuse(address, "a link")


@pytest.mark.parametrize(
    "setting", ["http://cms.example.org", "https://127.0.0.1:8000", "http://127.0.0.1:8000/path", "http://10.0.0.1"]
)
def test_no_other_site_than_one_on_loopback_can_be_named(setting):
    with pytest.raises(WrongUse, match="expected a site of this machine"):
        site(setting)


def test_a_polite_visitor_asks_one_thing_at_a_time_says_who_it_is_and_reads_robots_first(desk):
    desk.fetch()
    requests = desk.site.requests
    assert requests[0].path == "/robots.txt"
    assert all(before.ended <= after.began for before, after in pairwise(requests))
    assert all(request.headers["User-Agent"].startswith("derm-codeset/") for request in requests)
    assert not [request.path for request in requests if "?" in request.path]


def test_what_robots_txt_forbids_is_not_asked_for(desk):
    desk.site.robots = "User-agent: *\nDisallow: /files/zip/*mue\n"
    with pytest.raises(SiteProblem, match=r"robots.txt forbids programs to ask for it"):
        desk.fetch()
    assert not [request for request in desk.site.requests if "/files/" in request.path and "mue" in request.path]


def test_the_pause_that_robots_txt_asks_for_is_kept(desk):
    desk.site.robots = "User-agent: *\nCrawl-delay: 0.1\n"
    desk.fetch()
    start_times = [request.began for request in desk.site.requests[1:]]
    assert min(after - before for before, after in pairwise(start_times)) >= 0.1


def test_a_site_whose_robots_txt_cannot_be_had_is_left_alone(desk):
    desk.site.fault("busy", "robots.txt")
    with pytest.raises(SiteProblem, match=r"robots.txt: the site answers 503"):
        desk.fetch()
    assert {request.path for request in desk.site.requests} == {"/robots.txt"}


def test_a_gate_is_a_person_s_business_where_robots_txt_forbids_its_button(desk):
    desk.site.gate = "page"
    with pytest.raises(LicenseNeeded, match="open each of these pages in a browser"):
        desk.fetch()
    assert desk.contents() == {}


def test_a_gate_opens_for_one_who_accepted_where_robots_txt_lets_it(desk):
    desk.site.gate, desk.site.robots = "page", ""
    desk.fetch()
    assert_whole(desk)
    assert any(request.path.endswith("?agree=yes&next=Accept") for request in desk.site.requests)


def test_a_gate_that_redirects_to_the_license_is_reported(desk):
    desk.site.gate = "redirect"
    with pytest.raises(SiteProblem, match=r"license/ama\?file=.*robots.txt forbids programs"):
        desk.fetch()
    assert desk.contents() == {}
