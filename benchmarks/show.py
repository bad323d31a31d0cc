"""One look-up from a cold process, and how much of it is our own code rather than Python and the libraries."""

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from benchmarks.build import ours as build
from benchmarks.measure import Job, Row, function, interleaved, once

RELEASE, HCPCS, RUNS = "2024q3", "11102", 11

_EMPTY_COMMAND = """
from pathlib import Path
import polars, rich.console, rich.table, typer
app = typer.Typer()
@app.command()
def show(hcpcs: str, release: str | None = None, store: Path | None = None, json: bool = False): pass
app(["11102", "--release", "2024q3", "--store", "store"])
"""
"""The libraries' part: what a command of these arguments takes that does nothing.

`import typer` alone would be too little: typer loads pydantic when it reads a first argument.
"""

_CODE_OF_PARTS = {
    "polars": "import polars",
    "typer": _EMPTY_COMMAND.replace("polars, ", ""),
    "libraries": _EMPTY_COMMAND,
}


def rows(folder: Path) -> Iterator[Row]:
    """Seal one release in *folder*, measure; yield the table's rows.

    What is our own is the command's time less the libraries' part: our modules, the look-ups in the snapshot's files
    (polars at work for us included) and the drawing of the table.
    """
    once(function("seal_releases", "benchmarks.show", folder, times=1))
    show_command = [str(Path(sysconfig.get_path("scripts")) / "codeset"), "show", HCPCS, "--release", RELEASE]
    show_job = Job("show", [*show_command, "--store", str(folder / "store")], RUNS)
    try:
        once(show_job)
    # The command is a script of the environment, which a checkout without an install does not have.
    except (OSError, RuntimeError) as error:
        print(f"show: `codeset show` does not run here, its rows are left out ({error})")
        return
    part_jobs = [
        Job(job_name, [sys.executable, "-c", source_code], RUNS) for job_name, source_code in _CODE_OF_PARTS.items()
    ]
    seconds_of = {job_name: job.seconds for job_name, job in interleaved([show_job, *part_jobs]).items()}
    yield Row("show, cold process", f"{seconds_of['show']:.2f} s", "", "", "< 1 s", seconds_of["show"] < 1)
    libraries = f"polars {seconds_of['polars']:.2f} s, typer, pydantic and rich {seconds_of['typer']:.2f} s"
    # What remains when the same command does nothing but load its libraries.
    own_seconds = seconds_of["show"] - seconds_of["libraries"]
    own_share = own_seconds / seconds_of["show"]
    yield Row(
        "show, of it our own", f"{own_seconds:.2f} s", libraries, f"{own_share:.0%} of it", "< 25 %", own_share < 0.25
    )


def seal_releases(folder: Path) -> None:
    """Seal the release beside *folder*, for all runs."""
    build(folder.parent / "store")
