"""Amounts by practitioner and place: 42 CFR 414.56; IOM ch. 12, sections 110 and 120."""

import literal_claims
import pytest

from codeset.claims.adjudicate import adjudicate
from codeset.claims.outcome import outcome_frames
from codeset.participants import Participant
from codeset.snapshot import Snapshot


@pytest.mark.parametrize(
    ("lines", "cents"),
    [
        (("99213",), [9519]),
        (("99213 specialty=07",), [9519]),
        (("99213 specialty=50",), [8091]),
        (("99213 specialty=89",), [8091]),
        (("99213 specialty=363LF0000X",), [8091]),
        (("11102 specialty=97", "17000-59 specialty=97"), [8120, 2825]),
        (("99213 place=02",), [5745]),
        (("99213 place=10",), [9519]),
        (("88305-26 place=22",), [3507]),
    ],
)
def test_amounts_by_practitioner_and_place(derm: Snapshot, lines: tuple[str, ...], cents: list[int]) -> None:
    """RULES.md, sections 8, 10, and 11: worked from 2.85, 2.86, 1.99, 1.72 and 1.05 RVUs."""
    outcome = adjudicate(literal_claims.claims(*lines), derm, participant=Participant.NON_QP)
    assert outcome_frames(outcome).lines.sort("line")["allowed_cents"].to_list() == cents
