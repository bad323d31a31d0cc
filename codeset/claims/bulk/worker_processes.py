"""Worker processes of a bulk run, one for each core: they end with their parent, and leave an interrupt to it.

A worker keeps to one core: several processes with a thread each share nothing, and waste less than threads do.
"""

import os
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread

import polars as pl

from codeset.errors import StoreProblem

_THREADS = "POLARS_MAX_THREADS"
_FOR_WORKERS = {"POLARS_THP": "1", "_RJEM_MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1"}
"""Memory in large pages, where the system gives them, and kept for the next part: saves a tenth of the time."""


@contextmanager
def worker_processes(parts: int) -> Iterator[ProcessPoolExecutor]:
    """Processes for *parts* parts, which share the threads that polars has here."""
    processes = min(parts, pl.thread_pool_size())
    # Spawned, not forked: a fork copies the locks that threads of polars hold, and may wait for them forever (polars
    # user guide, Multiprocessing).
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
