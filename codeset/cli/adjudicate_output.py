"""What `codeset adjudicate` does: claims from files, the releases they need, outcomes in each form."""

import io
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich.markup import escape
from rich.table import Table

from codeset import wording
from codeset.claims import outputs
from codeset.claims.adjudicate import adjudicate as judge
from codeset.claims.bulk.run_bulk import Done, Summary, adjudicate_files
from codeset.claims.input.check import Rejects, refuse
from codeset.claims.input.claim_files import read_claims, rejects_as
from codeset.claims.outcome import Outcome
from codeset.claims.pricing.explain import explain as derivation
from codeset.errors import WrongUse
from codeset.money import dollars
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store


@dataclass(frozen=True)
class Chosen:
    """What the user chose: a release or by date, whose conversion factor, the locality of claims that name none."""

    release: str | None
    qualifying_apm: bool | None
    locality: str | None
    skip_bad_claims: bool


@dataclass(frozen=True)
class Adjudicated:
    """The outcome of some claims, and the claims that were set aside."""

    outcome: Outcome
    rejects: tuple[Rejects, ...]

    @property
    def rejects_told(self) -> bool:
        """Whether any claim was set aside."""
        return any(each.claims for each in self.rejects)

    @property
    def found(self) -> bool:
        """Whether a line is denied or unknown."""
        return self.outcome.lines.filter(pl.col("disposition").is_in(["deny", "unknown"])).height > 0


def is_folder(output: Path) -> bool:
    """Whether *output* names a folder: one that is there, or a name without an ending."""
    return output.is_dir() or not output.suffix


def few(files: Sequence[Path], store: Store, chosen: Chosen) -> Adjudicated:
    """Adjudicate the claims of *files* at once.

    Raises BadInput: for files that cannot be read, and for bad claims unless they are to be set aside.
    """
    read = [read_claims(file, locality=chosen.locality) for file in files]
    rejects = tuple(told for _, told in read)
    if not chosen.skip_bad_claims:
        for each in rejects:
            refuse(each)
    frame = pl.concat([frame for frame, _ in read])
    outcome = judge(frame, _snapshots(store, chosen, frame), qualifying_apm=chosen.qualifying_apm)
    return Adjudicated(outcome, rejects)


def many(files: Sequence[Path], folder: Path, store: Store, chosen: Chosen, tell: Callable[[Done], None]) -> Summary:
    """Adjudicate the claims of *files* in parts, into *folder*."""
    return adjudicate_files(
        files,
        folder,
        _snapshots(store, chosen, None),
        qualifying_apm=chosen.qualifying_apm,
        locality=chosen.locality,
        skip_bad_claims=chosen.skip_bad_claims,
        tell=tell,
    )


def _snapshots(store: Store, chosen: Chosen, frame: pl.DataFrame | None) -> list[Snapshot]:
    """The release that was named; else the one in force on each date of the lines, or of the store's quarters."""
    if chosen.release is not None:
        return [store.open(chosen.release)]
    if not store.releases():
        raise WrongUse(f"{store.path} holds no release to read claims against; see: codeset build --help")
    quarters = {each.unrevised for each in store.releases()}
    if frame is not None:
        quarters &= {Release.of(day) for day in frame["date_of_service"].unique()}
    found = (store.in_force(each.first_day) for each in sorted(quarters))
    return [each for each in found if each is not None]


def outcome_table(outcome: Outcome) -> Table:
    """Return *outcome* for people: a row for each line, with what each finding says and what to do."""
    frames = outputs.outcome_frames(outcome)
    sentences: dict[tuple[str, int], list[str]] = defaultdict(list)
    for row in frames.findings.iter_rows(named=True):
        sentences[row["claim_id"], row["line"]].append(_sentence(row))
    shown = Table(show_lines=True)
    for column in ("claim", "line", "code", "units", "answer", "allowed", "why"):
        right = column in ("line", "units", "allowed")
        shown.add_column(column, justify="right" if right else "left", no_wrap=column != "why")
    for row in frames.lines.iter_rows(named=True):
        unpriced = [f"No amount: {row['unpriced']}."] if row["unpriced"] else []
        why = "\n".join([*sentences[row["claim_id"], row["line"]], *unpriced])
        code = " ".join(filter(None, (row["hcpcs"], row["modifiers"])))
        amount = dollars(row["allowed_cents"])
        cells = (row["claim_id"], row["line"], code, row["units"], row["disposition"], amount, why)
        shown.add_row(*(escape(str(cell)) for cell in cells))
    return shown


def _sentence(finding: dict[str, Any]) -> str:
    numbers = "-".join(filter(None, (finding["group_code"], finding["carc"])))
    codes = " ".join(filter(None, (numbers, finding["rarc"])))
    return f"{finding['says']} {finding['do']}" + (f" ({codes})" if codes else "")


def content(adjudicated: Adjudicated, form: str, *, explain: bool) -> bytes:
    """Return the outcome as the bytes of a file: json, csv or parquet of the findings joined to their lines."""
    outcome = adjudicated.outcome
    if form == "json":
        plain = outputs.outcome_plain(outcome)
        if explain:
            plain = _with_derivations(adjudicated, plain)
        return (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode()
    frames = outputs.outcome_frames(outcome)
    besides = [column for column in frames.findings.columns if column not in ("claim_id", "line")]
    joined = frames.lines.join(
        frames.findings.rename({column: f"finding_{column}" for column in besides}),
        on=["claim_id", "line"],
        how="left",
        maintain_order="left_right",
    )
    target = io.BytesIO()
    if form == "parquet":
        joined.write_parquet(target)
    else:
        joined.write_csv(target)
    return target.getvalue()


def derivations(adjudicated: Adjudicated) -> list[str]:
    """Return how each amount came about, line by line."""
    told: list[str] = []
    for row in _derived(adjudicated):
        told += [f"{row['claim_id']} line {row['line']}, {row['hcpcs']}:", *(f"  {each}" for each in row["derivation"])]
    return told


def _derived(adjudicated: Adjudicated) -> list[dict[str, Any]]:
    lines = adjudicated.outcome.lines.filter(pl.col("setting").is_not_null() | pl.col("unpriced").is_not_null())
    steps = adjudicated.outcome.steps.collect()
    by_row = steps.partition_by("row", as_dict=True)
    return [
        {**row, "derivation": derivation({**row, "reviews": []}, by_row.get((row["row"],), steps.clear()))}
        for row in lines.iter_rows(named=True)
    ]


def _with_derivations(adjudicated: Adjudicated, plain: list[dict[str, Any]]) -> list[dict[str, Any]]:
    derived = {(row["claim_id"], row["line"]): row["derivation"] for row in _derived(adjudicated)}
    for claim in plain:
        for line in claim["lines"]:
            line["derivation"] = derived.get((claim["claim_id"], line["line"]), [])
    return plain


def set_aside(adjudicated: Adjudicated, output: Path | None) -> str:
    """Write the faults of the claims set aside beside the output, and say where."""
    base = output or Path("claims")
    told = []
    for each in adjudicated.rejects:
        if each.claims:
            file = base.with_name(f"{base.stem}.{Path(each.file).stem}.rejects.csv")
            file.write_bytes(rejects_as(each, "csv"))
            told.append(f"{each.file}: {wording.count(each.claims, 'claim')} set aside, with all faults in {file}")
    return "\n".join(told)


def summary_text(summary: Summary, folder: Path) -> str:
    """Return what a run in parts did, in a sentence."""
    before = f" (done before: {wording.count(summary.done_before, 'part')})" if summary.done_before else ""
    aside = f"; {wording.count(summary.rejected_claims, 'claim')} set aside" if summary.rejected_claims else ""
    each = ", ".join(f"{count:,} {disposition}" for disposition, count in summary.dispositions.items())
    lines, parts = wording.count(sum(summary.dispositions.values()), "line"), wording.count(summary.parts, "part")
    return f"{lines} in {parts}, in {folder}{before}: {each or 'none'}{aside}"
