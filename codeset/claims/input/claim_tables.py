"""Tables of claim lines, csv and parquet: scanned lazily, so that a single run and a bulk run read them alike."""

import csv
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import BinaryIO

import polars as pl
from polars.exceptions import PanicException, PolarsError

from codeset.errors import BadInput, Fault

NOTHING_READ = "Nothing was read."
_UNKNOWN_FORMAT = "cannot be read as csv, xlsx, JSON, parquet or X12"


@dataclass(frozen=True)
class TableFile:
    """A csv or parquet file of claim lines: what messages call it, and where its bytes are."""

    name: str
    source: Path | bytes
    is_parquet: bool

    def scan(self) -> pl.LazyFrame:
        """Return its lines as the file has them, those of csv as text."""
        source = BytesIO(self.source) if isinstance(self.source, bytes) else self.source
        # As text: a number that polars infers has lost the zeros before it, as of place of service 02.
        return pl.scan_parquet(source) if self.is_parquet else pl.scan_csv(source, infer_schema=False)

    def read(self) -> pl.DataFrame:
        """Return its lines.

        Raises BadInput: for a file that is not whole, with its faults.
        """
        with reading([self]), _silent_panics():
            return self.scan().collect()

    def line_count(self) -> int:
        """Return how many lines it has; of parquet that is in its footer.

        Raises BadInput: for a file that is not whole, with its faults.
        """
        with reading([self]), _silent_panics():
            return int(self.scan().select(pl.len()).collect().item())

    def columns(self) -> list[str]:
        """Return the names of its columns.

        Raises BadInput: for a file that is not whole, with its faults.
        """
        with reading([self]), _silent_panics():
            return self.scan().collect_schema().names()

    def is_whole(self) -> bool:
        """Return whether every cell can be read; nothing of it is kept."""
        try:
            with _silent_panics():
                # In a stream: a file that is larger than the memory is looked through as well.
                self.scan().select(pl.all().count()).collect(engine="streaming")
        except (PolarsError, PanicException):
            return False
        return True

    def faults(self) -> list[Fault]:
        """Return why polars cannot read the file, in our words: its own may show a patient's data."""
        if self.is_parquet:
            return [Fault(self.name, 0, "begins like a parquet file, but cannot be read as one")]
        with BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb") as byte_stream:
            return list(_csv_faults(byte_stream, self.name)) or [Fault(self.name, 0, _UNKNOWN_FORMAT)]


@contextmanager
def reading(table_files: Sequence[TableFile]) -> Iterator[None]:
    """Run a block that reads *table_files*.

    Raises BadInput: for what polars cannot read, with the faults of the files; its own words may show a patient's data.
    """
    try:
        yield
    except (PolarsError, PanicException):
        faults = [fault for table_file in table_files if not table_file.is_whole() for fault in table_file.faults()]
        # Every file can be read, so that the error is the program's: it is not put into words about the data.
        if not faults:
            raise
        raise BadInput(faults, NOTHING_READ) from None  # a traceback shows what polars says


@contextmanager
def _silent_panics() -> Iterator[None]:
    """Keep polars, which a damaged parquet file makes panic, from printing its stack to the terminal.

    The message is written to the file descriptor itself, below Python.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    # Python's sys.stderr cannot be swapped for this: the panic is written by Rust, below it.
    null_device = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null_device, 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(null_device)
        os.close(terminal)


def _csv_faults(byte_stream: BinaryIO, file_name: str) -> Iterator[Fault]:
    """What is wrong with a csv: cells beyond the header's, a quote that does not end, bytes that are no UTF-8."""
    text_stream = TextIOWrapper(byte_stream, encoding="utf-8", newline="")
    csv_rows = csv.reader(text_stream, strict=True)
    try:
        header_width = len(next(csv_rows))
        for csv_row in csv_rows:
            if len(csv_row) > header_width:
                yield Fault(
                    file_name,
                    csv_rows.line_num,
                    f"expected {header_width} cells, as in the header, found {len(csv_row)}",
                )
    except csv.Error:
        yield Fault(file_name, csv_rows.line_num, "expected a quoted cell to end with its quote")
    except UnicodeDecodeError:
        byte_stream.seek(0)
        yield Fault(file_name, _line_of_other_bytes(byte_stream), "expected text in UTF-8, found other bytes")
    finally:
        # Else the stream would close the file, which is the caller's, when it is collected.
        text_stream.detach()


def _line_of_other_bytes(byte_stream: BinaryIO) -> int:
    for line_number, line_bytes in enumerate(byte_stream, start=1):
        try:
            line_bytes.decode()
        except UnicodeDecodeError:
            return line_number
    return 0
