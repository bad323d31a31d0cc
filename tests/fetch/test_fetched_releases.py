"""A release fetched: what is pinned, what a second run does, what a re-issue becomes, and what is sealed of it."""

import json
import shutil
from dataclasses import replace

import pytest
from cms_site.packages import quarter
from filelock import FileLock

from codeset.errors import BadInput, StoreProblem, WrongUse
from codeset.releases import Release
from codeset.schemas import faults_of
from codeset_ingest.cms_site import lock as locks
from codeset_ingest.cms_site.find_release import NotPosted, PageReader, latest_release
from codeset_ingest.fetch_and_build import build_fetched, compare_report


def seal_release(desk, label: str, **options):
    return build_fetched(desk.fetch(label), desk.store, **options).sealed.snapshot


def news(fetch_result) -> dict[str, str]:
    return {file.pinned.publication: file.news for file in fetch_result.files}


def test_each_file_is_pinned_by_address_size_and_sha256(desk):
    fetch_result = desk.fetch()
    plain = json.loads(desk.folder.lock.read_text())
    assert faults_of(plain, "sources") == []
    pins_by_url = {pin["url"]: pin for pin in plain["releases"]["2026q3"]}
    assert set(pins_by_url) == {file.pinned.url for file in fetch_result.files}
    for path, file in desk.site.files.items():
        if desk.site.origin + path in pins_by_url:
            assert pins_by_url[desk.site.origin + path]["size"] == len(file.data)
            assert pins_by_url[desk.site.origin + path]["etag"] == file.etag


def test_pages_read_and_links_used_are_reported(desk):
    desk.fetch()
    assert any(message.endswith("pfs-relative-value-files/rvu26c") for message in desk.messages)
    assert "  rvu26c: rvu26c-updated-06-11-2026.zip" in desk.messages
    pages = {pin.page for pin in locks.read(desk.folder.lock).pinned(Release(2026, 3))}
    assert all(f"reading {page}" in desk.messages for page in pages)


def test_a_second_run_downloads_nothing_and_changes_nothing(desk):
    desk.fetch()
    before, count = desk.contents(), len(desk.site.downloads())
    again = desk.fetch()
    assert set(news(again).values()) == {"unchanged"}
    assert desk.contents() == before
    assert len(desk.site.downloads()) == count


def test_a_file_that_was_damaged_here_is_fetched_again(desk):
    fetch_result = desk.fetch()
    before = desk.contents()
    fetch_result.files[0].path.write_bytes(b"damaged")
    assert news(desk.fetch())["mpfs"] == "fetched"
    assert desk.contents() == before


def test_other_bytes_under_the_same_name_are_a_new_revision_beside_the_old(desk):
    desk.fetch()
    before = desk.contents()
    desk.site.reissue("2026q3")
    again = desk.fetch()
    assert (str(again.release), [file.pinned.publication for file in again.reissued]) == ("2026q3r1", ["mue"])
    after = desk.contents()
    assert {name: after[name] for name in before if name != "sources.lock.json"} == {
        name: data for name, data in before.items() if name != "sources.lock.json"
    }
    assert len([name for name in after if name.startswith("downloads/2026q3r1/")]) == len(again.files)
    assert desk.fetch().release == again.release


def test_a_replacement_under_another_name_is_a_new_revision(desk):
    desk.fetch()
    again = next(file for file in quarter(Release(2026, 3), 1) if file.kind == "mue")
    desk.site.withdraw("2026-q3-practitioner-services-mue")
    path = again.path.replace(".zip", "-r1.zip")
    desk.site.files[path] = replace(again, path=path)
    assert str(desk.fetch().release) == "2026q3r1"


def test_a_second_package_of_the_quarter_is_fetched_beside_the_first(desk):
    """As RVU24AR was, with the conversion factor from 9 March 2024 on."""
    package = next(file for file in quarter(Release(2026, 3)) if file.kind == "mpfs")
    path = "/files/zip/rvu26cr-posted-07-20-2026.zip"
    desk.site.files[path] = replace(package, path=path)
    editions = {file.pinned.edition for file in desk.fetch().files if file.pinned.publication == "mpfs"}
    assert editions == {"rvu26c", "rvu26cr"}


def test_a_policy_manual_posted_again_is_reported_but_makes_no_new_release(desk):
    desk.fetch()
    desk.site.replace_data("policy-manual", b"%PDF-1.4 another\n%%EOF\n")
    again = desk.fetch()
    assert (str(again.release), [file.pinned.publication for file in again.reissued]) == ("2026q3", ["policy_manual"])


def test_an_etag_that_lies_that_nothing_changed_is_found_out_by_the_date(desk):
    """The site repeats its ETag and answers 304, but dates the file otherwise."""
    desk.fetch()
    changed_file = next(file for file in quarter(Release(2026, 3), 1) if file.kind == "mue")
    path = changed_file.path
    etag = desk.site.files[path].etag
    desk.site.replace_data("2026-q3-practitioner-services-mue", changed_file.data, same_validators=True)
    desk.site.files[path] = replace(desk.site.files[path], posting_date=changed_file.posting_date, false_etag=etag)
    assert news(desk.fetch())["mue"] == "re-issued"


def test_an_etag_that_lies_that_something_changed_is_no_new_revision(desk):
    desk.fetch()
    before = {name: data for name, data in desk.contents().items() if name.startswith("downloads")}
    path = next(path for path in desk.site.files if "2026-q3-practitioner-services-mue" in path)
    file = desk.site.files[path]
    desk.site.replace_data("2026-q3-practitioner-services-mue", file.data, same_validators=True)
    desk.site.files[path] = replace(desk.site.files[path], false_etag='"another"')
    again = desk.fetch()
    assert (str(again.release), news(again)["mue"], again.reissued) == ("2026q3", "fetched", [])
    assert {name: data for name, data in desk.contents().items() if name.startswith("downloads")} == before
    assert set(news(desk.fetch()).values()) == {"unchanged"}


def test_without_an_acceptance_gated_files_are_left_out_and_nothing_is_pinned(desk):
    fetch_result = desk.fetch(accepted=False)
    assert [file.part for file in fetch_result.not_fetched] == [1, 2]
    assert fetch_result.not_fetched[0].license_page.startswith(
        f"{desk.site.origin}/license/ama?file=/files/zip/medicare"
    )
    assert not [path for path in desk.site.downloads() if "ccipra" in path]
    assert not desk.folder.lock.exists()
    assert len(desk.contents()) == 7
    count = len(desk.site.downloads())
    assert news(desk.fetch())["ptp"] == "fetched"
    assert [path for path in desk.site.downloads()[count:] if "ccipra" not in path] == []


def test_the_edits_of_other_audiences_are_fetched_when_asked_for(desk):
    publications = {file.pinned.publication for file in desk.fetch(also=("outpatient", "dme")).files}
    assert {"ptp_outpatient", "mue_outpatient", "mue_dme"} <= publications
    assert str(desk.fetch().release) == "2026q3"


def test_the_latest_release_is_the_newest_that_is_posted_whole(desk):
    desk.site.post("2026q4")
    desk.site.withdraw("2026-q4-practitioner-services-mue")
    with desk.connect() as connection:
        assert latest_release(PageReader(connection, desk.messages.append)) == Release(2026, 3)
    assert "2026q4 is not whole yet: no mue" in desk.messages
    desk.site.post("2026q4")
    with desk.connect() as connection:
        assert latest_release(PageReader(connection, desk.messages.append)) == Release(2026, 4)


def test_a_release_that_is_not_posted_is_reported_with_all_that_is_lacking(desk):
    with pytest.raises(NotPosted, match=r"do not list 2027q1:(.|\n)*mpfs(.|\n)*ptp(.|\n)*mue(.|\n)*2026q2, 2026q3"):
        desk.fetch("2027q1")
    assert desk.contents() == {}


def test_what_a_page_lists_no_more_is_fetched_from_where_it_was_pinned(desk):
    """CMS's page of edits keeps two quarters."""
    desk.fetch("2026q2")
    desk.site.post("2026q4")
    again = desk.fetch("2026q2")
    assert str(again.release) == "2026q2"
    assert any("ptp: no longer listed for 2026q2; taken from where it was pinned" in note for note in again.notes)


def test_a_second_fetch_of_the_release_at_the_same_time_is_refused(desk):
    work = desk.folder.work(Release(2026, 3))
    work.mkdir(parents=True)
    with FileLock(work.with_name(work.name + ".lock")), pytest.raises(WrongUse, match="is under way"):
        desk.fetch()


def test_a_label_that_counts_other_records_than_the_file_has_is_reported(desk):
    for path, file in desk.site.files.items():
        if "2026q3-practitioner" in path and file.gated:
            desk.site.files[path] = replace(file, label=file.label.replace("9,386", "9,387"))
    notes = desk.fetch().notes
    assert len(notes) == 2
    assert "9,386 edits, but the link on" in notes[0]


def test_the_manifest_tells_where_each_file_was_fetched(desk_with_release):
    snapshot = desk_with_release.store.open("2026q3")
    urls = {source.url for entry in snapshot.manifest.tables.values() for source in entry.sources}
    pinned_urls = {pin.url for pin in locks.read(desk_with_release.folder.lock).pinned(Release(2026, 3))}
    assert urls == {url for url in pinned_urls if "additions-deletions" not in url and "policy-manual" not in url}


def test_a_fetched_release_holds_the_facts_that_were_posted(desk_with_release):
    """17003: MUE 13, MAI 2 (DOMAIN section 9.3); 99213: work 1.30 in RVU26C."""
    snapshot = desk_with_release.store.open("2026q3")
    assert (snapshot.mue("17003")["mue_value"], snapshot.mue("17003")["mai"]) == (13, 2)
    assert str(snapshot.mpfs("99213")["work_rvu"]) == "1.30"
    assert snapshot.table("ptp").height == 18772


def test_add_on_edits_that_cms_did_not_post_anew_are_carried_forward(desk_with_release):
    desk_with_release.site.post("2026q4")
    assert seal_release(desk_with_release, "2026q4").manifest.tables["add_on"].carried_from == "2026q3"


def test_what_is_to_be_carried_forward_must_be_in_the_store(desk):
    seal_release(desk, "2026q2")
    desk.site.post("2026q4")
    with pytest.raises(StoreProblem, match=r"those of 2026q3 are in force, but the newest .* is of 2026q2"):
        seal_release(desk, "2026q4")
    assert [str(release) for release in desk.store.releases()] == ["2026q2"]


def test_a_reissue_is_sealed_as_the_revision_that_the_lock_says(desk_with_release):
    desk_with_release.site.reissue("2026q3")
    again = seal_release(desk_with_release, "2026q3")
    assert (str(again.release), again.mue("17003")["mue_value"]) == ("2026q3r1", 14)
    assert desk_with_release.store.open("2026q3").mue("17003")["mue_value"] == 13


def test_a_reissue_is_the_same_revision_in_a_store_that_lacks_the_first(desk):
    desk.fetch()
    desk.site.reissue("2026q3")
    assert str(seal_release(desk, "2026q3").release) == "2026q3r1"


def compare_with_report(desk, label: str):
    fetch_result = desk.fetch(label)
    snapshot = build_fetched(fetch_result, desk.store).sealed.snapshot
    return compare_report(fetch_result, snapshot, desk.store)


def test_cms_s_change_report_agrees_with_our_difference(desk_with_release):
    """2026q4 of the site ends 11102/17000, begins 11402/12031, and gives 11102/11200 a CCMI of 0."""
    desk_with_release.site.post("2026q4")
    comparison = compare_with_report(desk_with_release, "2026q4")
    assert comparison.agrees
    assert comparison.says.endswith("our difference of 2026q3 and 2026q4: 1 added, 1 removed, 1 changed")


def test_a_disagreement_is_reported_row_by_row(desk_with_release):
    desk_with_release.site.post("2026q4")
    unchanged_file = next(file for file in quarter(Release(2026, 3)) if file.kind == "ptp_changes")
    desk_with_release.site.replace_data("2026q4-practitioner-quarterly", unchanged_file.data)
    comparison = compare_with_report(desk_with_release, "2026q4")
    assert not comparison.agrees
    assert [str(disagreement) for disagreement in comparison.disagreements] == [
        "11402/12031 added: CMS's report: not there; our difference: CCMI 1",
        "11102/17000 removed: CMS's report: not there; our difference: CCMI 1",
        "11102/11200 changed: CMS's report: not there; our difference: CCMI 0",
    ]


def test_without_the_quarter_before_nothing_is_compared_and_that_is_said(desk):
    assert "the store holds no edits of 2026q2" in compare_with_report(desk, "2026q3").says


def test_what_is_locked_is_fetched_without_reading_a_page(desk_with_release):
    desk_with_release.site.fault("layout", "/medicare/")
    shutil.rmtree(desk_with_release.folder.path)
    count = len(desk_with_release.site.requests)
    fetch_result = desk_with_release.fetch("2026q3", locked=True)
    assert {request.path.partition("/files/")[0] for request in desk_with_release.site.requests[count:]} == {
        "/robots.txt",
        "",
    }
    assert {file.news for file in fetch_result.files} == {"fetched"}
    assert not build_fetched(fetch_result, desk_with_release.store).sealed.new


def test_other_bytes_than_the_locked_ones_are_refused(desk_with_release):
    desk_with_release.site.reissue("2026q3")
    shutil.rmtree(desk_with_release.folder.path)
    before = desk_with_release.contents()
    with pytest.raises(BadInput, match=r"mue-table.zip: sha256 \w+, but the lock pins \w+(.|\n)*without --locked"):
        desk_with_release.fetch("2026q3", locked=True)
    assert desk_with_release.contents() == before


def test_a_release_that_is_not_locked_is_reported(desk_with_release):
    with pytest.raises(NotPosted, match="the lock does not pin 2026q2; it pins: 2026q3"):
        desk_with_release.fetch("2026q2", locked=True)


def test_a_locked_release_carries_forward_what_the_lock_had_before_it(desk_with_release):
    desk_with_release.site.post("2026q4")
    build_fetched(desk_with_release.fetch("2026q4"), desk_with_release.store)
    before = desk_with_release.contents()
    shutil.rmtree(desk_with_release.store.path / "2026q4")
    build_fetched(desk_with_release.fetch("2026q4", locked=True), desk_with_release.store)
    assert desk_with_release.contents() == before


def test_what_is_locked_and_here_is_not_asked_for(desk_with_release):
    """So a release is rebuilt from its files after CMS has taken them away."""
    desk_with_release.site.files.clear()
    assert {file.news for file in desk_with_release.fetch("2026q3", locked=True).files} == {"unchanged"}
    assert desk_with_release.site.downloads() == []


def test_codes_and_zip_codes_are_sealed_with_a_release_where_cms_posts_them(desk_with_release):
    tables = desk_with_release.store.open("2026q3").manifest.tables
    assert {"hcpcs_level2", "modifier", "zip_locality"} <= set(tables)


def test_a_release_is_complete_without_what_is_optional(desk):
    desk.site.fault("gone", "payment/fee-schedules$")
    desk.site.fault("gone", "quarterly-update$")
    fetch_result = desk.fetch()
    assert [note.partition(" is left out")[0] for note in fetch_result.notes] == ["hcpcs", "zip_locality"]
    tables = build_fetched(fetch_result, desk.store).sealed.snapshot.manifest.tables
    assert not {"hcpcs_level2", "modifier", "zip_locality"} & set(tables)


def test_what_is_optional_and_not_posted_anew_is_carried_forward(desk_with_release):
    desk_with_release.site.post("2026q4")
    desk_with_release.site.withdraw("october-2026-alpha-numeric")
    entries = build_fetched(desk_with_release.fetch("2026q4"), desk_with_release.store).sealed.snapshot.manifest.tables
    assert [entries[table].carried_from for table in ("hcpcs_level2", "modifier")] == ["2026q3", "2026q3"]
    assert entries["zip_locality"].carried_from is None


def test_what_is_optional_is_not_carried_from_a_release_that_the_store_lacks(desk):
    desk.site.withdraw("july-2026-alpha-numeric")
    tables = build_fetched(desk.fetch("2026q3"), desk.store).sealed.snapshot.manifest.tables
    assert "hcpcs_level2" not in tables
