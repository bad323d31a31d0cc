"""Find a release: from the page addresses in `site.json` to the files that CMS's pages list for it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from codeset.progress import ReportProgress
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
    report_progress: ReportProgress
    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, address: str) -> Page:
        """Return the page at *address*; raises as `get_page` does."""
        if address not in self.pages:
            self.report_progress(f"reading {address}")
            self.pages[address] = get_page(self.connection, address)
            # A moved page is reported, so that site.json can be corrected before the redirect ends.
            if self.pages[address].address != address:
                self.report_progress(f"  it has moved to {self.pages[address].address}")
        return self.pages[address]


@dataclass(frozen=True)
class ReleaseFiles:
    """The files of a release as posted; of publications without any of this release, the last release before it."""

    release: Release
    files: tuple[PostedFile, ...]
    last_before: Mapping[str, Release]
    notes: tuple[str, ...]


def publications_for(other_audiences: Iterable[str] = ()) -> list[Publication]:
    """Return the practitioner's publications, and those for *other_audiences* (outpatient, dme)."""
    audiences = {"practitioner", *other_audiences}
    return [publication for publication in publications() if publication.audience in audiences]


def find_pinned(lock: Lock, release: Release, publications: Sequence[Publication]) -> ReleaseFiles:
    """Return the files that the lock pins for *release*, without reading a page.

    Raises NotPosted: if it pins none.
    """
    posted_files = tuple(_as_posted(lock.releases.get(lock.revision(release), ())))
    if not posted_files:
        pinned_labels = ", ".join(map(str, sorted(lock.releases))) or "no release"
        raise NotPosted(f"the lock does not pin {release}; it pins: {pinned_labels}")
    last_before: dict[str, Release] = {}
    # Oldest first, so that the last release that pins a publication counts.
    for earlier_revision in sorted(pinned for pinned in lock.releases if pinned.unrevised < release.unrevised):
        last_before |= {file.publication: earlier_revision.unrevised for file in lock.releases[earlier_revision]}
    lacking_names = {publication.name for publication in publications if publication.tables} - {
        posted_file.publication for posted_file in posted_files
    }
    last_before_of_lacking = {name: last_before[name] for name in lacking_names & set(last_before)}
    return ReleaseFiles(release.unrevised, posted_files, last_before_of_lacking, ())


def pinned_files(lock: Lock, release: Release) -> list[PostedFile]:
    """Return the last pinned files of *release* as if a page listed them: they are requested where none does."""
    return _as_posted(lock.pinned(release))


def _as_posted(pinned_files: Iterable[PinnedFile]) -> list[PostedFile]:
    publication_by_name = {publication.name: publication for publication in publications()}
    posted_files = []
    for pinned_file in pinned_files:
        publication = publication_by_name[pinned_file.publication]
        if link_name := parse_name(publication, pinned_file.url):
            known_fields = (link_name.release, pinned_file.edition, link_name.part, pinned_file.url, pinned_file.page)
            is_gated = bool(publication.rules.get("gated"))
            posted_files.append(PostedFile(pinned_file.publication, *known_fields, is_gated, link_name, None))
    return posted_files


def list_files(reader: PageReader, publication: Publication, includes: Callable[[Release], bool]) -> Listing:
    """Return what CMS lists of *publication*; pages of single releases are read for those that *includes* accepts only.

    Raises LayoutChanged: if a page has a new layout. SiteProblem: if no page can be read.
    """
    first_page = _first_page(reader, publication)
    if publication.release_page is None:
        return read_listing(publication, first_page.html, first_page.address)
    release_by_page = release_pages(publication, first_page.html, first_page.address)
    listings = [
        _listing_of_page(reader, publication, page_address, release)
        for page_address, release in release_by_page.items()
        if includes(release)
    ]
    posted_files = dict.fromkeys(file for listing in listings for file in listing.posted)
    return Listing(tuple(posted_files), tuple(address for listing in listings for address in listing.not_understood))


def _listing_of_page(reader: PageReader, publication: Publication, address: str, release: Release) -> Listing:
    """What the page of one release lists of that release; a page without it has a new layout."""
    release_page = reader.page(address)
    listing = read_listing(publication, release_page.html, release_page.address)
    files_of_page = tuple(posted_file for posted_file in listing.posted if posted_file.release == release)
    if not files_of_page:
        addresses = [posted_file.url for posted_file in listing.posted]
        raise LayoutChanged(
            publication.name, release_page.address, f"the package of {release}", addresses, release_page.html
        )
    return Listing(files_of_page, listing.not_understood)


def _first_page(reader: PageReader, publication: Publication) -> Page:
    cms_site = reader.connection.site
    # CMS moves its pages (MUE: with and without -mues): the first address that answers counts.
    for page_path in publication.pages:
        try:
            return reader.page(cms_site.at(page_path))
        except NotFound:
            continue
    addresses = ", ".join(cms_site.at(page_path) for page_path in publication.pages)
    raise SiteProblem(
        f"the page of {publication.name} ({publication.holds}) has moved or was removed; requested: {addresses}. "
        'Look for it on cms.gov, and put its address into "pages" of ingest/site.json'
    )


def list_releases(reader: PageReader, publication: Publication) -> list[Release]:
    """Return the releases that CMS lists of *publication*, oldest first, reading no page of a single release."""
    first_page = _first_page(reader, publication)
    if publication.release_page is None:
        listing = read_listing(publication, first_page.html, first_page.address)
        return sorted({posted_file.release for posted_file in listing.posted})
    return sorted(set(release_pages(publication, first_page.html, first_page.address).values()))


def latest_release(reader: PageReader) -> Release:
    """Return the newest release of which CMS lists everything that comes each quarter.

    Raises NotPosted: if there is none.
    """
    quarterly = [publication for publication in publications_for() if is_needed(publication)]
    releases_by_name = {publication.name: set(list_releases(reader, publication)) for publication in quarterly}
    # CMS posts the files of a quarter on different days: a release counts when all of them are there.
    complete_releases = set.intersection(*releases_by_name.values())
    newest_listed = max(set.union(*releases_by_name.values()))
    if not complete_releases:
        raise NotPosted("no release is listed with all of " + ", ".join(releases_by_name))
    if newest_listed > max(complete_releases):
        lacking_names = ", ".join(name for name, releases in releases_by_name.items() if newest_listed not in releases)
        reader.report_progress(f"{newest_listed} is not whole yet: no {lacking_names}")
    return max(complete_releases)


def is_needed(publication: Publication) -> bool:
    """Whether a release is incomplete without it: it becomes a table, comes each quarter and is not optional."""
    changes_only = publication.rules.get("when_changed", False)
    return bool(publication.tables) and not changes_only and not publication.is_optional


def find(
    reader: PageReader, release: Release, publications: Sequence[Publication], pinned_before: Sequence[PostedFile] = ()
) -> ReleaseFiles:
    """Return the files of *release* that CMS's pages list; of publications no longer listed, those *pinned_before*.

    Raises NotPosted: with everything that is neither listed nor pinned. LayoutChanged, SiteProblem: as reading does;
    for a publication that is optional or becomes no table the fault is only noted.
    """
    posted_files: list[PostedFile] = []
    remarks: list[str] = []
    lacking_lines: list[str] = []
    last_before: dict[str, Release] = {}
    for publication in publications:
        try:
            own_files = _files_of_quarter(reader, publication, release)
            listed_releases = list_releases(reader, publication)
        except (LayoutChanged, SiteProblem) as error:
            if publication.tables and not publication.is_optional:
                raise
            remarks.append(f"{publication.name} is left out: {str(error).splitlines()[0]}")
            continue
        for posted_file in own_files:
            reader.report_progress(f"  {posted_file.edition}: {posted_file.name}")
        # The PTP page lists the current quarter and the one before: older files are requested where they were pinned.
        if not own_files and (own_files := [file for file in pinned_before if file.publication == publication.name]):
            remarks.append(f"{publication.name}: no longer listed for {release}; taken from where it was pinned")
        if not own_files and is_needed(publication):
            lacking_lines.append(
                f"{publication.name} ({publication.holds}): its page lists {_newest_in_words(listed_releases)}"
            )
        earlier_releases = [listed_release for listed_release in listed_releases if listed_release < release.unrevised]
        # Add-on edits are posted only in quarters in which they change: what was posted last is in force.
        if not own_files and earlier_releases and (publication.rules.get("when_changed") or publication.is_optional):
            last_before[publication.name] = earlier_releases[-1]
        posted_files += own_files
    if lacking_lines:
        missing_text = "".join(f"  {lacking_line}\n" for lacking_line in lacking_lines)
        raise NotPosted(f"CMS's pages do not list {release}:\n{missing_text}{_BY_HAND_REMEDY}")
    return ReleaseFiles(release.unrevised, tuple(posted_files), last_before, tuple(remarks))


_BY_HAND_REMEDY = "Nothing was written. Files of it that you have are built with: codeset build RELEASE --from PATH"


def _newest_in_words(releases: Sequence[Release]) -> str:
    return ", ".join(map(str, releases[-4:])) + (" and older ones" if len(releases) > 4 else "")


def _files_of_quarter(reader: PageReader, publication: Publication, release: Release) -> list[PostedFile]:
    quarter = release.unrevised
    if publication.release_page and quarter not in list_releases(reader, publication):
        return []
    listing = list_files(reader, publication, lambda listed_release: listed_release == quarter)
    return files_of_release(publication, listing.posted, quarter)
