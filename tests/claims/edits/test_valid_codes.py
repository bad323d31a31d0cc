"""Diagnoses that may be billed on a date: expected values from CDC's and CMS's editions, and the conversion table."""

from datetime import date
from pathlib import Path

import literal_claims
from literal_diagnoses import CODES, FY2026, SPLIT

from codeset.snapshot import Snapshot
from codeset.store import Store


def reasons_and_details(snapshots: list[Snapshot], *texts: str) -> dict[str, list[tuple[str, str | None]]]:
    """Reason and detail of each finding of each line alone."""
    findings = literal_claims.findings_by_case(snapshots, [(text,) for text in texts], "reason", "detail")
    return {text: of_line for (text,), [of_line] in findings.items()}


def test_a_diagnosis_is_valid_by_the_edition_in_force_on_its_date(quarters: list[Snapshot]) -> None:
    expected = {
        "11102 on=2024-09-30 diagnoses=L66.1": [],
        "11102 on=2024-10-01 diagnoses=L66.1": [("diagnosis-no-longer-valid", "L66.1: L66.10, L66.11, L66.12, L66.19")],
        "11102 on=2024-10-01 diagnoses=L66.11": [],
        "11102 on=2024-09-30 diagnoses=L66.11": [("diagnosis-not-yet-valid", "L66.11: 2024-10-01")],
        "11102 on=2025-09-30 diagnoses=L98.A111": [("diagnosis-not-yet-valid", "L98.A111: 2025-10-01")],
        "11102 on=2025-10-01 diagnoses=L98.A111": [],
        "11102 on=2025-10-01 diagnoses=L98A111": [],
        "11102 on=2025-10-01 diagnoses=L98.A1": [("diagnosis-header", "L98.A1: L98.A111")],
        "11102 on=2025-10-01 diagnoses=L99.ZZ": [("diagnosis-not-a-code", "L99.ZZ")],
        "11102 on=2025-10-01 diagnoses=C44.41,L66.10": [],
        "11102 on=2025-10-01 diagnoses=C44.41,L66": [("diagnosis-header", "L66: L66.10, L66.11, L66.12, L66.19")],
    }
    assert reasons_and_details(quarters, *expected) == expected


def test_a_conversion_table_names_what_replaced_a_code(tmp_path: Path) -> None:
    replacements = [("L661", code, date(2024, 10, 1)) for code in SPLIT]
    only = literal_claims.sealed_release(
        Store(tmp_path), "2026q3", CODES, diagnosis=FY2026, diagnosis_replacement=replacements
    )
    assert reasons_and_details([only], "11102 diagnoses=L66.1") == {
        "11102 diagnoses=L66.1": [("diagnosis-no-longer-valid", "L66.1: L66.10, L66.11, L66.12, L66.19")]
    }


def test_a_release_without_diagnoses_says_nothing_of_their_validity(tmp_path: Path) -> None:
    without = literal_claims.sealed_release(Store(tmp_path), "2026q3", CODES)
    assert literal_claims.answers([without], "11102 diagnoses=L99.ZZ", "11102 day=1 diagnoses=L66.1") == ["pay", "pay"]
    assert "diagnoses" in literal_claims.outcome([without], "11102 diagnoses=L66.1").checked.not_applied


def test_an_excerpt_says_nothing_of_codes_of_other_categories(tmp_path: Path) -> None:
    excerpt = literal_claims.sealed_release(Store(tmp_path), "2026q3", CODES, scope="derm", diagnosis=FY2026)
    expected = {
        "11102 diagnoses=E11.9": [("diagnosis-outside-excerpt", "E11.9")],
        "11102 diagnoses=L99.ZZ": [("diagnosis-not-a-code", "L99.ZZ")],
    }
    assert reasons_and_details([excerpt], *expected) == expected
