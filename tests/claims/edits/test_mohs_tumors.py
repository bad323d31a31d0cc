"""First stages of Mohs surgery, one for each tumor."""

from typing import Any

import pytest
from literal_releases import DOCUMENTED, PAY, REVIEW, decisions, deny

from codeset.snapshot import Snapshot


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("17311x2",), [REVIEW]),
        (("17313x3",), [REVIEW]),
        (("17311", "17312x2"), [PAY, PAY]),
        (("17311", "17311-59"), [PAY, DOCUMENTED]),
        (("17311x5",), [deny("CO", "151")]),
    ],
)
def test_units_of_a_first_stage_of_mohs_surgery_do_not_tell_tumors_apart(
    releases: list[Snapshot], lines: tuple[str, ...], expected: list[Any]
) -> None:
    """Each tumor has one first stage, further tumors lines with 59 or XS; five are beyond the MUE of 4 (MAI 3)."""
    assert decisions(releases, *lines) == expected
