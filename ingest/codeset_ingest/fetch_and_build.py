"""Fetch a release, seal it, and compare CMS's own report of changed edits with our difference."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

from codeset.differences import diff
from codeset.errors import BadInput, CodesetError, StoreProblem, WrongUse
from codeset.progress import ReportProgress, silent
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

_CHANGE_REPORT = "ptp_changes"


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
        audience_names = tuple(audience_name.strip() for audience_name in self.also.split(",") if audience_name.strip())
        if unknown_names := [audience_name for audience_name in audience_names if audience_name not in audiences()]:
            raise WrongUse(f"--also {self.also}: {', '.join(unknown_names)} is none of {', '.join(audiences()[1:])}")
        return audience_names


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
    release: str | None,
    options: FetchOptions,
    report_progress: ReportProgress,
    count: CountBytes,
    limits: Limits | None = None,
) -> FetchedRelease:
    """Fetch *release*, or the newest that is posted completely if it is None.

    Raises what `codeset_ingest.cms_site.fetch_release.fetch_release` raises.
    """
    target_release = Release.parse(release) if release else None
    other_audiences, cms_site = options.audiences, site()
    license_accepted = _is_accepted(options, cms_site)
    with keep_changed_pages(options.store), connect(cms_site, limits) as connection:
        if target_release is None:
            target_release = latest_release(PageReader(connection, report_progress))
            report_progress(f"the newest release that is posted whole is {target_release}")
        fetch_request = FetchRequest(target_release, other_audiences, license_accepted, options.locked)
        return fetch_release(fetch_request, options.folder, connection, report_progress, count)


def _is_accepted(options: FetchOptions, cms_site: Site) -> bool:
    """Whether the license was accepted: now, which is recorded, or before."""
    license_facts = site_facts()["license"]
    if options.accept is not None:
        license_address = cms_site.at(license_facts["page"])
        ama_license.record(options.store, license_facts["name"], options.accept, datetime.now(UTC), license_address)
    # An acceptance outlives the run that gave it: later ones rest on the record (docs/fetching.md).
    return ama_license.last_acceptance(options.store, license_facts["name"]) is not None


def fetch_and_build(
    release: str | None,
    options: FetchOptions,
    by_hand: Sequence[Path],
    carry: Mapping[str, Release],
    accept: Sequence[str],
    report_progress: ReportProgress,
    count: CountBytes = count_nothing,
) -> FetchAndBuildResult:
    """Fetch *release*, seal it, and compare CMS's change report with our difference.

    Raises what `fetch` and `build_fetched` raise. LicenseNeeded: if gated files are neither fetched nor given by hand.
    """
    fetched_release = fetch(release, options, report_progress, count)
    # Files that a person downloaded may be the gated ones: the build says what is missing, if they are not.
    if fetched_release.not_fetched and not by_hand:
        raise LicenseNeeded(
            f"{license_message(fetched_release)}\nThe other files are in {fetched_release.folder}; nothing was sealed."
        )
    build_result = build_fetched(fetched_release, options.store, by_hand, carry, accept, report_progress)
    report_progress("comparing with CMS's change report")
    return FetchAndBuildResult(
        fetched_release, build_result, compare_report(fetched_release, build_result.sealed.snapshot, options.store)
    )


def build_fetched(
    fetched_release: FetchedRelease,
    store: Store,
    by_hand: Iterable[Path] = (),
    carry: Mapping[str, Release] | None = None,
    accept: Iterable[str] = (),
    report_progress: ReportProgress = silent,
) -> BuildResult:
    """Seal what was fetched, and files downloaded *by_hand*; carry forward what CMS did not post anew.

    Raises what `codeset_ingest.build.build` raises. StoreProblem: if what is to be carried forward is not in the store.
    """
    publication_by_name = {publication.name: publication for publication in publications()}
    tables_of = {name: publication.tables for name, publication in publication_by_name.items()}
    # The Policy Manual and the change report become no table: the build would refuse them as not recognized.
    table_files = [local_file for local_file in fetched_release.files if tables_of[local_file.pinned.publication]]
    carried_tables = dict(carry or {})
    for publication, last_posted in fetched_release.last_before.items():
        for table_name in set(tables_of[publication]) - set(carried_tables):
            # What is optional is carried where it is at hand; what every claim needs must be, or the build stops.
            if not publication_by_name[publication].is_optional or _has_newest(
                store, fetched_release.release, table_name, last_posted
            ):
                carried_tables[table_name] = _carry_origin(
                    store, fetched_release.release, publication, table_name, last_posted
                )
    addresses = {local_file.path.name: local_file.pinned.url for local_file in table_files}
    cms_paths = [*(local_file.path for local_file in table_files), *by_hand]
    return build(fetched_release.release, cms_paths, store, carried_tables, accept, report_progress, addresses)


def _has_newest(store: Store, release: Release, table_name: str, last_posted: Release) -> bool:
    """Whether the store has *table_name* as CMS last posted it before *release*."""
    earlier_snapshot = store.before(release, table_name, scope="all")
    if earlier_snapshot is None:
        return False
    carried_label = earlier_snapshot.manifest.tables[table_name].carried_from
    return (Release.parse(carried_label) if carried_label else earlier_snapshot.release.unrevised) >= last_posted


def _carry_origin(store: Store, release: Release, publication: str, table_name: str, last_posted: Release) -> Release:
    """The sealed release to carry *table_name* from: no older than the one for which CMS posted it last."""
    earlier_snapshot = store.before(release, table_name, scope="all")
    if earlier_snapshot is not None and _has_newest(store, release, table_name, last_posted):
        return earlier_snapshot.release
    newest_held = (
        f"the newest that {store.path} holds is of {earlier_snapshot.release}"
        if earlier_snapshot
        else f"{store.path} holds none"
    )
    raise StoreProblem(
        f"{publication}: CMS posted none for {release.unrevised}; those of {last_posted} are in force, "
        f"but {newest_held}. Seal that release first: codeset build {last_posted} --fetch. "
        f"Or say what to carry: --carry {table_name}=RELEASE"
    )


def compare_report(fetched_release: FetchedRelease, snapshot: Snapshot, store: Store) -> ReportComparison:
    """Compare CMS's change report with our difference of this quarter and the one before."""
    report_file = next((file for file in fetched_release.files if file.pinned.publication == _CHANGE_REPORT), None)
    previous_quarter = _quarter_before(snapshot.release)
    previous_revisions = store.revisions(previous_quarter)
    if report_file is None or "ptp" not in snapshot:
        message = "CMS's report of the edits' changes was not fetched; our difference is not held against it"
        return ReportComparison(message)
    if not previous_revisions or "ptp" not in store.open(previous_revisions[-1]):
        message = (
            f"the store holds no edits of {previous_quarter}; CMS's change report is not held against a difference"
        )
        return ReportComparison(message)
    # CMS's report covers one quarter, and so must our difference.
    edit_changes = diff(store.open(previous_revisions[-1]), snapshot, "all").tables["ptp"]
    difference = change_report.from_difference(edit_changes)
    try:
        disagreements = tuple(change_report.compare(change_report.read(report_file.path), difference))
    except BadInput as error:
        # The tables may be right although the report has a new layout: they stay sealed, and the command exits with 1.
        message = f"CMS's change report cannot be read, so it says nothing for or against: {error}"
        return ReportComparison(message, is_unreadable=True)
    change_counts = ", ".join(f"{len(edits):,} {change_kind}" for change_kind, edits in difference.items())
    agreement_text = "agrees with" if not disagreements else f"disagrees in {len(disagreements):,} rows with"
    compared_releases = f"{previous_revisions[-1]} and {snapshot.release}"
    message = f"CMS's change report {agreement_text} our difference of {compared_releases}: {change_counts}"
    return ReportComparison(message, disagreements)


def _quarter_before(release: Release) -> Release:
    return Release(release.year, release.quarter - 1) if release.quarter > 1 else Release(release.year - 1, 4)


def comparison_lines(comparison: ReportComparison) -> list[str]:
    """Return how CMS's change report and our difference compare, a line for each disagreement."""
    return [comparison.says, *(f"  {disagreement}" for disagreement in comparison.disagreements)]


def news(options: FetchOptions, since: str | None, today: date, report_progress: ReportProgress) -> list[News]:
    """Return what is new on CMS's site; raises what `codeset_ingest.cms_site.watch.watch` raises."""
    local_state = LocalState(options.store, locks.read(options.folder.lock))
    first_release = Release.parse(since) if since else None
    other_audiences = options.audiences
    with keep_changed_pages(options.store), connect(site()) as connection:
        return watch(connection, local_state, first_release, today, other_audiences, report_progress)


@contextmanager
def keep_changed_pages(store: Store) -> Iterator[None]:
    """Keep a page whose layout has changed in the store's folder `pages`, and say so: a bug report needs it."""
    try:
        yield
    except LayoutChanged as error:
        # Named by its bytes: the same page is kept once, however often the command runs.
        page_name = f"{error.publication}-{sha256(error.html).hexdigest()[:12]}.html"
        page_file = store.path / "pages" / page_name
        page_file.parent.mkdir(parents=True, exist_ok=True)
        page_file.write_bytes(error.html)
        raise ChangedPageKept(
            f"{error}\n  The page is kept in {page_file}; send it with the bug report. Nothing else was written."
        ) from error


class ChangedPageKept(CodesetError):
    """A page's layout has changed, and the page was kept."""

    exit_code = LayoutChanged.exit_code
