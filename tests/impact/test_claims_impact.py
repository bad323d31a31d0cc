"""A practice's claims under two releases, worked by hand from CMS's rows of RVU25D and RVU26C (national, office)."""

from datetime import date
from pathlib import Path

import pytest

from codeset.claims.input.claim_files import read_files
from codeset.impact import claims_impact as impact_module
from codeset.impact.claims_impact import ClaimsImpact, claims_impact
from codeset.participants import Participant
from codeset.scope import scope
from codeset.store import Store

HEADER = "claim_id,line,beneficiary,provider,date_of_service,hcpcs,modifiers,units,place_of_service,locality\n"
SIX_LINES = """\
A,1,B,P,2025-11-03,99213,25,1,11,national
A,2,B,P,2025-11-03,11102,59,1,11,national
A,3,B,P,2025-11-03,17000,,1,11,national
A,4,B,P,2025-11-03,17003,,13,11,national
A,5,B,P,2025-11-03,11402,59,1,11,national
A,6,B,P,2025-11-03,12031,59,1,11,national
"""


def impact(store: Store, folder: Path, text: str) -> ClaimsImpact:
    file = folder / "claims.csv"
    file.write_text(HEADER + text)
    lines, _ = read_files([file])
    old, new = store.open("2025q4"), store.open("2026q3")
    return claims_impact(lines, old, new, Participant.NON_QP, scope("derm").families)


def test_the_difference_is_that_of_adjudicated_amounts_not_of_units_times_fee(embedded, tmp_path):
    """Fees 2025: 88.95, 95.75, 66.31, 6.47, 166.91, 252.95; 2026: 95.19, 95.53, 66.47, 6.35, 171.01, 259.86.

    12031 is paid in full, 11402, 11102 and 17000 by half, the add-on 17003 and the visit in full:
    88.95 + 47.88 + 33.16 + 84.11 + 83.46 + 252.95 = 590.51; 95.19 + 47.77 + 33.24 + 82.55 + 85.51 + 259.86 = 604.12.
    """
    result = impact(embedded, tmp_path, SIX_LINES)
    assert (result.total.before_cents, result.total.after_cents, result.total.change_cents) == (59051, 60412, 1361)
    assert result.units_times_fee == (75498, 77061)
    assert (result.claims, result.lines, result.total.lines, result.without_amount) == (1, 6, 6, 0)
    assert {total.name: total.change_cents for total in result.codes} == {
        "12031": 691,
        "99213": 624,
        "11402": 205,
        "17003": -156,
        "11102": -11,
        "17000": 8,
    }
    assert {total.name: total.change_cents for total in result.families} == {
        "repairs": 691,
        "office visits": 624,
        "excisions": 205,
        "destruction": -148,
        "biopsies": -11,
    }


def test_a_line_with_another_result_has_both_and_the_rows_that_decide(embedded, tmp_path):
    """88346 x 3: above the MUE of 2 until 2026, within that of 3 since (4.10 RVUs x 33.4009 = 136.94 a unit)."""
    result = impact(embedded, tmp_path, "C,1,B,P,2025-11-04,88346,,3,11,national\n")
    (line,) = result.changed
    assert (line.claim_id, line.line, line.date_of_service) == ("C", 1, date(2025, 11, 4))
    assert (line.before.disposition, line.before.cents, line.before.row) == ("deny", 0, "MUE 88346: 2 (MAI 3)")
    assert (line.before.table, line.before.key) == ("mue", ("88346",))
    assert (line.after.cents, line.change_cents) == (41082, 41082)
    assert line.after.disposition != "deny"


def test_dates_are_kept_so_that_global_periods_hold(embedded, tmp_path):
    """A visit five days after 12031 (10 days, in both releases) is denied in both: no difference in the result."""
    result = impact(
        embedded,
        tmp_path,
        "D,1,B,P,2025-12-29,12031,,1,11,national\nE,1,B,P,2026-01-03,99213,,1,11,national\n",
    )
    assert result.result_changes == ()
    assert (result.total.before_cents, result.total.after_cents) == (25295, 25986)


def test_a_line_without_an_amount_is_in_no_total(embedded, tmp_path):
    result = impact(embedded, tmp_path, "C,2,B,P,2025-11-04,J7309,,1,11,national\n")
    assert (result.without_amount, result.total.lines, result.total.change_cents) == (1, 0, 0)


def test_of_many_changed_lines_those_with_the_largest_change_are_kept(embedded, tmp_path, monkeypatch):
    monkeypatch.setattr(impact_module, "MOST_LINES", 1)
    text = "C,1,B,P,2025-11-04,88346,,3,11,national\nF,1,B2,P,2025-11-04,J7309,,1,11,national\n"
    result = impact(embedded, tmp_path, text)
    assert ([line.hcpcs for line in result.changed], result.left_out) == (["88346"], 1)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_order_of_lines_changes_nothing(embedded, tmp_path, reverse):
    text = "\n".join(sorted(SIX_LINES.splitlines(), reverse=reverse)) + "\n"
    assert impact(embedded, tmp_path, text).total.change_cents == 1361
