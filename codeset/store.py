"""The store: a folder of sealed snapshots, one folder each, written whole or not at all and never again."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from codeset.atomic_write import new_folder, remove_leftovers
from codeset.errors import StoreProblem, WrongUse
from codeset.manifest import Manifest, TableEntry
from codeset.releases import Release, is_label
from codeset.snapshot import MANIFEST, Snapshot, digest
from codeset.tables import TABLES

_ROW_GROUP = 131_072


@dataclass(frozen=True)
class Sealed:
    """The outcome of sealing: the snapshot, and whether it is `new` or was there already, from the same files."""

    snapshot: Snapshot
    new: bool


@dataclass(frozen=True)
class Store:
    """A folder of snapshots."""

    path: Path

    @classmethod
    def at(cls, path: Path | str | None = None) -> "Store":
        """Return the store at *path*, else at `$CODESET_STORE`, else in the user's data directory."""
        folder = path or os.environ.get("CODESET_STORE")
        if folder:
            return cls(Path(folder))
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
        return [path for path in self.path.iterdir() if path.name[0] != "." and (path / MANIFEST).is_file()]

    def open(self, release: Release | str) -> Snapshot:
        """Return exactly the snapshot of that label (a newer revision is another label).

        Raises WrongUse: if it is no label. StoreProblem: if the store does not hold it.
        """
        label = str(release if isinstance(release, Release) else Release.parse(release))
        if not (self.path / label / MANIFEST).is_file():
            labels = ", ".join(map(str, self.releases())) or "no release yet"
            raise StoreProblem(f"{self.path} holds no {label}; it holds: {labels}")
        return Snapshot(self.path / label)

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
        return [each for each in self.releases() if each.unrevised == release.unrevised]

    def in_force(self, day: date) -> Snapshot | None:
        """Return the newest revision of the release that covers *day*, or None: nothing is known of that day."""
        revisions = self.revisions(Release.of(day))
        return self.open(revisions[-1]) if revisions else None

    def before(self, release: Release, table: str, scope: str) -> Snapshot | None:
        """Return the nearest earlier release that holds *table* in *scope*, or None."""
        for each in reversed([each for each in self.releases() if each.unrevised < release.unrevised]):
            snapshot = self.open(each)
            if table in snapshot and snapshot.manifest.scope == scope:
                return snapshot
        return None

    def seal(self, manifest: Manifest, tables: Mapping[str, pl.DataFrame | Path]) -> Sealed:
        """Write *tables* (frames, or parquet files of another snapshot) and *manifest*, whole or not at all.

        The manifest's rows, columns and digests are filled in here. The same files sealed before: that snapshot is
        returned and nothing is written. Other files of a sealed release: the next revision, or a later one that the
        manifest names.

        Raises StoreProblem: if the folder cannot be written, or another build sealed the release meanwhile.
        """
        remove_leftovers(self.path)
        for each in self.revisions(manifest.release):
            if (snapshot := self.open(each)).manifest.identity == manifest.identity:
                return Sealed(snapshot, new=False)
        release = max(manifest.release, self._next_revision(manifest.release))
        self._write(replace(manifest, release=release), tables)
        return Sealed(self.open(release), new=True)

    def _next_revision(self, release: Release) -> Release:
        revisions = self.revisions(release)
        return replace(release, revision=revisions[-1].revision + 1) if revisions else release.unrevised

    def _write(self, manifest: Manifest, tables: Mapping[str, pl.DataFrame | Path]) -> None:
        """Write the snapshot's folder; fails, atomically, if the release is there by now."""
        folder = self.path / str(manifest.release)
        try:
            with new_folder(folder) as unfinished:
                _write(unfinished, manifest, tables)
        except OSError as error:
            if folder.exists():
                raise StoreProblem(
                    f"another build sealed {manifest.release} while this one ran; nothing was written by this one. "
                    "Build again: the same files change nothing, other files become a new revision."
                ) from error
            raise StoreProblem(f"{self.path}: cannot be used as a store ({error})") from error


def _write(folder: Path, manifest: Manifest, tables: Mapping[str, pl.DataFrame | Path]) -> None:
    entries = {name: _write_table(folder, name, tables[name], manifest.tables[name]) for name in sorted(tables)}
    (folder / MANIFEST).write_text(replace(manifest, tables=entries).to_json(), encoding="utf-8")
    if wrong := Snapshot(folder).verify():
        raise StoreProblem(f"what was written is not what was meant: {'; '.join(wrong)}")
    for file in folder.iterdir():
        _flush(file)


def _write_table(folder: Path, name: str, table: pl.DataFrame | Path, entry: TableEntry) -> TableEntry:
    file = folder / f"{name}.parquet"
    if isinstance(table, Path):
        shutil.copyfile(table, file)
        if digest(file) != entry.sha256:
            raise StoreProblem(f"{table}: changed since it was sealed; verify that release")
        return entry
    frame = table.select(pl.col(column).cast(kind) for column, kind in TABLES[name].columns.items())
    frame.write_parquet(file, compression="zstd", compression_level=3, row_group_size=_ROW_GROUP)
    columns = {column: _type_name(kind) for column, kind in frame.schema.items()}
    return replace(entry, rows=frame.height, columns=columns, sha256=digest(file))


def _type_name(kind: pl.DataType) -> str:
    """A column's type as readers of any language name it."""
    if isinstance(kind, pl.Decimal):
        return f"decimal({kind.precision}, {kind.scale})"
    return "text" if kind == pl.String else str(kind).lower()


def _flush(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def carried(snapshot: Snapshot, table: str) -> tuple[TableEntry, Path]:
    """Return the entry and file with which *table* of *snapshot* is carried into a later release.

    Raises WrongUse: if the snapshot does not hold it.
    """
    if table not in snapshot:
        raise WrongUse(f"{snapshot.release} holds no {table} to carry forward")
    entry = snapshot.manifest.tables[table]
    return replace(entry, carried_from=entry.carried_from or str(snapshot.release)), snapshot.path / f"{table}.parquet"
