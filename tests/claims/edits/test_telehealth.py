"""Telehealth: CR 13582, Social Security Act, section 1834(m)(4)(F)."""

import literal_claims
import pytest
from literal_releases import ADD_ON, FEES, MUE, PAY, UNKNOWN, decisions_alone, deny

from codeset.snapshot import Snapshot
from codeset.store import Store


def test_without_the_list_a_visit_by_telehealth_is_unknown(releases: list[Snapshot]) -> None:
    """Surgery is on no list: telehealth replaces a meeting in person."""
    expected = {
        "99213 place=10": UNKNOWN,
        "99213 place=02": UNKNOWN,
        "99213-95": UNKNOWN,
        "99213-93 place=10": UNKNOWN,
        "99213-GT place=02": UNKNOWN,
        "99213-GQ place=02": UNKNOWN,
        "11402 place=10": deny("CO", "5"),
        "14040 place=02": deny("CO", "5"),
    }
    assert decisions_alone(releases, expected) == expected


def test_the_telehealth_list_of_a_release_decides(tmp_path_factory: pytest.TempPathFactory) -> None:
    """CR 13582; the lists are made up: 2026q3 has one with 99213 and a procedure, 2026q2 has none."""
    store = Store(tmp_path_factory.mktemp("telehealth"))
    services = [("99213", None, None), ("14040", None, None)]
    snapshots = [
        literal_claims.sealed_release(store, "2026q2", FEES, add_on=ADD_ON, mue=MUE),
        literal_claims.sealed_release(store, "2026q3", FEES, add_on=ADD_ON, mue=MUE, telehealth=services),
    ]
    expected = {
        "99213 place=10": PAY,
        "99213 place=02": PAY,
        "99213-95": PAY,
        "99213-GQ place=02": PAY,
        "99214 place=10": deny("CO", "96"),
        "99214-95": deny("CO", "96"),
        "99214": PAY,
        "11402 place=10": deny("CO", "5"),
        "14040 place=02": PAY,
        "99213 place=10 on=2026-06-30": UNKNOWN,
        "99214 place=10 on=2026-06-30": UNKNOWN,
    }
    assert decisions_alone(snapshots, expected) == expected
