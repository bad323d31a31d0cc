"""Any number of claims in constant memory: parts of whole beneficiaries, adjudicated by a worker process per core.

A worker keeps to one core: several processes with a thread each share nothing, and waste less than threads do.
"""

import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

import polars as pl

from codeset.atomic_write import replacing, write_file
from codeset.claims.adjudicate import compact_outcome
from codeset.claims.bulk.bulk_tables import PLAN, part_done, tables_of
from codeset.claims.bulk.partition import Part, codes_in, count_lines, split_by_beneficiary
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.input.check import Rejects, refuse
from codeset.claims.input.claim_files import rejects_as
from codeset.claims.input.claim_frames import from_frame
from codeset.errors import StoreProblem
from codeset.participants import Participant, as_written
from codeset.snapshot import Snapshot

LINES_IN_A_PART = 500_000
"""Lines of a part, about: what a worker has in memory."""

_WORK = ".parts"
_THREADS = "POLARS_MAX_THREADS"
_FOR_WORKERS = {"POLARS_THP": "1", "_RJEM_MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1"}
"""Memory in large pages, where the system gives them, and kept for the next part: saves a tenth of the time."""


@dataclass(frozen=True)
class Summary:
    """What a bulk run did: its parts, the number of lines of each disposition, the number of claims set aside, and how
    many parts an earlier run had done already.
    """

    parts: int
    dispositions: Mapping[str, int]
    rejected_claims: int
    done_before: int


@dataclass(frozen=True)
class Progress:
    """Parts done of all parts, and lines read so far in this run."""

    parts_done: int
    parts: int
    lines: int


@dataclass(frozen=True)
class _Run:
    """What every part of a run has in common."""

    folder: Path
    snapshots: tuple[Path, ...]
    codes: tuple[str, ...]
    participant: Participant | None
    locality: str | None
    skip_bad_claims: bool


def adjudicate_files(
    files: Sequence[Path],
    folder: Path,
    snapshots: Sequence[Snapshot],
    *,
    participant: Participant | None,
    locality: str | None = None,
    skip_bad_claims: bool = False,
    report: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Adjudicate the claim lines of csv or parquet *files* into the tables of `bulk_tables`.

    Lines are first split by beneficiary; then each part is read, adjudicated and written, whole or not at all:
    `part-NNNN.json`, the last of its files, marks it as done and counts its lines. An interrupted run resumes if files,
    releases and settings are the same. Claims set aside are in `rejects-NNNN.csv`. Workers import the main module: a
    script that calls this does so under `__name__ == "__main__"`.

    Raises BadInput: for files that cannot be read, or bad claims unless *skip_bad_claims*. StoreProblem: if *folder*
    holds another run, or a worker process was killed.
    """
    count = count_lines(files)
    number = max(1, -(-count // LINES_IN_A_PART))
    _begin(folder, _plan(files, snapshots, number, participant, locality, skip=skip_bad_claims))
    to_do = [part for part in range(number) if not part_done(folder, part).exists()]
    done_before = number - len(to_do)
    if to_do:
        paths = tuple(snapshot.path.resolve() for snapshot in snapshots)
        run = _Run(folder, paths, tuple(codes_in(files)), participant, locality, skip_bad_claims)
        lines = 0
        for done, lines_of_part in enumerate(_adjudicate_parts(run, files, number, count, to_do), start=1):
            lines += lines_of_part
            report(Progress(done_before + done, number, lines))
    shutil.rmtree(folder / _WORK, ignore_errors=True)
    return _summary([json.loads(part_done(folder, part).read_text()) for part in range(number)], done_before)


def _adjudicate_parts(run: _Run, files: Sequence[Path], number: int, count: int, to_do: Sequence[int]) -> Iterator[int]:
    """Adjudicate the parts *to_do* out of *number*; yield how many lines each has as it is done."""
    with _workers(len(to_do)) as workers:
        for _ in to_do[: pl.thread_pool_size()]:  # workers read the snapshots while the lines are split
            workers.submit(_code_set, run.snapshots, run.codes)
        parts = split_by_beneficiary(files, run.folder / _WORK, number, count)
        yield from workers.map(partial(_adjudicate, run), [parts[part] for part in to_do])


def _summary(parts: Sequence[Mapping[str, Any]], done_before: int) -> Summary:
    lines = Counter[str]()
    for part in parts:
        lines.update(part["dispositions"])
    rejected = sum(part["rejected_claims"] for part in parts)
    return Summary(len(parts), dict(sorted(lines.items())), rejected, done_before)


@contextmanager
def _workers(parts: int) -> Iterator[ProcessPoolExecutor]:
    """Processes for *parts* parts, which share the threads that polars has here."""
    processes = min(parts, pl.thread_pool_size())
    try:
        with (
            _environment({_THREADS: str(pl.thread_pool_size() // processes), **_FOR_WORKERS}),
            ProcessPoolExecutor(processes, get_context("spawn"), _set_up_worker) as workers,
        ):
            try:
                yield workers
            finally:
                workers.shutdown(cancel_futures=True)
    except BrokenProcessPool as error:
        raise StoreProblem(
            "A worker process was ended from outside: memory may have run out. Parts that are done are kept; run the "
            "same command again to go on."
        ) from error


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set *variables* for new processes: polars reads them when it is imported."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _set_up_worker() -> None:
    """Leave an interrupt to the parent process, and end when that ends, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
    os._exit(1)


def _adjudicate(run: _Run, part: Part) -> int:
    """Read, adjudicate and write a part; return how many of its lines were read."""
    frame, rejects = from_frame(part.lines(), locality=run.locality, name=f"part {part.number}")
    if not run.skip_bad_claims:
        refuse(rejects)
    code_set = _code_set(run.snapshots, run.codes)
    _write(run.folder, part.number, frame, rejects, code_set, participant=run.participant)
    return frame.height


@cache
def _code_set(snapshots: tuple[Path, ...], codes: tuple[str, ...]) -> CodeSet:
    return CodeSet.of([Snapshot(path) for path in snapshots], codes)


def _plan(
    files: Sequence[Path],
    snapshots: Sequence[Snapshot],
    parts: int,
    participant: Participant | None,
    locality: str | None,
    *,
    skip: bool,
) -> str:
    """What a run is of: the same plan gives the same parts, so that finished ones need not be done again."""
    plan = {
        "files": [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files],
        "releases": [[str(snapshot.release), snapshot.manifest.identity] for snapshot in snapshots],
        "settings": [as_written(participant), locality, skip],
        "parts": parts,
        "made_by": [version("derm-codeset"), version("polars")],
    }
    return json.dumps(plan, indent=2) + "\n"


def _begin(folder: Path, plan: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / PLAN
    if file.exists() and file.read_text(encoding="utf-8") != plan:
        raise StoreProblem(f"{folder} holds the outcome of other claims, releases or settings; choose another folder")
    if not file.exists():
        if any(folder.iterdir()):
            raise StoreProblem(f"{folder} is not empty; choose another folder")
        write_file(file, plan)


def _write(
    folder: Path,
    part: int,
    frame: pl.DataFrame,
    rejects: Rejects,
    code_set: CodeSet,
    *,
    participant: Participant | None,
) -> None:
    """Write a part's files; the last marks the part as done, and counts its lines."""
    tables = tables_of(compact_outcome(frame, code_set, participant=participant), part)
    if rejects.claims:
        write_file(folder / f"rejects-{part:04}.csv", rejects_as(rejects, "csv"))
    for name, table in tables._asdict().items():
        file = folder / f"{name}-{part:04}.parquet"
        with replacing(file) as unfinished:
            table.write_parquet(unfinished, compression="lz4", statistics=False)
    lines = tables.lines["answer"].value_counts().join(tables.answers, on="answer")
    dispositions = lines.group_by(pl.col("disposition").cast(pl.String)).agg(pl.col("count").sum()).sort("disposition")
    contents = {"dispositions": dict(dispositions.iter_rows()), "rejected_claims": rejects.claims}
    write_file(part_done(folder, part), json.dumps(contents) + "\n")
