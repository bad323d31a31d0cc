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

_THREADS_VARIABLE = "POLARS_MAX_THREADS"
_WORKER_VARIABLES = {"POLARS_THP": "1", "_RJEM_MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1"}
"""Memory in large pages, where the system gives them, and kept for the next part: saves a tenth of the time."""


@contextmanager
def worker_processes(part_count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes for *part_count* parts, which share the threads that polars has here."""
    process_count = min(part_count, pl.thread_pool_size())
    # Spawned, not forked: a fork copies the locks that threads of polars hold, and may wait for them forever (polars
    # user guide, Multiprocessing).
    try:
        with (
            _environment({_THREADS_VARIABLE: str(pl.thread_pool_size() // process_count), **_WORKER_VARIABLES}),
            ProcessPoolExecutor(process_count, get_context("spawn"), _set_up_worker) as workers,
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
    values_before = {variable: os.environ.get(variable) for variable in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for variable, value_before in values_before.items():
            os.environ.pop(variable)
            if value_before is not None:
                os.environ[variable] = value_before


def _set_up_worker() -> None:
    """Leave an interrupt to the parent process, and end when that ends, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that is killed cannot end its workers: each would wait for the next part forever.
    if (parent := parent_process()) is not None:
        parent.join()
    os._exit(1)
