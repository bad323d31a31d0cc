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
    for row in frames.findings.iter_rows(named=True):
        findings[row["claim_id"], row["line"]].append(row)
    table = Table(show_lines=True)
    for column in ("claim", "line", "code", "units", "result", "allowed", "why"):
        right = column in ("line", "units", "allowed")
        table.add_column(column, justify="right" if right else "left", no_wrap=column != "why")
    for row in frames.lines.iter_rows(named=True):
        unpriced = [f"{wording.UNPRICED[row['unpriced']]}."] if row["unpriced"] else []
        why = "\n".join([*_sentences(findings[row["claim_id"], row["line"]]), *unpriced])
        code = " ".join(filter(None, (row["hcpcs"], row["modifiers"])))
        amount = dollars(row["allowed_cents"])
        cells = (row["claim_id"], row["line"], code, row["units"], wording.disposition(row["disposition"]), amount, why)
        table.add_row(*(escape(str(cell)) for cell in cells))
    return table


def summary_of_lines(outcome: Outcome) -> str:
    """Return how many lines have which answer, what is allowed for those that are paid, and how many have no amount."""
    counts = outcome.lines["disposition"].value_counts()
    paid = outcome.lines.filter(pl.col("disposition").cast(pl.String).is_in(["pay", "pay_if_documented"]))
    allowed = dollars(int(paid["allowed_cents"].fill_null(0).sum()))
    lines = wording.count(outcome.lines.height, "line")
    without = paid["allowed_cents"].null_count()
    besides = f", besides {wording.count(without, 'line')} without an amount" if without else ""
    return f"{lines}: {_counts(dict(counts.iter_rows()))}. Allowed for what is paid: {allowed}{besides}."


def _counts(dispositions: Mapping[str, int]) -> str:
    """How many lines have which answer, gravest first; that none is denied or for review is said, too."""
    counts = {name: dispositions.get(name, 0) for name in DISPOSITIONS.values()}
    named = [name for name, count in counts.items() if count or name in _ALWAYS_COUNTED]
    return ", ".join(f"{counts[name]:,} {wording.disposition(name)}" for name in named)


_ALWAYS_COUNTED = ("deny", "review")


def _sentences(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What each of a line's *findings* says, what to do, and its denial codes; what to do is said once."""
    advice = set[str]()
    for finding in findings:
        numbers = "-".join(filter(None, (finding["group_code"], finding["carc"])))
        codes = " ".join(filter(None, (numbers, finding["rarc"])))
        do = "" if finding["do"] in advice else finding["do"]
        advice.add(finding["do"])
        yield " ".join(filter(None, (finding["says"], do, codes and f"({codes})")))


def payer_table(payer: "PayerOutcome") -> Table:
    """Return what a payer asks of each line, for people."""
    table = Table(title=str(payer.profile), show_lines=True)
    for column in ("claim", "line", "code", "answer", "payer", "pays", "asks"):
        right = column in ("line", "pays")
        table.add_column(column, justify="right" if right else "left", no_wrap=column != "asks")
    for line in payer.lines:
        code = " ".join(filter(None, (line.hcpcs, line.modifiers)))
        asks = "\n".join(f"{finding.says} ({finding.source})" for finding in line.findings)
        answers = (line.medicare_disposition, line.disposition, dollars(line.allowed_cents))
        table.add_row(*(escape(str(cell)) for cell in (line.claim_id, line.line, code, *answers, asks)))
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
        of_payer = {} if payer is None else {"payer": payer.plain()}
        plain = {"format": FORMATS["outcome"], **outcome.checked.plain(), "claims": claims, **of_payer}
        return (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode()
    lines, findings = outcome_frames(outcome)
    lines = lines.with_columns(_carried(outcome.checked))
    if form == "csv":
        return csv_of(in_dollars(lines))
    besides = [column for column in findings.columns if column not in ("claim_id", "line")]
    rows = lines.join(
        findings.rename({column: f"finding_{column}" for column in besides}),
        on=["claim_id", "line"],
        how="left",
        maintain_order="left_right",
    )
    target = io.BytesIO()
    rows.write_parquet(target)
    return target.getvalue()


def _carried(basis: Basis) -> pl.Expr:
    """The tables that the release of each line's date of service carries from earlier ones; null if none."""
    carried = pl.lit(None, dtype=pl.String)
    for release, editions in basis.editions_of_releases().items():
        notes = "; ".join(str(edition) for edition in editions if edition.carried_from)
        of_release = pl.col("date_of_service").is_between(release.first_day, release.last_day)
        carried = pl.when(of_release).then(pl.lit(notes or None, dtype=pl.String)).otherwise(carried)
    return carried.alias("carried")


def basis_json(basis: Basis) -> bytes:
    """Return what an outcome rests on as the content of a file of its own."""
    plain = {"format": FORMATS["outcome"], **basis.plain()}
    return (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode()


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
    amounts = [name for name in lines.columns if name.endswith("_cents")]
    dollars = (pl.col(amounts).cast(pl.Decimal(38, 2)) / 100).cast(pl.Decimal(38, 2)).cast(pl.String)
    return lines.with_columns(dollars).rename({name: name.removesuffix("_cents") for name in amounts})


def derivations(outcome: Outcome) -> list[str]:
    """Return how each amount came about, line by line."""
    texts: list[str] = []
    for row, sentences in _derivations(outcome):
        texts.append(f"{row['claim_id']} line {row['line']}, {row['hcpcs']}:")
        texts += [f"  {sentence}" for sentence in sentences]
    return texts


def _derivations(outcome: Outcome) -> list[tuple[dict[str, Any], list[str]]]:
    """Each line that was priced, or could not be, with the sentences of its derivation."""
    lines = outcome.lines.filter(pl.col("setting").is_not_null() | pl.col("unpriced").is_not_null())
    steps = outcome.steps.collect()
    by_row = steps.partition_by("row", as_dict=True)
    return [
        (row, derivation_of({**row, "reviews": []}, by_row.get((row["row"],), steps.clear())))
        for row in lines.iter_rows(named=True)
    ]


def _add_derivations(claims: list[dict[str, Any]], outcome: Outcome) -> None:
    sentences = {(row["claim_id"], row["line"]): derivation for row, derivation in _derivations(outcome)}
    for claim in claims:
        for line in claim["lines"]:
            line["derivation"] = sentences.get((claim["claim_id"], line["line"]), [])


def rejects_path(rejects: Rejects, output: Path | None) -> Path:
    """Return where the faults of the claims set aside are written: beside *output*, else in the working folder."""
    base = output or Path("claims")
    return base.with_name(f"{base.stem}.{Path(rejects.file).stem}.rejects.csv")


def set_aside_text(rejects: Rejects, file: Path) -> str:
    """Return how many claims were set aside, and where their faults and those of the file are."""
    envelope = rejects.faults.filter(pl.col("field") == ENVELOPE).height
    parts = [f"{wording.count(envelope, 'envelope fault')}, no claim affected"] if envelope else []
    days = rejects.faults.filter(pl.col("field") == PLACEHOLDER)
    if days.height:
        what = f"of a day with more than {LINES_OF_A_DAY:,} lines of one beneficiary, as of a placeholder"
        parts.append(f"{wording.count(days.height, 'claim')} {what} (the first: claim {days['claim_id'][0]})")
    parts.append(f"{wording.count(rejects.claims, 'claim')} set aside, with all faults in {file}")
    return f"{rejects.file}: {'; '.join(parts)}"


def summary_text(summary: Summary, folder: Path) -> str:
    """Return what a run in parts did, in a sentence."""
    before = f" (done before: {wording.count(summary.done_before, 'part')})" if summary.done_before else ""
    aside = f"; {wording.count(summary.rejected_claims, 'claim')} set aside" if summary.rejected_claims else ""
    if summary.file_faults:
        aside += f"; {wording.count(summary.file_faults, 'envelope fault')}, no claim affected"
    if aside:
        aside += f", with all faults in {folder / REJECTS}"
    counts = _counts(summary.dispositions)
    lines, parts = wording.count(sum(summary.dispositions.values()), "line"), wording.count(summary.parts, "part")
    return f"{lines} in {parts}, in {folder}{before}: {counts}{aside}"
