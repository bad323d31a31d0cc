"""The main of the project: CMS's files in, a sealed snapshot out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from codeset.errors import BadInput, Fault, WrongUse
from codeset.manifest import Manifest, TableChanges, TableEntry
from codeset.progress import ReportProgress, silent
from codeset.releases import Release
from codeset.store import SealResult, Store, carried_table
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
    report_progress: ReportProgress = silent,
    addresses: Mapping[str, str] | None = None,
    reseal: str | None = None,
) -> BuildResult:
    """Read CMS's *files* and seal them as *release*, with the tables of *carry* taken from earlier releases.

    *accept* names unusual findings that are right, as `CHECK:TABLE`; *addresses* are the URLs of fetched files, by
    name, for the manifest; *reseal* is as in `Store.seal`.

    Raises BadInput: with every fault found, before anything is written. WrongUse: for a *carry* or an *accept* that
    makes no sense. StoreProblem: if the store cannot take it.
    """
    # Options first: a misspelled table must not be reported only after the files were read.
    carried_tables = _carried_tables(store, release, carry or {})
    accepted_checks = acceptances(accept)
    readings, unrecognized, read_notes = _read_release_files(
        release, files, carried_tables, report_progress, addresses or {}
    )
    report_progress("checking contracts")
    changes = _changes_since_before(readings, release, store)
    faults, needed_acceptances = split_accepted(
        _contract_faults(readings, carried_tables, changes, release, store), accepted_checks
    )
    if faults:
        raise BadInput(faults)
    report_progress("sealing")
    manifest = _release_manifest(release, readings, carried_tables, changes, needed_acceptances)
    tables: dict[str, pl.DataFrame | Path] = {table_name: reading.frame for table_name, reading in readings.items()}
    seal_result = store.seal(
        manifest,
        tables | {table_name: parquet_path for table_name, (_, parquet_path) in carried_tables.items()},
        reseal,
    )
    # Not a fault: who looks up fees needs no edits. The manifest and each answer say what is not held.
    missing_tables = tuple(table for table in REQUIRED_TABLES if table not in readings and table not in carried_tables)
    build_notes = (*read_notes, *_uncompared_tables_note(readings, changes), *map(str, changes))
    return BuildResult(seal_result, unrecognized, missing_tables, build_notes, tuple(changes))


def _read_release_files(
    release: Release,
    paths: Sequence[Path],
    carried_tables: Carried,
    report_progress: ReportProgress,
    addresses: Mapping[str, str],
) -> tuple[dict[str, Reading], tuple[str, ...], tuple[str, ...]]:
    """Return the tables that the files make up, the files that no layout knows, and remarks.

    The files' bytes are freed when this returns: tables are sorted and sealed without them.
    """
    report_progress("recognizing files")
    received_files = delivery.sort_files(recognize(open_all(list(paths))))
    faults = [*delivery.faults_of(received_files, release), *_needless_carry_faults(received_files, carried_tables)]
    # A file that nobody understood must not be missing from a release in silence: it may be a table in a new form.
    faults += _unread_file_faults(received_files, paths, carried_tables)
    if faults:
        raise BadInput(faults)
    report_progress(f"reading {len(received_files.files)} files")
    # By digest: a source is a member of the fetched zip, and has another name than the zip.
    url_by_digest = {file.content.source.sha256: addresses.get(file.content.outermost) for file in received_files.files}
    readings = {
        table_name: _with_source_urls(reading, url_by_digest)
        for table_name, reading in read(received_files.files, release).items()
    }
    readings = {table_name: _with_unusual_codes(reading) for table_name, reading in readings.items()}
    remarks = [remark for reading in readings.values() for remark in reading.notes]
    return readings, tuple(cms_file.names for cms_file in received_files.unknown), (*received_files.notes, *remarks)


def _unread_file_faults(received_files: Delivery, paths: Sequence[Path], carried_tables: Carried) -> Iterator[Fault]:
    """Files that are named, not only in a folder, are read or stop the build; so does one that is nearly CMS's."""
    for unread_file in received_files.unknown:
        if unread_file.near_miss:
            yield Fault(unread_file.names, 0, unread_file.near_miss)
    # A file that is nearly CMS's has a fault that says what differs, and needs no second one.
    near_miss_names = {file.names.partition("/")[0] for file in received_files.unknown if file.near_miss}
    recognized_names = {cms_file.content.outermost for cms_file in received_files.files}
    for path in paths:
        if path.is_file() and path.name not in recognized_names and path.name not in near_miss_names:
            yield Fault(str(path), 0, _NOT_RECOGNIZED)
    if not received_files.files and not carried_tables and not any(path.is_file() for path in paths):
        unrecognized_names = [unread_file.names for unread_file in received_files.unknown if not unread_file.near_miss]
        for unread_name in unrecognized_names if received_files.unknown else map(str, paths):
            yield Fault(unread_name, 0, _NOT_RECOGNIZED)


_NOT_RECOGNIZED = "is not a CMS file we recognize. (Expected: PPRRVU…, GPCI…, ccipra-…, MCR_MUE_…, AOC_V…, icd10cm…)"


def _with_source_urls(reading: Reading, url_by_digest: Mapping[str, str | None]) -> Reading:
    return replace(
        reading, sources=tuple(replace(source, url=url_by_digest[source.sha256]) for source in reading.sources)
    )


def _with_unusual_codes(reading: Reading) -> Reading:
    return replace(reading, notes=(*reading.notes, *contracts.unusual_codes(reading)))


def _checked_table_name(table: str) -> str:
    if table not in TABLES:
        raise WrongUse(f'no table is called "{table}"; there are: {", ".join(TABLES)}')
    return table


def _carried_tables(store: Store, release: Release, carry: Mapping[str, Release]) -> Carried:
    for table_name, origin_release in carry.items():
        if origin_release.unrevised >= release.unrevised:
            raise WrongUse(
                f"{table_name} can be carried forward only from a release before {release}, not from {origin_release}"
            )
    return {
        _checked_table_name(table_name): carried_table(store.open(origin_release), table_name)
        for table_name, origin_release in carry.items()
    }


def _needless_carry_faults(received_files: Delivery, carried_tables: Carried) -> Iterator[Fault]:
    for cms_file in received_files.files:
        for table_name in cms_file.tables:
            if table_name in carried_tables:
                message = f"{table_name} is given and carried forward as well; expected one of the two"
                yield Fault(cms_file.names, 0, message)


def _contract_faults(
    readings: Mapping[str, Reading],
    carried_tables: Carried,
    changes: Iterable[ReleaseChanges],
    release: Release,
    store: Store,
) -> Iterator[Fault]:
    """Yield what breaks a contract: of one table, between tables, with the release before."""
    for reading in readings.values():
        yield from contracts.check(reading, release)
    read_tables = {table_name: reading.frame for table_name, reading in readings.items()}
    yield from agreement.localities_agree(read_tables | _carried_frames(carried_tables, agreement.WITH_LOCALITIES))
    factor_values = [conversion_factor.value for reading in readings.values() for conversion_factor in reading.factors]
    yield from agreement.caps_follow(read_tables, factor_values)
    yield from agreement.notes_are_of_the_edition(read_tables | _carried_frames(carried_tables, ("diagnosis",)))
    if "diagnosis" in readings:
        yield from agreement.addenda_agree(readings["diagnosis"], store.before(release, "diagnosis", scope="all"))
    for table_changes in changes:
        yield from table_changes.faults
    yield from _lost_table_faults({*readings, *carried_tables}, release, store)


def _carried_frames(carried_tables: Carried, table_names: Iterable[str]) -> dict[str, pl.DataFrame]:
    return {table: pl.read_parquet(carried_tables[table][1]) for table in table_names if table in carried_tables}


def _lost_table_faults(table_names: set[str], release: Release, store: Store) -> Iterator[AcceptableFault]:
    """Yield a fault for each table that the revision to be replaced holds and this build lacks."""
    revisions = store.revisions(release)
    # An excerpt lacks tables on purpose, and no full release takes its place.
    if not revisions or (last_revision := store.open(revisions[-1])).manifest.scope != "all":
        return
    for lost_table in sorted(set(last_revision.manifest.tables) - table_names):
        message = f"{last_revision.release} holds it, and would be replaced by a revision without it"
        yield AcceptableFault(lost_table, 0, message, f"tables:{lost_table}")


def _changes_since_before(readings: Mapping[str, Reading], release: Release, store: Store) -> list[ReleaseChanges]:
    """Compare each table with the nearest earlier release that holds it."""
    snapshots_before = {table_name: store.before(release, table_name, scope="all") for table_name in readings}
    return [
        count_changes(readings[table], release, snapshot) for table, snapshot in snapshots_before.items() if snapshot
    ]


def _uncompared_tables_note(readings: Mapping[str, Reading], changes: Iterable[ReleaseChanges]) -> Iterator[str]:
    compared_tables = {table_changes.table for table_changes in changes}
    if tables_without_baseline := ", ".join(table_name for table_name in readings if table_name not in compared_tables):
        yield f"no earlier release in the store holds {tables_without_baseline}: what changed is not known"


def _release_manifest(
    release: Release,
    readings: Mapping[str, Reading],
    carried_tables: Carried,
    changes: Iterable[ReleaseChanges],
    needed_acceptances: tuple[str, ...],
) -> Manifest:
    changes_by_table = {table_changes.table: table_changes for table_changes in changes}
    read_entries = {table: _table_entry(reading, changes_by_table.get(table)) for table, reading in readings.items()}
    conversion_factors = tuple(factor for reading in readings.values() for factor in reading.factors)
    return Manifest(
        release,
        "all",
        conversion_factors,
        read_entries | {table_name: carried_entry for table_name, (carried_entry, _) in carried_tables.items()},
        needed_acceptances,
        READER,
    )


def _table_entry(reading: Reading, table_changes: ReleaseChanges | None) -> TableEntry:
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
        # Outside the content digest: it compares with whatever release the store happened to hold.
        since=None if table_changes is None else _changes_entry(table_changes),
    )


def _changes_entry(table_changes: ReleaseChanges) -> TableChanges:
    changed_columns = {column: row_count for column, row_count in table_changes.changed.items() if row_count}
    return TableChanges(
        str(table_changes.release),
        table_changes.keys_before,
        table_changes.keys_gone,
        table_changes.keys_new,
        changed_columns,
    )
