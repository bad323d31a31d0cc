"""MUEs: what is counted, on a line and on a day, and what is denied. Pages are those of the Policy Manual of 2026."""

import literal_claims
import pytest

from codeset.snapshot import Snapshot
from codeset.store import Store


@pytest.fixture(scope="module")
def limits(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Return a release with one code for each MAI, of value 2; `99930` is worth nothing and `99940` has no MUE."""
    codes = ["99910", "99920", "99930", "99940", "99950"]
    values = [("99910", 2, 1), ("99920", 2, 2), ("99930", 0, 2), ("99950", 2, 3)]
    return literal_claims.sealed_release(Store(tmp_path_factory.mktemp("limits")), "2026q3", codes, mue=values)


def test_mai_1_looks_at_each_line(limits: Snapshot) -> None:
    """I-28."""
    cases = {
        ("99910x2", "99910-76x2"): ["pay", "pay_if_documented duplicate-separate"],
        ("99910x2", "99910-76x3"): ["pay", "deny mue-line"],
        ("99910x3",): ["deny mue-line"],
    }
    assert literal_claims.answers_by_case(limits, cases) == cases


@pytest.mark.parametrize(("hcpcs", "reason"), [("99920", "mue-day-policy"), ("99950", "mue-day-clinical")])
def test_mai_2_and_3_sum_the_day_and_deny_all_of_it(limits: Snapshot, hcpcs: str, reason: str) -> None:
    """All lines of the code on the day are summed, and all their units denied, not the excess: I-28."""
    is_denied = {
        (f"{hcpcs}x2",): [False],
        (hcpcs, f"{hcpcs}-76"): [False, False],
        (f"{hcpcs}x2", f"{hcpcs}-76"): [True, True],
        (hcpcs, f"{hcpcs}-59", f"{hcpcs}-RT"): [True, True, True],
        (f"{hcpcs}x2", f"{hcpcs} claim=d"): [True, True],
        (f"{hcpcs}x2", f"{hcpcs} provider=q"): [False, False],
        (f"{hcpcs}x2", f"{hcpcs} beneficiary=z"): [False, False],
        (f"{hcpcs}x2", f"{hcpcs} day=1"): [False, False],
        (f"{hcpcs}x2 group=g specialty=07", f"{hcpcs} provider=q group=g specialty=07"): [True, True],
    }
    answers = literal_claims.answers_by_case(limits, is_denied)
    assert {
        case: [answer == f"deny {reason}" for answer in of_lines] for case, of_lines in answers.items()
    } == is_denied
    assert all(answer.startswith(("deny", "pay")) for of_lines in answers.values() for answer in of_lines)


def test_units_of_a_line_that_is_denied_on_its_own_do_not_count(limits: Snapshot) -> None:
    """What is not paid is no unit of the day: a line billed twice, and one with a modifier that is no modifier."""
    assert literal_claims.answers(limits, "99920x2", "99920x2") == ["pay", "deny duplicate-exact"]
    assert literal_claims.answers(limits, "99920x2", "99920-ZZ") == ["pay", "deny modifier-unknown"]


def test_an_mue_finding_tells_the_sum_the_value_and_the_mai(derm: Snapshot) -> None:
    """MUE 17003: 13, MAI 2."""
    findings = literal_claims.outcome(derm, "17000", "17003x7", "17003-76x7").findings.filter(edit="mue")
    assert findings.select("detail", "mue_value", "mai", "carc", "rarc").rows() == [("14", 13, 2, "151", "N362")] * 2


def test_an_mue_of_zero_denies_a_single_unit(limits: Snapshot) -> None:
    """I-31."""
    assert literal_claims.answers(limits, "99930") == ["deny mue-none"]


def test_units_of_a_span_are_divided_by_its_days(limits: Snapshot) -> None:
    """Divided and rounded to the nearest whole number, then held against the value, here 2: I-34."""
    expected = {
        "99910x20 days=10": "pay",
        "99910x24 days=10": "pay",
        "99910x26 days=10": "deny mue-line",
        "99910x30 days=10": "deny mue-line",
        "99920x20 days=10": "pay",
        "99920x30 days=10": "deny mue-day-policy",
        "99910x3 days=2": "pay",
    }
    assert literal_claims.answers_alone(limits, expected) == expected


def test_no_published_mue_says_nothing(limits: Snapshot) -> None:
    """Some values are confidential; that none is published is no limit of zero or one: I-29, I-35."""
    assert literal_claims.reasons(limits, "99940x999") == [set()]


def test_units_above_the_mue_with_discarded_ones_alone_are_for_review(store: Store) -> None:
    """JW: the manual does not say whether discarded units count; MUE 3, MAI 3."""
    snapshot = literal_claims.sealed_release(store, "2026q3", ["99999"], mue=[("99999", 3, 3)])
    assert literal_claims.answers(snapshot, "99999x3", "99999-JW") == ["review mue-waste", "review mue-waste"]
    assert literal_claims.answers(snapshot, "99999x2", "99999-JW") == ["pay", "pay"]
    assert literal_claims.answers(snapshot, "99999x4", "99999-JW") == ["deny mue-day-clinical", "deny mue-day-clinical"]
    assert literal_claims.answers(snapshot, "99999-JWx4") == ["review mue-waste"]
