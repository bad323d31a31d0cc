"""What is new on CMS's site: not in the store, re-posted, not understood, or expected and missing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from codeset.progress import Say, silent
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.cms_site.find_release import PageReader, is_needed, list_files, publications_for
from codeset_ingest.cms_site.hosts import SiteProblem
from codeset_ingest.cms_site.http import Connection, Validators, get_validators
from codeset_ingest.cms_site.link_names import Publication
from codeset_ingest.cms_site.listing_pages import Listing, PostedFile, files_of_release
from codeset_ingest.cms_site.lock import Lock, PinnedFile

NEW, REPOSTED, NOT_UNDERSTOOD = "new", "re-posted", "not understood"
MISSING, AWAITED, UNKNOWN = "missing", "awaited", "not seen"

_CALLS_FOR_ACTION = (NEW, REPOSTED, NOT_UNDERSTOOD)


@dataclass(frozen=True, order=True)
class News:
    """One item of news: release and publication, its status, a description, and the addresses.

    Statuses: `new` posted and not in the store; `re-posted` differs from the pinned file; `not understood` a file of a
    publication under an unknown name; `missing` due by CMS's calendar; `awaited` due soon; `not seen` not checkable.
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
class LocalState:
    """What is on this machine: the store and the lock."""

    store: Store
    lock: Lock

    def pinned(self, publication: Publication, release: Release) -> dict[str, PinnedFile]:
        """Return the pinned files of *publication* by address: of *release*, or of any, if it becomes no table."""
        files = self.lock.pinned(release) if publication.tables else self.lock.addresses().values()
        return {file.url: file for file in files if file.publication == publication.name}

    def holds(self, publication: Publication, release: Release) -> bool:
        """Whether the last revision of *release* has the publication's tables from files of its own."""
        revisions = self.store.revisions(release)
        if not revisions:
            return False
        entries = self.store.open(revisions[-1]).manifest.tables
        return all(table in entries and entries[table].carried_from is None for table in publication.tables)


def watch(
    connection: Connection,
    local: LocalState,
    since: Release | None,
    today: date,
    also: Iterable[str] = (),
    say: Say = silent,
) -> list[News]:
    """Return the news of all releases from *since* on (default: the store's newest; of an empty one, today's).

    Raises LayoutChanged, SiteProblem: if a page cannot be read; no news is returned then, for it would be partial.
    """
    first = since.unrevised if since else first_watched(local.store, today)
    reader = PageReader(connection, say)
    publications = publications_for(also)
    listings, news = {}, []
    for publication in publications:
        try:
            # No news for an optional list whose page is broken; of any other, half of the news would be taken for all
            # of it.
            listings[publication.name] = list_files(reader, publication, lambda release: release >= first)
        except SiteProblem as error:
            if not publication.is_optional:
                raise
            listings[publication.name] = Listing((), ())
            news.append(News(None, publication.name, UNKNOWN, str(error)))
    news += [
        item
        for publication in publications
        for item in (
            *_posted_news(connection, publication, listings[publication.name], local, first),
            *_expected_news(publication, listings[publication.name], local, first, today),
        )
    ]
    return sorted(news, key=lambda item: (str(item.release or ""), item.publication, item.status, item.says))


def first_watched(store: Store, today: date) -> Release:
    """Return the newest release of the store; if it is empty, the one of *today*."""
    releases = store.releases()
    return releases[-1].unrevised if releases else Release.of(today)


def _posted_news(
    connection: Connection, publication: Publication, listing: Listing, local: LocalState, first: Release
) -> Iterator[News]:
    first_of_publication = _first_release(publication, first)
    for release in sorted({file.release for file in listing.posted if file.release >= first_of_publication}):
        files = files_of_release(publication, listing.posted, release)
        if not _is_local(publication, files, local, release):
            editions = ", ".join(sorted({file.edition for file in files}))
            yield News(release, publication.name, NEW, editions, tuple(file.url for file in files))
        else:
            yield from _reposted_news(connection, publication, files, local, release)
    for address in listing.not_understood:
        yield News(None, publication.name, NOT_UNDERSTOOD, "named in no known way", (address,))


def _is_local(publication: Publication, files: Sequence[PostedFile], local: LocalState, release: Release) -> bool:
    if publication.tables:
        return local.holds(publication, release)
    # Who builds from files saved by hand has no lock: then what becomes no table (the manual) is not asked for.
    built_by_hand = bool(local.store.releases()) and not local.lock.releases
    return built_by_hand or all(file.url in local.pinned(publication, release) for file in files)


def _first_release(publication: Publication, first: Release) -> Release:
    """A yearly publication is listed under its year's first quarter."""
    return Release(first.year, 1) if publication.rules.get("yearly") else first


def _reposted_news(
    connection: Connection, publication: Publication, files: Sequence[PostedFile], local: LocalState, release: Release
) -> Iterator[News]:
    pinned = local.pinned(publication, release)
    if not pinned and not publication.tables:
        return
    if not pinned:
        message = "sealed from files that the lock does not pin; whether CMS has posted others since is not known"
        yield News(release, publication.name, UNKNOWN, message)
        return
    for file in files:
        if difference := _difference(connection, file, pinned):
            status, message = difference
            yield News(release, publication.name, status, message, (file.url,))


def _difference(connection: Connection, posted: PostedFile, pinned: Mapping[str, PinnedFile]) -> tuple[str, str] | None:
    if posted.url not in pinned:
        return REPOSTED, f"{posted.name} ({posted.edition}) is not among the files that are pinned"
    try:
        current = get_validators(connection, posted.url)
    except SiteProblem as error:
        if not posted.gated:
            raise
        return UNKNOWN, str(error)
    if current is None:
        return UNKNOWN, "the site answers with a page, such as that of the license"
    changed = _change(current, pinned[posted.url])
    return (REPOSTED, f"{posted.name}: {changed}") if changed else None


def _change(current: Validators, pinned: PinnedFile) -> str | None:
    """The first validator that differs from the pinned file's: size, date, ETag."""
    validators = (
        ("size", str(pinned.size), None if current.size is None else str(current.size)),
        ("date", pinned.last_modified, current.last_modified),
        ("ETag", pinned.etag, current.etag),
    )
    for name, before, after in validators:
        # A validator that the site left out this time says nothing.
        if before is not None and after is not None and before != after:
            return f"its {name} was {before}, is {after}"
    return None


def _expected_news(
    publication: Publication, listing: Listing, local: LocalState, first: Release, today: date
) -> Iterator[News]:
    """What should be posted by CMS's calendar: the files of a quarter by its first day, usually some weeks before."""
    if not is_needed(publication):
        return
    ahead = Release.of(today + timedelta(days=publication.rules["days_ahead"]))
    listed = {file.release for file in listing.posted}
    for release in _quarters(first, ahead):
        if release not in listed and not local.holds(publication, release):
            late = today >= release.first_day
            message = f"due by {release.first_day}" + ("; its page does not list it" if late else "")
            yield News(release, publication.name, MISSING if late else AWAITED, message)


def _quarters(first: Release, last: Release) -> Iterator[Release]:
    while first <= last:
        yield first
        first = Release(first.year + first.quarter // 4, first.quarter % 4 + 1)
