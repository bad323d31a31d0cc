"""Order of modifiers: CIGNA Government Services, Part B, Pricing Modifiers Reminder, June 22, 2005: 26 before GA."""

import literal_claims
from literal_releases import PAY, decisions

from codeset.snapshot import Snapshot


def test_a_modifier_that_sets_the_amount_comes_before_those_that_inform(releases: list[Snapshot]) -> None:
    """Nothing is said of the order on a line that is denied."""
    late_modifier = {
        "88305-GA-26": "26",
        "88305-26-GA": None,
        "88305-26": None,
        "11402-RT-52": "52",
        "11402-52-RT": None,
        "11402-GC-22-52": "22",
        "11402-59-52": None,
        "11402-RT-59": None,
        "99213-GC-25": None,
        "88305-GZ-26": None,
    }
    notes = {
        (line,): [[(f"Modifier {late} sets the amount, and follows one that only informs.",)] if late else []]
        for line, late in late_modifier.items()
    }
    assert literal_claims.findings_by_case(releases, notes, "says", reason="modifier-order") == notes


def test_the_order_of_modifiers_changes_no_payment(releases: list[Snapshot]) -> None:
    assert decisions(releases, "88305-GA-26 day=0", "88305-26-GA day=1") == [PAY, PAY]
