"""A claim as billed against the facts: each kind of discrepancy, and dollars that add up."""

from datetime import date

import polars as pl
import pytest

from codeset.claims.claim_fields import COLUMNS
from codeset.errors import WrongUse
from codeset.participants import ANSWERS
from codeset.visit.code_visit import code_visits
from codeset.visit.compare_claim import compare_claims
from codeset.visit.visit_files import parse_visits

NON_QP = ANSWERS["no"]
DAY = date(2026, 7, 15)
BASE = {"visit_id": "v", "date_of_service": DAY, "place_of_service": 11, "patient": "established"}
BACK = {"name": "back", "site": "back", "nature": "malignant", "technique": "excision", "diagnosis": "C44.519"}


@pytest.fixture(scope="module")
def release(embedded):
    return embedded.open("2026q3")


def claim(*texts, day=DAY):
    rows = []
    for number, text in enumerate(texts, start=1):
        code, _, units = text.partition(" x ")
        hcpcs, *modifiers = code.split("-")
        rows.append(
            {
                "claim_id": "v",
                "line": number,
                "beneficiary": "b",
                "provider": "p",
                "date_of_service": day,
                "hcpcs": hcpcs,
                "modifiers": " ".join(modifiers),
                "units": int(units or 1),
                "place_of_service": "11",
                "locality": "national",
            }
        )
    return pl.DataFrame(rows, schema=dict(COLUMNS))


def comparison_of(release, lesions, claim_lines, **facts):
    visits = code_visits(parse_visits(BASE | facts | {"lesions": lesions}), release, participant=NON_QP)
    return compare_claims(visits, claim(*claim_lines), release, participant=NON_QP)[0]


def findings(comparison):
    return [
        (
            discrepancy.kind,
            discrepancy.billed.hcpcs if discrepancy.billed else None,
            discrepancy.right.service.hcpcs if discrepancy.right else None,
        )
        for discrepancy in comparison.discrepancies
        if discrepancy.kind != "same code"
    ]


EXCISED = BACK | {"diameter_cm": "0.9", "margin_cm": "0.3"}
CLOSED = EXCISED | {"closure": {"class": "intermediate", "length_cm": "3.0"}}
MOHS = BACK | {"site": "nose", "technique": "mohs", "stages": [4, 7]}
KERATOSES = {"name": "keratoses", "site": "scalp", "nature": "premalignant", "technique": "destruction", "count": 4}


@pytest.mark.parametrize(
    ("lesions", "claim_lines", "expected"),
    [
        ([EXCISED], ["11602"], []),
        ([EXCISED], ["11603"], [("over-coded", "11603", "11602")]),
        ([EXCISED, KERATOSES], ["11603", "17000-XS", "17003 x 3"], [("over-coded", "11603", "11602")]),
        ([EXCISED], ["11601"], [("under-coded", "11601", "11602")]),
        ([CLOSED], ["11602"], [("missed", None, "12032")]),
        (
            [EXCISED | {"closure": {"class": "simple", "length_cm": "3.0"}}],
            ["11602", "12002"],
            [("unbundled", "12002", None)],
        ),
        ([MOHS], ["17311"], [("missed", None, "17312"), ("missed", None, "17315")]),
        ([KERATOSES], ["17000", "17003 x 13"], [("over-coded", "17003", "17003")]),
        ([KERATOSES], ["17000", "17003"], [("under-coded", "17003", "17003")]),
        ([KERATOSES], ["17000"], [("missed", None, "17003")]),
        ([EXCISED], ["11602", "17110"], [("not supported", "17110", None)]),
        ([EXCISED], ["11602", "99213-25"], [("not supported", "99213", None)]),
        ([EXCISED], ["11602", "99213"], [("unbundled", "99213", None)]),
        ([EXCISED | {"biopsy": {"technique": "punch"}}], ["11602", "11104-59"], [("unbundled", "11104", None)]),
    ],
)
def test_a_claim_differs_from_the_facts(release, lesions, claim_lines, expected):
    assert findings(comparison_of(release, lesions, claim_lines)) == expected


def test_one_unit_is_said_as_one(release):
    two = KERATOSES | {"count": 2}
    (more,) = comparison_of(release, [two], ["17000", "17003 x 2"]).discrepancies
    assert more.why.startswith("1 unit, not 2: ")


def test_dollars_of_an_over_coded_excision_are_those_of_the_two_fees(release):
    comparison = comparison_of(release, [EXCISED], ["11603"])
    # 8.27 and 7.20 RVUs times 33.4009 dollars, half-up: 276.23 and 240.49
    assert (comparison.billed_cents, comparison.coded.allowed_cents) == (27623, 24049)
    assert (comparison.over_cents, comparison.under_cents) == (3574, 0)


@pytest.mark.parametrize(
    "claim_lines", [["11602"], ["11603", "17110"], ["12032", "11602"], ["11604", "12034", "88305"]]
)
def test_discrepancies_add_up_to_the_difference_of_the_totals(release, claim_lines):
    comparison = comparison_of(release, [CLOSED], claim_lines)
    difference = comparison.coded.allowed_cents - comparison.billed_cents
    assert sum(discrepancy.cents for discrepancy in comparison.discrepancies) == difference
    assert comparison.under_cents - comparison.over_cents == difference


def test_a_missing_modifier_is_reported(release):
    facts = {"evaluation": {"level": "low", "separate": "yes"}}
    comparison = comparison_of(release, [KERATOSES], ["99213", "17000", "17003 x 3"], **facts)
    assert findings(comparison) == [("modifiers", "99213", "99213")]
    assert comparison.under_cents == comparison.coded.lines[0].outcome.allowed_cents


def test_a_claim_of_another_day_is_refused(release):
    visits = code_visits(parse_visits(BASE | {"lesions": [EXCISED]}), release, participant=NON_QP)
    with pytest.raises(WrongUse, match="no claim line of 2026-07-15"):
        compare_claims(visits, claim("11602", day=date(2026, 7, 16)), release, participant=NON_QP)
