"""Several days on one line: each day would be paid in full."""

from literal_releases import PAY, REVIEW, decisions_alone

from codeset.snapshot import Snapshot


def test_several_procedures_over_several_days_on_one_line_are_for_review(releases: list[Snapshot]) -> None:
    """Multiple Procedure 2 (layout): of one day the second is half, of two days both are whole."""
    expected = {
        "11402x2 days=2": REVIEW,
        "11402x2": PAY,
        "11402 days=2": PAY,
        "96910x2 days=2": PAY,
        "99213x2 days=2": PAY,
    }
    assert decisions_alone(releases, expected) == expected
