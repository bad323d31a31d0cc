"""G2211: CR 13272 and CR 13705; add-on edits of CMS."""

from datetime import date
from typing import Any

import pytest
from literal_releases import PAY, REVIEW, decisions, deny

from codeset.snapshot import Snapshot


@pytest.mark.parametrize(
    ("on", "lines", "expected"),
    [
        ("2024-06-03", ("99213", "G2211"), PAY),
        ("2024-06-03", ("99213-25", "G2211", "11102"), deny("CO", None)),
        ("2024-06-03", ("99213-25", "G2211", "G0439"), deny("CO", None)),
        ("2025-12-31", ("99213-25", "G2211", "11102"), deny("CO", None)),
        ("2025-12-31", ("99213-25", "G2211", "G0439"), PAY),
        ("2025-12-31", ("99213-25", "G2211", "G0008"), PAY),
        ("2025-12-31", ("99213-25", "G2211", "88305"), deny("CO", None)),
        ("2025-12-31", ("99213-25", "G2211", "J3301"), deny("CO", None)),
        ("2025-12-31", ("99213-25", "G2211"), deny("CO", None)),
        ("2025-12-31", ("99213-25", "G2211", "G0473"), REVIEW),
        ("2025-12-31", ("99213-25", "G2211", "99406"), REVIEW),  # counseling to prevent tobacco use is a Part B service
        ("2025-12-31", ("99213-25", "G2211", "G0439 day=1"), deny("CO", None)),
        ("2025-12-31", ("99348", "G2211"), deny("CO", "B15")),
        ("2026-01-01", ("99348", "G2211"), PAY),
        ("2026-08-05", ("99213-25", "G2211", "G0439"), PAY),
    ],
)
def test_g2211_beside_25_is_paid_with_a_preventive_service_since_2025(
    releases: list[Snapshot], on: str, lines: tuple[str, ...], expected: Any
) -> None:
    assert decisions(releases, *lines, on=date.fromisoformat(on))[1] == expected
