"""Excerpts: what a release that has the rows of some codes only can say. Pages: the Policy Manual of 2026."""

import literal_claims
import pytest

from codeset.snapshot import Snapshot
from codeset.store import Store


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("all", ["deny hcpcs-not-in-release", "pay"]),
        ("derm", ["unknown outside-the-excerpt", "review beside-the-excerpt"]),
    ],
)
def test_a_code_that_is_not_listed_is_denied_by_a_full_release_only(
    store: Store, scope: str, expected: list[str]
) -> None:
    """An excerpt cannot know, nor what the code does to another line; a release whose fee schedule is whole can."""
    release = literal_claims.sealed_release(store, "2026q3", ["17000"], scope=scope)
    assert literal_claims.answers(release, "99999", "17000") == expected


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (("G2211", "99341"), "deny"),
        (("15777", "17000"), "pay"),
    ],
)
def test_an_excerpt_does_not_judge_an_add_on_whose_primary_it_cannot_know(
    derm: Snapshot, lines: tuple[str, str], wrong: str
) -> None:
    """AOC: 99341 is a primary of G2211, and 15777 has type 2; 99341 and CCCCC are outside the excerpt. I-35."""
    assert literal_claims.dispositions(derm, *lines)[0] != wrong
