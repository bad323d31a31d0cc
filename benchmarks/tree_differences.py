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


def compare_files(compared_label: str, trees: Sequence[Tree], folder_name: str, pattern: str = "*") -> Comparison:
    """Compare the files of both trees' folders of one *folder_name*, those that *pattern* matches."""
    files_before, files_after = (files_of(tree.folder / folder_name, pattern) for tree in trees)
    # The tree that has the file: False is the first of the two, True the second.
    differences = [
        f"{file_name}: only {trees[file_name in files_after].name}"
        for file_name in sorted(set(files_before) ^ set(files_after))
    ]
    for file_name in sorted(set(files_before) & set(files_after)):
        if files_before[file_name].read_bytes() != files_after[file_name].read_bytes():
            differences += [
                f"{file_name}: {difference_text}"
                for difference_text in _differences_of(files_before[file_name], files_after[file_name])
            ]
    return Comparison(compared_label, f"{len(files_before)} files", differences)


def files_of(folder: Path, pattern: str = "*") -> dict[str, Path]:
    """Return the files below *folder* that match *pattern*, by their path in it."""
    return {str(file_path.relative_to(folder)): file_path for file_path in folder.rglob(pattern) if file_path.is_file()}


def _differences_of(file_before: Path, file_after: Path) -> list[str]:
    """In words what two files differ in; none if they are workbooks of the same cells, or pages of the same text."""
    if file_before.suffix == ".xlsx":
        return list(_different_values(_cells_of_workbook(file_before), _cells_of_workbook(file_after)))
    if file_before.suffix == ".json":
        # The same values in other bytes: an order or the form of a number changed.
        return list(_different_values(json.loads(file_before.read_text()), json.loads(file_after.read_text()))) or [
            "bytes"
        ]
    if file_before.suffix in (".parquet", ".lock"):
        return ["bytes"]
    line_pairs = zip_longest(*(_text_of_file(file_path).splitlines() for file_path in (file_before, file_after)))
    return [
        f"line {line_number}: {line_before!r} | {line_after!r}"
        for line_number, (line_before, line_after) in enumerate(line_pairs, 1)
        if line_before != line_after
    ]


def _text_of_file(file_path: Path) -> str:
    """What a file says; of a page what is read, not how it is marked up or drawn."""
    if file_path.suffix != ".html":
        return file_path.read_text(encoding="utf-8")
    parsed_page = BeautifulSoup(file_path.read_text(encoding="utf-8"), "lxml")
    # Drawings and styles may change while every figure that is read stays: the text is what is compared.
    for drawn_element in parsed_page(["svg", "style", "script"]):
        drawn_element.decompose()
    return parsed_page.get_text("\n", strip=True)


def _cells_of_workbook(workbook_path: Path) -> dict[str, Any]:
    workbook = load_workbook(workbook_path)
    return {
        f"{sheet.title}!{cell.coordinate}": cell.value
        for sheet in workbook.worksheets
        for row_cells in sheet.iter_rows()
        for cell in row_cells
        if cell.value is not None
    }


def _different_values(value_before: Any, value_after: Any, value_path: str = "") -> Iterator[str]:
    """Where two values of JSON differ, and in what."""
    if isinstance(value_before, Mapping) and isinstance(value_after, Mapping):
        # In the order of the file, then what only the other has: differences are listed as a reader meets them.
        for field_name in [
            *value_before,
            *(field_name for field_name in value_after if field_name not in value_before),
        ]:
            if field_name not in value_before or field_name not in value_after:
                yield f"{value_path}.{field_name}: only {'after' if field_name in value_after else 'before'}"
            else:
                yield from _different_values(
                    value_before[field_name], value_after[field_name], f"{value_path}.{field_name}"
                )
    elif isinstance(value_before, list) and isinstance(value_after, list) and len(value_before) == len(value_after):
        for position, (item_before, item_after) in enumerate(zip(value_before, value_after, strict=True)):
            yield from _different_values(item_before, item_after, f"{value_path}[{position}]")
    elif value_before != value_after:
        yield f"{value_path}: {str(value_before)[:150]} | {str(value_after)[:150]}"


def compare_outcomes(folder_name: str, trees: Sequence[Tree]) -> Iterator[Comparison]:
    """Compare the tables of outcomes; what a finding says in words apart from what it is."""
    files_by_tree = [files_of(tree.folder / folder_name) for tree in trees]
    for table_name in ("lines", "findings", "steps"):
        file_pairs = [
            tuple(files[name] for files in files_by_tree) for name in files_by_tree[0] if Path(name).stem == table_name
        ]
        if not file_pairs:
            continue
        row_count, differences, in_words = 0, list[str](), list[str]()
        for rows_before, rows_after in (
            (pl.read_parquet(file_before), pl.read_parquet(file_after)) for file_before, file_after in file_pairs
        ):
            row_count += rows_before.height
            differences += _different_columns(
                rows_before.drop(_SENTENCES, strict=False), rows_after.drop(_SENTENCES, strict=False)
            )
            if table_name == "findings" and rows_before.height == rows_after.height:
                in_words += _different_columns(
                    *(
                        table_rows.select(set(_SENTENCES) & set(table_rows.columns))
                        for table_rows in (rows_before, rows_after)
                    )
                )
        yield Comparison(f"{folder_name}: {table_name}", f"{row_count:,} rows", differences)
        if table_name == "findings" and "says" in rows_before.columns:
            yield Comparison(f"{folder_name}: sentences", f"{row_count:,} rows", in_words)


def _different_columns(rows_before: pl.DataFrame, rows_after: pl.DataFrame) -> Iterator[str]:
    """Which columns of two tables differ, in how many rows, and the first of them."""
    yield from (f"{name}: only in one" for name in sorted(set(rows_before.columns) ^ set(rows_after.columns)))
    if rows_before.height != rows_after.height:
        yield f"{rows_before.height:,} rows | {rows_after.height:,} rows"
        return
    for column_name in rows_before.columns:
        if column_name in rows_after.columns:
            # Every file numbers its categories in its own order: as text they can be compared.
            values_before, values_after = (
                table_rows[column_name].cast(pl.String)
                if table_rows[column_name].dtype == pl.Categorical
                else table_rows[column_name]
                for table_rows in (rows_before, rows_after)
            )
            if values_before.dtype != values_after.dtype:
                yield f"{column_name}: {values_before.dtype} | {values_after.dtype}"
            elif (is_different := values_before.ne_missing(values_after)).any():
                first_place = is_different.arg_true()[0]
                yield (
                    f"{column_name}: {is_different.sum():,} rows, first {_row_in_words(rows_before, first_place)}: "
                    f"{values_before[first_place]!r} | {values_after[first_place]!r}"
                )


def _row_in_words(table_rows: pl.DataFrame, row_index: int) -> str:
    return " ".join(
        str(table_rows[name][row_index]) for name in ("claim_id", "line", "reason") if name in table_rows.columns
    )
