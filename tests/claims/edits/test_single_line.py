"""Single lines: status codes, indicators, modifiers, places, units and dates.

Pages such as I-14 are those of the Policy Manual of 2026, RVU25D is CMS's record layout of the fee schedule.
"""

import literal_claims
import pytest

from codeset.claims.adjudicate import adjudicate
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store


def test_each_status_code_decides(statuses: Snapshot) -> None:
    """RVU25D, status codes. E and X are paid elsewhere or not at all: the fee schedule does not know."""
    by_status = {
        "A": "pay",
        "B": "deny",
        "C": "review",
        "D": "deny",
        "E": "unknown",
        "F": "deny",
        "G": "deny",
        "H": "deny",
        "I": "deny",
        "J": "unknown",
        "M": "no_payment_due",
        "N": "deny",
        "P": "deny",
        "Q": "no_payment_due",
        "R": "review",
        "T": "pay",
        "X": "unknown",
    }
    expected = {(f"9990{status}",): [disposition] for status, disposition in by_status.items()}
    assert literal_claims.dispositions_by_case(statuses, expected) == expected


@pytest.mark.parametrize(
    ("indicator", "modifiers", "values_by_disposition"),
    [
        ("pctc_indicator", ["26"], {"pay": "16", "deny": "02345"}),
        ("pctc_indicator", ["TC"], {"pay": "1", "deny": "0234568"}),
        ("bilateral_surgery", ["50"], {"pay": "0123", "deny": "9"}),
        ("assistant_surgery", ["80", "81", "82", "AS"], {"pay": "2", "review": "0", "deny": "19"}),
        ("co_surgery", ["62"], {"pay": "2", "review": "1", "deny": "09"}),
        ("team_surgery", ["66"], {"review": "12", "deny": "09"}),
    ],
)
def test_each_indicator_decides_on_its_modifier(
    store: Store, indicator: str, modifiers: list[str], values_by_disposition: dict[str, str]
) -> None:
    """RVU25D, under each indicator. Modifier 50 on indicator 0 or 2 changes the amount, it denies nothing.

    The code 9990A has indicator 0, and so on.
    """
    disposition_by_value = {
        value: disposition for disposition, values in values_by_disposition.items() for value in values
    }
    fees = [
        {"hcpcs": f"999{value}A", "modifier": modifier, indicator: value}
        for value in disposition_by_value
        for modifier in ("", "26", "TC")
    ]
    made_up = literal_claims.sealed_release(store, "2026q3", fees)
    expected = {
        (f"999{value}A-{modifier}",): [disposition]
        for modifier in modifiers
        for value, disposition in disposition_by_value.items()
    }
    assert literal_claims.dispositions_by_case(made_up, expected) == expected


def test_50_says_what_it_does(store: Store) -> None:
    """RVU25D, Bilateral Surgery: 0 and 2 are paid as one, 1 half as much again, 3 twice; in 9 there is no such concept.

    The indicators are those of CMS's 2026q3.
    """
    indicators = {"11402": "0", "99213": "0", "92250": "2", "20610": "1", "73560": "3", "11301": "9"}
    fees = [{"hcpcs": code, "bilateral_surgery": indicator} for code, indicator in indicators.items()]
    snapshot = literal_claims.sealed_release(store, "2026q3", fees)
    expected = {
        "11402-50": ("pay", {"modifier-one-side"}),
        "99213-50": ("pay", {"modifier-one-side"}),
        "92250-50": ("pay", {"modifier-sides-included"}),
        "20610-50": ("pay", set()),
        "73560-50": ("pay", set()),
        "11301-50": ("deny", {"modifier-bilateral"}),
        "11402-50-RT": ("deny", {"modifier-sides"}),
    }
    reasons = literal_claims.reasons_alone(snapshot, expected)
    answers = literal_claims.answers_alone(snapshot, expected)
    assert {line: (answers[line].split()[0], reasons[line]) for line in expected} == expected


def test_a_shared_visit_is_one_in_a_facility(derm: Snapshot) -> None:
    """42 CFR 415.140: where services incident to a physician's are not payable. FS changes no payment: a note."""
    expected = {
        "99213-FS": {"modifier-shared-outside-facility"},
        "99213-FS place=12": {"modifier-shared-outside-facility"},
        "99213-FS place=19": set(),
        "99213-FS place=22": set(),
        "99213-FS place=31": set(),
        "99213-GC": set(),
    }
    assert literal_claims.answers_alone(derm, expected) == dict.fromkeys(expected, "pay")
    assert literal_claims.reasons_alone(derm, expected) == expected


def test_a_resident_alone_furnishes_visits_of_lower_and_middle_levels(derm: Snapshot) -> None:
    """42 CFR 415.174; IOM 100-04 ch. 12, section 100.1.1.C. G2211 goes with its visit."""
    expected = {
        "99213-GE": "pay",
        "99203-GE": "pay",
        "99214-GE": "review modifier-primary-care-exception",
        "99204-GE": "review modifier-primary-care-exception",
        "11102-GE": "review modifier-primary-care-exception",
        "99214-GC": "pay",
        "96910-GE": "review modifier-primary-care-exception",
        "11102-GC": "pay",
    }
    assert literal_claims.answers_alone(derm, expected) == expected
    assert "modifier-primary-care-exception" not in literal_claims.reasons(derm, "99213-GE", "G2211-GE")[1]


def test_a_line_alone(derm: Snapshot) -> None:
    """25, 24, 57: I-13, I-15; 58, 78, 79: I-12, I-16."""
    expected = {
        "17000-ZZ": "deny modifier-unknown",
        "17000-GC": "pay",
        "17000-25": "deny modifier-of-visits",
        "17000-24": "deny modifier-of-visits",
        "17000-57": "deny modifier-of-visits",
        "99213-58": "deny modifier-of-procedures",
        "99213-78": "deny modifier-of-procedures",
        "99213-79": "deny modifier-of-procedures",
        "99213-25": "pay",
        "10035-50": "pay",
        "10035-RT": "pay",
        "10035-50-RT": "deny modifier-sides",
        "17000x0": "deny units-below-one",
        "17000x-1": "deny units-below-one",
    }
    assert literal_claims.answers_alone(derm, expected) == expected


def test_a_date_that_no_release_covers_is_unknown(derm: Snapshot) -> None:
    """Never clean, and no edit of another quarter speaks: 11104 > 11102 is CCMI 0."""
    days = ["2026-06-30", "2026-10-01", "2025-08-01", "2027-08-01"]
    cases = [(f"11104 on={day}", f"11102 on={day}", f"17003x99 on={day}") for day in days]
    assert literal_claims.reasons_by_case(derm, cases) == {case: [{"no-release"}] * 3 for case in cases}
    assert literal_claims.dispositions_by_case(derm, cases) == {case: ["unknown"] * 3 for case in cases}


def test_a_release_that_was_left_out_is_so_called(derm: Snapshot) -> None:
    """2026q2 is at hand, 2026q1 is not."""
    lines = literal_claims.claims("11104 on=2026-06-30", "11104 on=2026-03-31", "11104 on=2026-07-01")
    outcome = adjudicate(lines, derm, left_out=[Release.parse("2026q2")])
    assert outcome.findings.select("row", "reason", "detail").rows() == [
        (0, "release-left-out", "2026q2"),
        (1, "no-release", None),
    ]
    assert outcome.lines["disposition"].to_list() == ["unknown", "unknown", "pay"]


def test_a_date_between_two_releases_is_unknown(store: Store) -> None:
    two = [literal_claims.sealed_release(store, label, ["17000"]) for label in ("2025q4", "2026q3")]
    days = ("2025-12-31", "2026-01-01", "2026-06-30", "2026-07-01")
    assert literal_claims.dispositions(two, *(f"17000 on={day}" for day in days)) == [
        "pay",
        "unknown",
        "unknown",
        "pay",
    ]


def test_each_date_is_read_against_its_own_release(store: Store) -> None:
    """99911 is of status A in one quarter and N in the next."""
    fees = [("2026q2", {"hcpcs": "99911"}), ("2026q3", {"hcpcs": "99911", "status_code": "N"})]
    both = [literal_claims.sealed_release(store, label, [fee]) for label, fee in fees]
    assert literal_claims.answers(both, "99911 on=2026-06-30", "99911 on=2026-07-01") == [
        "pay",
        "deny status-not-covered",
    ]


def test_pctc_5_is_not_paid_in_a_hospital(derm: Snapshot) -> None:
    """RVU25D, PC/TC indicator 5: 96910 has it, 17000 has not."""
    expected = {
        "96910": "pay",
        "96910 place=19": "deny incident-to-in-hospital",
        "96910 place=21": "deny incident-to-in-hospital",
        "96910 place=22": "deny incident-to-in-hospital",
        "17000 place=22": "pay",
    }
    assert literal_claims.answers_alone(derm, expected) == expected
