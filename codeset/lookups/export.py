"""A snapshot's tables as files that other tools read."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from codeset import wording
from codeset.atomic_write import new_folder
from codeset.errors import StoreProblem
from codeset.progress import ReportProgress, silent
from codeset.snapshot import Snapshot

if TYPE_CHECKING:
    from codeset.workbook import Sheet

MOST_ROWS = 1_048_575
"""Rows below the header that a workbook's sheet can hold."""


def export(snapshot: Snapshot, folder: Path, file_format: str, report_progress: ReportProgress = silent) -> Path:
    """Write each table of *snapshot* as *file_format* (csv, xlsx, parquet) into `folder/<release>`; return that folder.

    Raises StoreProblem: if it is there already, or cannot be written; then nothing is left behind.
    """
    release_folder = folder / str(snapshot.release)
    if release_folder.exists():
        raise StoreProblem(f"{release_folder} is there already; nothing was written")
    try:
        with new_folder(release_folder) as unfinished:
            for table_name in sorted(snapshot.manifest.tables):
                report_progress(f"writing {table_name}.{file_format}")
                _write_table(snapshot, table_name, unfinished / f"{table_name}.{file_format}")
    except OSError as error:
        raise StoreProblem(f"{release_folder}: cannot be written ({error.strerror})") from error
    return release_folder


def _write_table(snapshot: Snapshot, table_name: str, table_path: Path) -> None:
    if table_path.suffix == ".parquet":
        # The sealed bytes, whose digest the manifest has; polars of another version would write others.
        shutil.copyfile(snapshot.path / table_path.name, table_path)
    elif table_path.suffix == ".csv":
        snapshot.table(table_name).write_csv(table_path)
    else:
        # Imported here: csv and parquet need no workbook library.
        from codeset import workbook  # noqa: PLC0415 (needs the review extra)

        workbook.write(table_path, _table_sheets(table_name, snapshot.table(table_name)))


def _table_sheets(table_name: str, table_rows: pl.DataFrame) -> dict[str, "Sheet"]:
    """One sheet, or as many as the rows need."""
    from codeset.workbook import Sheet  # noqa: PLC0415

    captions = [wording.column_label(column) for column in table_rows.columns]
    row_slices = list(table_rows.iter_slices(MOST_ROWS)) or [table_rows]
    sheet_names = (
        [table_name]
        if len(row_slices) == 1
        else [f"{table_name} {sheet_number}" for sheet_number in range(1, len(row_slices) + 1)]
    )
    return {
        sheet_name: Sheet(row_slice.iter_rows(), captions)
        for sheet_name, row_slice in zip(sheet_names, row_slices, strict=True)
    }
