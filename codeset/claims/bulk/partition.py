"""Claim lines of many files split into parts of whole beneficiaries: as they are if sorted, else on disk."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import polars as pl

from codeset.atomic_write import new_folder
from codeset.errors import BadInput, Fault

_LINES_WAITING = 160_000
_LINES_OF_A_PIECE = 2_000
"""Lines kept in memory while lines are split, over all parts; and the least that one part writes at once."""

_SEED = 20_260_101


@dataclass(frozen=True)
class Part:
    """Lines of parquet *files*, one file after another: *count* of them from the *first* on, or all."""

    number: int
    files: tuple[Path, ...]
    first: int = 0
    count: int | None = None

    def lines(self) -> pl.DataFrame:
        """Return the lines in the order of the files."""
        return self._scan().collect()

    def beneficiaries(self) -> pl.Series:
        """Return the beneficiary of each line, as text."""
        return self._scan().select(pl.col("beneficiary").cast(pl.String)).collect().to_series()

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_parquet(list(self.files)).slice(self.first, self.count)


def count_lines(files: Sequence[Path]) -> int:
    """Return how many lines csv or parquet *files* hold.

    Raises BadInput: for files that cannot be read, or have no column by which to split their lines.
    """
    names = ", ".join(file.name for file in files)
    try:
        lines = _scan(files)
        if "beneficiary" not in lines.collect_schema().names():
            raise BadInput([Fault(names, 0, 'no column "beneficiary", by which lines are parted')], "Nothing was read.")
        return int(lines.select(pl.len()).collect().item())
    except pl.exceptions.PolarsError as error:
        says = f"cannot be read as tables of claim lines ({error})"
        raise BadInput([Fault(names, 0, says)], "Nothing was read.") from error


def codes_in(files: Sequence[Path]) -> list[str]:
    """Return every code that occurs in the lines, sorted."""
    codes = _scan(files).select(pl.col("hcpcs").cast(pl.String).unique()).collect(engine="streaming")
    return codes["hcpcs"].drop_nulls().sort().to_list()


def split_by_beneficiary(files: Sequence[Path], work: Path, parts: int, count: int) -> list[Part]:
    """Return the *count* lines of *files* in so many *parts* of whole beneficiaries.

    Parquet files with the same columns whose lines are sorted by beneficiary are read where they are; all others are
    first written to the folder *work*, a part in each of its folders.
    """
    if all(file.suffix == ".parquet" for file in files) and len({*map(_schema, files)}) == 1:
        part_of = _slicer(files)
        starts = _starts(part_of, parts, count)
        if starts is not None:
            return [part_of(number, *ends) for number, ends in enumerate(pairwise([*starts, count]))]
    if not work.exists():
        _write_parts(_scan(files), work, parts)
    pieces = [tuple(sorted((work / f"part={part}").glob("*.parquet"))) for part in range(parts)]
    any_files = next(files for files in pieces if files)  # a part without lines still has their columns
    return [Part(number, files) if files else Part(number, any_files, 0, 0) for number, files in enumerate(pieces)]


def _scan(files: Iterable[Path]) -> pl.LazyFrame:
    """All lines of the files, those of csv as text; columns that a file lacks are null."""
    frames = []
    for file in files:
        if file.suffix == ".parquet":
            frames.append(pl.scan_parquet(file))
        elif file.suffix == ".csv":
            frames.append(pl.scan_csv(file, infer_schema=False))
        else:
            raise BadInput([Fault(file.name, 0, "bulk claims come as .csv or .parquet")], "Nothing was read.")
    return pl.concat(frames, how="diagonal_relaxed")


def _schema(file: Path) -> tuple[tuple[str, pl.DataType], ...]:
    return tuple(pl.read_parquet_schema(file).items())


def _slicer(files: Sequence[Path]) -> Callable[[int, int, int], Part]:
    """Return a function of number, first line and end: the part of those lines, out of the files that hold them."""
    counts = [pl.scan_parquet(file).select(pl.len()).collect().item() for file in files]
    starts = list(accumulate(counts, initial=0))

    def part_of(number: int, first: int, end: int) -> Part:
        places = [place for place in range(len(files)) if starts[place] < end and starts[place + 1] > first] or [0]
        return Part(number, tuple(files[place] for place in places), first - starts[places[0]], end - first)

    return part_of


def _starts(part_of: Callable[[int, int, int], Part], parts: int, count: int) -> list[int] | None:
    """The first line of each part, if the lines are sorted by beneficiary; else None."""
    starts, last = [0], None
    for part in range(parts):
        first, end = part * count // parts, (part + 1) * count // parts
        names = part_of(part, first, end).beneficiaries()
        if names.null_count() or not names.is_sorted() or (last is not None and names.len() and names[0] < last):
            return None
        if part:
            starts.append(first + int(names.search_sorted(last, side="right")))
        last = names[-1] if names.len() else last
    return starts


def _write_parts(lines: pl.LazyFrame, work: Path, parts: int) -> None:
    """Write the lines by beneficiary into the folders of *work*, which appears when it is whole."""
    bucket = (pl.col("beneficiary").cast(pl.String).fill_null("").hash(_SEED) % parts).alias("part")
    with new_folder(work) as unfinished:
        lines.with_columns(bucket).sink_parquet(
            pl.PartitionBy(unfinished, key="part", include_key=False),
            mkdir=True,
            compression="lz4",
            statistics=False,
            row_group_size=max(_LINES_WAITING // parts, _LINES_OF_A_PIECE),
        )
