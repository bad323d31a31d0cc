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
    for step_name, tree_step in (
        ("reports", lambda tree: _write_reports(tree, inputs)),
        ("reviews and accepted outcomes", lambda tree: _write_review(tree, inputs, releases)),
        ("claims", lambda tree: _write_outcomes(tree, inputs)),
    ):
        report(step_name)
        on_both(trees, tree_step)
    for folder_name in ("suite", "examples"):
        yield compare_files(folder_name, trees, folder_name)
    for folder_name in ("changes", "review"):
        for file_name in sorted({answer_name for tree in trees for answer_name in files_of(tree.folder / folder_name)}):
            yield compare_files(file_name, trees, folder_name, file_name)
    for folder_name in ("frames", "single", "bulk"):
        yield from compare_outcomes(folder_name, trees)


def _build_embedded(tree: Tree) -> list[str]:
    releases = ["2025q4", "2026q3"]
    for release in releases:
        tree.run(tree.command("build", release, "--embedded"))
    return releases


def _inputs(tree_before: Tree, folder: Path, options: argparse.Namespace) -> Inputs:
    """Claims made anew; scenarios and example claims as they are in the tree of *tree_before*."""
    release = "2026q3" if options.quick else "2024q3"
    line_count = options.lines or (50_000 if options.quick else 1_000_000)
    # A copy, so that both trees are given the same ones, whatever else changed in them since.
    scenarios = folder / "scenarios"
    shutil.copytree(tree_before.sources / "compliance_tests" / "scenarios", scenarios)
    examples = tree_before.sources / "tests" / "claims" / "claims"
    return Inputs(
        "2025q4",
        "2026q3",
        release,
        write_claims(folder / "claims", CLAIM_FILES, release, line_count),
        scenarios,
        examples,
    )


def _write_reports(tree: Tree, inputs: Inputs) -> None:
    report_folder = tree.folder / "changes"
    report_folder.mkdir()
    for report_form in ("md", "json", "xlsx"):
        tree.run(
            tree.command(
                "diff", inputs.old, inputs.new, "--format", report_form, "-o", report_folder / f"changes.{report_form}"
            )
        )


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
        command_output = tree.run(tree.command("test", release, "--json", "--scenarios", scenarios), may_refuse=release)
        (tree.folder / "suite" / f"test-{release}.json").write_text(command_output, encoding="utf-8")
        command_output = tree.run(tree.command("guidance", release, "--json"), may_refuse=release)
        (tree.folder / "suite" / f"guidance-{release}.json").write_text(command_output, encoding="utf-8")


def _write_outcomes(tree: Tree, inputs: Inputs) -> None:
    store, release, claims = tree.store, inputs.claims_release, inputs.claims
    tree.run(tree.job("outcomes", store, release, claims, tree.folder / "frames"))
    tree.run(tree.job("single_claims", store, release, claims, 250, tree.folder / "single"))
    bulk_folder = tree.folder / "bulk-run"
    claim_files = sorted(claims.iterdir())
    tree.run(
        tree.command("adjudicate", *claim_files, "-o", f"{bulk_folder}/", "--release", release, *tree.participant())
    )
    (tree.folder / "bulk" / "all").mkdir(parents=True)
    tree.run(tree.job("scan_bulk", bulk_folder, tree.folder / "bulk" / "all"))
    examples_folder = tree.folder / "examples"
    examples_folder.mkdir()
    for example_file in sorted(inputs.examples.iterdir()):
        if example_file.stem != "bad":
            options = ("--release", inputs.new, "--format", "json", "--explain", "--locality", "national")
            example_output = tree.run(tree.command("adjudicate", example_file, *options, *tree.participant()))
            (examples_folder / f"{example_file.name}.json").write_text(example_output, encoding="utf-8")
