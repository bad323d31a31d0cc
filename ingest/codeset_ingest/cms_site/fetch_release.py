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
from codeset.progress import ReportProgress
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
        return [local_file for local_file in self.files if local_file.news == REISSUED]


def fetch_release(
    request: FetchRequest,
    folder: DownloadFolder,
    connection: Connection,
    report_progress: ReportProgress,
    count: CountBytes = count_nothing,
) -> FetchedRelease:
    """Download the files of a release that are missing or changed, pin them, and put them into its folder.

    The folder and the lock change only when every file is complete; finished downloads wait beside them, and the same
    command resumes from there. Without an acceptance gated files are left out, and then nothing is pinned.

    Raises SiteProblem, NotPosted: if CMS's site does not provide it. LayoutChanged: if a page has a new layout.
    BadInput: if a file is not what it should be. WrongUse: if another fetch of the release is running.
    """
    pinned_before = locks.read(folder.lock)
    listing = _list_files(request, pinned_before, connection, report_progress)
    gated_files = tuple(posted_file for posted_file in listing.files if posted_file.gated and not request.accepted)
    to_download = [posted_file for posted_file in listing.files if posted_file not in gated_files]
    # Two fetches of one release would write the same unfinished files.
    with _exclusive_fetch(folder, request.release):
        context = DownloadContext(connection, folder, pinned_before, report_progress, count)
        local_files = [
            _as_locked(posted_file, request, context) or download(posted_file, request.release, context)
            for posted_file in to_download
        ]
        fetch_notes = (*listing.notes, *_count_mismatches(to_download, local_files))
        if gated_files:
            return _result_without_gated(
                request, context, local_files, replace(listing, files=gated_files, notes=fetch_notes)
            )
        release = _pinned_revision(request, context, local_files)
        files_in_place = tuple(_move_into_place(local_file, folder.of(release)) for local_file in local_files)
        shutil.rmtree(folder.work(request.release), ignore_errors=True)
    return FetchedRelease(release, folder.of(release), files_in_place, (), listing.last_before, fetch_notes)


def _list_files(
    request: FetchRequest, lock: Lock, connection: Connection, report_progress: ReportProgress
) -> ReleaseFiles:
    publications = publications_for(request.also)
    if request.locked:
        return find_pinned(lock, request.release, publications)
    return find(
        PageReader(connection, report_progress), request.release, publications, pinned_files(lock, request.release)
    )


def _count_mismatches(posted_files: Sequence[PostedFile], local_files: Sequence[LocalFile]) -> Iterator[str]:
    for posted_file, local_file in zip(posted_files, local_files, strict=True):
        if message := count_mismatch(posted_file, local_file.path):
            yield message


def _pinned_revision(request: FetchRequest, context: DownloadContext, local_files: Sequence[LocalFile]) -> Release:
    """Return the revision that these files are: pinned now, or, with `locked`, as the lock has it."""
    folder, lock = context.folder, context.lock
    if not request.locked:
        # Pinning reads the lock again, under its guard: another release may have been pinned meanwhile.
        return locks.pin(folder.lock, request.release, [local_file.pinned for local_file in local_files], folder.guard)
    release = lock.revision(request.release)
    _refuse_other_bytes(local_files, lock, release)
    return release


def _result_without_gated(
    request: FetchRequest, context: DownloadContext, local_files: Sequence[LocalFile], not_fetched: ReleaseFiles
) -> FetchedRelease:
    """Keep what needs no license, but pin nothing: a lock of half a release would pin no snapshot."""
    folder = context.folder
    release = context.lock.newest(request.release) or request.release.unrevised
    # A re-issued file stays with the unfinished ones: the folder of the pinned revision keeps the bytes that are
    # pinned.
    files_in_place = [
        local_file if local_file.news == REISSUED else _move_into_place(local_file, folder.of(release))
        for local_file in local_files
    ]
    gated_files, last_before, fetch_notes = not_fetched.files, not_fetched.last_before, not_fetched.notes
    return FetchedRelease(release, folder.of(release), tuple(files_in_place), gated_files, last_before, fetch_notes)


def _as_locked(posted_file: PostedFile, request: FetchRequest, context: DownloadContext) -> LocalFile | None:
    """The file as the lock pins it, if it is on disk: with `locked`, no request is needed."""
    if not request.locked:
        return None
    release = context.lock.revision(request.release)
    # The address came out of this lock (find_pinned), so it is there.
    pinned_file = next(pinned for pinned in context.lock.releases[release] if pinned.url == posted_file.url)
    local_path = context.folder.of(release) / pinned_file.name
    return (
        LocalFile(local_path, pinned_file, "unchanged")
        if local_path.is_file() and digest(local_path) == pinned_file.sha256
        else None
    )


def _refuse_other_bytes(local_files: Sequence[LocalFile], lock: Lock, release: Release) -> None:
    """Refuse bytes that the lock does not pin for exactly this release.

    Raises BadInput: with each file that differs.
    """
    pinned_digests = {pinned_file.url: pinned_file.sha256 for pinned_file in lock.releases[release]}
    faults = [
        Fault(
            local_file.pinned.url,
            0,
            f"sha256 {local_file.pinned.sha256}, but the lock pins {pinned_digests[local_file.pinned.url]}",
        )
        for local_file in local_files
        if local_file.pinned.sha256 != pinned_digests[local_file.pinned.url]
    ]
    if faults:
        raise BadInput(faults, "CMS has posted other bytes; without --locked they are fetched as a re-issue.")


def _move_into_place(local_file: LocalFile, folder: Path) -> LocalFile:
    """Put a complete file into *folder* under its name, in one step; one of another revision is copied, and stays."""
    path_in_place = folder / local_file.pinned.name
    if local_file.path == path_in_place:
        return local_file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Only folders of unfinished files are hidden: what is in them may be moved, what another revision pins may not.
        if local_file.path.parent.name.startswith("."):
            os.replace(local_file.path, path_in_place)  # noqa: PTH105 (it overwrites, wherever the tool runs)
        else:
            with replacing(path_in_place) as unfinished:
                shutil.copyfile(local_file.path, unfinished)
    except OSError as error:
        raise StoreProblem(f"{path_in_place}: cannot be written ({error})") from error
    return replace(local_file, path=path_in_place)


@contextmanager
def _exclusive_fetch(folder: DownloadFolder, release: Release) -> Iterator[None]:
    """Keep out a second fetch of the same release; the system frees the lock of a killed one."""
    work_folder = folder.work(release)
    lock_path = work_folder.with_name(work_folder.name + ".lock")
    try:
        work_folder.mkdir(parents=True, exist_ok=True)
        with FileLock(lock_path, timeout=0):
            try:
                yield
            finally:
                # Not empty where a fetch was interrupted: finished downloads wait in it for the next one.
                with suppress(OSError):
                    work_folder.rmdir()
                lock_path.unlink(missing_ok=True)
    except Timeout as error:
        raise WrongUse(f"another fetch of {release} into {folder.path} is under way") from error
    except OSError as error:
        raise StoreProblem(f"{work_folder}: cannot be written ({error})") from error


def license_message(fetched_release: FetchedRelease) -> str | None:
    """Return what a person has to do for files whose license nobody accepted, or None."""
    if not fetched_release.not_fetched:
        return None
    gated_names = "".join(f"    {file.name} ({file.edition})\n" for file in fetched_release.not_fetched)
    return (
        f"Not fetched: these files are behind the AMA's license, and only a person can accept it:\n{gated_names}"
        f"{by_hand(list(fetched_release.not_fetched), fetched_release.folder)}"
    )
