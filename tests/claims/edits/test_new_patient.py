"""New patients: IOM ch. 12, section 30.6.7.A; two on one day: section 30.6.5."""

from literal_releases import DOCUMENTED, PAY, PHYSICIAN, REVIEW, UNKNOWN, decisions_by_case, deny

from codeset.snapshot import Snapshot


def test_a_new_patient_was_not_seen_for_three_years(releases: list[Snapshot]) -> None:
    cases = {
        ("99213 on=2023-08-03", "99203 on=2026-08-03"): [PAY, deny("CO", "B16")],
        ("99213 on=2023-08-02", "99203 on=2026-08-03"): [PAY, PAY],
        ("11102 on=2024-05-10", "99203 on=2026-08-03"): [PAY, deny("CO", "B16")],
        ("99203 on=2026-07-06", "99203 on=2026-08-10"): [PAY, deny("CO", "B16")],
        ("99203 on=2026-07-06", "99204 on=2026-08-10 provider=q"): [PAY, PAY],
        ("88305-26 on=2025-10-02", "99203 on=2026-08-03"): [PAY, PAY],
        ("J3301 on=2025-10-02", "99203 on=2026-08-03"): [UNKNOWN, PAY],
        ("96910 on=2025-10-02", "99203 on=2026-08-03"): [PAY, REVIEW],
        ("99213-GZ on=2025-10-02", "99203 on=2026-08-03"): [deny("CO", "50"), deny("CO", "B16")],
        ("11102 on=2026-08-03", "99203-25 on=2026-08-03"): [PAY, DOCUMENTED],
        ("99203", "99203-25"): [PAY, deny("CO", "B16")],
        (f"99203-25 claim=a {PHYSICIAN}", f"99203 claim=b provider=q {PHYSICIAN}"): [PAY, deny("CO", "B16")],
        ("99203 on=2026-08-03", "99213 on=2026-08-10"): [PAY, PAY],
    }
    assert decisions_by_case(releases, cases) == cases
