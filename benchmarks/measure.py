"""Jobs, each in a process of its own: its time, its peak memory, no cache shared with another.

`python -m benchmarks.measure MODULE FUNCTION FOLDER` is such a process: it imports, then runs and times the function.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from threading import Event, Thread

REPOSITORY = Path(__file__).parents[1]
CMS_FILES = Path(os.environ.get("CODESET_CMS_DIR", REPOSITORY.parent / "shared" / "cms"))

_ENVIRONMENT = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
"""Bytecode is kept after a first run, as pip keeps it when a package is installed."""

# getrusage counts bytes on macOS and KiB on Linux.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Job:
    """Something to be measured: a command, or a function of ours called with a folder of its own.

    The memory of its children counts if it `has_children`; to look at it takes up to a tenth of the time.
    """

    name: str
    command: Sequence[str]
    times: int
    times_itself: bool = False
    has_children: bool = False
    environment: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Measurement:
    """The outcome of a job: seconds by the clock and of processors, and the peak of memory in bytes."""

    seconds: float
    peak: int
    processor: float


@dataclass(frozen=True)
class Row:
    """One line of the table; without a goal `meets_goal` is None."""

    what: str
    ours: str
    other: str
    ratio: str
    goal: str = ""
    meets_goal: bool | None = None

    @property
    def cells(self) -> list[str]:
        """The line's texts."""
        verdict = {None: "", True: "met", False: "not met"}[self.meets_goal]
        return [self.what, self.ours, self.other, self.ratio, self.goal, verdict]


def function(function_name: str, module_name: str, folder: Path, times: int, *, has_children: bool = False) -> Job:
    """Return the job of running function *function_name* of *module_name*; imports are not in its time."""
    command = [sys.executable, "-m", "benchmarks.measure", module_name, function_name, str(folder)]
    return Job(function_name, command, times, times_itself=True, has_children=has_children)


def interleaved(jobs: Sequence[Job]) -> dict[str, Measurement]:
    """Run the jobs in turn, so that a machine's slow minute falls on all of them; return each by its name."""
    runs_by_job: dict[str, list[Measurement]] = {job.name: [] for job in jobs}
    for turn_number in range(max(job.times for job in jobs)):
        for job in jobs:
            if turn_number < job.times:
                runs_by_job[job.name].append(once(job))
    return {job_name: _summary_of_runs(job_runs) for job_name, job_runs in runs_by_job.items()}


def once(job: Job) -> Measurement:
    """Run the job in a new process.

    The peak is that of the process, or, if it has children, of all together, looked at ten times a second. It is never
    below this process's own, which the child inherits: import polars here, but hold no tables.
    Raises RuntimeError: if the job ends with anything but 0.
    """
    start = time.perf_counter()
    environment = _ENVIRONMENT if job.environment is None else job.environment
    with subprocess.Popen(job.command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as process:
        with _ProcessFamily(process.pid) if job.has_children else nullcontext() as process_family:
            output = process.stdout.read() if process.stdout else ""
        # wait4 gives the resources of this one child; `resource` would add up all children so far, and keep the highest
        # peak.
        _, exit_status, resource_usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(exit_status)
    wall_seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{' '.join(job.command)}: exit code {process.returncode}")
    peak_memory = max(resource_usage.ru_maxrss * _MAXRSS_UNIT, process_family.peak if process_family else 0)
    return Measurement(
        float(output) if job.times_itself else wall_seconds,
        peak_memory,
        resource_usage.ru_utime + resource_usage.ru_stime,
    )


class _ProcessFamily(Thread):
    """Watches the memory of a process that has children, all together, as long as it runs (on Linux; else 0)."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.gone = pid, 0, Event()

    def __enter__(self) -> "_ProcessFamily":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gone.set()
        self.join()

    def run(self) -> None:
        while not self.gone.wait(0.1):
            # A child may end between being listed and being looked at.
            with suppress(OSError):
                if children := _children(self.pid):
                    self.peak = max(self.peak, sum(_proportional_memory(pid) for pid in (self.pid, *children)))


def _children(process_id: int) -> list[int]:
    own_children = [
        int(child_pid)
        for child_pid in Path(f"/proc/{process_id}/task/{process_id}/children").read_text(encoding="ascii").split()
    ]
    return own_children + [grandchild for child_pid in own_children for grandchild in _children(child_pid)]


def _proportional_memory(process_id: int) -> int:
    """The memory of a process in bytes; what several share counts in parts."""
    for memory_line in Path(f"/proc/{process_id}/smaps_rollup").read_text(encoding="ascii").splitlines():
        # The proportional set: pages that a parent shares with the workers it forked would else count once for each.
        if memory_line.startswith("Pss:"):
            return int(memory_line.split()[1]) * 1024
    return 0


def _summary_of_runs(runs: Iterable[Measurement]) -> Measurement:
    """The median of the seconds and the highest peak of all runs."""
    runs = list(runs)
    # The median: the least would be the luckiest run, the mean that of a minute in which the machine was busy.
    seconds, processor = (median(times) for times in zip(*((run.seconds, run.processor) for run in runs), strict=True))
    return Measurement(seconds, max(run.peak for run in runs), processor)


def seconds(measurement: Measurement) -> str:
    """Return the time as the table shows it."""
    return f"{measurement.seconds:.2f} s"


def gib(measurement: Measurement) -> str:
    """Return the peak as the table shows it."""
    return f"{measurement.peak / 2**30:.2f} GiB"


def main(module_name: str, function_name: str, folder: str) -> None:
    """Print how many seconds the function takes in a new folder under *folder*."""
    measured_function = getattr(import_module(module_name), function_name)
    own_folder = Path(mkdtemp(dir=folder))
    start = time.perf_counter()
    measured_function(own_folder)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
