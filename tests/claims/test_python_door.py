"""`codeset.adjudicate` from Python: the same check as the command's, in the same words; values in and values out."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import codeset
from codeset.claims.input.claim_files import read_files
from codeset.claims.outcome import FINDING_COLUMNS, LINE_COLUMNS
from codeset_ingest.embedded import build_embedded

LINE = codeset.ClaimLine(1, date(2026, 8, 3), "11104", 1, "11", "national")
CLAIM = codeset.Claim("A1", "B1", "P1", (LINE, replace(LINE, line=2, hcpcs="11102")))
ROWS = [
    {
        "claim_id": "A1",
        "line": number,
        "beneficiary": "B1",
        "provider": "P1",
        "date_of_service": "2026-08-03",
        "hcpcs": hcpcs,
        "modifiers": "",
        "units": 1,
        "place_of_service": "11",
        "locality": "national",
    }
    for number, hcpcs in ((1, "11104"), (2, "11102"))
]
FRAME = pl.DataFrame(ROWS)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> codeset.Snapshot:
    folder = tmp_path_factory.mktemp("store")
    return build_embedded(codeset.Release.parse("2026q3"), codeset.Store(folder)).snapshot


@pytest.mark.parametrize(
    "claims", [CLAIM, [CLAIM], (claim for claim in [CLAIM]), FRAME], ids=["a claim", "a list", "a generator", "a frame"]
)
def test_claims_come_as_values_or_frames(snapshot: codeset.Snapshot, claims: object) -> None:
    outcome = codeset.adjudicate(claims, snapshot, participant=None)  # type: ignore[arg-type]
    assert outcome.lines["disposition"].to_list() == ["pay", "deny"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hcpcs": "g0011"}, "hcpcs: expected five characters, digits or capital letters, found text like a9999"),
        (
            {"modifiers": "59,25"},
            "modifiers: expected up to four modifiers of two characters, digits or capitals, found text like 99,99",
        ),
        ({"hcpcs": None}, "hcpcs: expected five characters, digits or capital letters, found nothing"),
        ({"units": None}, "units: expected a whole number, found nothing"),
        ({"date_of_service": "2026-02-30"}, "date_of_service: expected a date that exists, found text like 9999-99-99"),
    ],
)
def test_a_bad_frame_is_refused_in_the_words_of_the_command(
    snapshot: codeset.Snapshot, tmp_path: Path, change: dict[str, object], says: str
) -> None:
    frame = pl.DataFrame([ROWS[0], {**ROWS[1], **change}])
    frame.write_csv(tmp_path / "frame")
    file = faults_of_call(lambda: read_files([tmp_path / "frame"]))
    assert faults_of_call(lambda: codeset.adjudicate(frame, snapshot)) == [
        replace(fault, line=fault.line - 1)
        for fault in file  # a file's first line is its header
    ]
    assert [fault.says for fault in file] == [f"claim A1, line 2: {says}"]


def test_a_typed_date_is_no_code(snapshot: codeset.Snapshot) -> None:
    frame = FRAME.with_columns(hcpcs=pl.lit(date(2026, 8, 3)))
    says = "hcpcs: expected five characters, digits or capital letters, found text like 9999-99-99"
    faults = faults_of_call(lambda: codeset.adjudicate(frame, snapshot))
    assert [fault.says for fault in faults] == [f"claim A1, line {line}: {says}" for line in (1, 2)]


def test_a_missing_column_is_refused_in_the_words_of_the_command(snapshot: codeset.Snapshot, tmp_path: Path) -> None:
    frame = FRAME.drop("hcpcs")
    frame.write_csv(tmp_path / "frame")
    faults = [codeset.Fault("frame", 0, "no column hcpcs (or CPT, CPT Code, Procedure Code)")]
    assert faults_of_call(lambda: codeset.adjudicate(frame, snapshot)) == faults
    assert faults_of_call(lambda: read_files([tmp_path / "frame"])) == faults


def test_bad_values_are_refused_too(snapshot: codeset.Snapshot) -> None:
    bad = replace(CLAIM, claim_id="A2", lines=(replace(LINE, hcpcs="g0011"),))
    says = "hcpcs: expected five characters, digits or capital letters, found text like a9999"
    assert [fault.says for fault in faults_of_call(lambda: codeset.adjudicate([CLAIM, bad], snapshot))] == [
        f"[1].lines[0] claim A2, line 1: {says}"
    ]


def test_a_day_of_a_placeholder_beneficiary_is_refused(snapshot: codeset.Snapshot) -> None:
    lines = pl.DataFrame([{**ROWS[0], "claim_id": f"A{number}"} for number in range(1001)])
    first = faults_of_call(lambda: codeset.adjudicate(lines, snapshot))[1]  # after the count of those not named
    assert str(first) == (
        "frame: line 1: claim A0, line 1: beneficiary-day: expected at most 1,000 lines of one beneficiary on one day, "
        "found 1,001, as of a placeholder for many patients"
    )


def test_rows_are_typed(snapshot: codeset.Snapshot) -> None:
    first, second = codeset.outcome_rows(codeset.adjudicate(CLAIM, snapshot))
    assert (first.hcpcs, first.disposition, first.date_of_service) == ("11104", "pay", date(2026, 8, 3))
    assert (second.line, second.modifiers, second.allowed_cents) == (2, (), None)
    assert (second.findings[0].edit, second.findings[0].partner_line, second.findings[0].ccmi) == ("ptp", 1, 0)


def test_rows_have_the_columns_of_the_frames() -> None:
    assert [field.name for field in fields(codeset.LineOutcome)] == [*LINE_COLUMNS, "findings", "remedy"]
    assert [field.name for field in fields(codeset.Finding)] == list(FINDING_COLUMNS[2:])


def faults_of_call(call: Callable[[], object]) -> list[codeset.Fault]:
    with pytest.raises(codeset.BadInput) as error:
        call()
    return list(error.value.faults)


@pytest.mark.parametrize("claims", [None, FRAME.lazy(), "claims.csv", 5], ids=["nothing", "lazy", "a path", "a number"])
def test_what_holds_no_claims_is_called_so(snapshot: codeset.Snapshot, claims: Any) -> None:
    with pytest.raises(codeset.WrongUse, match="expected a polars DataFrame"):
        codeset.adjudicate(claims, snapshot)
