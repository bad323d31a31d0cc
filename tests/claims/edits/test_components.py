"""Components in a facility: record layout, PC/TC Indicator; IOM ch. 12, section 20.4.2."""

import pytest
from literal_releases import decisions

from codeset.snapshot import Snapshot


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("88305 place=22", "deny"),
        ("88305-TC place=19", "deny"),
        ("88305 place=21", "deny"),
        ("88305 place=23", "deny"),
        ("88305-26 place=22", "pay"),
        ("88305 place=24", "review"),
        ("88305 place=11", "pay"),
        ("96910 place=22", "deny"),
        ("96910 place=24", "pay"),
        ("11102-26 place=22", "deny"),
    ],
)
def test_components_in_a_facility(releases: list[Snapshot], line: str, expected: str) -> None:
    assert decisions(releases, line)[0][0] == expected
