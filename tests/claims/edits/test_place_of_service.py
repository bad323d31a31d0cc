"""Places of service: IOM ch. 26, section 10.5; CR 13314, CR 13582, CR 12427."""

from literal_releases import PAY, decisions_alone, deny

from codeset.snapshot import Snapshot


def test_places_of_service(releases: list[Snapshot]) -> None:
    expected = {
        "11402 place=30": deny("CO", "16"),
        "11402 place=06": deny("CO", "16"),
        "11402 place=98": deny("CO", "16"),
        "11402 place=27 on=2023-09-30": deny("CO", "16"),
        "11402 place=27 on=2023-10-01": PAY,
    }
    assert decisions_alone(releases, expected) == expected
