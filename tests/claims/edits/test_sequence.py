"""Which diagnosis may come first: ICD-10-CM Official Guidelines, I.A.13, I.B.13, I.B.18, and I.C.20.a.6."""

import literal_diagnoses

from codeset.snapshot import Snapshot


def test_an_external_cause_or_a_manifestation_is_not_first(quarters: list[Snapshot]) -> None:
    expected = {
        "99213 diagnoses=W57.XXXA": "deny diagnosis-external-cause-first",
        "99213 diagnoses=L82.1,W57.XXXA": "pay",
        "99213 diagnoses=L99": "deny diagnosis-manifestation-first",
        "99213 diagnoses=L40.0,L99": "pay",
        "99213 diagnoses=C44.90": "pay diagnosis-unspecified",
    }
    assert literal_diagnoses.decided_alone(quarters, expected) == expected
