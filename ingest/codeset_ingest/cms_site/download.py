"""One file of a release: downloaded, or already here unchanged; checked, and recorded so that a kill costs little."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from codeset.errors import BadInput
from codeset.formats import FORMATS, format_fault, from_fields
from codeset.progress import Say
from codeset.releases import Release
from codeset.snapshot import digest
from codeset_ingest.cms_site.ama_license import LicenseNeeded, accepting_address
from codeset_ingest.cms_site.check_download import check, is_html
from codeset_ingest.cms_site.hosts import SiteProblem
from codeset_ingest.cms_site.http import Connection, Validators, get_file, remove_partial_download
from codeset_ingest.cms_site.listing_pages import PostedFile
from codeset_ingest.cms_site.lock import Lock, PinnedFile

CountBytes = Callable[[str, int, int | None], None]
"""Receives a file's name, how many of its bytes have arrived, and its size (None: the site does not say)."""

_EDIT_ROW = re.compile(rb"^[0-9A-Z]{5}\t[0-9A-Z]{5}\t", re.MULTILINE)


def count_nothing(_name: str, _received: int, _size: int | None) -> None:
    """Show no progress, which is the default."""


@dataclass(frozen=True)
class DownloadFolder:
    """Where the files of all releases are kept, and the lock that pins them."""

    path: Path
    lock: Path

    def of(self, release: Release) -> Path:
        """Return the folder of one revision of a release."""
        return self.path / str(release)

    @property
    def guard(self) -> Path:
        """Return the lock file that keeps fetches of different releases from pinning at the same time."""
        return self.path / ".pinning.lock"

    def work(self, release: Release) -> Path:
        """Return the folder of unfinished files of *release*; it is removed when all of them are in place."""
        return self.path / f".unfinished-{release.unrevised}"


@dataclass(frozen=True)
class DownloadContext:
    """What every download of a fetch shares: the connection, the folder, the lock before it, the progress reports."""

    connection: Connection
    folder: DownloadFolder
    lock: Lock
    say: Say
    count: CountBytes


@dataclass(frozen=True)
class LocalFile:
    """A complete file on disk: its path, how it is pinned, and its `news`: fetched, unchanged or re-issued."""

    path: Path
    pinned: PinnedFile
    news: str


def download(posted: PostedFile, release: Release, context: DownloadContext) -> LocalFile:
    """Return the file *posted*, downloaded unless it is here already and the site says that it has not changed.

    Raises SiteProblem: if it cannot be downloaded. BadInput: if it is not the file it should be. LicenseNeeded: if the
    site requires a person to accept the license.
    """
    local = _local_copy(posted, release, context)
    part = context.folder.work(release) / f"{posted.name}.part"
    validators = _download_and_check(posted, part, local.pinned if local else None, context)
    if validators is None and local:
        context.say(f"{posted.name}: not changed")
        return replace(local, pinned=replace(local.pinned, page=posted.page))
    pinned = _pinned_file(posted, part, validators or Validators())
    file = LocalFile(_complete(part, pinned), pinned, _news(pinned, release, context.lock))
    context.say(f"{posted.name}: {file.news}, {pinned.size:,} bytes")
    return file


def _local_copy(posted: PostedFile, release: Release, context: DownloadContext) -> LocalFile | None:
    """The file on disk, if it came from this address and still is, byte for byte, what was recorded or pinned."""
    revisions = [revision for revision in context.lock.releases if revision.unrevised == release.unrevised]
    # The newest revision first: it is the likeliest to be what the site has.
    folders = [context.folder.of(revision) for revision in sorted(revisions or [release.unrevised], reverse=True)]
    for known in _known_versions(posted, release, context):
        for folder in (context.folder.work(release), *folders):
            file = folder / known.name
            if file.is_file() and digest(file) == known.sha256:
                return LocalFile(file, known, "unchanged")
    return None


def _known_versions(posted: PostedFile, release: Release, context: DownloadContext) -> Iterator[PinnedFile]:
    """The versions of a file that an interrupted fetch recorded, then those that the lock pins."""
    record = context.folder.work(release) / f"{posted.name}.json"
    with suppress(OSError, ValueError, TypeError):
        note = json.loads(record.read_text(encoding="utf-8"))
        recorded = from_fields(PinnedFile, note)
        if recorded.url == posted.url and not format_fault(note, "download"):
            yield recorded
    yield from (pinned for pinned in context.lock.pinned(release) if pinned.url == posted.url)


def _download_and_check(
    posted: PostedFile, part: Path, known: PinnedFile | None, context: DownloadContext
) -> Validators | None:
    """Download the file to *part* and check it; one that was resumed and is broken is downloaded again from the start.

    A site whose ETag stays the same although the file changed makes such a mixture.
    """
    validators = Validators(known.etag, known.last_modified, known.size) if known else None
    # Whether bytes of an earlier try are in it: such a mixture is tried once more from the start, a fresh file is not.
    resumed = part.exists()
    try:
        current = _get(posted, posted.url, part, validators, context)
        # The gated address answers with a page, whose form leads to the file; a person must have accepted before the
        # form is sent.
        if current is not None and posted.gated and (form := _license_form(part, posted)):
            remove_partial_download(part)
            current = _get_accepting(posted, form, part, context)
        if current is not None:
            check(part, posted.name)
    except BadInput:
        remove_partial_download(part)
        if not resumed:
            raise
        context.say(f"{posted.name}: what came earlier does not fit what came now; brought anew")
        return _download_and_check(posted, part, known, context)
    return current


def _get(
    posted: PostedFile, address: str, part: Path, known: Validators | None, context: DownloadContext
) -> Validators | None:
    return get_file(context.connection, address, part, known, lambda done, size: context.count(posted.name, done, size))


def _license_form(part: Path, posted: PostedFile) -> str | None:
    """The address behind "Accept", if the license page came in place of the file."""
    with part.open("rb") as stream:
        html = stream.read(1 << 20)
    return accepting_address(html, posted.url) if is_html(html) else None


def _get_accepting(posted: PostedFile, form: str, part: Path, context: DownloadContext) -> Validators | None:
    """Submit the license page's form for the person who accepted, where robots.txt lets programs do so."""
    try:
        return _get(posted, form, part, None, context)
    except SiteProblem as error:
        message = f"the site shows the license page for {posted.name}, and its button is not for programs ({error})"
        raise LicenseNeeded(f"{message}.\n{by_hand([posted], context.folder.of(posted.release))}") from error


def by_hand(gated: list[PostedFile], folder: Path) -> str:
    """Return how a person gets gated files: the pages to open, the folder, the command."""
    pages = "".join(f"    {posted.license_page}\n" for posted in gated)
    release = gated[0].release
    return (
        "  By hand: open each of these pages in a browser, read the license, and if you accept it save the file:\n"
        f"{pages}"
        f"  then: codeset build {release} --from {folder} --from THE-FOLDER-YOU-SAVED-TO\n"
        f'  Or, if you have read and accept the license: codeset fetch {release} --accept-ama-license "Your Name"'
    )


def _pinned_file(posted: PostedFile, part: Path, validators: Validators) -> PinnedFile:
    return PinnedFile(
        publication=posted.publication,
        edition=posted.edition,
        name=posted.name,
        url=posted.url,
        page=posted.page,
        size=part.stat().st_size,
        sha256=digest(part),
        etag=validators.etag,
        last_modified=validators.last_modified,
    )


def _complete(part: Path, pinned: PinnedFile) -> Path:
    """Record the file, then give it its name: after a kill between the two the site is asked and it is here whole."""
    file = part.with_name(pinned.name)
    note = {"format": FORMATS["download"]} | asdict(pinned)
    part.with_name(f"{pinned.name}.json").write_text(json.dumps(note), encoding="utf-8")
    part.replace(file)
    remove_partial_download(part)
    return file


def _news(pinned: PinnedFile, release: Release, lock: Lock) -> str:
    before = {file.sha256 for file in lock.pinned(release) if file.publication == pinned.publication}
    return "re-issued" if before and pinned.sha256 not in before else "fetched"


def count_mismatch(posted: PostedFile, file: Path) -> str | None:
    """Return a message if the file does not hold as many edits as its link's label says, else None."""
    # CMS writes the number of edits of a part into the label of its link (675,000 records); of other files it says
    # none.
    if posted.records is None:
        return None
    with zipfile.ZipFile(file) as archive:
        texts = [name for name in archive.namelist() if name.lower().endswith(".txt")]
        rows = sum(len(_EDIT_ROW.findall(archive.read(name).replace(b"\r", b"\n"))) for name in texts)
    if rows == posted.records:
        return None
    return f"{posted.name}: {rows:,} edits, but the link on {posted.page} says {posted.records:,} records"
