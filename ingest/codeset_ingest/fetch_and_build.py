"""Fetch a release, seal it, and compare CMS's own report of changed edits with our difference."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

from codeset.differences import diff
from codeset.errors import BadInput, CodesetError, StoreProblem, WrongUse
from codeset.progress import Say, silent
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset_ingest import change_report
from codeset_ingest.build import BuildResult, build
from codeset_ingest.change_report import Disagreement
from codeset_ingest.cms_site import ama_license
from codeset_ingest.cms_site import lock as locks
from codeset_ingest.cms_site.ama_license import LicenseNeeded
from codeset_ingest.cms_site.download import CountBytes, DownloadFolder, count_nothing
from codeset_ingest.cms_site.fetch_release import FetchedRelease, FetchRequest, fetch_release, license_message
from codeset_ingest.cms_site.find_release import PageReader, latest_release
from codeset_ingest.cms_site.hosts import Site, site
from codeset_ingest.cms_site.http import Limits, connect
from codeset_ingest.cms_site.link_names import audiences, publications, site_facts
from codeset_ingest.cms_site.listing_pages import LayoutChanged
from codeset_ingest.cms_site.watch import LocalState, News, watch

_REPORT = "ptp_changes"


@dataclass(frozen=True)
class FetchOptions:
    """Where to fetch to, the lock, for whom besides practitioners, and who accepts the AMA license.

    `locked`: exactly the files that the lock pins.
    """

    store: Store
    into: Path | None = None
    lock: Path | None = None
    also: str = ""
    accept: str | None = None
    locked: bool = False

    @property
    def folder(self) -> DownloadFolder:
        """The folder of downloads and the lock: in the store, unless others are named."""
        return DownloadFolder(self.into or self.store.path / "downloads", self.lock or self.store.path / locks.NAME)

    @property
    def audiences(self) -> tuple[str, ...]:
        """The audiences besides practitioners.

        Raises WrongUse: for one that CMS does not publish for.
        """
        names = tuple(name.strip() for name in self.also.split(",") if name.strip())
        if unknown := [name for name in names if name not in audiences()]:
            raise WrongUse(f"--also {self.also}: {', '.join(unknown)} is none of {', '.join(audiences()[1:])}")
        return names


@dataclass(frozen=True)
class ReportComparison:
    """CMS's change report compared with our difference: every disagreement, or why they were not compared."""

    says: str
    disagreements: tuple[Disagreement, ...] = ()
    is_unreadable: bool = False

    @property
    def agrees(self) -> bool:
        """Whether nothing speaks against the snapshot."""
        return not self.disagreements and not self.is_unreadable


@dataclass(frozen=True)
class FetchAndBuildResult:
    """The outcome of fetching and building."""

    fetched: FetchedRelease
    built: BuildResult
    comparison: ReportComparison


def fetch(
    release: str | None, options: FetchOptions, say: Say, count: CountBytes, limits: Limits | None = None
) -> FetchedRelease:
    """Fetch *release*, or the newest that is posted completely if it is None.

    Raises what `codeset_ingest.cms_site.fetch_release.fetch_release` raises.
    """
    target = Release.parse(release) if release else None
    also, origin = options.audiences, site()
    accepted = _is_accepted(options, origin)
    with keep_changed_pages(options.store), connect(origin, limits) as connection:
        if target is None:
            target = latest_release(PageReader(connection, say))
            say(f"the newest release that is posted whole is {target}")
        request = FetchRequest(target, also, accepted, options.locked)
        return fetch_release(request, options.folder, connection, say, count)


def _is_accepted(options: FetchOptions, origin: Site) -> bool:
    """Whether the license was accepted: now, which is recorded, or before."""
    facts = site_facts()["license"]
    if options.accept is not None:
        page = origin.at(facts["page"])
        ama_license.record(options.store, facts["name"], options.accept, datetime.now(UTC), page)
    return ama_license.last_acceptance(options.store, facts["name"]) is not None


def fetch_and_build(
    release: str | None,
    options: FetchOptions,
    by_hand: Sequence[Path],
    carry: Mapping[str, Release],
    accept: Sequence[str],
    say: Say,
    count: CountBytes = count_nothing,
) -> FetchAndBuildResult:
    """Fetch *release*, seal it, and compare CMS's change report with our difference.

    Raises what `fetch` and `build_fetched` raise. LicenseNeeded: if gated files are neither fetched nor given by hand.
    """
    fetched = fetch(release, options, say, count)
    # Files that a person downloaded may be the gated ones: the build says what is missing, if they are not.
    if fetched.not_fetched and not by_hand:
        raise LicenseNeeded(f"{license_message(fetched)}\nThe other files are in {fetched.folder}; nothing was sealed.")
    built = build_fetched(fetched, options.store, by_hand, carry, accept, say)
    say("comparing with CMS's change report")
    return FetchAndBuildResult(fetched, built, compare_report(fetched, built.sealed.snapshot, options.store))


def build_fetched(
    fetched: FetchedRelease,
    store: Store,
    by_hand: Iterable[Path] = (),
    carry: Mapping[str, Release] | None = None,
    accept: Iterable[str] = (),
    say: Say = silent,
) -> BuildResult:
    """Seal what was fetched, and files downloaded *by_hand*; carry forward what CMS did not post anew.

    Raises what `codeset_ingest.build.build` raises. StoreProblem: if what is to be carried forward is not in the store.
    """
    by_name = {publication.name: publication for publication in publications()}
    tables_of = {name: publication.tables for name, publication in by_name.items()}
    used = [file for file in fetched.files if tables_of[file.pinned.publication]]
    carries = dict(carry or {})
    for publication, last in fetched.last_before.items():
        for table in set(tables_of[publication]) - set(carries):
            # What is optional is carried where it is at hand; what every claim needs must be, or the build stops.
            if not by_name[publication].is_optional or _has_newest(store, fetched.release, table, last):
                carries[table] = _origin(store, fetched.release, publication, table, last)
    addresses = {file.path.name: file.pinned.url for file in used}
    paths = [*(file.path for file in used), *by_hand]
    return build(fetched.release, paths, store, carries, accept, say, addresses)


def _has_newest(store: Store, release: Release, table: str, last: Release) -> bool:
    """Whether the store has *table* as CMS last posted it before *release*."""
    before = store.before(release, table, scope="all")
    if before is None:
        return False
    carried = before.manifest.tables[table].carried_from
    return (Release.parse(carried) if carried else before.release.unrevised) >= last


def _origin(store: Store, release: Release, publication: str, table: str, last: Release) -> Release:
    """The sealed release to carry *table* from: no older than the one for which CMS posted it last."""
    before = store.before(release, table, scope="all")
    if before is not None and _has_newest(store, release, table, last):
        return before.release
    newest = f"the newest that {store.path} holds is of {before.release}" if before else f"{store.path} holds none"
    raise StoreProblem(
        f"{publication}: CMS posted none for {release.unrevised}; those of {last} are in force, but {newest}. "
        f"Seal that release first: codeset build {last} --fetch. Or say what to carry: --carry {table}=RELEASE"
    )


def compare_report(fetched: FetchedRelease, snapshot: Snapshot, store: Store) -> ReportComparison:
    """Compare CMS's change report with our difference of this quarter and the one before."""
    report = next((file for file in fetched.files if file.pinned.publication == _REPORT), None)
    before = _quarter_before(snapshot.release)
    revisions = store.revisions(before)
    if report is None or "ptp" not in snapshot:
        message = "CMS's report of the edits' changes was not fetched; our difference is not held against it"
        return ReportComparison(message)
    if not revisions or "ptp" not in store.open(revisions[-1]):
        message = f"the store holds no edits of {before}; CMS's change report is not held against a difference"
        return ReportComparison(message)
    # CMS's report covers one quarter, and so must our difference.
    changes = diff(store.open(revisions[-1]), snapshot, "all").tables["ptp"]
    difference = change_report.from_difference(changes)
    try:
        disagreements = tuple(change_report.compare(change_report.read(report.path), difference))
    except BadInput as error:
        message = f"CMS's change report cannot be read, so it says nothing for or against: {error}"
        return ReportComparison(message, is_unreadable=True)
    counts = ", ".join(f"{len(edits):,} {change}" for change, edits in difference.items())
    agree = "agrees with" if not disagreements else f"disagrees in {len(disagreements):,} rows with"
    message = f"CMS's change report {agree} our difference of {revisions[-1]} and {snapshot.release}: {counts}"
    return ReportComparison(message, disagreements)


def _quarter_before(release: Release) -> Release:
    return Release(release.year, release.quarter - 1) if release.quarter > 1 else Release(release.year - 1, 4)


def comparison_lines(comparison: ReportComparison) -> list[str]:
    """Return how CMS's change report and our difference compare, a line for each disagreement."""
    return [comparison.says, *(f"  {disagreement}" for disagreement in comparison.disagreements)]


def news(options: FetchOptions, since: str | None, today: date, say: Say) -> list[News]:
    """Return what is new on CMS's site; raises what `codeset_ingest.cms_site.watch.watch` raises."""
    local = LocalState(options.store, locks.read(options.folder.lock))
    first = Release.parse(since) if since else None
    also = options.audiences
    with keep_changed_pages(options.store), connect(site()) as connection:
        return watch(connection, local, first, today, also, say)


@contextmanager
def keep_changed_pages(store: Store) -> Iterator[None]:
    """Keep a page whose layout has changed in the store's folder `pages`, and say so: a bug report needs it."""
    try:
        yield
    except LayoutChanged as error:
        name = f"{error.publication}-{sha256(error.html).hexdigest()[:12]}.html"
        file = store.path / "pages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(error.html)
        raise ChangedPageKept(
            f"{error}\n  The page is kept in {file}; send it with the bug report. Nothing else was written."
        ) from error


class ChangedPageKept(CodesetError):
    """A page's layout has changed, and the page was kept."""

    exit_code = LayoutChanged.exit_code
