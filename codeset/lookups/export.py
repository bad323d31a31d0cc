"""A snapshot's tables as files that other tools read."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from codeset import wording
from codeset.atomic_write import new_folder
from codeset.errors import StoreProblem
from codeset.progress import Say, silent
from codeset.snapshot import Snapshot

if TYPE_CHECKING:
    from codeset.workbook import Sheet

MOST_ROWS = 1_048_575
"""Rows below the header that a workbook's sheet can hold."""


def export(snapshot: Snapshot, folder: Path, form: str, say: Say = silent) -> Path:
    """Write each table of *snapshot* as *form* (csv, xlsx, parquet) into `folder/<release>`; return that folder.

    Raises StoreProblem: if it is there already, or cannot be written; then nothing is left behind.
    """
    target = folder / str(snapshot.release)
    if target.exists():
        raise StoreProblem(f"{target} is there already; nothing was written")
    try:
        with new_folder(target) as unfinished:
            for table in sorted(snapshot.manifest.tables):
                say(f"writing {table}.{form}")
                _write(snapshot, table, unfinished / f"{table}.{form}")
    except OSError as error:
        raise StoreProblem(f"{target}: cannot be written ({error.strerror})") from error
    return target


def _write(snapshot: Snapshot, table: str, file: Path) -> None:
    if file.suffix == ".parquet":
        # The sealed bytes, whose digest the manifest has; polars of another version would write others.
        shutil.copyfile(snapshot.path / file.name, file)
    elif file.suffix == ".csv":
        snapshot.table(table).write_csv(file)
    else:
        from codeset import workbook  # noqa: PLC0415 (needs the review extra)

        workbook.write(file, _sheets(table, snapshot.table(table)))


def _sheets(table: str, frame: pl.DataFrame) -> dict[str, "Sheet"]:
    """One sheet, or as many as the rows need."""
    from codeset.workbook import Sheet  # noqa: PLC0415

    header = [wording.named(column) for column in frame.columns]
    pieces = list(frame.iter_slices(MOST_ROWS)) or [frame]
    names = [table] if len(pieces) == 1 else [f"{table} {number}" for number in range(1, len(pieces) + 1)]
    return {name: Sheet(piece.iter_rows(), header) for name, piece in zip(names, pieces, strict=True)}
