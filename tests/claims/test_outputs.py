"""Outcomes for programs and for people, of outcomes written as literals."""

import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import literal_claims
import polars as pl
import pytest
from rich.console import Console

from codeset import wording
from codeset.claims.adjudicate import adjudicate
from codeset.claims.edits.findings import COLUMNS as FINDINGS
from codeset.claims.edits.findings import DISPOSITIONS, reason_table, reasons
from codeset.claims.outcome import Outcome, outcome_frames, outcome_plain
from codeset.cli.adjudicate_output import file_content, findings_csv, findings_path, outcome_table, summary_of_lines
from codeset.releases import Release
from codeset.schemas import faults_of
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset_ingest.embedded import build_embedded

AMOUNT = (
    *("allowed_cents", "payment_percent", "setting", "fee_cents", "nonparticipating_cents", "limiting_cents"),
    *("unpriced", "global_days", "work_rvu", "pe_rvu", "mp_rvu"),
)
NO_REMEDY = {"remedy": [], "remedy_replaces": [], "remedy_condition": None, "remedy_source": None}
LINES = pl.DataFrame(
    {
        "row": [0, 1, 2],
        "claim_id": ["B", "A", "B"],
        "line": [2, 1, 1],
        "beneficiary": ["BENE-ONE", "BENE-ONE", "BENE-ONE"],
        "date_of_service": [date(2026, 7, 15)] * 3,
        "hcpcs": ["17000", "17003", "17004"],
        "modifiers": ["59 RT", "", ""],
        "units": [1, 13, 1],
        "disposition": ["deny", "deny", "pay"],
        "decided_by": ["ptp-never", "add-on-primary-denied", None],
        "edit": ["ptp", "add_on", None],
    },
    schema_overrides={"row": pl.UInt32, "line": pl.Int32, "units": pl.Int32, "disposition": pl.Categorical},
).with_columns(pl.lit(None).alias(name) for name in AMOUNT)
PTP = {
    "row": 0,
    "reason": "ptp-never",
    "partner": 2,
    "detail": "",
    "table": "ptp",
    "column_one": "17004",
    "column_two": "17000",
    "ccmi": 0,
    "effective_date": date(2020, 1, 1),
    "edition": "ptp v322r0",
}
ADD_ON = {
    "row": 1,
    "reason": "add-on-primary-denied",
    "partner": 0,
    "detail": "17000",
    "table": "add_on",
    "column_one": "17000",
    "column_two": "17003",
}
NOTE = {"row": 1, "reason": "global-new-period", "column_one": "17004", "detail": "58"}


def literal_findings(*rows: dict[str, object]) -> pl.DataFrame:
    whole = [dict.fromkeys(FINDINGS) | row for row in rows]
    frame = pl.DataFrame(whole, schema={**FINDINGS, "reason": pl.String, "table": pl.String})
    table = reason_table().with_columns(pl.col("reason").cast(pl.String))
    return frame.join(table, on="reason", how="left", maintain_order="left")


def outcome(lines: pl.DataFrame, *rows: dict[str, object]) -> Outcome:
    return Outcome(lines, literal_findings(*rows), pl.LazyFrame())


OUTCOME = outcome(LINES, PTP, ADD_ON, NOTE)
PRICED = outcome(
    LINES.with_columns(
        pl.Series("allowed_cents", [None, None, 15025], dtype=pl.Int64),
        pl.Series("payment_percent", [None, None, Decimal("52.500")], dtype=pl.Decimal(9, 3)),
        pl.Series("unpriced", [None, "carrier-priced", None], dtype=pl.Categorical),
        pl.Series("global_days", ["010", "ZZZ", None]),
        pl.Series("work_rvu", [Decimal("0.61"), Decimal("0.04"), Decimal("1.40")], dtype=pl.Decimal(9, 2)),
        pl.Series("pe_rvu", [Decimal("1.99"), None, Decimal("5.00")], dtype=pl.Decimal(9, 2)),
        pl.lit("another column of the engine").alias("kind"),
    ),
    PTP,
    ADD_ON,
    NOTE,
)

PTP_PLAIN = {
    "reason": "ptp-never",
    "edit": "ptp",
    "severity": "deny",
    "group_code": "CO",
    "carc": "236",
    "rarc": None,
    "table": "ptp",
    "column_one": "17004",
    "column_two": "17000",
    "ccmi": 0,
    "mue_value": None,
    "mai": None,
    "effective_date": "2020-01-01",
    "deletion_date": None,
    "edition": "ptp v322r0",
    "partner_claim_id": "B",
    "partner_line": 1,
    "detail": "",
    "says": "17000 bundles into 17004 (line 1). Modifier indicator 0: no modifier bypasses this edit.",
    "do": "Report 17004 alone. The patient may not be billed.",
}


def test_claims_keep_their_order_and_lines_theirs_by_number() -> None:
    plain = outcome_plain(OUTCOME)
    assert [(claim["claim_id"], [line["line"] for line in claim["lines"]]) for claim in plain] == [
        ("B", [1, 2]),
        ("A", [1]),
    ]


def test_a_line_has_its_answer_and_its_findings() -> None:
    assert outcome_plain(OUTCOME)[0]["lines"] == [
        {
            "line": 1,
            "date_of_service": "2026-07-15",
            "hcpcs": "17004",
            "modifiers": [],
            "units": 1,
            "disposition": "pay",
            "decided_by": None,
            "edit": None,
            **dict.fromkeys(AMOUNT),
            **NO_REMEDY,
            "findings": [],
        },
        {
            "line": 2,
            "date_of_service": "2026-07-15",
            "hcpcs": "17000",
            "modifiers": ["59", "RT"],
            "units": 1,
            "disposition": "deny",
            "decided_by": "ptp-never",
            "edit": "ptp",
            **dict.fromkeys(AMOUNT),
            **NO_REMEDY,
            "findings": [PTP_PLAIN],
        },
    ]


def test_findings_keep_their_order_the_decisive_first() -> None:
    [add_on, note] = outcome_plain(OUTCOME)[1]["lines"][0]["findings"]
    assert (add_on["reason"], add_on["partner_claim_id"], add_on["partner_line"]) == ("add-on-primary-denied", "B", 2)
    assert (add_on["group_code"], add_on["carc"], add_on["rarc"]) == ("CO", "B15", "N122")
    assert (note["reason"], note["severity"], note["group_code"], note["carc"]) == (
        "global-new-period",
        "documented",
        None,
        None,
    )


def test_a_value_that_is_missing_is_a_dash() -> None:
    note = outcome_plain(OUTCOME)[1]["lines"][0]["findings"][1]
    assert note["says"] == "Modifier 58: paid in the period of 17004 (–, line –); a new period begins."


def test_no_sentence_fails_for_want_of_a_value() -> None:
    every_reason = outcome(LINES, *({"row": 0, "reason": reason} for reason in reasons()))
    findings = outcome_plain(every_reason)[0]["lines"][1]["findings"]
    assert {finding["reason"] for finding in findings} == set(reasons())
    assert [finding for finding in findings if "{" in finding["says"] + finding["do"] or not finding["says"]] == []


def test_amounts_rvus_and_global_days_are_reported() -> None:
    [first, second] = outcome_plain(PRICED)[0]["lines"]
    assert (first["allowed_cents"], first["payment_percent"]) == (15025, 52.5)
    assert (first["work_rvu"], first["pe_rvu"], first["global_days"]) == ("1.40", "5.00", None)
    assert (second["work_rvu"], second["pe_rvu"], second["global_days"]) == ("0.61", "1.99", "010")
    assert outcome_plain(PRICED)[1]["lines"][0]["unpriced"] == "carrier-priced"
    assert "kind" not in first


@pytest.mark.parametrize("example", [OUTCOME, PRICED, outcome(LINES), outcome(LINES.clear())])
def test_json_keeps_to_the_schema(example: Outcome) -> None:
    assert faults_of(json.loads(file_content(example, "json", explain=False)), "outcome") == []


def test_json_is_the_same_text_each_time() -> None:
    again = outcome(LINES, PTP, ADD_ON, NOTE)
    assert file_content(OUTCOME, "json", explain=False) == file_content(again, "json", explain=False)
    empty = json.loads(file_content(outcome(LINES.clear()), "json", explain=False))
    rests_on = {"checked_against": [], "not_held": [], "history": None, "rules_not_applied": []}
    assert empty == {"format": "1.0", **rests_on, "claims": []}


def test_frames_are_flat() -> None:
    lines, findings = outcome_frames(PRICED)
    assert lines.select("claim_id", "line", "modifiers", "disposition", "decided_by", "edit").rows() == [
        ("B", 2, "59 RT", "deny", "ptp-never", "ptp"),
        ("A", 1, "", "deny", "add-on-primary-denied", "add_on"),
        ("B", 1, "", "pay", None, None),
    ]
    assert lines.select("allowed_cents", "payment_percent", "unpriced", "global_days").rows() == [
        (None, None, None, "010"),
        (None, None, "carrier-priced", "ZZZ"),
        (15025, Decimal("52.500"), None, None),
    ]
    assert lines.select("work_rvu", "pe_rvu").rows() == [
        (Decimal("0.61"), Decimal("1.99")),
        (Decimal("0.04"), None),
        (Decimal("1.40"), Decimal("5.00")),
    ]
    assert findings.select("claim_id", "line", "reason", "partner_claim_id", "partner_line").rows() == [
        ("B", 2, "ptp-never", "B", 1),
        ("A", 1, "add-on-primary-denied", "B", 2),
        ("A", 1, "global-new-period", None, None),
    ]


def test_frames_without_findings_have_their_columns() -> None:
    findings = outcome_frames(outcome(LINES)).findings
    assert findings.height == 0
    assert findings.columns[:3] == ["claim_id", "line", "reason"]
    assert findings.columns[-2:] == ["says", "do"]


def test_frames_are_csv_and_have_no_beneficiary() -> None:
    text = "".join(frame.write_csv() for frame in outcome_frames(PRICED))
    assert "BENE-ONE" not in text
    assert b"BENE-ONE" not in file_content(PRICED, "json", explain=False)


def test_people_read_a_sentence_for_each_finding() -> None:
    console = Console(width=220)
    with console.capture() as capture:
        console.print(outcome_table(PRICED))
    text = capture.get()
    says = "17000 bundles into 17004 (line 1). Modifier indicator 0: no modifier bypasses this edit."
    assert f"{says} Report 17004 alone. The patient may not be billed. (CO-236)" in text
    assert "its primary on line 2 is denied. Correct the primary line first. (CO-B15 N122)" in text
    assert "17000 59 RT" in text
    assert "Contractor-priced." in text
    assert "150.25" in text


def test_people_read_what_to_do_once_where_it_answers_several_findings(derm: Snapshot) -> None:
    """59 on a visit beside a biopsy: a PTP edit, a modifier not for visits, and the global day; 25 answers all."""
    lines = literal_claims.claims("99213-59", "11102")
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(outcome_table(adjudicate(lines, derm)))
    text = console.export_text()
    assert (text.count("CO-236"), text.count("CO-4"), text.count("CO-97")) == (1, 1, 1)
    assert text.count("report 99213-25 instead") == 1


def test_brackets_in_a_claim_identifier_are_shown() -> None:
    console = Console(width=220)
    with console.capture() as capture:
        console.print(outcome_table(outcome(LINES.with_columns(pl.lit("[bold]A").alias("claim_id")))))
    assert "[bold]A" in capture.get()


def test_csv_has_a_row_for_each_line_in_dollars() -> None:
    lines = pl.read_csv(file_content(PRICED, "csv", explain=False), infer_schema=False)
    assert lines.select("claim_id", "line", "allowed", "payment_percent").rows() == [
        ("B", "2", None, None),
        ("A", "1", None, None),
        ("B", "1", "150.25", "52.500"),
    ]
    assert [name for name in lines.columns if "cents" in name or "reason" in name] == []


def test_the_findings_of_a_csv_are_a_file_of_their_own() -> None:
    findings = pl.read_csv(findings_csv(PRICED), infer_schema=False)
    assert findings.select("claim_id", "line", "reason").rows() == [
        ("B", "2", "ptp-never"),
        ("A", "1", "add-on-primary-denied"),
        ("A", "1", "global-new-period"),
    ]
    assert findings_path(Path("out/lines.csv")) == Path("out/lines.findings.csv")


@pytest.mark.parametrize("claim_id", ["=1+1", "+1", "-1", "@SUM(1)"])
def test_a_cell_that_a_spreadsheet_would_take_for_a_formula_is_text(claim_id: str) -> None:
    lines = LINES.with_columns(claim_id=pl.lit(claim_id))
    for text in (file_content(outcome(lines, PTP), "csv", explain=False), findings_csv(outcome(lines, PTP))):
        assert set(pl.read_csv(text, infer_schema=False)["claim_id"]) == {f"'{claim_id}"}


def test_the_sum_of_what_is_allowed_says_how_many_paid_lines_it_lacks() -> None:
    lines = LINES.with_columns(
        disposition=pl.Series(["pay", "pay_if_documented", "deny"], dtype=pl.Categorical),
        allowed_cents=pl.Series([9553, None, None], dtype=pl.Int64),
    )
    assert summary_of_lines(outcome(lines)).endswith(
        "Allowed for what is paid: $95.53, besides 1 line without an amount."
    )
    with_amounts = lines.with_columns(pl.col("allowed_cents").fill_null(1000))
    assert summary_of_lines(outcome(with_amounts)).endswith("Allowed for what is paid: $105.53.")


def test_json_of_a_long_day_grows_as_its_lines_do(tmp_path: Path) -> None:
    """A line that many others exclude has one finding for each edit, not for each of these lines."""
    snapshot = build_embedded(Release.parse("2026q3"), Store(tmp_path)).snapshot

    def size(lines: int) -> int:
        texts = [
            f"{hcpcs} claim=c{number}" for number in range(lines // 4) for hcpcs in ("11104", "11102", "17000", "17110")
        ]
        return len(file_content(adjudicate(literal_claims.claims(*texts), snapshot), "json", explain=False))

    assert size(800) < 4.2 * size(200)


def test_every_disposition_has_words() -> None:
    assert all(wording.disposition(name) for name in DISPOSITIONS.values())
