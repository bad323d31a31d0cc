"""Time and memory of two trees on the same claims, as ratios."""

import argparse
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Job, Measurement, interleaved, once
from benchmarks.trees import CLAIM_FILES, Tree, build_real, report, write_claims

_TURNS_OF_EACH = 3


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
    line_count = options.lines or 10_000_000
    for claim_kind, claim_writer in CLAIM_FILES.items():
        report(f"writing {line_count:,} lines of {claim_kind} claims")
        claims_folder = write_claims(folder / f"many-{claim_kind}", {claim_kind: claim_writer}, "2024q3", line_count)
        yield from _bulk_ratios(claim_kind, trees, claims_folder)
        yield _warm_ratio(claim_kind, trees, claims_folder)
        # Before the next kind is written: the disk needs room for one of them.
        shutil.rmtree(claims_folder)


def _bulk_ratios(claim_kind: str, trees: Sequence[Tree], claims_folder: Path) -> Iterator[Ratio]:
    """Every edit and the price of all the claims: time and memory."""
    runs_by_tree: dict[str, list[Measurement]] = {tree.name: [] for tree in trees}
    for turn_number in range(_TURNS_OF_EACH):
        for tree in trees:
            report(f"{claim_kind} claims in bulk, {tree.name}, {turn_number + 1} of {_TURNS_OF_EACH}")
            runs_by_tree[tree.name].append(_bulk_run(tree, claims_folder))
    for measure_name, figure_format, figure_of_run in (
        ("processor time", "{:.1f} s", lambda bulk_run: bulk_run.processor),
        ("wall time", "{:.1f} s", lambda bulk_run: bulk_run.seconds),
        ("peak memory", "{:.2f} GiB", lambda bulk_run: bulk_run.peak / 2**30),
    ):
        # The least of the runs: whatever disturbs one only adds to it.
        least_before, least_after = (min(map(figure_of_run, runs_by_tree[tree.name])) for tree in trees)
        yield Ratio(
            f"{claim_kind}, bulk: {measure_name}",
            figure_format.format(least_before),
            figure_format.format(least_after),
            least_after / least_before,
        )


def _bulk_run(tree: Tree, claims_folder: Path) -> Measurement:
    """One run of `codeset adjudicate` over all the claims, its output thrown away."""
    output_folder = tree.folder / "measured"
    arguments = (
        *sorted(claims_folder.iterdir()),
        "-o",
        f"{output_folder}/",
        "--release",
        "2024q3",
        *tree.participant(),
    )
    # Exit code 1 says that lines are denied; and what it prints is no part of the time that `measure` reads from
    # stdout.
    command = ["sh", "-c", f"{shlex.join(tree.command('adjudicate', *arguments))} >&2; test $? -le 1"]
    bulk_measurement = once(Job(tree.name, command, 1, has_children=True, environment=tree.environment))
    shutil.rmtree(output_folder)
    return bulk_measurement


def _warm_ratio(claim_kind: str, trees: Sequence[Tree], claims_folder: Path) -> Ratio:
    """One claim after another in a process that has read a thousand others before."""
    report(f"{claim_kind} claims one at a time")
    jobs = [
        Job(
            tree.name,
            tree.job("warm", tree.store, "2024q3", min(claims_folder.iterdir()), 1_000, 300),
            _TURNS_OF_EACH,
            times_itself=True,
            environment=tree.environment,
        )
        for tree in trees
    ]
    measurements = interleaved(jobs)
    seconds_before, seconds_after = (measurements[tree.name].seconds for tree in trees)
    return Ratio(
        f"{claim_kind}, one claim",
        f"{seconds_before * 1000:.1f} ms",
        f"{seconds_after * 1000:.1f} ms",
        seconds_after / seconds_before,
    )
