"""Reading CMS's pages: from the addresses in `site.json` to what is posted of each publication, and for a release."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from codeset.progress import Say
from codeset.releases import Release
from codeset_ingest.cms_site.hosts import SiteProblem
from codeset_ingest.cms_site.http import Gone, Page, Visit, page
from codeset_ingest.cms_site.link_names import Publication, named, publications
from codeset_ingest.cms_site.listing_pages import LayoutChanged, Listing, Posted, listing, of_release, release_pages
from codeset_ingest.cms_site.lock import Lock, Pinned


class NotPosted(SiteProblem):
    """CMS's pages do not list what a release needs."""


@dataclass(frozen=True)
class Reader:
    """The pages of one visit; each is asked for once."""

    visited: Visit
    say: Say
    read: dict[str, Page] = field(default_factory=dict)

    def page(self, address: str) -> Page:
        """Return the page at *address*; raises as `fetch.page` does."""
        if address not in self.read:
            self.say(f"reading {address}")
            self.read[address] = page(self.visited, address)
            if self.read[address].address != address:
                self.say(f"  it has moved to {self.read[address].address}")
        return self.read[address]


@dataclass(frozen=True)
class Found:
    """The files of a release as posted; of publications without any of this release, the last before it."""

    release: Release
    files: tuple[Posted, ...]
    last_before: Mapping[str, Release]
    notes: tuple[str, ...]


def chosen_publications(also: Iterable[str] = ()) -> list[Publication]:
    """Return the practitioner's publications, and those for the audiences of *also* (outpatient, dme)."""
    audiences = {"practitioner", *also}
    return [each for each in publications() if each.audience in audiences]


def as_pinned(lock: Lock, release: Release, wanted: Sequence[Publication]) -> Found:
    """Return the files that the lock pins for *release*, without reading a page.

    Raises NotPosted: if it pins none.
    """
    files = tuple(_as_posted(lock.releases.get(lock.revision(release), ())))
    if not files:
        held = ", ".join(map(str, sorted(lock.releases))) or "no release"
        raise NotPosted(f"the lock does not pin {release}; it pins: {held}")
    of_it = {each.publication for each in files}
    before: dict[str, Release] = {}
    for each in sorted(each for each in lock.releases if each.unrevised < release.unrevised):
        before |= {file.publication: each.unrevised for file in lock.releases[each]}
    lacking = {each.name for each in wanted if each.tables} - of_it
    return Found(release.unrevised, files, {name: before[name] for name in lacking & set(before)}, ())


def pinned_files(lock: Lock, release: Release) -> list[Posted]:
    """Return the last pinned files of *release* as if a page listed them: where none does, they are asked for there."""
    return _as_posted(lock.pinned(release))


def _as_posted(pinned: Iterable[Pinned]) -> list[Posted]:
    by_name = {each.name: each for each in publications()}
    posted = []
    for each in pinned:
        publication = by_name[each.publication]
        if said := named(publication, each.url):
            known = (said.release, each.edition, said.part, each.url, each.page)
            posted.append(Posted(each.publication, *known, bool(publication.rules.get("gated")), said, None))
    return posted


def listed(reader: Reader, publication: Publication, wanted: Callable[[Release], bool]) -> Listing:
    """Return what CMS lists of *publication*; pages of single releases are read for the *wanted* ones only.

    Raises LayoutChanged: if a page is not as it was. SiteProblem: if none can be had.
    """
    first = _first_page(reader, publication)
    if publication.release_page is None:
        return listing(publication, first.html, first.address)
    pages = release_pages(publication, first.html, first.address)
    listings = [_of_page(reader, publication, each, release) for each, release in pages.items() if wanted(release)]
    posted = dict.fromkeys(each for found in listings for each in found.posted)
    return Listing(tuple(posted), tuple(each for found in listings for each in found.not_understood))


def _of_page(reader: Reader, publication: Publication, address: str, release: Release) -> Listing:
    """What the page of one release lists of that release; a page without it is not as it was."""
    read = reader.page(address)
    found = listing(publication, read.html, read.address)
    own = tuple(each for each in found.posted if each.release == release)
    if not own:
        seen = [each.url for each in found.posted]
        raise LayoutChanged(publication.name, read.address, f"the package of {release}", seen, read.html)
    return Listing(own, found.not_understood)


def _first_page(reader: Reader, publication: Publication) -> Page:
    for path in publication.pages:
        try:
            return reader.page(reader.visited.site.at(path))
        except Gone:
            continue
    asked = ", ".join(reader.visited.site.at(path) for path in publication.pages)
    raise SiteProblem(
        f"the page of {publication.name} ({publication.holds}) has moved or is gone; asked for: {asked}. "
        'Look for it on cms.gov, and put its address into "pages" of ingest/site.json'
    )


def releases_listed(reader: Reader, publication: Publication) -> list[Release]:
    """Return the releases that CMS lists of *publication*, oldest first, reading no page of a single release."""
    first = _first_page(reader, publication)
    if publication.release_page is None:
        return sorted({each.release for each in listing(publication, first.html, first.address).posted})
    return sorted(set(release_pages(publication, first.html, first.address).values()))


def latest(reader: Reader) -> Release:
    """Return the newest release of which CMS lists all that comes each quarter.

    Raises NotPosted: if there is none.
    """
    quarterly = [each for each in chosen_publications() if is_needed(each)]
    by_name = {each.name: set(releases_listed(reader, each)) for each in quarterly}
    whole = set.intersection(*by_name.values())
    newest = max(set.union(*by_name.values()))
    if not whole:
        raise NotPosted("no release is listed with all of " + ", ".join(by_name))
    if newest > max(whole):
        lacking = ", ".join(name for name, releases in by_name.items() if newest not in releases)
        reader.say(f"{newest} is not whole yet: no {lacking}")
    return max(whole)


def is_needed(publication: Publication) -> bool:
    """Whether a release is not whole without it: it becomes a table and comes each quarter."""
    return bool(publication.tables) and not publication.rules.get("when_changed", False)


def find(reader: Reader, release: Release, wanted: Sequence[Publication], pinned: Sequence[Posted] = ()) -> Found:
    """Return the files that make up *release*, as CMS's pages list them; of what they list no more, those *pinned*.

    Raises NotPosted: with everything that is neither listed nor pinned. LayoutChanged, SiteProblem: as reading does;
    of a publication that becomes no table the fault is only noted.
    """
    files: list[Posted] = []
    notes: list[str] = []
    lacking: list[str] = []
    before: dict[str, Release] = {}
    for publication in wanted:
        try:
            own, releases = _own(reader, publication, release), releases_listed(reader, publication)
        except (LayoutChanged, SiteProblem) as error:
            if publication.tables:
                raise
            notes.append(f"{publication.name} is left out: {str(error).splitlines()[0]}")
            continue
        for each in own:
            reader.say(f"  {each.edition}: {each.name}")
        if not own and (own := [each for each in pinned if each.publication == publication.name]):
            notes.append(f"{publication.name}: no longer listed for {release}; taken from where it was pinned")
        if not own and is_needed(publication):
            lacking.append(f"{publication.name} ({publication.holds}): its page lists {_shown(releases)}")
        earlier = [each for each in releases if each < release.unrevised]
        if not own and earlier and publication.rules.get("when_changed"):
            before[publication.name] = earlier[-1]
        files += own
    if lacking:
        raise NotPosted(f"CMS's pages do not list {release}:\n" + "".join(f"  {each}\n" for each in lacking) + _BY_HAND)
    return Found(release.unrevised, tuple(files), before, tuple(notes))


_BY_HAND = "Nothing was written. Files of it that you have are built with: codeset build RELEASE --from PATH"


def _shown(releases: Sequence[Release]) -> str:
    return ", ".join(map(str, releases[-4:])) + (" and older ones" if len(releases) > 4 else "")


def _own(reader: Reader, publication: Publication, release: Release) -> list[Posted]:
    quarter = release.unrevised
    if publication.release_page and quarter not in releases_listed(reader, publication):
        return []
    found = listed(reader, publication, lambda each: each == quarter)
    return of_release(publication, found.posted, quarter)
