"""Places of service: IOM ch. 26, section 10.5; CR 13314, CR 13582, CR 12427."""

from typing import Any

import pytest
from literal_releases import PAY, decisions, deny

from codeset.snapshot import Snapshot


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("11402 place=30", deny("CO", "16")),
        ("11402 place=06", deny("CO", "16")),
        ("11402 place=98", deny("CO", "16")),
        ("11402 place=27 on=2023-09-30", deny("CO", "16")),
        ("11402 place=27 on=2023-10-01", PAY),
    ],
)
def test_places_of_service(releases: list[Snapshot], line: str, expected: Any) -> None:
    assert decisions(releases, line)[0] == expected
