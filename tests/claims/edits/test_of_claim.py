"""The diagnoses of a claim together: Excludes1 (Official Guidelines, I.A.12.a), and those that no line points to."""

from pathlib import Path

import literal_claims
import pytest
from literal_diagnoses import CODES, FY2026

from codeset.claims.outcome import outcome_frames
from codeset.snapshot import Snapshot
from codeset.store import Store


@pytest.mark.parametrize("excluded_code", ["L57", "L50-L60"])
def test_an_excludes1_note_is_for_review(tmp_path: Path, excluded_code: str) -> None:
    snapshot = literal_claims.sealed_release(
        Store(tmp_path), "2026q3", CODES, diagnosis=FY2026, excludes=[("L82", excluded_code, 1), ("C44", "L82", 2)]
    )
    expected = {
        "99213 diagnoses=L82.1,L57.0": "review diagnosis-excluded",
        "99213 diagnoses=L57.0,L82.1": "review diagnosis-excluded",
        "99213 diagnoses=L82.1,C44.41": "pay",
    }
    assert literal_claims.answers_alone(snapshot, expected) == expected


def test_two_diagnoses_of_a_claim_exclude_each_other_whichever_lines_they_are_on(tmp_path: Path) -> None:
    snapshot = literal_claims.sealed_release(
        Store(tmp_path), "2026q3", CODES, diagnosis=FY2026, excludes=[("L82", "L57", 1)]
    )
    both = [("L82.1 and L57.0",)]
    details = {
        ("99213 diagnoses=L82.1", "17000 diagnoses=L57.0"): [both, both],
        ("99213 diagnoses=L82.1", "17000 diagnoses=L57.0", "11402 diagnoses=C44.41"): [both, both, []],
        ("99213 diagnoses=L82.1", "17000 claim=d diagnoses=L57.0"): [[], []],
        ("99213 diagnoses=L82.1", "17000 day=1 diagnoses=L57.0"): [[], []],
        ("99213 diagnoses=L82.1 diagnoses_of_claim=L82.1,L57.0", "11402 diagnoses=C44.41"): [both, []],
        ("99213 diagnoses=C44.41 diagnoses_of_claim=C44.41,L57.0,L82.1",): [both],
    }
    assert literal_claims.findings_by_case(snapshot, details, "detail", reason="diagnosis-excluded") == details


@pytest.mark.parametrize(("under", "is_review"), [("L80-L99", True), ("L00-L81", False), ("L82-L82", True)])
def test_a_note_under_a_block_is_of_every_code_in_it(tmp_path: Path, under: str, is_review: bool) -> None:
    snapshot = literal_claims.sealed_release(
        Store(tmp_path), "2026q3", CODES, diagnosis=FY2026, excludes=[(under, "L57", 1)]
    )
    assert ("review" in literal_claims.answers(snapshot, "99213 diagnoses=L82.1,L57.0")[0]) == is_review


ON_CLAIM = "99213 on={} diagnoses=L57.0 diagnoses_of_claim=L57.0,{}"


def test_a_diagnosis_that_no_line_points_to_is_checked_and_named_once(quarters: list[Snapshot]) -> None:
    details_of_first_line = {
        ("2024-10-01", "L66.1"): ["L66.1: L66.10, L66.11, L66.12, L66.19"],
        ("2024-09-30", "L66.1"): [],
        ("2025-10-01", "L98.A1"): ["L98.A1: L98.A111"],
        ("2025-09-30", "L98.A111"): ["L98.A111: 2025-10-01"],
        ("2025-10-01", "L99.ZZ,C44.41"): ["L99.ZZ"],
        ("2025-10-01", "L99.ZZ,L66.1"): ["L99.ZZ; L66.1: L66.10, L66.11, L66.12, L66.19"],
        ("2025-10-01", "C44.41,L82.1"): [],
    }
    cases = {
        (
            ON_CLAIM.format(day, others),
            f"17000 on={day} diagnoses=L57.0 diagnoses_of_claim=L57.0,{others}",
        ): [[("diagnosis-unreferenced", detail) for detail in details], []]
        for (day, others), details in details_of_first_line.items()
    }
    assert literal_claims.findings_by_case(quarters, cases, "reason", "detail", edit="diagnosis") == cases


def test_what_another_line_points_to_is_denied_there_alone(quarters: list[Snapshot]) -> None:
    two = [
        ON_CLAIM.format("2025-10-01", "L99.ZZ"),
        "17000 on=2025-10-01 diagnoses=L99.ZZ diagnoses_of_claim=L57.0,L99.ZZ",
    ]
    findings = outcome_frames(literal_claims.outcome(quarters, *two)).findings.filter(edit="diagnosis")
    assert findings.select("line", "reason").rows() == [(2, "diagnosis-not-a-code")]
