"""`sources.lock.json`: which files of CMS make up each release, pinned by address, size and sha256."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from codeset.atomic_write import write_file
from codeset.errors import StoreProblem
from codeset.formats import FORMATS, from_fields
from codeset.releases import Release
from codeset.schemas import reading_faults
from codeset_ingest.cms_site.link_names import publications

NAME = "sources.lock.json"
# Pinning takes milliseconds: whoever waits this long waits for a process that hangs.
_WAIT_SECONDS = 60


@dataclass(frozen=True, order=True)
class PinnedFile:
    """One file of a release, as downloaded; `etag` and `last_modified` are what the site sent with it."""

    publication: str
    edition: str
    name: str
    url: str
    page: str
    size: int
    sha256: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, order=True)
class ApprovalHead:
    """The last approval of a release: how many there are, and its digest, so that a missing one shows."""

    count: int
    sha256: str


@dataclass(frozen=True)
class Lock:
    """The files of each release; a re-issue is a new revision, and what was pinned before stays."""

    releases: Mapping[Release, tuple[PinnedFile, ...]]
    approvals: Mapping[Release, ApprovalHead] = field(default_factory=dict)

    def newest(self, release: Release) -> Release | None:
        """Return the last revision of that quarter that is pinned, or None."""
        return max(
            (pinned_release for pinned_release in self.releases if pinned_release.unrevised == release.unrevised),
            default=None,
        )

    def revision(self, release: Release) -> Release:
        """Return *release* itself if it names a revision or none is pinned, else its last pinned revision."""
        return release if release.revision else self.newest(release) or release

    def pinned(self, release: Release) -> tuple[PinnedFile, ...]:
        """Return the files of the last pinned revision of that quarter; none, if there is none."""
        newest_revision = self.newest(release)
        return self.releases[newest_revision] if newest_revision else ()

    def addresses(self) -> dict[str, PinnedFile]:
        """Return every pinned file by its address; of re-issues at one address, the last."""
        return {file.url: file for release in sorted(self.releases) for file in self.releases[release]}

    def with_files(self, release: Release, files: Collection[PinnedFile]) -> tuple["Lock", Release]:
        """Return the lock with *files* as those of *release*, and the revision that they are.

        What was pinned of publications that are not among *files* stays. If any file that becomes a table is another
        one, was removed or added, it is the next revision, as it is in the store.
        """
        newest_revision = self.newest(release)
        replaced_publications = {pinned_file.publication for pinned_file in files}
        other_files = [file for file in self.pinned(release) if file.publication not in replaced_publications]
        new_files = tuple(sorted([*files, *other_files]))
        if newest_revision is None:
            revision = release.unrevised
        else:
            # Order and addresses do not matter: CMS may link the same bytes under a new name.
            is_same = _table_contents(new_files) == _table_contents(self.releases[newest_revision])
            revision = newest_revision if is_same else replace(newest_revision, revision=newest_revision.revision + 1)
        return replace(self, releases=dict(self.releases) | {revision: new_files}), revision

    def to_json(self) -> str:
        """Return the text of the file: sorted, without clock or path."""
        files_by_release = {
            str(release): [asdict(pinned_file) for pinned_file in self.releases[release]]
            for release in sorted(self.releases)
        }
        lock_document: dict[str, Any] = {"format": FORMATS["sources"], "releases": files_by_release}
        if self.approvals:
            lock_document["approvals"] = {
                str(release): asdict(self.approvals[release]) for release in sorted(self.approvals)
            }
        return json.dumps(lock_document, indent=2, ensure_ascii=False) + "\n"


def _table_contents(pinned_files: Iterable[PinnedFile]) -> set[tuple[str, str]]:
    """What tells two revisions apart: the bytes that become tables, whatever their names and addresses."""
    with_tables = {publication.name for publication in publications() if publication.tables}
    return {(file.publication, file.sha256) for file in pinned_files if file.publication in with_tables}


def read(lock_path: Path) -> Lock:
    """Return the lock in *lock_path*; an empty one, if there is no such file.

    Raises StoreProblem: if it is not a lock.
    """
    if not lock_path.exists():
        return Lock({})
    try:
        return parse(lock_path.read_bytes(), str(lock_path))
    except OSError as error:
        raise StoreProblem(f"{lock_path}: cannot be read ({error})") from error


def parse(lock_bytes: bytes, lock_name: str) -> Lock:
    """Return the lock that *lock_bytes* is; *lock_name* says where it comes from.

    Raises StoreProblem: if it is not a lock.
    """
    try:
        lock_document: dict[str, Any] = json.loads(lock_bytes)
    except ValueError as error:
        raise StoreProblem(f"{lock_name}: cannot be read ({error})") from error
    if schema_faults := reading_faults(lock_document, "sources"):
        raise StoreProblem(f"{lock_name}: {'; '.join(schema_faults)}")
    return Lock(
        {
            Release.parse(release_label): tuple(from_fields(PinnedFile, file_fields) for file_fields in file_entries)
            for release_label, file_entries in lock_document["releases"].items()
        },
        {
            Release.parse(release_label): from_fields(ApprovalHead, head_fields)
            for release_label, head_fields in lock_document.get("approvals", {}).items()
        },
    )


def pin(lock_path: Path, release: Release, pinned_files: Collection[PinnedFile], guard_path: Path) -> Release:
    """Pin *pinned_files* for *release* in the lock *lock_path*, and return the revision that they are.

    *guard_path* is the lock file that keeps two processes from pinning at the same time; it stays.

    Raises StoreProblem: if it cannot be read or written.
    """
    try:
        lock_path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(guard_path, timeout=_WAIT_SECONDS):
            # Read under the guard, which is a file of its own: the lock's file is replaced, so it cannot be locked
            # itself.
            lock, revision = read(lock_path).with_files(release, pinned_files)
            # An unchanged lock keeps its time of change, for those who build by it.
            if not (lock_path.exists() and lock_path.read_text(encoding="utf-8") == lock.to_json()):
                write_file(lock_path, lock.to_json())
    except OSError as error:
        raise StoreProblem(f"{lock_path}: cannot be written ({error})") from error
    return revision


def record_approval(lock_path: Path, release: Release, approval_head: ApprovalHead, guard_path: Path) -> None:
    """Record *approval_head* as the last approval of *release* in the lock *lock_path*; *guard_path* as in `pin`.

    A later one that another process recorded meanwhile stays.

    Raises StoreProblem: if it cannot be read or written.
    """
    try:
        guard_path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(guard_path, timeout=_WAIT_SECONDS):
            lock = read(lock_path)
            recorded_head = lock.approvals.get(release)
            # Only forward: two approvals that are recorded at once leave the later one.
            if recorded_head is None or recorded_head.count < approval_head.count:
                write_file(
                    lock_path, replace(lock, approvals=dict(lock.approvals) | {release: approval_head}).to_json()
                )
    except OSError as error:
        raise StoreProblem(f"{lock_path}: cannot be written ({error})") from error
