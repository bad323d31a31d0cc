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
CMS = Path(os.environ.get("CODESET_CMS_DIR", REPOSITORY.parent / "shared" / "cms"))

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


def function(name: str, module: str, folder: Path, times: int, *, has_children: bool = False) -> Job:
    """Return the job of running function *name* of *module*; imports are not in its time."""
    command = [sys.executable, "-m", "benchmarks.measure", module, name, str(folder)]
    return Job(name, command, times, times_itself=True, has_children=has_children)


def interleaved(jobs: Sequence[Job]) -> dict[str, Measurement]:
    """Run the jobs in turn, so that a machine's slow minute falls on all of them; return each by its name."""
    runs: dict[str, list[Measurement]] = {job.name: [] for job in jobs}
    for turn in range(max(job.times for job in jobs)):
        for job in jobs:
            if turn < job.times:
                runs[job.name].append(once(job))
    return {name: _summed_up(measured) for name, measured in runs.items()}


def once(job: Job) -> Measurement:
    """Run the job in a new process.

    The peak is that of the process, or, if it has children, of all together, looked at ten times a second. It is never
    below this process's own, which the child inherits: import polars here, but hold no tables.
    Raises RuntimeError: if the job ends with anything but 0.
    """
    begin = time.perf_counter()
    environment = _ENVIRONMENT if job.environment is None else job.environment
    with subprocess.Popen(job.command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as process:
        with _Family(process.pid) if job.has_children else nullcontext() as family:
            output = process.stdout.read() if process.stdout else ""
        # wait4 gives the resources of this one child; `resource` would add up all children so far, and keep the highest
        # peak.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begin
    if process.returncode:
        raise RuntimeError(f"{' '.join(job.command)}: exit code {process.returncode}")
    peak = max(usage.ru_maxrss * _MAXRSS_UNIT, family.peak if family else 0)
    return Measurement(float(output) if job.times_itself else wall, peak, usage.ru_utime + usage.ru_stime)


class _Family(Thread):
    """Watches the memory of a process that has children, all together, as long as it runs (on Linux; else 0)."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.gone = pid, 0, Event()

    def __enter__(self) -> "_Family":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gone.set()
        self.join()

    def run(self) -> None:
        while not self.gone.wait(0.1):
            with suppress(OSError):
                if children := _children(self.pid):
                    self.peak = max(self.peak, sum(_proportional(pid) for pid in (self.pid, *children)))


def _children(pid: int) -> list[int]:
    own = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    return own + [grandchild for child in own for grandchild in _children(child)]


def _proportional(pid: int) -> int:
    """The memory of a process in bytes; what several share counts in parts."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        # The proportional set: pages that a parent shares with the workers it forked would else count once for each.
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _summed_up(runs: Iterable[Measurement]) -> Measurement:
    """The median of the seconds and the highest peak of all runs."""
    runs = list(runs)
    # The median: the least would be the luckiest run, the mean that of a minute in which the machine was busy.
    seconds, processor = (median(times) for times in zip(*((run.seconds, run.processor) for run in runs), strict=True))
    return Measurement(seconds, max(run.peak for run in runs), processor)


def seconds(measured: Measurement) -> str:
    """Return the time as the table shows it."""
    return f"{measured.seconds:.2f} s"


def gib(measured: Measurement) -> str:
    """Return the peak as the table shows it."""
    return f"{measured.peak / 2**30:.2f} GiB"


def main(module: str, name: str, folder: str) -> None:
    """Print how many seconds the function takes in a new folder under *folder*."""
    job = getattr(import_module(module), name)
    own = Path(mkdtemp(dir=folder))
    begin = time.perf_counter()
    job(own)
    print(time.perf_counter() - begin)


if __name__ == "__main__":
    main(*sys.argv[1:])
