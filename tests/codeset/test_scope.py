"""Spans of codes: which codes they count, written out or not."""

import pytest

from codeset.scope import codes_of, counts


@pytest.mark.parametrize("span", ["11102-11107", "J0000-J9999", "G0559", "A2001-A2099", "10004-10020"])
def test_a_span_counts_the_codes_that_it_writes_out(span: str) -> None:
    assert all(counts(span, code) for code in codes_of(span))


@pytest.mark.parametrize(
    ("span", "code"),
    [
        ("11102-11107", "11101"),
        ("11102-11107", "11108"),
        ("10004-69990", "1000F"),  # category II: digits and a letter
        ("10004-69990", "0045T"),
        ("10004-69990", "J1100"),
        ("J0000-J9999", "G0559"),
        ("J0000-J9999", "J00001"),
        ("G0559", "G0560"),
    ],
)
def test_a_span_counts_no_other_code(span: str, code: str) -> None:
    assert not counts(span, code)
