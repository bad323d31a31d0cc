"""One file brought: from CMS's site, or found to lie here unchanged; checked, and noted so that a kill costs little."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from codeset.errors import BadInput
from codeset.progress import Say
from codeset.releases import Release
from codeset.snapshot import digest
from codeset_ingest.cms_site.ama_license import LicenceNeeded, accepting_address
from codeset_ingest.cms_site.check_download import check, is_html
from codeset_ingest.cms_site.hosts import SiteProblem
from codeset_ingest.cms_site.http import Visit, download
from codeset_ingest.cms_site.listing_pages import Posted
from codeset_ingest.cms_site.lock import Lock, Pinned
from codeset_ingest.cms_site.partial_download import Validators, forget

Count = Callable[[str, int, int | None], None]
"""Told the file that is coming, how many of its bytes have come, and of how many (None: the site does not say)."""

_ROW = re.compile(rb"^[0-9A-Z]{5}\t[0-9A-Z]{5}\t", re.MULTILINE)


@dataclass(frozen=True)
class Folder:
    """Where the files of all releases are kept, and the lock that pins them."""

    path: Path
    lock: Path

    def of(self, release: Release) -> Path:
        """Return the folder of one revision of a release."""
        return self.path / str(release)

    @property
    def guard(self) -> Path:
        """Return the file that fetches of different releases hold in turn while they pin."""
        return self.path / ".pinning.lock"

    def work(self, release: Release) -> Path:
        """Return the folder in which files of *release* come to be; it is gone when all of them are in place."""
        return self.path / f".unfinished-{release.unrevised}"


@dataclass(frozen=True)
class Hands:
    """What bringing needs: the visit, the folder, the lock as it was, and who is told."""

    visited: Visit
    folder: Folder
    lock: Lock
    say: Say
    count: Count


@dataclass(frozen=True)
class Kept:
    """A file that is here whole: where, how it is pinned, and its `news`: fetched, unchanged or re-issued."""

    path: Path
    pinned: Pinned
    news: str


def bring(posted: Posted, release: Release, hands: Hands) -> Kept:
    """Return the file *posted*, brought unless it lies here and the site says that it has not changed.

    Raises SiteProblem: if it cannot be had. BadInput: if it is not what it should be. LicenceNeeded: if the site asks
    for a person.
    """
    here = _here(posted, release, hands)
    part = hands.folder.work(release) / f"{posted.name}.part"
    told = _downloaded(posted, part, here.pinned if here else None, hands)
    if told is None and here:
        hands.say(f"{posted.name}: not changed")
        return replace(here, pinned=replace(here.pinned, page=posted.page))
    new = _pinned(posted, part, told or Validators())
    kept = Kept(_finished(part, new), new, _news(new, release, hands.lock))
    hands.say(f"{posted.name}: {kept.news}, {new.size:,} bytes")
    return kept


def _here(posted: Posted, release: Release, hands: Hands) -> Kept | None:
    """The file as it lies here, if it came from this address and is, byte for byte, what was noted or pinned."""
    revisions = [each for each in hands.lock.releases if each.unrevised == release.unrevised] or [release.unrevised]
    places = [hands.folder.work(release), *(hands.folder.of(each) for each in sorted(revisions, reverse=True))]
    for known in _known(posted, release, hands):
        for place in places:
            file = place / known.name
            if file.is_file() and digest(file) == known.sha256:
                return Kept(file, known, "unchanged")
    return None


def _known(posted: Posted, release: Release, hands: Hands) -> Iterator[Pinned]:
    with suppress(OSError, ValueError, TypeError):
        noted = Pinned(**json.loads(_note(posted.name, release, hands).read_text(encoding="utf-8")))
        if noted.url == posted.url:
            yield noted
    yield from (each for each in hands.lock.pinned(release) if each.url == posted.url)


def _note(name: str, release: Release, hands: Hands) -> Path:
    return hands.folder.work(release) / f"{name}.json"


def _downloaded(posted: Posted, part: Path, known: Pinned | None, hands: Hands) -> Validators | None:
    """Bring the file to *part* and check it; one that went on from an earlier try and is broken is brought anew."""
    validators = Validators(known.etag, known.last_modified, known.size) if known else None
    went_on = part.exists()
    try:
        told = _asked(posted, posted.url, part, validators, hands)
        if told is not None and posted.gated and (form := _licence_form(part, posted)):
            forget(part)
            told = _accepted(posted, form, part, hands)
        if told is not None:
            check(part, posted.name)
    except BadInput:
        forget(part)
        if not went_on:
            raise
        hands.say(f"{posted.name}: what came earlier does not fit what came now; brought anew")
        return _downloaded(posted, part, known, hands)
    return told


def _asked(posted: Posted, address: str, part: Path, known: Validators | None, hands: Hands) -> Validators | None:
    return download(hands.visited, address, part, known, lambda done, of: hands.count(posted.name, done, of))


def _licence_form(part: Path, posted: Posted) -> str | None:
    """Where the licence page's "Accept" leads, if that page came in place of the file."""
    with part.open("rb") as stream:
        html = stream.read(1 << 20)
    return accepting_address(html, posted.url) if is_html(html) else None


def _accepted(posted: Posted, form: str, part: Path, hands: Hands) -> Validators | None:
    """Do what the page's button does for the person who accepted, if the site lets programs do so."""
    try:
        return _asked(posted, form, part, None, hands)
    except SiteProblem as error:
        says = f"the site shows the licence page for {posted.name}, and its button is not for programs ({error})"
        raise LicenceNeeded(f"{says}.\n{by_hand([posted], hands.folder.of(posted.release))}") from error


def by_hand(gated: list[Posted], folder: Path) -> str:
    """Return what a person does to get gated files: the pages to open, the folder, the command."""
    pages = "".join(f"    {each.licence_page}\n" for each in gated)
    release = gated[0].release
    return (
        "  By hand: open each of these pages in a browser, read the licence, and if you accept it save the file:\n"
        f"{pages}"
        f"  then: codeset build {release} --from {folder} --from THE-FOLDER-YOU-SAVED-TO\n"
        f'  Or, if you have read and accept the licence: codeset fetch {release} --accept-ama-licence "Your Name"'
    )


def _pinned(posted: Posted, part: Path, told: Validators) -> Pinned:
    return Pinned(
        publication=posted.publication,
        edition=posted.edition,
        name=posted.name,
        url=posted.url,
        page=posted.page,
        size=part.stat().st_size,
        sha256=digest(part),
        etag=told.etag,
        last_modified=told.last_modified,
    )


def _finished(part: Path, new: Pinned) -> Path:
    """Note what the file is, then give it its name: killed between the two, it is asked for and found whole."""
    whole = part.with_name(new.name)
    part.with_name(f"{new.name}.json").write_text(json.dumps(asdict(new)), encoding="utf-8")
    part.replace(whole)
    forget(part)
    return whole


def _news(new: Pinned, release: Release, lock: Lock) -> str:
    before = {each.sha256 for each in lock.pinned(release) if each.publication == new.publication}
    return "re-issued" if before and new.sha256 not in before else "fetched"


def miscounted(posted: Posted, file: Path) -> str | None:
    """Return what is to be said if the file does not hold as many edits as its link's label says, else None."""
    if posted.records is None:
        return None
    with zipfile.ZipFile(file) as archive:
        texts = [each for each in archive.namelist() if each.lower().endswith(".txt")]
        rows = sum(len(_ROW.findall(archive.read(each).replace(b"\r", b"\n"))) for each in texts)
    if rows == posted.records:
        return None
    return f"{posted.name}: {rows:,} edits, but the link on {posted.page} says {posted.records:,} records"
