"""`python -m benchmarks [build|claims|diff|show|suite ...]`: a table of what was measured against what; all by default.

Nothing fails on a missed goal: a machine at work says little about one run.
"""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import build, claims, diff, show, suite
from benchmarks.measure import CMS, Row

BENCHMARKS = {
    "build": build.rows,
    "claims": claims.rows,
    "diff": diff.rows,
    "show": show.rows,
    "suite": suite.rows,
}


def main(names: Sequence[str]) -> int:
    """Run the benchmarks called *names* and print their table; return the exit code."""
    if unknown := set(names) - set(BENCHMARKS):
        print(f"no benchmark is called {', '.join(sorted(unknown))}; there are: {', '.join(BENCHMARKS)}")
        return 2
    if not CMS.is_dir():
        print(f"{CMS}: not there. The benchmarks read real CMS files; set CODESET_CMS_DIR. Nothing was measured.")
        return 0
    print(_machine())
    _print_table([row for name in names or BENCHMARKS for row in _measured(name)])
    return 0


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, polars {version('polars')}"
    )


def _measured(name: str) -> list[Row]:
    print(f"measuring {name} ...", flush=True)
    with TemporaryDirectory(prefix="codeset-benchmark-") as folder:
        return list(BENCHMARKS[name](Path(folder)))


def _print_table(rows: Sequence[Row]) -> None:
    cells = [["what", "ours", "other", "ratio", "goal", "met"], *(row.cells for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
