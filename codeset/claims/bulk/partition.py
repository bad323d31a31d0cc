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

_HASH_SEED = 20_260_101  # any, but always the same: a run that resumes must find each beneficiary in the same part

_SOURCE_COLUMN = "source_number"
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
        return (lines.drop(_SOURCE_COLUMN), lines[_SOURCE_COLUMN]) if _SOURCE_COLUMN in lines.columns else (lines, None)

    def column(self, name: str) -> pl.Series:
        """Return one column, as text."""
        return self._scan().select(pl.col(name).cast(pl.String)).collect().to_series()

    def _scan(self) -> pl.LazyFrame:
        if not self.sources:
            return pl.scan_parquet(list(self.files)).slice(self.first, self.count)
        frames = [
            pl.scan_parquet(file).with_columns(pl.lit(source, pl.UInt16).alias(_SOURCE_COLUMN))
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


def split_by_beneficiary(
    sources: Sequence[BulkSource], work_folder: Path, part_count: int, line_count: int
) -> list[Part]:
    """Return the *line_count* lines of *sources* in *part_count* parts of whole beneficiaries.

    Parquet files with the same columns whose lines are sorted by beneficiary are read where they are; all others are
    first written to the folder *work_folder*, a part in each of its folders.

    Raises BadInput: for files that are not whole.
    """
    with reading([source.table for source in sources]):
        slices = _slices_of_files(sources, part_count, line_count) if not work_folder.exists() else None
        if slices is not None:
            return slices
        if not work_folder.exists():
            _write_parts(sources, work_folder, part_count)
    files_of_parts = [tuple(sorted((work_folder / f"part={part}").glob("*.parquet"))) for part in range(part_count)]
    any_files = next(files for files in files_of_parts if files)  # a part without lines still has their columns
    numbered_parts = enumerate(files_of_parts)
    return [Part(number, files) if files else Part(number, any_files, 0, 0) for number, files in numbered_parts]


def _slices_of_files(sources: Sequence[BulkSource], part_count: int, line_count: int) -> list[Part] | None:
    """The parts as slices of the files, read where they are; None if they cannot be, or are not sorted."""
    slice_of_files = _file_slicer(sources)
    if slice_of_files is None:
        return None
    first_lines = _first_lines_of_parts(slice_of_files, sources[0], part_count, line_count)
    if first_lines is None:
        return None
    starts_and_ends = pairwise([*first_lines, line_count])
    return [slice_of_files(number, first_line, end) for number, (first_line, end) in enumerate(starts_and_ends)]


def _file_slicer(sources: Sequence[BulkSource]) -> Callable[[int, int, int], Part] | None:
    """Return a function of number, first line and end: the part of those lines, out of the files that hold them.

    None for files that cannot be read from anywhere, or whose columns differ.
    """
    numbered_files = [(number, file) for number, source in enumerate(sources) for file in source.parquet_files()]
    if not all(source.table.is_parquet for source in sources):
        return None
    if len({_parquet_schema(parquet_file) for _, parquet_file in numbered_files}) != 1:
        return None
    line_counts = [pl.scan_parquet(file).select(pl.len()).collect().item() for _, file in numbered_files]
    first_lines = list(accumulate(line_counts, initial=0))

    def slice_of_files(part_number: int, first_line: int, end_line: int) -> Part:
        is_read = (start < end_line and end > first_line for start, end in pairwise(first_lines))
        # A part without lines is read too, for its columns: of the first file.
        places = [place for place, of_part in enumerate(is_read) if of_part] or [0]
        source_numbers = tuple(numbered_files[place][0] for place in places) if len(sources) > 1 else ()
        file_paths = tuple(numbered_files[place][1] for place in places)
        return Part(part_number, file_paths, first_line - first_lines[places[0]], end_line - first_line, source_numbers)

    return slice_of_files


def _parquet_schema(parquet_file: Path) -> tuple[tuple[str, pl.DataType], ...]:
    return tuple(pl.read_parquet_schema(parquet_file).items())


def _first_lines_of_parts(
    slice_of_files: Callable[[int, int, int], Part], source: BulkSource, part_count: int, line_count: int
) -> list[int] | None:
    """The first line of each part, if the lines are sorted by beneficiary; else None."""
    beneficiary = source.column_of("beneficiary")
    first_lines, last_beneficiary = [0], None
    for part_number in range(part_count):
        first_line, end_line = part_number * line_count // part_count, (part_number + 1) * line_count // part_count
        beneficiaries = slice_of_files(part_number, first_line, end_line).column(beneficiary)
        if beneficiaries.null_count() or not beneficiaries.is_sorted():
            return None
        if last_beneficiary is not None and beneficiaries.len() and beneficiaries[0] < last_beneficiary:
            return None
        # Who is in two stretches of lines belongs to the earlier one.
        if part_number:
            first_lines.append(first_line + int(beneficiaries.search_sorted(last_beneficiary, side="right")))
        last_beneficiary = beneficiaries[-1] if beneficiaries.len() else last_beneficiary
    return first_lines


def _write_parts(sources: Sequence[BulkSource], work_folder: Path, part_count: int) -> None:
    """Write the lines by beneficiary into the folders of *work_folder*, which appears when it is whole."""
    source_scans = [source.scan() for source in sources]
    if len(sources) > 1:
        numbers = (pl.lit(number, pl.UInt16).alias(_SOURCE_COLUMN) for number in range(len(sources)))
        source_scans = [scan.with_columns(number) for scan, number in zip(source_scans, numbers, strict=True)]
    # Files may lack optional columns, or have dates as text.
    lines = pl.concat(source_scans, how="diagonal_relaxed")
    # A line without a beneficiary is a fault, and needs a part in which it is read and reported.
    part_of_line = (pl.col("beneficiary").cast(pl.String).fill_null("").hash(_HASH_SEED) % part_count).alias("part")
    with new_folder(work_folder) as unfinished:
        lines.with_columns(part_of_line).sink_parquet(
            pl.PartitionBy(unfinished, key="part", include_key=False),
            mkdir=True,
            compression="lz4",
            statistics=False,
            row_group_size=max(_LINES_WAITING // part_count, _LINES_OF_A_PIECE),
        )
