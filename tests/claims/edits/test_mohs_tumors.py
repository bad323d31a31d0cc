"""First stages of Mohs surgery, one for each tumor."""

from literal_releases import DOCUMENTED, PAY, REVIEW, decisions_by_case, deny

from codeset.snapshot import Snapshot


def test_units_of_a_first_stage_of_mohs_surgery_do_not_tell_tumors_apart(releases: list[Snapshot]) -> None:
    """Each tumor has one first stage, further tumors lines with 59 or XS; five are beyond the MUE of 4 (MAI 3)."""
    cases = {
        ("17311x2",): [REVIEW],
        ("17313x3",): [REVIEW],
        ("17311", "17312x2"): [PAY, PAY],
        ("17311", "17311-59"): [PAY, DOCUMENTED],
        ("17311x5",): [deny("CO", "151")],
    }
    assert decisions_by_case(releases, cases) == cases
