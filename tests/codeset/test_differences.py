"""Differences on hand-made releases: each expected value is worked out beside the rows."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

import codeset
from codeset.errors import WrongUse
from codeset.manifest import ConversionFactor, Manifest, Source, TableEntry
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store, carried_table
from codeset.tables import TABLES

FEES = {
    "status_code": "A",
    "not_used_for_medicare": False,
    "nonfacility_na": False,
    "facility_na": False,
    "global_days": "000",
    "modifier": "",
    "pricing_indicator": "9",
}


def frame(table: str, rows: list[dict]) -> pl.DataFrame:
    columns = TABLES[table].columns
    unsorted_rows = pl.DataFrame(
        [{column: row.get(column) for column in columns} for row in rows], schema=dict(columns)
    )
    return unsorted_rows.sort(TABLES[table].key, nulls_last=True)


def fee(hcpcs: str, work: str, nonfacility: str, facility: str, **other: object) -> dict:
    totals = {"nonfacility_total_rvu": Decimal(nonfacility), "facility_total_rvu": Decimal(facility)}
    return FEES | {"hcpcs": hcpcs, "work_rvu": Decimal(work), **totals, **other}


def edit(
    one: str, two: str, effective: date, deletion_date: date | None = None, ccmi: int = 1, **other: object
) -> dict:
    dates = {"effective_date": effective, "deletion_date": deletion_date}
    return {
        "column_one": one,
        "column_two": two,
        "ccmi": ccmi,
        "prior_to_1996": False,
        "rationale": "r",
        **dates,
        **other,
    }


def relation(add_on: str, primary: str, effective: date, kind: int = 1) -> dict:
    return {"add_on_code": add_on, "primary_code": primary, "effective_date": effective, "add_on_type": kind}


@pytest.fixture
def release(tmp_path: Path):
    def seal_release(label: str, factor: str = "33.2875", **tables: list[dict]) -> Snapshot:
        quarter = Release.parse(label)
        entries = {
            name: TableEntry(f"{name} {label}", (Source(f"{name}-{label}", f"{len(rows):064x}", 1),), 0, {}, "")
            for name, rows in tables.items()
        }
        factors = (ConversionFactor(Decimal(factor), quarter.first_day, quarter.last_day),)
        frames = {name: frame(name, rows) for name, rows in tables.items()}
        return Store(tmp_path).seal(Manifest(quarter, "all", factors, entries), frames).snapshot

    return seal_release


def test_a_changed_rvu_is_reported_with_before_and_after_and_what_it_pays(release):
    """RVU25D and RVU26C of 11102: 2.96 x 32.3465 = 95.75 and 2.86 x 33.4009 = 95.53 (DOMAIN section 8)."""
    old = release("2025q4", "32.3465", mpfs=[fee("11102", "0.66", "2.96", "1.12")])
    new = release("2026q1", "33.4009", mpfs=[fee("11102", "0.64", "2.86", "0.90")])
    changes = codeset.diff(old, new)
    cells = changes.tables["mpfs"].changed.select("hcpcs", "column", "before", "after").rows()
    assert ("11102", "work_rvu", "0.66", "0.64") in cells
    amounts = {row["setting"]: (row["before_cents"], row["after_cents"]) for row in changes.payments.to_dicts()}
    assert amounts == {"nonfacility": (9575, 9553), "facility": (3623, 3006)}


def test_cents_are_rounded_half_up_once(release):
    """0.25 x 30.0200 is 7.505 exactly: half-up gives 7.51, half-even would give 7.50."""
    old = release("2025q4", "30.0000", mpfs=[fee("17003", "0.04", "0.25", "0.25")])
    new = release("2026q1", "30.0200", mpfs=[fee("17003", "0.04", "0.25", "0.25")])
    assert set(codeset.diff(old, new).payments["after_cents"]) == {751}


@pytest.mark.parametrize(
    "blocked", [{"nonfacility_na": True}, {"status_code": "C"}, {"nonfacility_total_rvu": Decimal("0.00")}]
)
def test_no_amount_is_made_up_where_the_schedule_sets_none(release, blocked):
    old = release("2025q4", mpfs=[fee("11102", "0.66", "2.96", "1.12")])
    new = release("2026q1", mpfs=[fee("11102", "0.66", "2.96", "1.12", **blocked)])
    rows = codeset.diff(old, new).payments.filter(setting="nonfacility").to_dicts()
    assert [(row["before_cents"], row["after_cents"]) for row in rows] == [(9853, None)]


def test_codes_added_and_removed_are_reported(release):
    old = release("2025q4", mpfs=[fee("11102", "0.66", "2.96", "1.12"), fee("11103", "0.38", "1.44", "0.66")])
    new = release("2026q1", mpfs=[fee("11102", "0.66", "2.96", "1.12"), fee("11104", "0.83", "3.69", "1.39")])
    changes = codeset.diff(old, new).tables["mpfs"]
    assert changes.added["hcpcs"].to_list() == ["11104"]
    assert changes.removed["hcpcs"].to_list() == ["11103"]
    assert changes.count == 2


def test_a_column_that_older_files_lack_is_no_change_but_is_said(release):
    old = release("2025q4", mpfs=[fee("11102", "0.66", "2.96", "1.12", pricing_indicator=None)])
    new = release("2026q1", mpfs=[fee("11102", "0.66", "2.96", "1.12")])
    changes = codeset.diff(old, new).tables["mpfs"]
    assert changes.count == 0
    assert changes.new_columns == ("pricing_indicator",)


def test_an_edit_deleted_on_the_last_day_of_the_quarter_applied_in_it(release):
    """17000 > 11042 was deleted on 2019-03-31 and 11042 > 17000 is effective 2019-04-01 (NCCI; DOMAIN 7.1)."""
    before = edit("17000", "11042", date(2002, 1, 1))
    ended_edit = before | {"deletion_date": date(2024, 3, 31)}
    flipped_edit = edit("11042", "17000", date(2024, 4, 1))
    earlier, later = release("2024q1", ptp=[before]), release("2024q2", ptp=[ended_edit, flipped_edit])
    changes = codeset.diff(earlier, later).tables["ptp"]
    assert changes.removed.select("column_one", "column_two", "deletion_date").rows() == [
        ("17000", "11042", date(2024, 3, 31))
    ]
    assert changes.flipped.select("column_one", "column_two").rows() == [("11042", "17000")]
    assert changes.retroactive.height == 0


def test_a_deletion_known_before_is_reported_when_its_quarter_has_passed(release):
    ending_edit = edit("17000", "11042", date(2002, 1, 1), date(2024, 3, 31))
    changes = codeset.diff(release("2024q1", ptp=[ending_edit]), release("2024q2", ptp=[ending_edit])).tables["ptp"]
    assert changes.removed.height == 1


def test_a_ccmi_change_is_one_change_with_its_new_date(release):
    old = edit("17110", "17000", date(2002, 1, 1), ccmi=1)
    rows = [old | {"deletion_date": date(2024, 6, 30)}, edit("17110", "17000", date(2024, 7, 1), ccmi=0)]
    changes = codeset.diff(release("2024q2", ptp=[old]), release("2024q3", ptp=rows)).tables["ptp"]
    assert (changes.added.height, changes.removed.height, changes.count) == (0, 0, 1)
    assert changes.changed.select("column", "before", "after").rows() == [
        ("ccmi", "1", "0"),
        ("effective_date", "2002-01-01", "2024-07-01"),
    ]


def test_an_edit_that_never_applied_is_no_change(release):
    never = edit("17110", "17000", date(2024, 7, 1), date(2024, 7, 1), ccmi=9)
    unchanged_edit = edit("17004", "17000", date(2002, 1, 1), ccmi=0)
    changes = codeset.diff(
        release("2024q2", ptp=[unchanged_edit]), release("2024q3", ptp=[unchanged_edit, never])
    ).tables["ptp"]
    assert changes.count == 0


def test_a_new_row_that_reaches_back_is_reported_separately(release):
    unchanged_edit = edit("17004", "17000", date(2002, 1, 1), ccmi=0)
    back = edit("17110", "17000", date(2024, 1, 1))
    ahead = edit("17111", "17000", date(2024, 7, 1))
    over = edit("11900", "96405", date(2023, 1, 1), date(2023, 12, 31))
    changes = codeset.diff(
        release("2024q2", ptp=[unchanged_edit]), release("2024q3", ptp=[unchanged_edit, back, ahead, over])
    ).tables["ptp"]
    assert changes.retroactive.select("column_one", "column_two").rows() == [("11900", "96405"), ("17110", "17000")]
    assert changes.past.select("column_one", "column_two").rows() == [("11900", "96405")]
    assert changes.added["column_one"].to_list() == ["17110", "17111"]
    assert changes.count == 3


@pytest.mark.parametrize(
    ("was", "now", "reaches_back"),
    [
        (None, date(2024, 6, 30), False),
        (None, date(2024, 3, 31), True),
        (date(2024, 3, 31), date(2023, 12, 31), True),
        (date(2023, 12, 31), date(2024, 3, 31), True),
        (date(2023, 12, 31), None, True),
    ],
)
def test_an_edit_that_now_ends_on_another_day_of_the_past_reaches_back(release, was, now, reaches_back):
    """2024q2 was for days up to 2024-06-30: to end with it is an ordinary deletion, to end before changes its days."""
    unchanged_edit = edit("17004", "17000", date(2002, 1, 1), ccmi=0)
    old, new = (edit("17110", "17000", date(2002, 1, 1), day) for day in (was, now))
    earlier, later = release("2024q2", ptp=[unchanged_edit, old]), release("2024q3", ptp=[unchanged_edit, new])
    changes = codeset.diff(earlier, later).tables["ptp"]
    assert (changes.retroactive.height == 1) == reaches_back


def test_an_edit_that_came_between_two_releases_apart_does_not_reach_back(release):
    unchanged_edit = edit("17004", "17000", date(2002, 1, 1), ccmi=0)
    between = edit("17110", "17000", date(2025, 1, 1))
    earlier, later = release("2024q4", ptp=[unchanged_edit]), release("2025q4", ptp=[unchanged_edit, between])
    changes = codeset.diff(earlier, later).tables["ptp"]
    assert changes.added.height == 1
    assert changes.retroactive.height == 0


def test_a_mark_that_decides_nothing_is_counted_but_is_no_change(release):
    old = edit("17004", "17000", date(2002, 1, 1), ccmi=0)
    new = old | {"prior_to_1996": True, "rationale": "another"}
    changes = codeset.diff(release("2024q2", ptp=[old]), release("2024q3", ptp=[new])).tables["ptp"]
    assert changes.count == 0
    assert changes.remarks == {"prior_to_1996": 1, "rationale": 1}


def test_a_row_that_vanished_from_the_file_is_removed(release):
    unchanged_edit = edit("17004", "17000", date(2002, 1, 1), ccmi=0)
    removed_edit = edit("17111", "17110", date(2002, 1, 1), ccmi=0)
    changes = codeset.diff(
        release("2024q2", ptp=[unchanged_edit, removed_edit]), release("2024q3", ptp=[unchanged_edit])
    ).tables["ptp"]
    assert changes.removed["column_one"].to_list() == ["17111"]
    assert changes.removed["deletion_date"].to_list() == [None]


def test_mue_and_its_adjudication_indicator_changes_are_reported(release):
    old = {"hcpcs": "17003", "mue_value": 13, "mai": 2, "rationale": "a"}
    new = old | {"mue_value": 14, "mai": 3, "rationale": "b"}
    changes = codeset.diff(release("2024q2", mue=[old]), release("2024q3", mue=[new])).tables["mue"]
    assert changes.changed.select("column", "before", "after").rows() == [("mue_value", "13", "14"), ("mai", "2", "3")]
    assert changes.remarks == {"rationale": 1}


def test_add_on_relations_are_compared_by_what_applies(release):
    old = [relation("11103", "11102", date(2019, 1, 1)), relation("11105", "11104", date(2019, 1, 1))]
    new = [relation("11103", "11102", date(2019, 1, 1), kind=3), relation("11107", "11106", date(2024, 7, 1))]
    changes = codeset.diff(release("2024q2", add_on=old), release("2024q3", add_on=new)).tables["add_on"]
    assert changes.added["add_on_code"].to_list() == ["11107"]
    assert changes.removed["add_on_code"].to_list() == ["11105"]
    assert changes.changed.select("add_on_code", "column", "before", "after").rows() == [
        ("11103", "add_on_type", "1", "3")
    ]


def test_an_edit_is_in_scope_when_both_its_codes_are(release):
    unchanged_edit = edit("17004", "17000", date(2002, 1, 1), ccmi=0)
    half = edit("17110", "99291", date(2024, 7, 1))
    old, new = release("2024q2", ptp=[unchanged_edit]), release("2024q3", ptp=[unchanged_edit, half])
    assert codeset.diff(old, new).tables["ptp"].compared == (1, 1)
    assert codeset.diff(old, new).none
    assert codeset.diff(old, new, "all").tables["ptp"].added.height == 1


def test_a_range_of_the_scope_counts_no_code_of_another_kind(release):
    """1130F lies between 11300 and 11313 as text; it is no shave."""
    old = release("2024q2", mpfs=[fee("1130F", "0.00", "0.00", "0.00")])
    new = release("2024q3", mpfs=[fee("1130F", "0.01", "0.00", "0.00")])
    assert codeset.diff(old, new).none
    assert not codeset.diff(old, new, "all").none


def test_a_table_that_one_release_lacks_is_named_and_not_compared(release):
    old = release("2025q3", mpfs=[fee("11102", "0.66", "2.96", "1.12")])
    new = release(
        "2025q4", mpfs=[fee("11102", "0.66", "2.96", "1.12")], mue=[{"hcpcs": "17003", "mue_value": 13, "mai": 2}]
    )
    changes = codeset.diff(old, new)
    assert "mue" not in changes.tables
    assert changes.missing["mue"] == "2025q3"
    assert changes.missing["ptp"] == "2025q3 and 2025q4"


def test_two_releases_on_the_same_files_are_said_to_be(release, tmp_path):
    store = Store(tmp_path)
    old = release("2024q3", ptp=[edit("17004", "17000", date(2002, 1, 1), ccmi=0)])
    entry, file = carried_table(old, "ptp")
    new = store.seal(Manifest(Release.parse("2025q4"), "all", (), {"ptp": entry}), {"ptp": file}).snapshot
    assert codeset.diff(old, new).tables["ptp"].same_files


def test_a_conversion_factor_alone_is_a_change(release):
    old = release("2024q1", "32.7442", mue=[{"hcpcs": "17003", "mue_value": 13, "mai": 2}])
    new = release("2024q2", "33.2875", mue=[{"hcpcs": "17003", "mue_value": 13, "mai": 2}])
    assert not codeset.diff(old, new).none


def test_a_table_that_is_all_key_gains_and_loses_rows(release):
    rows = [
        {"previous_diagnosis": "L98A", "diagnosis": code, "effective_date": date(2025, 10, 1)} for code in ("1", "2")
    ]
    old = release("2025q4", mpfs=[fee("11102", "0.66", "3", "1")], diagnosis_replacement=rows[:1])
    new = release("2026q1", mpfs=[fee("11102", "0.66", "3", "1")], diagnosis_replacement=rows)
    changes = codeset.diff(old, new, "all").tables["diagnosis_replacement"]
    assert (changes.added.height, changes.removed.height, changes.changed.height) == (1, 0, 0)


def test_a_size_that_cms_changes_is_a_change_of_that_code(release):
    fact = {"hcpcs": "11301", "technique": "shave", "measure": "diameter_cm", "size_from": Decimal("0.6")}
    old = release("2025q4", code_facts=[fact | {"size_to": Decimal("1.0")}])
    new = release("2026q1", code_facts=[fact | {"size_to": Decimal("1.2")}])
    changed_facts = codeset.diff(old, new, "all").tables["code_facts"].changed
    assert changed_facts.rows() == [("11301", "size_to", "1.0", "1.2")]


def test_an_unknown_scope_is_refused(release):
    one = release("2024q2", mue=[{"hcpcs": "17003", "mue_value": 13, "mai": 2}])
    with pytest.raises(WrongUse, match="there are: derm, all"):
        codeset.diff(one, one, "skin")


@pytest.mark.parametrize(
    ("table", "unchanged_row", "removed_row", "new"),
    [
        ("excludes", ("L23", "L259", 1), ("L23", "L309", 1), ("L23", "L24", 2)),
        (
            "diagnosis_replacement",
            ("L661", "L6610", date(2024, 10, 1)),
            ("A1", "A2", date(2020, 10, 1)),
            ("B1", "B2", date(2026, 4, 1)),
        ),
        (
            "coverage_diagnosis",
            ("A1", None, 1, "L570", True),
            ("A1", None, 1, "L821", True),
            ("A1", None, 1, "L821", False),
        ),
        ("coverage_hcpcs", ("A1", None, "17000"), ("A1", None, "17110"), ("A1", None, "17111")),
    ],
)
def test_tables_whose_columns_are_all_key_are_compared(
    release, table: str, unchanged_row: tuple[object, ...], removed_row: tuple[object, ...], new: tuple[object, ...]
) -> None:
    rows = [dict(zip(TABLES[table].columns, row, strict=False)) for row in (unchanged_row, removed_row, new)]
    old, later = release("2026q2", **{table: rows[:2]}), release("2026q3", **{table: [rows[0], rows[2]]})
    changes = codeset.diff(old, later, "all").tables[table]
    assert (changes.removed.row(0)[: len(removed_row)], changes.added.row(0)[: len(new)]) == (removed_row, new)
    assert (changes.removed.height, changes.added.height, changes.changed.height) == (1, 1, 0)
