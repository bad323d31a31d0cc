"""Mohs surgery is a physician's: Policy Manual, p. III-8; LCDs L35494, L34961."""

from literal_releases import PAY, REVIEW, decisions_alone, deny

from codeset.snapshot import Snapshot


def test_mohs_surgery_is_a_physicians(derm: Snapshot) -> None:
    expected = {
        "17311": PAY,
        "17311 specialty=07": PAY,
        "17311 specialty=50": REVIEW,
        "17311 specialty=97": REVIEW,
        "17311 specialty=363AM0700X": REVIEW,
        "17311-GZ specialty=50": deny("CO", "50"),
        "17000 specialty=50": PAY,
    }
    assert decisions_alone(derm, expected) == expected
