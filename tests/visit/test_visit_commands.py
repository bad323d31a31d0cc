"""`codeset code` and `codeset suggest` as a user runs them, on the embedded releases."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from codeset.cli.app import app
from codeset.schemas import faults_of

EXAMPLE = Path(__file__).parents[2] / "docs" / "visit.yaml"
HEAD = "claim_id,line,beneficiary,provider,date_of_service,hcpcs,modifiers,units,place_of_service,locality\n"


@pytest.fixture
def run(embedded, monkeypatch):
    monkeypatch.setenv("CODESET_STORE", str(embedded.path))

    def run_command(*words, expect=0):
        result = CliRunner().invoke(app, [str(word) for word in words])
        code = getattr(result.exception, "exit_code", result.exit_code)
        assert code == expect, result.output
        return result

    return run_command


def test_the_example_of_the_docs_is_coded_as_its_schema_says(run):
    plain = json.loads(run("code", EXAMPLE, "--format", "json", "--qualifying-apm", "no").stdout)
    assert faults_of(plain, "coded-visit") == []
    assert [line["hcpcs"] for line in plain[0]["lines"]][:4] == ["99213", "14061", "17311", "17312"]
    assert plain[0]["questions"] == []


def test_a_visit_can_be_coded_as_of_another_date(run):
    plain = json.loads(run("code", EXAMPLE, "--on", "2025-11-03", "--format", "json").stdout)
    assert (plain[0]["release"], plain[0]["date_of_service"]) == ("2025q4", "2025-11-03")


def test_a_table_says_what_each_line_rests_on_and_what_was_considered(run):
    text = run("code", EXAMPLE, "--qualifying-apm", "no").stdout
    assert "11602-XS" in text
    assert "not 11601: it is for 0.6 to 1.0 cm; here 1.1" in text


def test_open_questions_end_with_1(run, tmp_path):
    file = tmp_path / "visit.json"
    lesion = {"name": "a", "site": "back", "technique": "excision", "nature": "uncertain", "diameter_cm": 0.8}
    visit = {"visit_id": "v", "date_of_service": "2026-07-15", "place_of_service": 11, "patient": "new"}
    file.write_text(json.dumps(visit | {"lesions": [lesion]}))
    assert "QUESTION benign-or-malignant" in run("code", file, expect=1).stdout


def test_a_line_for_review_says_why(run, tmp_path):
    """The sixth and further procedures of a day are paid by report: IOM 100-04 ch. 12 s. 40.6.C."""
    lesion = (
        "{{name: {}, site: back, nature: malignant, diagnosis: C44.519, technique: excision, excised_diameter_cm: {}}}"
    )
    lesions = ", ".join(lesion.format(name, size) for name, size in zip("abcdef", "123456", strict=True))
    visit = tmp_path / "visit.yaml"
    facts = "{visit_id: v, date_of_service: 2026-07-15, place_of_service: 11, patient: established, lesions: "
    visit.write_text(f"{facts}[{lesions}]}}\n")
    text = " ".join(run("code", visit, "--qualifying-apm", "no").stdout.split())
    assert "needs review. The amount is the contractor's to settle: payment by report. Send the documentation" in text


def test_a_date_without_a_release_is_refused(run):
    assert "no release of 2023q1" in str(run("code", EXAMPLE, "--on", "2023-02-01", expect=2).exception)


FACTS = {"place_of_service": 11, "patient": "established"}
LESION = {"name": "a", "site": "back", "technique": "punch_biopsy", "nature": "uncertain", "diagnosis": "D48.5"}
WITHOUT_RELEASE = FACTS | {"visit_id": "early", "date_of_service": "2023-02-01", "lesions": [LESION]}
WITH_RELEASE = FACTS | {"visit_id": "late", "date_of_service": "2026-07-15", "lesions": [LESION]}


def test_a_visit_of_a_date_without_a_release_is_unknown_and_the_others_go_on(run, tmp_path):
    file = tmp_path / "visits.json"
    file.write_text(json.dumps([WITHOUT_RELEASE, WITH_RELEASE]))
    early, late = json.loads(run("code", file, "--format", "json", expect=1).stdout)
    assert faults_of([early, late], "coded-visit") == []
    assert (early["visit_id"], early["release"], early["lines"]) == ("early", None, [])
    assert [question["name"] for question in early["questions"]] == ["no-release"]
    assert "2023q1" in early["questions"][0]["asks"]
    assert (late["release"], [line["hcpcs"] for line in late["lines"]]) == ("2026q3", ["11104"])
    assert "QUESTION no-release" in run("code", file, expect=1).stdout
    claim = tmp_path / "claim.csv"
    claim.write_text(f"{HEAD}late,1,B,P,2026-07-15,11104,,1,11,national\n")
    assert "QUESTION no-release" in run("code", file, "--against", claim, expect=1).stderr


def test_json_says_where_the_facts_of_codes_came_from_and_why_a_line_is_for_review(run, tmp_path):
    """The embedded facts are of RVU26C; the sixth procedure of a day is paid by report (IOM ch. 12, 40.6.C)."""
    file = tmp_path / "visit.json"
    lesions = [
        LESION | {"name": name, "technique": "excision", "nature": "malignant", "diagnosis": "C44.519"}
        | {"excised_diameter_cm": size}
        for name, size in zip("abcdef", "123456", strict=True)
    ]  # fmt: skip
    file.write_text(json.dumps(WITH_RELEASE | {"lesions": lesions}))
    [visit] = json.loads(run("code", file, "--format", "json", "--qualifying-apm", "no").stdout)
    assert (visit["facts_from"]["table"], visit["facts_from"]["edition"]) == ("code_facts", "rvu26c")
    review_lines = [line for line in visit["lines"] if line["disposition"] == "review"]
    assert review_lines
    assert all(line["findings"][0]["reason"] == "amount-to-review" for line in review_lines)
    assert "payment by report" in review_lines[0]["findings"][0]["says"]


def test_a_file_or_a_checklist_is_needed(run):
    assert "--checklist" in str(run("code", expect=2).exception)
    assert "- [ ] **margins**" in run("code", "--checklist", "excision").stdout


def test_a_checklist_is_written_as_a_page_or_as_markdown(run, tmp_path):
    run("code", "--checklist", "mohs", "-o", tmp_path / "mohs.html")
    assert (tmp_path / "mohs.html").read_text().startswith("<!DOCTYPE html>")
    run("code", "--checklist", "mohs", "-o", tmp_path / "mohs.md")
    assert "- [ ] **map**" in (tmp_path / "mohs.md").read_text()
    assert ".html or .md" in str(run("code", "--checklist", "mohs", "-o", tmp_path / "mohs.pdf", expect=2).exception)


def test_a_claim_is_compared_with_the_facts(run, tmp_path):
    claim = tmp_path / "claim.csv"
    claim.write_text(HEAD + "example-1,1,b,p,2026-07-15,11603,,1,11,national\n")
    arguments = ("code", EXAMPLE, "--against", claim, "--format", "json", "--qualifying-apm", "no")
    plain = json.loads(run(*arguments, expect=1).stdout)
    assert faults_of(plain, "claim-comparison") == []
    comparison = plain[0]
    discrepancy_kinds = {discrepancy["kind"] for discrepancy in comparison["discrepancies"]}
    assert discrepancy_kinds == {"over-coded", "missed"}


def test_suggested_claims_are_read_again_and_not_denied(run, tmp_path):
    claim, corrected_claim = tmp_path / "claim.csv", tmp_path / "mended.csv"
    claim.write_text(HEAD + "e,1,b,p,2026-07-15,99213,,1,11,national\ne,2,b,p,2026-07-15,17110,,1,11,national\n")
    run("adjudicate", claim, "--qualifying-apm", "no", expect=1)
    plain = json.loads(run("suggest", claim, "--format", "json", "--qualifying-apm", "no").stdout)
    assert faults_of(plain, "suggestion") == []
    assert [line["modifiers"] for change in plain["changes"] for line in change["report"]] == [["25"]]
    assert "99213-25" in run("suggest", claim, "-o", corrected_claim, "--qualifying-apm", "no").stdout
    run("adjudicate", corrected_claim, "--qualifying-apm", "no")


def test_what_stays_denied_ends_with_1(run, tmp_path):
    claim = tmp_path / "claim.csv"
    claim.write_text(HEAD + "e,1,b,p,2026-07-15,17003,,3,11,national\n")
    text = " ".join(run("suggest", claim, expect=1).stdout.split())
    assert "STILL DENIED e line 1, 17003" in text
    assert "Report the primary procedure" in text


def test_what_no_row_mends_says_what_to_do_about_it(run, tmp_path):
    claim = tmp_path / "claim.csv"
    lines = ("99213,25,1", "11102,,1", "G2211,,1")
    rows = (f"e,{number},b,p,2026-07-15,{line},11,national\n" for number, line in enumerate(lines, start=1))
    claim.write_text(HEAD + "".join(rows))
    assert "Remove G2211." in " ".join(run("suggest", claim, expect=1).stdout.split())
