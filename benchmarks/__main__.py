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
from benchmarks.measure import CMS_FILES, Row

BENCHMARKS = {
    "build": build.rows,
    "claims": claims.rows,
    "diff": diff.rows,
    "show": show.rows,
    "suite": suite.rows,
}


def main(benchmark_names: Sequence[str]) -> int:
    """Run the benchmarks called *benchmark_names* and print their table; return the exit code."""
    if unknown_names := set(benchmark_names) - set(BENCHMARKS):
        print(f"no benchmark is called {', '.join(sorted(unknown_names))}; there are: {', '.join(BENCHMARKS)}")
        return 2
    if not CMS_FILES.is_dir():
        print(f"{CMS_FILES}: not there. The benchmarks read real CMS files; set CODESET_CMS_DIR. Nothing was measured.")
        return 0
    print(_machine_in_words())
    _print_table(
        [
            table_row
            for benchmark_name in benchmark_names or BENCHMARKS
            for table_row in _rows_of_benchmark(benchmark_name)
        ]
    )
    return 0


def _machine_in_words() -> str:
    # The cores that this process may use: a container often has fewer than its machine.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, polars {version('polars')}"
    )


def _rows_of_benchmark(benchmark_name: str) -> list[Row]:
    print(f"measuring {benchmark_name} ...", flush=True)
    with TemporaryDirectory(prefix="codeset-benchmark-") as folder:
        return list(BENCHMARKS[benchmark_name](Path(folder)))


def _print_table(table_rows: Sequence[Row]) -> None:
    table_cells = [["what", "ours", "other", "ratio", "goal", "met"], *(table_row.cells for table_row in table_rows)]
    column_widths = [max(map(len, column)) for column in zip(*table_cells, strict=True)]
    for line_cells in table_cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line_cells, column_widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
