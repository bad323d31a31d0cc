"""Both sides on one line, and one on another: record layout RVU25D, Bilateral Surgery. 20610 has indicator 1."""

from literal_releases import DOCUMENTED, PAY, REVIEW, decisions_by_case

from codeset.snapshot import Snapshot


def test_a_side_is_paid_once(releases: list[Snapshot]) -> None:
    """50 is both sides; RT beside LT is the other side, by the record."""
    cases = {
        ("20610-50", "20610-RT"): [PAY, REVIEW],
        ("20610-LT", "20610-50"): [PAY, REVIEW],
        ("20610-50", "20610-RT-59"): [PAY, DOCUMENTED],
        ("20610-LT", "20610-RT"): [PAY, DOCUMENTED],
    }
    assert decisions_by_case(releases, cases) == cases
