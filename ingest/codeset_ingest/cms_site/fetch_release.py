"""The main of fetching: what CMS lists of a release, brought, pinned, and put into its folder."""

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
from codeset_ingest.cms_site.download import Count, Folder, Hands, Kept, bring, by_hand, miscounted
from codeset_ingest.cms_site.find_release import Found, Reader, as_pinned, chosen_publications, find, pinned_files
from codeset_ingest.cms_site.http import Visit
from codeset_ingest.cms_site.listing_pages import Posted
from codeset_ingest.cms_site.lock import Lock

REISSUED = "re-issued"


@dataclass(frozen=True)
class Order:
    """What is to be fetched: for which audiences besides practitioners, and whether the licence was accepted.

    `locked`: exactly what the lock pins, without reading a page.
    """

    release: Release
    also: tuple[str, ...]
    accepted: bool
    locked: bool = False


@dataclass(frozen=True)
class Obtained:
    """A fetch's outcome. `release` is the revision that the lock gives these files.

    `not_fetched` are gated files that nobody accepted the licence for; `last_before` says of publications that CMS
    posts only when they change, and did not post for this release, which release it posted them for last.
    """

    release: Release
    folder: Path
    files: tuple[Kept, ...]
    not_fetched: tuple[Posted, ...]
    last_before: Mapping[str, Release]
    notes: tuple[str, ...]

    @property
    def reissued(self) -> list[Kept]:
        """The files whose bytes are not among those pinned before."""
        return [each for each in self.files if each.news == REISSUED]


def obtain(order: Order, folder: Folder, visited: Visit, say: Say, count: Count = lambda *_: None) -> Obtained:
    """Bring the files of a release that are not here yet or have changed, pin them, and put them into its folder.

    The folder and the lock are touched only when every file has come whole; what has come waits beside them, and the
    same command goes on from there. Without an acceptance gated files are left out, and then nothing is pinned.

    Raises SiteProblem, NotPosted: if CMS's site does not give it. LayoutChanged: if a page is not as it was.
    BadInput: if a file is not what it should be. WrongUse: if another fetch of the release is under way.
    """
    lock = locks.read(folder.lock)
    found = _found(order, lock, visited, say)
    gated = tuple(each for each in found.files if each.gated and not order.accepted)
    wanted = [each for each in found.files if each not in gated]
    with _alone(folder, order.release):
        hands = Hands(visited, folder, lock, say, count)
        files = [_as_locked(each, order, folder, lock) or bring(each, order.release, hands) for each in wanted]
        notes = (*found.notes, *_miscounts(wanted, files))
        if gated:
            return _without_gated(order, folder, lock, files, replace(found, files=gated, notes=notes))
        release = _pinned(order, folder, lock, files)
        kept = tuple(_put(each, folder.of(release)) for each in files)
        shutil.rmtree(folder.work(order.release), ignore_errors=True)
    return Obtained(release, folder.of(release), kept, (), found.last_before, notes)


def _found(order: Order, lock: Lock, visited: Visit, say: Say) -> Found:
    wanted = chosen_publications(order.also)
    if order.locked:
        return as_pinned(lock, order.release, wanted)
    return find(Reader(visited, say), order.release, wanted, pinned_files(lock, order.release))


def _miscounts(posted: Sequence[Posted], files: Sequence[Kept]) -> Iterator[str]:
    for each, kept in zip(posted, files, strict=True):
        if says := miscounted(each, kept.path):
            yield says


def _pinned(order: Order, folder: Folder, lock: Lock, files: Sequence[Kept]) -> Release:
    """The revision that these files are: pinned now, or, where exactly the lock is wanted, as it says."""
    if not order.locked:
        return locks.pin(folder.lock, order.release, [each.pinned for each in files], folder.guard)
    release = lock.revision(order.release)
    _as_the_lock_says(files, lock, release)
    return release


def _without_gated(order: Order, folder: Folder, lock: Lock, files: Sequence[Kept], left: Found) -> Obtained:
    """Keep what needs no licence, but pin nothing: a lock of half a release would pin no snapshot."""
    release = lock.newest(order.release) or order.release.unrevised
    kept = [each if each.news == REISSUED else _put(each, folder.of(release)) for each in files]
    return Obtained(release, folder.of(release), tuple(kept), left.files, left.last_before, left.notes)


def _as_locked(posted: Posted, order: Order, folder: Folder, lock: Lock) -> Kept | None:
    """The file as the lock pins it, if it lies here: where exactly that is wanted, the site need not be asked."""
    if not order.locked:
        return None
    release = lock.revision(order.release)
    pinned = next(each for each in lock.releases[release] if each.url == posted.url)
    file = folder.of(release) / pinned.name
    return Kept(file, pinned, "unchanged") if file.is_file() and digest(file) == pinned.sha256 else None


def _as_the_lock_says(files: Sequence[Kept], lock: Lock, release: Release) -> None:
    """Refuse bytes that the lock does not pin for exactly this release.

    Raises BadInput: with each file that came otherwise.
    """
    pinned = {each.url: each.sha256 for each in lock.releases[release]}
    faults = [
        Fault(each.pinned.url, 0, f"sha256 {each.pinned.sha256}, but the lock pins {pinned[each.pinned.url]}")
        for each in files
        if each.pinned.sha256 != pinned[each.pinned.url]
    ]
    if faults:
        raise BadInput(faults, "CMS has posted other bytes; without --locked they are fetched as a re-issue.")


def _put(kept: Kept, folder: Path) -> Kept:
    """Put a whole file into *folder* under its name, in one step; one that belongs to another revision stays there."""
    target = folder / kept.pinned.name
    if kept.path == target:
        return kept
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if kept.path.parent.name.startswith("."):
            os.replace(kept.path, target)  # noqa: PTH105 (a rename that overwrites, wherever the tool runs)
        else:
            with replacing(target) as unfinished:
                shutil.copyfile(kept.path, unfinished)
    except OSError as error:
        raise StoreProblem(f"{target}: cannot be written ({error})") from error
    return replace(kept, path=target)


@contextmanager
def _alone(folder: Folder, release: Release) -> Iterator[None]:
    """Keep a second fetch of the same release out; a killed one holds nothing."""
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


def licence_news(obtained: Obtained) -> str | None:
    """Return what a person has to do for files that nobody accepted the licence for, or None."""
    if not obtained.not_fetched:
        return None
    names = "".join(f"    {each.name} ({each.edition})\n" for each in obtained.not_fetched)
    return (
        f"Not fetched: the AMA's licence stands before these files, and only a person can accept it:\n{names}"
        f"{by_hand(list(obtained.not_fetched), obtained.folder)}"
    )
