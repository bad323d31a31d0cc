"""`sources.lock.json`: which files of CMS make up each release, pinned by address, size and sha256."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from codeset.atomic_write import write_file
from codeset.errors import StoreProblem
from codeset.releases import Release
from codeset.schemas import faults_of
from codeset_ingest.cms_site.link_names import publications

NAME = "sources.lock.json"
_VERSION = 1


@dataclass(frozen=True, order=True)
class Pinned:
    """One file of a release, as fetched; `etag` and `last_modified` are by what the site told it then."""

    publication: str
    edition: str
    name: str
    url: str
    page: str
    size: int
    sha256: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Lock:
    """The files of each release; a re-issue is a new revision, and what was pinned before stays."""

    releases: Mapping[Release, tuple[Pinned, ...]]

    def newest(self, release: Release) -> Release | None:
        """Return the last revision of that quarter that is pinned, or None."""
        return max((each for each in self.releases if each.unrevised == release.unrevised), default=None)

    def revision(self, release: Release) -> Release:
        """Return *release* itself if it names a revision or none is pinned, else its last pinned revision."""
        return release if release.revision else self.newest(release) or release

    def pinned(self, release: Release) -> tuple[Pinned, ...]:
        """Return the files of the last pinned revision of that quarter; none, if there is none."""
        newest = self.newest(release)
        return self.releases[newest] if newest else ()

    def addresses(self) -> dict[str, Pinned]:
        """Return every pinned file by its address; of re-issues at one address, the last."""
        return {each.url: each for release in sorted(self.releases) for each in self.releases[release]}

    def with_files(self, release: Release, files: Collection[Pinned]) -> tuple["Lock", Release]:
        """Return the lock with *files* as those of *release*, and the revision that they are.

        What was pinned of publications that are not among *files* stays. If any file that becomes a table is another
        one, is gone or has come, it is the next revision, as it is in the store.
        """
        newest = self.newest(release)
        fetched = {each.publication for each in files}
        kept = [each for each in self.pinned(release) if each.publication not in fetched]
        new = tuple(sorted([*files, *kept]))
        if newest is None:
            revision = release.unrevised
        else:
            same = _contents(new) == _contents(self.releases[newest])
            revision = newest if same else replace(newest, revision=newest.revision + 1)
        return Lock(dict(self.releases) | {revision: new}), revision

    def to_json(self) -> str:
        """Return the text of the file: sorted, without clock or path."""
        plain = {str(release): [asdict(each) for each in self.releases[release]] for release in sorted(self.releases)}
        return json.dumps({"version": _VERSION, "releases": plain}, indent=2, ensure_ascii=False) + "\n"


def _contents(files: Iterable[Pinned]) -> set[tuple[str, str]]:
    """What makes a release another one: the bytes that become tables, under whatever name and address."""
    decisive = {each.name for each in publications() if each.tables}
    return {(each.publication, each.sha256) for each in files if each.publication in decisive}


def read(file: Path) -> Lock:
    """Return the lock in *file*; an empty one, if there is no such file.

    Raises StoreProblem: if it is not a lock.
    """
    if not file.exists():
        return Lock({})
    try:
        return parsed(file.read_bytes(), str(file))
    except OSError as error:
        raise StoreProblem(f"{file}: cannot be read ({error})") from error


def parsed(text: bytes, name: str) -> Lock:
    """Return the lock that *text* is; *name* says where it comes from.

    Raises StoreProblem: if it is not a lock.
    """
    try:
        plain: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise StoreProblem(f"{name}: cannot be read ({error})") from error
    if wrong := faults_of(plain, "sources"):
        raise StoreProblem(f"{name}: {'; '.join(wrong)}")
    return Lock(
        {Release.parse(label): tuple(Pinned(**each) for each in files) for label, files in plain["releases"].items()}
    )


def pin(file: Path, release: Release, files: Collection[Pinned], guard: Path) -> Release:
    """Pin *files* for *release* in the lock *file*, and return the revision that they are.

    *guard* is a file that those who pin at the same time hold in turn; it stays.

    Raises StoreProblem: if it cannot be read or written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(guard):
            lock, revision = read(file).with_files(release, files)
            _write(file, lock.to_json())
    except OSError as error:
        raise StoreProblem(f"{file}: cannot be written ({error})") from error
    return revision


def _write(file: Path, text: str) -> None:
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    write_file(file, text)
