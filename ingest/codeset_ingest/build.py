"""The main of the project: CMS's files in, a sealed snapshot out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from codeset.errors import BadInput, Fault, WrongUse
from codeset.manifest import Manifest, TableEntry
from codeset.progress import Say, silent
from codeset.releases import Release
from codeset.store import Sealed, Store, carried
from codeset.tables import NEEDED, TABLES
from codeset_ingest.read import contracts, delivery
from codeset_ingest.read.delivery import Delivery
from codeset_ingest.read.open_files import open_all
from codeset_ingest.read.read_files import read
from codeset_ingest.read.recognize import recognize
from codeset_ingest.read.table import Reading


@dataclass(frozen=True)
class BuildResult:
    """A build's outcome: the sealed snapshot, the files that no layout knows, the tables it lacks, and remarks."""

    sealed: Sealed
    unrecognized: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def build(
    release: Release,
    files: Sequence[Path],
    store: Store,
    carry: Mapping[str, Release] | None = None,
    accept_row_count: Iterable[str] = (),
    say: Say = silent,
    addresses: Mapping[str, str] | None = None,
) -> BuildResult:
    """Read CMS's *files* and seal them as *release*, with the tables of *carry* taken from earlier releases.

    *addresses* are the URLs of fetched files, by name, for the manifest.

    Raises BadInput: with every fault found, before anything is written. WrongUse: for a *carry* or
    *accept_row_count* that makes no sense. StoreProblem: if the store cannot take it.
    """
    carries = _carried_tables(store, release, carry or {})
    accepted = tuple(sorted(f"row count of {_table_name(table)}" for table in set(accept_row_count)))
    readings, unrecognized, read_notes = _read(release, files, carries, say, addresses or {})
    say("checking contracts")
    faults = [fault for reading in readings.values() for fault in contracts.check(reading, release)]
    notes, count_faults = _compare_with_before(readings, release, store, set(accept_row_count))
    if faults or count_faults:
        raise BadInput([*faults, *count_faults])
    say("sealing")
    manifest = _manifest(release, readings, {table: entry for table, (entry, _) in carries.items()}, accepted)
    tables: dict[str, pl.DataFrame | Path] = {table: reading.frame for table, reading in readings.items()}
    sealed = store.seal(manifest, tables | {table: path for table, (_, path) in carries.items()})
    missing = tuple(table for table in NEEDED if table not in readings and table not in carries)
    return BuildResult(sealed, unrecognized, missing, (*read_notes, *notes))


def _read(
    release: Release, files: Sequence[Path], carries: Mapping[str, object], say: Say, addresses: Mapping[str, str]
) -> tuple[dict[str, Reading], tuple[str, ...], tuple[str, ...]]:
    """Return the tables that the files make up, the files that no layout knows, and remarks.

    The files' bytes are freed when this returns: tables are sorted and sealed without them.
    """
    say("recognizing files")
    received = delivery.sort_files(recognize(open_all(list(files))))
    faults = [*delivery.faults_of(received, release), *_carried_and_given(received, carries)]
    if not received.files and not carries:
        unknown = received.unrecognized or tuple(map(str, files))
        faults += [Fault(name, 0, _UNRECOGNIZED) for name in unknown]
    if faults:
        raise BadInput(faults)
    say(f"reading {len(received.files)} files")
    urls = {file.content.source.sha256: addresses.get(file.content.outermost) for file in received.files}
    readings = {table: _with_urls(reading, urls) for table, reading in read(received.files, release).items()}
    notes = [note for reading in readings.values() for note in reading.notes]
    return readings, received.unrecognized, (*received.notes, *notes)


_UNRECOGNIZED = "is not a CMS file we recognize. (Expected: PPRRVU…, GPCI…, ccipra-…, MCR_MUE_…, AOC_V…)"


def _with_urls(reading: Reading, urls: Mapping[str, str | None]) -> Reading:
    return replace(reading, sources=tuple(replace(source, url=urls[source.sha256]) for source in reading.sources))


def _table_name(table: str) -> str:
    if table not in TABLES:
        raise WrongUse(f'no table is called "{table}"; there are: {", ".join(TABLES)}')
    return table


def _carried_tables(store: Store, release: Release, carry: Mapping[str, Release]) -> dict[str, tuple[TableEntry, Path]]:
    for table, origin in carry.items():
        if origin.unrevised >= release.unrevised:
            raise WrongUse(f"{table} can be carried forward only from a release before {release}, not from {origin}")
    return {_table_name(table): carried(store.open(origin), table) for table, origin in carry.items()}


def _carried_and_given(delivery: Delivery, carries: Mapping[str, object]) -> list[Fault]:
    return [
        Fault(file.names, 0, f"{file.table} is given and carried forward as well; expected one of the two")
        for file in delivery.files
        if file.table in carries
    ]


def _compare_with_before(
    readings: Mapping[str, Reading], release: Release, store: Store, accepted: set[str]
) -> tuple[list[str], list[Fault]]:
    """The remarks and faults of comparing each table with the nearest earlier release that holds it."""
    before = {table: store.before(release, table, scope="all") for table in readings}
    alone = ", ".join(table for table in before if not before[table])
    notes = [f"no earlier release in the store holds {alone}: row counts are not compared"] if alone else []
    entries = {
        table: (snapshot.release, snapshot.manifest.tables[table]) for table, snapshot in before.items() if snapshot
    }
    if gpci := before.get("gpci"):
        notes += contracts.missing_localities(readings["gpci"], gpci.table("gpci"), gpci.release)
    rows = {table: reading.frame.height for table, reading in readings.items()}
    return notes, list(contracts.row_counts_hold(rows, entries, accepted))


def _manifest(
    release: Release, readings: Mapping[str, Reading], carries: Mapping[str, TableEntry], accepted: tuple[str, ...]
) -> Manifest:
    entries = {
        table: TableEntry(
            edition=reading.edition,
            sources=tuple(sorted(reading.sources)),
            rows=0,
            columns={},
            sha256="",
            released=reading.released,
            notes=tuple(sorted(reading.notes)),
        )
        for table, reading in readings.items()
    }
    factors = tuple(factor for reading in readings.values() for factor in reading.factors)
    return Manifest(release, "all", factors, entries | dict(carries), accepted)
