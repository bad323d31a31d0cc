"""Diagnoses change what lines of one meaning are: deduplication changes no answer."""

from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import literal_claims
import polars as pl
import pytest
from literal_diagnoses import CODES, FY2026

from codeset.claims.adjudicate import compact_outcome
from codeset.claims.engine.code_set import CodeSet
from codeset.store import Store

DRAWN = [None, None, "L57.0", "L570", "C44.90", "C44.90 L57.0", "L82.1 C44.41", "L66.1", "L99.ZZ", "W57.XXXA", "Z41.1"]
DRAWN += ["L57.0 Z41.1", "L82.1 L57.0", "L40.0 L99", "E11.9", "C44.41 C44.90 L66"]


@pytest.mark.parametrize("seed", range(6))
def test_an_outcome_is_the_same_with_deduplication_and_without(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    tables: dict[str, Any] = {
        "diagnosis": FY2026,
        "diagnosis_replacement": [("L661", "L6610", date(2026, 8, 1)), ("L990", "L99ZZ", date(2026, 9, 1))],
        "excludes": [("L82", "L57", 1)],
        "coverage_document": [
            ("A57044", 16, "CGS", "MAC", date(2026, 7, 20), None),
            ("A57044", 15, "CGS", "MAC", date(2025, 7, 20), date(2026, 7, 19)),
        ],
        "coverage_hcpcs": [("A57044", None, "17110")],
        "coverage_diagnosis": [("A57044", 16, 1, "L821", True), ("A57044", 15, 1, "L570", True)],
    }
    snapshot = literal_claims.sealed_release(Store(tmp_path), "2026q3", CODES, **(tables if seed % 3 else {}))
    codes = ["11102", "17000", "17110", "17110-GA", "11602", "99213-25", "96912"]
    line_kinds = [(rng.choice(codes), rng.choice(DRAWN), rng.choice(["15202-00", "national"])) for _ in range(12)]
    rows = []
    for patient in range(300):
        for number in range(1, rng.randint(2, 4)):
            code, diagnoses, locality = rng.choice(line_kinds)
            day = rng.choice([0, 0, 18, 19, 31, 62])
            of_claim = rng.choice([None, None, f"L57.0 {diagnoses or 'L82.1'}", "L66.1 L82.1 L57.0"])
            own = {"beneficiary": f"b{patient:04}", "claim_id": f"c{patient:04}", "diagnoses": diagnoses}
            own["diagnoses_of_claim"] = of_claim
            rows.append({**literal_claims.line(f"{code} day={day}", number), **own, "locality": locality})
    frame = literal_claims.engine_lines(rows)
    code_set = CodeSet.of([snapshot], frame["hcpcs"].unique())
    on, off = (compact_outcome(frame, code_set, deduplicate=whether).outcome() for whether in (True, False))
    assert on.lines.equals(off.lines)
    assert on.findings.equals(off.findings)
    assert not on.findings.filter(pl.col("edit").cast(pl.String).is_in(["diagnosis", "necessity"])).is_empty()
