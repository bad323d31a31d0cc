"""Amounts worked by hand from CMS's figures: who bills, where the patient is, which component."""

import tomllib
from pathlib import Path
from typing import Any

import made_claims as made
import pytest

from codeset.claims.adjudicate import adjudicate
from codeset.participants import Participant
from codeset.snapshot import Snapshot

CASES = tomllib.loads((Path(__file__).parent / "hand_worked_amounts.toml").read_text(encoding="utf-8"))["case"]


@pytest.fixture(scope="module")
def july_2026(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return made.embedded("2026q3", tmp_path_factory.mktemp("store"))


def params() -> list[Any]:
    """The cases; those of rules that are not built yet must fail, so that who builds one finds its cases here."""
    return [
        pytest.param(
            case,
            id=case["says"],
            marks=[pytest.mark.xfail(reason=case["later"], strict=True)] if "later" in case else [],
        )
        for case in CASES
    ]


@pytest.mark.parametrize("case", params())
def test_an_amount_worked_by_hand(case, july_2026):
    lines = made.frame({**made.line(line["hcpcs"], number), **line} for number, line in enumerate(case["lines"], 1))
    participant = Participant(case.get("participant", "non_qp"))
    outcome = adjudicate(lines, july_2026, participant=participant).lines.sort("line")
    if "cents" in case:
        assert outcome["allowed_cents"].to_list() == case["cents"]
    if "dispositions" in case:
        assert outcome["disposition"].to_list() == case["dispositions"]
