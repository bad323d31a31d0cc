"""Findings: what one edit says of one line, with the row of CMS's table that it rests on."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate

import polars as pl

from codeset.claims.engine.edit import Edit, Findings, concerned_edits
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import (
    all_false,
    count_up,
    group_numbers,
    pack_u64,
    repeat,
    starts_group,
    true_positions,
)
from codeset.tables import TABLES

_DENIAL_CODES = ("group_code", "carc", "rarc")

DISPOSITIONS = {
    "deny": "deny",
    "no_payment": "no_payment_due",
    "unknown": "unknown",
    "review": "review",
    "documented": "pay_if_documented",
    "note": "pay",
}
"""What a finding of each severity makes of its line, gravest first: a certain denial outranks what is unknown.

`no_payment`: the line is for reporting, or nothing was charged: it is no denial. `documented`: the line is paid, and
rests on the record. `note` leaves the line as it is.
"""

SEVERITIES = tuple(DISPOSITIONS)


@dataclass(frozen=True)
class Reason:
    """One kind of finding, as `reasons.toml` has it."""

    name: str
    edit: str
    severity: str
    says: str
    do: str
    group: str | None = None
    carc: str | None = None
    rarc: str | None = None

    @property
    def group_code(self) -> str | None:
        """Who owes the amount: CO, the practitioner, where a denial code is given and no other group is."""
        return self.group or ("CO" if self.severity == "deny" and self.carc else None)


@cache
def reasons() -> Mapping[str, Reason]:
    """Return every reason by name, the one that decides first in front: by severity, then in the order of the file."""
    reason_tables = tomllib.loads(files("codeset.claims.edits").joinpath("reasons.toml").read_text(encoding="utf-8"))
    reasons_of_file = [Reason(name, **reason_fields) for name, reason_fields in reason_tables.items()]
    # The sort is stable: among reasons of one severity the order of the file decides.
    gravest_first = sorted(reasons_of_file, key=lambda reason: SEVERITIES.index(reason.severity))
    return {reason.name: reason for reason in gravest_first}


# In the order of `reasons`: the number of a reason is also its rank.
REASON = pl.Enum(list(reasons()))
EDIT = pl.Enum(list(dict.fromkeys(reason.edit for reason in reasons().values())))
SEVERITY = pl.Enum(SEVERITIES)
DISPOSITION = pl.Enum(DISPOSITIONS.values())
# The tables in which codes of claims are looked up. A row of a list, such as that of telehealth, says no more than that
# a code is on it: no finding names one.
TABLE = pl.Enum([name for name, table in TABLES.items() if table.claim_codes and table.value_columns])

COLUMNS: Mapping[str, pl.DataType] = {
    "row": pl.UInt32(),
    "partner": pl.UInt32(),
    "reason": REASON,
    "detail": pl.String(),
    "table": TABLE,
    "column_one": pl.Categorical(),
    "column_two": pl.Categorical(),
    "ccmi": pl.UInt8(),
    "mue_value": pl.UInt32(),
    "mai": pl.UInt8(),
    "effective_date": pl.Date(),
    "deletion_date": pl.Date(),
    "edition": pl.Categorical(),
}
"""The columns of a finding. `row` is the line, `partner` the other line that it rests on, `detail` what the sentence
needs besides; the others name the row of CMS's table."""

REASON_COLUMNS = tuple(COLUMNS)[2:]
"""The columns of a reason row: what is found, and on which row of CMS's table."""

_NO_REASON_ROWS = pl.DataFrame(schema={name: COLUMNS[name] for name in REASON_COLUMNS})
NO_FINDINGS = Findings(
    pl.DataFrame(schema=dict.fromkeys(("row", "partner", "reason_row"), pl.UInt32())), _NO_REASON_ROWS
)


def reason_columns(reason: str | pl.Expr, **columns: pl.Expr) -> list[pl.Expr]:
    """Return all columns of a reason row: *reason* and *columns*, the others null."""
    column_values = {"reason": pl.lit(reason) if isinstance(reason, str) else reason, **columns}
    return [column_values.get(name, pl.lit(None)).cast(COLUMNS[name]).alias(name) for name in REASON_COLUMNS]


def findings_of(lines: pl.DataFrame, reason: str | pl.Expr, **columns: pl.Expr) -> Findings:
    """Return a finding for each of *lines*, which have `row` and maybe `partner`; for few lines.

    *columns* are those of a reason row that the finding has besides its *reason*; the others are null.
    """
    partners = lines["partner"] if "partner" in lines.columns else repeat(None, lines.height).alias("partner")
    finding_rows = pl.DataFrame([lines["row"], partners, count_up(lines.height).alias("reason_row")])
    column_values = {"reason": pl.lit(reason) if isinstance(reason, str) else reason, **columns}
    reason_rows = lines.select(
        "row", *(column_value.cast(COLUMNS[name]).alias(name) for name, column_value in column_values.items())
    )
    # Beside all columns, with no rows: what this edit does not say of CMS's row becomes null.
    return Findings(finding_rows, pl.concat([_NO_REASON_ROWS, reason_rows[list(column_values)]], how="diagonal"))


def combine_findings(findings: Iterable[Findings]) -> Findings:
    """Return all *findings* as one."""
    with_rows = [edit_findings for edit_findings in findings if not edit_findings.rows.is_empty()]
    if len(with_rows) <= 1:
        return with_rows[0] if with_rows else NO_FINDINGS
    rows_before = accumulate((edit_findings.reason_rows.height for edit_findings in with_rows), initial=0)
    finding_rows = [
        pl.DataFrame(
            [edit_findings.rows["row"], edit_findings.rows["partner"], edit_findings.rows["reason_row"] + row_count]
        )
        for edit_findings, row_count in zip(with_rows, rows_before, strict=False)
    ]
    return Findings(
        pl.concat(finding_rows, rechunk=True),
        pl.concat([edit_findings.reason_rows for edit_findings in with_rows], rechunk=True),
    )


def apply_edits(edits: Sequence[Edit], lines: Lines) -> tuple[list[Findings], pl.Series]:
    """Return the findings of *edits* and the rows that they deny; each edit is handed what those before it deny."""
    findings: list[Findings] = []
    rows_denied = lines.denied
    for edit in concerned_edits(edits, lines):
        findings.append(edit.findings(lines, rows_denied))
        if not findings[-1].rows.is_empty():
            # So that the edits after it count no units, and find no primary, on a line that is not paid.
            rows_denied = pl.concat([rows_denied, denied_rows(findings[-1])])
    return findings, rows_denied


def denied_rows(findings: Findings) -> pl.Series:
    """Return the rows of the lines that *findings* deny."""
    rows, _, reason_positions = findings.rows
    return rows if rows.is_empty() else rows.filter(is_denial(findings.reason_rows["reason"])[reason_positions])


def is_denial(reason: pl.Series) -> pl.Series:
    """Return whether each *reason* denies."""
    return _severity_numbers()[reason.to_physical()] == SEVERITIES.index("deny")


@cache
def _severity_numbers() -> pl.Series:
    """The place among `SEVERITIES` of the severity of each reason, by its number."""
    return pl.Series([SEVERITIES.index(reason.severity) for reason in reasons().values()], dtype=pl.UInt8)


def tidy_findings(findings: Findings) -> Findings:
    """Return *findings*, which are by line, as a coder reads them.

    Of a line that is denied, or of which no payment is due, nothing is said that would be so if it were paid, and of a
    code with MUE 0 nothing else; of a line that cannot be determined it is not said that a modifier has it paid; and
    what a modifier needs is said once on a line, whatever it bypasses there.
    """
    starts_line = starts_group(findings.rows["row"])
    if starts_line.all():
        return findings
    reason_numbers = findings.reason_rows["reason"].to_physical()[findings.rows["reason_row"]]
    severities = _severity_numbers()[reason_numbers]
    later_findings = true_positions(~starts_line)  # what decides a line comes first, and stays
    deciding_findings = true_positions(starts_line)[group_numbers(starts_line)[later_findings]]
    later_severities = severities[later_findings]
    # Severities are numbered gravest first.
    is_unpaid = (severities[deciding_findings] <= _NO_PAYMENT) & (later_severities >= _DOCUMENTED)
    is_undetermined = (severities[deciding_findings] == _UNKNOWN) & (later_severities == _DOCUMENTED)
    is_moot = is_unpaid | is_undetermined | (reason_numbers[deciding_findings] == _number_of_reason("mue-none"))
    is_documented = severities == _DOCUMENTED
    is_second = is_documented & is_documented.shift(1, fill_value=False) & ~starts_line  # those of a line are together
    is_one_of_several = is_second | is_second.shift(-1, fill_value=False)
    superfluous = later_findings.filter(is_moot | _is_repeated(findings, is_one_of_several)[later_findings])
    if superfluous.is_empty():
        return findings
    return _kept_findings(findings, ~all_false(starts_line.len()).scatter(superfluous, values=True))


def _kept_findings(findings: Findings, is_kept: pl.Series) -> Findings:
    """Those of *findings* that are marked, with the reason rows that they use."""
    finding_rows = findings.rows.filter(is_kept)
    is_used = all_false(findings.reason_rows.height).scatter(finding_rows["reason_row"], values=True)
    reason_position = (is_used.cast(pl.UInt32).cum_sum() - 1)[finding_rows["reason_row"]].alias("reason_row")
    return Findings(finding_rows.with_columns(reason_position), findings.reason_rows.filter(is_used))


def _is_repeated(findings: Findings, is_documented: pl.Series) -> pl.Series:
    """Whether the same modifier's need for documentation was said of the line before."""
    rows, _, reason_positions = findings.rows
    documented_positions = true_positions(is_documented)
    detail_numbers = findings.reason_rows["detail"].cast(pl.Categorical).to_physical().cast(pl.UInt32)
    line_and_modifier = pack_u64(rows[documented_positions], detail_numbers[reason_positions[documented_positions]])
    return all_false(rows.len()).scatter(documented_positions, ~line_and_modifier.is_first_distinct())


def _number_of_reason(reason: str) -> int:
    return list(reasons()).index(reason)


_NO_PAYMENT, _UNKNOWN, _DOCUMENTED = map(SEVERITIES.index, ("no_payment", "unknown", "documented"))


@cache
def reason_table() -> pl.DataFrame:
    """Return the reasons as a frame: reason, edit, severity, group_code, carc, rarc."""
    reason_rows = [
        (reason.name, reason.edit, reason.severity, reason.group_code, reason.carc, reason.rarc)
        for reason in reasons().values()
    ]
    reason_texts = pl.DataFrame(reason_rows, schema=["reason", "edit", "severity", *_DENIAL_CODES], orient="row")
    dtypes = {"reason": REASON, "edit": EDIT, "severity": SEVERITY}
    dtypes |= {column: pl.Enum(reason_texts[column].drop_nulls().unique().sort()) for column in _DENIAL_CODES}
    return reason_texts.with_columns(pl.col(column).cast(column_dtype) for column, column_dtype in dtypes.items())


@cache
def codes_of_reasons() -> pl.DataFrame:
    """Return `reason_table` by the number of each reason: edit, severity, and denial codes."""
    return reason_table().drop("reason")


@cache
def dispositions() -> pl.DataFrame:
    """Return what each reason means for the line that it decides, by number: disposition, decided_by, edit.

    The last row, after those of all reasons, is that of a line without findings.
    """
    disposition = pl.col("severity").cast(pl.String).replace_strict(DISPOSITIONS, return_dtype=DISPOSITION)
    decided_lines = reason_table().select(
        disposition.alias("disposition"), pl.col("reason").alias("decided_by"), "edit"
    )
    no_finding = pl.DataFrame({"disposition": ["pay"]}, schema={"disposition": DISPOSITION})
    return pl.concat([decided_lines, no_finding], how="diagonal", rechunk=True)
