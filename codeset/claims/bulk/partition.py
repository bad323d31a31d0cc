"""Claim lines of many files in parts of whole beneficiaries: as they lie, or else parted on disk."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import polars as pl

from codeset.atomic_write import new_folder
from codeset.errors import BadInput, Fault

_LINES_WAITING = 160_000
_LINES_OF_A_PIECE = 2_000
"""Lines that wait in memory while lines are parted, over all parts; and the least that a part writes at once."""

_SEED = 20_260_101


@dataclass(frozen=True)
class Part:
    """Lines of parquet *files*, one file after another: *count* of them from the *first* on, or all."""

    number: int
    files: tuple[Path, ...]
    first: int = 0
    count: int | None = None

    def lines(self) -> pl.DataFrame:
        """Return the lines as they lie."""
        return self._scanned().collect()

    def beneficiaries(self) -> pl.Series:
        """Return whose each line is, as text."""
        return self._scanned().select(pl.col("beneficiary").cast(pl.String)).collect().to_series()

    def _scanned(self) -> pl.LazyFrame:
        return pl.scan_parquet(list(self.files)).slice(self.first, self.count)


def counted(files: Sequence[Path]) -> int:
    """Return how many lines csv or parquet *files* hold.

    Raises BadInput: for files that cannot be read, or have no column by which to part their lines.
    """
    names = ", ".join(file.name for file in files)
    try:
        lines = _scanned(files)
        if "beneficiary" not in lines.collect_schema().names():
            raise BadInput([Fault(names, 0, 'no column "beneficiary", by which lines are parted')], "Nothing was read.")
        return int(lines.select(pl.len()).collect().item())
    except pl.exceptions.PolarsError as error:
        says = f"cannot be read as tables of claim lines ({error})"
        raise BadInput([Fault(names, 0, says)], "Nothing was read.") from error


def codes_in(files: Sequence[Path]) -> list[str]:
    """Return every code that occurs in the lines, sorted."""
    codes = _scanned(files).select(pl.col("hcpcs").cast(pl.String).unique()).collect(engine="streaming")
    return codes["hcpcs"].drop_nulls().sort().to_list()


def parted(files: Sequence[Path], work: Path, parts: int, count: int) -> list[Part]:
    """Return the *count* lines of *files* in parts of whole beneficiaries.

    They are as they lie, if that is by beneficiary and in files of parquet alike, which are read from anywhere; or else
    they are parted on disk, in the folder *work*.
    """
    if all(file.suffix == ".parquet" for file in files) and len({*map(_columns, files)}) == 1:
        slices = _sliced(files)
        if (starts := _starts(slices, parts, count)) is not None:
            return [slices(*each) for each in enumerate(pairwise([*starts, count]))]
    if not work.exists():
        _part_on_disk(_scanned(files), work, parts)
    pieces = [tuple(sorted((work / f"part={part}").glob("*.parquet"))) for part in range(parts)]
    some = next(files for files in pieces if files)
    return [Part(number, files) if files else Part(number, some, 0, 0) for number, files in enumerate(pieces)]


def _scanned(files: Iterable[Path]) -> pl.LazyFrame:
    """All lines of the files as text or as they are; columns that a file lacks are null."""
    frames = []
    for file in files:
        if file.suffix == ".parquet":
            frames.append(pl.scan_parquet(file))
        elif file.suffix == ".csv":
            frames.append(pl.scan_csv(file, infer_schema=False))
        else:
            raise BadInput([Fault(file.name, 0, "bulk claims come as .csv or .parquet")], "Nothing was read.")
    return pl.concat(frames, how="diagonal_relaxed")


def _columns(file: Path) -> tuple[tuple[str, pl.DataType], ...]:
    return tuple(pl.read_parquet_schema(file).items())


def _sliced(files: Sequence[Path]) -> Callable[[int, tuple[int, int]], Part]:
    """Return what gives the lines from one place to another, out of those files only that hold some of them."""
    counts = [pl.scan_parquet(file).select(pl.len()).collect().item() for file in files]
    begins = list(accumulate(counts, initial=0))

    def part(number: int, places: tuple[int, int]) -> Part:
        first, end = places
        held = [place for place in range(len(files)) if begins[place] < end and begins[place + 1] > first] or [0]
        return Part(number, tuple(files[place] for place in held), first - begins[held[0]], end - first)

    return part


def _starts(slices: Callable[[int, tuple[int, int]], Part], parts: int, count: int) -> list[int] | None:
    """Where each part begins, if the lines lie by beneficiary; else None."""
    starts, last = [0], None
    for part in range(parts):
        begin, end = part * count // parts, (part + 1) * count // parts
        names = slices(part, (begin, end)).beneficiaries()
        if names.null_count() or not names.is_sorted() or (last is not None and names.len() and names[0] < last):
            return None
        if part:
            starts.append(begin + int(names.search_sorted(last, side="right")))
        last = names[-1] if names.len() else last
    return starts


def _part_on_disk(lines: pl.LazyFrame, work: Path, parts: int) -> None:
    """Write the lines by beneficiary into parts: the folder is renamed into place when it is whole."""
    bucket = (pl.col("beneficiary").cast(pl.String).fill_null("").hash(_SEED) % parts).alias("part")
    with new_folder(work) as unfinished:
        lines.with_columns(bucket).sink_parquet(
            pl.PartitionBy(unfinished, key="part", include_key=False),
            mkdir=True,
            compression="lz4",
            statistics=False,
            row_group_size=max(_LINES_WAITING // parts, _LINES_OF_A_PIECE),
        )
