"""Add-on codes: types, dates, primaries, and denial that passes on. Pages: the Policy Manual of 2026."""

import literal_claims
import pytest

from codeset.snapshot import Snapshot
from codeset.store import Store


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Return a release with an add-on code of each type, 99941 to 99943, and 99944 and 99945 with dated rows."""
    codes = ["99931", "99932", "99933", "99941", "99942", "99943", "99944", "99945"]
    rows = [
        ("99941", "99931", "2020-01-01", None, 1),
        ("99942", "CCCCC", "2020-01-01", None, 2),
        ("99943", "99931", "2020-01-01", None, 3),
        ("99944", "99931", "2020-01-01", None, 1),
        ("99944", "99932", "2020-01-01", "2026-08-15", 1),
        ("99944", "99933", "2026-08-15", "2026-08-15", 1),
        ("99945", "99931", "2026-08-15", None, 1),
    ]
    return literal_claims.sealed_release(Store(tmp_path_factory.mktemp("families")), "2026q3", codes, add_on=rows)


def test_type_1_denies_where_types_2_and_3_leave_it_to_the_contractor(families: Snapshot) -> None:
    """I-35, I-36."""
    cases = {
        ("99931", "99941"): ["pay", "pay"],
        ("99932", "99941"): ["pay", "deny add-on-without-primary"],
        ("99941",): ["deny add-on-without-primary"],
        ("99931", "99942"): ["pay", "review add-on-primary-by-contractor"],
        ("99931", "99943"): ["pay", "pay"],
        ("99932", "99943"): ["pay", "review add-on-primary-by-contractor"],
    }
    assert literal_claims.answers_by_case(families, cases) == cases


def test_an_add_on_row_applies_until_its_deletion_date(families: Snapshot) -> None:
    """The deletion date is the last active day, as with PTP edits: month ends in V2026Q2."""
    cases = {
        ("99932 on=2026-08-15", "99944 on=2026-08-15"): ["pay", "pay"],
        ("99932 on=2026-08-16", "99944 on=2026-08-16"): ["pay", "deny add-on-without-primary"],
        ("99945 on=2026-08-14",): ["pay"],
        ("99945 on=2026-08-15",): ["deny add-on-without-primary"],
    }
    assert literal_claims.answers_by_case(families, cases) == cases


def test_an_add_on_row_deleted_on_its_effective_date_never_applied(families: Snapshot) -> None:
    """As CCMI 9 of PTP edits, I-14; so G2211's rows of 2024-10-01 in V2026Q2."""
    lines = ("99933 on=2026-08-15", "99944 on=2026-08-15")
    assert literal_claims.answers(families, *lines) == ["pay", "deny add-on-without-primary"]


def test_a_primary_is_of_the_same_beneficiary_practitioner_and_day(derm: Snapshot) -> None:
    """AOC 17312: 17311; I-35."""
    cases = {
        ("17311", "17312"): ["pay", "pay"],
        ("17311 claim=d", "17312"): ["pay", "pay"],
        ("17311 provider=q", "17312"): ["pay", "deny add-on-without-primary"],
        ("17311", "17312 day=1"): ["pay", "deny add-on-without-primary"],
        ("17311 beneficiary=z", "17312"): ["pay", "deny add-on-without-primary"],
        ("17311 group=g specialty=07", "17312 provider=q group=g specialty=07"): ["pay", "pay"],
        ("17311 group=g specialty=07", "17312 provider=q group=g specialty=83"): ["pay", "deny add-on-without-primary"],
    }
    assert literal_claims.answers_by_case(derm, cases) == cases


def test_a_denied_primary_takes_its_add_ons_along(derm: Snapshot) -> None:
    """If an edit prevents payment of the primary, the add-on is not paid: I-27. MUE 17311: 4; AOC 17315: 17311-4."""
    cases = {
        ("17311x4", "17312", "17315"): ["review mohs-several-tumors", "pay", "pay"],
        ("17311x5", "17312", "17315"): [
            "deny mue-day-clinical",
            "deny add-on-primary-denied",
            "deny add-on-primary-denied",
        ],
        ("17311x5", "17312", "17313", "17315"): ["deny mue-day-clinical", "deny add-on-primary-denied", "pay", "pay"],
        ("11104", "11102", "11103"): ["pay", "deny ptp-never", "pay"],
        ("11402", "17000", "17003"): ["pay", "deny ptp-no-modifier", "deny add-on-primary-denied"],
        ("11402", "17000-59", "17003"): ["pay", "pay_if_documented ptp-bypassed", "pay"],
        ("17000-25", "17003"): ["deny modifier-of-visits", "deny add-on-primary-denied"],
    }
    assert literal_claims.answers_by_case(derm, cases) == cases


def test_a_denied_primary_is_no_reason_while_another_is_paid(derm: Snapshot) -> None:
    """11104 > 11102, CCMI 0; AOC 11103: 11102, 11104, 11106."""
    assert literal_claims.reasons(derm, "11104", "11102", "11103")[2] == set()
