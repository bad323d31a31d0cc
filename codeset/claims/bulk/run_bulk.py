"""Many claims, in flat memory: parts of whole beneficiaries, each adjudicated once, by a worker process for each core.

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
from codeset.claims.adjudicate import judge
from codeset.claims.bulk.bulk_tables import PLAN, part_done, tables_of
from codeset.claims.bulk.partition import Part, codes_in, counted, parted
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.input.check import Rejects, refuse
from codeset.claims.input.claim_files import from_frame, rejects_as
from codeset.errors import StoreProblem
from codeset.snapshot import Snapshot

LINES_IN_A_PART = 500_000
"""Lines that a part holds, about: what a worker has in memory."""

_WORK = ".parts"
_THREADS = "POLARS_MAX_THREADS"
_FOR_WORKERS = {"POLARS_THP": "1", "_RJEM_MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1"}
"""Memory in large pages, where the system gives them, and kept for the next part: the same in a tenth less time."""


@dataclass(frozen=True)
class Summary:
    """What a bulk run did: parts, how many lines of each disposition they hold, the claims set aside of them, and how
    many parts an earlier run had done already.
    """

    parts: int
    dispositions: Mapping[str, int]
    rejected_claims: int
    done_before: int

    @property
    def found(self) -> bool:
        """Whether a line is denied or unknown."""
        return not {"deny", "unknown"}.isdisjoint(self.dispositions)


@dataclass(frozen=True)
class Done:
    """Progress: parts done of all, and lines read so far in this run."""

    parts: int
    of: int
    lines: int


@dataclass(frozen=True)
class _Run:
    """What a worker must know, besides the part at hand."""

    folder: Path
    snapshots: tuple[Path, ...]
    codes: tuple[str, ...]
    qualifying_apm: bool | None
    locality: str | None
    skip_bad_claims: bool


def adjudicate_files(
    files: Sequence[Path],
    folder: Path,
    snapshots: Sequence[Snapshot],
    *,
    qualifying_apm: bool | None,
    locality: str | None = None,
    skip_bad_claims: bool = False,
    tell: Callable[[Done], None] = lambda _: None,
) -> Summary:
    """Adjudicate the claim lines of csv or parquet *files* into the tables of `bulk_tables`.

    Lines are first parted by beneficiary; then each part is read, adjudicated and written, whole or not at all:
    `part-NNNN.json`, the last of its files, says that it is done and what is in it. A run that was stopped goes on
    where it was, if files, releases and settings are the same. Claims set aside are in `rejects-NNNN.csv`. Workers
    import the main module: a script that calls this does so under `__name__ == "__main__"`.

    Raises BadInput: for files that cannot be read, or bad claims unless *skip_bad_claims*. StoreProblem: if *folder*
    holds another run, or a worker process was ended from outside.
    """
    count = counted(files)
    number = max(1, -(-count // LINES_IN_A_PART))
    _begin(folder, _plan(files, snapshots, number, qualifying_apm, locality, skip=skip_bad_claims))
    left = [part for part in range(number) if not part_done(folder, part).exists()]
    before, read = number - len(left), 0
    if left:
        paths = tuple(each.path.resolve() for each in snapshots)
        run = _Run(folder, paths, tuple(codes_in(files)), qualifying_apm, locality, skip_bad_claims)
        with _workers(len(left)) as workers:
            for _ in left[: pl.thread_pool_size()]:  # they begin while the lines are parted
                workers.submit(_code_set, run.snapshots, run.codes)
            parts = parted(files, folder / _WORK, number, count)
            found = workers.map(partial(_adjudicate, run), [parts[part] for part in left])
            for done, lines_read in enumerate(found, start=before + 1):
                read += lines_read
                tell(Done(done, number, read))
    shutil.rmtree(folder / _WORK, ignore_errors=True)
    return _summary([json.loads(part_done(folder, part).read_text()) for part in range(number)], before)


def _summary(parts: Sequence[Mapping[str, Any]], done_before: int) -> Summary:
    lines = Counter[str]()
    for part in parts:
        lines.update(part["dispositions"])
    rejected = sum(part["rejected_claims"] for part in parts)
    return Summary(len(parts), dict(sorted(lines.items())), rejected, done_before)


@contextmanager
def _workers(parts: int) -> Iterator[ProcessPoolExecutor]:
    """Processes for so many *parts*, which share the threads that polars has here."""
    many = min(parts, pl.thread_pool_size())
    try:
        with (
            _environment({_THREADS: str(pl.thread_pool_size() // many), **_FOR_WORKERS}),
            ProcessPoolExecutor(many, get_context("spawn"), _ready) as workers,
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
    """What new processes find in their environment: polars reads it when it is imported."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _ready() -> None:
    """Make a new process a worker: it leaves an interrupt to its parent, and ends with it, however that ends."""
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
    _write(run.folder, part.number, frame, rejects, code_set, qualifying_apm=run.qualifying_apm)
    return frame.height


@cache
def _code_set(snapshots: tuple[Path, ...], codes: tuple[str, ...]) -> CodeSet:
    return CodeSet.of([Snapshot(path) for path in snapshots], codes)


def _plan(
    files: Sequence[Path],
    snapshots: Sequence[Snapshot],
    parts: int,
    qualifying_apm: bool | None,
    locality: str | None,
    *,
    skip: bool,
) -> str:
    """What a run is: the same plan gives the same parts, so that finished ones need not be done again."""
    plan = {
        "files": [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files],
        "releases": [[str(each.release), each.manifest.identity] for each in snapshots],
        "settings": [qualifying_apm, locality, skip],
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
    folder: Path, part: int, frame: pl.DataFrame, rejects: Rejects, code_set: CodeSet, *, qualifying_apm: bool | None
) -> None:
    """Write a part's files; the last says that the part is done, and what is in it."""
    told = tables_of(judge(frame, code_set, qualifying_apm=qualifying_apm), part)
    if rejects.claims:
        write_file(folder / f"rejects-{part:04}.csv", rejects_as(rejects, "csv"))
    for name, table in told._asdict().items():
        file = folder / f"{name}-{part:04}.parquet"
        with replacing(file) as unfinished:
            table.write_parquet(unfinished, compression="lz4", statistics=False)
    lines = told.lines["answer"].value_counts().join(told.answers, on="answer")
    dispositions = lines.group_by(pl.col("disposition").cast(pl.String)).agg(pl.col("count").sum()).sort("disposition")
    holds = {"dispositions": dict(dispositions.iter_rows()), "rejected_claims": rejects.claims}
    write_file(part_done(folder, part), json.dumps(holds) + "\n")
