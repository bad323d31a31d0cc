"""Two visits of a day: IOM ch. 12, sections 30.6.5 and 30.6.7.B."""

from literal_releases import PAY, REVIEW, decisions_by_case, deny

from codeset.snapshot import Snapshot


def test_one_visit_is_paid_a_day(releases: list[Snapshot]) -> None:
    cases = {
        ("99213", "99212"): [PAY, deny("CO", "B14")],
        ("99212", "99213-25"): [PAY, REVIEW],
        ("99213", "99213-25"): [PAY, REVIEW],
        ("99213 group=g specialty=07", "99212 provider=q group=g specialty=07"): [PAY, deny("CO", "B14")],
        ("99213 group=g specialty=07", "99214 provider=q group=g specialty=11"): [PAY, PAY],
        ("99213", "99212 day=1"): [PAY, PAY],
        ("99213", "G2211"): [PAY, PAY],
        ("99213-25", "G0439"): [PAY, PAY],
        ("99213x2",): [REVIEW],
        ("99213x2 days=2",): [PAY],
        ("99213x2", "99212"): [REVIEW, deny("CO", "B14")],
        ("G2211", "99213x1"): [PAY, PAY],
        ("G2211x2", "99213"): [REVIEW, PAY],
    }
    assert decisions_by_case(releases, cases) == cases
