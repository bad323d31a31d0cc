"""Remedies: what CMS's tables name in place of a denied line, and that it is not denied when it is adjudicated.

The expected lines are worked by hand from the rows of CMS's files that stand beside them (2026q3; I-30: page of the
NCCI Policy Manual of 2026).
"""

from collections.abc import Iterable
from typing import Any

import literal_claims
import polars as pl
import pytest

from codeset.claims.adjudicate import adjudicate
from codeset.claims.claim_fields import COLUMNS
from codeset.claims.outcome import Outcome, outcome_frames, outcome_plain
from codeset.claims.outcome_rows import outcome_rows
from codeset.claims.remedies.find_remedies import MOST_LINES
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.suite.run_suite import claim_lines
from codeset.suite.scenarios import Suite

NONE = ""

REMEDIES: dict[tuple[str, ...], tuple[str, ...]] = {
    # A first biopsy beside another: add-on rows 11103/11104, 11105/11106; PTP CCMI 0
    ("11104", "11102"): (NONE, "11103"),
    ("11102", "11104"): ("11103", NONE),
    ("11106", "11104", "11102"): (NONE, "11105", "11103"),
    ("11104", "11102-59"): (NONE, "11103"),
    ("11104", "11102-59", "11103x2"): (NONE, "11103 x3", NONE),
    # MUE 1, MAI 2, and an add-on code of its own: 17003/17000, 11201/11200, 11103/11102, 96934/96931
    ("17000x4",): ("17000 + 17003 x3",),
    ("11200x2",): ("11200 + 11201",),
    ("11102x3",): ("11102 + 11103 x2",),
    ("17000", "17000-59"): ("17000 + 17003", "17000 + 17003"),
    ("17000x2", "17003x3"): ("17000 + 17003 x4", "17000 + 17003 x4"),
    # MUE of 17003: 13, MAI 2; 17004 > 17000 and 17004 > 17003, CCMI 0
    ("17000", "17003x14"): (NONE, "17004"),
    ("17000x15",): ("17004",),
    ("17000x14",): ("17000 + 17003 x13",),
    # Descriptions in CMS's RVU26C: 17110 up to 14 lesions, 17111 15 or more; 11900 up to 7, 11901 more; MUE 1, MAI 2
    ("17110x3",): ("17110",),
    ("17110x20",): ("17111",),
    ("17110", "17110-59"): ("17110", "17110"),
    ("17111x20",): ("17111",),
    ("11900x7",): ("11900",),
    ("11900x8",): ("11901",),
    ("17004x20",): ("17004",),
    ("17111x2",): (NONE,),
    ("17004x2",): (NONE,),
    ("10060x2",): (NONE,),
    # Bilateral indicator 9
    ("11301-50",): ("11301",),
    # PTP with modifier indicator 1: 11102 > 17000, 17004 > 11102, 17110 > 17000, 17110 > 17003
    ("11102", "17000"): (NONE, "17000-59"),
    ("17000", "11102"): ("17000-59", NONE),
    ("11102", "17000x4"): (NONE, "17000-59 + 17003 x3"),
    ("11102", "17000x20"): (NONE, "11102-59 + 17004"),
    ("17110", "17000", "17003x3"): (NONE, "17000-59", "17000-59 + 17003-59 x3"),
    ("11102", "17000", "17003x4"): (NONE, "17000-59", "17000-59"),
    # Visits: 25 on the day of a minor procedure, 57 of a major one, 24 in the days after; I-13, I-15, I-16
    ("99213", "11102"): ("99213-25", NONE),
    ("99213", "99212"): (NONE, "99212-25"),
    ("99203", "11102"): ("99203-25", NONE),
    ("99213", "14040"): ("99213-57", NONE),
    ("99213-57", "17000"): ("99213-25", NONE),
    ("99213-59", "11102"): ("99213-25", NONE),
    ("99213-25", "14040"): ("99213-57", NONE),
    ("17000", "99213 day=3"): (NONE, "99213-24"),
    ("17000", "11102-79 day=3", "99213-24 day=3"): (NONE, NONE, "99213-24-25"),
    ("11102-25",): ("11102",),
    ("99213-79",): ("99213",),
    # Components: PC/TC indicator 1; 0 has none
    ("88305 place=22",): ("88305-26",),
    ("88305-TC place=21",): ("88305-26",),
    ("88305-TC-59 place=22",): ("88305-26-59",),
    ("88305 place=24",): ("88305-26",),
    ("11102-26",): ("11102",),
    # Bilateral indicator 0: RT and LT are no two sides
    ("11402-RT", "11402-LT"): (NONE, "11402-XS-LT"),
    # No table names anything: which code comes first, how many, whether another lesion or a repeat
    ("17003x3",): (NONE,),
    ("17000", "17000"): (NONE, NONE),
    ("17004", "17000", "17003x13"): (NONE, NONE, NONE),
    ("17111", "17110"): (NONE, NONE),
    ("17000", "11402 day=3"): (NONE, NONE),
    ("11102-GZ",): (NONE,),
    ("17000-RT", "11102-RT"): (NONE, NONE),
}


def remedy_texts(outcome: Outcome) -> list[str]:
    """Return the remedy of each line, by number, as scenarios have it."""
    return [
        " + ".join(remedy_line.text for remedy_line in row.remedy.lines) if row.remedy else NONE
        for row in sorted(outcome_rows(outcome), key=lambda row: row.line)
    ]


def remedies_by_case(snapshot: Snapshot, cases: Iterable[literal_claims.Case]) -> dict[literal_claims.Case, Any]:
    """Return the remedies of each case's lines."""
    remedies = literal_claims.by_case(snapshot, cases, remedy_texts)
    return {case: tuple(of_lines) for case, of_lines in remedies.items()}


def test_the_remedy_is_what_the_tables_say(derm: Snapshot) -> None:
    assert remedies_by_case(derm, REMEDIES) == REMEDIES


def test_both_sides_on_two_lines_are_one_line_with_50(store: Store) -> None:
    """I-30: a code with two sides is one line with 50 and one unit."""
    two_sides = {"hcpcs": "11450", "global_days": "090", "bilateral_surgery": "1"}
    snapshot = literal_claims.sealed_release(store, "2026q3", [two_sides], mue=[("11450", 1, 2)])
    outcome = literal_claims.outcome(snapshot, "11450-LT", "11450-RT")
    assert outcome.remedies["c", 2].replaces == (("c", 1), ("c", 2))
    expected = {
        ("11450-LT", "11450-RT"): ("11450-50", "11450-50"),
        ("11450-50x2",): ("11450-50",),
        ("11450-50-RT",): ("11450-50",),
        ("11450-LT", "11450-LT-59"): (NONE, NONE),
    }
    assert remedies_by_case(snapshot, expected) == expected


def test_a_remedy_rests_on_rows_in_force_on_its_date(store: Store) -> None:
    fees = [{"hcpcs": code, "global_days": "000"} for code in ("11102", "11104")]
    fees.append({"hcpcs": "11103", "global_days": "ZZZ"})
    add_on = [("11103", "11102", "2019-01-01", None, 1), ("11103", "11104", "2026-08-01", None, 1)]
    ptp = [("11104", "11102", "2019-01-01", None, 0)]
    snapshot = literal_claims.sealed_release(store, "2026q3", fees, add_on=add_on, ptp=ptp)
    expected = {
        ("11104 on=2026-07-31", "11102 on=2026-07-31"): (NONE, NONE),
        ("11104 on=2026-08-01", "11102 on=2026-08-01"): (NONE, "11103"),
    }
    assert remedies_by_case(snapshot, expected) == expected


def test_a_remedy_says_what_it_rests_on_in_place_of_the_usual_advice(derm: Snapshot) -> None:
    outcome = literal_claims.outcome(derm, "99213", "11102", "17000")
    frames = outcome_frames(outcome)
    do = dict(frames.findings.filter(severity="deny").unique("line", keep="first").select("line", "do").iter_rows())
    assert do == {
        1: "If the record shows a significant, separately identifiable E/M, report 99213-25 instead.",
        3: "If the record shows a separate encounter, site, or lesion (XE, XS, XP, or XU says it more exactly), "
        "report 17000-59 instead.",
    }
    [biopsy] = outcome_rows(literal_claims.outcome(derm, "11104", "11102"))[1:]
    assert [finding.do for finding in biopsy.findings] == ["Report 11103 instead."]


def test_the_second_visit_of_a_day_is_paid_for_two_encounters_not_for_a_separate_one(derm: Snapshot) -> None:
    """IOM 100-04 ch. 12, section 30.6.5: else the level is that of both visits combined."""
    outcome = literal_claims.outcome(derm, "99213", "99212")
    assert outcome.remedies["c", 2].text == (
        "If the problems were unrelated and needed two encounters (else one level is reported for both), "
        "report 99212-25 instead."
    )
    beside_procedure = literal_claims.outcome(derm, "99213", "99212", "17000").remedies["c", 2].text
    assert beside_procedure.startswith(
        "If the record shows a significant, separately identifiable E/M, report 99212-25"
    )


def test_a_remedy_in_json_is_a_list_of_claim_lines(derm: Snapshot) -> None:
    [claim] = outcome_plain(literal_claims.outcome(derm, "17000", "17003x14"))
    service = {"claim_id": "c", "line": 2, "date_of_service": "2026-07-01", "hcpcs": "17004", "modifiers": []}
    assert claim["lines"][1]["remedy"] == [{**service, "units": 1, "place_of_service": "11", "locality": "national"}]
    assert claim["lines"][1]["remedy_replaces"] == [{"claim_id": "c", "line": 1}, {"claim_id": "c", "line": 2}]
    assert claim["lines"][1]["remedy_source"] == (
        "add-on edit 17003/17000; MUE 17003: 13, MAI 2; PTP edits 17004/17000 and 17004/17003, CCMI 0"
    )
    assert claim["lines"][0]["remedy"] == []


def test_a_beneficiary_with_too_many_lines_has_no_remedies(derm: Snapshot) -> None:
    others = [f"96910 day={day}" for day in range(MOST_LINES - 1)]
    assert literal_claims.outcome(derm, "17000x4", *others[:-1]).remedies.keys() == {("c", 1)}
    assert literal_claims.outcome(derm, "17000x4", *others, "96910 day=500").remedies == {}


def test_patients_do_not_share_a_remedy(derm: Snapshot) -> None:
    lines = [f"{code} beneficiary={who} claim={who}" for who in "ab" for code in ("11104", "11102")]
    outcome = literal_claims.outcome(derm, *lines)
    assert {key: remedy.replaces for key, remedy in outcome.remedies.items()} == {
        ("a", 2): (("a", 2),),
        ("b", 4): (("b", 4),),
    }


def denied_again(outcome: Outcome, claims: pl.DataFrame, snapshot: Snapshot) -> list[Any]:
    """Report each remedy in place of what it replaces, all others as they are, and return which are denied."""
    again = []
    for number, ((claim_id, line), remedy) in enumerate(sorted(outcome.remedies.items())):
        beneficiary = claims.filter(claim_id=claim_id, line=line)["beneficiary"][0]
        own = claims.filter(beneficiary=beneficiary).to_dicts()
        like = next(row for row in own if (row["claim_id"], row["line"]) == remedy.replaces[0])
        rows = [row for row in own if (row["claim_id"], row["line"]) not in remedy.replaces]
        for remedy_line in remedy.lines:
            service = {**vars(remedy_line), "modifiers": " ".join(remedy_line.modifiers), "charge_cents": None}
            rows.append({**like, **service})
        again += [{**row, "claim_id": f"{number:05} {row['claim_id']}", "beneficiary": f"{number:05}"} for row in rows]
    lines = adjudicate(pl.DataFrame(again, schema=dict(COLUMNS)), snapshot).lines
    answers = {(row["claim_id"], row["line"]): row for row in lines.iter_rows(named=True)}
    reported_lines = [
        (f"{number:05} {remedy_line.claim_id}", remedy_line.line)
        for number, (_, remedy) in enumerate(sorted(outcome.remedies.items()))
        for remedy_line in remedy.lines
    ]
    return [key for key in reported_lines if answers[key]["disposition"] == "deny"]


def remedies_denied(suite: Suite, snapshot: Snapshot) -> tuple[int, list[Any]]:
    """Return how many remedies the scenarios of *suite* have on *snapshot*, and those that are denied."""
    scenarios = [
        scenario for scenario in suite.scenarios if scenario.holds_in(snapshot.release) and not scenario.beyond_quarter
    ]
    claims = claim_lines(scenarios, snapshot.release)
    outcome = adjudicate(claims, snapshot)
    return len(outcome.remedies), denied_again(outcome, claims, snapshot)


@pytest.mark.parametrize("label", ["2025q4", "2026q3"])
def test_no_remedy_of_the_suite_is_denied(golden_suite: Suite, embedded: Store, label: str) -> None:
    count, denied_count = remedies_denied(golden_suite, embedded.open(label))
    assert count >= 250
    assert denied_count == []


@pytest.mark.cms
@pytest.mark.parametrize("label", ["2024q2", "2024q3", "2025q4", "2026q3"])
def test_no_remedy_of_the_suite_is_denied_on_cms_files(golden_suite: Suite, real_store: Store, label: str) -> None:
    count, denied_count = remedies_denied(golden_suite, real_store.open(label))
    assert count >= 250
    assert denied_count == []
