"""G0559, care after another practitioner's surgery: HCPCS file, 2025."""

from literal_releases import DOCUMENTED, PAY, UNKNOWN, decisions_by_case, deny

from codeset.snapshot import Snapshot


def test_care_after_surgery_is_another_practitioners(releases: list[Snapshot]) -> None:
    cases = {
        ("14040 provider=x", "99213 day=10", "G0559 day=10"): [PAY, PAY, PAY],
        ("99213", "G0559"): [PAY, UNKNOWN],
        ("14040", "99213-24 day=10", "G0559 day=10"): [PAY, DOCUMENTED, deny("CO", "B15")],
        (
            "14040 provider=x group=g specialty=07",
            "99213 group=g specialty=11 day=10",
            "G0559 group=g specialty=11 day=10",
        ): [PAY, PAY, deny("CO", "B15")],
        ("14040 provider=x", "99213 day=91", "G0559 day=91"): [PAY, PAY, UNKNOWN],
    }
    assert decisions_by_case(releases, cases) == cases
