"""The two trees that are compared, and the work that both are given."""

import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.claim_files import LINES_IN_A_FILE, office_claims, varied_claims
from benchmarks.measure import CMS_FILES, REPOSITORY
from codeset.releases import Release

DELIVERIES_FILE = REPOSITORY / "tests" / "real" / "deliveries.toml"

JOBS_FILE = Path(__file__).parent / "tree_jobs.py"

CLAIM_FILES = {"office": office_claims, "varied": varied_claims}

_STARTED_AT = time.perf_counter()


@dataclass(frozen=True)
class Tree:
    """One of the two trees: its sources, and the folder into which its answers go."""

    name: str
    sources: Path
    folder: Path

    @property
    def store(self) -> Path:
        """The folder of its snapshots."""
        return self.folder / "store"

    @property
    def python(self) -> str:
        """Its own interpreter where it has one, else this one."""
        interpreter = self.sources / ".venv" / "bin" / "python"
        return str(interpreter) if interpreter.exists() else sys.executable

    @property
    def environment(self) -> dict[str, str]:
        """Its own code, and nothing of what is set for the other."""
        import_paths = f"{self.sources}{os.pathsep}{self.sources / 'ingest'}"
        return os.environ | {"PYTHONPATH": import_paths, "CODESET_STORE": str(self.store), "COLUMNS": "300"}

    def job(self, job_name: str, *arguments: object) -> list[str]:
        """Return the command that runs a job of `tree_jobs`."""
        # -P: without it this folder's own `codeset` would come before that of the tree.
        return [self.python, "-P", str(JOBS_FILE), job_name, *map(str, arguments)]

    def command(self, *arguments: object) -> list[str]:
        """Return the command line of its `codeset`."""
        return [self.python, "-P", "-m", "codeset.cli", *map(str, arguments)]

    def run(self, command: Sequence[str], may_refuse: str = "") -> str:
        """Return what *command* prints; exit code 1 says that something was found.

        Raises RuntimeError: if it ends otherwise, but for a refusal (exit code 2) that has *may_refuse* in it.
        """
        process = subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False
        )
        if may_refuse and process.returncode == 2 and may_refuse in process.stderr:
            return process.stderr
        if process.returncode not in (0, 1) or "Traceback" in process.stderr:
            raise RuntimeError(
                f"{self.name}: {' '.join(command)}: exit code {process.returncode}\n{process.stderr[-3000:]}"
            )
        return process.stdout

    def participant(self) -> list[str]:
        """Return the option that says whose conversion factor is meant."""
        has_qualifying_apm = "--qualifying-apm" in self.run(self.command("adjudicate", "--help"))
        return ["--qualifying-apm", "no"] if has_qualifying_apm else ["--participant", "non-qp"]


def on_both(trees: Sequence[Tree], tree_step: Callable[[Tree], Any]) -> list[Any]:
    """What *tree_step* returns for each tree, both at once."""
    # Threads are enough: each waits for a process of its tree.
    with ThreadPoolExecutor(len(trees)) as thread_pool:
        return list(thread_pool.map(tree_step, trees))


def build_real(tree: Tree) -> list[str]:
    """Seal every release of which there are files of CMS's; return those that scenarios can be tried on."""
    # The list that the tests of real releases build by, so that both seal the same.
    deliveries = tomllib.loads(DELIVERIES_FILE.read_text(encoding="utf-8"))
    for release, delivery in deliveries.items():
        file_arguments = [argument for file_name in delivery["files"] for argument in ("--from", CMS_FILES / file_name)]
        carry_arguments = [
            argument
            for table_name, origin_release in delivery.get("carried", {}).items()
            for argument in ("--carry", f"{table_name}={origin_release}")
        ]
        tree.run(tree.command("build", release, *file_arguments, *carry_arguments))
    return [release for release in deliveries if (tree.sources / f"compliance_tests/golden/{release}.json").exists()]


def write_claims(
    folder: Path, writers: Mapping[str, Callable[..., pl.DataFrame]], release: str, line_count: int
) -> Path:
    """Write *line_count* lines of each kind of claims into *folder*, in files of a size that fits into memory."""
    folder.mkdir()
    for claim_kind, claim_writer in writers.items():
        for file_number, first_line in enumerate(range(0, line_count, LINES_IN_A_FILE)):
            claim_lines = claim_writer(
                file_number, Release.parse(release), min(LINES_IN_A_FILE, line_count - first_line)
            )
            claim_lines.write_parquet(folder / f"{claim_kind}-{file_number:03}.parquet")
    return folder


def report(progress_text: str) -> None:
    """Print what is done now, and after how many seconds."""
    # On stderr: stdout has the table.
    print(f"{time.perf_counter() - _STARTED_AT:4.0f} s: {progress_text} ...", file=sys.stderr, flush=True)
