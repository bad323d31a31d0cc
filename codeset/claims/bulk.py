"""Many claims, in flat memory: parts of whole beneficiaries on disk, each adjudicated once."""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from itertools import accumulate, pairwise
from pathlib import Path

import polars as pl

from codeset.claims.adjudicate import judged
from codeset.claims.code_set import CodeSet
from codeset.claims.files import Rejects, from_frame, refuse, rejects_as
from codeset.claims.outputs import outcome_frames
from codeset.faults import BadInput, Fault, StoreProblem
from codeset.snapshot import Snapshot

LINES_IN_A_PART = 250_000
"""Lines that a part holds, about: what one adjudication has in memory."""

AT_ONCE = 2
"""Parts that are worked on at the same time: what one leaves of the cores, the other takes."""

_LINES_WAITING = 160_000
_LINES_OF_A_PIECE = 2_000
"""Lines that wait in memory while lines are parted, over all parts; and the least that a part writes at once."""

_PLAN = "plan.json"
_WORK = ".parts"
_SEED = 20_260_101


@dataclass(frozen=True)
class Summary:
    """What a bulk run did: parts, how many lines of each disposition they hold, claims set aside in this run, and the
    parts that an earlier run had done already.
    """

    parts: int
    dispositions: Mapping[str, int]
    rejected_claims: int
    done_before: int

    @property
    def found(self) -> bool:
        """Whether a line is denied or unknown."""
        return not {"deny", "unknown"}.isdisjoint(self.dispositions)


@dataclass(frozen=True)
class Done:
    """Progress: parts done of all, and lines read so far in this run."""

    parts: int
    of: int
    lines: int


def adjudicate_files(
    files: Sequence[Path],
    folder: Path,
    snapshots: Sequence[Snapshot],
    *,
    qualifying_apm: bool | None,
    locality: str | None = None,
    skip_bad_claims: bool = False,
    tell: Callable[[Done], None] = lambda _: None,
) -> Summary:
    """Adjudicate the claim lines of csv or parquet *files* into `lines-NNNN.parquet` and `findings-NNNN.parquet`.

    Lines are first parted by beneficiary, on disk; then each part is read, adjudicated and written, whole or not at
    all. A run that was stopped goes on where it was, if files, releases and settings are the same. Claims set aside
    are in `rejects-NNNN.csv`.

    Raises BadInput: for files that cannot be read, or bad claims unless *skip_bad_claims*. StoreProblem: if *folder*
    holds another run.
    """
    count = _count(_scanned(files), files)
    number = max(1, -(-count // LINES_IN_A_PART))
    _begin(folder, _plan(files, snapshots, number, qualifying_apm, locality, skip=skip_bad_claims))
    left = [part for part in range(number) if not _is_done(folder, part)]
    before = number - len(left)
    parts = _part(files, folder, number, count) if left else []
    code_set = CodeSet.of(snapshots, _codes(_scanned(files)) if left else [])

    def work(part: int) -> tuple[int, int]:
        frame, rejects = _read(parts[part], part, locality)
        if not skip_bad_claims:
            refuse(rejects)
        _write(folder, part, frame, rejects, code_set, qualifying_apm=qualifying_apm)
        return frame.height, rejects.claims

    read = rejected = 0
    with ThreadPoolExecutor(AT_ONCE) as workers:
        for done, (lines_read, set_aside) in enumerate(workers.map(work, left), start=before + 1):
            read, rejected = read + lines_read, rejected + set_aside
            tell(Done(done, number, read))
    shutil.rmtree(folder / _WORK, ignore_errors=True)
    return Summary(number, _dispositions(folder), rejected, before)


def _dispositions(folder: Path) -> dict[str, int]:
    lines = pl.scan_parquet(sorted(folder.glob("lines-*.parquet")))
    counted = lines.group_by(pl.col("disposition").cast(pl.String)).len().sort("disposition").collect()
    return dict(counted.iter_rows())


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


def _count(lines: pl.LazyFrame, files: Sequence[Path]) -> int:
    try:
        if "beneficiary" not in lines.collect_schema().names():
            names = ", ".join(file.name for file in files)
            raise BadInput([Fault(names, 0, 'no column "beneficiary", by which lines are parted')], "Nothing was read.")
        return int(lines.select(pl.len()).collect().item())
    except pl.exceptions.PolarsError as error:
        names = ", ".join(file.name for file in files)
        raise BadInput(
            [Fault(names, 0, f"cannot be read as tables of claim lines ({error})")], "Nothing was read."
        ) from error


def _plan(
    files: Sequence[Path],
    snapshots: Sequence[Snapshot],
    parts: int,
    qualifying_apm: bool | None,
    locality: str | None,
    *,
    skip: bool,
) -> str:
    """What a run is: the same plan gives the same parts, so that finished ones need not be done again."""
    plan = {
        "files": [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files],
        "releases": [[str(each.release), each.manifest.identity] for each in snapshots],
        "settings": [parts, qualifying_apm, locality, skip],
        "made_by": [version("derm-codeset"), version("polars")],
    }
    return json.dumps(plan, indent=2) + "\n"


def _begin(folder: Path, plan: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / _PLAN
    if file.exists() and file.read_text(encoding="utf-8") != plan:
        raise StoreProblem(f"{folder} holds the outcome of other claims, releases or settings; choose another folder")
    if not file.exists():
        if any(folder.iterdir()):
            raise StoreProblem(f"{folder} is not empty; choose another folder")
        _settle(file, plan.encode())


def _part(files: Sequence[Path], folder: Path, parts: int, count: int) -> list[pl.LazyFrame]:
    """Return the *count* lines of *files* in parts of whole beneficiaries.

    They are as they lie, if that is by beneficiary and in files of parquet alike, which are read from anywhere; or else
    they are parted on disk.
    """
    if all(file.suffix == ".parquet" for file in files) and len({*map(_columns, files)}) == 1:
        slices = _sliced(files)
        if (starts := _starts(slices, parts, count)) is not None:
            return [slices(first, end) for first, end in pairwise([*starts, count])]
    work = folder / _WORK
    if not work.exists():
        _part_on_disk(_scanned(files), folder, parts)
    pieces = [sorted((work / f"part={part}").glob("*.parquet")) for part in range(parts)]
    none = pl.scan_parquet(next(files[0] for files in pieces if files)).head(0)
    return [pl.scan_parquet(files) if files else none for files in pieces]


def _columns(file: Path) -> tuple[tuple[str, pl.DataType], ...]:
    return tuple(pl.read_parquet_schema(file).items())


def _sliced(files: Sequence[Path]) -> Callable[[int, int], pl.LazyFrame]:
    """Return what gives the lines from one place to another, out of those files only that hold some of them."""
    counts = [pl.scan_parquet(file).select(pl.len()).collect().item() for file in files]
    begins = list(accumulate(counts, initial=0))

    def lines(first: int, end: int) -> pl.LazyFrame:
        held = [place for place in range(len(files)) if begins[place] < end and begins[place + 1] > first] or [0]
        return pl.scan_parquet([files[place] for place in held]).slice(first - begins[held[0]], end - first)

    return lines


def _starts(slices: Callable[[int, int], pl.LazyFrame], parts: int, count: int) -> list[int] | None:
    """Where each part begins, if the lines lie by beneficiary; else None."""
    starts, last = [0], None
    for part in range(parts):
        begin, end = part * count // parts, (part + 1) * count // parts
        names = slices(begin, end).select(pl.col("beneficiary").cast(pl.String)).collect().to_series()
        if names.null_count() or not names.is_sorted() or (last is not None and names.len() and names[0] < last):
            return None
        if part:
            others = (names != last).arg_true()
            starts.append(begin + (others[0] if others.len() else names.len()))
        last = names[-1] if names.len() else last
    return starts


def _part_on_disk(lines: pl.LazyFrame, folder: Path, parts: int) -> None:
    """Write the lines by beneficiary into parts: the folder is renamed into place when it is whole."""
    unfinished = folder / f"{_WORK}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    bucket = (pl.col("beneficiary").cast(pl.String).fill_null("").hash(_SEED) % parts).alias("part")
    lines.with_columns(bucket).sink_parquet(
        pl.PartitionBy(unfinished, key="part", include_key=False),
        mkdir=True,
        compression="lz4",
        statistics=False,
        row_group_size=max(_LINES_WAITING // parts, _LINES_OF_A_PIECE),
    )
    unfinished.mkdir(exist_ok=True)
    unfinished.rename(folder / _WORK)


def _codes(lines: pl.LazyFrame) -> list[str]:
    """Every code that occurs in the lines."""
    codes = lines.select(pl.col("hcpcs").cast(pl.String).unique()).collect(engine="streaming")
    return codes["hcpcs"].drop_nulls().to_list()


def _is_done(folder: Path, part: int) -> bool:
    return (folder / f"lines-{part:04}.parquet").exists()


def _read(lines: pl.LazyFrame, part: int, locality: str | None) -> tuple[pl.DataFrame, Rejects]:
    return from_frame(lines.collect(), locality=locality, name=f"part {part}")


def _write(
    folder: Path, part: int, frame: pl.DataFrame, rejects: Rejects, code_set: CodeSet, *, qualifying_apm: bool | None
) -> None:
    """Write a part's files; that of the lines comes last, and says that the part is done."""
    told = outcome_frames(judged(frame, code_set, qualifying_apm=qualifying_apm), sentences=False)
    if rejects.claims:
        _settle(folder / f"rejects-{part:04}.csv", rejects_as(rejects, "csv"))
    for name, table in (("findings", told.findings), ("lines", told.lines)):
        file = folder / f"{name}-{part:04}.parquet"
        unfinished = file.with_suffix(".unfinished")
        table.write_parquet(unfinished, compression="zstd", compression_level=1, statistics=False)
        unfinished.replace(file)


def _settle(file: Path, content: bytes) -> None:
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(file)
