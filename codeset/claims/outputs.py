"""Outcomes for programs and for people: flat frames, JSON of `outcome.schema.json`, and a table to read."""

import json
from collections import defaultdict
from decimal import Decimal
from string import Formatter
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from codeset.claims.edits.findings import Reason, reasons

if TYPE_CHECKING:
    from codeset.claims.outcome import Outcome

LINE = (
    *("claim_id", "line", "date_of_service", "hcpcs", "modifiers", "units", "disposition", "decided_by", "edit"),
    *("allowed_cents", "payment_percent", "setting", "fee_cents", "nonparticipating_cents", "limiting_cents"),
    *("unpriced", "global_days", "work_rvu", "pe_rvu", "mp_rvu"),
)
"""What is told of a line, in this order."""

FINDING = (
    *("claim_id", "line", "reason", "edit", "severity", "group_code", "carc", "rarc", "table", "column_one"),
    *("column_two", "ccmi", "mue_value", "mai", "effective_date", "deletion_date", "edition"),
    *("partner_claim_id", "partner_line", "detail", "says", "do"),
)
"""What is told of a finding, in this order."""

_NONE = "–"


class Frames(NamedTuple):
    """An outcome as flat frames: a row for each line, a row for each finding; `claim_id` and `line` join them."""

    lines: pl.DataFrame
    findings: pl.DataFrame


def outcome_frames(outcome: "Outcome", *, sentences: bool = True) -> Frames:
    """Return *outcome* as two frames that csv and parquet can hold, in its order.

    RVUs are decimals, amounts whole cents; `allowed_cents` and `payment_percent` are null where lines are not priced.
    Without *sentences* the findings have no `says` and `do`: `reason` and the other columns hold what is in them, and
    those of few values are categories instead of text, in both frames.
    """
    findings = _told(outcome) if sentences else _located(outcome, "claim_id", "line")
    columns = [column for column in FINDING if column in findings.columns]
    lines = outcome.lines.select(LINE)
    return Frames(_texts(lines) if sentences else lines, findings.select(columns))


def outcome_json(outcome: "Outcome") -> str:
    """Return *outcome* as a JSON list with an object for each claim; stable to the byte."""
    return json.dumps(outcome_plain(outcome), indent=2, ensure_ascii=False) + "\n"


def outcome_ndjson(outcome: "Outcome") -> str:
    """Return *outcome* as NDJSON: the objects of `outcome_json`, one to a line."""
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in outcome_plain(outcome))


def outcome_plain(outcome: "Outcome") -> list[dict[str, Any]]:
    """Return *outcome* as `outcome.schema.json` has it: claims in the outcome's order, their lines by number."""
    findings: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in _told(outcome).select("row", *FINDING[2:]).iter_rows(named=True):
        findings[row.pop("row")].append(_plain(row))
    claims: dict[str, list[dict[str, Any]]] = {}
    for row in _texts(outcome.lines.select("row", *LINE)).iter_rows(named=True):
        found = findings[row.pop("row")]
        claims.setdefault(row.pop("claim_id"), []).append({**_plain(row), "findings": found})
    return [
        {"claim_id": claim_id, "lines": sorted(lines, key=lambda line: int(line["line"]))}
        for claim_id, lines in claims.items()
    ]


def _texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Categories as text."""
    return frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))


def _told(outcome: "Outcome") -> pl.DataFrame:
    """The findings with their sentences, in their order."""
    findings = _texts(_located(outcome, "claim_id", "line", "hcpcs", "date_of_service")).with_row_index("place")
    parts = [_said(part, reasons()[part["reason"][0]]) for part in findings.partition_by("reason")]
    return pl.concat(parts or [_said(findings, None)]).sort("place").drop("place")


def _located(outcome: "Outcome", *of_line: str) -> pl.DataFrame:
    """The findings, with those columns *of_line* and their partner's claim and line.

    A line's `row` is its place in the outcome: columns are taken from there, which costs a fraction of a join.
    """
    findings, lines = outcome.findings, outcome.lines
    own = [lines[name][findings["row"]] for name in of_line]
    partners = [lines[name][findings["partner"]].alias(f"partner_{name}") for name in ("claim_id", "line")]
    return findings.hstack([*own, *partners])


def _said(findings: pl.DataFrame, reason: Reason | None) -> pl.DataFrame:
    """*findings* of one reason with its two sentences, filled."""
    says, do = (reason.says, reason.do) if reason else ("", "")
    return findings.with_columns(
        _filled(says, findings.columns).alias("says"), _filled(do, findings.columns).alias("do")
    )


def what_to_do(grounds: pl.DataFrame) -> pl.Expr:
    """Return `do`: what a coder can do about each of *grounds*."""
    do = pl.lit(None, dtype=pl.String)
    for name in grounds["reason"].unique().cast(pl.String):
        do = pl.when(pl.col("reason") == name).then(_filled(reasons()[name].do, grounds.columns)).otherwise(do)
    return do.alias("do")


def _filled(template: str, columns: list[str]) -> pl.Expr:
    """The template with the values of each row; a value that is not there is a dash."""
    parts = [pl.lit("")]
    for text, name, _, _ in Formatter().parse(template):
        parts.append(pl.lit(text))
        if name is not None:
            parts.append(pl.col(name).cast(pl.String).fill_null(_NONE) if name in columns else pl.lit(_NONE))
    return pl.concat_str(parts)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON has it: dates and RVUs as text, modifiers as a list, percent as a number."""
    plain = {name: _jsonable(value) for name, value in row.items()}
    if "modifiers" in plain:
        plain["modifiers"] = (row["modifiers"] or "").split()
    if row.get("payment_percent") is not None:
        plain["payment_percent"] = _number(row["payment_percent"])
    return plain


def _jsonable(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int)) else str(value)


def _number(exact: Decimal | float) -> int | float:
    return int(exact) if exact == int(exact) else float(exact)
