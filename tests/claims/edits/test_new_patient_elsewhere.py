"""New patients of a practitioner who saw them in another group: IOM ch. 12, section 30.6.7.A."""

from literal_releases import PAY, PHYSICIAN, decisions_by_case, deny

from codeset.snapshot import Snapshot


def test_who_changes_groups_knows_the_patients_seen_before(releases: list[Snapshot]) -> None:
    """NGS: a colleague in the new group does not."""
    cases = {
        (f"11102 on=2025-10-02 {PHYSICIAN}", "99203 on=2026-08-03 group=h specialty=07"): [PAY, deny("CO", "B16")],
        (f"11102 on=2025-10-02 {PHYSICIAN}", "99203 on=2026-08-03"): [PAY, deny("CO", "B16")],
        ("11102 on=2025-10-02", f"99203 on=2026-08-03 {PHYSICIAN}"): [PAY, deny("CO", "B16")],
        (f"11102 on=2025-10-02 {PHYSICIAN}", "99203 on=2026-08-03 provider=q group=h specialty=07"): [PAY, PAY],
        (f"88305-26 on=2025-10-02 {PHYSICIAN}", "99203 on=2026-08-03 group=h specialty=07"): [PAY, PAY],
        (f"11102 on=2023-08-02 {PHYSICIAN}", "99203 on=2026-08-03 group=h specialty=07"): [PAY, PAY],
        (f"11102 on=2023-08-03 {PHYSICIAN}", "99203 on=2026-08-03 group=h specialty=07"): [PAY, deny("CO", "B16")],
        (f"11102 on=2025-10-02 {PHYSICIAN} beneficiary=o claim=o", "99203 on=2026-08-03 group=h specialty=07"): [
            PAY,
            PAY,
        ],
    }
    assert decisions_by_case(releases, cases) == cases
