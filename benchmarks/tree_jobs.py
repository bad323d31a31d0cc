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
    for file in sorted(Path(claims).iterdir()):
        _write_outcomes([_adjudicated(pl.read_parquet(file), snapshot)], Path(folder) / file.stem)


def single_claims(store: str, release: str, claims: str, number: str, folder: str) -> None:
    """Adjudicate so many claims of each file of *claims* one after another; write all their outcomes."""
    snapshot = codeset.open(release, store)
    for file in sorted(Path(claims).iterdir()):
        results = [_adjudicated(claim, snapshot) for claim in _claims(file, int(number))]
        _write_outcomes(results, Path(folder) / file.stem)


def scan_bulk(outcome: str, folder: str) -> None:
    """Write what `codeset.scan_outcome` reads of a bulk run, by claim and line."""
    tables = codeset.scan_outcome(outcome)
    for name, frame in {"lines": tables.lines, "findings": tables.findings}.items():
        in_order = frame.collect().sort("claim_id", "line", maintain_order=True)
        in_order.write_parquet(Path(folder) / f"{name}.parquet")


def warm(store: str, release: str, file: str, before: str, number: str) -> None:
    """Print the median seconds of so many claims one after another, all different, after others *before* them."""
    snapshot = codeset.open(release, store)
    claims = _claims(Path(file), int(before) + int(number))
    for _ in range(int(before)):
        _adjudicated(next(claims), snapshot)
    print(median(_seconds(lambda: _adjudicated(next(claims), snapshot)) for _ in range(int(number))))


def _adjudicated(frame: pl.DataFrame, snapshot: Any) -> Any:
    return codeset.adjudicate(frame, snapshot, **_not_a_qualifying_participant())


def _not_a_qualifying_participant() -> dict[str, Any]:
    """Whose conversion factor: a bool in an older tree, since then a class of participants."""
    names = inspect.signature(codeset.adjudicate).parameters
    # Both trees run this one file, so it asks which of the two each of them knows.
    return {"qualifying_apm": False} if "qualifying_apm" in names else {"participant": codeset.Participant.NON_QP}


def _claims(file: Path, number: int) -> Iterator[pl.DataFrame]:
    """The first claims of *file*, each as a frame."""
    lines = pl.read_parquet(file).head(20 * number)
    return iter(lines.partition_by("claim_id", maintain_order=True)[:number])


def _seconds(act: Callable[[], object]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def _write_outcomes(results: list[Any], folder: Path) -> None:
    """The lines, findings and steps of several outcomes, those of each after those of the one before."""
    folder.mkdir(parents=True)
    frames = [outcome_frames(outcome) for outcome in results]
    steps = [outcome.steps.collect() for outcome in results]
    for name, parts in (
        ("lines", [frame.lines for frame in frames]),
        ("findings", [frame.findings for frame in frames]),
        ("steps", [part.with_columns(outcome=pl.lit(place)) for place, part in enumerate(steps)]),
    ):
        pl.concat(parts).write_parquet(folder / f"{name}.parquet")


if __name__ == "__main__":
    {job.__name__: job for job in (outcomes, single_claims, scan_bulk, warm)}[sys.argv[1]](*sys.argv[2:])
