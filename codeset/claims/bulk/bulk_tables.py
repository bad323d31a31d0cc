"""The tables that a bulk run writes: narrow lines and findings, and beside them, once, the answers that many share.

A million lines have some hundred different answers. To write an answer out for each line takes longer than to find it.
"""

import json
from pathlib import Path
from typing import NamedTuple

import polars as pl

from codeset.claims.basis import Basis, basis_from
from codeset.claims.engine.series import count_up
from codeset.claims.outcome import FINDING_COLUMNS, LINE_COLUMNS, CompactOutcome, what_to_do
from codeset.errors import StoreProblem

PLAN = "plan.json"
"""The file of a run that records its claims, releases and settings, and how many `parts` it has."""


REJECTS = "rejects.csv"
"""The file of the faults of claims that were set aside."""


class Tables(NamedTuple):
    """The tables of a part, in the order in which they are written.

    `grounds`: by `ground` the reason, the row of CMS's table, and what a coder can do. `answers`: by `answer` a line's
    code and modifiers, disposition, global days, and amount. `findings`: claim_id, line, ground, partner_line, and
    partner_claim_id where that is another claim. `lines`: claim_id, line, answer. No `ground` and no `answer` is in two
    parts of a run.
    """

    grounds: pl.DataFrame
    answers: pl.DataFrame
    findings: pl.DataFrame
    lines: pl.DataFrame


class ScannedOutcome(NamedTuple):
    """An outcome, lazily: a row for each line, a row for each finding; `claim_id` and `line` join them.

    `checked`: what it rests on, and what was not checked.
    """

    lines: pl.LazyFrame
    findings: pl.LazyFrame
    checked: Basis


def part_done(folder: Path, part_number: int) -> Path:
    """Return the file that marks a part of a run as done."""
    return folder / f"part-{part_number:04}.json"


def run_done(folder: Path) -> Path:
    """Return the file that marks a run as done, and counts the claims set aside."""
    return folder / "done.json"


def scan_outcome(folder: Path | str) -> ScannedOutcome:
    """Return the outcome that a bulk run wrote into *folder*: its lines and findings, and what it rests on.

    The columns are those of `codeset adjudicate --format csv`, without the date and the units, which the claims hold,
    and without the sentence of a finding; codes and the like are categories, RVUs decimals.

    Raises StoreProblem: if the folder holds no bulk run, or one that has not ended.
    """
    _check_complete(Path(folder))
    grounds, answers, findings, lines = (pl.scan_parquet(Path(folder) / f"{name}-*.parquet") for name in Tables._fields)
    lines = lines.join(answers, on="answer", how="left", maintain_order="left")
    findings = findings.join(grounds, on="ground", how="left", maintain_order="left").with_columns(_PARTNER_CLAIM)
    checked = basis_from(json.loads(run_done(Path(folder)).read_text(encoding="utf-8")))
    return ScannedOutcome(lines.select(_SCANNED_LINE), findings.select(_SCANNED_FINDING), checked)


def _check_complete(folder: Path) -> None:
    try:
        part_count = json.loads((folder / PLAN).read_text(encoding="utf-8"))["parts"]
    except (OSError, ValueError, KeyError) as error:
        raise StoreProblem(
            f"{folder} holds no outcome of claims in bulk: it has no {PLAN} that says its parts"
        ) from error
    parts_done = sum(part_done(folder, part).exists() for part in range(part_count))
    if parts_done < part_count or not run_done(folder).exists():
        raise StoreProblem(
            f"{folder} holds {parts_done} of {part_count} parts: run the command that wrote them again, to go on"
        )


def tables_of(outcome: CompactOutcome, part_number: int) -> Tables:
    """Return *outcome* as the tables of the *part_number*th part of a run."""
    claim_ids, line_numbers = (outcome.lines[name].rechunk() for name in ("claim_id", "line"))
    finding_rows, partner_rows, reason_row = outcome.findings
    ground_keys = _key_in_run(reason_row.alias("ground"), part_number)
    partner_claim_ids = claim_ids[partner_rows].alias("partner_claim_id")
    partner_lines = line_numbers[partner_rows].alias("partner_line")
    columns = [claim_ids[finding_rows], line_numbers[finding_rows], ground_keys, partner_claim_ids, partner_lines]
    findings = pl.DataFrame(columns).with_columns(_OTHER_CLAIM)
    lines = pl.DataFrame([claim_ids, line_numbers, _key_in_run(outcome.answer.alias("answer"), part_number)])
    grounds = outcome.reason_rows.with_columns(what_to_do(outcome.reason_rows))
    keyed_answers = _with_key(outcome.answers, "answer", part_number)
    return Tables(_with_key(grounds, "ground", part_number), keyed_answers, findings, lines)


def _with_key(table: pl.DataFrame, key_column: str, part_number: int) -> pl.DataFrame:
    return table.select(_key_in_run(count_up(table.height).alias(key_column), part_number), pl.all())


def _key_in_run(places: pl.Series, part_number: int) -> pl.Series:
    # The part is in the upper half of the number: no two parts of a run have a key in common.
    return places.cast(pl.UInt64) + (part_number << 32)


_OTHER_CLAIM = pl.when(pl.col("partner_claim_id") != pl.col("claim_id")).then("partner_claim_id")
_PARTNER_CLAIM = (
    pl.when(pl.col("partner_line").is_not_null())
    .then(pl.coalesce("partner_claim_id", "claim_id"))
    .alias("partner_claim_id")
)

_SCANNED_LINE = [name for name in LINE_COLUMNS if name not in ("date_of_service", "units")]
_SCANNED_FINDING = [name for name in FINDING_COLUMNS if name != "says"]
