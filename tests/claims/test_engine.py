"""The engine's operations, beside the plainest way to say the same."""

from datetime import date
from random import Random

import polars as pl
import pytest

from codeset.claims.edits.findings import combine_findings, findings_of
from codeset.claims.engine.cache import Memory
from codeset.claims.engine.resolve import by_line
from codeset.claims.engine.series import distinct
from codeset.claims.engine.validity import validity_intervals


@pytest.mark.parametrize("height", [0, 1, 7, 60, 500])
def test_distinct_rows_are_the_first_of_each(height: int) -> None:
    """However many there are: few rows are compared in another way than many."""
    rng = Random(height)
    rows = [(rng.randrange(5), rng.choice([None, "a", "b"])) for _ in range(height)]
    table = pl.DataFrame(rows, schema={"number": pl.Int64, "text": pl.String}, orient="row")
    distinct_rows, which = distinct(table, ["number", "text"])
    assert distinct_rows.rows() == list(dict.fromkeys(rows))
    assert [distinct_rows.row(place) for place in which] == rows


def squares(new: pl.DataFrame) -> pl.DataFrame:
    """Two answers for an odd key, one for an even one."""
    twice = pl.concat([new, new.filter(pl.col("key") % 2 == 1)])
    return twice.select("key", square=pl.col("key") ** 2).sort("key")


@pytest.mark.parametrize("limit", [0, 3, 10, 1_000])
@pytest.mark.parametrize("most", [8, 300])
def test_what_is_remembered_is_what_would_be_worked_out(limit: int, most: int) -> None:
    """However little is kept, and however many keys are asked at once."""
    rng = Random(limit)
    memory = Memory(limit)
    for _ in range(5):
        keys = [rng.randrange(12) for _ in range(rng.randrange(most))]
        requests = pl.DataFrame({"key": keys}, schema={"key": pl.UInt64})
        answers, rows = memory.recall(requests, squares)
        expected = [(key, key**2) for key in keys for _ in range(1 + key % 2)]
        assert list(zip(rows["key"], answers.rows["square"][rows["answer"]], strict=True)) == expected


def test_answers_with_more_behind_them_have_the_same_numbers() -> None:
    memory = Memory(4)
    first, more, anew = (
        memory.recall(pl.DataFrame({"key": keys}, schema={"key": pl.UInt64}), squares)[0]
        for keys in ([2, 4], [4, 6, 2], [1, 3, 5])
    )
    assert more.extend(first)
    assert not first.extend(more)
    assert not anew.extend(more)


def test_findings_of_a_line_with_one_reason_and_partner_are_sorted_by_the_code_they_rest_on() -> None:
    lines = pl.DataFrame({"row": [1, 0], "partner": [0, None]}, schema={"row": pl.UInt32, "partner": pl.UInt32})
    several = [findings_of(lines, "ptp-never", column_one=pl.lit(hcpcs)) for hcpcs in ("99912", "99911")]
    findings = by_line(combine_findings([*several, findings_of(lines.head(1), "no-release")]), 2)
    reasons, codes = findings.of("reason"), findings.of("column_one")
    assert list(zip(findings.rows["row"], reasons, codes, strict=True)) == [
        (0, "ptp-never", "99911"),
        (0, "ptp-never", "99912"),
        (1, "ptp-never", "99911"),
        (1, "ptp-never", "99912"),
        (1, "no-release", None),
    ]


def test_validity_intervals_have_the_rows_that_hold_together() -> None:
    """One row until March 31, one from March 1 on, and none between April and June of another key."""
    days = [(1, "2026-01-01", "2026-03-31"), (1, "2026-03-01", "2026-12-31")]
    days += [(2, "2026-01-01", "2026-03-31"), (2, "2026-07-01", "2026-07-01")]
    rows = pl.DataFrame(
        [
            (key, date.fromisoformat(first), date.fromisoformat(last), place)
            for place, (key, first, last) in enumerate(days)
        ],
        schema={"key": pl.Int64, "first_day": pl.Date, "last_day": pl.Date, "place": pl.Int64},
        orient="row",
    )
    intervals = validity_intervals(rows, ["key"]).sort("key", "first_day", "place")
    assert intervals.select("key", pl.col("first_day", "last_day").cast(pl.String), "place").rows() == [
        (1, "2026-01-01", "2026-02-28", 0),
        (1, "2026-03-01", "2026-03-31", 0),
        (1, "2026-03-01", "2026-03-31", 1),
        (1, "2026-04-01", "2026-12-31", 1),
        (2, "2026-01-01", "2026-03-31", 2),
        (2, "2026-07-01", "2026-07-01", 3),
    ]
