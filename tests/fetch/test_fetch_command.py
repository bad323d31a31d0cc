"""`codeset fetch`, `watch` and `build --fetch` as a user runs them: what they print, leave and end with."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from cms_files.render import zip_of
from rich.console import Console

from codeset import cli
from codeset.cli import fetch_output
from codeset.schemas import faults_of

NAME = "A. Person"


@pytest.fixture
def run(cms_site, tmp_path, monkeypatch, capfd):
    """Run the command in this process; return its exit code and what it printed."""
    monkeypatch.setenv("CODESET_STORE", str(tmp_path))

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["codeset", *arguments])
        with pytest.raises(SystemExit) as system_exit:
            cli.main()
        output = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, system_exit.value.code or 0, output.out, output.err)

    return command


def test_without_an_acceptance_the_command_says_what_to_do_by_hand(run, tmp_path):
    result = run("fetch", "2026q3")
    assert result.returncode == 2
    assert "only a person can accept it" in result.stderr
    assert (
        "/license/ama?file=/files/zip/medicare-ncci-2026q3-practitioner-ptp-edits-ccipra-v322r0-f1.zip" in result.stderr
    )
    assert f"codeset build 2026q3 --from {tmp_path}/downloads/2026q3 --from" in result.stderr
    assert "fetched    mue 2026-07-01" in result.stdout


def test_what_a_person_downloaded_completes_what_was_fetched(run, cms_site, tmp_path):
    by_hand = tmp_path / "by-hand"
    by_hand.mkdir()
    for path, file in cms_site.files.items():
        if "2026q3-practitioner-ptp-edits" in path:
            (by_hand / path.rpartition("/")[2]).write_bytes(file.data)
    result = run("build", "2026q3", "--fetch", "--from", str(by_hand))
    assert result.returncode == 0
    assert "ptp v322r0" in result.stdout
    assert not (tmp_path / "licences.json").exists()
    assert not [path for path in cms_site.downloads() if "ccipra" in path]


def test_an_acceptance_is_recorded_with_name_and_time_and_holds_for_later_runs(run, tmp_path):
    assert run("fetch", "2026q3", "--accept-ama-license", NAME).returncode == 0
    record = json.loads((tmp_path / "licences.json").read_text())
    assert faults_of(record, "licences") == []
    assert [acceptance["accepted_by"] for acceptance in record["acceptances"]] == [NAME]
    assert run("fetch", "2026q2").returncode == 0
    assert json.loads((tmp_path / "licences.json").read_text()) == record


@pytest.mark.parametrize("option", ["--accept-ama-license", "--accept-ama-licence"])
def test_nobody_accepts_a_license_without_a_name_however_the_option_is_spelled(run, option):
    for arguments in ((option, " "), (f"{option}= ",)):
        result = run("fetch", "2026q3", *arguments)
        assert result.returncode == 2
        assert "accepted by a person" in result.stderr


def test_help_shows_the_american_spelling_only(run):
    help_text = run("fetch", "--help").stdout
    assert "--accept-ama-license" in help_text
    assert "--accept-ama-licence" not in help_text


def test_fetch_tells_pages_and_links_and_what_became_of_each_file(run, cms_site):
    result = run("fetch", "--latest", "--accept-ama-license", NAME)
    assert result.returncode == 0
    assert "the newest release that is posted whole is 2026q3" in result.stderr
    assert (
        f"reading {cms_site.origin}/medicare/payment/fee-schedules/physician/pfs-relative-value-files/rvu26c"
        in result.stderr
    )
    assert "  rvu26c: rvu26c-updated-06-11-2026.zip" in result.stderr
    again = run("fetch", "--latest", "--json")
    assert {file["news"] for file in json.loads(again.stdout)["files"]} == {"unchanged"}


def test_a_folder_and_a_lock_may_be_named(run, tmp_path):
    into, lock = tmp_path / "cms", tmp_path / "repository" / "sources.lock.json"
    options = ("--into", str(into), "--lock", str(lock), "--also", "outpatient,dme")
    assert run("fetch", "2026q3", *options, "--accept-ama-license", NAME).returncode == 0
    assert len(list((into / "2026q3").iterdir())) == 13
    assert faults_of(json.loads(lock.read_text()), "sources") == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("fetch",), "name a release, or --latest"),
        (("fetch", "2026q3", "--latest"), "name a release, or --latest"),
        (("fetch", "2026q3", "--also", "dentists"), "dentists is none of outpatient, dme"),
        (("fetch", "2026-q3"), "is not a release"),
        (("build", "2026q3", "--fetch", "--embedded"), "--fetch or --embedded"),
    ],
)
def test_wrong_use_is_reported(run, arguments, says):
    result = run(*arguments)
    assert (result.returncode, says in result.stderr) == (2, True), result.stderr


def test_the_whole_way_of_a_quarter(run, cms_site, tmp_path):
    """Found by watch, built, compared with CMS's own report; then nothing is new; then a re-issue is."""
    assert run("build", "2026q3", "--fetch", "--accept-ama-license", NAME).returncode == 0
    cms_site.post("2026q4")
    watch_run = run("watch", "--on", "2026-10-01", "--json")
    assert watch_run.returncode == 1
    assert {news_item["release"] for news_item in json.loads(watch_run.stdout)["news"]} == {"2026q4"}
    build_run = run("build", "2026q4", "--fetch", "--json")
    assert build_run.returncode == 0
    build_result = json.loads(build_run.stdout)
    assert (build_result["new"], build_result["missing"], build_result["change_report"]["sound"]) == (True, [], True)
    assert build_result["fetched"]["last_posted"] == {"aoc": "2026q3"}
    quiet = run("watch", "--on", "2026-10-02")
    assert (quiet.returncode, quiet.stdout) == (0, "nothing new\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert run("build", "2026q4", "--fetch").returncode == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    cms_site.reissue("2026q4")
    assert "re-posted" in run("watch", "--on", "2026-10-02").stdout
    again = run("build", "2026q4", "--fetch")
    assert "New revision 2026q4r1" in again.stdout
    assert "CMS has posted other bytes than those pinned: medicare-ncci-2026-q4-practitioner" in again.stdout


def test_a_disagreement_with_cms_s_report_ends_with_1_and_is_reported(run, cms_site):
    assert run("build", "2026q2", "--fetch", "--accept-ama-license", NAME).returncode == 0
    head = "Column 1\tColumn 2\tModifier Indicator\n"
    rows = {"Additions": "11402\t12031\t1\n", "Deletions": "", "CCMIChgs": ""}
    report = zip_of(
        {f"MCR_NCCI_{name}_Eff_07-01-2026.txt": (head + row_text).encode() for name, row_text in rows.items()}
    )
    cms_site.replace_data("2026q3-practitioner-quarterly", report)
    result = run("build", "2026q3", "--fetch")
    assert result.returncode == 1
    assert "11402/12031 added: CMS's report: CCMI 1; our difference: not there" in result.stdout


def test_a_changed_page_ends_with_3_and_is_kept(run, cms_site, tmp_path):
    cms_site.fault("layout", "medically-unlikely-edits")
    result = run("watch")
    assert result.returncode == 3
    assert "Looked for: medically unlikely edits, practitioner" in result.stderr
    (page,) = (tmp_path / "pages").iterdir()
    assert page.name.startswith("mue-")
    assert str(page) in result.stderr.replace("\n", "")
    assert b"<cms-download>" in page.read_bytes()


def test_a_site_that_is_not_there_ends_with_5(run, monkeypatch):
    monkeypatch.setenv("CODESET_CMS_SITE", "http://127.0.0.1:9")
    monkeypatch.setattr("codeset_ingest.cms_site.http.time.sleep", lambda _: None)
    result = run("watch")
    assert result.returncode == 5
    assert "the connection failed" in result.stderr


def test_progress_is_shown_by_file_and_in_all_where_somebody_watches():
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with fetch_output.download_progress(console) as (report_progress, count):
        report_progress("reading a page")
        count("first.zip", 1_000_000, 2_000_000)
        count("second.zip", 500_000, None)
    screen_text = screen.getvalue()
    assert [
        text for text in ("reading a page", "in all", "1.5/?", "first.zip", "1.0/2.0") if text not in screen_text
    ] == []


@pytest.mark.parametrize("command", ["fetch", "watch"])
def test_help_tells_the_exit_codes(run, command):
    help_text = " ".join(run(command, "--help").stdout.replace("│", " ").split())
    assert "Exit codes: 0" in help_text


def test_the_site_can_be_started_by_hand(tmp_path):
    folder = Path(__file__).parents[1]
    command = [sys.executable, "-m", "cms_site", "--port", "0", "--post", "2026q3"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            first = process.stdout.readline()
            process.terminate()
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert first.startswith("A stand-in for cms.gov is at http://127.0.0.1:"), errors
    assert (process.returncode, errors) == (0, "")
