"""Claims read as if a release were in force on their dates of service: expected from CMS's rows of both releases."""

from datetime import date

import polars as pl
import pytest

from codeset.claims.adjudicate import adjudicate
from codeset.claims.claim_fields import COLUMNS
from codeset.participants import Participant
from codeset.store import Store


def claim(*codes: str, on: str, units: int = 1) -> pl.DataFrame:
    rows = [
        {
            **dict.fromkeys(COLUMNS),
            "claim_id": "c",
            "line": number,
            "beneficiary": "b",
            "provider": "p",
            "date_of_service": date.fromisoformat(on),
            "hcpcs": code,
            "modifiers": "",
            "units": units,
            "place_of_service": "11",
            "locality": "national",
        }
        for number, code in enumerate(codes, start=1)
    ]
    return pl.DataFrame(rows, schema=COLUMNS)


def outcome(store: Store, release: str, lines: pl.DataFrame) -> list[tuple[str, int | None]]:
    result = adjudicate(lines, store.open(release), participant=Participant.NON_QP, on_any_date=True)
    return list(result.lines.select(pl.col("disposition").cast(pl.String), "allowed_cents").iter_rows())


@pytest.mark.parametrize(("release", "cents"), [("2025q4", 8895), ("2026q3", 9519)])
@pytest.mark.parametrize("day", ["2019-03-15", "2025-11-03", "2026-07-06", "2031-01-01"])
def test_the_amount_is_that_of_the_release_whatever_the_date(embedded, release, cents, day):
    """99213 non-facility: 88.95 (RVU25D, 32.3465) and 95.19 (RVU26C, 33.4009)."""
    assert outcome(embedded, release, claim("99213", on=day)) == [("pay", cents)]


@pytest.mark.parametrize(("release", "disposition"), [("2025q4", "deny"), ("2026q3", "pay")])
def test_the_mue_is_that_of_the_release(embedded, release, disposition):
    """88346: MUE 2 until 2026, then 3."""
    assert outcome(embedded, release, claim("88346", on="2025-11-03", units=3))[0][0] == disposition


def test_an_edit_that_ended_before_the_release_applies_to_no_date(embedded):
    """17000 > 11042 ended on 2019-03-31; 11042 > 17000 is in force since 1996 in NCCI v30.2."""
    lines = claim("17000", "11042", on="2019-03-15")
    assert [line[0] for line in outcome(embedded, "2026q3", lines)] == ["deny", "pay"]


def test_an_add_on_edit_of_later_applies_to_earlier_dates(embedded):
    """15012 is an add-on to 15011 since 2025-04-01, by the edits of 2026q2; those of 2024q2 do not know it."""
    lines = claim("15012", on="2025-02-03")
    result = adjudicate(lines, embedded.open("2026q3"), participant=Participant.NON_QP, on_any_date=True)
    row = result.findings.filter(pl.col("reason") == "add-on-without-primary").row(0, named=True)
    assert row["effective_date"] == date(2025, 4, 1)


def test_a_claim_in_the_release_is_read_as_always(embedded):
    lines = claim("17000", "11042", "99213", "15012", on="2026-07-06")
    snapshot = embedded.open("2026q3")
    plain = adjudicate(lines, snapshot, participant=Participant.NON_QP)
    on_any_date = adjudicate(lines, snapshot, participant=Participant.NON_QP, on_any_date=True)
    assert plain.lines.equals(on_any_date.lines)
    assert plain.findings.equals(on_any_date.findings)
