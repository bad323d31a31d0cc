"""What each year's policies explain of the changes, against factors and RVUs worked by hand from CMS's files."""

from datetime import date
from decimal import Decimal

import pytest

from codeset.participants import Participant
from codeset.review.payments import Parts, Payment, PaymentTable, Rvus, Side
from codeset.review.policy_causes import policy_causes

YEAR_2026 = (date(2025, 12, 31), date(2026, 3, 31))


def side(work: str, pe: str) -> Side:
    return Side(Rvus(Decimal(work), Decimal(pe), Decimal("0.05")), 100, "", None)


def table(setting: str, *codes: tuple[str, tuple[str, str], tuple[str, str], int]) -> PaymentTable:
    rows = tuple(
        Payment(
            hcpcs, "", "", setting, Participant.NON_QP, side(*before), side(*after), 1, None, Parts(1, 1, 0, 0, cents)
        )
        for hcpcs, before, after, cents in codes
    )
    return PaymentTable(setting, Participant.NON_QP, len(rows), rows, (), 0, 0, None, (), ())


@pytest.mark.parametrize(
    ("after", "until", "participant", "factors", "dates"),
    [
        (date(2025, 12, 31), date(2026, 9, 30), Participant.NON_QP, ("32.3465", "33.4009"), ["2026-01-01"]),
        (date(2025, 12, 31), date(2026, 9, 30), Participant.QP, ("32.3465", "33.5675"), ["2026-01-01"]),
        (date(2024, 12, 31), date(2025, 12, 31), None, ("33.2875", "32.3465"), ["2025-01-01"]),
        (date(2023, 12, 31), date(2024, 6, 30), None, ("33.8872", "33.2875"), ["2024-01-01", "2024-03-09"]),
        (date(2025, 12, 31), date(2026, 9, 30), Participant.NON_QP, ("32.3465", "34.4009"), []),
        (date(2026, 3, 31), date(2026, 9, 30), Participant.NON_QP, ("32.3465", "33.4009"), []),
    ],
)
def test_the_parts_of_a_conversion_factor_multiply_to_it(after, until, participant, factors, dates):
    before_and_after = tuple(map(Decimal, factors))
    (result,) = policy_causes([], [(participant, *before_and_after)], after, until).factors
    assert [str(step.effective) for step in result.steps] == dates


def test_the_increase_of_2026_ends_with_the_year():
    factors = [(Participant.NON_QP, Decimal("32.3465"), Decimal("33.4009"))]
    (result,) = policy_causes([], factors, *YEAR_2026).factors
    parts = [(str(part.percent), part.ends) for part in result.steps[0].parts]
    assert parts == [("0.25", None), ("2.50", date(2026, 12, 31)), ("0.49", None)]


def test_a_work_rvu_is_explained_only_by_exactly_a_cut_of_two_and_a_half_percent():
    """11102: 0.66 x 0.975 = 0.6435, 0.64 in RVU26C. 17311: 6.20 x 0.975 = 6.045, 6.05. 0.65 is not 0.66 x 0.975."""
    codes = [
        ("11102", ("0.66", "2.20"), ("0.64", "2.20"), 1),
        ("17311", ("6.20", "10"), ("6.05", "10"), 1),
        ("12001", ("0.66", "2.20"), ("0.65", "2.20"), 1),
    ]
    efficiency = policy_causes([table("nonfacility", *codes)], [], *YEAR_2026).rvus[0]
    assert (efficiency.changed, efficiency.explained, efficiency.exact) == (3, 2, True)


def test_a_work_rvu_counts_once_though_both_settings_use_it():
    code = ("11102", ("0.66", "2.20"), ("0.64", "2.20"), 1)
    causes = policy_causes([table("nonfacility", code), table("facility", code)], [], *YEAR_2026)
    assert causes.rvus[0].changed == 1


def test_practice_expense_is_explained_in_a_facility_and_only_where_it_falls():
    codes = [("11102", ("0.66", "0.39"), ("0.66", "0.20"), 0), ("11104", ("0.83", "0.45"), ("0.83", "0.50"), 0)]
    causes = policy_causes([table("facility", *codes)], [], *YEAR_2026)
    assert (causes.rvus[1].changed, causes.rvus[1].explained, causes.rvus[1].exact) == (2, 1, False)
    assert (causes.codes, causes.unexplained) == (2, 1)


def test_an_amount_without_a_cause_is_counted():
    code = ("11102", ("0.66", "2.20"), ("0.66", "2.21"), 0)
    causes = policy_causes([table("nonfacility", code)], [], *YEAR_2026)
    assert (causes.codes, causes.unexplained, causes.partly_explained) == (1, 1, 0)


def test_an_amount_with_one_cause_and_another_change_is_explained_in_part():
    """11102's office PE RVU rises by 0.01 as well, and no policy on file says why."""
    code = ("11102", ("0.66", "2.20"), ("0.64", "2.21"), 0)
    causes = policy_causes([table("nonfacility", code)], [], *YEAR_2026)
    assert (causes.codes, causes.unexplained, causes.partly_explained) == (1, 0, 1)
