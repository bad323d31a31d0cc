"""Modifiers that are unknown, or not in force on the date: CMS's HCPCS file."""

from datetime import date

import literal_claims
import pytest
from literal_releases import ADD_ON, FEES, MUE, PAY, REVIEW, decisions_alone, deny

from codeset.snapshot import Snapshot
from codeset.store import Store


def test_a_modifier_is_in_force_on_some_days(releases: list[Snapshot]) -> None:
    """JG ended, JZ began with 2023; a release without a table of modifiers is read against that of October 2025."""
    expected = {
        "11402-ZZ": deny("CO", "4"),
        "11402-JG on=2024-04-01": PAY,
        "11402-JG on=2025-10-01": deny("CO", "4"),
        "11402-JZ on=2023-01-01": PAY,
    }
    assert decisions_alone(releases, expected) == expected


def test_level_two_modifiers_are_those_of_the_release(tmp_path_factory: pytest.TempPathFactory) -> None:
    """2026q3 has a made-up table of one modifier that ends on 2026-08-15; 2026q2 has none, and CMS's file decides."""
    store = Store(tmp_path_factory.mktemp("modifiers"))
    until = ("QQ", None, None, None, date(2026, 7, 1), date(2026, 8, 15))
    snapshots = [
        literal_claims.sealed_release(store, "2026q2", FEES, add_on=ADD_ON, mue=MUE),
        literal_claims.sealed_release(store, "2026q3", FEES, add_on=ADD_ON, mue=MUE, modifier=[until]),
    ]
    expected = {
        "11402-QQ": PAY,
        "11402-QQ on=2026-08-15": PAY,
        "11402-QQ on=2026-08-16": deny("CO", "4"),
        "11402-GC": deny("CO", "4"),
        "11402-GC on=2026-06-30": PAY,
        "11402-QQ on=2026-06-30": deny("CO", "4"),
        "11402-22 on=2026-08-16": REVIEW,
        "11402-LM on=2026-08-16": deny("CO", "4"),
    }
    assert decisions_alone(snapshots, expected) == expected
