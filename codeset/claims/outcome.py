"""The outcome of claim lines: line by line, in few rows where many lines have the same, as flat frames, as JSON."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from string import Formatter
from typing import Any, NamedTuple

import polars as pl

from codeset import wording
from codeset.claims.basis import Basis
from codeset.claims.edits.findings import Reason, reasons
from codeset.claims.edits.rules import rules
from codeset.claims.remedies.find_remedies import Reader, Remedy, find_remedies

LINE_COLUMNS = (
    *("claim_id", "line", "date_of_service", "hcpcs", "modifiers", "units", "disposition", "decided_by", "edit"),
    *("allowed_cents", "payment_percent", "setting", "fee_cents", "nonparticipating_cents", "limiting_cents"),
    *("unpriced", "global_days", "work_rvu", "pe_rvu", "mp_rvu"),
)
"""The columns of a line, in the order of files."""

FINDING_COLUMNS = (
    *("claim_id", "line", "reason", "edit", "severity", "group_code", "carc", "rarc", "table", "column_one"),
    *("column_two", "ccmi", "mue_value", "mai", "effective_date", "deletion_date", "edition"),
    *("partner_claim_id", "partner_line", "detail", "says", "do"),
)
"""The columns of a finding, in the order of files."""

_NONE = "–"


@dataclass(frozen=True)
class Outcome:
    """What is said of claim lines.

    `lines` has the columns of the claims, by claim and line number whatever their order was, codes and modifiers as
    categories, with `row` (the place), `disposition`, `decided_by` and `edit`, `global_days`, and the amounts of
    `pricing.price` for lines that are not denied, RVUs as decimals; `findings` one row for each finding, by
    line, the decisive one first; `steps` how amounts came about; `checked` what all of it rests on, and what was not
    checked. `reader` reads other lines against the same; without it there are no remedies.
    """

    lines: pl.DataFrame
    findings: pl.DataFrame
    steps: pl.LazyFrame
    checked: Basis = field(default_factory=Basis)
    reader: Reader | None = None

    @cached_property
    def remedies(self) -> Mapping[tuple[str, int], Remedy]:
        """By claim and line number, what CMS's tables say to report in place of a line that is denied.

        Worked out when it is first asked for: each remedy is adjudicated again, and is not denied. A line of which no
        table says what to report instead is not named.
        """
        return find_remedies(self.lines, self.findings, self.reader) if self.reader else {}


@dataclass(frozen=True)
class CompactOutcome:
    """An outcome in few rows: lines with the same answer share one.

    `lines` are those of the claims, by claim and line number; `answer` is for each the row of `answers` that has its
    disposition, what decides it, and its amount. `findings` has `row`, `partner` and `reason_row`, the row of
    `reason_rows` that has the reason and CMS's row; by line, the decisive one first.
    """

    lines: pl.DataFrame
    answer: pl.Series
    answers: pl.DataFrame
    findings: pl.DataFrame
    reason_rows: pl.DataFrame
    steps: pl.LazyFrame
    checked: Basis

    def outcome(self, reader: Reader | None = None) -> Outcome:
        """Return the outcome line by line; *reader* as in `Outcome`."""
        lines = self.lines.with_row_index("row")
        answers = self.answers[self.answer]
        for name in lines.columns:
            if name in answers.columns:
                lines.replace_column(lines.get_column_index(name), answers.drop_in_place(name))
        row, partner, reason_row = self.findings
        reasons = self.reason_rows[reason_row]
        findings = pl.DataFrame([row, reasons.drop_in_place("reason"), partner]).hstack(reasons)
        return Outcome(lines.hstack(answers), findings, self.steps, self.checked, reader)


class Frames(NamedTuple):
    """An outcome as flat frames: a row for each line, a row for each finding; `claim_id` and `line` join them."""

    lines: pl.DataFrame
    findings: pl.DataFrame


def outcome_frames(outcome: Outcome, *, sentences: bool = True) -> Frames:
    """Return *outcome* as two frames that csv and parquet can hold, in its order.

    RVUs are decimals, amounts whole cents; `allowed_cents` and `payment_percent` are null where lines are not priced.
    Without *sentences* the findings have no `says` and `do`, which repeat `reason` and the other columns in words, and
    columns of few values are categories instead of text, in both frames.
    """
    findings = _with_sentences(outcome) if sentences else _with_claims(outcome, "claim_id", "line")
    columns = [column for column in FINDING_COLUMNS if column in findings.columns]
    lines = outcome.lines.select(LINE_COLUMNS)
    return Frames(_texts(lines) if sentences else lines, findings.select(columns))


def outcome_plain(outcome: Outcome, *, sentences: bool = True) -> list[dict[str, Any]]:
    """Return *outcome* as `outcome.schema.json` has it: claims in the outcome's order, their lines by number.

    Without *sentences* the findings have no `says` and `do`.
    """
    findings: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in _findings(outcome, sentences=sentences).iter_rows(named=True):
        findings[row.pop("row")].append(_plain(row))
    claims: dict[str, list[dict[str, Any]]] = {}
    for row in _texts(outcome.lines.select("row", *LINE_COLUMNS)).iter_rows(named=True):
        own, claim_id = findings[row.pop("row")], row.pop("claim_id")
        remedy = remedy_plain(outcome.remedies.get((claim_id, row["line"])))
        claims.setdefault(claim_id, []).append({**_plain(row), **remedy, "findings": own})
    return [
        {"claim_id": claim_id, "lines": sorted(lines, key=lambda line: int(line["line"]))}
        for claim_id, lines in claims.items()
    ]


def remedy_plain(remedy: Remedy | None) -> dict[str, Any]:
    """Return what `outcome.schema.json` has of a line's *remedy*; no lines if there is none."""
    if remedy is None:
        return {"remedy": [], "remedy_replaces": [], "remedy_condition": None, "remedy_source": None}
    lines = [
        {name: list(value) if name == "modifiers" else _jsonable(value) for name, value in vars(line).items()}
        for line in remedy.lines
    ]
    replaces = [{"claim_id": claim_id, "line": line} for claim_id, line in remedy.replaces]
    return {
        "remedy": lines,
        "remedy_replaces": replaces,
        "remedy_condition": remedy.condition,
        "remedy_source": remedy.source,
    }


def _findings(outcome: Outcome, *, sentences: bool) -> pl.DataFrame:
    """The findings by the `row` of their line, with their columns but those of the line."""
    findings = _with_sentences(outcome) if sentences else _texts(_with_claims(outcome))
    return findings.select("row", *(column for column in FINDING_COLUMNS[2:] if column in findings.columns))


def _texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Categories as text."""
    return frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))


def _with_sentences(outcome: Outcome) -> pl.DataFrame:
    """The findings with their sentences, in their order."""
    findings = _texts(_with_claims(outcome, "claim_id", "line", "hcpcs", "date_of_service")).with_row_index("place")
    # By reason: a sentence is filled for all findings of it at once, not line by line.
    parts = [_fill_sentences(part, reasons()[part["reason"][0]]) for part in findings.partition_by("reason")]
    filled = pl.concat(parts or [_fill_sentences(findings, None)]).sort("place").drop("place")
    return _with_remedies(filled, outcome.remedies)


def _with_remedies(findings: pl.DataFrame, remedies: Mapping[tuple[str, int], Remedy]) -> pl.DataFrame:
    """The findings that a remedy answers with that in `do`."""
    rows = [
        {"claim_id": claim_id, "line": line, "reason": reason, "remedy": remedy.text}
        for (claim_id, line), remedy in remedies.items()
        for reason in remedy.reasons
    ]
    keys = {name: findings.schema[name] for name in ("claim_id", "line", "reason")}
    texts = pl.DataFrame(rows, schema={**keys, "remedy": pl.String})
    answered = findings.join(texts, on=list(keys), how="left", maintain_order="left")
    return answered.with_columns(pl.coalesce("remedy", "do").alias("do")).drop("remedy")


def _with_claims(outcome: Outcome, *of_line: str) -> pl.DataFrame:
    """The findings, with those columns *of_line* and their partner's claim and line.

    A line's `row` is its place in the outcome: columns are taken from there, which costs a fraction of a join.
    """
    findings, lines = outcome.findings, outcome.lines
    own = [lines[name][findings["row"]] for name in of_line]
    partners = [lines[name][findings["partner"]].alias(f"partner_{name}") for name in ("claim_id", "line")]
    return findings.hstack([*own, *partners])


def _fill_sentences(findings: pl.DataFrame, reason: Reason | None) -> pl.DataFrame:
    """*findings* of one reason with its two sentences, filled."""
    says, do = (reason.says, reason.do) if reason else ("", "")
    return findings.with_columns(_fill(says, findings.columns).alias("says"), _fill(do, findings.columns).alias("do"))


def what_to_do(reason_rows: pl.DataFrame) -> pl.Expr:
    """Return `do`: what a coder can do about each of *reason_rows*."""
    do = pl.lit(None, dtype=pl.String)
    for name in reason_rows["reason"].unique().cast(pl.String):
        do = pl.when(pl.col("reason") == name).then(_fill(reasons()[name].do, reason_rows.columns)).otherwise(do)
    return do.alias("do")


def _fill(template: str, columns: list[str]) -> pl.Expr:
    """The template with the values of each row; a value that is not there is a dash."""
    parts = [pl.lit("")]
    for text, name, _, _ in Formatter().parse(template):
        parts.append(pl.lit(text))
        if name in _IN_WORDS:
            parts.append(_IN_WORDS[name])
        elif name is not None:
            parts.append(pl.col(name).cast(pl.String).fill_null(_NONE) if name in columns else pl.lit(_NONE))
    return pl.concat_str(parts)


def _documentation() -> pl.Expr:
    """What the record must show for the modifier that `detail` names."""
    needs = rules()["documentation"]
    sites = dict.fromkeys(rules()["anatomic"]["modifiers"], needs["site"])
    modifier = pl.col("detail").cast(pl.String).str.split(" ").list.first()
    return modifier.replace_strict({**sites, **needs}, default=_NONE, return_dtype=pl.String)


def _why() -> pl.Expr:
    """What `detail` names of an amount, in words."""
    unpriced = {name: text.removeprefix("No price: ") for name, text in wording.UNPRICED.items()}
    in_sentence = {name: text[:1].lower() + text[1:] for name, text in unpriced.items()}
    words = {**in_sentence, **wording.AMOUNT_REVIEWS}
    return pl.col("detail").cast(pl.String).str.split(", ").list.eval(pl.element().replace(words)).list.join(", ")


_IN_WORDS = {"documentation": _documentation(), "why": _why().fill_null(_NONE)}
"""What a sentence says of its finding in other words than the finding's own."""


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
