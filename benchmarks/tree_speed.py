"""Time and memory of two trees on the same claims, as ratios."""

import argparse
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Job, Measurement, interleaved, once
from benchmarks.trees import CLAIM_FILES, Tree, build_real, report, write_claims

_TURNS = 3


@dataclass(frozen=True)
class Ratio:
    """Something measured of both trees, in the least of several runs."""

    what: str
    before: str
    after: str
    ratio: float


def compare_speed(trees: Sequence[Tree], folder: Path, options: argparse.Namespace) -> Iterator[Ratio]:
    """Measure both trees in turn, so that a machine's slow minute falls on both."""
    report("sealing releases")
    for tree in trees:
        if not tree.store.exists():
            build_real(tree)
    lines = options.lines or 10_000_000
    for kind, claims in CLAIM_FILES.items():
        report(f"writing {lines:,} lines of {kind} claims")
        files = write_claims(folder / f"many-{kind}", {kind: claims}, "2024q3", lines)
        yield from _bulk_ratios(kind, trees, files)
        yield _warm_ratio(kind, trees, files)
        shutil.rmtree(files)


def _bulk_ratios(kind: str, trees: Sequence[Tree], claims: Path) -> Iterator[Ratio]:
    """Every edit and the price of all the claims: time and memory."""
    runs: dict[str, list[Measurement]] = {tree.name: [] for tree in trees}
    for turn in range(_TURNS):
        for tree in trees:
            report(f"{kind} claims in bulk, {tree.name}, {turn + 1} of {_TURNS}")
            runs[tree.name].append(_bulk(tree, claims))
    for what, shown, value in (
        ("processor time", "{:.1f} s", lambda run: run.processor),
        ("wall time", "{:.1f} s", lambda run: run.seconds),
        ("peak memory", "{:.2f} GiB", lambda run: run.peak / 2**30),
    ):
        before, after = (min(map(value, runs[tree.name])) for tree in trees)
        yield Ratio(f"{kind}, bulk: {what}", shown.format(before), shown.format(after), after / before)


def _bulk(tree: Tree, claims: Path) -> Measurement:
    """One run of `codeset adjudicate` over all the claims, its output thrown away."""
    output = tree.folder / "measured"
    arguments = (*sorted(claims.iterdir()), "-o", f"{output}/", "--release", "2024q3", *tree.participant())
    # Exit code 1 says that lines are denied; and what it prints is no part of the time that `measure` reads from
    # stdout.
    command = ["sh", "-c", f"{shlex.join(tree.command('adjudicate', *arguments))} >&2; test $? -le 1"]
    measured = once(Job(tree.name, command, 1, has_children=True, environment=tree.environment))
    shutil.rmtree(output)
    return measured


def _warm_ratio(kind: str, trees: Sequence[Tree], claims: Path) -> Ratio:
    """One claim after another in a process that has read a thousand others before."""
    report(f"{kind} claims one at a time")
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
