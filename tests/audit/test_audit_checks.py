"""Every shipped check fires on the pattern that its source names, and is silent on its twin, which is in order."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import openpyxl
import polars as pl
import pytest
from command_line import run_codeset
from hypothesis import given
from hypothesis import strategies as st

from codeset.audit.audit_checks import SHIPPED, chosen_checks, load_checks
from codeset.audit.conditions import BadCondition, parse
from codeset.audit.lint_groups import lint_groups
from codeset.audit.run_audit import Audit, run_audit
from codeset.claims.input.claim_files import read_claims
from codeset.errors import BadInput, WrongUse
from codeset.manifest import Manifest, Source, TableEntry
from codeset.schemas import faults_of
from codeset.snapshot import Snapshot

HEADER = "claim_id,line,beneficiary,provider,date_of_service,hcpcs,modifiers,units,place_of_service,locality,charge"
CHECKS = {check.id: check for check in load_checks(SHIPPED)}
DAY = date(2026, 7, 6)

Line = tuple[str, str, int, int, str]
"""Code, modifiers, units, days after July 6, 2026, and practitioner."""


def line(hcpcs: str, modifiers: str = "", units: int = 1, day: int = 0, provider: str = "p1") -> Line:
    return hcpcs, modifiers, units, day, provider


def mohs(provider: str, cases: int, further: int) -> list[Line]:
    return [line("17311", "", 1, n, provider) for n in range(cases)] + [
        line("17312", "", 1, n, provider) for n in range(further)
    ]


def excisions(provider: str, small: int, large: int) -> list[Line]:
    return [line("11401", "", small, 0, provider), line("11404", "", large, 0, provider)]


PEERS = [*excisions("a", 15, 5), *excisions("b", 16, 4), *excisions("c", 14, 6), *excisions("d", 15, 5)]

TWINS: dict[str, tuple[Sequence[Line], Sequence[Line]]] = {
    # 11102 has 0 global days, 99213 alone none; without 25 the visit is denied, and no trigger.
    "visit-with-25-and-minor-procedure": (
        [line("99213", "25"), line("11102")],
        [line("99213", "25"), line("88305"), line("99214", "", 1, 7), line("11102", "", 1, 7)],
    ),
    "biopsy-with-59-before-mohs": (
        [line("17311"), line("11102", "59")],
        [line("17311"), line("11102", "59", 1, 7)],
    ),
    "pathology-with-mohs": (
        [line("17311"), line("88305", "", 1, 0, "p2")],
        [line("17311"), line("88305", "", 1, 1, "p2")],
    ),
    # 10 cases and 15 further stages are 2.50 stages a case; 14 are 2.40.
    "mohs-stages-above-outlier-bound": (mohs("p1", 10, 15), mohs("p1", 10, 14)),
    "repair-with-small-benign-excision": (
        [line("11420"), line("12041")],
        [line("11421"), line("12041")],
    ),
    # The others' shares of larger sizes are 25, 20, 30 and 25 %: mean 25, deviation 3.54; the bound is 32.1 %.
    "large-sizes-above-peers": ([*PEERS, *excisions("p1", 13, 7)], [*PEERS, *excisions("p1", 14, 6)]),
    "puva-beyond-thirty-days": (
        [line("96912", "", 1, 2 * n) for n in range(31)],
        [line("96912", "", 1, 2 * n) for n in range(30)],
    ),
    # The MUE of 17003 is 13, that of 17000 is 1 (July 2026).
    "units-at-the-mue": ([line("17003", "", 13)], [line("17003", "", 12), line("17000")]),
}


def claims(lines: Sequence[Line], folder: Path) -> pl.DataFrame:
    return read_claims(claims_file(lines, folder))[0]


def claims_file(lines: Sequence[Line], folder: Path) -> Path:
    rows = [
        f"c{day},{n},b,{provider},{DAY + timedelta(days=day)},{hcpcs},{modifiers},{units},11,national,100.00"
        for n, (hcpcs, modifiers, units, day, provider) in enumerate(lines, start=1)
    ]
    file = folder / "claims.csv"
    file.write_text("\n".join([HEADER, *rows]) + "\n")
    return file


@pytest.fixture(scope="module")
def release(embedded) -> Snapshot:
    return embedded.open("2026q3")


def audit_of(check: str, lines: Sequence[Line], release: Snapshot, folder: Path) -> Audit:
    return run_audit(claims(lines, folder), [CHECKS[check]], [release], on_any_date=True)


def test_every_check_has_twins():
    assert TWINS.keys() == CHECKS.keys()


@pytest.mark.parametrize("check", TWINS)
def test_a_check_fires_on_its_pattern(check, release, tmp_path):
    (result,) = audit_of(check, TWINS[check][0], release, tmp_path).results
    assert result.not_run is None
    assert result.flagged
    assert {line.provider for line in result.flagged} <= {"p1", "p2"}


@pytest.mark.parametrize("check", TWINS)
def test_a_check_is_silent_on_its_twin(check, release, tmp_path):
    (result,) = audit_of(check, TWINS[check][1], release, tmp_path).results
    assert (result.not_run, result.flagged) == (None, ())


def test_the_flagged_line_is_the_one_that_the_source_speaks_of(release, tmp_path):
    codes = {
        check: {line.hcpcs for line in audit_of(check, TWINS[check][0], release, tmp_path).results[0].flagged}
        for check in TWINS
    }
    assert codes == {
        "visit-with-25-and-minor-procedure": {"99213"},
        "biopsy-with-59-before-mohs": {"11102"},
        "pathology-with-mohs": {"88305"},
        "mohs-stages-above-outlier-bound": {"17311", "17312"},
        "repair-with-small-benign-excision": {"12041"},
        "large-sizes-above-peers": {"11404"},
        "puva-beyond-thirty-days": {"96912"},
        "units-at-the-mue": {"17003"},
    }


def test_shares_are_of_the_lines_that_a_check_is_about_and_the_trend_is_by_month(release, tmp_path):
    lines = [
        line("99213", "25"),
        line("11102"),
        line("99214", "", 1, 1),
        line("99213", "25", 1, 31),
        line("17000", "", 1, 31),
        line("99213", "25", 1, 32),
    ]
    (result,) = audit_of("visit-with-25-and-minor-procedure", lines, release, tmp_path).results
    assert result.lines == 4
    months = [(month.month, month.lines, month.flagged) for month in result.months]
    assert months == [("2026-07", 2, 1), ("2026-08", 2, 1)]


def test_the_same_claims_in_any_order_give_the_same_sample(release, tmp_path):
    lines = [part for day in range(25) for part in (line("99213", "25", 1, day), line("11102", "", 1, day))]
    frame = claims(lines, tmp_path)
    check = CHECKS["visit-with-25-and-minor-procedure"]
    there, backwards = (run_audit(rows, [check], [release], on_any_date=True) for rows in (frame, frame[::-1]))
    assert there == backwards
    assert (len(there.results[0].flagged), len(there.results[0].sample)) == (25, 10)
    assert [sample.line for sample in there.results[0].sample] != list(range(1, 20, 2)), "drawn, not the first ten"


def test_a_check_whose_table_is_not_held_is_not_run_and_says_so(tmp_path, store, facts):
    cms_facts = facts["2026q3"]
    entries = {"gpci": TableEntry("gpci 2026", (Source("GPCI2026.csv", "0" * 64, 1),), 0, {}, "")}
    seal_result = store.seal(Manifest(cms_facts.release, "all", (), entries), {"gpci": cms_facts.tables["gpci"]})
    (result,) = audit_of("units-at-the-mue", TWINS["units-at-the-mue"][0], seal_result.snapshot, tmp_path).results
    assert (result.not_run, result.flagged) == ("2026q3 holds no mue", ())


CHECK = """
- id: own-check
  title: A check of our own
  why: Because somebody asked for it twice.
  source: {document: Our own}
  groups: {visits: [99202-99205]}
  flags: %s
  pull: [the note]
"""


def refusal(condition: str, folder: Path, text: str = CHECK) -> str:
    (folder / "own.yaml").write_text(text % condition if "%s" in text else text)
    with pytest.raises(BadInput) as error:
        load_checks(folder)
    (fault,) = error.value.faults
    return str(fault)


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("hcpcs in visit", '"visit" is no value, and no group is called so (there are: visits)'),
        ("hcpc in visits", "character 1: expected a column (units, mue_value, hcpcs,"),
        ("hcpcs in visits and", "and the condition ends"),
        ("hcpcs in (99213", 'expected ")", and the condition ends'),
        ("hcpcs in visits modifiers has 25", "expected `and`, `or` or the end"),
        ("hcpcs < 99213", "hcpcs is text: compare it by = or !="),
        ("units > many", "expected a number or units, mue_value"),
        ("modifiers in (25)", 'expected "has", found "in"'),
        ("modifiers has visits", "a group has codes, which only hcpcs is"),
        ("hcpcs in (992O2-99205)", "is no span of codes"),
        ("hcpcs in (99205-99202)", "the lower one first"),
        ("hcpcs in (9921)", "is neither a code, such as 17311, nor a span"),
        ("__import__('os').system('id')", 'character 12: "\'" is not part of the language of checks'),
        ("units > 1; units > 2", '";" is not part of the language of checks'),
        ("visit_has hcpcs in visits", 'expected "(", found "hcpcs"'),
        ("nth_day_of (hcpcs in visits) > soon", "expected a number of days"),
        ("not " * 30 + "units > 1", "is nested more than 20 deep"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_place(condition, says, tmp_path):
    fault = refusal(condition, tmp_path)
    assert fault.startswith("own.yaml: line 7: own-check, flags: ")
    assert says in fault


WORDS = ("hcpcs", "units", "modifiers", "visits", "visit_has", "nth_day_of", "in", "has", "and", "or", "not", "(", ")")
WORDS += (",", ">", "=", "25", "11102", "11102-11107", "global_days", "mue_value", "'", "A-B", "")


@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_any_text_is_a_condition_or_refused_in_words(words):
    with suppress(BadCondition):
        parse(" ".join(words), {"visits": frozenset({"99213"})})


@pytest.mark.parametrize("text", ["", "- 5", "id: x-y", "- {id: x-y}", "- [1, 2]", "- &a {id: *a}"])
def test_a_file_that_is_no_list_of_checks_is_refused(text, tmp_path):
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(BadInput, match="No check was run"):
        load_checks(tmp_path)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("  pull: [the note]\n", "", 'own-check: "pull" is missing'),
        ("  title:", "  titel:", 'no field is called "titel"'),
        ("[99202-99205]", "[99202-9920X]", "own-check, visits: "),
        ("  pull:", "  period: {from: 2026-02-30}\n  pull:", "period: expected days that exist"),
        ("  pull:", "  period: {from: 2026-03-01, to: 2026-02-01}\n  pull:", "period: ends before it begins"),
    ],
)
def test_what_is_no_check_is_refused(before, after, says, tmp_path):
    text = (CHECK % "units > 1").replace(before, after)
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(BadInput) as error:
        load_checks(tmp_path)
    assert says in str(error.value)


def test_two_checks_of_one_name_are_refused_and_unknown_names_are_wrong_use(tmp_path):
    (tmp_path / "own.yaml").write_text(2 * (CHECK % "units > 1"))
    with pytest.raises(BadInput, match="2 checks are called so"):
        load_checks(tmp_path)
    with pytest.raises(WrongUse, match='no check is called "x-y"'):
        chosen_checks(tuple(CHECKS.values()), ["x-y"])
    with pytest.raises(WrongUse, match="there is no file of checks"):
        load_checks(tmp_path / "nothing")


def test_shipped_checks_name_codes_of_the_release_and_use_their_groups(release):
    assert lint_groups(SHIPPED, set(release.table("mpfs")["hcpcs"])) == []


def test_a_group_that_nothing_names_and_a_span_without_a_code_are_doubtful(embedded, tmp_path):
    (tmp_path / "own.yaml").write_text((CHECK % "hcpcs = 11102").replace("[99202-99205]", "[99202-99205, 11950-11954]"))
    doubts = [str(doubt) for doubt in lint_groups(tmp_path, {"11102", "99203"})]
    assert doubts == [
        "own.yaml: line 6: own-check, visits: no condition names this group",
        "own.yaml: line 6: own-check, visits: the release has no code of 11950-11954",
    ]
    file = str(claims_file([line("99213")], tmp_path))
    result = command(file, "--checks", str(tmp_path / "own.yaml"), "--store", str(embedded.path))
    assert "no condition names this group" in result.stderr


@pytest.mark.parametrize(
    ("condition", "flagged_lines"),
    [
        ("units >= 2", {2}),
        ("not units >= 2", {1, 3, 4}),
        ("hcpcs in (99213, 17000-17004) and not modifiers has (25, 59)", {2}),
        ("hcpcs = 99213 or (hcpcs = 11102 and units = 1)", {1, 3, 4}),
        ("visit_has (hcpcs = 99213)", {2, 3}),
        ("hcpcs in visits or day_has (hcpcs = 17003)", {1, 3, 4}),
        ("visit_has (visit_has (units > 1))", {1, 2, 3}),
        ("mue_value > units and global_days = ZZZ", {2}),
        ("place_of_service = 11 and status_code != A", set()),
    ],
)
def test_conditions_mean_what_they_say(condition, flagged_lines, release, tmp_path):
    """Lines 1 to 3 are a visit of p1, line 4 the same day's of p2; 17003 has MUE 13 and ZZZ, 11102 is status A."""
    (tmp_path / "own.yaml").write_text(CHECK % condition)
    lines = [line("99213", "25"), line("17003", "", 2), line("11102", "59"), line("11102", "59", 1, 0, "p2")]
    checks = load_checks(tmp_path)
    frame = claims(lines, tmp_path)
    (result,) = run_audit(frame, checks, [release], on_any_date=True).results
    assert {finding.line for finding in result.flagged} == flagged_lines


@pytest.mark.parametrize("diagnosis_text", ["L40.0", "L400"])
def test_a_diagnosis_is_found_with_its_point_and_without(diagnosis_text, release, tmp_path):
    (tmp_path / "own.yaml").write_text(CHECK % f"diagnoses has ({diagnosis_text}, L57.0)")
    rows = ["c1,1,b,p1,2026-07-06,96912,,1,11,national,L40.0", "c2,1,b,p1,2026-07-07,96912,,1,11,national,L40.1"]
    (tmp_path / "claims.csv").write_text("\n".join([HEADER.replace("charge", "diagnoses"), *rows]) + "\n")
    frame, _ = read_claims(tmp_path / "claims.csv")
    (result,) = run_audit(frame, load_checks(tmp_path / "own.yaml"), [release], on_any_date=True).results
    assert [line.claim_id for line in result.flagged] == ["c1"]


def command(*arguments: str) -> CompletedProcess[str]:
    return run_codeset("audit", *arguments)


def test_the_command_prints_the_sheet_and_writes_it_in_every_form(embedded, tmp_path):
    lines = [part for check in ("biopsy-with-59-before-mohs", "units-at-the-mue") for part in TWINS[check][0]]
    file = claims_file(lines, tmp_path)
    arguments = (str(file), "--store", str(embedded.path))
    result = command(*arguments, "-o", str(tmp_path / "audit.xlsx"))
    assert (result.returncode, result.stderr) == (1, "")
    assert "biopsy-with-59-before-mohs" in result.stdout
    assert "pull for c0 line 2" in result.stdout
    book = openpyxl.load_workbook(tmp_path / "audit.xlsx")
    assert book.sheetnames == ["Summary", "Sample", "Flagged lines", "Trend", "Practitioners"]
    command(*arguments, "-o", str(tmp_path / "audit.csv"))
    rows = pl.read_csv(tmp_path / "audit.csv", infer_schema=False).to_dicts()
    assert [(row["check"], row["hcpcs"], row["charge"], row["in_sample"]) for row in rows] == [
        ("biopsy-with-59-before-mohs", "11102", "100.00", "yes"),
        ("units-at-the-mue", "17003", "100.00", "yes"),
    ]
    plain = json.loads(command(*arguments, "--json").stdout)
    assert faults_of(plain, "audit") == []
    assert "beneficiary" not in json.dumps(plain)


def test_the_command_ends_with_0_where_nothing_is_flagged_and_refuses_what_it_cannot_do(embedded, tmp_path):
    file = str(claims_file([line("99213")], tmp_path))
    store = ("--store", str(embedded.path))
    assert command(file, *store).returncode == 0
    assert command(file, *store, "-o", str(tmp_path / "audit.pdf")).returncode == 2
    assert command(file, *store, "--check", "nothing-such").returncode == 2
