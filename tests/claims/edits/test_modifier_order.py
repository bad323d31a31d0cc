"""Order of modifiers: CIGNA Government Services, Part B, Pricing Modifiers Reminder, June 22, 2005: 26 before GA."""

import literal_claims
import polars as pl
import pytest
from literal_releases import PAY, decisions

from codeset.claims.adjudicate import adjudicate
from codeset.claims.outcome import outcome_frames
from codeset.snapshot import Snapshot


@pytest.mark.parametrize(
    ("line", "late"),
    [
        ("88305-GA-26", "26"),
        ("88305-26-GA", None),
        ("88305-26", None),
        ("11402-RT-52", "52"),
        ("11402-52-RT", None),
        ("11402-GC-22-52", "22"),
        ("11402-59-52", None),
        ("11402-RT-59", None),
        ("99213-GC-25", None),
        ("88305-GZ-26", None),
    ],
)
def test_a_modifier_that_sets_the_amount_comes_before_those_that_inform(
    releases: list[Snapshot], line: str, late: str | None
) -> None:
    """Nothing is said of the order on a line that is denied."""
    findings = outcome_frames(adjudicate(literal_claims.claims(line), releases)).findings
    notes = findings.filter(pl.col("reason") == "modifier-order")
    assert notes["says"].to_list() == (
        [f"Modifier {late} sets the amount, and follows one that only informs."] if late else []
    )


def test_the_order_of_modifiers_changes_no_payment(releases: list[Snapshot]) -> None:
    assert decisions(releases, "88305-GA-26 day=0", "88305-26-GA day=1") == [PAY, PAY]
