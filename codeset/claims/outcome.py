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

_DASH = "–"


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
        answers_of_lines = self.answers[self.answer]
        for name in lines.columns:
            # Code and modifiers are those of the answer, as categories; every column keeps its place.
            if name in answers_of_lines.columns:
                lines.replace_column(lines.get_column_index(name), answers_of_lines.drop_in_place(name))
        rows, partners, reason_positions = self.findings
        reasons_of_findings = self.reason_rows[reason_positions]
        # In the order of `Outcome.findings`: row, reason, partner, and CMS's row.
        reason = reasons_of_findings.drop_in_place("reason")
        findings = pl.DataFrame([rows, reason, partners]).hstack(reasons_of_findings)
        return Outcome(lines.hstack(answers_of_lines), findings, self.steps, self.checked, reader)


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
    findings = _with_sentences(outcome) if sentences else _with_claim_columns(outcome, "claim_id", "line")
    finding_columns = [column for column in FINDING_COLUMNS if column in findings.columns]
    lines = outcome.lines.select(LINE_COLUMNS)
    return Frames(_categories_as_text(lines) if sentences else lines, findings.select(finding_columns))


def outcome_plain(outcome: Outcome, *, sentences: bool = True) -> list[dict[str, Any]]:
    """Return *outcome* as `outcome.schema.json` has it: claims in the outcome's order, their lines by number.

    Without *sentences* the findings have no `says` and `do`.
    """
    findings_by_row: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for table_row in _findings_by_row(outcome, sentences=sentences).iter_rows(named=True):
        findings_by_row[table_row.pop("row")].append(_json_object(table_row))
    claims: dict[str, list[dict[str, Any]]] = {}
    for table_row in _categories_as_text(outcome.lines.select("row", *LINE_COLUMNS)).iter_rows(named=True):
        line_findings, claim_id = findings_by_row[table_row.pop("row")], table_row.pop("claim_id")
        remedy_members = remedy_plain(outcome.remedies.get((claim_id, table_row["line"])))
        claims.setdefault(claim_id, []).append({**_json_object(table_row), **remedy_members, "findings": line_findings})
    return [
        {"claim_id": claim_id, "lines": sorted(claim_lines, key=lambda line: int(line["line"]))}
        for claim_id, claim_lines in claims.items()
    ]


def remedy_plain(remedy: Remedy | None) -> dict[str, Any]:
    """Return what `outcome.schema.json` has of a line's *remedy*; no lines if there is none."""
    if remedy is None:
        return {"remedy": [], "remedy_replaces": [], "remedy_condition": None, "remedy_source": None}
    line_objects = [
        {name: list(value) if name == "modifiers" else _json_scalar(value) for name, value in vars(remedy_line).items()}
        for remedy_line in remedy.lines
    ]
    replaced_lines = [{"claim_id": claim_id, "line": line} for claim_id, line in remedy.replaces]
    return {
        "remedy": line_objects,
        "remedy_replaces": replaced_lines,
        "remedy_condition": remedy.condition,
        "remedy_source": remedy.source,
    }


def _findings_by_row(outcome: Outcome, *, sentences: bool) -> pl.DataFrame:
    """The findings by the `row` of their line, with their columns but those of the line."""
    findings = _with_sentences(outcome) if sentences else _categories_as_text(_with_claim_columns(outcome))
    return findings.select("row", *(column for column in FINDING_COLUMNS[2:] if column in findings.columns))


def _categories_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Categories as text."""
    return frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))


def _with_sentences(outcome: Outcome) -> pl.DataFrame:
    """The findings with their sentences, in their order."""
    columns_in_sentences = ("claim_id", "line", "hcpcs", "date_of_service")
    findings = _categories_as_text(_with_claim_columns(outcome, *columns_in_sentences)).with_row_index("place")
    # By reason: a sentence is filled for all findings of it at once, not line by line.
    findings_by_reason = [
        _fill_sentences(reason_findings, reasons()[reason_findings["reason"][0]])
        for reason_findings in findings.partition_by("reason")
    ]
    filled_findings = pl.concat(findings_by_reason or [_fill_sentences(findings, None)]).sort("place").drop("place")
    return _with_remedies(filled_findings, outcome.remedies)


def _with_remedies(findings: pl.DataFrame, remedies: Mapping[tuple[str, int], Remedy]) -> pl.DataFrame:
    """The findings that a remedy answers with that in `do`."""
    remedy_rows = [
        {"claim_id": claim_id, "line": line, "reason": reason, "remedy": remedy.text}
        for (claim_id, line), remedy in remedies.items()
        for reason in remedy.reasons
    ]
    key_types = {name: findings.schema[name] for name in ("claim_id", "line", "reason")}
    remedy_texts = pl.DataFrame(remedy_rows, schema={**key_types, "remedy": pl.String})
    answered_findings = findings.join(remedy_texts, on=list(key_types), how="left", maintain_order="left")
    return answered_findings.with_columns(pl.coalesce("remedy", "do").alias("do")).drop("remedy")


def _with_claim_columns(outcome: Outcome, *column_names: str) -> pl.DataFrame:
    """The findings, with the line's *column_names* and their partner's claim and line.

    A line's `row` is its place in the outcome: columns are taken from there, which costs a fraction of a join.
    """
    findings, lines = outcome.findings, outcome.lines
    line_columns = [lines[name][findings["row"]] for name in column_names]
    partners = [lines[name][findings["partner"]].alias(f"partner_{name}") for name in ("claim_id", "line")]
    return findings.hstack([*line_columns, *partners])


def _fill_sentences(findings: pl.DataFrame, reason: Reason | None) -> pl.DataFrame:
    """*findings* of one reason with its two sentences, filled."""
    says, do = (reason.says, reason.do) if reason else ("", "")
    sentences = {name: _filled_template(text, findings.columns) for name, text in (("says", says), ("do", do))}
    return findings.with_columns(**sentences)


def what_to_do(reason_rows: pl.DataFrame) -> pl.Expr:
    """Return `do`: what a coder can do about each of *reason_rows*."""
    instruction = pl.lit(None, dtype=pl.String)
    for reason_name in reason_rows["reason"].unique().cast(pl.String):
        filled_text = _filled_template(reasons()[reason_name].do, reason_rows.columns)
        instruction = pl.when(pl.col("reason") == reason_name).then(filled_text).otherwise(instruction)
    return instruction.alias("do")


def _filled_template(template: str, columns: list[str]) -> pl.Expr:
    """The template with the values of each row; a value that is not there is a dash."""
    text_parts = [pl.lit("")]
    for literal_text, field_name, _, _ in Formatter().parse(template):
        text_parts.append(pl.lit(literal_text))
        if field_name in _WORDED_FIELDS:
            text_parts.append(_WORDED_FIELDS[field_name])
        elif field_name is not None:
            has_column = field_name in columns
            text_parts.append(pl.col(field_name).cast(pl.String).fill_null(_DASH) if has_column else pl.lit(_DASH))
    return pl.concat_str(text_parts)


def _documentation_text() -> pl.Expr:
    """What the record must show for the modifier that `detail` names."""
    texts_by_modifier = rules()["documentation"]
    # The text for a site is one for all anatomic modifiers; a text of a modifier's own comes before it.
    site_texts = dict.fromkeys(rules()["anatomic"]["modifiers"], texts_by_modifier["site"])
    modifier = pl.col("detail").cast(pl.String).str.split(" ").list.first()
    return modifier.replace_strict({**site_texts, **texts_by_modifier}, default=_DASH, return_dtype=pl.String)


def _amount_reasons() -> pl.Expr:
    """What `detail` names of an amount, in words."""
    # The sentence says already that there is no price.
    unpriced_texts = {name: text.removeprefix("No price: ") for name, text in wording.UNPRICED.items()}
    texts_in_sentence = {name: text[:1].lower() + text[1:] for name, text in unpriced_texts.items()}
    words_by_name = {**texts_in_sentence, **wording.AMOUNT_REVIEWS}
    names = pl.col("detail").cast(pl.String).str.split(", ")
    return names.list.eval(pl.element().replace(words_by_name)).list.join(", ")


_WORDED_FIELDS = {"documentation": _documentation_text(), "why": _amount_reasons().fill_null(_DASH)}
"""What a sentence says of its finding in other words than the finding's own."""


def _json_object(table_row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON has it: dates and RVUs as text, modifiers as a list, percent as a number."""
    json_object = {name: _json_scalar(value) for name, value in table_row.items()}
    if "modifiers" in json_object:
        json_object["modifiers"] = (table_row["modifiers"] or "").split()
    if table_row.get("payment_percent") is not None:
        json_object["payment_percent"] = _json_number(table_row["payment_percent"])
    return json_object


def _json_scalar(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int)) else str(value)


def _json_number(exact_number: Decimal | float) -> int | float:
    return int(exact_number) if exact_number == int(exact_number) else float(exact_number)
