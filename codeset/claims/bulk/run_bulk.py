"""Any number of claims in constant memory: parts of whole beneficiaries, adjudicated by a worker process per core.

A single part is adjudicated in the process that asks.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from codeset.atomic_write import replacing, unfinished_path, write_file
from codeset.claims.adjudicate import compact_outcome
from codeset.claims.basis import Basis, basis_from, basis_of, history_from, joint_history
from codeset.claims.bulk.bulk_sources import BulkSource, bulk_sources
from codeset.claims.bulk.bulk_tables import PLAN, REJECTS, Tables, part_done, run_done, tables_of
from codeset.claims.bulk.claim_keys import (
    claim_ids_of,
    distinct_keys,
    keys_of,
    no_keys,
    read_keys,
    save_keys,
    shared_keys,
)
from codeset.claims.bulk.partition import Part, codes_in, count_lines, split_by_beneficiary
from codeset.claims.bulk.recheck import recheck
from codeset.claims.bulk.worker_processes import worker_processes
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.series import starts_group
from codeset.claims.input.check import ENVELOPE, Rejects, check_locality, refuse
from codeset.claims.input.claim_files import open_files, rejects_as
from codeset.claims.input.claim_frames import pointed_lines
from codeset.claims.input.placeholders import placeholder_claims
from codeset.errors import BadInput, StoreProblem
from codeset.formats import FORMATS
from codeset.participants import Participant
from codeset.releases import Release
from codeset.snapshot import MANIFEST, Snapshot, digest

LINES_IN_A_PART = 500_000
"""Lines of a part, about: what a worker has in memory."""

_WORK_FOLDER = ".work"
_SET_ASIDE_FILE = "set-aside.parquet"


@dataclass(frozen=True)
class Summary:
    """What a bulk run did: its parts, the number of lines of each disposition, the number of claims set aside, and how
    many parts an earlier run had done already. `file_faults` counts the faults of files that touch no claim, `notes`
    say by file which columns were not read, `checked` what the outcome rests on.
    """

    parts: int
    dispositions: Mapping[str, int]
    rejected_claims: int
    done_before: int
    file_faults: int
    notes: Mapping[str, Sequence[str]]
    checked: Basis


@dataclass(frozen=True)
class Progress:
    """Parts done of all parts, and lines read so far in this run."""

    parts_done: int
    parts: int
    lines: int


@dataclass(frozen=True)
class _Run:
    """What every part of a run has in common. `set_aside`: the keys of claims that no part reads."""

    folder: Path
    snapshots: tuple[Path, ...]
    codes: tuple[str, ...]
    participant: Participant | None
    locality: str | None
    skip_bad_claims: bool
    set_aside: pl.Series
    left_out: tuple[Release, ...]

    @property
    def work(self) -> Path:
        """The folder of what a run needs until it ends."""
        return self.folder / _WORK_FOLDER

    def keys_of(self, part: int) -> Path:
        """The file of the keys of a part's claims, good or bad."""
        return self.work / f"keys-{part:04}.parquet"

    def bad_keys_of(self, part: int) -> Path:
        """The file of the keys of a part's bad claims, if it has any."""
        return self.work / f"bad-keys-{part:04}.parquet"


@dataclass(frozen=True)
class _PartReport:
    """How many lines a part has; the keys of its claims that several files hold, or that are a placeholder's."""

    lines: int
    extra: pl.Series


def adjudicate_files(
    files: Sequence[Path],
    folder: Path,
    snapshots: Sequence[Snapshot],
    *,
    participant: Participant | None,
    locality: str | None = None,
    skip_bad_claims: bool = False,
    left_out: Sequence[Release] = (),
    report: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Adjudicate the claims of *files*, of any format, into the tables of `bulk_tables`.

    Lines are first split by beneficiary; then each part is read, adjudicated and written, whole or not at all:
    `part-NNNN.json`, the last of its files, marks it as done and counts its lines; `done.json` marks the run. An
    interrupted run resumes if files, releases and settings are the same. Claims set aside are in `rejects.csv`. Workers
    import the main module: a script that calls this does so under `__name__ == "__main__"`. *left_out*: as in
    `adjudicate`.

    Raises BadInput: for files that cannot be read, or bad claims unless *skip_bad_claims*, in the words of a
    single run; nothing is left in *folder*. StoreProblem: if *folder* holds another run, or a worker was killed.
    """
    check_locality(locality)
    claim_files = open_files(files)
    plan = _plan_of_run(files, snapshots, [participant, locality, skip_bad_claims, *map(str, left_out)])
    parts_of_earlier_run = _begin_run(folder, plan)
    if parts_of_earlier_run is not None and run_done(folder).exists():
        return _summary_of_run(folder, parts_of_earlier_run, done_before=parts_of_earlier_run)
    try:
        sources = bulk_sources(claim_files, folder / _WORK_FOLDER / "files", locality)
        part_count = max(1, -(-count_lines(sources) // LINES_IN_A_PART))
        write_file(folder / PLAN, json.dumps({**plan, "parts": part_count}, indent=2) + "\n", private=True)
        snapshot_paths, codes = tuple(snapshot.path.resolve() for snapshot in snapshots), tuple(codes_in(sources))
        set_aside = _keys_set_aside(folder, sources)
        run = _Run(folder, snapshot_paths, codes, participant, locality, skip_bad_claims, set_aside, tuple(left_out))
        parts_to_do = [part for part in range(part_count) if not part_done(folder, part).exists()]
        _adjudicate_all(run, sources, part_count, parts_to_do, report)
    except BadInput:
        _remove_run(folder)
        raise
    shutil.rmtree(folder / _WORK_FOLDER, ignore_errors=True)
    return _summary_of_run(folder, part_count, done_before=part_count - len(parts_to_do))


def _adjudicate_all(
    run: _Run,
    sources: Sequence[BulkSource],
    part_count: int,
    parts_to_do: Sequence[int],
    report: Callable[[Progress], None],
) -> None:
    """Adjudicate the parts *parts_to_do* out of *part_count*, and set aside, or refuse, what is bad in any part.

    What only whole parts or all of them show, claims that several files hold and days of placeholder beneficiaries, is
    set aside next, and the parts that it was in are done again.

    Raises BadInput: with every fault of the claims, if bad ones are refused.
    """
    _refusal_mark(run).unlink(missing_ok=True)
    while True:
        extra_keys = _adjudicate_parts(run, sources, part_count, parts_to_do, report)
        extra_keys = pl.concat([extra_keys, _keys_in_several_parts(run, part_count)]).unique()
        if not run.skip_bad_claims:
            refuse(*_rejects_of_files(run, sources, part_count, extra_keys))
        if extra_keys.is_empty() or not any(of_file.claims for of_file in recheck(sources, extra_keys)):
            break  # two claims may have one key by chance
        run = replace(run, set_aside=pl.concat([run.set_aside, extra_keys]).unique())
        save_keys(run.work / _SET_ASIDE_FILE, run.set_aside)
        keys_by_part = ((part, read_keys(run.keys_of(part))) for part in range(part_count))
        parts_to_do = [part for part, keys in keys_by_part if keys.is_in(extra_keys.implode()).any()]
        for part in parts_to_do:
            part_done(run.folder, part).unlink(missing_ok=True)
    rejects = _rejects_of_files(run, sources, part_count, no_keys())
    if any(not of_file.faults.is_empty() for of_file in rejects):
        write_file(run.folder / REJECTS, rejects_as(rejects, "csv"), private=True)
    done_contents = {
        "format": FORMATS["plan"],
        "rejected_claims": sum(of_file.claims for of_file in rejects),
        "file_faults": sum(int((of_file.faults["field"] == ENVELOPE).sum()) for of_file in rejects),
        "notes": {source.name: source.rejects.notes for source in sources if source.rejects.notes},
        **_basis_of_run(run, part_count).plain(),
    }
    write_file(run_done(run.folder), json.dumps(done_contents) + "\n", private=True)


def _adjudicate_parts(
    run: _Run,
    sources: Sequence[BulkSource],
    part_count: int,
    parts_to_do: Sequence[int],
    report: Callable[[Progress], None],
) -> pl.Series:
    """Adjudicate the parts *parts_to_do* out of *part_count*; return the keys of claims that must be set aside."""
    if not parts_to_do:
        return no_keys()
    extra_keys, lines_read = [no_keys()], 0
    reports_of = _reports_here if len(parts_to_do) == 1 else _reports_of_workers
    with closing(reports_of(run, sources, part_count, parts_to_do)) as reports:
        for parts_done, part_report in enumerate(reports, start=part_count - len(parts_to_do) + 1):
            extra_keys.append(part_report.extra)
            lines_read += part_report.lines
            report(Progress(parts_done, part_count, lines_read))
    return pl.concat(extra_keys)


def _reports_of_workers(
    run: _Run, sources: Sequence[BulkSource], part_count: int, parts_to_do: Sequence[int]
) -> Generator[_PartReport, None, None]:
    line_count = count_lines(sources)
    with worker_processes(len(parts_to_do)) as workers:
        for _ in parts_to_do[: pl.thread_pool_size()]:  # workers read the snapshots while the lines are split
            workers.submit(_code_set, run.snapshots, run.codes, run.left_out)
        parts = split_by_beneficiary(sources, run.work / "parts", part_count, line_count)
        yield from workers.map(partial(_adjudicate_part, run), [parts[part] for part in parts_to_do])


def _reports_here(
    run: _Run, sources: Sequence[BulkSource], part_count: int, parts_to_do: Sequence[int]
) -> Generator[_PartReport, None, None]:
    """A single part, without the half second that a worker takes to start; it has as many threads here as there."""
    parts = split_by_beneficiary(sources, run.work / "parts", part_count, count_lines(sources))
    try:
        for part in parts_to_do:
            yield _adjudicate_part(run, parts[part])
    finally:
        _code_set.cache_clear()  # a worker's ends with the worker


def _rejects_of_files(run: _Run, sources: Sequence[BulkSource], part_count: int, more_keys: pl.Series) -> list[Rejects]:
    """The claims set aside, of each file: those that are bad in a part, those of no part, and those of *more_keys*."""
    bad_keys = [read_keys(run.bad_keys_of(part)) for part in range(part_count)]
    keys = pl.concat([run.set_aside, more_keys, *bad_keys]).unique()
    return [source.rejects for source in sources] if keys.is_empty() else recheck(sources, keys)


def _basis_of_run(run: _Run, part_count: int) -> Basis:
    """What the outcome of a run of *part_count* parts rests on, whose dates of service the parts have written."""
    part_contents = (json.loads(part_done(run.folder, part).read_text()) for part in range(part_count))
    history = joint_history(history_from(contents["history"]) for contents in part_contents)
    return basis_of([Snapshot(path).manifest for path in run.snapshots], history)


def _keys_in_several_parts(run: _Run, part_count: int) -> pl.Series:
    # A part holds all lines of its beneficiaries: a claim in two parts names two beneficiaries, in one file or in two.
    sorted_keys = pl.concat([read_keys(run.keys_of(part)) for part in range(part_count)]).sort()
    return sorted_keys.filter(~starts_group(sorted_keys)).unique()  # in order, what is there twice follows itself


def _keys_set_aside(folder: Path, sources: Sequence[BulkSource]) -> pl.Series:
    """The keys of the claims that no part reads: those set aside before, in this run or an interrupted one."""
    keys_of_files = (source.rejected for source in sources)
    return pl.concat([read_keys(folder / _WORK_FOLDER / _SET_ASIDE_FILE), *keys_of_files]).unique()


def _refusal_mark(run: _Run) -> Path:
    """The file that tells the workers that the run is refused, so that the rest is only checked."""
    return run.work / "refused"


def _remove_run(folder: Path) -> None:
    """Remove what a run wrote that is refused."""
    shutil.rmtree(folder / _WORK_FOLDER, ignore_errors=True)
    for pattern in (
        PLAN,
        "part-*.json",
        *(f"{name}-*.parquet" for name in Tables._fields),
        REJECTS,
        run_done(folder).name,
    ):
        for run_file in folder.glob(pattern):
            run_file.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def _summary_of_run(folder: Path, part_count: int, done_before: int) -> Summary:
    lines_by_disposition = Counter[str]()
    for part in range(part_count):
        lines_by_disposition.update(json.loads(part_done(folder, part).read_text())["dispositions"])
    done_contents = json.loads(run_done(folder).read_text())
    counts_of_run = {name: done_contents[name] for name in ("rejected_claims", "file_faults", "notes")}
    dispositions = dict(sorted(lines_by_disposition.items()))
    checked = basis_from(done_contents)
    return Summary(part_count, dispositions, done_before=done_before, checked=checked, **counts_of_run)


def _adjudicate_part(run: _Run, part: Part) -> _PartReport:
    """Read, check, adjudicate and write a part; do not adjudicate what is refused or has claims to set aside first."""
    frame, source_numbers = part.lines()
    if not run.set_aside.is_empty():
        is_read = ~keys_of(claim_ids_of(frame)).is_in(run.set_aside.implode())
        frame = frame.filter(is_read)
        source_numbers = None if source_numbers is None else source_numbers.filter(is_read)
    lines, rejects = pointed_lines(frame, locality=run.locality, file_name=f"part {part.number}")
    keys = distinct_keys(lines)
    extra_keys = keys_of(pl.Series(list(placeholder_claims(lines)), dtype=pl.String))
    if rejects.claims:
        # Bad claims have keys too: another part may have lines of theirs.
        keys_of_all_claims = keys_of(claim_ids_of(frame).unique())
        save_keys(run.bad_keys_of(part.number), keys_of_all_claims.filter(~keys_of_all_claims.is_in(keys.implode())))
        keys = keys_of_all_claims
    keys_of_several_files = no_keys() if source_numbers is None else shared_keys(claim_ids_of(frame), source_numbers)
    extra_keys = pl.concat([extra_keys, keys_of_several_files])
    save_keys(run.keys_of(part.number), keys)
    if not run.skip_bad_claims and (rejects.claims or not keys_of_several_files.is_empty()):
        _refusal_mark(run).touch()
    if extra_keys.is_empty() and not _refusal_mark(run).exists():
        code_set = _code_set(run.snapshots, run.codes, run.left_out)
        _write_part(run.folder, part.number, lines, code_set, participant=run.participant)
    return _PartReport(lines.height, extra_keys)


@cache
def _code_set(snapshots: tuple[Path, ...], codes: tuple[str, ...], left_out: tuple[Release, ...]) -> CodeSet:
    return CodeSet.of([Snapshot(path) for path in snapshots], codes, left_out=left_out)


def _plan_of_run(files: Sequence[Path], snapshots: Sequence[Snapshot], settings: Sequence[object]) -> dict[str, Any]:
    """What a run is of: the same plan gives the same parts, so that finished ones need not be done again."""
    return {
        "format": FORMATS["plan"],
        "files": [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files],
        # The manifest has the digests of all tables, against which the release was checked when it was opened.
        "releases": [[str(snapshot.release), digest(snapshot.path / MANIFEST)] for snapshot in snapshots],
        "checked_against": [edition for snapshot in snapshots for edition in snapshot.manifest.editions_plain],
        "settings": [*settings],
        # Another version may answer otherwise, another polars may hash beneficiaries into other parts.
        "made_by": [version("derm-codeset"), version("polars")],
    }


def _begin_run(folder: Path, plan: Mapping[str, Any]) -> int | None:
    """Make the folder of a new run, or take up an earlier one with the same *plan* and return how many parts it has."""
    folder.mkdir(parents=True, exist_ok=True)
    plan_file = folder / PLAN
    if not plan_file.exists():
        shutil.rmtree(folder / _WORK_FOLDER, ignore_errors=True)  # of a run that was killed before it had a plan
        if any(path != unfinished_path(plan_file) for path in folder.iterdir()):
            raise StoreProblem(f"{folder} is not empty; choose another folder")
        return None
    earlier_plan = json.loads(plan_file.read_text(encoding="utf-8"))
    part_count: int | None = earlier_plan.pop("parts", None)
    if earlier_plan != plan:
        raise StoreProblem(f"{folder} holds the outcome of other claims, releases or settings; choose another folder")
    return part_count


def _write_part(
    folder: Path, part_number: int, lines: pl.DataFrame, code_set: CodeSet, *, participant: Participant | None
) -> None:
    """Write a part's files; the last marks the part as done, and counts its lines."""
    outcome = compact_outcome(lines, code_set, participant=participant)
    tables = tables_of(outcome, part_number)
    for name, table in tables._asdict().items():
        with replacing(folder / f"{name}-{part_number:04}.parquet", private=True) as unfinished:
            table.write_parquet(unfinished, compression="lz4", statistics=False)
    lines_by_answer = tables.lines["answer"].value_counts().join(tables.answers, on="answer")
    lines_by_disposition = lines_by_answer.group_by(pl.col("disposition").cast(pl.String)).agg(pl.col("count").sum())
    dispositions = lines_by_disposition.sort("disposition")
    part_contents = {
        "format": FORMATS["plan"],
        "dispositions": dict(dispositions.iter_rows()),
        "history": outcome.checked.plain()["history"],
    }
    write_file(part_done(folder, part_number), json.dumps(part_contents) + "\n", private=True)
