"""G2211: CR 13272 and CR 13705; add-on edits of CMS."""

from literal_releases import PAY, REVIEW, decisions_by_case, deny

from codeset.snapshot import Snapshot


def test_g2211_beside_25_is_paid_with_a_preventive_service_since_2025(releases: list[Snapshot]) -> None:
    decision_of_g2211 = {
        "2024-06-03": {
            ("99213", "G2211"): PAY,
            ("99213-25", "G2211", "11102"): deny("CO", None),
            ("99213-25", "G2211", "G0439"): deny("CO", None),
        },
        "2025-12-31": {
            ("99213-25", "G2211", "11102"): deny("CO", None),
            ("99213-25", "G2211", "G0439"): PAY,
            ("99213-25", "G2211", "G0008"): PAY,
            ("99213-25", "G2211", "88305"): deny("CO", None),
            ("99213-25", "G2211", "J3301"): deny("CO", None),
            ("99213-25", "G2211"): deny("CO", None),
            ("99213-25", "G2211", "G0473"): REVIEW,
            ("99213-25", "G2211", "99406"): REVIEW,  # counseling to prevent tobacco use is a Part B service
            ("99213-25", "G2211", "G0439 day=1"): deny("CO", None),
            ("99348", "G2211"): deny("CO", "B15"),
        },
        "2026-01-01": {
            ("99348", "G2211"): PAY,
        },
        "2026-08-05": {
            ("99213-25", "G2211", "G0439"): PAY,
        },
    }
    cases = {
        tuple(f"{line} on={day}" for line in lines): expected
        for day, by_lines in decision_of_g2211.items()
        for lines, expected in by_lines.items()
    }
    answers = decisions_by_case(releases, cases)
    assert {case: decisions[1] for case, decisions in answers.items()} == cases
