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
from codeset.progress import ReportProgress
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
    report_progress: ReportProgress
    count: CountBytes


@dataclass(frozen=True)
class LocalFile:
    """A complete file on disk: its path, how it is pinned, and its `news`: fetched, unchanged or re-issued."""

    path: Path
    pinned: PinnedFile
    news: str


def download(posted_file: PostedFile, release: Release, context: DownloadContext) -> LocalFile:
    """Return the file *posted_file*, downloaded unless it is here already and the site says that it has not changed.

    Raises SiteProblem: if it cannot be downloaded. BadInput: if it is not the file it should be. LicenseNeeded: if the
    site requires a person to accept the license.
    """
    local_copy = _local_copy(posted_file, release, context)
    part_file = context.folder.work(release) / f"{posted_file.name}.part"
    validators = _download_and_check(posted_file, part_file, local_copy.pinned if local_copy else None, context)
    if validators is None and local_copy:
        context.report_progress(f"{posted_file.name}: not changed")
        return replace(local_copy, pinned=replace(local_copy.pinned, page=posted_file.page))
    pinned_file = _pinned_file(posted_file, part_file, validators or Validators())
    local_file = LocalFile(
        _complete_download(part_file, pinned_file), pinned_file, _news_of_file(pinned_file, release, context.lock)
    )
    context.report_progress(f"{posted_file.name}: {local_file.news}, {pinned_file.size:,} bytes")
    return local_file


def _local_copy(posted_file: PostedFile, release: Release, context: DownloadContext) -> LocalFile | None:
    """The file on disk, if it came from this address and still is, byte for byte, what was recorded or pinned."""
    revisions = [revision for revision in context.lock.releases if revision.unrevised == release.unrevised]
    # The newest revision first: it is the likeliest to be what the site has.
    folders = [context.folder.of(revision) for revision in sorted(revisions or [release.unrevised], reverse=True)]
    for known_version in _known_versions(posted_file, release, context):
        for folder in (context.folder.work(release), *folders):
            local_path = folder / known_version.name
            if local_path.is_file() and digest(local_path) == known_version.sha256:
                return LocalFile(local_path, known_version, "unchanged")
    return None


def _known_versions(posted_file: PostedFile, release: Release, context: DownloadContext) -> Iterator[PinnedFile]:
    """The versions of a file that an interrupted fetch recorded, then those that the lock pins."""
    record_path = context.folder.work(release) / f"{posted_file.name}.json"
    with suppress(OSError, ValueError, TypeError):
        record_document = json.loads(record_path.read_text(encoding="utf-8"))
        recorded_file = from_fields(PinnedFile, record_document)
        if recorded_file.url == posted_file.url and not format_fault(record_document, "download"):
            yield recorded_file
    yield from (pinned_file for pinned_file in context.lock.pinned(release) if pinned_file.url == posted_file.url)


def _download_and_check(
    posted_file: PostedFile, part_file: Path, known_version: PinnedFile | None, context: DownloadContext
) -> Validators | None:
    """Download the file to *part_file* and check it; one that was resumed and is broken is downloaded anew.

    A site whose ETag stays the same although the file changed makes such a mixture.
    """
    validators = (
        Validators(known_version.etag, known_version.last_modified, known_version.size) if known_version else None
    )
    # Whether bytes of an earlier try are in it: such a mixture is tried once more from the start, a fresh file is not.
    was_resumed = part_file.exists()
    try:
        # Validators of the last download: an unchanged file is answered without its bytes (304).
        current_validators = _get_counting(posted_file, posted_file.url, part_file, validators, context)
        # The gated address answers with a page, whose form leads to the file; a person must have accepted before the
        # form is sent.
        if (
            current_validators is not None
            and posted_file.gated
            and (form_address := _license_form(part_file, posted_file))
        ):
            remove_partial_download(part_file)
            current_validators = _get_accepting(posted_file, form_address, part_file, context)
        if current_validators is not None:
            check(part_file, posted_file.name)
    except BadInput:
        remove_partial_download(part_file)
        if not was_resumed:
            raise
        context.report_progress(f"{posted_file.name}: what came earlier does not fit what came now; brought anew")
        return _download_and_check(posted_file, part_file, known_version, context)
    return current_validators


def _get_counting(
    posted_file: PostedFile,
    address: str,
    part_file: Path,
    known_validators: Validators | None,
    context: DownloadContext,
) -> Validators | None:
    return get_file(
        context.connection,
        address,
        part_file,
        known_validators,
        lambda bytes_received, full_size: context.count(posted_file.name, bytes_received, full_size),
    )


def _license_form(part_file: Path, posted_file: PostedFile) -> str | None:
    """The address behind "Accept", if the license page came in place of the file."""
    with part_file.open("rb") as part_stream:
        page_start = part_stream.read(1 << 20)
    return accepting_address(page_start, posted_file.url) if is_html(page_start) else None


def _get_accepting(
    posted_file: PostedFile, form_address: str, part_file: Path, context: DownloadContext
) -> Validators | None:
    """Submit the license page's form for the person who accepted, where robots.txt lets programs do so."""
    try:
        return _get_counting(posted_file, form_address, part_file, None, context)
    except SiteProblem as error:
        message = (
            f"the site shows the license page for {posted_file.name}, and its button is not for programs ({error})"
        )
        raise LicenseNeeded(f"{message}.\n{by_hand([posted_file], context.folder.of(posted_file.release))}") from error


def by_hand(gated_files: list[PostedFile], folder: Path) -> str:
    """Return how a person gets gated files: the pages to open, the folder, the command."""
    page_lines = "".join(f"    {posted_file.license_page}\n" for posted_file in gated_files)
    release = gated_files[0].release
    return (
        "  By hand: open each of these pages in a browser, read the license, and if you accept it save the file:\n"
        f"{page_lines}"
        f"  then: codeset build {release} --from {folder} --from THE-FOLDER-YOU-SAVED-TO\n"
        f'  Or, if you have read and accept the license: codeset fetch {release} --accept-ama-license "Your Name"'
    )


def _pinned_file(posted_file: PostedFile, part_file: Path, validators: Validators) -> PinnedFile:
    return PinnedFile(
        publication=posted_file.publication,
        edition=posted_file.edition,
        name=posted_file.name,
        url=posted_file.url,
        page=posted_file.page,
        size=part_file.stat().st_size,
        sha256=digest(part_file),
        etag=validators.etag,
        last_modified=validators.last_modified,
    )


def _complete_download(part_file: Path, pinned_file: PinnedFile) -> Path:
    """Record the file, then give it its name: after a kill between the two it is here whole."""
    complete_path = part_file.with_name(pinned_file.name)
    record_document = {"format": FORMATS["download"]} | asdict(pinned_file)
    part_file.with_name(f"{pinned_file.name}.json").write_text(json.dumps(record_document), encoding="utf-8")
    part_file.replace(complete_path)
    remove_partial_download(part_file)
    return complete_path


def _news_of_file(pinned_file: PinnedFile, release: Release, lock: Lock) -> str:
    digests_before = {
        earlier.sha256 for earlier in lock.pinned(release) if earlier.publication == pinned_file.publication
    }
    return "re-issued" if digests_before and pinned_file.sha256 not in digests_before else "fetched"


def count_mismatch(posted_file: PostedFile, zip_path: Path) -> str | None:
    """Return a message if the file does not hold as many edits as its link's label says, else None."""
    # CMS writes the number of edits of a part into the label of its link (675,000 records); of other files it says
    # none.
    if posted_file.records is None:
        return None
    with zipfile.ZipFile(zip_path) as archive:
        text_members = [member_name for member_name in archive.namelist() if member_name.lower().endswith(".txt")]
        edit_count = sum(len(_EDIT_ROW.findall(archive.read(name).replace(b"\r", b"\n"))) for name in text_members)
    if edit_count == posted_file.records:
        return None
    return (
        f"{posted_file.name}: {edit_count:,} edits, but the link on {posted_file.page} says {posted_file.records:,} "
        "records"
    )
