"""Find a release: from the page addresses in `site.json` to the files that CMS's pages list for it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from codeset.progress import Say
from codeset.releases import Release
from codeset_ingest.cms_site.hosts import SiteProblem
from codeset_ingest.cms_site.http import Connection, NotFound, Page, get_page
from codeset_ingest.cms_site.link_names import Publication, parse_name, publications
from codeset_ingest.cms_site.listing_pages import (
    LayoutChanged,
    Listing,
    PostedFile,
    files_of_release,
    read_listing,
    release_pages,
)
from codeset_ingest.cms_site.lock import Lock, PinnedFile


class NotPosted(SiteProblem):
    """CMS's pages do not list what a release needs."""


@dataclass(frozen=True)
class PageReader:
    """The pages read over one connection; each is requested once."""

    connection: Connection
    say: Say
    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, address: str) -> Page:
        """Return the page at *address*; raises as `get_page` does."""
        if address not in self.pages:
            self.say(f"reading {address}")
            self.pages[address] = get_page(self.connection, address)
            # A moved page is reported, so that site.json can be mended before the redirect ends.
            if self.pages[address].address != address:
                self.say(f"  it has moved to {self.pages[address].address}")
        return self.pages[address]


@dataclass(frozen=True)
class ReleaseFiles:
    """The files of a release as posted; of publications without any of this release, the last release before it."""

    release: Release
    files: tuple[PostedFile, ...]
    last_before: Mapping[str, Release]
    notes: tuple[str, ...]


def publications_for(also: Iterable[str] = ()) -> list[Publication]:
    """Return the practitioner's publications, and those for the audiences of *also* (outpatient, dme)."""
    audiences = {"practitioner", *also}
    return [publication for publication in publications() if publication.audience in audiences]


def find_pinned(lock: Lock, release: Release, publications: Sequence[Publication]) -> ReleaseFiles:
    """Return the files that the lock pins for *release*, without reading a page.

    Raises NotPosted: if it pins none.
    """
    files = tuple(_as_posted(lock.releases.get(lock.revision(release), ())))
    if not files:
        pinned = ", ".join(map(str, sorted(lock.releases))) or "no release"
        raise NotPosted(f"the lock does not pin {release}; it pins: {pinned}")
    last_before: dict[str, Release] = {}
    for earlier in sorted(pinned for pinned in lock.releases if pinned.unrevised < release.unrevised):
        last_before |= {file.publication: earlier.unrevised for file in lock.releases[earlier]}
    lacking = {publication.name for publication in publications if publication.tables} - {
        file.publication for file in files
    }
    carried = {name: last_before[name] for name in lacking & set(last_before)}
    return ReleaseFiles(release.unrevised, files, carried, ())


def pinned_files(lock: Lock, release: Release) -> list[PostedFile]:
    """Return the last pinned files of *release* as if a page listed them: they are requested where none does."""
    return _as_posted(lock.pinned(release))


def _as_posted(pinned: Iterable[PinnedFile]) -> list[PostedFile]:
    by_name = {publication.name: publication for publication in publications()}
    posted = []
    for file in pinned:
        publication = by_name[file.publication]
        if name := parse_name(publication, file.url):
            known = (name.release, file.edition, name.part, file.url, file.page)
            gated = bool(publication.rules.get("gated"))
            posted.append(PostedFile(file.publication, *known, gated, name, None))
    return posted


def list_files(reader: PageReader, publication: Publication, includes: Callable[[Release], bool]) -> Listing:
    """Return what CMS lists of *publication*; pages of single releases are read for those that *includes* accepts only.

    Raises LayoutChanged: if a page has a new layout. SiteProblem: if no page can be read.
    """
    first = _first_page(reader, publication)
    if publication.release_page is None:
        return read_listing(publication, first.html, first.address)
    pages = release_pages(publication, first.html, first.address)
    listings = [_of_page(reader, publication, page, release) for page, release in pages.items() if includes(release)]
    posted = dict.fromkeys(file for listing in listings for file in listing.posted)
    return Listing(tuple(posted), tuple(address for listing in listings for address in listing.not_understood))


def _of_page(reader: PageReader, publication: Publication, address: str, release: Release) -> Listing:
    """What the page of one release lists of that release; a page without it has a new layout."""
    page = reader.page(address)
    listing = read_listing(publication, page.html, page.address)
    own = tuple(posted for posted in listing.posted if posted.release == release)
    if not own:
        addresses = [posted.url for posted in listing.posted]
        raise LayoutChanged(publication.name, page.address, f"the package of {release}", addresses, page.html)
    return Listing(own, listing.not_understood)


def _first_page(reader: PageReader, publication: Publication) -> Page:
    site = reader.connection.site
    for path in publication.pages:
        try:
            return reader.page(site.at(path))
        except NotFound:
            continue
    addresses = ", ".join(site.at(path) for path in publication.pages)
    raise SiteProblem(
        f"the page of {publication.name} ({publication.holds}) has moved or was removed; requested: {addresses}. "
        'Look for it on cms.gov, and put its address into "pages" of ingest/site.json'
    )


def list_releases(reader: PageReader, publication: Publication) -> list[Release]:
    """Return the releases that CMS lists of *publication*, oldest first, reading no page of a single release."""
    first = _first_page(reader, publication)
    if publication.release_page is None:
        listing = read_listing(publication, first.html, first.address)
        return sorted({posted.release for posted in listing.posted})
    return sorted(set(release_pages(publication, first.html, first.address).values()))


def latest_release(reader: PageReader) -> Release:
    """Return the newest release of which CMS lists everything that comes each quarter.

    Raises NotPosted: if there is none.
    """
    quarterly = [publication for publication in publications_for() if is_needed(publication)]
    by_name = {publication.name: set(list_releases(reader, publication)) for publication in quarterly}
    # CMS posts the files of a quarter on different days: a release counts when all of them are there.
    complete = set.intersection(*by_name.values())
    newest = max(set.union(*by_name.values()))
    if not complete:
        raise NotPosted("no release is listed with all of " + ", ".join(by_name))
    if newest > max(complete):
        lacking = ", ".join(name for name, releases in by_name.items() if newest not in releases)
        reader.say(f"{newest} is not whole yet: no {lacking}")
    return max(complete)


def is_needed(publication: Publication) -> bool:
    """Whether a release is incomplete without it: it becomes a table, comes each quarter and is not optional."""
    changes_only = publication.rules.get("when_changed", False)
    return bool(publication.tables) and not changes_only and not publication.is_optional


def find(
    reader: PageReader, release: Release, publications: Sequence[Publication], pinned: Sequence[PostedFile] = ()
) -> ReleaseFiles:
    """Return the files of *release* that CMS's pages list; of publications no longer listed, those *pinned*.

    Raises NotPosted: with everything that is neither listed nor pinned. LayoutChanged, SiteProblem: as reading does;
    for a publication that is optional or becomes no table the fault is only noted.
    """
    files: list[PostedFile] = []
    notes: list[str] = []
    lacking: list[str] = []
    last_before: dict[str, Release] = {}
    for publication in publications:
        try:
            own, releases = _own(reader, publication, release), list_releases(reader, publication)
        except (LayoutChanged, SiteProblem) as error:
            if publication.tables and not publication.is_optional:
                raise
            notes.append(f"{publication.name} is left out: {str(error).splitlines()[0]}")
            continue
        for posted in own:
            reader.say(f"  {posted.edition}: {posted.name}")
        if not own and (own := [posted for posted in pinned if posted.publication == publication.name]):
            notes.append(f"{publication.name}: no longer listed for {release}; taken from where it was pinned")
        if not own and is_needed(publication):
            lacking.append(f"{publication.name} ({publication.holds}): its page lists {_newest_of(releases)}")
        earlier = [listed for listed in releases if listed < release.unrevised]
        # Add-on edits are posted only in quarters in which they change: what was posted last is in force.
        if not own and earlier and (publication.rules.get("when_changed") or publication.is_optional):
            last_before[publication.name] = earlier[-1]
        files += own
    if lacking:
        missing = "".join(f"  {line}\n" for line in lacking)
        raise NotPosted(f"CMS's pages do not list {release}:\n{missing}{_BY_HAND}")
    return ReleaseFiles(release.unrevised, tuple(files), last_before, tuple(notes))


_BY_HAND = "Nothing was written. Files of it that you have are built with: codeset build RELEASE --from PATH"


def _newest_of(releases: Sequence[Release]) -> str:
    return ", ".join(map(str, releases[-4:])) + (" and older ones" if len(releases) > 4 else "")


def _own(reader: PageReader, publication: Publication, release: Release) -> list[PostedFile]:
    quarter = release.unrevised
    if publication.release_page and quarter not in list_releases(reader, publication):
        return []
    listing = list_files(reader, publication, lambda listed: listed == quarter)
    return files_of_release(publication, listing.posted, quarter)
