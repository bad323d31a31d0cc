"""Amounts worked by hand from CMS's figures: who bills, where the patient is, which component."""

import tomllib
from dataclasses import replace
from pathlib import Path

import literal_claims
import polars as pl
import pytest

from codeset.claims.adjudicate import compact_outcome
from codeset.claims.engine.code_set import CodeSet
from codeset.participants import Participant
from codeset.snapshot import Snapshot

CASES = tomllib.loads((Path(__file__).parent / "hand_worked_amounts.toml").read_text(encoding="utf-8"))["case"]


@pytest.fixture(scope="module")
def july_2026(derm: Snapshot) -> CodeSet:
    """The embedded facts of July 2026, with the factor of qualifying APM participants as well."""
    codes = CodeSet.of([derm], derm.table("mpfs")["hcpcs"])
    of_qualifying = codes.factors.head(1).with_columns(
        participant=pl.lit(Participant.QP, dtype=pl.Enum(Participant)), conversion_factor=pl.lit(335675, dtype=pl.Int64)
    )
    return replace(codes, factors=pl.concat([codes.factors, of_qualifying]))


@pytest.mark.parametrize("case", CASES, ids=[case["says"] for case in CASES])
def test_an_amount_worked_by_hand(case, july_2026):
    lines = literal_claims.engine_lines(
        {**literal_claims.line(line["hcpcs"], number), **line} for number, line in enumerate(case["lines"], 1)
    )
    participant = Participant(case.get("participant", "non_qp"))
    outcome = compact_outcome(lines, july_2026, participant=participant).outcome().lines.sort("line")
    if "cents" in case:
        assert outcome["allowed_cents"].to_list() == case["cents"]
    if "dispositions" in case:
        assert outcome["disposition"].to_list() == case["dispositions"]
