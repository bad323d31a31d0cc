"""The command as a user runs it: what it prints and its exit codes, on the embedded releases."""

import json
import os
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from command_line import run_codeset as run

from codeset.schemas import faults_of


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    for release in ("2025q4", "2026q3"):
        assert run("build", release, "--embedded", "--store", folder).returncode == 0
    return folder


def in_a_process_of_its_own(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command in another process, with more threads than this one has in `make test`."""
    command = [sys.executable, "-m", "codeset.cli", *map(str, arguments)]
    environment = {**os.environ, "POLARS_MAX_THREADS": "3"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=240)


def json_of(*arguments: object) -> object:
    return json.loads(run(*arguments).stdout)


def test_help_names_the_commands_and_the_exit_codes():
    help_text = run("--help").stdout
    assert all(command in help_text for command in ("build", "list", "show", "edits", "verify", "diff", "export"))
    assert "3 = input that cannot be read" in " ".join(help_text.replace("│", " ").split())


@pytest.mark.parametrize("arguments", [("list",), ("diff", "2025q4", "2026q3"), ("verify", "2031q1")])
def test_a_process_of_its_own_prints_and_ends_as_the_command_does_in_this_one(store, arguments):
    """The other tests run the command in their own process: exit codes 0, 1 and 4, output and errors are the same."""
    here, there = (command(*arguments, "--store", store) for command in (run, in_a_process_of_its_own))
    assert (here.returncode, here.stdout, here.stderr) == (there.returncode, there.stdout, there.stderr)


def test_the_same_build_again_says_that_nothing_was_written(store):
    again = run("build", "2026q3", "--embedded", "--store", store)
    assert again.returncode == 0
    assert "sealed from these very files already; nothing was written" in again.stdout
    assert json_of("build", "2026q3", "--embedded", "--store", store, "--json")["new"] is False


def test_list_names_editions_and_what_was_carried_forward(store):
    releases = json_of("list", "--store", store, "--json")
    assert [release["release"] for release in releases] == ["2025q4", "2026q3"]
    assert releases[1]["tables"]["ptp"]["carried_from"] == "2024q3"
    assert releases[1]["tables"]["mpfs"]["edition"] == "rvu26c"
    assert "derm scope only" in run("list", "--store", store).stdout


def test_an_empty_store_is_no_success(tmp_path):
    listing = run("list", "--store", tmp_path / "none")
    assert (listing.returncode, "holds no release yet" in listing.stderr) == (4, True)
    as_json = run("list", "--store", tmp_path / "none", "--json")
    assert (as_json.returncode, json.loads(as_json.stdout)) == (4, [])


def test_show_gives_figures_and_amounts_of_a_code(store):
    """99213: 88.95 in 2025 and 95.19 in 2026, non-facility (DOMAIN section 8, from RVU25D and RVU26C)."""
    code_facts = json_of("show", "99213", "--store", store, "--json")
    amounts = [
        (of_release["release"], amount["cents"])
        for of_release in code_facts
        for amount in of_release["modifiers"][0]["amounts"]
        if amount["setting"] == "nonfacility"
    ]
    assert amounts == [("2025q4", 8895), ("2026q3", 9519)]
    page = run("show", "99213", "--release", "2026q3", "--store", store)
    assert page.returncode == 0
    assert "95.19" in page.stdout


def test_show_gives_mue_add_on_relations_and_counts_of_edits(store):
    code_facts = json_of("show", "17003", "--release", "2026q3", "--store", store, "--json")[0]
    assert (code_facts["mue"]["mue_value"], code_facts["mue"]["mai"]) == (13, 2)
    assert code_facts["add_on_to"] == ["17000"]
    assert code_facts["edits_as_column_two"] > 0


def test_a_release_is_taken_in_capitals_too(store):
    assert json_of("show", "11102", "--release", "2026Q3", "--store", store, "--json")[0]["release"] == "2026q3"
    assert "2026q3 is as it was sealed" in run("verify", "2026Q3", "--store", store).stdout


def test_localities_are_looked_up_by_name_and_state(store):
    """Manhattan: GPCIs 1.064, 1.162 and 1.586 in CMS's file of 2026; Washington has two localities."""
    localities = json_of("localities", "manhattan", "--store", store, "--json")["localities"]
    assert [(row["mac"], row["locality"], row["work_gpci"]) for row in localities] == [("13202", "01", "1.064")]
    page = run("localities", "WA", "--store", store)
    assert (page.returncode, "02402-02" in page.stdout, "REST OF WASHINGTON" in page.stdout) == (0, True, True)
    assert run("localities", "Atlantis", "--store", store).returncode == 1


def test_claims_take_a_locality_by_name_and_refuse_one_of_several(store, tmp_path):
    claims = tmp_path / "claims.csv"
    claims.write_text(
        "claim_id,line,beneficiary,provider,date_of_service,hcpcs,modifiers,units,place_of_service\n"
        "A,1,B,P,2026-07-06,99213,,1,11\n"
    )
    arguments = ("adjudicate", claims, "--qualifying-apm", "no", "--format", "json", "--store", store, "--locality")
    by_name, by_number = (run(*arguments, locality) for locality in ("Manhattan", "13202-01"))
    assert by_name.returncode == 0, by_name.stderr
    assert by_name.stdout == by_number.stdout
    result = run(*arguments, "New York")
    assert (result.returncode, "13202-03" in result.stderr) == (2, True)


@pytest.mark.parametrize("output", ["out.csv", "out/"])
def test_a_claim_set_aside_leaves_no_clean_run(store, tmp_path, output):
    """It has no answer: who asked to set claims aside is told by exit code 1, at once and in bulk."""
    claims = tmp_path / "claims.csv"
    header = "claim_id,line,beneficiary,provider,date_of_service,hcpcs,modifiers,units,place_of_service,locality\n"
    good = "A1,1,B,P,2026-07-06,99213,,1,11,national\n"
    arguments = ("adjudicate", claims, "--qualifying-apm", "no", "--on-bad-claim", "skip", "--store", store, "-o")
    claims.write_text(header + good)
    (tmp_path / "whole").mkdir()
    assert run(*arguments, tmp_path / "whole" / output).returncode == 0
    claims.write_text(header + good + "A2,1,B2,P,2026-07-06,9921,,1,11,national\n")
    result = run(*arguments, tmp_path / output)
    assert (result.returncode, "1 claim set aside" in result.stdout + result.stderr) == (1, True)


def test_a_code_outside_the_excerpt_is_unknown_not_absent(store):
    page = run("show", "27447", "--release", "2026q3", "--store", store)
    assert page.returncode == 1
    assert "unknown: derm scope only" in page.stdout


def test_edits_show_both_directions_of_a_pair(store):
    """17004 > 17000 has CCMI 0 (NCCI v30.2); the order in which the codes are given does not matter."""
    answer = json_of("edits", "17000", "17004", "--store", store, "--json")
    assert [(row["column_one"], row["column_two"], row["ccmi"]) for row in answer["edits"]] == [("17004", "17000", 0)]


def test_a_pair_without_an_edit_is_no_permission(store):
    page = run("edits", "11402", "12031", "--store", store)
    assert page.returncode == 0
    assert "No PTP edit found between 11402 and 12031. That does not by itself mean both are payable." in page.stdout


def test_a_date_that_no_release_covers_is_unknown(store):
    assert json_of("edits", "17000", "17004", "--on", "2026-09-30", "--store", store, "--json")["answer"] == "listed"
    page = run("edits", "17000", "17004", "--on", "2026-10-01", "--store", store)
    assert page.returncode == 1
    assert "unknown" in page.stdout


def test_verify_ends_with_1_when_a_byte_changed(tmp_path):
    run("build", "2026q3", "--embedded", "--store", tmp_path)
    assert run("verify", "2026q3", "--store", tmp_path).returncode == 0
    file = tmp_path / "2026q3" / "mue.parquet"
    file.write_bytes(file.read_bytes() + b"x")
    verification = run("verify", "2026q3", "--store", tmp_path, "--json")
    assert verification.returncode == 1
    assert json.loads(verification.stdout)["differences"][0].startswith("mue.parquet: sha256")


def test_diff_ends_with_1_on_changes_and_0_on_none(store):
    assert run("diff", "2025q4", "2026q3", "--store", store).returncode == 1
    same = run("diff", "2026q3", "2026q3", "--store", store)
    assert same.returncode == 0
    assert "**No change.** Compared: 399 rows of fee schedule" in same.stdout


def test_the_report_of_the_annual_update_says_what_cms_changed(store):
    """Figures of RVU25D and RVU26C (DOMAIN section 8)."""
    report = run("diff", "2025q4", "2026q3", "--store", store).stdout
    assert "| non-QP | 32.3465 | 33.4009 | +3.26% |" in report
    assert "| 11102 | biopsies | office | $95.75 | $95.53 | −$0.22 | −0.2% |" in report
    assert "| 14040 | tissue transfer and grafts | facility | $611.35 | $546.10 |" in report
    assert "no global days changed" in report
    assert "NCCI PTP edits: both quarters use the July 2024 file" in report


def test_two_runs_give_the_same_report_to_the_byte(store, tmp_path):
    for form in ("md", "json", "xlsx"):
        one, two = tmp_path / f"1.{form}", tmp_path / f"2.{form}"
        for command, file in ((run, one), (in_a_process_of_its_own, two)):
            command("diff", "2025q4", "2026q3", "--format", form, "-o", file, "--store", store)
        assert one.read_bytes() == two.read_bytes(), form


def test_the_json_report_keeps_its_schema(store):
    report = json_of("diff", "2025q4", "2026q3", "--format", "json", "--store", store)
    assert faults_of(report, "changes") == []
    assert {"hcpcs": "11102", "modifier": "", "column": "work_rvu", "before": "0.66", "after": "0.64"} in report[
        "tables"
    ]["mpfs"]["changed"]


def test_the_workbook_opens_with_numbers_as_numbers(store, tmp_path):
    run("diff", "2025q4", "2026q3", "--format", "xlsx", "-o", tmp_path / "changes.xlsx", "--store", store)
    book = openpyxl.load_workbook(tmp_path / "changes.xlsx")
    row = next(
        row
        for row in book["payments"].iter_rows(min_row=2, values_only=True)
        if row[0] == "11102" and row[3] == "office"
    )
    assert row[5:8] == (95.75, 95.53, -0.22)
    assert not any(cell.data_type == "f" for sheet in book for cells in sheet.iter_rows() for cell in cells)


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_export_writes_a_file_for_each_table_and_overwrites_nothing(store, tmp_path, form):
    assert run("export", "2026q3", tmp_path, "--format", form, "--store", store).returncode == 0
    assert sorted(path.name for path in (tmp_path / "2026q3").iterdir()) == [
        f"{table}.{form}"
        for table in ("add_on", "code_facts", "diagnosis", "diagnosis_replacement", "gpci", "mpfs", "mue", "ptp")
    ]
    again = run("export", "2026q3", tmp_path, "--format", form, "--store", store)
    assert again.returncode == 4
    assert "is there already; nothing was written" in again.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["2026q3"]


def test_exported_figures_are_exact(store, tmp_path):
    run("export", "2026q3", tmp_path, "--format", "csv", "--store", store)
    line = next(
        row for row in (tmp_path / "2026q3" / "gpci.csv").read_text().splitlines() if row.startswith("02102,01")
    )
    assert line == "02102,01,AK,ALASKA,1.500,1.065,0.551"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("build", "2026q3"), 2, "Add --from FOLDER, --fetch or --embedded"),
        (("build", "26q3", "--embedded"), 2, '"26q3" is not a release'),
        (("build", "2026q3", "--from", "/nowhere/rvu.zip"), 3, "/nowhere/rvu.zip: there is no such file or folder"),
        (("build", "2026q3", "--from", "pyproject.toml", "--carry", "ptp"), 2, '"" is not a release'),
        (("diff", "2026q3", "2031q1"), 4, "holds no 2031q1; it holds: 2025q4, 2026q3"),
        (("diff", "2025q4", "2026q3", "--format", "xlsx"), 2, "name a file with -o"),
        (("diff", "2025q4", "2026q3", "--scope", "skin"), 2, "'skin' is not one of 'derm', 'all'"),
        (("verify", "2031q1"), 4, "holds no 2031q1"),
        (("edits", "17000"), 2, "Missing argument"),
        (("show", "1110"), 2, "HCPCS codes have five characters"),
        (("show", "11102-59"), 2, "HCPCS codes have five characters"),
        (("edits", "17000", "100"), 2, "HCPCS codes have five characters"),
        (("localities", "--release", "2031q1"), 4, "holds no 2031q1"),
        (("localities", "10001"), 2, "2026q3 holds no ZIP code table"),
        (("build", "2026q3", "--from", "pyproject.toml"), 3, "is not a CMS file we recognize. (Expected: PPRRVU"),
    ],
)
def test_each_kind_of_failure_has_its_exit_code_and_says_what_to_do(store, arguments, code, says):
    result = run(*arguments, "--store", store)
    assert result.returncode == code
    assert says in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.stderr


def test_an_empty_store_option_is_refused_and_a_stray_folder_is_reported(tmp_path):
    """An empty variable of a script would otherwise name the folder that the command runs in."""
    result = run("list", "--store", "")
    assert (result.returncode, "is empty" in result.stderr) == (2, True)
    (tmp_path / "2026q3-old").mkdir()
    (tmp_path / "2026q3-old" / "manifest.json").write_text("{}")
    assert "Not named as a release, so not read: 2026q3-old" in run("list", "--store", tmp_path).stderr


def test_a_store_that_is_a_file_is_reported_with_the_store_s_exit_code(tmp_path):
    (tmp_path / "store").write_text("")
    result = run("list", "--store", tmp_path / "store")
    assert (result.returncode, "is a file; expected the folder of a store" in result.stderr) == (4, True)
