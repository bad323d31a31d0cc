"""Both sides on one line, and one on another: record layout RVU25D, Bilateral Surgery. 20610 has indicator 1."""

from typing import Any

import pytest
from literal_releases import DOCUMENTED, PAY, REVIEW, decisions

from codeset.snapshot import Snapshot


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("20610-50", "20610-RT"), [PAY, REVIEW]),
        (("20610-LT", "20610-50"), [PAY, REVIEW]),
        (("20610-50", "20610-RT-59"), [PAY, DOCUMENTED]),
        (("20610-LT", "20610-RT"), [PAY, DOCUMENTED]),
    ],
)
def test_a_side_is_paid_once(releases: list[Snapshot], lines: tuple[str, ...], expected: list[Any]) -> None:
    """50 is both sides; RT beside LT is the other side, by the record."""
    assert decisions(releases, *lines) == expected
