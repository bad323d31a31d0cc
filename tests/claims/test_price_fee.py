"""The fee of one unit, and why there may be none. National amounts at 33.4009 unless given, worked by hand."""

from datetime import date
from decimal import Decimal

import pytest
from price_lines import (
    BIOPSY,
    DERM,
    EXCISION,
    FLAP,
    MORE_LESIONS,
    allowed_cents,
    amounts,
    code_set,
    factor,
    fee,
    frame,
    line,
    run,
    sentences,
)

from codeset.claims.pricing.amount_findings import amount_findings
from codeset.claims.pricing.price import price
from codeset.participants import Participant


def test_one_biopsy_in_an_office():
    """0.64 + 2.16 + 0.06 = 2.86; x 33.4009 = 95.526574 (layout RVU25D, formula; every GPCI is 1 nationally).

    Nonparticipating 95 % of 95.53 = 90.7535; limiting charge 109.25 % = 104.366525 (layout, p. 2).
    """
    assert amounts(DERM, line("11102")) == [
        {
            "row": 0,
            "setting": "nonfacility",
            "work_rvu": Decimal("0.64"),
            "pe_rvu": Decimal("2.16"),
            "mp_rvu": Decimal("0.06"),
            "fee_cents": 9553,
            "allowed_cents": 9553,
            "payment_percent": Decimal(100),
            "nonparticipating_cents": 9075,
            "limiting_cents": 10437,
            "unpriced": None,
            "reviews": [],
        }
    ]


@pytest.mark.parametrize(("pos", "cents"), [("11", 9553), ("22", 3006), ("24", 3006), ("12", 9553)])
def test_the_place_of_service_is_the_setting(pos, cents):
    """S34: a facility's practice expense is 0.20: 0.90 RVUs x 33.4009 = 30.06081 (IOM 100-04 ch. 12, 20.4.2)."""
    assert allowed_cents(DERM, line("11102", pos=pos)) == [cents]


def test_s34_the_day_before_and_the_day_of_the_new_year():
    """S34, DOMAIN 8: RVU25D 2.96 and 1.12 at 32.3465 = 95.74564, 36.22808; RVU26C 2.86 and 0.90 at 33.4009."""
    codes = code_set(
        fee("11102", "0.66", "2.24", "0.06", facility_pe="0.40"),
        BIOPSY | {"release": 1},
        factors=(
            factor("32.3465", date(2025, 10, 1), date(2025, 12, 31), 0),
            factor("33.4009", date(2026, 1, 1), date(2026, 3, 31), 1, participant=Participant.NON_QP),
        ),
        releases=2,
    )
    old, new = {"date_of_service": date(2025, 12, 31)}, {"date_of_service": date(2026, 1, 1), "release": 1}
    cents = [allowed_cents(codes, line("11102", pos=pos, **day)) for day in (old, new) for pos in ("11", "22")]
    assert cents == [[9575], [3623], [9553], [3006]]


def test_s35_the_factor_changes_within_a_quarter():
    """S35: 10.00 RVUs x 32.7442 = 327.442 until 2024-03-08; x 33.2875 = 332.875, half-up 332.88, from 03-09."""
    codes = code_set(
        fee("10000", "5.00", "4.00", "1.00"),
        factors=(
            factor("32.7442", date(2024, 1, 1), date(2024, 3, 8)),
            factor("33.2875", date(2024, 3, 9), date(2024, 3, 31)),
        ),
    )
    days = (date(2024, 3, 8), date(2024, 3, 9))
    assert [allowed_cents(codes, line("10000", date_of_service=day)) for day in days] == [[32744], [33288]]


def test_a_qualifying_apm_participant_has_the_other_factor():
    """2.86 x 33.5675 = 96.00305."""
    codes = code_set(
        BIOPSY,
        factors=(factor("33.4009", participant=Participant.NON_QP), factor("33.5675", participant=Participant.QP)),
    )
    assert allowed_cents(codes, line("11102"), participant=Participant.QP) == [9600]
    assert allowed_cents(codes, line("11102")) == [9553]


@pytest.mark.parametrize("participant", [*Participant])
def test_a_factor_without_a_kind_serves_everyone(participant):
    """Until 2025 there was one factor (layout RVU25D, Conversion Factor). 2.86 x 30 = 85.80."""
    codes = code_set(BIOPSY, factors=(factor("30", participant=None),))
    assert allowed_cents(codes, line("11102"), participant=participant) == [8580]


def test_a_locality_weighs_each_part():
    """Manhattan 2026: 0.64 x 1.064 + 2.16 x 1.162 + 0.06 x 1.586 = 3.28604; x 33.4009 = 109.756693..."""
    codes = code_set(BIOPSY, gpci=(("13202", "01", 1064, 1162, 1586),))
    assert allowed_cents(codes, line("11102", locality="13202-01")) == [10976]


def test_parts_are_not_rounded_before_the_sum():
    """1.11 x 33.4009 = 37.074999: 37.07. Rounded parts (13.03 + 23.38 + 0.67) would make 37.08 (DOMAIN 8)."""
    assert allowed_cents(code_set(fee("92250", "0.39", "0.70", "0.02")), line("92250")) == [3707]


@pytest.mark.parametrize(("rvus", "cents"), [("0.01", 1), ("0.03", 2), ("0.05", 3), ("0.07", 4)])
def test_half_a_cent_rounds_up_never_to_even(rvus, cents):
    """x 0.5000: 0.50, 1.50, 2.50, 3.50 cents. Half-even says 0, 2, 2, 4; truncation 0, 1, 2, 3 (DOMAIN 11)."""
    codes = code_set(fee("10000", rvus, "0", "0"), factors=(factor("0.5"),))
    assert allowed_cents(codes, line("10000")) == [cents]


def test_a_binary_float_would_lose_the_cent():
    """1.15 x 87 = 100.05, of which half is 50.025: 50.03, but 50.02 in floats. With both on one line 150.075."""
    codes = code_set(fee("10000", "1.15", "0", "0", multiple_procedure="2"), factors=(factor("87"),))
    assert allowed_cents(codes, line("10000", units=2)) == [15008]
    assert allowed_cents(codes, line("10000"), line("10000")) == [10005, 5003]


def test_units_multiply_the_published_fee():
    """13 x 6.35 = 82.55, as a remittance pays; 13 x 6.346171 would be 82.50 (0.19 RVUs x 33.4009)."""
    amount = amounts(DERM, line("17003", units=13))[0]
    assert (amount["fee_cents"], amount["allowed_cents"], amount["payment_percent"]) == (635, 8255, 100)


def test_the_charge_is_the_most_that_is_allowed():
    """The lower of charge and fee schedule amount (Social Security Act, 1848(a)(1)); the limits stay the fee's."""
    below, above = line("11102", charge_cents=9000), line("11102", charge_cents=20000)
    assert allowed_cents(code_set(fee("11102", "0.64", "2.16", "0.06")), below, above) == [9000, 9553]
    assert amounts(DERM, below)[0]["limiting_cents"] == 10437


@pytest.mark.parametrize(
    ("unknown_line", "reason"),
    [
        (line("11102", release=None), "no-release"),
        (line("99999"), "not-in-fee-schedule"),
        (line("11102", "26"), "no-component"),
        (line("11102", "TC"), "no-component"),
        (line("11102", "26 TC"), "modifier-conflict"),
        (line("14040", "54 55"), "modifier-conflict"),
        (line("14040", "62 80"), "modifier-conflict"),
        (line("11102", pos=""), "no-place-of-service"),
        (line("11102", pos=None), "no-place-of-service"),
        (line("11102", locality="13202-01"), "no-locality"),
        (line("11102", locality=""), "no-locality"),
        (line("11102", date_of_service=date(2026, 10, 1)), "no-conversion-factor"),
        (line("11102", units=0), "units"),
        (line("11102", units=10_000), "units"),
    ],
)
def test_what_is_not_known_has_no_amount(unknown_line, reason):
    amount = amounts(DERM, unknown_line)[0]
    assert (amount["allowed_cents"], amount["payment_percent"], amount["unpriced"]) == (None, None, reason)


@pytest.mark.parametrize(
    ("status", "rvus", "reason"),
    [
        ("A", "1.00", None),
        ("R", "1.00", None),
        ("T", "1.00", None),
        ("C", "1.00", "carrier-priced"),
        ("R", "0.00", "carrier-priced"),
        ("A", "0.00", "not-priced-by-rvu"),
        *((status, "1.00", "not-priced-by-rvu") for status in "BDEFGHIJMNPQX"),
    ],
)
def test_only_status_a_r_and_t_are_priced_by_rvus(status, rvus, reason):
    """Layout RVU25D, Status Code: "only RVUs associated with status codes of A, R, or T are used"."""
    codes = code_set(fee("10000", rvus, "0", "0", status_code=status))
    assert [amount["unpriced"] for amount in amounts(codes, line("10000"))] == [reason]


def test_the_amount_of_an_na_setting_is_reported_for_review():
    """Layout, NA Indicator: rarely or never performed there. CMS publishes a fee all the same (PFREV26B): 3.70 RVUs."""
    codes = code_set(fee("10000", "2.00", "1.50", "0.20", nonfacility_na=True))
    price_result = run(codes, line("10000"), line("10000", pos="22"))
    office, hospital = price_result.amounts.to_dicts()
    assert (office["fee_cents"], office["allowed_cents"], hospital["allowed_cents"]) == (12358, 12358, 12358)
    [findings] = amount_findings(price_result)
    assert findings.rows["row"].to_list() == [0]
    assert findings.reason_rows.select("reason", "detail").rows() == [("amount-of-other-setting", "the office")]


SCAN = (
    fee("71250", "1.05", "2.85", "0.07", multiple_procedure="4", pctc_indicator="1"),
    fee("71250", "1.05", "0.37", "0.06", "26", multiple_procedure="4", pctc_indicator="1"),
    fee("71250", "0.00", "2.48", "0.01", "TC", multiple_procedure="4", pctc_indicator="1"),
)
COLONOSCOPY = (
    fee("45378", "3.18", "7.73", "0.41", facility_pe="1.34"),
    fee("45378", "1.59", "3.87", "0.21", "53", facility_pe="0.67"),
)


def test_26_and_tc_have_fees_of_their_own():
    """1.48 RVUs = 49.433332 and 2.49 = 83.168241 (layout, Modifier)."""
    codes = code_set(*SCAN)
    assert [allowed_cents(codes, line("71250", modifier)) for modifier in ("", "26", "TC")] == [[13260], [4943], [8317]]


def test_53_has_a_fee_of_its_own_with_four_codes_only():
    """45378-53: 5.67 RVUs = 189.383103. Elsewhere 53 is priced by individual consideration (layout, Modifier)."""
    own, other = amounts(code_set(*COLONOSCOPY, EXCISION), line("45378", "53"), line("11642", "53", provider="another"))
    assert (own["allowed_cents"], own["reviews"]) == (18938, [])
    assert (other["allowed_cents"], other["reviews"]) == (26687, ["modifier-53"])


@pytest.mark.parametrize("modifier", ["22", "52"])
def test_unusual_and_reduced_services_are_reviewed(modifier):
    """Priced by the contractor on documentation (IOM 100-04 ch. 12, 40.2.A.10 and 20.4.6)."""
    assert amounts(DERM, line("11642", modifier))[0]["reviews"] == [f"modifier-{modifier}"]


def test_a_line_that_is_not_payable_is_never_priced():
    price_result = run(DERM, line("13132", payable=False), line("11642"))
    assert price_result.amounts.select("row", "allowed_cents").rows() == [(1, 26687)]
    assert price_result.steps.collect()["row"].unique().to_list() == [1]


def test_no_lines_no_amounts():
    price_result = price(frame(line("11642")).clear(), code_set(EXCISION), participant=Participant.NON_QP)
    assert (price_result.amounts.height, price_result.steps.collect().height) == (0, 0)


def test_the_derivation_of_a_line_in_sentences():
    price_result = run(
        code_set(EXCISION, FLAP, MORE_LESIONS), line("14040"), line("11642", "22", units=2, charge_cents=20000)
    )
    assert sentences(price_result, 1) == [
        "1. relative-values: $266.873191 ((work 2.55 x 1.000 + PE 5.14 x 1.000 + MP 0.30 x 1.000) x 33.4009)",
        "2. fee-schedule-amount: $266.873191 -> $266.87 (rounded half-up to the cent, as CMS publishes it)",
        "3. units: $266.87 -> $533.74 (2 units)",
        "4. multiple-surgeries: $533.74 -> $266.87 (50%)",
        "5. actual-charge: $266.87 -> $200.00 (the charge is lower)",
        "Priced as a physician: no specialty is given.",
        "Allowed (nonfacility): $200.00, 50% of fee x units before rounding.",
        "Nonparticipating: $253.53; limiting charge: $291.56.",
        "To be reviewed: more work than usual (modifier 22).",
    ]


def test_the_derivation_tells_the_rounding():
    """Half of 95.53 is 47.765 exactly."""
    assert sentences(run(DERM, line("13132"), line("11102")), 1)[2:4] == [
        "3. multiple-surgeries: $95.53 -> $47.765 (50%)",
        "4. cents: $47.765 -> $47.77 (rounded half-up to the cent)",
    ]


def test_a_line_without_an_amount_says_why():
    assert sentences(run(DERM, line("99999"))) == ["Not in the fee schedule."]


def test_no_modifiers_may_be_null():
    assert allowed_cents(DERM, line("13132") | {"modifiers": None}, line("11642")) == [46227, 13344]
