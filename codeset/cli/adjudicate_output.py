"""What `codeset adjudicate` prints and writes: the table, the files, how amounts came about, claims set aside."""

import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape
from rich.table import Table

from codeset import wording
from codeset.claims.basis import Basis
from codeset.claims.bulk.bulk_tables import REJECTS
from codeset.claims.bulk.run_bulk import Summary
from codeset.claims.claims_csv import csv_of
from codeset.claims.edits.findings import DISPOSITIONS
from codeset.claims.input.check import ENVELOPE, PLACEHOLDER, Rejects
from codeset.claims.input.placeholders import LINES_OF_A_DAY
from codeset.claims.outcome import Outcome, outcome_frames, outcome_plain
from codeset.claims.pricing.derivation import derivation as derivation_of
from codeset.formats import FORMATS
from codeset.money import dollars

if TYPE_CHECKING:  # payers' rules are read from YAML: to import what reads it takes a tenth of a second
    from codeset.payers.payer_outcome import PayerOutcome


def is_clean(dispositions: Iterable[str]) -> bool:
    """Whether no line is denied or unknown."""
    return {"deny", "unknown"}.isdisjoint(dispositions)


def outcome_table(outcome: Outcome) -> Table:
    """Return *outcome* for people: a row for each line, with what each finding says and what to do."""
    frames = outcome_frames(outcome)
    findings: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for outcome_row in frames.findings.iter_rows(named=True):
        findings[outcome_row["claim_id"], outcome_row["line"]].append(outcome_row)
    table = Table(show_lines=True)
    for heading in ("claim", "line", "code", "units", "result", "allowed", "why"):
        is_right_aligned = heading in ("line", "units", "allowed")
        table.add_column(heading, justify="right" if is_right_aligned else "left", no_wrap=heading != "why")
    for outcome_row in frames.lines.iter_rows(named=True):
        unpriced_notes = [f"{wording.UNPRICED[outcome_row['unpriced']]}."] if outcome_row["unpriced"] else []
        explanation = "\n".join(
            [*_finding_sentences(findings[outcome_row["claim_id"], outcome_row["line"]]), *unpriced_notes]
        )
        code_with_modifiers = " ".join(filter(None, (outcome_row["hcpcs"], outcome_row["modifiers"])))
        allowed_amount = dollars(outcome_row["allowed_cents"])
        cell_values = (
            outcome_row["claim_id"],
            outcome_row["line"],
            code_with_modifiers,
            outcome_row["units"],
            wording.disposition(outcome_row["disposition"]),
            allowed_amount,
            explanation,
        )
        table.add_row(*(escape(str(cell_value)) for cell_value in cell_values))
    return table


def summary_of_lines(outcome: Outcome) -> str:
    """Return how many lines have which answer, what is allowed for those that are paid, and how many have no amount."""
    disposition_counts = outcome.lines["disposition"].value_counts()
    payable_lines = outcome.lines.filter(pl.col("disposition").cast(pl.String).is_in(["pay", "pay_if_documented"]))
    allowed_text = dollars(int(payable_lines["allowed_cents"].fill_null(0).sum()))
    line_text = wording.count(outcome.lines.height, "line")
    without_amount = payable_lines["allowed_cents"].null_count()
    without_amount_text = (
        f", besides {wording.count(without_amount, 'line')} without an amount" if without_amount else ""
    )
    counts_text = _counts_in_words(dict(disposition_counts.iter_rows()))
    return f"{line_text}: {counts_text}. Allowed for what is paid: {allowed_text}{without_amount_text}."


def _counts_in_words(dispositions: Mapping[str, int]) -> str:
    """How many lines have which answer, gravest first; that none is denied or for review is said, too."""
    line_counts = {
        disposition_name: dispositions.get(disposition_name, 0) for disposition_name in DISPOSITIONS.values()
    }
    names_to_show = [
        disposition_name
        for disposition_name, line_count in line_counts.items()
        if line_count or disposition_name in _ALWAYS_SHOWN
    ]
    return ", ".join(
        f"{line_counts[disposition_name]:,} {wording.disposition(disposition_name)}"
        for disposition_name in names_to_show
    )


_ALWAYS_SHOWN = ("deny", "review")


def _finding_sentences(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What each of a line's *findings* says, what to do, and its denial codes; what to do is said once."""
    advice_before = set[str]()
    for finding in findings:
        adjustment_code = "-".join(filter(None, (finding["group_code"], finding["carc"])))
        denial_codes = " ".join(filter(None, (adjustment_code, finding["rarc"])))
        # Once for each line: findings of one kind advise the same.
        advice = "" if finding["do"] in advice_before else finding["do"]
        advice_before.add(finding["do"])
        yield " ".join(filter(None, (finding["says"], advice, denial_codes and f"({denial_codes})")))


def payer_table(payer: "PayerOutcome") -> Table:
    """Return what a payer asks of each line, for people."""
    table = Table(title=str(payer.profile), show_lines=True)
    for heading in ("claim", "line", "code", "answer", "payer", "pays", "asks"):
        is_right_aligned = heading in ("line", "pays")
        table.add_column(heading, justify="right" if is_right_aligned else "left", no_wrap=heading != "asks")
    for line in payer.lines:
        code_with_modifiers = " ".join(filter(None, (line.hcpcs, line.modifiers)))
        request_text = "\n".join(f"{finding.says} ({finding.source})" for finding in line.findings)
        answers = (line.medicare_disposition, line.disposition, dollars(line.allowed_cents))
        table.add_row(
            *(escape(str(cell)) for cell in (line.claim_id, line.line, code_with_modifiers, *answers, request_text))
        )
    return table


def payer_csv(payer: "PayerOutcome") -> bytes:
    """Return a row for each line, with what the payer asks for; amounts in dollars."""
    return csv_of(in_dollars(payer.rows()))


def payer_path(output: Path) -> Path:
    """Return where the payer's rows are written that belong to the lines in *output*."""
    return output.with_name(f"{output.stem}.payer.csv")


def file_content(outcome: Outcome, form: str, payer: "PayerOutcome | None" = None, *, explain: bool) -> bytes:
    """Return the outcome as the bytes of a file: json; csv, a row for each line; parquet, a row for each finding.

    JSON says what it rests on, and has what the *payer* asks for; csv and parquet have files beside them for that
    (`basis_path`, `payer_path`), and of each line what was carried into its release in the column `carried`.
    """
    if form == "json":
        claims = outcome_plain(outcome)
        if explain:
            _add_derivations(claims, outcome)
        payer_part = {} if payer is None else {"payer": payer.plain()}
        document = {"format": FORMATS["outcome"], **outcome.checked.plain(), "claims": claims, **payer_part}
        return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
    lines, findings = outcome_frames(outcome)
    lines = lines.with_columns(_carried_tables(outcome.checked))
    if form == "csv":
        return csv_of(in_dollars(lines))
    finding_columns = [column for column in findings.columns if column not in ("claim_id", "line")]
    # A line without a finding keeps its row.
    finding_rows = lines.join(
        findings.rename({column: f"finding_{column}" for column in finding_columns}),
        on=["claim_id", "line"],
        how="left",
        maintain_order="left_right",
    )
    parquet_bytes = io.BytesIO()
    finding_rows.write_parquet(parquet_bytes)
    return parquet_bytes.getvalue()


def _carried_tables(basis: Basis) -> pl.Expr:
    """The tables that the release of each line's date of service carries from earlier ones; null if none."""
    carried = pl.lit(None, dtype=pl.String)
    for release, editions in basis.editions_of_releases().items():
        edition_notes = "; ".join(str(edition) for edition in editions if edition.carried_from)
        is_of_release = pl.col("date_of_service").is_between(release.first_day, release.last_day)
        carried = pl.when(is_of_release).then(pl.lit(edition_notes or None, dtype=pl.String)).otherwise(carried)
    return carried.alias("carried")


def basis_json(basis: Basis) -> bytes:
    """Return what an outcome rests on as the content of a file of its own."""
    document = {"format": FORMATS["outcome"], **basis.plain()}
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def basis_path(output: Path) -> Path:
    """Return where is written what the outcome in *output* rests on, if its form has no place for it."""
    return output.with_name(f"{output.stem}.checked.json")


def findings_csv(outcome: Outcome) -> bytes:
    """Return the findings as csv, a row for each; `claim_id` and `line` join them to the lines."""
    return csv_of(outcome_frames(outcome).findings)


def findings_path(output: Path) -> Path:
    """Return where the findings are written that belong to the lines in *output*."""
    return output.with_name(f"{output.stem}.findings{output.suffix}")


def in_dollars(lines: pl.DataFrame) -> pl.DataFrame:
    """Return *lines* with amounts in dollars, as text with two decimals, in place of cents."""
    cent_columns = [column for column in lines.columns if column.endswith("_cents")]
    # Decimals throughout: a float of dollars may print with fifteen digits.
    in_dollars_exactly = (pl.col(cent_columns).cast(pl.Decimal(38, 2)) / 100).cast(pl.Decimal(38, 2)).cast(pl.String)
    return lines.with_columns(in_dollars_exactly).rename(
        {column: column.removesuffix("_cents") for column in cent_columns}
    )


def derivations(outcome: Outcome) -> list[str]:
    """Return how each amount came about, line by line."""
    derivation_lines: list[str] = []
    for line_row, sentences in _derivations(outcome):
        derivation_lines.append(f"{line_row['claim_id']} line {line_row['line']}, {line_row['hcpcs']}:")
        derivation_lines += [f"  {sentence}" for sentence in sentences]
    return derivation_lines


def _derivations(outcome: Outcome) -> list[tuple[dict[str, Any], list[str]]]:
    """Each line that was priced, or could not be, with the sentences of its derivation."""
    lines = outcome.lines.filter(pl.col("setting").is_not_null() | pl.col("unpriced").is_not_null())
    pricing_steps = outcome.steps.collect()
    steps_of_row = pricing_steps.partition_by("row", as_dict=True)
    return [
        (
            line_row,
            derivation_of({**line_row, "reviews": []}, steps_of_row.get((line_row["row"],), pricing_steps.clear())),
        )
        for line_row in lines.iter_rows(named=True)
    ]


def _add_derivations(claims: list[dict[str, Any]], outcome: Outcome) -> None:
    sentences_of_line = {
        (line_row["claim_id"], line_row["line"]): derivation for line_row, derivation in _derivations(outcome)
    }
    for claim in claims:
        for line in claim["lines"]:
            line["derivation"] = sentences_of_line.get((claim["claim_id"], line["line"]), [])


def rejects_path(rejects: Rejects, output: Path | None) -> Path:
    """Return where the faults of the claims set aside are written: beside *output*, else in the working folder."""
    base_path = output or Path("claims")
    return base_path.with_name(f"{base_path.stem}.{Path(rejects.file).stem}.rejects.csv")


def set_aside_text(rejects: Rejects, rejects_file: Path) -> str:
    """Return how many claims were set aside, and where their faults and those of the file are."""
    envelope_faults = rejects.faults.filter(pl.col("field") == ENVELOPE).height
    text_parts = [f"{wording.count(envelope_faults, 'envelope fault')}, no claim affected"] if envelope_faults else []
    placeholder_days = rejects.faults.filter(pl.col("field") == PLACEHOLDER)
    if placeholder_days.height:
        placeholder_text = f"of a day with more than {LINES_OF_A_DAY:,} lines of one beneficiary, as of a placeholder"
        text_parts.append(
            f"{wording.count(placeholder_days.height, 'claim')} {placeholder_text} "
            f"(the first: claim {placeholder_days['claim_id'][0]})"
        )
    text_parts.append(f"{wording.count(rejects.claims, 'claim')} set aside, with all faults in {rejects_file}")
    return f"{rejects.file}: {'; '.join(text_parts)}"


def summary_text(summary: Summary, folder: Path) -> str:
    """Return what a run in parts did, in a sentence."""
    earlier_parts_text = f" (done before: {wording.count(summary.done_before, 'part')})" if summary.done_before else ""
    set_aside_note = f"; {wording.count(summary.rejected_claims, 'claim')} set aside" if summary.rejected_claims else ""
    if summary.file_faults:
        set_aside_note += f"; {wording.count(summary.file_faults, 'envelope fault')}, no claim affected"
    if set_aside_note:
        set_aside_note += f", with all faults in {folder / REJECTS}"
    counts_text = _counts_in_words(summary.dispositions)
    line_text, part_text = (
        wording.count(sum(summary.dispositions.values()), "line"),
        wording.count(summary.parts, "part"),
    )
    return f"{line_text} in {part_text}, in {folder}{earlier_parts_text}: {counts_text}{set_aside_note}"
