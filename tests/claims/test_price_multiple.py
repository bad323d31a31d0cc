"""Several procedures of one session, worked by hand from CMS's RVUs of July 2026 at 33.4009, nationally."""

from decimal import Decimal
from typing import Any

import pytest
from price_lines import DERM, EXCISION, REPAIR, allowed_cents, amounts, code_set, factor, fee, line

from codeset.claims.engine.code_set import CodeSet

# --- indicator 2


@pytest.mark.parametrize("swap", [False, True])
def test_s21_the_dearest_in_full_the_other_half(swap):
    """S21: 13132 13.84 RVUs = 462.27 in full; 11642 7.99 = 266.87, half = 133.435, half-up 133.44 (layout, 2)."""
    lines = [line("11642"), line("13132")]
    assert allowed_cents(DERM, *(lines[::-1] if swap else lines)) == ([46227, 13344] if swap else [13344, 46227])


def test_the_ladder_is_100_50_50_50_50():
    """Not 100, 50, 25 (DOMAIN 11). 767.22; 462.27 / 2 = 231.135; 266.87 / 2 = 133.435; 95.53 / 2 = 47.765;
    66.47 / 2 = 33.235 (layout, Multiple Procedure 2). Half of the unrounded 66.467791 would be 33.23.
    """
    line_amounts = amounts(DERM, *(line(hcpcs) for hcpcs in ("17000", "11102", "11642", "13132", "14040")))
    assert [amount["allowed_cents"] for amount in line_amounts] == [3324, 4777, 13344, 23114, 76722]
    assert [amount["payment_percent"] for amount in line_amounts] == [50, 50, 50, 50, 100]
    assert [amount["reviews"] for amount in line_amounts] == [[], [], [], [], []]


def test_the_sixth_is_by_report_and_never_below_half():
    """IOM 100-04 ch. 12, 40.6.C: sixth and later by report, never lower than 50 %. 5 x 133.435 = 667.175."""
    repair, excisions = amounts(DERM, line("13132"), line("11642", units=5))
    assert (repair["allowed_cents"], repair["reviews"]) == (46227, [])
    assert (excisions["allowed_cents"], excisions["reviews"]) == (66718, ["by-report"])


def test_five_are_not_by_report():
    """4 x 133.435 = 533.74."""
    assert [
        (amount["allowed_cents"], amount["reviews"]) for amount in amounts(DERM, line("13132"), line("11642", units=4))
    ] == [
        (46227, []),
        (53374, []),
    ]


def test_every_unit_is_a_procedure():
    """266.87 + 133.435 = 400.305: 75 % of two fees (DOMAIN 7.5, ranking by unit)."""
    amount = amounts(DERM, line("11642", units=2))[0]
    assert (amount["allowed_cents"], amount["payment_percent"]) == (40031, Decimal(75))


def test_indicator_0_is_neither_ranked_nor_reduced():
    """17312 (402.81) and 17003 (6.35) are add-ons, indicator 0; 11102 alone is ranked (layout, 0)."""
    assert allowed_cents(DERM, line("17312"), line("11102"), line("17003", units=2)) == [40281, 9553, 1270]


@pytest.mark.parametrize("indicator", ["0", "9"])
def test_indicators_0_and_9_reduce_nothing(indicator):
    codes = code_set(fee("10000", "1", "1", "1", multiple_procedure=indicator), EXCISION)
    assert allowed_cents(codes, line("10000"), line("10000"), line("11642")) == [10020, 10020, 26687]


def test_equals_rank_by_code_then_claim_then_line():
    same = [
        line("11102", claim_id="b", line=1),
        line("11102", claim_id="a", line=2),
        line("11102", claim_id="a", line=1),
    ]
    assert allowed_cents(DERM, *same) == [4777, 4777, 9553]
    twins = code_set(EXCISION, EXCISION | {"hcpcs": "11641"})
    assert allowed_cents(twins, line("11642"), line("11641")) == [13344, 26687]


def test_other_days_practitioners_and_patients_are_other_sessions():
    apart = [
        line("13132"),
        line("11642", provider="another"),
        line("11642", beneficiary="another"),
    ]
    assert allowed_cents(DERM, *apart) == [46227, 26687, 26687]


def test_a_denied_procedure_does_not_rank():
    assert allowed_cents(DERM, line("13132", payable=False), line("11642"), line("11102")) == [26687, 4777]


def test_an_unpriced_procedure_does_not_rank():
    """Without a place of service 13132 has no amount, and 11642 stays the highest."""
    assert allowed_cents(DERM, line("13132", pos=""), line("11642")) == [None, 26687]


def test_modifier_51_says_nothing_to_medicare():
    """The contractor ranks by fee whatever line carries 51 (DOMAIN 7.5)."""
    assert allowed_cents(DERM, line("13132", "51"), line("11642")) == [46227, 13344]


# --- indicator 3


def endoscopies(*others: dict[str, object]) -> CodeSet:
    """Facility fees: 45385 6.69 RVUs = 223.45, 45380 5.32 = 177.69, base 45378 4.93 = 164.67, 43239 3.70 = 123.58."""
    return code_set(
        fee("45385", "4.46", "1.72", "0.51", multiple_procedure="3", endoscopic_base="45378"),
        fee("45380", "3.47", "1.43", "0.42", multiple_procedure="3", endoscopic_base="45378"),
        fee("45378", "3.18", "1.34", "0.41", multiple_procedure="2"),
        fee("43239", "2.33", "1.10", "0.27", multiple_procedure="3", endoscopic_base="43235"),
        *others,
    )


def scope(hcpcs: str, units: int = 1) -> dict[str, object]:
    return line(hcpcs, units=units, pos="22")


def test_a_family_pays_the_highest_and_the_others_less_the_base():
    """223.45, and 177.69 - 164.67 = 13.02 (layout, 3; IOM 100-04 ch. 12, 40.6.C)."""
    assert allowed_cents(endoscopies(), scope("45385"), scope("45380")) == [22345, 1302]


def test_the_base_beside_its_family_is_not_paid():
    """Layout, 3: "do not pay separately for the base procedure"."""
    assert allowed_cents(endoscopies(), scope("45378"), scope("45380")) == [0, 17769]
    assert allowed_cents(endoscopies(), scope("45378"), scope("45380"), scope("45385")) == [0, 1302, 22345]


def test_the_base_alone_is_paid():
    assert allowed_cents(endoscopies(), scope("45378")) == [16467]


def test_units_of_one_endoscopy_are_a_family():
    """177.69 + (177.69 - 164.67) = 190.71."""
    assert allowed_cents(endoscopies(), scope("45380", units=2)) == [19071]


def test_a_family_ranks_with_others_as_one():
    """The family is 236.47, the other family 123.58: 100 % and 50 % (layout, 3: apply to a family before ranking)."""
    assert allowed_cents(endoscopies(), scope("45385"), scope("45380"), scope("43239")) == [22345, 1302, 6179]


def test_a_family_ranks_by_its_total():
    """6.90 RVUs = 230.47 is more than 45385 (223.45) but less than the family (236.47): half is 115.235."""
    codes = endoscopies(fee("10000", "6.90", "0", "0", multiple_procedure="2"))
    assert allowed_cents(codes, scope("10000"), scope("45385"), scope("45380")) == [11524, 22345, 1302]


def test_a_family_that_ranks_second_is_halved():
    """13132, 7.52 RVUs = 251.17, is first; 223.45 / 2 = 111.725, 13.02 / 2 = 6.51."""
    assert allowed_cents(endoscopies(REPAIR), scope("13132"), scope("45385"), scope("45380")) == [25117, 11173, 651]


def test_the_base_need_not_be_billed_but_must_be_known():
    codes = code_set(
        *(fee(hcpcs, "4", "1", "1", multiple_procedure="3", endoscopic_base="1000X") for hcpcs in ("10001", "10002"))
    )
    line_amounts = amounts(codes, line("10001"), line("10002"))
    assert [amount["unpriced"] for amount in line_amounts] == [None, "no-endoscopic-base"]
    assert line_amounts[1]["allowed_cents"] is None


# --- indicators 4, 6 and 7


def of_components(indicator: str, **whole: tuple[tuple[str, str, str], tuple[str, str, str]]) -> CodeSet:
    """Codes with the RVUs of the whole and of the professional component; the technical one is the rest."""
    rows = []
    for hcpcs, (all_of_it, professional) in whole.items():
        indicators = {"multiple_procedure": indicator, "pctc_indicator": "1"}
        work, pe, mp = (str(Decimal(one) - Decimal(two)) for one, two in zip(all_of_it, professional, strict=True))
        name = hcpcs.removeprefix("c")
        rows += [
            fee(name, *all_of_it, **indicators),
            fee(name, *professional, "26", **indicators),
            fee(name, work, pe, mp, "TC", **indicators),
        ]
    return code_set(*rows)


SCANS = of_components(
    "4",
    c70450=(("0.83", "2.30", "0.06"), ("0.83", "0.30", "0.05")),
    c71250=(("1.05", "2.85", "0.07"), ("1.05", "0.37", "0.06")),
)
"""Whole: 3.19 RVUs = 106.55, 3.97 = 132.60; professional 1.18 = 39.41, 1.48 = 49.43; technical 67.14, 83.17."""


def test_imaging_later_technical_half_later_professional_95():
    """71250 in full; 70450: 67.14 / 2 + 39.41 x 0.95 = 33.57 + 37.4395 = 71.0095 (layout, 4)."""
    assert allowed_cents(SCANS, line("70450"), line("71250")) == [7101, 13260]


def test_imaging_components_rank_apart():
    """70450 technical is second (33.57), 71250 professional stands alone (49.43)."""
    assert allowed_cents(SCANS, line("70450", "TC"), line("71250", "TC"), line("71250", "26")) == [3357, 8317, 4943]


def test_imaging_professional_components_lose_five_percent():
    """39.41 x 0.95 = 37.4395 (layout, 4: from 2017)."""
    assert allowed_cents(SCANS, line("70450", "26"), line("71250", "26")) == [3744, 4943]


def test_imaging_units_are_procedures():
    """106.55 + 71.0095 = 177.5595."""
    assert allowed_cents(SCANS, line("70450", units=2)) == [17756]


def test_cardiovascular_later_technical_75():
    """93880 (technical 151.64) in full; 93306: 67.47 + 129.26 x 0.75 = 164.415 (layout, 6)."""
    hearts = of_components(
        "6",
        c93306=(("1.42", "4.39", "0.08"), ("1.42", "0.55", "0.05")),
        c93880=(("0.78", "4.78", "0.10"), ("0.78", "0.27", "0.07")),
    )
    assert allowed_cents(hearts, line("93306"), line("93880")) == [16442, 18905]
    assert allowed_cents(hearts, line("93306", "26"), line("93880", "26")) == [6747, 3741]


def test_ophthalmology_later_technical_80():
    """92250 (technical 16.70) in full; 92134: 17.70 + 15.03 x 0.80 = 29.724 (layout, 7)."""
    eyes = of_components(
        "7",
        c92134=(("0.31", "0.65", "0.02"), ("0.31", "0.21", "0.01")),
        c92250=(("0.39", "0.70", "0.02"), ("0.39", "0.21", "0.01")),
    )
    assert allowed_cents(eyes, line("92134"), line("92250")) == [2972, 3707]


def test_a_stand_alone_technical_code_is_all_technical():
    """93005, 0.21 RVUs = 7.01, second: x 0.75 = 5.2575 (layout, PC/TC indicator 3). The first is 0.24 RVUs = 8.02."""
    indicators = {"multiple_procedure": "6", "pctc_indicator": "3"}
    codes = code_set(fee("93005", "0", "0.20", "0.01", **indicators), fee("93041", "0", "0.23", "0.01", **indicators))
    assert allowed_cents(codes, line("93005"), line("93041")) == [526, 802]


def test_a_whole_test_without_known_components_is_reviewed_not_reduced():
    """93000 (PC/TC indicator 4) has its components under other codes: 0.46 RVUs = 15.36, in full."""
    indicators = {"multiple_procedure": "6"}
    codes = code_set(
        fee("93000", "0.17", "0.27", "0.02", pctc_indicator="4", **indicators),
        fee("93041", "0", "0.23", "0.01", pctc_indicator="3", **indicators),
    )
    line_amounts = amounts(codes, line("93000"), line("93041"))
    assert [(amount["allowed_cents"], amount["reviews"]) for amount in line_amounts] == [
        (1536, ["technical-component-unknown"]),
        (802, []),
    ]


# --- the cap of imaging

SAN_FRANCISCO = (("01112", "05", 1088, 1419, 445),)


def head_scans() -> CodeSet:
    """70496 of October 2025, San Francisco, at 32.3465: whole 364.27, cap 343.62; TC 272.62, cap 251.96; 26 91.66."""
    indicators: dict[str, Any] = {"multiple_procedure": "4", "pctc_indicator": "1"}
    caps: dict[str, Any] = {"opps_nonfacility_pe_rvu": 611, "opps_facility_pe_rvu": 611, "opps_mp_rvu": 11}
    of_technical: dict[str, Any] = {"opps_nonfacility_pe_rvu": 548, "opps_facility_pe_rvu": 548, "opps_mp_rvu": 3}
    return code_set(
        fee("70496", "1.75", "6.56", "0.11", **indicators, **caps),
        fee("70496", "1.75", "0.63", "0.08", "26", **indicators),
        fee("70496", "0", "5.93", "0.03", "TC", **indicators, **of_technical),
        factors=(factor("32.3465"),),
        gpci=SAN_FRANCISCO,
    )


@pytest.mark.parametrize(("modifier", "cents"), [("", 34362), ("TC", 25196), ("26", 9166)])
def test_imaging_is_capped_at_the_opps_amount(modifier, cents):
    """OPPSCAP of October 2025, 01112-05: 343.62 and 251.96 (layout, OPPS formula).

    Whole: (1.75 x 1.088 + 6.11 x 1.419 + 0.11 x 0.445) x 32.3465 = 343.618163...; technical: (5.48 x 1.419
    + 0.03 x 0.445) x 32.3465 = 251.962091...
    """
    assert allowed_cents(head_scans(), line("70496", modifier, locality="01112-05")) == [cents]


def test_the_cap_comes_after_the_reduction():
    """Two: the first is capped, 343.62; the second is 272.61 / 2 + 91.66 x 0.95 = 223.382, below its cap. 567.002."""
    assert allowed_cents(head_scans(), line("70496", units=2, locality="01112-05")) == [56700]


# --- indicator 5

THERAPY = code_set(
    fee("97110", "0.45", "0.41", "0.01", multiple_procedure="5"),
    fee("97140", "0.43", "0.39", "0.01", multiple_procedure="5"),
)
"""0.87 RVUs = 29.06 and 0.83 = 27.72; with half the PE 0.665 = 22.2115985 = 22.21 and 0.635 = 21.2095715 = 21.21."""


def test_therapy_pays_half_the_practice_expense_of_later_units():
    """97110 has the higher PE: 29.06 + 2 x 22.21 = 73.48; 97140: 2 x 21.21 = 42.42 (layout, 5)."""
    assert allowed_cents(THERAPY, line("97140", units=2), line("97110", units=3)) == [4242, 7348]


def test_one_unit_of_therapy_is_paid_in_full():
    assert allowed_cents(THERAPY, line("97110")) == [2906]
