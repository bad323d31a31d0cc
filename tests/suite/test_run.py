"""The suite on releases: what is said against what is expected, and against what was accepted."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from command_line import run_codeset
from practice import SCENARIOS, practice

from codeset.errors import WrongUse
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.suite.check_release import accept_missing, check_release, short_check_messages
from codeset.suite.compare_outcomes import changed_outcomes
from codeset.suite.pairs import Pairs, adjudicate_pairs, changed_pairs
from codeset.suite.run_suite import run_suite
from codeset.suite.scenarios import load


@pytest.fixture(scope="module")
def snapshot(embedded: Store) -> Snapshot:
    return embedded.open("2026q3")


def test_a_coder_who_is_contradicted_is_reported_with_line_and_field(tmp_path, snapshot):
    wrong = SCENARIOS.replace("disposition: deny, edit: ptp, ccmi: 0", "disposition: review, edit: ptp, ccmi: 1")
    failed_results = run_suite(load(practice(tmp_path, wrong)), snapshot).failed
    assert [result.failures for result in failed_results] == [
        ("line 2 (17000), disposition: expected review, found deny", "line 2 (17000), ccmi: expected 1, found 0")
    ]


@pytest.mark.parametrize(
    ("days", "disposition"), [("date_of_service: 2026-06-30", "unknown"), ("date_of_service: 2026-07-01", "pay")]
)
def test_a_date_outside_the_quarter_is_unknown(tmp_path, snapshot, days, disposition):
    text = SCENARIOS.replace("  claim: {lines: [{hcpcs: 17004}]}", f"  {days}\n  claim: {{lines: [{{hcpcs: 17004}}]}}")
    result = run_suite(load(practice(tmp_path, text)), snapshot).results[0]
    assert [line["disposition"] for line in result.lines] == [disposition]


def test_dated_rows_answer_for_dates_beyond_the_quarter_where_a_scenario_asks(tmp_path, snapshot):
    """11042 > 17000 replaced 17000 > 11042, whose last active day is 2019-03-31 (the PTP rows' own dates)."""
    text = """\
- id: debridement-last-day
  says: The last active day of a deleted edit still denies
  source: {document: NCCI PTP practitioner, row: 17000/11042, deletion_date: 2019-03-31}
  date_of_service: DAY
  beyond_quarter: yes
  claim: {lines: [{hcpcs: 17000, modifiers: [59]}, {hcpcs: 11042}]}
  expect: {lines: [{disposition: pay}, {disposition: pay}]}
"""
    rows = snapshot.ptp("17000", "11042")
    assert [str(row["deletion_date"]) for row in rows] == ["2019-03-31"]
    column_one_codes = {}
    for day in ("2019-03-31", "2019-04-01"):
        place = practice(tmp_path / day, text.replace("DAY", day))
        column_one_codes[day] = [
            {finding["column_one"] for finding in line["findings"] if finding["edit"] == "ptp"}
            for line in run_suite(load(place), snapshot).results[0].lines
        ]
    assert "17000" in column_one_codes["2019-03-31"][1]
    assert "17000" not in column_one_codes["2019-04-01"][1]


def test_a_scenario_runs_only_on_quarters_in_which_it_holds(tmp_path, embedded):
    text = SCENARIOS.replace("  twin:", "  holds: {from: 2026-01-01}\n  twin:")
    suite = load(practice(tmp_path, text))
    left_out = {
        label: [one.id for one in run_suite(suite, embedded.open(label)).left_out] for label in ("2025q4", "2026q3")
    }
    assert left_out == {"2025q4": ["destruction-17004-with-17000"], "2026q3": []}


def test_a_release_without_edits_cannot_be_tried(tmp_path, embedded):
    snapshot = embedded.open("2026q3")
    del snapshot.manifest.tables["ptp"]
    with pytest.raises(WrongUse, match="2026q3 holds no ptp"):
        run_suite(load(practice(tmp_path)), snapshot)


def test_accepting_fails_its_run_and_the_next_one_holds(tmp_path, snapshot):
    suite = load(practice(tmp_path))

    def check_again():
        return check_release(suite, snapshot, tmp_path / "golden")

    assert not check_again().holds
    assert not accept_missing(check_again(), tmp_path / "approvals").holds
    assert check_again().holds


def test_what_was_accepted_is_never_written_over(tmp_path, snapshot):
    suite = load(practice(tmp_path))
    accept_missing(check_release(suite, snapshot, tmp_path / "golden"), tmp_path)
    file = tmp_path / "golden" / "2026q3.json"
    changed_goldens = file.read_text().replace('"disposition": "deny"', '"disposition": "review"')
    file.write_text(changed_goldens)
    again = accept_missing(check_release(suite, snapshot, tmp_path / "golden"), tmp_path)
    assert file.read_text() == changed_goldens
    assert again.differing == {"destruction-17004-with-17000": ("line 2, disposition: accepted review, now deny",)}
    assert short_check_messages(again) == [
        "2026q3.json: destruction-17004-with-17000: line 2, disposition: accepted review, now deny",
        f"if the new results are right, remove {file}, then: codeset test 2026q3 --accept",
    ]


def test_a_later_edition_with_the_same_row_is_as_accepted(tmp_path, snapshot):
    """What was accepted is the answer and CMS's row with its dates; each quarter's file has them under another name."""
    suite = load(practice(tmp_path))
    accept_missing(check_release(suite, snapshot, tmp_path / "golden"), tmp_path)
    file = tmp_path / "golden" / "2026q3.json"
    golden_text = file.read_text()
    file.write_text(golden_text.replace('"edition": "ptp v302r0"', '"edition": "ptp v301r0"'))
    assert file.read_text() != golden_text
    assert check_release(suite, snapshot, tmp_path / "golden").holds
    file.write_text(golden_text.replace('"effective_date": "', '"effective_date": "1', 1))
    assert not check_release(suite, snapshot, tmp_path / "golden").holds


def test_a_release_without_diagnoses_holds_what_was_accepted_of_the_rest(tmp_path, embedded):
    """The scenario of a table that the release lacks is left out, and said to be; one that is gone is not."""
    claim = "  claim: {lines: [{hcpcs: 17004}]}"
    place = practice(tmp_path, SCENARIOS.replace(claim, f"  tables: [diagnosis]\n{claim}"))
    golden = tmp_path / "golden"
    accept_missing(check_release(load(place), embedded.open("2026q3"), golden), tmp_path)
    without = embedded.open("2026q3")
    del without.manifest.tables["diagnosis"]
    check = check_release(load(place), without, golden)
    assert (len(check.run.left_out), check.stale, check.holds) == (1, (), True)


def test_what_contradicts_a_coder_is_not_accepted(tmp_path, snapshot):
    wrong = SCENARIOS.replace("disposition: deny, edit: ptp, ccmi: 0", "disposition: pay")
    release_check = check_release(load(practice(tmp_path, wrong)), snapshot, tmp_path / "golden")
    with pytest.raises(WrongUse, match="what contradicts a coder cannot be accepted: destruction-17004-with-17000"):
        accept_missing(release_check, tmp_path)
    assert not (tmp_path / "golden").exists()


def test_amounts_alone_make_no_changed_outcome(tmp_path, embedded):
    """161.73 in 2025, 162.33 in 2026 (national, non-facility): the fee schedule moved, the claim's outcome did not."""
    suite = load(practice(tmp_path))
    changes = changed_outcomes(*(run_suite(suite, embedded.open(label)) for label in ("2025q4", "2026q3")))
    assert (changes.compared, changes.changed, changes.amounts_only) == (2, (), 2)


@pytest.fixture(scope="module")
def pairs_of(embedded: Store) -> Callable[[str], Pairs]:
    """Every pair of codes of a release, tried once."""
    return cache(lambda label: adjudicate_pairs(embedded.open(label)))


def test_every_pair_of_derm_codes_is_tried_in_three_ways(snapshot, pairs_of):
    """What the fee schedule has of the scope: n codes, n (n - 1) / 2 pairs, with XS nowhere, on one, on the other."""
    derm_pairs = pairs_of("2026q3")
    n = snapshot.scan("mpfs").select(pl.col("hcpcs").n_unique()).collect().item()
    assert derm_pairs.alone.height == n
    assert derm_pairs.cases.height == 3 * n * (n - 1) // 2
    assert derm_pairs.cases.select("hcpcs_one", "hcpcs_two", "modifier_on").is_duplicated().sum() == 0
    some = adjudicate_pairs(snapshot, {"17004", "G2211"})
    assert some.cases.equals(derm_pairs.cases.filter(pl.any_horizontal(pl.col("^hcpcs_.*$").is_in(["17004", "G2211"]))))
    assert some.alone.equals(derm_pairs.alone)


@pytest.mark.parametrize(
    ("one", "two", "on", "dispositions"),
    [
        ("17000", "17004", "", ("deny", "pay")),
        ("17000", "17004", "one", ("deny", "pay")),
        ("11102", "17000", "", ("pay", "deny")),
        ("11102", "17000", "one", ("pay", "pay_if_documented")),
        ("11102", "17000", "two", ("pay", "pay_if_documented")),
        ("11402", "12032", "", ("pay", "pay")),
    ],
)
def test_pairs_are_decided_as_their_rows_say(snapshot, one, two, on, dispositions):
    """17004 > 17000 CCMI 0; 11102 > 17000 CCMI 1; no row for 11402 and 12032 (PTP v30.2)."""
    case = adjudicate_pairs(snapshot, {one}).cases.row(
        by_predicate=(pl.col("hcpcs_one") == one) & (pl.col("hcpcs_two") == two) & (pl.col("modifier_on") == on),
        named=True,
    )
    assert (case["disposition_one"], case["disposition_two"]) == dispositions


def test_a_code_that_changes_on_its_own_is_reported_once_and_not_in_every_pair(pairs_of):
    """G2211 has primaries in CMS's add-on file of 2026 (none in 2024's): alone it is denied from then on."""
    changes = changed_pairs(pairs_of("2025q4"), pairs_of("2026q3"))
    assert "G2211" in changes.alone["hcpcs"].to_list()
    assert changes.changed.is_empty()


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=240)


def test_a_projects_own_options_and_tests_are_its_own(tmp_path):
    """Its conftest may define --release, --store and --scenarios, and its yaml files are not collected."""
    practice(tmp_path)
    options = ("--release", "--store", "--scenarios")
    added = "".join(f"    parser.addoption({option!r}, default={option!r})\n" for option in options)
    (tmp_path / "conftest.py").write_text(f"def pytest_addoption(parser):\n{added}")
    (tmp_path / "test_own.py").write_text("def test_own(pytestconfig):\n    assert pytestconfig.getoption('--store')\n")
    collected_output, without = (
        run_pytest(tmp_path, "--collect-only", *options).stdout.splitlines()[:-1]
        for options in ((), ("-p", "no:codeset"))
    )
    assert collected_output[0] == "test_own.py::test_own"
    assert collected_output == without
    assert run_pytest(tmp_path, "--release", "7").returncode == 0


def test_the_ini_file_may_name_scenarios_releases_and_store(tmp_path, embedded):
    place = practice(tmp_path / "practice")
    keys = {"codeset_scenarios": place.relative_to(tmp_path), "codeset_release": "2026q3 2025q4"}
    keys["codeset_store"] = embedded.path
    (tmp_path / "pytest.ini").write_text("[pytest]\n" + "".join(f"{key} = {text}\n" for key, text in keys.items()))
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    collected_output = run_pytest(tmp_path, "--collect-only").stdout
    assert "test_own.py::test_own" in collected_output
    assert "[2026q3]" in collected_output
    assert "[2025q4]" in collected_output
    assert "[2025q4]" not in run_pytest(tmp_path, "--collect-only", "--codeset-release", "2026q3").stdout


def test_the_plugin_tries_another_practices_folder(tmp_path, embedded):
    place = practice(tmp_path)
    accept_missing(check_release(load(place), embedded.open("2026q3"), tmp_path / "golden"), tmp_path)
    (tmp_path / "golden" / "2025q4.json").write_text(
        json.dumps({**json.loads((tmp_path / "golden" / "2026q3.json").read_text()), "release": "2025q4"})
    )
    releases = ("--codeset-release", "2026q3", "--codeset-release", "2025q4")
    result = run_pytest(tmp_path, "--codeset-scenarios", str(place), "--codeset-store", str(embedded.path), *releases)
    assert "2 failed, 2 passed" in result.stdout
    assert "line 1, date_of_service: accepted 2026-07-01, now 2025-10-01" in result.stdout


def test_the_command_tries_accepts_and_holds(tmp_path, embedded, monkeypatch):
    place = practice(tmp_path)
    monkeypatch.chdir(tmp_path)
    arguments = ("test", "2026q3", "--scenarios", place, "--store", embedded.path)
    codes = [run_codeset(*arguments, *more).returncode for more in ((), ("--accept",), ())]
    assert codes == [1, 1, 0]
    assert (Path(tmp_path) / "golden" / "2026q3.json").is_file()
