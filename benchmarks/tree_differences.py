"""What differs between the files and tables of two trees, in words."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import polars as pl
from bs4 import BeautifulSoup
from openpyxl import load_workbook

from benchmarks.trees import Tree

_SENTENCES = ("says", "do")


@dataclass
class Comparison:
    """One line of the table; `differences` are the first ones found, in words."""

    what: str
    size: str
    differences: list[str] = field(default_factory=list)


def compare_files(what: str, trees: Sequence[Tree], name: str, pattern: str = "*") -> Comparison:
    """Compare the files of both trees' folders of one *name*, those that *pattern* matches."""
    before, after = (files_of(tree.folder / name, pattern) for tree in trees)
    differences = [f"{file}: only {trees[file in after].name}" for file in sorted(set(before) ^ set(after))]
    for file in sorted(set(before) & set(after)):
        if before[file].read_bytes() != after[file].read_bytes():
            differences += [f"{file}: {text}" for text in _differences_of(before[file], after[file])]
    return Comparison(what, f"{len(before)} files", differences)


def files_of(folder: Path, pattern: str = "*") -> dict[str, Path]:
    """Return the files below *folder* that match *pattern*, by their path in it."""
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
    # Drawings and styles may change while every figure that is read stays: the text is what is compared.
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


def compare_outcomes(what: str, trees: Sequence[Tree]) -> Iterator[Comparison]:
    """Compare the tables of outcomes; what a finding says in words apart from what it is."""
    tables = [files_of(tree.folder / what) for tree in trees]
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
