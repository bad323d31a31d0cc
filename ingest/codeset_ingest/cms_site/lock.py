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
        return max((pinned for pinned in self.releases if pinned.unrevised == release.unrevised), default=None)

    def revision(self, release: Release) -> Release:
        """Return *release* itself if it names a revision or none is pinned, else its last pinned revision."""
        return release if release.revision else self.newest(release) or release

    def pinned(self, release: Release) -> tuple[PinnedFile, ...]:
        """Return the files of the last pinned revision of that quarter; none, if there is none."""
        newest = self.newest(release)
        return self.releases[newest] if newest else ()

    def addresses(self) -> dict[str, PinnedFile]:
        """Return every pinned file by its address; of re-issues at one address, the last."""
        return {file.url: file for release in sorted(self.releases) for file in self.releases[release]}

    def with_files(self, release: Release, files: Collection[PinnedFile]) -> tuple["Lock", Release]:
        """Return the lock with *files* as those of *release*, and the revision that they are.

        What was pinned of publications that are not among *files* stays. If any file that becomes a table is another
        one, is gone or has come, it is the next revision, as it is in the store.
        """
        newest = self.newest(release)
        replaced = {file.publication for file in files}
        others = [file for file in self.pinned(release) if file.publication not in replaced]
        new = tuple(sorted([*files, *others]))
        if newest is None:
            revision = release.unrevised
        else:
            same = _contents(new) == _contents(self.releases[newest])
            revision = newest if same else replace(newest, revision=newest.revision + 1)
        return replace(self, releases=dict(self.releases) | {revision: new}), revision

    def to_json(self) -> str:
        """Return the text of the file: sorted, without clock or path."""
        files = {str(release): [asdict(file) for file in self.releases[release]] for release in sorted(self.releases)}
        plain: dict[str, Any] = {"format": FORMATS["sources"], "releases": files}
        if self.approvals:
            plain["approvals"] = {str(release): asdict(self.approvals[release]) for release in sorted(self.approvals)}
        return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def _contents(files: Iterable[PinnedFile]) -> set[tuple[str, str]]:
    """What tells two revisions apart: the bytes that become tables, whatever their names and addresses."""
    with_tables = {publication.name for publication in publications() if publication.tables}
    return {(file.publication, file.sha256) for file in files if file.publication in with_tables}


def read(file: Path) -> Lock:
    """Return the lock in *file*; an empty one, if there is no such file.

    Raises StoreProblem: if it is not a lock.
    """
    if not file.exists():
        return Lock({})
    try:
        return parse(file.read_bytes(), str(file))
    except OSError as error:
        raise StoreProblem(f"{file}: cannot be read ({error})") from error


def parse(text: bytes, name: str) -> Lock:
    """Return the lock that *text* is; *name* says where it comes from.

    Raises StoreProblem: if it is not a lock.
    """
    try:
        plain: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise StoreProblem(f"{name}: cannot be read ({error})") from error
    if wrong := reading_faults(plain, "sources"):
        raise StoreProblem(f"{name}: {'; '.join(wrong)}")
    return Lock(
        {
            Release.parse(label): tuple(from_fields(PinnedFile, row) for row in files)
            for label, files in plain["releases"].items()
        },
        {Release.parse(label): from_fields(ApprovalHead, head) for label, head in plain.get("approvals", {}).items()},
    )


def pin(file: Path, release: Release, files: Collection[PinnedFile], guard: Path) -> Release:
    """Pin *files* for *release* in the lock *file*, and return the revision that they are.

    *guard* is the lock file that keeps two processes from pinning at the same time; it stays.

    Raises StoreProblem: if it cannot be read or written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(guard, timeout=_WAIT_SECONDS):
            lock, revision = read(file).with_files(release, files)
            # An unchanged lock keeps its time of change, for those who build by it.
            if not (file.exists() and file.read_text(encoding="utf-8") == lock.to_json()):
                write_file(file, lock.to_json())
    except OSError as error:
        raise StoreProblem(f"{file}: cannot be written ({error})") from error
    return revision


def record_approval(file: Path, release: Release, head: ApprovalHead, guard: Path) -> None:
    """Record *head* as the last approval of *release* in the lock *file*; *guard* as in `pin`.

    A later one that another process recorded meanwhile stays.

    Raises StoreProblem: if it cannot be read or written.
    """
    try:
        guard.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(guard, timeout=_WAIT_SECONDS):
            lock = read(file)
            recorded = lock.approvals.get(release)
            # Only forward: two approvals that are recorded at once leave the later one.
            if recorded is None or recorded.count < head.count:
                write_file(file, replace(lock, approvals=dict(lock.approvals) | {release: head}).to_json())
    except OSError as error:
        raise StoreProblem(f"{file}: cannot be written ({error})") from error
