"""Whether two trees of this project answer alike, and how fast: `python -m benchmarks.compare_trees BEFORE`.

Each tree runs in processes of its own, by its own `.venv` where it has one. What is compared: snapshots byte for byte;
change reports, reviews and accepted outcomes cell for cell; lines, findings and amounts of synthetic claims row for
row, in bulk, as frames and one claim at a time; then processor time, wall time and peak memory as ratios.
Exit code 1 if anything differs, or takes over a tenth more.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import REPOSITORY
from benchmarks.tree_answers import compare_answers
from benchmarks.tree_differences import Comparison
from benchmarks.tree_speed import Ratio, compare_speed
from benchmarks.trees import Tree

MOST_ALLOWED = 1.1
"""The ratio above which the tree of now takes too long or too much."""

_DIFFERENCES_SHOWN = 4


def main(arguments: Sequence[str]) -> int:
    """Compare two trees and print the table; return the exit code."""
    options = _options(arguments)
    with TemporaryDirectory(prefix="codeset-trees-") as folder_name:
        folder = Path(folder_name)
        trees = (
            Tree("before", options.before.resolve(), folder / "before"),
            Tree("after", options.after.resolve(), folder / "after"),
        )
        # Apart from the sources: neither tree is written to.
        for tree in trees:
            tree.folder.mkdir()
        comparisons = list(compare_answers(trees, folder, options)) if options.only != "speed" else []
        ratios = [] if options.quick or options.only == "answers" else list(compare_speed(trees, folder, options))
    return _print_table(comparisons, ratios)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.compare_trees", description=__doc__)
    parser.add_argument("before", type=Path, metavar="BEFORE", help="the tree whose answers are right")
    parser.add_argument("--after", type=Path, default=REPOSITORY, help="the tree to compare with it [default: this]")
    parser.add_argument("--quick", action="store_true", help="embedded releases, 100,000 lines, no speed")
    parser.add_argument("--only", choices=("answers", "speed"))
    parser.add_argument("--lines", type=int, help="lines of each claim file [default: 1,000,000; for speed 10,000,000]")
    return parser.parse_args(arguments)


def _print_table(comparisons: Sequence[Comparison], ratios: Sequence[Ratio]) -> int:
    for comparison in comparisons:
        verdict = f"{len(comparison.differences)} DIFFER" if comparison.differences else "same"
        print(f"{comparison.what:28} {comparison.size:>16}  {verdict}")
        for difference_text in comparison.differences[:_DIFFERENCES_SHOWN]:
            print(f"    {difference_text[:400]}")
    for ratio_row in ratios:
        remark = "" if ratio_row.ratio <= MOST_ALLOWED else f"  above {MOST_ALLOWED}"
        print(f"{ratio_row.what:28} {ratio_row.before:>12} {ratio_row.after:>12}  {ratio_row.ratio:.2f}{remark}")
    return int(
        any(comparison.differences for comparison in comparisons)
        or any(ratio_row.ratio > MOST_ALLOWED for ratio_row in ratios)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
