"""The store: a folder of sealed snapshots, one folder each, written whole or not at all and never again."""

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from codeset.atomic_write import new_folder, remove_leftovers, replacing_folder
from codeset.errors import StoreProblem, WrongUse
from codeset.formats import FORMATS
from codeset.manifest import BEFORE_FORMATS, Manifest, Resealing, TableEntry
from codeset.releases import Release, is_label
from codeset.snapshot import MANIFEST, Snapshot, digest, rows_digest
from codeset.tables import TABLES, type_name

_ROWS_OF_A_GROUP = 131_072
"""Rows of a parquet row group: so few that a look-up of one code, in tables sorted by it, reads a small part."""


@dataclass(frozen=True)
class SealResult:
    """The outcome of sealing: the snapshot, and whether it is `new` or was there already, from the same files.

    `read_before` is the release of which the same files were sealed before, when they are read otherwise now.
    """

    snapshot: Snapshot
    new: bool
    read_before: Release | None = None


@dataclass(frozen=True)
class Store:
    """A folder of snapshots."""

    path: Path

    @classmethod
    def at(cls, path: Path | str | None = None) -> "Store":
        """Return the store at *path*, else at `$CODESET_STORE`, else in the user's data directory.

        Raises WrongUse: for an empty name.
        """
        if path == "":
            raise WrongUse("the store's name is empty; expected a folder")
        store_folder = path or os.environ.get("CODESET_STORE")
        if store_folder:
            return cls(Path(store_folder))
        import platformdirs  # noqa: PLC0415 (only a store without a name needs it)

        return cls(Path(platformdirs.user_data_dir("derm-codeset")))

    def releases(self) -> list[Release]:
        """Return the sealed releases, oldest first, every revision.

        Raises StoreProblem: if the store is a file.
        """
        return sorted(Release.parse(folder.name) for folder in self._snapshot_folders() if is_label(folder.name))

    def other_folders(self) -> list[str]:
        """Return the folders that look like snapshots but are not named as a release: nothing reads them."""
        return sorted(folder.name for folder in self._snapshot_folders() if not is_label(folder.name))

    def _snapshot_folders(self) -> list[Path]:
        if self.path.exists() and not self.path.is_dir():
            raise StoreProblem(f"{self.path} is a file; expected the folder of a store")
        if not self.path.is_dir():
            return []
        # Folders whose names begin with a point are unfinished, or step aside while another takes their place.
        return [path for path in self.path.iterdir() if path.name[0] != "." and (path / MANIFEST).is_file()]

    def open(self, release: Release | str) -> Snapshot:
        """Return exactly the snapshot of that label (a newer revision is another label), as it was sealed.

        Raises WrongUse: if it is no label. StoreProblem: if the store does not hold it, or it was changed since.
        """
        snapshot = self.unchecked(release)
        snapshot.refuse_if_changed()
        return snapshot

    def unchecked(self, release: Release | str) -> Snapshot:
        """Return the snapshot of that label as it is now, for those who say what is wrong with it.

        Raises WrongUse: if it is no label. StoreProblem: if the store does not hold it.
        """
        release_label = str(release if isinstance(release, Release) else Release.parse(release))
        if not (self.path / release_label / MANIFEST).is_file():
            held_labels = ", ".join(map(str, self.releases())) or "no release yet"
            raise StoreProblem(f"{self.path} holds no {release_label}; it holds: {held_labels}")
        return Snapshot(self.path / release_label)

    def newest(self) -> Release:
        """Return the latest sealed release.

        Raises StoreProblem: if the store holds none.
        """
        releases = self.releases()
        if not releases:
            raise StoreProblem(f"{self.path} holds no release yet; see: codeset build --help")
        return releases[-1]

    def revisions(self, release: Release) -> list[Release]:
        """Return every sealed revision of that quarter, oldest first."""
        return [revision for revision in self.releases() if revision.unrevised == release.unrevised]

    def in_force(self, day: date) -> Snapshot | None:
        """Return the newest revision of the release that covers *day*, or None: nothing is known of that day."""
        revisions = self.revisions(Release.of(day))
        return self.open(revisions[-1]) if revisions else None

    def before(self, release: Release, table_name: str, scope: str) -> Snapshot | None:
        """Return the nearest earlier release that holds *table_name* in *scope*, or None."""
        earlier_releases = [earlier for earlier in self.releases() if earlier.unrevised < release.unrevised]
        # The nearest first, and opened only until one has the table: opening checks its files.
        for earlier_release in reversed(earlier_releases):
            snapshot = self.open(earlier_release)
            # An excerpt is no baseline of a full table: nearly all of its keys would seem new.
            if table_name in snapshot and snapshot.manifest.scope == scope:
                return snapshot
        return None

    def seal(
        self, manifest: Manifest, tables: Mapping[str, pl.DataFrame | Path], reseal: str | None = None
    ) -> SealResult:
        """Write *tables* (frames, or parquet files of another snapshot) and *manifest*, whole or not at all.

        The manifest's rows, columns and digests are filled in here. The same files sealed before: that snapshot is
        returned and nothing is written. The same files read otherwise, or other files of a sealed release: the next
        revision, or a later one that the manifest names. With *reseal*, a reason, the same files read otherwise take
        the place of what was sealed from them, and the manifest keeps the reason.

        Raises StoreProblem: if the folder cannot be written, another build sealed the release meanwhile, or what was
        sealed from the same files is not as it was sealed.
        """
        # A build that was killed leaves its unfinished folder: whoever writes next clears it away.
        remove_leftovers(self.path)
        frames = {name: rows if isinstance(rows, Path) else _typed_rows(name, rows) for name, rows in tables.items()}
        entries = {name: _with_content_digest(manifest.tables[name], rows) for name, rows in frames.items()}
        manifest = replace(manifest, tables=entries, format=FORMATS["manifest"])
        earlier = self._from_the_same_files(manifest)
        if earlier is not None and _same_content(earlier, manifest):
            return SealResult(earlier, new=False)
        if earlier is not None and reseal is not None:
            return self._reseal(earlier, manifest, frames, reseal)
        # A re-issue never overwrites: approvals and outcomes name the revision that they rest on.
        release = max(manifest.release, self._next_revision(manifest.release))
        self._write(replace(manifest, release=release), frames, new_folder)
        return SealResult(self.open(release), new=True, read_before=earlier.release if earlier else None)

    def _from_the_same_files(self, manifest: Manifest) -> Snapshot | None:
        """The newest revision that was sealed from the files of *manifest*."""
        for release in reversed(self.revisions(manifest.release)):
            if (snapshot := self.open(release)).manifest.identity == manifest.identity:
                return snapshot
        return None

    def _reseal(
        self, earlier: Snapshot, manifest: Manifest, tables: Mapping[str, pl.DataFrame | Path], reason: str
    ) -> SealResult:
        resealed = (*earlier.manifest.resealed, Resealing(reason, earlier.content_sha256))
        release = earlier.release
        self._write(replace(manifest, release=release, resealed=resealed), tables, replacing_folder)
        return SealResult(self.open(release), new=True, read_before=release)

    def _next_revision(self, release: Release) -> Release:
        revisions = self.revisions(release)
        return replace(release, revision=revisions[-1].revision + 1) if revisions else release.unrevised

    def _write(
        self,
        manifest: Manifest,
        tables: Mapping[str, pl.DataFrame | Path],
        appearing: Callable[[Path], AbstractContextManager[Path]],
    ) -> None:
        """Write the snapshot's folder; a new one fails, atomically, if the release is there by now."""
        folder = self.path / str(manifest.release)
        try:
            with appearing(folder) as unfinished:
                _write_snapshot(unfinished, manifest, tables)
        except OSError as error:
            if folder.exists():
                raise StoreProblem(
                    f"another build sealed {manifest.release} while this one ran; nothing was written by this one. "
                    "Build again: the same files change nothing, other files become a new revision."
                ) from error
            raise StoreProblem(f"{self.path}: cannot be used as a store ({error})") from error


def _same_content(snapshot: Snapshot, manifest: Manifest) -> bool:
    """Whether *manifest* bears on answers as *snapshot* does; before formats nobody kept the reader's number."""
    reader = snapshot.manifest.reader if snapshot.manifest.format == BEFORE_FORMATS else manifest.reader
    return replace(manifest, release=snapshot.release, reader=reader).content_sha256 == snapshot.content_sha256


def _typed_rows(table_name: str, table_rows: pl.DataFrame) -> pl.DataFrame:
    return table_rows.select(pl.col(column).cast(dtype) for column, dtype in TABLES[table_name].columns.items())


def _with_content_digest(entry: TableEntry, table_rows: pl.DataFrame | Path) -> TableEntry:
    """The entry with the digest of its rows, which a carried table has already unless it is from before formats."""
    if isinstance(table_rows, Path):
        return (
            entry if entry.content_sha256 else replace(entry, content_sha256=rows_digest(pl.read_parquet(table_rows)))
        )
    return replace(entry, content_sha256=rows_digest(table_rows))


def _write_snapshot(folder: Path, manifest: Manifest, tables: Mapping[str, pl.DataFrame | Path]) -> None:
    table_entries = {
        table_name: _write_table(folder, table_name, tables[table_name], manifest.tables[table_name])
        for table_name in sorted(tables)
    }
    # As bytes: text would have other line ends on Windows, and the same files are the same bytes on any machine.
    (folder / MANIFEST).write_bytes(replace(manifest, tables=table_entries).to_json().encode())
    # Read back before it can be seen: a full disk that cut a file short is noticed here.
    Snapshot(folder).refuse_if_changed()
    # On disk before the folder gets its name: after a power cut there is a whole snapshot or none.
    for sealed_file in folder.iterdir():
        _flush_to_disk(sealed_file)


def _write_table(folder: Path, table_name: str, table_rows: pl.DataFrame | Path, entry: TableEntry) -> TableEntry:
    parquet_file = folder / f"{table_name}.parquet"
    if isinstance(table_rows, Path):
        shutil.copyfile(table_rows, parquet_file)
        # A carried table is copied as bytes, so its digest is that of the release it came from.
        if digest(parquet_file) != entry.sha256:
            raise StoreProblem(f"{table_rows}: changed since it was sealed; verify that release")
        return entry
    table_rows.write_parquet(parquet_file, compression="zstd", compression_level=3, row_group_size=_ROWS_OF_A_GROUP)
    column_types = {column: type_name(dtype) for column, dtype in table_rows.schema.items()}
    return replace(entry, rows=table_rows.height, columns=column_types, sha256=digest(parquet_file))


def _flush_to_disk(sealed_file: Path) -> None:
    with sealed_file.open("rb") as file_stream:
        os.fsync(file_stream.fileno())


def carried_table(snapshot: Snapshot, table_name: str) -> tuple[TableEntry, Path]:
    """Return the entry and file with which *table_name* of *snapshot* is carried into a later release.

    Raises WrongUse: if the snapshot does not hold it.
    """
    if table_name not in snapshot:
        raise WrongUse(f"{snapshot.release} holds no {table_name} to carry forward")
    table_entry = snapshot.manifest.tables[table_name]
    # A table that is carried again keeps the release that it came with: its age is that of CMS's file.
    origin_label = table_entry.carried_from or str(snapshot.release)
    return replace(table_entry, carried_from=origin_label), snapshot.path / f"{table_name}.parquet"
