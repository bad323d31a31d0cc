"""The main of the project: CMS's files in, a sealed snapshot out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from codeset.errors import BadInput, Fault, WrongUse
from codeset.manifest import Manifest, TableChanges, TableEntry
from codeset.progress import Say, silent
from codeset.releases import Release
from codeset.store import SealResult, Store, carried
from codeset.tables import REQUIRED_TABLES, TABLES
from codeset_ingest.read import agreement, contracts, delivery
from codeset_ingest.read.acceptance import AcceptableFault, acceptances, split_accepted
from codeset_ingest.read.delivery import Delivery
from codeset_ingest.read.open_files import open_all
from codeset_ingest.read.read_files import read
from codeset_ingest.read.recognize import recognize
from codeset_ingest.read.release_changes import ReleaseChanges, count_changes
from codeset_ingest.read.table import Reading

Carried = Mapping[str, tuple[TableEntry, Path]]
"""Tables of earlier releases: the manifest's entry and the parquet file."""
READER = 2
"""The number of the way in which CMS's files are read, part of the content digest.

Raise it, once for all changes between two published versions, when the same files give other rows, conversion factors,
dates or tables than before. The same files are then a new revision, or take the old one's place with `--reseal` and a
reason; what was sealed before keeps its number, and approvals of it stay valid. A test holds the rows of CMS's packages
against the number. 1 is that of 0.1.0; 2 reads HCPCS Level II, ZIP codes, diagnoses, excludes notes, coverage articles,
what the fee schedule's short descriptions state, GPCI files without "(MAC)" in their header and text files without a
last line end, and refuses cells of several lines.
"""


@dataclass(frozen=True)
class BuildResult:
    """A build's outcome: the snapshot, the files of folders and zips that no layout knows, lacking tables, remarks.

    `changes` compares each table with the nearest earlier release that the store holds it for.
    """

    sealed: SealResult
    unrecognized: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    changes: tuple[ReleaseChanges, ...] = ()


def build(
    release: Release,
    files: Sequence[Path],
    store: Store,
    carry: Mapping[str, Release] | None = None,
    accept: Iterable[str] = (),
    say: Say = silent,
    addresses: Mapping[str, str] | None = None,
    reseal: str | None = None,
) -> BuildResult:
    """Read CMS's *files* and seal them as *release*, with the tables of *carry* taken from earlier releases.

    *accept* names unusual findings that are right, as `CHECK:TABLE`; *addresses* are the URLs of fetched files, by
    name, for the manifest; *reseal* is as in `Store.seal`.

    Raises BadInput: with every fault found, before anything is written. WrongUse: for a *carry* or an *accept* that
    makes no sense. StoreProblem: if the store cannot take it.
    """
    carries = _carried_tables(store, release, carry or {})
    accepted = acceptances(accept)
    readings, unrecognized, read_notes = _read(release, files, carries, say, addresses or {})
    say("checking contracts")
    changes = _changes(readings, release, store)
    faults, needed = split_accepted(_faults(readings, carries, changes, release, store), accepted)
    if faults:
        raise BadInput(faults)
    say("sealing")
    manifest = _manifest(release, readings, carries, changes, needed)
    tables: dict[str, pl.DataFrame | Path] = {table: reading.frame for table, reading in readings.items()}
    sealed = store.seal(manifest, tables | {table: path for table, (_, path) in carries.items()}, reseal)
    # Not a fault: who looks up fees needs no edits. The manifest and each answer say what is not held.
    missing = tuple(table for table in REQUIRED_TABLES if table not in readings and table not in carries)
    notes = (*read_notes, *_uncompared(readings, changes), *map(str, changes))
    return BuildResult(sealed, unrecognized, missing, notes, tuple(changes))


def _read(
    release: Release, files: Sequence[Path], carries: Carried, say: Say, addresses: Mapping[str, str]
) -> tuple[dict[str, Reading], tuple[str, ...], tuple[str, ...]]:
    """Return the tables that the files make up, the files that no layout knows, and remarks.

    The files' bytes are freed when this returns: tables are sorted and sealed without them.
    """
    say("recognizing files")
    received = delivery.sort_files(recognize(open_all(list(files))))
    faults = [*delivery.faults_of(received, release), *_needless_carries(received, carries)]
    # A file that nobody understood must not be missing from a release in silence: it may be a table in a new form.
    faults += _unread(received, files, carries)
    if faults:
        raise BadInput(faults)
    say(f"reading {len(received.files)} files")
    urls = {file.content.source.sha256: addresses.get(file.content.outermost) for file in received.files}
    readings = {table: _with_urls(reading, urls) for table, reading in read(received.files, release).items()}
    readings = {table: _with_remarks(reading) for table, reading in readings.items()}
    notes = [note for reading in readings.values() for note in reading.notes]
    return readings, tuple(file.names for file in received.unknown), (*received.notes, *notes)


def _unread(received: Delivery, files: Sequence[Path], carries: Carried) -> Iterator[Fault]:
    """Files that are named, not only in a folder, are read or stop the build; so does one that is nearly CMS's."""
    for file in received.unknown:
        if file.near_miss:
            yield Fault(file.names, 0, file.near_miss)
    # A file that is nearly CMS's has a fault that says what differs, and needs no second one.
    nearly = {file.names.partition("/")[0] for file in received.unknown if file.near_miss}
    known = {file.content.outermost for file in received.files}
    for path in files:
        if path.is_file() and path.name not in known and path.name not in nearly:
            yield Fault(str(path), 0, _UNRECOGNIZED)
    if not received.files and not carries and not any(path.is_file() for path in files):
        strange = [file.names for file in received.unknown if not file.near_miss]
        for name in strange if received.unknown else map(str, files):
            yield Fault(name, 0, _UNRECOGNIZED)


_UNRECOGNIZED = "is not a CMS file we recognize. (Expected: PPRRVU…, GPCI…, ccipra-…, MCR_MUE_…, AOC_V…, icd10cm…)"


def _with_urls(reading: Reading, urls: Mapping[str, str | None]) -> Reading:
    return replace(reading, sources=tuple(replace(source, url=urls[source.sha256]) for source in reading.sources))


def _with_remarks(reading: Reading) -> Reading:
    return replace(reading, notes=(*reading.notes, *contracts.unusual_codes(reading)))


def _table_name(table: str) -> str:
    if table not in TABLES:
        raise WrongUse(f'no table is called "{table}"; there are: {", ".join(TABLES)}')
    return table


def _carried_tables(store: Store, release: Release, carry: Mapping[str, Release]) -> Carried:
    for table, origin in carry.items():
        if origin.unrevised >= release.unrevised:
            raise WrongUse(f"{table} can be carried forward only from a release before {release}, not from {origin}")
    return {_table_name(table): carried(store.open(origin), table) for table, origin in carry.items()}


def _needless_carries(received: Delivery, carries: Carried) -> Iterator[Fault]:
    for file in received.files:
        for table in file.tables:
            if table in carries:
                message = f"{table} is given and carried forward as well; expected one of the two"
                yield Fault(file.names, 0, message)


def _faults(
    readings: Mapping[str, Reading],
    carries: Carried,
    changes: Iterable[ReleaseChanges],
    release: Release,
    store: Store,
) -> Iterator[Fault]:
    """Yield what breaks a contract: of one table, between tables, with the release before."""
    for reading in readings.values():
        yield from contracts.check(reading, release)
    frames = {table: reading.frame for table, reading in readings.items()}
    yield from agreement.localities_agree(frames | _carried_frames(carries, agreement.WITH_LOCALITIES))
    factors = [factor.value for reading in readings.values() for factor in reading.factors]
    yield from agreement.caps_follow(frames, factors)
    yield from agreement.notes_are_of_the_edition(frames | _carried_frames(carries, ("diagnosis",)))
    if "diagnosis" in readings:
        yield from agreement.addenda_agree(readings["diagnosis"], store.before(release, "diagnosis", scope="all"))
    for change in changes:
        yield from change.faults
    yield from _lost_tables({*readings, *carries}, release, store)


def _carried_frames(carries: Carried, tables: Iterable[str]) -> dict[str, pl.DataFrame]:
    return {table: pl.read_parquet(carries[table][1]) for table in tables if table in carries}


def _lost_tables(tables: set[str], release: Release, store: Store) -> Iterator[AcceptableFault]:
    """Yield a fault for each table that the revision to be replaced holds and this build lacks."""
    revisions = store.revisions(release)
    if not revisions or (last := store.open(revisions[-1])).manifest.scope != "all":
        return
    for table in sorted(set(last.manifest.tables) - tables):
        message = f"{last.release} holds it, and would be replaced by a revision without it"
        yield AcceptableFault(table, 0, message, f"tables:{table}")


def _changes(readings: Mapping[str, Reading], release: Release, store: Store) -> list[ReleaseChanges]:
    """Compare each table with the nearest earlier release that holds it."""
    before = {table: store.before(release, table, scope="all") for table in readings}
    return [count_changes(readings[table], release, snapshot) for table, snapshot in before.items() if snapshot]


def _uncompared(readings: Mapping[str, Reading], changes: Iterable[ReleaseChanges]) -> Iterator[str]:
    compared = {change.table for change in changes}
    if alone := ", ".join(table for table in readings if table not in compared):
        yield f"no earlier release in the store holds {alone}: what changed is not known"


def _manifest(
    release: Release,
    readings: Mapping[str, Reading],
    carries: Carried,
    changes: Iterable[ReleaseChanges],
    accepted: tuple[str, ...],
) -> Manifest:
    since = {change.table: change for change in changes}
    entries = {table: _entry(reading, since.get(table)) for table, reading in readings.items()}
    factors = tuple(factor for reading in readings.values() for factor in reading.factors)
    return Manifest(
        release, "all", factors, entries | {table: entry for table, (entry, _) in carries.items()}, accepted, READER
    )


def _entry(reading: Reading, change: ReleaseChanges | None) -> TableEntry:
    return TableEntry(
        edition=reading.edition,
        sources=tuple(sorted(reading.sources)),
        # Rows, columns and digests are filled in by the store, from what it writes.
        rows=0,
        columns={},
        sha256="",
        released=reading.released,
        notes=tuple(sorted(reading.notes)),
        forms=reading.forms,
        other_forms=tuple(sorted(set(reading.layout.forms) - set(reading.forms))),
        since=None if change is None else _changes_entry(change),
    )


def _changes_entry(change: ReleaseChanges) -> TableChanges:
    changed = {column: count for column, count in change.changed.items() if count}
    return TableChanges(str(change.release), change.keys_before, change.keys_gone, change.keys_new, changed)
