"""What is new on CMS's site: not in the store yet, posted again, named in no known way, or expected and missing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from codeset.progress import Say, silent
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.cms_site.find_release import Reader, chosen_publications, is_needed, listed
from codeset_ingest.cms_site.hosts import SiteProblem
from codeset_ingest.cms_site.http import Visit, validators
from codeset_ingest.cms_site.link_names import Publication
from codeset_ingest.cms_site.listing_pages import Listing, Posted, of_release
from codeset_ingest.cms_site.lock import Lock, Pinned
from codeset_ingest.cms_site.partial_download import Validators

NEW, REPOSTED, STRANGE = "new", "re-posted", "not understood"
MISSING, AWAITED, UNSEEN = "missing", "awaited", "not seen"

_CALLS_FOR_ACTION = (NEW, REPOSTED, STRANGE)


@dataclass(frozen=True, order=True)
class News:
    """One thing to tell: of which release and publication, its status, what of it, and the addresses.

    Statuses: `new` posted and not in the store; `re-posted` other than pinned; `not understood` a file of a publication
    named in no known way; `missing` due by CMS's calendar; `awaited` due soon; `not seen` cannot be told from here.
    """

    release: Release | None
    publication: str
    status: str
    says: str
    addresses: tuple[str, ...] = ()

    @property
    def calls_for_action(self) -> bool:
        """Whether there is something to fetch, or to look at."""
        return self.status in _CALLS_FOR_ACTION

    def plain(self) -> dict[str, object]:
        """Return it as JSON has it."""
        release = None if self.release is None else str(self.release)
        return {
            "release": release,
            "publication": self.publication,
            "status": self.status,
            "says": self.says,
            "addresses": list(self.addresses),
        }


@dataclass(frozen=True)
class Held:
    """What is here: the store and the lock."""

    store: Store
    lock: Lock

    def pinned(self, publication: Publication, release: Release) -> dict[str, Pinned]:
        """Return the pinned files of *publication* by address: of *release*, or of any, where it makes no release."""
        files = self.lock.pinned(release) if publication.tables else self.lock.addresses().values()
        return {each.url: each for each in files if each.publication == publication.name}

    def holds(self, publication: Publication, release: Release) -> bool:
        """Whether the last revision of *release* has the publication's tables from files of its own."""
        revisions = self.store.revisions(release)
        if not revisions:
            return False
        entries = self.store.open(revisions[-1]).manifest.tables
        return all(table in entries and entries[table].carried_from is None for table in publication.tables)


def watch(
    visited: Visit, held: Held, since: Release | None, today: date, also: Iterable[str] = (), say: Say = silent
) -> list[News]:
    """Return what is to be told of all releases from *since* on: the store's newest, or of an empty one, today's.

    Raises LayoutChanged, SiteProblem: if a page cannot be read; nothing is said then, for it would be half.
    """
    first = since.unrevised if since else first_watched(held.store, today)
    reader = Reader(visited, say)
    publications = chosen_publications(also)
    listings = {each.name: listed(reader, each, lambda release: release >= first) for each in publications}
    news = [
        told
        for each in publications
        for told in (
            *_posted(visited, each, listings[each.name], held, first),
            *_expected(each, listings[each.name], held, first, today),
        )
    ]
    return sorted(news, key=lambda each: (str(each.release or ""), each.publication, each.status, each.says))


def first_watched(store: Store, today: date) -> Release:
    """Return the newest release of the store; if it is empty, the one of *today*."""
    releases = store.releases()
    return releases[-1].unrevised if releases else Release.of(today)


def _posted(visited: Visit, publication: Publication, listing: Listing, held: Held, first: Release) -> Iterator[News]:
    for release in sorted({each.release for each in listing.posted if each.release >= _from(publication, first)}):
        files = of_release(publication, listing.posted, release)
        if not _is_here(publication, files, held, release):
            editions = ", ".join(sorted({each.edition for each in files}))
            yield News(release, publication.name, NEW, editions, tuple(each.url for each in files))
        else:
            yield from _reposted(visited, publication, files, held, release)
    for address in listing.not_understood:
        yield News(None, publication.name, STRANGE, "named in no known way", (address,))


def _is_here(publication: Publication, files: Sequence[Posted], held: Held, release: Release) -> bool:
    if publication.tables:
        return held.holds(publication, release)
    built_by_hand = bool(held.store.releases()) and not held.lock.releases
    return built_by_hand or all(each.url in held.pinned(publication, release) for each in files)


def _from(publication: Publication, first: Release) -> Release:
    """A yearly publication is that of its year's first quarter."""
    return Release(first.year, 1) if publication.rules.get("yearly") else first


def _reposted(
    visited: Visit, publication: Publication, files: Sequence[Posted], held: Held, release: Release
) -> Iterator[News]:
    pinned = held.pinned(publication, release)
    if not pinned and not publication.tables:
        return
    if not pinned:
        says = "sealed from files that the lock does not pin; whether CMS posted others since cannot be told"
        yield News(release, publication.name, UNSEEN, says)
        return
    for each in files:
        if difference := _difference(visited, each, pinned):
            status, says = difference
            yield News(release, publication.name, status, says, (each.url,))


def _difference(visited: Visit, posted: Posted, pinned: Mapping[str, Pinned]) -> tuple[str, str] | None:
    if posted.url not in pinned:
        return REPOSTED, f"{posted.name} ({posted.edition}) is not among the files that are pinned"
    try:
        now = validators(visited, posted.url)
    except SiteProblem as error:
        if not posted.gated:
            raise
        return UNSEEN, str(error)
    if now is None:
        return UNSEEN, "the site answers with a page, such as that of the licence"
    changed = _changed(now, pinned[posted.url])
    return (REPOSTED, f"{posted.name}: {changed}") if changed else None


def _changed(now: Validators, pinned: Pinned) -> str | None:
    """What tells that a file is another one than the one pinned: its size, its date, its ETag."""
    told = (
        ("size", str(pinned.size), None if now.size is None else str(now.size)),
        ("date", pinned.last_modified, now.last_modified),
        ("ETag", pinned.etag, now.etag),
    )
    for what, before, after in told:
        if before is not None and after is not None and before != after:
            return f"its {what} was {before}, is {after}"
    return None


def _expected(publication: Publication, listing: Listing, held: Held, first: Release, today: date) -> Iterator[News]:
    """What CMS's calendar says should be there: each quarter's files by its first day, usually some weeks before."""
    if not is_needed(publication):
        return
    ahead = Release.of(today + timedelta(days=publication.rules["days_ahead"]))
    listed_ = {each.release for each in listing.posted}
    for release in _quarters(first, ahead):
        if release not in listed_ and not held.holds(publication, release):
            late = today >= release.first_day
            says = f"due by {release.first_day}" + ("; its page does not list it" if late else "")
            yield News(release, publication.name, MISSING if late else AWAITED, says)


def _quarters(first: Release, last: Release) -> Iterator[Release]:
    while first <= last:
        yield first
        first = Release(first.year + first.quarter // 4, first.quarter % 4 + 1)
