"""What is new on CMS's site: not in the store, re-posted, not understood, or expected and missing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from codeset.progress import ReportProgress, silent
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
        pinned_files = self.lock.pinned(release) if publication.tables else self.lock.addresses().values()
        return {file.url: file for file in pinned_files if file.publication == publication.name}

    def holds(self, publication: Publication, release: Release) -> bool:
        """Whether the last revision of *release* has the publication's tables from files of its own."""
        revisions = self.store.revisions(release)
        if not revisions:
            return False
        table_entries = self.store.open(revisions[-1]).manifest.tables
        return all(table in table_entries and table_entries[table].carried_from is None for table in publication.tables)


def watch(
    connection: Connection,
    local_state: LocalState,
    since: Release | None,
    today: date,
    other_audiences: Iterable[str] = (),
    report_progress: ReportProgress = silent,
) -> list[News]:
    """Return the news of all releases from *since* on (default: the store's newest; of an empty one, today's).

    Raises LayoutChanged, SiteProblem: if a page cannot be read; no news is returned then, for it would be partial.
    """
    first_release = since.unrevised if since else first_watched(local_state.store, today)
    reader = PageReader(connection, report_progress)
    publications = publications_for(other_audiences)
    listings, all_news = {}, []
    for publication in publications:
        try:
            # No news for an optional list whose page is broken; of any other, half of the news would be taken for all
            # of it.
            listings[publication.name] = list_files(reader, publication, lambda release: release >= first_release)
        except SiteProblem as error:
            if not publication.is_optional:
                raise
            listings[publication.name] = Listing((), ())
            all_news.append(News(None, publication.name, UNKNOWN, str(error)))
    all_news += [
        news_item
        for publication in publications
        for news_item in (
            *_posted_news(connection, publication, listings[publication.name], local_state, first_release),
            *_expected_news(publication, listings[publication.name], local_state, first_release, today),
        )
    ]
    return sorted(
        all_news,
        key=lambda news_item: (str(news_item.release or ""), news_item.publication, news_item.status, news_item.says),
    )


def first_watched(store: Store, today: date) -> Release:
    """Return the newest release of the store; if it is empty, the one of *today*."""
    releases = store.releases()
    return releases[-1].unrevised if releases else Release.of(today)


def _posted_news(
    connection: Connection, publication: Publication, listing: Listing, local_state: LocalState, first_release: Release
) -> Iterator[News]:
    first_of_publication = _first_release(publication, first_release)
    for posted_release in sorted({file.release for file in listing.posted if file.release >= first_of_publication}):
        posted_files = files_of_release(publication, listing.posted, posted_release)
        if not _is_local(publication, posted_files, local_state, posted_release):
            editions = ", ".join(sorted({posted_file.edition for posted_file in posted_files}))
            yield News(
                posted_release, publication.name, NEW, editions, tuple(posted_file.url for posted_file in posted_files)
            )
        else:
            yield from _reposted_news(connection, publication, posted_files, local_state, posted_release)
    for address in listing.not_understood:
        yield News(None, publication.name, NOT_UNDERSTOOD, "named in no known way", (address,))


def _is_local(
    publication: Publication, posted_files: Sequence[PostedFile], local_state: LocalState, release: Release
) -> bool:
    if publication.tables:
        return local_state.holds(publication, release)
    # Who builds from files saved by hand has no lock: then what becomes no table (the manual) is no news.
    built_by_hand = bool(local_state.store.releases()) and not local_state.lock.releases
    return built_by_hand or all(file.url in local_state.pinned(publication, release) for file in posted_files)


def _first_release(publication: Publication, first_watched: Release) -> Release:
    """A yearly publication is listed under its year's first quarter."""
    return Release(first_watched.year, 1) if publication.rules.get("yearly") else first_watched


def _reposted_news(
    connection: Connection,
    publication: Publication,
    posted_files: Sequence[PostedFile],
    local_state: LocalState,
    release: Release,
) -> Iterator[News]:
    pinned_files = local_state.pinned(publication, release)
    # Built from files saved by hand: nothing is pinned that the manual could be compared with.
    if not pinned_files and not publication.tables:
        return
    if not pinned_files:
        message = "sealed from files that the lock does not pin; whether CMS has posted others since is not known"
        yield News(release, publication.name, UNKNOWN, message)
        return
    for posted_file in posted_files:
        if difference := _difference_from_pinned(connection, posted_file, pinned_files):
            news_status, message = difference
            yield News(release, publication.name, news_status, message, (posted_file.url,))


def _difference_from_pinned(
    connection: Connection, posted_file: PostedFile, pinned_files: Mapping[str, PinnedFile]
) -> tuple[str, str] | None:
    if posted_file.url not in pinned_files:
        return REPOSTED, f"{posted_file.name} ({posted_file.edition}) is not among the files that are pinned"
    try:
        current_validators = get_validators(connection, posted_file.url)
    except SiteProblem as error:
        if not posted_file.gated:
            raise
        return UNKNOWN, str(error)
    if current_validators is None:
        return UNKNOWN, "the site answers with a page, such as that of the license"
    changed_validator = _changed_validator(current_validators, pinned_files[posted_file.url])
    return (REPOSTED, f"{posted_file.name}: {changed_validator}") if changed_validator else None


def _changed_validator(current_validators: Validators, pinned_file: PinnedFile) -> str | None:
    """The first validator that differs from the pinned file's: size, date, ETag."""
    validators = (
        ("size", str(pinned_file.size), None if current_validators.size is None else str(current_validators.size)),
        ("date", pinned_file.last_modified, current_validators.last_modified),
        ("ETag", pinned_file.etag, current_validators.etag),
    )
    for validator_name, pinned_value, current_value in validators:
        # A validator that the site left out this time says nothing.
        if pinned_value is not None and current_value is not None and pinned_value != current_value:
            return f"its {validator_name} was {pinned_value}, is {current_value}"
    return None


def _expected_news(
    publication: Publication, listing: Listing, local_state: LocalState, first_release: Release, today: date
) -> Iterator[News]:
    """What should be posted by CMS's calendar: the files of a quarter by its first day, usually some weeks before."""
    if not is_needed(publication):
        return
    # CMS posts the files of a quarter some weeks before it begins.
    last_expected = Release.of(today + timedelta(days=publication.rules["days_ahead"]))
    listed_releases = {file.release for file in listing.posted}
    for release in _quarters_between(first_release, last_expected):
        # A quarter that is sealed from files saved by hand is not missing, whatever the page lists.
        if release not in listed_releases and not local_state.holds(publication, release):
            is_late = today >= release.first_day
            message = f"due by {release.first_day}" + ("; its page does not list it" if is_late else "")
            yield News(release, publication.name, MISSING if is_late else AWAITED, message)


def _quarters_between(first_quarter: Release, last_quarter: Release) -> Iterator[Release]:
    while first_quarter <= last_quarter:
        yield first_quarter
        first_quarter = Release(first_quarter.year + first_quarter.quarter // 4, first_quarter.quarter % 4 + 1)
