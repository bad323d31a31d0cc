"""Claim lines of many files split into parts of whole beneficiaries: as they are if sorted, else on disk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import polars as pl

from codeset.atomic_write import new_folder
from codeset.claims.bulk.bulk_sources import BulkSource
from codeset.claims.input.claim_tables import reading

_LINES_WAITING = 160_000
_LINES_OF_A_PIECE = 2_000
"""Lines kept in memory while lines are split, over all parts; and the least that one part writes at once."""

_SEED = 20_260_101  # any, but always the same: a run that resumes must find each beneficiary in the same part

_FILE = "source_number"
"""The column of a part, where several files are read, that says which file each line is of."""


@dataclass(frozen=True)
class Part:
    """Lines of parquet *files*, one file after another: *count* of them from the *first* on, or all.

    `sources` numbers the source of each of the files, where there are several sources and lines do not say theirs.
    """

    number: int
    files: tuple[Path, ...]
    first: int = 0
    count: int | None = None
    sources: tuple[int, ...] = ()

    def lines(self) -> tuple[pl.DataFrame, pl.Series | None]:
        """Return the lines in the order of the files, and the number of the source of each, if there are several."""
        lines = self._scan().collect()
        return (lines.drop(_FILE), lines[_FILE]) if _FILE in lines.columns else (lines, None)

    def column(self, name: str) -> pl.Series:
        """Return one column, as text."""
        return self._scan().select(pl.col(name).cast(pl.String)).collect().to_series()

    def _scan(self) -> pl.LazyFrame:
        if not self.sources:
            return pl.scan_parquet(list(self.files)).slice(self.first, self.count)
        frames = [
            pl.scan_parquet(file).with_columns(pl.lit(source, pl.UInt16).alias(_FILE))
            for source, file in zip(self.sources, self.files, strict=True)
        ]
        return pl.concat(frames).slice(self.first, self.count)


def count_lines(sources: Sequence[BulkSource]) -> int:
    """Return how many lines *sources* hold.

    Raises BadInput: for files that are not whole.
    """
    with reading([source.table for source in sources]):
        return sum(int(source.table.scan().select(pl.len()).collect().item()) for source in sources)


def codes_in(sources: Sequence[BulkSource]) -> list[str]:
    """Return every code that occurs in the lines, sorted.

    Raises BadInput: for files that are not whole.
    """
    with reading([source.table for source in sources]):
        hcpcs = pl.concat([source.scan().select(pl.col("hcpcs").unique().cast(pl.String)) for source in sources])
        codes = hcpcs.collect(engine="streaming")
    return codes["hcpcs"].drop_nulls().unique().sort().to_list()


def split_by_beneficiary(sources: Sequence[BulkSource], work: Path, parts: int, count: int) -> list[Part]:
    """Return the *count* lines of *sources* in so many *parts* of whole beneficiaries.

    Parquet files with the same columns whose lines are sorted by beneficiary are read where they are; all others are
    first written to the folder *work*, a part in each of its folders.

    Raises BadInput: for files that are not whole.
    """
    with reading([source.table for source in sources]):
        part_of = _slicer(sources) if not work.exists() else None
        if part_of is not None and (starts := _starts(part_of, sources[0], parts, count)) is not None:
            return [part_of(number, *ends) for number, ends in enumerate(pairwise([*starts, count]))]
        if not work.exists():
            _write_parts(sources, work, parts)
    pieces = [tuple(sorted((work / f"part={part}").glob("*.parquet"))) for part in range(parts)]
    any_files = next(files for files in pieces if files)  # a part without lines still has their columns
    return [Part(number, files) if files else Part(number, any_files, 0, 0) for number, files in enumerate(pieces)]


def _slicer(sources: Sequence[BulkSource]) -> Callable[[int, int, int], Part] | None:
    """Return a function of number, first line and end: the part of those lines, out of the files that hold them.

    None for files that cannot be read from anywhere, or whose columns differ.
    """
    files = [(number, file) for number, source in enumerate(sources) for file in source.parquet_files()]
    if not all(source.table.is_parquet for source in sources) or len({_schema(file) for _, file in files}) != 1:
        return None
    counts = [pl.scan_parquet(file).select(pl.len()).collect().item() for _, file in files]
    starts = list(accumulate(counts, initial=0))

    def part_of(number: int, first: int, end: int) -> Part:
        places = [place for place in range(len(files)) if starts[place] < end and starts[place + 1] > first] or [0]
        paths = tuple(files[place][1] for place in places)
        of_sources = tuple(files[place][0] for place in places) if len(sources) > 1 else ()
        return Part(number, paths, first - starts[places[0]], end - first, of_sources)

    return part_of


def _schema(file: Path) -> tuple[tuple[str, pl.DataType], ...]:
    return tuple(pl.read_parquet_schema(file).items())


def _starts(part_of: Callable[[int, int, int], Part], source: BulkSource, parts: int, count: int) -> list[int] | None:
    """The first line of each part, if the lines are sorted by beneficiary; else None."""
    beneficiary = source.column_of("beneficiary")
    starts, last = [0], None
    for part in range(parts):
        first, end = part * count // parts, (part + 1) * count // parts
        names = part_of(part, first, end).column(beneficiary)
        if names.null_count() or not names.is_sorted() or (last is not None and names.len() and names[0] < last):
            return None
        if part:
            starts.append(first + int(names.search_sorted(last, side="right")))
        last = names[-1] if names.len() else last
    return starts


def _write_parts(sources: Sequence[BulkSource], work: Path, parts: int) -> None:
    """Write the lines by beneficiary into the folders of *work*, which appears when it is whole."""
    scans = [source.scan() for source in sources]
    if len(sources) > 1:
        scans = [lines.with_columns(pl.lit(number, pl.UInt16).alias(_FILE)) for number, lines in enumerate(scans)]
    lines = pl.concat(scans, how="diagonal_relaxed")
    bucket = (pl.col("beneficiary").cast(pl.String).fill_null("").hash(_SEED) % parts).alias("part")
    with new_folder(work) as unfinished:
        lines.with_columns(bucket).sink_parquet(
            pl.PartitionBy(unfinished, key="part", include_key=False),
            mkdir=True,
            compression="lz4",
            statistics=False,
            row_group_size=max(_LINES_WAITING // parts, _LINES_OF_A_PIECE),
        )
