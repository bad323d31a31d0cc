"""Single lines: status codes, indicators, modifiers, places, units and dates.

Pages such as I-14 are those of the Policy Manual of 2026, RVU25D is CMS's record layout of the fee schedule.
"""

import literal_claims
import pytest

from codeset.claims.adjudicate import adjudicate
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("A", "pay"),
        ("B", "deny"),
        ("C", "review"),
        ("D", "deny"),
        ("E", "unknown"),
        ("F", "deny"),
        ("G", "deny"),
        ("H", "deny"),
        ("I", "deny"),
        ("J", "unknown"),
        ("M", "no_payment_due"),
        ("N", "deny"),
        ("P", "deny"),
        ("Q", "no_payment_due"),
        ("R", "review"),
        ("T", "pay"),
        ("X", "unknown"),
    ],
)
def test_each_status_code_decides(statuses: Snapshot, status: str, expected: str) -> None:
    """RVU25D, status codes. E and X are paid elsewhere or not at all: the fee schedule does not know."""
    assert literal_claims.dispositions(statuses, f"9990{status}") == [expected]


@pytest.mark.parametrize(
    ("indicator", "modifier", "value", "expected"),
    [
        ("pctc_indicator", "26", "0", "deny"),
        ("pctc_indicator", "26", "1", "pay"),
        ("pctc_indicator", "26", "2", "deny"),
        ("pctc_indicator", "26", "3", "deny"),
        ("pctc_indicator", "26", "4", "deny"),
        ("pctc_indicator", "26", "5", "deny"),
        ("pctc_indicator", "26", "6", "pay"),
        ("pctc_indicator", "TC", "0", "deny"),
        ("pctc_indicator", "TC", "1", "pay"),
        ("pctc_indicator", "TC", "2", "deny"),
        ("pctc_indicator", "TC", "3", "deny"),
        ("pctc_indicator", "TC", "4", "deny"),
        ("pctc_indicator", "TC", "5", "deny"),
        ("pctc_indicator", "TC", "6", "deny"),
        ("pctc_indicator", "TC", "8", "deny"),
        ("bilateral_surgery", "50", "0", "pay"),
        ("bilateral_surgery", "50", "1", "pay"),
        ("bilateral_surgery", "50", "2", "pay"),
        ("bilateral_surgery", "50", "3", "pay"),
        ("bilateral_surgery", "50", "9", "deny"),
        *(
            ("assistant_surgery", modifier, value, expected)
            for modifier in ("80", "81", "82", "AS")
            for value, expected in (("0", "review"), ("1", "deny"), ("2", "pay"), ("9", "deny"))
        ),
        ("co_surgery", "62", "0", "deny"),
        ("co_surgery", "62", "1", "review"),
        ("co_surgery", "62", "2", "pay"),
        ("co_surgery", "62", "9", "deny"),
        ("team_surgery", "66", "0", "deny"),
        ("team_surgery", "66", "1", "review"),
        ("team_surgery", "66", "2", "review"),
        ("team_surgery", "66", "9", "deny"),
    ],
)
def test_each_indicator_decides_on_its_modifier(
    store: Store, indicator: str, modifier: str, value: str, expected: str
) -> None:
    """RVU25D, under each indicator. Modifier 50 on indicator 0 or 2 changes the amount, it denies nothing."""
    fees = [{"hcpcs": "99911", "modifier": modifier, indicator: value} for modifier in ("", "26", "TC")]
    made_up = literal_claims.sealed_release(store, "2026q3", fees)
    assert literal_claims.dispositions(made_up, f"99911-{modifier}") == [expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("11402-50", ("pay", "modifier-one-side")),
        ("99213-50", ("pay", "modifier-one-side")),
        ("92250-50", ("pay", "modifier-sides-included")),
        ("20610-50", ("pay", None)),
        ("73560-50", ("pay", None)),
        ("11301-50", ("deny", "modifier-bilateral")),
        ("11402-50-RT", ("deny", "modifier-sides")),
    ],
)
def test_50_says_what_it_does(store: Store, line: str, expected: tuple[str, str | None]) -> None:
    """RVU25D, Bilateral Surgery: 0 and 2 are paid as one, 1 half as much again, 3 twice; in 9 there is no such concept.

    The indicators are those of CMS's 2026q3.
    """
    indicators = {"11402": "0", "99213": "0", "92250": "2", "20610": "1", "73560": "3", "11301": "9"}
    fees = [{"hcpcs": code, "bilateral_surgery": indicator} for code, indicator in indicators.items()]
    snapshot = literal_claims.sealed_release(store, "2026q3", fees)
    [reasons] = literal_claims.reasons(snapshot, line)
    assert (literal_claims.dispositions(snapshot, line)[0], next(iter(reasons), None)) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("99213-FS", {"modifier-shared-outside-facility"}),
        ("99213-FS place=12", {"modifier-shared-outside-facility"}),
        ("99213-FS place=19", set()),
        ("99213-FS place=22", set()),
        ("99213-FS place=31", set()),
        ("99213-GC", set()),
    ],
)
def test_a_shared_visit_is_one_in_a_facility(derm: Snapshot, line: str, expected: set[str]) -> None:
    """42 CFR 415.140: where services incident to a physician's are not payable. FS changes no payment: a note."""
    assert literal_claims.dispositions(derm, line) == ["pay"]
    assert literal_claims.reasons(derm, line) == [expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("99213-GE", "pay"),
        ("99203-GE", "pay"),
        ("99214-GE", "review modifier-primary-care-exception"),
        ("99204-GE", "review modifier-primary-care-exception"),
        ("11102-GE", "review modifier-primary-care-exception"),
        ("99214-GC", "pay"),
        ("96910-GE", "review modifier-primary-care-exception"),
        ("11102-GC", "pay"),
    ],
)
def test_a_resident_alone_furnishes_visits_of_lower_and_middle_levels(derm: Snapshot, line: str, expected: str) -> None:
    """42 CFR 415.174; IOM 100-04 ch. 12, section 100.1.1.C. G2211 goes with its visit."""
    assert literal_claims.answers(derm, line) == [expected]
    assert "modifier-primary-care-exception" not in literal_claims.reasons(derm, "99213-GE", "G2211-GE")[1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("17000-ZZ", "deny modifier-unknown"),
        ("17000-GC", "pay"),
        ("17000-25", "deny modifier-of-visits"),
        ("17000-24", "deny modifier-of-visits"),
        ("17000-57", "deny modifier-of-visits"),
        ("99213-58", "deny modifier-of-procedures"),
        ("99213-78", "deny modifier-of-procedures"),
        ("99213-79", "deny modifier-of-procedures"),
        ("99213-25", "pay"),
        ("10035-50", "pay"),
        ("10035-RT", "pay"),
        ("10035-50-RT", "deny modifier-sides"),
        ("17000x0", "deny units-below-one"),
        ("17000x-1", "deny units-below-one"),
    ],
)
def test_a_line_alone(derm: Snapshot, line: str, expected: str) -> None:
    """25, 24, 57: I-13, I-15; 58, 78, 79: I-12, I-16."""
    assert literal_claims.answers(derm, line) == [expected]


@pytest.mark.parametrize("day", ["2026-06-30", "2026-10-01", "2025-08-01", "2027-08-01"])
def test_a_date_that_no_release_covers_is_unknown(derm: Snapshot, day: str) -> None:
    """Never clean, and no edit of another quarter speaks: 11104 > 11102 is CCMI 0."""
    reasons = literal_claims.reasons(derm, f"11104 on={day}", f"11102 on={day}", f"17003x99 on={day}")
    assert reasons == [{"no-release"}] * 3
    assert literal_claims.dispositions(derm, f"11102 on={day}") == ["unknown"]


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


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("96910", "pay"),
        ("96910 place=19", "deny incident-to-in-hospital"),
        ("96910 place=21", "deny incident-to-in-hospital"),
        ("96910 place=22", "deny incident-to-in-hospital"),
        ("17000 place=22", "pay"),
    ],
)
def test_pctc_5_is_not_paid_in_a_hospital(derm: Snapshot, line: str, expected: str) -> None:
    """RVU25D, PC/TC indicator 5: 96910 has it, 17000 has not."""
    assert literal_claims.answers(derm, line) == [expected]
