"""Modifiers of coverage: CR 7228, CR 6563, IOM ch. 23, section 20.9.1.1; 59 on a visit: I-16."""

from literal_releases import PAY, decisions_alone, deny

from codeset.snapshot import Snapshot


def test_modifiers_of_coverage_and_those_that_do_nothing(releases: list[Snapshot]) -> None:
    expected = {
        "11402-GZ": deny("CO", "50"),
        "11402-GY": deny("PR", "96"),
        "11402-GX": deny("PR", "96"),
        "11402-GX-GY": deny("PR", "96"),
        "11402-GA": PAY,
        "11402-GA-GZ": deny("CO", "16"),
        "11402-GX-GA": deny("CO", "16"),
        "11402-GX-GZ": deny("CO", "16"),
        "11402-GY-GZ": deny("CO", "16"),
        "J3301-GZ": deny("CO", "50"),
        "J3301-GAx17": deny("CO", "151"),
        "99213-GC": PAY,
        "99213-GE": PAY,
        "99213-FS": PAY,
        "11402-QW": PAY,
        "11402-SA": PAY,
        "99213-59": deny("CO", "4"),
        "99213-XU": deny("CO", "4"),
        "99213-25-59": PAY,
    }
    assert decisions_alone(releases, expected) == expected
