"""One look-up from a cold process, and how much of it is our own code rather than Python and the libraries."""

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from benchmarks.build import ours as build
from benchmarks.measure import Job, Row, function, interleaved, once

RELEASE, HCPCS, TIMES = "2024q3", "11102", 11

_IMPORTS = {"polars": "import polars", "typer, rich": "import typer, rich", "all": "import polars, typer, rich"}


def rows(folder: Path) -> Iterator[Row]:
    """Seal one release in *folder*, measure; yield the table's rows."""
    once(function("sealed", "benchmarks.show", folder, times=1))
    command = [str(Path(sysconfig.get_path("scripts")) / "codeset"), "show", HCPCS, "--release", RELEASE]
    show = Job("show", [*command, "--store", str(folder / "store")], TIMES)
    try:
        once(show)
    except (OSError, RuntimeError) as error:
        print(f"show: `codeset show` does not run here, its rows are left out ({error})")
        return
    imports = [Job(name, [sys.executable, "-c", code], TIMES) for name, code in _IMPORTS.items()]
    found = {name: each.seconds for name, each in interleaved([show, *imports]).items()}
    yield Row("show, cold process", f"{found['show']:.2f} s", "", "", "< 1 s", found["show"] < 1)
    libraries = f"polars {found['polars']:.2f} s, typer and rich {found['typer, rich']:.2f} s"
    own = found["show"] - found["all"]
    yield Row("show, of it our own", f"{own:.2f} s", libraries, f"{own / found['show']:.0%} of it")


def sealed(folder: Path) -> None:
    """Seal the release beside *folder*, for all runs."""
    build(folder.parent / "store")
