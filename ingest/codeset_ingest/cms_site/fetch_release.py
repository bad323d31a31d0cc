"""Fetch a release: find what CMS lists of it, download it, pin it, and put it into its folder."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from codeset.atomic_write import replacing
from codeset.errors import BadInput, Fault, StoreProblem, WrongUse
from codeset.progress import Say
from codeset.releases import Release
from codeset.snapshot import digest
from codeset_ingest.cms_site import lock as locks
from codeset_ingest.cms_site.download import (
    CountBytes,
    DownloadContext,
    DownloadFolder,
    LocalFile,
    by_hand,
    count_mismatch,
    count_nothing,
    download,
)
from codeset_ingest.cms_site.find_release import (
    PageReader,
    ReleaseFiles,
    find,
    find_pinned,
    pinned_files,
    publications_for,
)
from codeset_ingest.cms_site.http import Connection
from codeset_ingest.cms_site.listing_pages import PostedFile
from codeset_ingest.cms_site.lock import Lock

REISSUED = "re-issued"


@dataclass(frozen=True)
class FetchRequest:
    """What to fetch: for which audiences besides practitioners, and whether the AMA license was accepted.

    `locked`: exactly what the lock pins, without reading a page.
    """

    release: Release
    also: tuple[str, ...]
    accepted: bool
    locked: bool = False


@dataclass(frozen=True)
class FetchedRelease:
    """The outcome of a fetch. `release` is the revision that the lock gives these files.

    `not_fetched` are gated files whose license nobody accepted; `last_before` names, of publications that CMS posts
    only when they change and did not post for this release, the release it last posted them for.
    """

    release: Release
    folder: Path
    files: tuple[LocalFile, ...]
    not_fetched: tuple[PostedFile, ...]
    last_before: Mapping[str, Release]
    notes: tuple[str, ...]

    @property
    def reissued(self) -> list[LocalFile]:
        """The files whose bytes are not among those pinned before."""
        return [file for file in self.files if file.news == REISSUED]


def fetch_release(
    request: FetchRequest, folder: DownloadFolder, connection: Connection, say: Say, count: CountBytes = count_nothing
) -> FetchedRelease:
    """Download the files of a release that are missing or changed, pin them, and put them into its folder.

    The folder and the lock change only when every file is complete; finished downloads wait beside them, and the same
    command resumes from there. Without an acceptance gated files are left out, and then nothing is pinned.

    Raises SiteProblem, NotPosted: if CMS's site does not provide it. LayoutChanged: if a page has a new layout.
    BadInput: if a file is not what it should be. WrongUse: if another fetch of the release is running.
    """
    lock = locks.read(folder.lock)
    listing = _list_files(request, lock, connection, say)
    gated = tuple(posted for posted in listing.files if posted.gated and not request.accepted)
    to_download = [posted for posted in listing.files if posted not in gated]
    # Two fetches of one release would write the same unfinished files.
    with _exclusive(folder, request.release):
        context = DownloadContext(connection, folder, lock, say, count)
        files = [
            _as_locked(posted, request, context) or download(posted, request.release, context) for posted in to_download
        ]
        notes = (*listing.notes, *_count_mismatches(to_download, files))
        if gated:
            return _without_gated(request, context, files, replace(listing, files=gated, notes=notes))
        release = _pin(request, context, files)
        files_in_place = tuple(_move(file, folder.of(release)) for file in files)
        shutil.rmtree(folder.work(request.release), ignore_errors=True)
    return FetchedRelease(release, folder.of(release), files_in_place, (), listing.last_before, notes)


def _list_files(request: FetchRequest, lock: Lock, connection: Connection, say: Say) -> ReleaseFiles:
    publications = publications_for(request.also)
    if request.locked:
        return find_pinned(lock, request.release, publications)
    return find(PageReader(connection, say), request.release, publications, pinned_files(lock, request.release))


def _count_mismatches(posted: Sequence[PostedFile], files: Sequence[LocalFile]) -> Iterator[str]:
    for posted_file, local in zip(posted, files, strict=True):
        if message := count_mismatch(posted_file, local.path):
            yield message


def _pin(request: FetchRequest, context: DownloadContext, files: Sequence[LocalFile]) -> Release:
    """Return the revision that these files are: pinned now, or, with `locked`, as the lock has it."""
    folder, lock = context.folder, context.lock
    if not request.locked:
        return locks.pin(folder.lock, request.release, [file.pinned for file in files], folder.guard)
    release = lock.revision(request.release)
    _refuse_other_bytes(files, lock, release)
    return release


def _without_gated(
    request: FetchRequest, context: DownloadContext, files: Sequence[LocalFile], not_fetched: ReleaseFiles
) -> FetchedRelease:
    """Keep what needs no license, but pin nothing: a lock of half a release would pin no snapshot."""
    folder = context.folder
    release = context.lock.newest(request.release) or request.release.unrevised
    files_in_place = [file if file.news == REISSUED else _move(file, folder.of(release)) for file in files]
    left_out, last_before, notes = not_fetched.files, not_fetched.last_before, not_fetched.notes
    return FetchedRelease(release, folder.of(release), tuple(files_in_place), left_out, last_before, notes)


def _as_locked(posted: PostedFile, request: FetchRequest, context: DownloadContext) -> LocalFile | None:
    """The file as the lock pins it, if it is on disk: with `locked`, the site need not be asked."""
    if not request.locked:
        return None
    release = context.lock.revision(request.release)
    pinned = next(file for file in context.lock.releases[release] if file.url == posted.url)
    file = context.folder.of(release) / pinned.name
    return LocalFile(file, pinned, "unchanged") if file.is_file() and digest(file) == pinned.sha256 else None


def _refuse_other_bytes(files: Sequence[LocalFile], lock: Lock, release: Release) -> None:
    """Refuse bytes that the lock does not pin for exactly this release.

    Raises BadInput: with each file that differs.
    """
    pinned = {file.url: file.sha256 for file in lock.releases[release]}
    faults = [
        Fault(file.pinned.url, 0, f"sha256 {file.pinned.sha256}, but the lock pins {pinned[file.pinned.url]}")
        for file in files
        if file.pinned.sha256 != pinned[file.pinned.url]
    ]
    if faults:
        raise BadInput(faults, "CMS has posted other bytes; without --locked they are fetched as a re-issue.")


def _move(file: LocalFile, folder: Path) -> LocalFile:
    """Put a complete file into *folder* under its name, in one step; one of another revision is copied, and stays."""
    target = folder / file.pinned.name
    if file.path == target:
        return file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if file.path.parent.name.startswith("."):
            os.replace(file.path, target)  # noqa: PTH105 (a rename that overwrites, wherever the tool runs)
        else:
            with replacing(target) as unfinished:
                shutil.copyfile(file.path, unfinished)
    except OSError as error:
        raise StoreProblem(f"{target}: cannot be written ({error})") from error
    return replace(file, path=target)


@contextmanager
def _exclusive(folder: DownloadFolder, release: Release) -> Iterator[None]:
    """Keep out a second fetch of the same release; the system frees the lock of a killed one."""
    work = folder.work(release)
    lock = work.with_name(work.name + ".lock")
    try:
        work.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=0):
            try:
                yield
            finally:
                with suppress(OSError):
                    work.rmdir()
                lock.unlink(missing_ok=True)
    except Timeout as error:
        raise WrongUse(f"another fetch of {release} into {folder.path} is under way") from error
    except OSError as error:
        raise StoreProblem(f"{work}: cannot be written ({error})") from error


def license_message(fetched: FetchedRelease) -> str | None:
    """Return what a person has to do for files whose license nobody accepted, or None."""
    if not fetched.not_fetched:
        return None
    names = "".join(f"    {posted.name} ({posted.edition})\n" for posted in fetched.not_fetched)
    return (
        f"Not fetched: these files are behind the AMA's license, and only a person can accept it:\n{names}"
        f"{by_hand(list(fetched.not_fetched), fetched.folder)}"
    )
