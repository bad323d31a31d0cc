"""Whether two trees of this project answer alike, and how fast: `python -m benchmarks.compare_trees BEFORE`.

Each tree runs in processes of its own, by its own `.venv` where it has one. What is compared: snapshots byte for byte;
change reports, reviews and accepted outcomes cell for cell; lines, findings and amounts of synthetic claims row for
row, in bulk, as frames and one claim at a time; then processor time, wall time and peak memory as ratios.
Exit code 1 if anything differs, or takes over a tenth more.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from bs4 import BeautifulSoup
from openpyxl import load_workbook

from benchmarks.claim_files import LINES_IN_A_FILE, office_claims, varied_claims
from benchmarks.measure import CMS, REPOSITORY, Job, Measured, interleaved, once
from codeset.releases import Release

DELIVERIES = REPOSITORY / "tests" / "real" / "deliveries.toml"
JOBS = Path(__file__).parent / "tree_jobs.py"
MOST = 1.1
"""The ratio above which the tree of now takes too long or too much."""

CLAIM_FILES = {"office": office_claims, "varied": varied_claims}

_DIFFERENCES_SHOWN, _TURNS = 4, 3
_BEGIN = time.perf_counter()


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
        own = self.sources / ".venv" / "bin" / "python"
        return str(own) if own.exists() else sys.executable

    @property
    def environment(self) -> dict[str, str]:
        """Its own code, and nothing of what is set for the other."""
        paths = f"{self.sources}{os.pathsep}{self.sources / 'ingest'}"
        return os.environ | {"PYTHONPATH": paths, "CODESET_STORE": str(self.store), "COLUMNS": "300"}

    def job(self, name: str, *arguments: object) -> list[str]:
        """Return the command that runs a job of `tree_jobs`."""
        return [self.python, "-P", str(JOBS), name, *map(str, arguments)]

    def command(self, *arguments: object) -> list[str]:
        """Return the command line of its `codeset`."""
        return [self.python, "-P", "-m", "codeset.cli", *map(str, arguments)]

    def run(self, command: Sequence[str], may_refuse: str = "") -> str:
        """Return what *command* prints; exit code 1 says that something was found.

        Raises RuntimeError: if it ends otherwise, but for a refusal (exit code 2) that has *may_refuse* in it.
        """
        done = subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False
        )
        if may_refuse and done.returncode == 2 and may_refuse in done.stderr:
            return done.stderr
        if done.returncode not in (0, 1) or "Traceback" in done.stderr:
            raise RuntimeError(f"{self.name}: {' '.join(command)}: exit code {done.returncode}\n{done.stderr[-3000:]}")
        return done.stdout

    def participant(self) -> list[str]:
        """Return the option that says whose conversion factor is meant."""
        asked = "--qualifying-apm" in self.run(self.command("adjudicate", "--help"))
        return ["--qualifying-apm", "no"] if asked else ["--participant", "non-qp"]


@dataclass
class Comparison:
    """One line of the table; `differences` are the first ones found, in words."""

    what: str
    size: str
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Inputs:
    """What both trees are given: releases to compare, the one that claims are read against, claims, scenarios."""

    old: str
    new: str
    claims_release: str
    claims: Path
    scenarios: Path
    examples: Path


def main(arguments: Sequence[str]) -> int:
    """Compare two trees and print the table; return the exit code."""
    chosen = _chosen(arguments)
    with TemporaryDirectory(prefix="codeset-trees-") as name:
        folder = Path(name)
        trees = (
            Tree("before", chosen.before.resolve(), folder / "before"),
            Tree("after", chosen.after.resolve(), folder / "after"),
        )
        for tree in trees:
            tree.folder.mkdir()
        comparisons = list(_answers(trees, folder, chosen)) if chosen.only != "speed" else []
        ratios = [] if chosen.quick or chosen.only == "answers" else list(_speed(trees, folder, chosen))
    return _print_table(comparisons, ratios)


def _chosen(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.compare_trees", description=__doc__)
    parser.add_argument("before", type=Path, metavar="BEFORE", help="the tree whose answers are right")
    parser.add_argument("--after", type=Path, default=REPOSITORY, help="the tree to compare with it [default: this]")
    parser.add_argument("--quick", action="store_true", help="embedded releases, 100,000 lines, no speed")
    parser.add_argument("--only", choices=("answers", "speed"))
    parser.add_argument("--lines", type=int, help="lines of each claim file [default: 1,000,000; for speed 10,000,000]")
    return parser.parse_args(arguments)


def _on_both(trees: Sequence[Tree], act: Callable[[Tree], Any]) -> list[Any]:
    """What *act* returns for each tree, both at once."""
    with ThreadPoolExecutor(len(trees)) as threads:
        return list(threads.map(act, trees))


# --- answers


def _answers(trees: Sequence[Tree], folder: Path, chosen: argparse.Namespace) -> Iterator[Comparison]:
    _tell("sealing releases")
    releases = _on_both(trees, _build_embedded if chosen.quick else _build_real)[0]
    yield _same_files("snapshots", trees, "store")
    inputs = _inputs(trees[0], folder, chosen)
    for tell, act in (
        ("reports", lambda tree: _write_reports(tree, inputs)),
        ("reviews and accepted outcomes", lambda tree: _write_review(tree, inputs, releases)),
        ("claims", lambda tree: _write_outcomes(tree, inputs)),
    ):
        _tell(tell)
        _on_both(trees, act)
    for what in ("suite", "examples"):
        yield _same_files(what, trees, what)
    for what in ("changes", "review"):
        for file in sorted({name for tree in trees for name in _files(tree.folder / what)}):
            yield _same_files(file, trees, what, file)
    for what in ("frames", "single", "bulk"):
        yield from _same_outcomes(what, trees)


def _build_embedded(tree: Tree) -> list[str]:
    releases = ["2025q4", "2026q3"]
    for release in releases:
        tree.run(tree.command("build", release, "--embedded"))
    return releases


def _build_real(tree: Tree) -> list[str]:
    """Seal every release of which there are files of CMS's; return those that scenarios can be tried on."""
    deliveries = tomllib.loads(DELIVERIES.read_text(encoding="utf-8"))
    for release, delivery in deliveries.items():
        files = [argument for name in delivery["files"] for argument in ("--from", CMS / name)]
        carried = [
            argument
            for table, origin in delivery.get("carried", {}).items()
            for argument in ("--carry", f"{table}={origin}")
        ]
        tree.run(tree.command("build", release, *files, *carried))
    return [release for release in deliveries if (tree.sources / f"compliance_tests/golden/{release}.json").exists()]


def _inputs(before: Tree, folder: Path, chosen: argparse.Namespace) -> Inputs:
    """Claims made anew; scenarios and example claims as they lie in the tree of *before*."""
    release = "2026q3" if chosen.quick else "2024q3"
    lines = chosen.lines or (50_000 if chosen.quick else 1_000_000)
    scenarios = folder / "scenarios"
    shutil.copytree(before.sources / "compliance_tests" / "scenarios", scenarios)
    examples = before.sources / "tests" / "claims" / "claims"
    return Inputs(
        "2025q4", "2026q3", release, _write_claims(folder / "claims", CLAIM_FILES, release, lines), scenarios, examples
    )


def _write_claims(folder: Path, writers: Mapping[str, Callable[..., pl.DataFrame]], release: str, lines: int) -> Path:
    """Write so many lines of each kind of claims into *folder*, in files of a size that fits into memory."""
    folder.mkdir()
    for kind, claims in writers.items():
        for number, first in enumerate(range(0, lines, LINES_IN_A_FILE)):
            frame = claims(number, Release.parse(release), min(LINES_IN_A_FILE, lines - first))
            frame.write_parquet(folder / f"{kind}-{number:03}.parquet")
    return folder


def _write_reports(tree: Tree, inputs: Inputs) -> None:
    folder = tree.folder / "changes"
    folder.mkdir()
    for form in ("md", "json", "xlsx"):
        tree.run(tree.command("diff", inputs.old, inputs.new, "--format", form, "-o", folder / f"changes.{form}"))


def _write_review(tree: Tree, inputs: Inputs, releases: Sequence[str]) -> None:
    """The review of one release, and what is said of every scenario on each."""
    scenarios = tree.folder / "suite" / "scenarios"
    shutil.copytree(inputs.scenarios, scenarios)
    tree.run(
        tree.command("review", inputs.old, inputs.new, "-o", tree.folder / "review", "--scenarios", inputs.scenarios)
    )
    for release in releases:
        # Where a tree contradicts a coder it accepts nothing: what it says of that is compared in place of a golden.
        tree.run(tree.command("test", release, "--accept", "--scenarios", scenarios), may_refuse=release)
        output = tree.run(tree.command("test", release, "--json", "--scenarios", scenarios))
        (tree.folder / "suite" / f"test-{release}.json").write_text(output, encoding="utf-8")
        output = tree.run(tree.command("guidance", release, "--json"))
        (tree.folder / "suite" / f"guidance-{release}.json").write_text(output, encoding="utf-8")


def _write_outcomes(tree: Tree, inputs: Inputs) -> None:
    store, release, claims = tree.store, inputs.claims_release, inputs.claims
    tree.run(tree.job("outcomes", store, release, claims, tree.folder / "frames"))
    tree.run(tree.job("single_claims", store, release, claims, 250, tree.folder / "single"))
    bulk = tree.folder / "bulk-run"
    files = sorted(claims.iterdir())
    tree.run(tree.command("adjudicate", *files, "-o", f"{bulk}/", "--release", release, *tree.participant()))
    (tree.folder / "bulk" / "all").mkdir(parents=True)
    tree.run(tree.job("scanned", bulk, tree.folder / "bulk" / "all"))
    examples = tree.folder / "examples"
    examples.mkdir()
    for file in sorted(inputs.examples.iterdir()):
        if file.stem != "bad":
            options = ("--release", inputs.new, "--format", "json", "--explain", "--locality", "national")
            output = tree.run(tree.command("adjudicate", file, *options, *tree.participant()))
            (examples / f"{file.name}.json").write_text(output, encoding="utf-8")


# --- what differs


def _same_files(what: str, trees: Sequence[Tree], name: str, pattern: str = "*") -> Comparison:
    """Compare the files of both trees' folders of one *name*, those that *pattern* matches."""
    before, after = (_files(tree.folder / name, pattern) for tree in trees)
    differences = [f"{file}: only {trees[file in after].name}" for file in sorted(set(before) ^ set(after))]
    for file in sorted(set(before) & set(after)):
        if before[file].read_bytes() != after[file].read_bytes():
            differences += [f"{file}: {text}" for text in _differences_of(before[file], after[file])]
    return Comparison(what, f"{len(before)} files", differences)


def _files(folder: Path, pattern: str = "*") -> dict[str, Path]:
    return {str(file.relative_to(folder)): file for file in folder.rglob(pattern) if file.is_file()}


def _differences_of(before: Path, after: Path) -> list[str]:
    """In words what two files differ in; none if they are workbooks of the same cells, or pages of the same text."""
    if before.suffix == ".xlsx":
        return list(_different_values(_cells(before), _cells(after)))
    if before.suffix == ".json":
        return list(_different_values(json.loads(before.read_text()), json.loads(after.read_text()))) or ["bytes"]
    if before.suffix in (".parquet", ".lock"):
        return ["bytes"]
    lines = zip_longest(*(_text(file).splitlines() for file in (before, after)))
    return [f"line {number}: {one!r} | {two!r}" for number, (one, two) in enumerate(lines, 1) if one != two]


def _text(file: Path) -> str:
    """What a file says; of a page what is read, not how it is marked up or drawn."""
    if file.suffix != ".html":
        return file.read_text(encoding="utf-8")
    page = BeautifulSoup(file.read_text(encoding="utf-8"), "lxml")
    for drawn in page(["svg", "style", "script"]):
        drawn.decompose()
    return page.get_text("\n", strip=True)


def _cells(file: Path) -> dict[str, Any]:
    book = load_workbook(file)
    return {
        f"{sheet.title}!{cell.coordinate}": cell.value
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }


def _different_values(one: Any, two: Any, path: str = "") -> Iterator[str]:
    """Where two values of JSON differ, and in what."""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        for key in [*one, *(key for key in two if key not in one)]:
            if key not in one or key not in two:
                yield f"{path}.{key}: only {'after' if key in two else 'before'}"
            else:
                yield from _different_values(one[key], two[key], f"{path}.{key}")
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        for place, (left, right) in enumerate(zip(one, two, strict=True)):
            yield from _different_values(left, right, f"{path}[{place}]")
    elif one != two:
        yield f"{path}: {str(one)[:150]} | {str(two)[:150]}"


_SENTENCES = ("says", "do")


def _same_outcomes(what: str, trees: Sequence[Tree]) -> Iterator[Comparison]:
    """Compare the tables of outcomes; what a finding says in words apart from what it is."""
    tables = [_files(tree.folder / what) for tree in trees]
    for table in ("lines", "findings", "steps"):
        pairs = [tuple(files[name] for files in tables) for name in tables[0] if Path(name).stem == table]
        if not pairs:
            continue
        rows, differences, in_words = 0, list[str](), list[str]()
        for before, after in ((pl.read_parquet(one), pl.read_parquet(two)) for one, two in pairs):
            rows += before.height
            differences += _different_columns(
                before.drop(_SENTENCES, strict=False), after.drop(_SENTENCES, strict=False)
            )
            if table == "findings" and before.height == after.height:
                in_words += _different_columns(
                    *(frame.select(set(_SENTENCES) & set(frame.columns)) for frame in (before, after))
                )
        yield Comparison(f"{what}: {table}", f"{rows:,} rows", differences)
        if table == "findings" and "says" in before.columns:
            yield Comparison(f"{what}: sentences", f"{rows:,} rows", in_words)


def _different_columns(before: pl.DataFrame, after: pl.DataFrame) -> Iterator[str]:
    """Which columns of two tables differ, in how many rows, and the first of them."""
    yield from (f"{name}: only in one" for name in sorted(set(before.columns) ^ set(after.columns)))
    if before.height != after.height:
        yield f"{before.height:,} rows | {after.height:,} rows"
        return
    for name in before.columns:
        if name in after.columns:
            one, two = (
                frame[name].cast(pl.String) if frame[name].dtype == pl.Categorical else frame[name]
                for frame in (before, after)
            )
            if one.dtype != two.dtype:
                yield f"{name}: {one.dtype} | {two.dtype}"
            elif (differs := one.ne_missing(two)).any():
                place = differs.arg_true()[0]
                yield f"{name}: {differs.sum():,} rows, first {_row(before, place)}: {one[place]!r} | {two[place]!r}"


def _row(frame: pl.DataFrame, place: int) -> str:
    return " ".join(str(frame[name][place]) for name in ("claim_id", "line", "reason") if name in frame.columns)


# --- speed


@dataclass(frozen=True)
class Ratio:
    """Something measured of both trees, in the least of several runs."""

    what: str
    before: str
    after: str
    ratio: float


def _speed(trees: Sequence[Tree], folder: Path, chosen: argparse.Namespace) -> Iterator[Ratio]:
    """Measure both trees in turn, so that a machine's slow minute falls on both."""
    _tell("sealing releases")
    for tree in trees:
        if not tree.store.exists():
            _build_real(tree)
    lines = chosen.lines or 10_000_000
    for kind, claims in CLAIM_FILES.items():
        _tell(f"writing {lines:,} lines of {kind} claims")
        files = _write_claims(folder / f"many-{kind}", {kind: claims}, "2024q3", lines)
        yield from _bulk_ratios(kind, trees, files)
        yield _warm_ratio(kind, trees, files)
        shutil.rmtree(files)


def _bulk_ratios(kind: str, trees: Sequence[Tree], claims: Path) -> Iterator[Ratio]:
    """Every edit and the price of all the claims: time and memory."""
    runs: dict[str, list[Measured]] = {tree.name: [] for tree in trees}
    for turn in range(_TURNS):
        for tree in trees:
            _tell(f"{kind} claims in bulk, {tree.name}, {turn + 1} of {_TURNS}")
            runs[tree.name].append(_bulk(tree, claims))
    for what, shown, value in (
        ("processor time", "{:.1f} s", lambda run: run.processor),
        ("wall time", "{:.1f} s", lambda run: run.seconds),
        ("peak memory", "{:.2f} GiB", lambda run: run.peak / 2**30),
    ):
        before, after = (min(map(value, runs[tree.name])) for tree in trees)
        yield Ratio(f"{kind}, bulk: {what}", shown.format(before), shown.format(after), after / before)


def _bulk(tree: Tree, claims: Path) -> Measured:
    """One run of `codeset adjudicate` over all the claims, its output thrown away."""
    output = tree.folder / "measured"
    arguments = (*sorted(claims.iterdir()), "-o", f"{output}/", "--release", "2024q3", *tree.participant())
    command = ["sh", "-c", f"{shlex.join(tree.command('adjudicate', *arguments))} >&2; test $? -le 1"]
    measured = once(Job(tree.name, command, 1, has_children=True, environment=tree.environment))
    shutil.rmtree(output)
    return measured


def _warm_ratio(kind: str, trees: Sequence[Tree], claims: Path) -> Ratio:
    """One claim after another in a process that has read a thousand others before."""
    _tell(f"{kind} claims one at a time")
    jobs = [
        Job(
            tree.name,
            tree.job("warm", tree.store, "2024q3", min(claims.iterdir()), 1_000, 300),
            _TURNS,
            times_itself=True,
            environment=tree.environment,
        )
        for tree in trees
    ]
    measured = interleaved(jobs)
    before, after = (measured[tree.name].seconds for tree in trees)
    return Ratio(f"{kind}, one claim", f"{before * 1000:.1f} ms", f"{after * 1000:.1f} ms", after / before)


def _tell(text: str) -> None:
    print(f"{time.perf_counter() - _BEGIN:4.0f} s: {text} ...", file=sys.stderr, flush=True)


def _print_table(comparisons: Sequence[Comparison], ratios: Sequence[Ratio]) -> int:
    for each in comparisons:
        verdict = f"{len(each.differences)} DIFFER" if each.differences else "same"
        print(f"{each.what:28} {each.size:>16}  {verdict}")
        for text in each.differences[:_DIFFERENCES_SHOWN]:
            print(f"    {text[:400]}")
    for row in ratios:
        too_much = "" if row.ratio <= MOST else f"  above {MOST}"
        print(f"{row.what:28} {row.before:>12} {row.after:>12}  {row.ratio:.2f}{too_much}")
    return int(any(each.differences for each in comparisons) or any(row.ratio > MOST for row in ratios))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
