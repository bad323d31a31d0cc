"""The facts of a review, against figures worked from CMS's rows: RVU25D and RVU26C, MUE and add-on edits."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import reviewed

from codeset.errors import WrongUse
from codeset.money import Gpci
from codeset.participants import Participant
from codeset.review.baseline import baseline, own_reach
from codeset.review.code_details import code_details
from codeset.review.first_page import first_page
from codeset.review.forms.as_markdown import review_markdown
from codeset.review.forms.statement_groups import statement_groups
from codeset.review.make import make_review
from codeset.review.payments import PARTS, Place, Rvus, payments, place_of, split
from codeset.scope import scope
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.suite.scenarios import load

AMOUNTS = [
    ("11102", 9575, 9553, 3623, 3006),
    ("17000", 6631, 6647, 5370, 4776),
    ("17003", 647, 635, None, None),
    ("17004", 16173, 16233, 9639, 8283),
    ("17110", 10998, 11122, None, None),
    ("17111", 12906, 12993, None, None),
    ("17311", 66116, 66702, 34287, 28691),
    ("17312", 39948, 40281, None, None),
    ("14040", 74462, 76722, 61135, 54610),
    ("12032", 29403, 29994, None, None),
    ("13132", 45350, 46227, None, None),
    ("11642", 26039, 26687, None, None),
    ("88305", 6954, 7014, None, None),
    ("96567", 12777, 12926, None, None),
    ("96910", 11354, 11490, None, None),
    ("99213", 8895, 9519, 6372, 5745),
    ("G2211", 1553, 1737, 1553, 1436),
]
"""National amounts in cents, 2025D and 2026C, in the office and in a facility (None: not told): total RVU x factor."""


@pytest.mark.parametrize(("hcpcs", "old", "new", "old_facility", "new_facility"), AMOUNTS)
def test_payments_are_those_of_cms_files(plain, hcpcs, old, new, old_facility, new_facility):
    office = reviewed.payment(plain, hcpcs, "nonfacility")
    assert (office["before"]["cents"], office["after"]["cents"], office["change_cents"]) == (old, new, new - old)
    if old_facility:
        facility = reviewed.payment(plain, hcpcs, "facility")
        assert (facility["before"]["cents"], facility["after"]["cents"]) == (old_facility, new_facility)


@pytest.mark.parametrize(
    ("hcpcs", "setting", "parts"),
    [
        # 11102, office: work 0.66 → 0.64, PE 2.24 → 2.16, MP 0.06; 32.3465 → 33.4009.
        # -0.02 x 32.3465 = -0.647; -0.08 x 32.3465 = -2.588; 2.86 x 1.0544 = 3.016.
        ("11102", "nonfacility", (-65, -259, 0, 0, 302)),
        # 11102, facility: PE 0.40 → 0.20: -0.20 x 32.3465 = -6.469; 0.90 x 1.0544 = 0.949.
        ("11102", "facility", (-65, -647, 0, 0, 95)),
        # 99213, office: PE 1.35 → 1.46, MP 0.10 → 0.09: 3.558, -0.323, 2.85 x 1.0544 = 3.005: 3.56 - 0.32 + 3.01
        # are 6.25, the amounts differ by 6.24: the cent less lies in the largest part.
        ("99213", "nonfacility", (0, 355, -32, 0, 301)),
    ],
)
def test_a_change_is_split_into_its_causes(plain, hcpcs, setting, parts):
    cents_by_cause = reviewed.payment(plain, hcpcs, setting)["parts"]
    assert tuple(cents_by_cause[name] for name in PARTS) == parts


def test_at_a_locality_the_indices_have_a_part_of_their_own():
    """11102 in 01112-05, worked by hand with GPCI2025 and GPCI2026.

    Before: 0.66 x 1.088 + 2.24 x 1.419 + 0.06 x 0.445 = 3.92334, x 32.3465 = 126.9063: 126.91.
    After: 0.64 x 1.095 + 2.16 x 1.410 + 0.06 x 0.425 = 3.77190, x 33.4009 = 125.9849: 125.98.
    Work -0.02 x 1.088 x 32.3465 = -0.7039; PE -0.08 x 1.419 x 32.3465 = -3.6720; GPCI (0.64 x 0.007 - 2.16 x 0.009
    - 0.06 x 0.020) x 32.3465 = -0.5227; factor 3.7719 x 1.0544 = 3.9771. -0.70 - 3.67 - 0.52 + 3.98 = -0.91, the
    amounts differ by -0.93: the rest lies in the factor's part.
    """
    was, now = Gpci(*map(Decimal, ("1.088", "1.419", "0.445"))), Gpci(*map(Decimal, ("1.095", "1.410", "0.425")))
    place = Place("01112-05", "", was, now, None, None)
    before, after = Rvus(*map(Decimal, ("0.66", "2.24", "0.06"))), Rvus(*map(Decimal, ("0.64", "2.16", "0.06")))
    parts = split(before, after, place, (Decimal("32.3465"), Decimal("33.4009")), -93)
    assert [getattr(parts, name) for name in PARTS] == [-70, -367, 0, -52, 396]


def test_amounts_at_a_locality_are_reckoned_with_its_indices(place):
    """11102 in 01112-05: 126.91 and 125.98 (worked by hand above)."""
    store = Store(place / "store")
    old, new = store.open("2025q4"), store.open("2026q3")
    rows = payments(old, new, place_of("01112-05", old, new), scope("derm"), ["nonfacility"])
    biopsy = next(row for row in rows if (row.hcpcs, row.modifier) == ("11102", ""))
    assert (biopsy.before.cents, biopsy.after.cents) == (12691, 12598)


@pytest.mark.parametrize("locality", ["national", "01112-05", "02102-01"])
def test_the_parts_add_up_to_the_change_of_every_amount(place, locality):
    store = Store(place / "store")
    old, new = store.open("2025q4"), store.open("2026q3")
    rows = [row for row in payments(old, new, place_of(locality, old, new), scope("derm")) if row.parts]
    assert len(rows) > 600
    assert [row.hcpcs for row in rows if sum(getattr(row.parts, part) for part in PARTS) != row.change_cents] == []


@pytest.mark.parametrize("locality", ["01112", "01112-99", "99999-00", ""])
def test_a_locality_that_cms_does_not_have_is_refused(place, locality):
    store = Store(place / "store")
    with pytest.raises(WrongUse, match="has no locality"):
        place_of(locality, store.open("2025q4"), store.open("2026q3"))


def test_the_efficiency_adjustment_shows_as_work_that_only_falls(annual_review):
    """2026: -2.5 % in the work RVUs of procedures, office visits untouched (CY 2026 PFS)."""
    causes = {table.setting: {cause.part: cause for cause in table.causes} for table in annual_review.payments}
    assert [by_part["work"].raises for by_part in causes.values()] == [0, 0]
    visits = [
        row for table in annual_review.payments for row in table.rows if row.family == "office visits" and row.parts
    ]
    assert {row.parts.work for row in visits if row.parts} == {0}


def test_the_first_screen_counts_what_changed_and_of_how_much(annual_review):
    counts_by_label = {
        count.label: (count.number, count.of, count.unchecked) for count in first_page(annual_review).counts
    }
    assert counts_by_label["codes with a changed global period or indicator"] == (0, 399, "")
    assert counts_by_label["codes removed from the fee schedule file"] == (1, None, "")
    assert counts_by_label["MUEs changed"] == (0, 352, "our October 2025 files have the MUEs of July 2024")
    assert counts_by_label["NCCI PTP edits changed"] == (0, 18772, "both quarters use the July 2024 file")
    assert counts_by_label["test claims with a new result"] == (1, 3, "")


def test_mues_of_a_carried_file_differ_because_of_it(annual_review):
    """July 2024 and April 2026: 88346 2 → 3, J3300 40 → 80; J7309 left, six codes came. When, the file does not say."""
    assert annual_review.table("mue").changes == ()
    changes = annual_review.table("mue").own_changes
    assert {(change.key, change.before, change.after) for change in changes if change.kind == "changed"} == {
        ("88346", "2", "3"),
        ("J3300", "40", "80"),
    }
    assert [change.key for change in changes if change.kind == "removed"] == ["J7309"]
    added_codes = [change.key for change in changes if change.kind == "added"]
    assert added_codes == ["15011", "15013", "15015", "15017", "G0559", "J7345"]


def test_the_headline_names_what_was_not_checked(annual_review):
    assert first_page(annual_review).headline.endswith(" NOT CHECKED: NCCI PTP edits and MUEs.")


@pytest.mark.parametrize(("carried_from", "is_outdated"), [("2026q1", False), ("2025q4", True)])
def test_gpcis_of_the_same_year_are_not_outdated(place, tmp_path, carried_from, is_outdated):
    """CMS posts GPCIs once a year (42 CFR 414.26): those carried within the year are the year's own."""
    snapshot = Store(place / "store").open("2026q3")
    old, new = (reviewed.retold(snapshot, tmp_path / name, release=name) for name in ("2026q2", "2026q4"))
    gpci = replace(old.manifest.tables["gpci"], carried_from=carried_from)
    manifest = replace(old.manifest, tables={**old.manifest.tables, "gpci": gpci})
    (old.path / "manifest.json").write_text(manifest.to_json())
    with baseline(Snapshot(old.path), new) as base:
        assert ("gpci" in base.replaced) == is_outdated


def test_add_on_pairs_in_effect_before_the_old_release_are_not_a_change_of_cms(annual_review):
    """AOC V2026Q2: G2211 with office visits from 01/01/2024, home visits from 01/01/2026; 15012 from 04/01/2025."""
    table = annual_review.table("add_on")
    home_visits = ["99341", "99342", "99344", "99345", "99347", "99348", "99349", "99350"]
    assert [(change.key, change.since) for change in table.changes] == [
        (f"G2211 / {code}", date(2026, 1, 1)) for code in home_visits
    ]
    since = {change.key: change.since for change in table.own_changes}
    assert (since["G2211 / 99213"], since["15012 / 15011"]) == (date(2024, 1, 1), date(2025, 4, 1))


def test_a_result_that_our_older_file_explains_asks_for_no_decision(annual_review):
    own = {difference.id: difference.why for difference in annual_review.own_differences}
    assert own["scenario three-units-of-88346"] == "our October 2025 files have the MUEs of July 2024"
    assert own["code G2211"] == "our October 2025 files have the add-on code edits of April 2024"
    assert [outcome.id for outcome in annual_review.to_decide] == ["scenario complexity-add-on-alone"]
    assert not {outcome.id for outcome in annual_review.to_decide} & set(own)


def test_the_panel_of_a_code_has_the_amounts_of_the_locality(place):
    """99213 in Manhattan, GPCIs of 2026: (1.30 x 1.064 + 1.46 x 1.162 + 0.09 x 1.586) x 33.4009 = 107.6334."""
    snapshot = Store(place / "store").open("2026q3")
    office = {
        locality: next(
            detail.history[0].office_cents
            for detail in code_details((snapshot,), scope("derm"), Participant.NON_QP, locality)
            if detail.hcpcs == "99213"
        )
        for locality in ("national", "13202-01", "99999-99")
    }
    assert office == {"national": 9519, "13202-01": 10763, "99999-99": None}


def test_only_claims_that_our_older_files_can_bear_on_are_read_against_them_again(place):
    """MUEs of July 2024 and April 2026 differ in 88346 and J3300, not in 11102; 2026 has no QP factor."""
    store = Store(place / "store")
    old, new = store.open("2025q4"), store.open("2026q3")
    with baseline(old, new) as base:
        reach = own_reach(old, base)
    assert [reach.includes({code}, Participant.NON_QP) for code in ("88346", "J3300", "11102")] == [True, True, False]
    assert reach.includes({"11102", "88346"}, Participant.NON_QP)
    assert reach.includes({"11102"}, Participant.QP)


def test_a_table_that_the_old_release_lacks_bears_on_every_claim(place, tmp_path):
    store = Store(place / "store")
    new = store.open("2026q3")
    old = reviewed.retold(store.open("2025q4"), tmp_path / "old", release="2025q4")
    tables = {name: entry for name, entry in old.manifest.tables.items() if name != "mue"}
    (old.path / "manifest.json").write_text(replace(old.manifest, tables=tables).to_json())
    old = Snapshot(old.path)
    with baseline(old, new) as base:
        assert own_reach(old, base).includes({"11102"}, Participant.NON_QP)


def test_a_changed_scenario_tells_each_line_before_and_after_with_the_row_that_caused_it(annual_review):
    """Home visits are primary codes of G2211 from 2026: still denied alone, with more primary codes to report."""
    (scenario,) = annual_review.outcomes.changed
    assert scenario.id == "complexity-add-on-alone"
    (line,) = scenario.lines
    assert (line.before.disposition, line.after.disposition) == ("deny", "deny")
    assert line.news == "still denied, different reason"
    assert ("99350" in line.before.why, "99350" in line.after.why) == (False, True)
    assert (line.after.edit, line.after.row and line.after.row.anchor) == ("add_on", "2026q3-add_on-G2211")


def test_what_is_to_be_decided_is_what_the_sign_off_asks(annual_review):
    (item,) = [item for item in first_page(annual_review).actions if item.title.startswith("Approve or reject")]
    assert item.title == "Approve or reject 1 changed test result (reason required)"
    assert "G2211 without a visit is denied" in item.details


def test_the_table_of_the_guide_is_confirmed_by_2026_and_was_not_by_2025(annual_review):
    """All 20 rows of the guide's RVU table; and that table alone changes its verdicts but one."""
    table = [statement for statement in annual_review.guidance.changed if statement.heading.startswith("table.")]
    assert len(table) == 20
    assert {(statement.before, statement.after) for statement in table} == {("contradicted", "confirmed")}


def test_every_row_that_a_figure_rests_on_is_reported(annual_review):
    rows_by_anchor = {row.ref.anchor: row for row in annual_review.rows}
    biopsy = rows_by_anchor["2026q3-mpfs-11102"]
    assert (biopsy.file, biopsy.edition, biopsy.key) == (
        "embedded-mpfs-rvu26c.csv",
        "rvu26c",
        "11102",
    ) or biopsy.edition == "rvu26c"
    assert "work 0.64, PE 2.16 / 0.20, MP 0.06" in biopsy.says[0]
    assert "MUE 3, MAI 3" in rows_by_anchor["2026q3-mue-88346"].says
    assert [row.ref.anchor for row in annual_review.rows if row.says == ("no such row",)] == []


def test_what_nothing_changed_is_said_with_what_was_compared(place, tmp_path):
    new = Store(place / "store").open("2026q3")
    later = reviewed.retold(new, tmp_path / "later", release="2026q4", sha256="0" * 64)
    review = make_review(new, later, load(place / "scenarios"), ())
    assert not first_page(review).changed
    assert first_page(review).headline.startswith(
        "No change. Compared: 357 codes priced, 399 rows of indicators, 109 localities, 18,772 NCCI PTP edits"
    )
    assert "3 test claims" in first_page(review).headline
    assert [item.title for item in first_page(review).actions] == ["Acknowledge 7 limitations", "Sign"]


def test_the_same_files_in_both_are_not_called_no_change(short_place, tmp_path):
    new = Store(short_place / "store").open("2026q3")
    later = reviewed.retold(new, tmp_path / "later", release="2026q4")
    page = first_page(make_review(new, later, load(short_place / "scenarios"), ()))
    unchecked_labels = {count.label for count in page.counts if count.unchecked}
    assert unchecked_labels == {
        "localities with changed GPCIs",
        "NCCI PTP edits changed",
        "MUEs changed",
        "add-on pairs changed",
    }
    compared_text, _, not_checked = page.headline.partition(" NOT CHECKED: ")
    assert ("MUEs" in compared_text, not_checked) == (False, "NCCI PTP edits, MUEs, and add-on pairs.")
    assert {table.status for table in page.readiness.tables if table.table == "ptp"} == {
        "NOT CHECKED: both quarters use the July 2024 file"
    }


PARTICIPANT = """
- id: biopsy-of-a-participant
  says: A biopsy is paid to a qualifying participant
  source: {document: NCCI MUE practitioner, row: 11102}
  qualifying_apm: yes
  claim: {lines: [{hcpcs: 11102}]}
  expect: {lines: [{disposition: pay}]}
"""


def test_a_coder_contradicted_is_reported_first(short_place, tmp_path):
    wrong = reviewed.SCENARIOS.replace("disposition: deny, edit: add_on", "disposition: pay")
    store = Store(short_place / "store")
    review = make_review(store.open("2025q4"), store.open("2026q3"), load(reviewed.scenarios(tmp_path, wrong)), ())
    page = first_page(review)
    fault = "1 test claim disagrees with the coder's answer"
    assert page.actions[0].title == f"{fault}; approval is blocked until it is fixed"
    assert page.readiness.blockers[0] == fault
    assert page.readiness.verdict.startswith(f"NOT READY TO SIGN: {fault}")
    assert [scenario.id for scenario in review.outcomes.failed] == ["complexity-add-on-alone"]


def test_a_price_that_is_missing_because_a_file_is_missing_is_not_a_change_of_cms(short_place, tmp_path):
    """The excerpt of 2026q3 has the factor of those who are no qualifying participants only."""
    suite = load(reviewed.scenarios(tmp_path, reviewed.SCENARIOS + PARTICIPANT))
    store = Store(short_place / "store")
    review = make_review(store.open("2025q4"), store.open("2026q3"), suite, ())
    own = {difference.id: difference.why for difference in review.own_differences}
    assert own["scenario biopsy-of-a-participant"] == (
        "the July 2026 conversion factor for qualifying APM participants is not in our files"
    )


def test_releases_in_the_wrong_order_are_refused(short_place):
    store = Store(short_place / "store")
    with pytest.raises(WrongUse, match="not later"):
        make_review(store.open("2026q3"), store.open("2025q4"), load(short_place / "scenarios"), ())


def test_one_setting_alone_is_shown_when_it_is_given(short_place: Path):
    store = Store(short_place / "store")
    review = make_review(
        store.open("2025q4"), store.open("2026q3"), load(short_place / "scenarios"), (), setting="facility"
    )
    assert {payment.setting for payment in review.payments} == {"facility"}
    assert review.place.locality == "national"
    assert first_page(review).movers_unit == "per unit in a facility"


def test_statements_of_the_guides_are_placed_in_words_and_explained_without_repeats(annual_review):
    """The coding guide's 20 figures are those of 2026: 11102 has 0.64 work RVUs in RVU26C (0.66 in RVU25D)."""
    table, stages = statement_groups(annual_review.guidance.changed)
    assert (table.where, stages.where) == ("coding guide, table", "coding guide, on the table: mohs stages")
    assert table.why == "For example 11102: work RVU 0.64, non-facility total RVU 2.86, global days 000."


def test_the_largest_changes_of_a_year_name_the_setting_that_they_are_of(annual_review):
    """The volumes have no place of service: there is a year of the office and one of the facility."""
    assert first_page(annual_review).movers_unit == "a year, if all office"
    assert "Biggest gains (a year, if all office): 99213 " in review_markdown(annual_review)
