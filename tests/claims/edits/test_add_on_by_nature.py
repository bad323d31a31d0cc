"""Add-on codes by nature: record layout, Global Surgery ZZZ; a skin substitute is incident to its application."""

from literal_releases import PAY, decisions_by_case, deny

from codeset.snapshot import Snapshot


def test_an_add_on_by_nature_is_not_paid_alone(releases: list[Snapshot]) -> None:
    cases = {
        ("G0559",): [deny("CO", "B15")],
        ("11102", "G0559"): [PAY, deny("CO", "B15")],
        ("Q4101",): [deny("CO", "B15")],
        ("99213", "Q4101"): [PAY, deny("CO", "B15")],
        ("15271", "Q4101"): [PAY, PAY],
        ("15271-GZ", "Q4101"): [deny("CO", "50"), deny("CO", "B15")],
    }
    assert decisions_by_case(releases, cases) == cases
