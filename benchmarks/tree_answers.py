"""The answers of two trees to the same files and claims, compared."""

import argparse
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tree_differences import Comparison, compare_files, compare_outcomes, files_of
from benchmarks.trees import CLAIM_FILES, Tree, build_real, on_both, report, write_claims


@dataclass(frozen=True)
class Inputs:
    """What both trees are given: releases to compare, the one that claims are read against, claims, scenarios."""

    old: str
    new: str
    claims_release: str
    claims: Path
    scenarios: Path
    examples: Path


def compare_answers(trees: Sequence[Tree], folder: Path, options: argparse.Namespace) -> Iterator[Comparison]:
    """Let both trees seal, compare, review and adjudicate the same; yield what differs, file by file."""
    report("sealing releases")
    releases = on_both(trees, _build_embedded if options.quick else build_real)[0]
    yield compare_files("snapshots", trees, "store")
    inputs = _inputs(trees[0], folder, options)
    for step, act in (
        ("reports", lambda tree: _write_reports(tree, inputs)),
        ("reviews and accepted outcomes", lambda tree: _write_review(tree, inputs, releases)),
        ("claims", lambda tree: _write_outcomes(tree, inputs)),
    ):
        report(step)
        on_both(trees, act)
    for what in ("suite", "examples"):
        yield compare_files(what, trees, what)
    for what in ("changes", "review"):
        for file in sorted({name for tree in trees for name in files_of(tree.folder / what)}):
            yield compare_files(file, trees, what, file)
    for what in ("frames", "single", "bulk"):
        yield from compare_outcomes(what, trees)


def _build_embedded(tree: Tree) -> list[str]:
    releases = ["2025q4", "2026q3"]
    for release in releases:
        tree.run(tree.command("build", release, "--embedded"))
    return releases


def _inputs(before: Tree, folder: Path, options: argparse.Namespace) -> Inputs:
    """Claims made anew; scenarios and example claims as they lie in the tree of *before*."""
    release = "2026q3" if options.quick else "2024q3"
    lines = options.lines or (50_000 if options.quick else 1_000_000)
    scenarios = folder / "scenarios"
    shutil.copytree(before.sources / "compliance_tests" / "scenarios", scenarios)
    examples = before.sources / "tests" / "claims" / "claims"
    return Inputs(
        "2025q4", "2026q3", release, write_claims(folder / "claims", CLAIM_FILES, release, lines), scenarios, examples
    )


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
        # Where a tree contradicts a coder it accepts nothing, and of a release without a table that claims need it
        # tries none: what it says of that is compared in place of a golden.
        tree.run(tree.command("test", release, "--accept", "--scenarios", scenarios), may_refuse=release)
        output = tree.run(tree.command("test", release, "--json", "--scenarios", scenarios), may_refuse=release)
        (tree.folder / "suite" / f"test-{release}.json").write_text(output, encoding="utf-8")
        output = tree.run(tree.command("guidance", release, "--json"), may_refuse=release)
        (tree.folder / "suite" / f"guidance-{release}.json").write_text(output, encoding="utf-8")


def _write_outcomes(tree: Tree, inputs: Inputs) -> None:
    store, release, claims = tree.store, inputs.claims_release, inputs.claims
    tree.run(tree.job("outcomes", store, release, claims, tree.folder / "frames"))
    tree.run(tree.job("single_claims", store, release, claims, 250, tree.folder / "single"))
    bulk = tree.folder / "bulk-run"
    files = sorted(claims.iterdir())
    tree.run(tree.command("adjudicate", *files, "-o", f"{bulk}/", "--release", release, *tree.participant()))
    (tree.folder / "bulk" / "all").mkdir(parents=True)
    tree.run(tree.job("scan_bulk", bulk, tree.folder / "bulk" / "all"))
    examples = tree.folder / "examples"
    examples.mkdir()
    for file in sorted(inputs.examples.iterdir()):
        if file.stem != "bad":
            options = ("--release", inputs.new, "--format", "json", "--explain", "--locality", "national")
            output = tree.run(tree.command("adjudicate", file, *options, *tree.participant()))
            (examples / f"{file.name}.json").write_text(output, encoding="utf-8")
