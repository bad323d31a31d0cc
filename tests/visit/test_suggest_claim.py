"""Claims with what is denied mended: the least change, what it rests on, and what no table mends."""

from datetime import date

import polars as pl
import pytest

from codeset.claims.claim_fields import COLUMNS
from codeset.participants import ANSWERS
from codeset.visit.suggest_claim import suggest_changes

DAY = date(2026, 7, 15)


def claim(*texts, beneficiary="b", claim_id="c"):
    rows = []
    for number, text in enumerate(texts, start=1):
        code, _, units = text.partition(" x")
        hcpcs, *modifiers = code.split("-")
        row = {
            "claim_id": claim_id,
            "line": number,
            "beneficiary": beneficiary,
            "provider": "p",
            "date_of_service": DAY,
            "hcpcs": hcpcs,
            "modifiers": " ".join(modifiers),
            "units": int(units or 1),
            "place_of_service": "11",
            "locality": "national",
        }
        rows.append(row)
    return pl.DataFrame(rows, schema=dict(COLUMNS))


@pytest.fixture(scope="module")
def suggest(embedded):
    release = embedded.open("2026q3")

    def suggestion_of(lines):
        return suggest_changes(lines, release, participant=ANSWERS["no"])

    return suggestion_of


def texts(lines):
    return [
        "-".join((hcpcs, *modifiers.split())) + (f" x{units}" if units > 1 else "")
        for hcpcs, modifiers, units in lines.select("hcpcs", "modifiers", "units").iter_rows()
    ]


@pytest.mark.parametrize(
    ("claim_lines", "corrected_lines"),
    [
        (["11602", "12032"], ["11602", "12032"]),
        (["99213", "17110"], ["99213-25", "17110"]),
        (["11104", "11102"], ["11104", "11103"]),
        (["11102", "17000"], ["11102", "17000-59"]),
        (["17000 x4"], ["17000", "17003 x3"]),
        (["17110", "17000", "17003 x2"], ["17110", "17000-59", "17003-59 x2"]),
    ],
)
def test_the_least_change_that_is_not_denied(suggest, claim_lines, corrected_lines):
    suggestion = suggest(claim(*claim_lines))
    assert sorted(texts(suggestion.lines)) == sorted(corrected_lines)
    assert suggestion.still_denied == ()
    assert bool(suggestion.changes) == (claim_lines != corrected_lines)


def test_what_a_change_rests_on_is_said(suggest):
    change = suggest(claim("99213", "17110")).changes[0]
    assert [line.hcpcs for line in change.replaced] == ["99213"]
    assert change.remedy.condition == "if the record shows a significant, separately identifiable E/M"
    assert "17110" in change.remedy.source


def test_what_no_table_mends_stays_and_is_named(suggest):
    suggestion = suggest(claim("17003 x3"))
    assert texts(suggestion.lines) == ["17003 x3"]
    assert [line.hcpcs for line in suggestion.still_denied] == ["17003"]


def test_beneficiaries_are_corrected_separately(suggest):
    lines = pl.concat([claim("99213", "17110"), claim("11102", "17000", beneficiary="d", claim_id="e")])
    suggestion = suggest(lines)
    assert texts(suggestion.lines) == ["99213-25", "17110", "11102", "17000-59"]
    assert suggestion.lines["claim_id"].to_list() == ["c", "c", "e", "e"]


def test_amounts_follow_what_is_reported(suggest):
    suggestion = suggest(claim("99213", "17110"))
    before, after = (sum(line.allowed_cents or 0 for line in lines) for lines in (suggestion.before, suggestion.after))
    assert after - before == 9519  # 99213: 2.85 RVUs times 33.4009 dollars
