"""Deduplication changes no answer: every column of a line and every edit, with it and without; and edits to come.

Trial edits show what an edit declares: one more column, a year's reach with its change dates, three years, the claim.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import literal_claims
import polars as pl
import pytest
from polars.exceptions import ColumnNotFoundError
from polars.testing import assert_frame_equal

from codeset.claims.adjudicate import compact_outcome
from codeset.claims.claim_fields import CODE, COLUMNS
from codeset.claims.edits import EDITS
from codeset.claims.edits.findings import findings_of
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.lines import Lines
from codeset.claims.outcome import Outcome, outcome_frames
from codeset.participants import Participant
from codeset.snapshot import Snapshot
from codeset.store import Store

CODES = ["11102", "11103", "11104", "17000", "17003", "17004", "17110", "17311", "17312", "17315", "11642", "14040"]
CODES += ["13132", "88305", "88331", "96910", "99203", "99211", "99213", "G2211", "J7308", "11055", "99999"]

VALUES: Mapping[str, Sequence[Any]] = {
    "claim_id": ["c", "d", "e"],
    "provider": ["p", "p", "q"],
    "group": [None, None, "g", "h"],
    "specialty": [None, "07", "83", "50"],
    "through_date": [None, None, None, 0, 1, 4],
    "hcpcs": CODES,
    "modifiers": ["", "", "", "59", "XS", "25", "57", "24", "RT", "LT", "76", "78", "79", "26", "80", "ZZ"],
    "units": [1, 1, 1, 1, 0, 2, 5, 14],
    "place_of_service": ["11", "11", "11", "22", "24"],
    "locality": ["national", "national", "01112-05"],
    "charge_cents": [None, None, 5_000, 100],
    "lesion": [None, None, "A", "B"],
    "prior_authorization": [None, None, "A1"],
    "diagnoses": [None, None, "L57.0", "L570", "C44.41 L82.1", "L66.1", "L99.ZZ L57.0", "W57.XXXA L57.0", "Z41.1"],
    "diagnoses_of_claim": [None, None, None, "L57.0 L66.1", "L57.0 E11.9", "C44.41 L82.1 L99.ZZ"],
    "date_of_service": [0, 0, 0, 1, 2, 10, 11, 89, 90, 91],
}
"""The values of each column; of dates days after the first, of through dates days after the date of service."""

DRAWN_ELSEWHERE = {"line", "beneficiary"}


def test_every_column_of_a_line_is_varied() -> None:
    assert {*VALUES, *DRAWN_ELSEWHERE} == set(COLUMNS)


@pytest.mark.parametrize("seed", range(10))
def test_an_outcome_is_the_same_with_deduplication_and_without(derm: Snapshot, seed: int) -> None:
    """Histories recur under other names and on other days; some copies differ in one value of one line."""
    rng = Random(seed)
    histories = [[a_line(rng) for _ in range(rng.randint(1, 6))] for _ in range(16)]
    rows = [row for number in range(96) for row in a_copy(rng.choice(histories), f"b{number:02}", rng)]
    rng.shuffle(rows)
    assert_same(literal_claims.engine_lines(rows), derm)


def test_an_edit_that_is_not_asked_would_find_nothing(derm: Snapshot) -> None:
    """Patients one by one, so that most edits concern none of their lines; and all of them, with every edit asked."""
    rng, code_set = Random(1), CodeSet.of([derm], CODES)
    histories = [a_copy([a_line(rng) for _ in range(rng.randint(1, 3))], f"b{number:02}", rng) for number in range(40)]
    one_by_one = [
        outcome_frames(compact_outcome(literal_claims.engine_lines(history), code_set).outcome())
        for history in histories
    ]
    asked_edits = [replace(edit, concerns=None, needs=None) for edit in EDITS]
    lines_of_all = literal_claims.engine_lines(line for history in histories for line in history)
    every = outcome_frames(compact_outcome(lines_of_all, code_set, edits=asked_edits).outcome())
    assert_frame_equal(pl.concat(some.lines for some in one_by_one), every.lines)
    assert_frame_equal(pl.concat(some.findings for some in one_by_one), every.findings)


def a_line(rng: Random) -> dict[str, Any]:
    return {column: rng.choice(values) for column, values in VALUES.items()}


def a_copy(history: list[dict[str, Any]], beneficiary: str, rng: Random) -> list[dict[str, Any]]:
    lines = [dict(line) for line in history]
    if rng.random() < 0.5:
        column = rng.choice(list(VALUES))
        rng.choice(lines)[column] = rng.choice(VALUES[column])
    first = literal_claims.FIRST_DAY + timedelta(days=rng.choice([-1, 0, 0, 1]))
    names = dict(zip("cde", rng.sample("cde", 3), strict=True))
    return [
        {
            **line,
            "line": number,
            "beneficiary": beneficiary,
            "claim_id": f"{beneficiary}-{names[line['claim_id']]}",
            "date_of_service": (day := first + timedelta(days=line["date_of_service"])),
            "through_date": None if line["through_date"] is None else day + timedelta(days=line["through_date"]),
        }
        for number, line in enumerate(lines, start=1)
    ]


def outcome(frame: pl.DataFrame, snapshots: Snapshot | list[Snapshot], *, deduplicate: bool, **edits: Any) -> Outcome:
    several = snapshots if isinstance(snapshots, list) else [snapshots]
    code_set = CodeSet.of(several, frame["hcpcs"].unique())
    compact = compact_outcome(frame, code_set, participant=Participant.NON_QP, deduplicate=deduplicate, **edits)
    return compact.outcome()


def assert_same(frame: pl.DataFrame, snapshots: Snapshot | list[Snapshot], **edits: Any) -> Outcome:
    """Return the outcome, once it was seen to be the same with deduplication and without."""
    on, off = (outcome(frame, snapshots, deduplicate=deduplicate, **edits) for deduplicate in (True, False))
    assert on.lines.equals(off.lines)
    assert on.findings.equals(off.findings)
    assert on.steps.collect().equals(off.steps.collect())
    return on


# Trial edits, each after those that there are


def find_provider_q(lines: Lines) -> Findings:
    return findings_of(lines.table.filter(provider="q"), "modifier-unknown", detail=pl.col("provider"))


def two_visits_of(patients: int) -> pl.DataFrame:
    """Return two visits of each patient, of provider p, and every seventh's of provider q."""
    rows = []
    for patient in range(patients):
        for number, day in enumerate((0, 0, 30), start=1):
            names = {"beneficiary": f"b{patient:05}", "claim_id": f"c{patient:05}", "line": number}
            line = literal_claims.line(f"{('11102', '17000-59', '88305')[number - 1]} day={day}", number)
            rows.append({**line, **names, "provider": "q" if patient % 7 == 0 else "p"})
    return literal_claims.engine_lines(rows)


def test_an_edit_reads_one_more_column(derm: Snapshot) -> None:
    frame = two_visits_of(1_000)
    edits = (*EDITS, Edit(find_provider_q, reads=("provider",)))
    findings = assert_same(frame, derm, edits=edits).findings.filter(detail="q")
    assert sorted(findings["row"]) == frame.with_row_index("row").filter(provider="q")["row"].to_list()


@pytest.mark.parametrize("lines", [3, 3_000])
def test_a_column_that_is_not_declared_fails_however_few_lines_there_are(derm: Snapshot, lines: int) -> None:
    with pytest.raises(ColumnNotFoundError):
        outcome(two_visits_of(lines // 3), derm, deduplicate=False, edits=(Edit(find_provider_q),))


def find_patient(lines: Lines) -> Findings:
    return findings_of(lines.table.filter(patient=0), "modifier-unknown")


def test_only_an_edit_with_a_reach_is_handed_the_patient(derm: Snapshot) -> None:
    with pytest.raises(ColumnNotFoundError):
        outcome(two_visits_of(1), derm, deduplicate=False, edits=(Edit(find_patient),))
    reaching_edit = Edit(find_patient, reach_days=lambda _: {1: pl.Series(["11102"], dtype=CODE)})
    assert outcome(two_visits_of(1), derm, deduplicate=False, edits=(reaching_edit,)).findings.height == 3


LIMITED, MOST_A_YEAR = "99911", 2


def find_more_a_year(lines: Lines) -> Findings:
    """At most two a calendar year: those that come after are denied."""
    is_limited = lines.look_up(lines.line_kinds.table.select(pl.col("hcpcs") == LIMITED).to_series())
    limited_lines = lines.table.filter(is_limited)
    place = pl.int_range(pl.len()).over("patient", pl.col("date_of_service").dt.year())
    return findings_of(limited_lines.filter(place >= MOST_A_YEAR), "status-bundled", detail=pl.lit("more"))


FREQUENCY = Edit(
    find_more_a_year,
    reads=("date_of_service",),
    reach_days=lambda _: {365: pl.Series([LIMITED], dtype=CODE)},
    change_dates=lambda _: [pl.Series([date(2026, 1, 1)])],
)


def test_an_edit_counts_in_a_calendar_year(store: Store) -> None:
    """Three in one year are one too many, wherever the year turns: patients differ in the day of their first visit."""
    quarters = ["2025q1", "2025q2", "2025q3", "2025q4", "2026q1", "2026q2", "2026q3"]
    snapshots = [literal_claims.sealed_release(store, label, [LIMITED]) for label in quarters]
    first_days = [date(2025, 1, 1), date(2025, 3, 1), date(2025, 9, 3), date(2025, 12, 31), date(2026, 1, 1)]
    rows, expected = [], []
    for patient in range(1_000):
        days = [first_days[patient % 5] + timedelta(days=gap) for gap in (0, 59, 60, 140)]
        for number, day in enumerate(days, start=1):
            names = {"beneficiary": f"b{patient:05}", "claim_id": f"c{patient:05}"}
            rows.append({**literal_claims.line(f"{LIMITED} on={day}", number), **names})
            expected.append(sum(before.year == day.year for before in days[: number - 1]) >= MOST_A_YEAR)
    outcome = assert_same(literal_claims.engine_lines(rows), snapshots, edits=(*EDITS, FREQUENCY))
    is_denied = outcome.lines["disposition"].cast(pl.String) == "deny"
    assert is_denied.to_list() == expected
    assert is_denied.sum() not in (0, len(expected))


def find_seen_before(lines: Lines) -> Findings:
    """A visit of a patient who was seen within three years before."""
    first = lines.table.with_columns(earlier=pl.col("date_of_service").shift().over("patient"))
    within = pl.col("date_of_service") <= pl.col("earlier").dt.offset_by("3y")
    return findings_of(first.filter(within), "status-bundled", detail=pl.lit("seen"))


def test_an_edit_looks_back_three_years(store: Store) -> None:
    snapshots = [literal_claims.sealed_release(store, label, [LIMITED]) for label in ("2023q3", "2026q3")]
    rows = []
    for patient in range(1_000):
        for number, day in enumerate((date(2023, 7, 10), date(2026, 7, 9 + patient % 3)), start=1):
            names = {"beneficiary": f"b{patient:05}", "claim_id": f"c{patient:05}"}
            rows.append({**literal_claims.line(f"{LIMITED} on={day}", number), **names})
    reach = Edit(
        find_seen_before,
        reads=("date_of_service",),
        reach_days=lambda _: {3 * 366: pl.Series([LIMITED], dtype=CODE)},
    )
    outcome = assert_same(literal_claims.engine_lines(rows), snapshots, edits=(*EDITS, reach))
    assert outcome.lines.filter(pl.col("disposition") == "deny").height == sum(
        patient % 3 < 2 for patient in range(1_000)
    )


def find_again(lines: Lines) -> Findings:
    """The same code in another claim of one visit."""
    table = lines.table.with_columns(lines.look_up(lines.line_kinds.table["hcpcs"]))
    again = pl.col("claim_id").n_unique().over("visit", "hcpcs") > 1
    return findings_of(table.filter(again), "status-bundled", detail=pl.lit("again"))


def test_an_edit_tells_claims_apart(derm: Snapshot) -> None:
    """Whatever claims are called: only which lines have the same counts, so that most patients are still the same."""
    rows = []
    for patient in range(1_000):
        for number in (1, 2):
            claim = f"c{patient:05}-{number if patient % 3 == 0 else 0}"
            line = literal_claims.line("11102-76 place=11", number)
            rows.append({**line, "beneficiary": f"b{patient:05}", "claim_id": claim, "units": 1})
    outcome = assert_same(literal_claims.engine_lines(rows), derm, edits=(Edit(find_again, reads=("claim_id",)),))
    assert outcome.findings.height == 2 * sum(patient % 3 == 0 for patient in range(1_000))
