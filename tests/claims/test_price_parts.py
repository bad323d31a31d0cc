"""Both sides, parts of the package, and several surgeons, worked by hand at 33.4009, nationally."""

import pytest
from price_lines import DERM, EXCISION, FLAP, allowed_cents, amounts, code_set, fee, line

from codeset.claims.engine.code_set import CodeSet

# --- bilateral


def joints(bilateral: str, **others: str) -> CodeSet:
    """20610, 2.06 RVUs = 68.81, with a bilateral indicator; and 14040 (767.22), 11642 (266.87)."""
    indicators = {"multiple_procedure": "2"} | others
    return code_set(fee("20610", "0.77", "1.16", "0.13", bilateral_surgery=bilateral, **indicators), FLAP, EXCISION)


RIGHT, LEFT = line("20610", "RT"), line("20610", "LT")
BY_50, BY_UNITS, BY_BOTH = [line("20610", "50")], [line("20610", units=2)], [line("20610", "RT LT")]


@pytest.mark.parametrize("lines", [BY_50, BY_UNITS, BY_BOTH])
@pytest.mark.parametrize(("indicator", "cents"), [("1", 10322), ("2", 6881), ("3", 13762)])
def test_both_sides_on_one_line(lines, indicator, cents):
    """1: 150 % of 68.81 = 103.215; 2: 100 % of one fee; 3: 100 % for each side (layout, Bilateral Surgery)."""
    assert allowed_cents(joints(indicator), *lines) == [cents]


@pytest.mark.parametrize(
    ("indicator", "cents"), [("0", [6881, 0]), ("1", [6881, 3441]), ("2", [6881, 0]), ("3", [6881, 6881])]
)
def test_both_sides_on_two_lines(indicator, cents):
    """The first line in full, the second with what both are paid more: 50 % of 68.81 = 34.405 for indicator 1."""
    assert allowed_cents(joints(indicator), RIGHT, LEFT) == cents


@pytest.mark.parametrize(("lines", "cents"), [(BY_50, 6881), (BY_BOTH, 6881), (BY_UNITS, 10322)])
def test_indicator_0_is_one_fee_but_its_units_are_procedures(lines, cents):
    """Layout, 0: 50 or RT and LT are 100 % of one code; the units field is not named, so 68.81 + 34.405 by rank."""
    assert allowed_cents(joints("0"), *lines) == [cents]


def test_indicator_9_has_no_bilateral_rule():
    assert allowed_cents(joints("9"), *BY_50) == [6881]


def test_units_of_one_side_are_not_two_sides():
    """68.81 + 34.405 by rank is the same 150 %; with the flap first they are two procedures at 50 %: 68.81."""
    assert allowed_cents(joints("1"), line("14040"), line("20610", "RT", units=2)) == [76722, 6881]


@pytest.mark.parametrize(
    ("lines", "cents"),
    [(BY_50, [5161]), (BY_UNITS, [5161]), ([RIGHT, LEFT], [3441, 1720])],
)
def test_bilateral_comes_before_multiple(lines, cents):
    """14040 (767.22) is first. 103.215 / 2 = 51.6075, one procedure; on two lines 34.405 and 17.2025 (layout, 1)."""
    assert allowed_cents(joints("1"), line("14040"), *lines) == [76722, *cents]


def test_the_bilateral_amount_is_what_ranks():
    """5.00 RVUs x 33.4009 = 167.00, both sides 250.50, is more than one of 6.00 (200.41), of which half is 100.205."""
    codes = code_set(
        fee("10001", "5", "0", "0", multiple_procedure="2", bilateral_surgery="1"),
        fee("10002", "6", "0", "0", multiple_procedure="2"),
    )
    assert allowed_cents(codes, line("10001", "50"), line("10002")) == [25050, 10021]
    assert allowed_cents(codes, line("10001", "RT"), line("10002"), line("10001", "LT")) == [16700, 10021, 8350]


def test_more_lines_than_two_sides_are_reviewed():
    line_amounts = amounts(joints("1", multiple_procedure="0"), RIGHT, LEFT, LEFT | {"line": 9})
    assert [(amount["allowed_cents"], amount["reviews"]) for amount in line_amounts] == [
        (6881, ["bilateral-units"])
    ] * 3


def test_units_of_modifier_50_are_bilateral_procedures_to_be_reviewed():
    """First Coast, modifier 50: units are the number of bilateral procedures. 2 x 103.215 = 206.43."""
    amount = amounts(joints("1", multiple_procedure="0"), line("20610", "50", units=2))[0]
    assert (amount["allowed_cents"], amount["reviews"]) == (20643, ["bilateral-units"])


# --- parts of the global package; the flap in a facility is 16.35 RVUs = 546.10, .10 before, .71 during, .19 after


@pytest.mark.parametrize(
    ("modifier", "cents"),
    [("54", 44234), ("55", 10376), ("56", 5461), ("78", 38773), ("58", 54610), ("79", 54610)],
)
def test_parts_of_the_package(modifier, cents):
    """S32: 78 is .71 x 546.10 = 387.731. 54: .81 = 442.341 (Palmetto, modifier 54: with the care before); 55: 103.759;
    56: 54.61 (layout, Percentages; IOM 100-04 ch. 12, 40.4). 58 and 79 are paid in full.
    """
    assert allowed_cents(DERM, line("14040", modifier, pos="22")) == [cents]


def test_a_return_without_parts_is_paid_in_full():
    """IOM 100-04 ch. 12, 40.4.C: with a 000 global period, 78 is the full value. 30.06 for 11102 in a facility."""
    assert allowed_cents(DERM, line("11102", "78", pos="22")) == [3006]


def test_a_return_has_no_multiple_surgery_rule():
    """IOM 100-04 ch. 12, 40.4.C: the rules of multiple surgeries do not also apply. 251.17 for 13132 beside it."""
    assert allowed_cents(DERM, line("14040", "78", pos="22"), line("13132", pos="22")) == [38773, 25117]


@pytest.mark.parametrize("modifier", ["54", "55", "56"])
def test_a_part_that_the_package_lacks_has_no_amount(modifier):
    assert amounts(DERM, line("11102", modifier))[0]["unpriced"] == "no-global-share"


def test_surgery_and_care_after_it_are_ranked_apart():
    """One surgeon bills 54 and part of the care after (Palmetto, modifier 54): neither halves the other."""
    assert allowed_cents(DERM, line("14040", "54", pos="22"), line("14040", "55", pos="22")) == [44234, 10376]


def test_a_share_of_a_ranked_surgery():
    """15260-like 20.00 RVUs = 668.02 is first; the flap is 546.10 x 50 % x 81 % = 221.1705 (50 and 54 both apply)."""
    codes = code_set(FLAP, fee("15260", "20", "0", "0", multiple_procedure="2"))
    assert allowed_cents(codes, line("15260", pos="22"), line("14040", "54", pos="22")) == [66802, 22117]


# --- several surgeons; 10000 has 29.35 RVUs = 980.316415 = 980.32


def surgery(**indicators: str) -> CodeSet:
    return code_set(
        fee("10000", "15.63", "10.76", "2.96", multiple_procedure="2", **indicators),
        fee("10001", "10.00", "0", "0", multiple_procedure="2", assistant_surgery="2"),
    )


@pytest.mark.parametrize(
    ("modifiers", "cents"), [("80", 15685), ("81", 15685), ("82", 15685), ("AS", 13332), ("80 AS", 13332)]
)
def test_assistants(modifiers, cents):
    """16 % of 980.32 = 156.8512; AS 85 % of that = 133.32352 (IOM 100-04 ch. 12, 20.4.3 and 110.2)."""
    assert allowed_cents(surgery(assistant_surgery="2"), line("10000", modifiers)) == [cents]


@pytest.mark.parametrize(
    ("indicator", "unpriced", "reviews"),
    [
        ("0", None, ["assistant-documentation"]),
        ("1", "assistant-not-payable", []),
        ("2", None, []),
        ("9", "assistant-not-payable", []),
    ],
)
def test_the_assistant_indicator(indicator, unpriced, reviews):
    """Layout, Assistant at Surgery."""
    amount = amounts(surgery(assistant_surgery=indicator), line("10000", "80"))[0]
    assert (amount["unpriced"], amount["reviews"]) == (unpriced, reviews)


def test_an_assistant_is_ranked_among_his_own():
    """IOM 100-04 ch. 12, 40.6.A. 980.32 x 16 %; 334.01 x 50 % x 16 % = 26.7208. The surgeon: 980.32, 167.005."""
    lines = [line("10000"), line("10001"), line("10000", "80"), line("10001", "80")]
    assert allowed_cents(surgery(assistant_surgery="2"), *lines) == [98032, 16701, 15685, 2672]


@pytest.mark.parametrize(
    ("indicator", "cents", "unpriced", "reviews"),
    [
        ("0", None, "co-surgeon-not-payable", []),
        ("1", 61270, None, ["co-surgeon-documentation"]),
        ("2", 61270, None, []),
        ("9", None, "co-surgeon-not-payable", []),
    ],
)
def test_two_surgeons(indicator, cents, unpriced, reviews):
    """62.5 % of 980.32 = 612.70 for each (layout, Co-surgeons; IOM 100-04 ch. 12, 40.8)."""
    amount = amounts(surgery(co_surgery=indicator), line("10000", "62"))[0]
    assert (amount["allowed_cents"], amount["unpriced"], amount["reviews"]) == (cents, unpriced, reviews)


@pytest.mark.parametrize(
    ("indicator", "unpriced", "reviews"),
    [
        ("0", "team-not-payable", ["by-report"]),
        ("1", "by-report", ["team-documentation", "by-report"]),
        ("2", "by-report", ["by-report"]),
    ],
)
def test_teams_are_paid_by_report(indicator, unpriced, reviews):
    """Layout, Team Surgery."""
    amount = amounts(surgery(team_surgery=indicator), line("10000", "66"))[0]
    assert (amount["unpriced"], amount["reviews"]) == (unpriced, reviews)
