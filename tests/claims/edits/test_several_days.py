"""Several days on one line: each day would be paid in full."""

from typing import Any

import pytest
from literal_releases import PAY, REVIEW, decisions

from codeset.snapshot import Snapshot


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("11402x2 days=2", REVIEW),
        ("11402x2", PAY),
        ("11402 days=2", PAY),
        ("96910x2 days=2", PAY),
        ("99213x2 days=2", PAY),
    ],
)
def test_several_procedures_over_several_days_on_one_line_are_for_review(
    releases: list[Snapshot], line: str, expected: Any
) -> None:
    """Multiple Procedure 2 (layout): of one day the second is half, of two days both are whole."""
    assert decisions(releases, line) == [expected]
