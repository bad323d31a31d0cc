"""What `compare_trees` runs inside each of two trees: `tree_jobs.py JOB ARGUMENT...`, by public names alone.

It imports nothing else of this folder: the process has the `codeset` of the tree that is compared.
"""

import inspect
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

import codeset

outcome_frames = next(
    import_module(name).outcome_frames
    for name in ("codeset.claims.outputs", "codeset.claims.outcome")
    if find_spec(name) and hasattr(import_module(name), "outcome_frames")
)
"""The tree of before has it in `outputs`."""


def outcomes(store: str, release: str, claims: str, folder: str) -> None:
    """Adjudicate each file of *claims* as one frame; write its lines, findings and steps into *folder*."""
    snapshot = codeset.open(release, store)
    for claim_file in sorted(Path(claims).iterdir()):
        _write_outcomes([_outcome_of(pl.read_parquet(claim_file), snapshot)], Path(folder) / claim_file.stem)


def single_claims(store: str, release: str, claims: str, claim_count: str, folder: str) -> None:
    """Adjudicate *claim_count* claims of each file of *claims* one after another; write all their outcomes."""
    snapshot = codeset.open(release, store)
    for claim_file in sorted(Path(claims).iterdir()):
        results = [_outcome_of(claim, snapshot) for claim in _first_claims(claim_file, int(claim_count))]
        _write_outcomes(results, Path(folder) / claim_file.stem)


def scan_bulk(outcome: str, folder: str) -> None:
    """Write what `codeset.scan_outcome` reads of a bulk run, by claim and line."""
    tables = codeset.scan_outcome(outcome)
    for table_name, table_rows in {"lines": tables.lines, "findings": tables.findings}.items():
        in_order = table_rows.collect().sort("claim_id", "line", maintain_order=True)
        in_order.write_parquet(Path(folder) / f"{table_name}.parquet")


def warm(store: str, release: str, claim_file: str, claims_before: str, measured_count: str) -> None:
    """Print the median seconds of *measured_count* claims, one after another, after *claims_before* others."""
    snapshot = codeset.open(release, store)
    claims = _first_claims(Path(claim_file), int(claims_before) + int(measured_count))
    # The first claims of a process pay for what later ones find cached.
    for _ in range(int(claims_before)):
        _outcome_of(next(claims), snapshot)
    print(median(_seconds(lambda: _outcome_of(next(claims), snapshot)) for _ in range(int(measured_count))))


def _outcome_of(claim_lines: pl.DataFrame, snapshot: Any) -> Any:
    return codeset.adjudicate(claim_lines, snapshot, **_not_a_qualifying_participant())


def _not_a_qualifying_participant() -> dict[str, Any]:
    """Whose conversion factor: a bool in an older tree, since then a class of participants."""
    parameters = inspect.signature(codeset.adjudicate).parameters
    # Both trees run this one file, so it asks which of the two each of them knows.
    return {"qualifying_apm": False} if "qualifying_apm" in parameters else {"participant": codeset.Participant.NON_QP}


def _first_claims(claim_file: Path, claim_count: int) -> Iterator[pl.DataFrame]:
    """The first claims of *claim_file*, each as a frame."""
    # Twenty lines are more than any of these claims has: the rows hold as many whole claims.
    claim_lines = pl.read_parquet(claim_file).head(20 * claim_count)
    return iter(claim_lines.partition_by("claim_id", maintain_order=True)[:claim_count])


def _seconds(measured_call: Callable[[], object]) -> float:
    start = time.perf_counter()
    measured_call()
    return time.perf_counter() - start


def _write_outcomes(results: list[Any], folder: Path) -> None:
    """The lines, findings and steps of several outcomes, those of each after those of the one before."""
    folder.mkdir(parents=True)
    outcome_tables = [outcome_frames(outcome) for outcome in results]
    step_tables = [outcome.steps.collect() for outcome in results]
    for table_name, parts_of_table in (
        ("lines", [outcome_table.lines for outcome_table in outcome_tables]),
        ("findings", [outcome_table.findings for outcome_table in outcome_tables]),
        (
            "steps",
            [step_table.with_columns(outcome=pl.lit(position)) for position, step_table in enumerate(step_tables)],
        ),
    ):
        pl.concat(parts_of_table).write_parquet(folder / f"{table_name}.parquet")


if __name__ == "__main__":
    {job.__name__: job for job in (outcomes, single_claims, scan_bulk, warm)}[sys.argv[1]](*sys.argv[2:])
