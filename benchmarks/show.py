"""One look-up from a cold process, and how much of it is our own code rather than Python and the libraries."""

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from benchmarks.build import ours as build
from benchmarks.measure import Job, Row, function, interleaved, once

RELEASE, HCPCS, TIMES = "2024q3", "11102", 11

_COMMAND = """
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

_PARTS = {"polars": "import polars", "typer": _COMMAND.replace("polars, ", ""), "libraries": _COMMAND}


def rows(folder: Path) -> Iterator[Row]:
    """Seal one release in *folder*, measure; yield the table's rows.

    What is our own is the command's time less the libraries' part: our modules, the look-ups in the snapshot's files
    (polars at work for us included) and the drawing of the table.
    """
    once(function("seal_releases", "benchmarks.show", folder, times=1))
    command = [str(Path(sysconfig.get_path("scripts")) / "codeset"), "show", HCPCS, "--release", RELEASE]
    show = Job("show", [*command, "--store", str(folder / "store")], TIMES)
    try:
        once(show)
    # The command is a script of the environment, which a checkout without an install does not have.
    except (OSError, RuntimeError) as error:
        print(f"show: `codeset show` does not run here, its rows are left out ({error})")
        return
    parts = [Job(name, [sys.executable, "-c", code], TIMES) for name, code in _PARTS.items()]
    seconds_of = {name: job.seconds for name, job in interleaved([show, *parts]).items()}
    yield Row("show, cold process", f"{seconds_of['show']:.2f} s", "", "", "< 1 s", seconds_of["show"] < 1)
    libraries = f"polars {seconds_of['polars']:.2f} s, typer, pydantic and rich {seconds_of['typer']:.2f} s"
    own = seconds_of["show"] - seconds_of["libraries"]
    share = own / seconds_of["show"]
    yield Row("show, of it our own", f"{own:.2f} s", libraries, f"{share:.0%} of it", "< 25 %", share < 0.25)


def seal_releases(folder: Path) -> None:
    """Seal the release beside *folder*, for all runs."""
    build(folder.parent / "store")
