"""Diagnoses that a service is for: benign, premalignant, malignant, cosmetic."""

import literal_claims
import literal_diagnoses

from codeset.claims.outcome import outcome_frames
from codeset.snapshot import Snapshot


def test_diagnoses_fit_the_service(quarters: list[Snapshot]) -> None:
    expected = {
        "17110 diagnoses=C44.41": "review diagnosis-not-benign",
        "11402 diagnoses=C44.41": "review diagnosis-not-benign",
        "11602 diagnoses=L82.1": "review diagnosis-not-malignant",
        "11602 diagnoses=C44.41": "pay",
        "11602 diagnoses=L82.1,C44.41": "pay",
        "17262 diagnoses=L57.0": "review diagnosis-not-malignant",
        "17311 diagnoses=L82.1": "review diagnosis-not-malignant",
        "17110 diagnoses=L82.1": "pay",
        "17110 diagnoses=L57.0": "review diagnosis-premalignant-on-benign",
        "17000 diagnoses=L82.1": "review diagnosis-not-premalignant",
        "17000 diagnoses=L57.0": "pay coverage-ncd-keratoses",
        "17000 diagnoses=Z41.1": "deny diagnosis-cosmetic",
        "11200 diagnoses=Z41.1": "deny diagnosis-cosmetic",
        "99213 diagnoses=Z41.1": "deny diagnosis-cosmetic",
        "11200 diagnoses=Z41.1,L82.1": "review diagnosis-cosmetic-beside-other",
        "96912 diagnoses=L40.0": "pay_if_documented coverage-ncd-puva",
        "17000": "pay",
    }
    assert literal_diagnoses.decided_alone(quarters, expected) == expected


def test_the_patient_owes_what_is_cosmetic(quarters: list[Snapshot]) -> None:
    findings = outcome_frames(literal_claims.outcome(quarters, "17000 diagnoses=Z41.1")).findings
    assert findings.select("group_code", "carc", "rarc").rows() == [("PR", "96", "N383")]
