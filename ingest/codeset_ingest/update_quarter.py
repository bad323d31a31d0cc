"""A new quarter: which one it is, and the store rebuilt from what the lock pins."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from codeset.errors import BadInput, StoreProblem
from codeset.progress import ReportProgress
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.cms_site import lock as locks
from codeset_ingest.cms_site.download import CountBytes, count_nothing
from codeset_ingest.cms_site.find_release import PageReader, latest_release
from codeset_ingest.cms_site.hosts import site
from codeset_ingest.cms_site.http import connect
from codeset_ingest.cms_site.link_names import publications
from codeset_ingest.cms_site.lock import Lock
from codeset_ingest.cms_site.watch import NEW, REPOSTED, LocalState, watch
from codeset_ingest.fetch_and_build import (
    FetchAndBuildResult,
    FetchOptions,
    comparison_lines,
    fetch_and_build,
    keep_changed_pages,
)


def join_locks(main_bytes: bytes | None, branches: Mapping[Release, bytes]) -> Lock:
    """Return the lock of the main branch, and what the branch of each quarter pins of that quarter.

    Raises StoreProblem: if one of them is no lock.
    """
    main_lock = locks.parse(main_bytes, "the main branch's lock") if main_bytes else Lock({})
    releases, approvals = dict(main_lock.releases), dict(main_lock.approvals)
    for quarter, branch_bytes in branches.items():
        branch_lock = locks.parse(branch_bytes, f"the lock of {quarter}'s branch")
        # A branch is believed of its own quarter alone: what it says of others may be older than main.
        releases |= {release: files for release, files in branch_lock.releases.items() if release.unrevised == quarter}
        approval_heads = {
            release: head for release, head in branch_lock.approvals.items() if release.unrevised == quarter
        }
        # The later of two heads: an approval that was recorded never goes back.
        approvals |= {
            release: max(approval_head, approvals.get(release, approval_head))
            for release, approval_head in approval_heads.items()
        }
    return Lock(releases, approvals)


def lock_for_branch(lock: Lock, main_bytes: bytes | None, release: Release) -> bytes:
    """Return the text of the lock for the branch of *release*: without later quarters that main does not have yet."""
    releases_on_main = join_locks(main_bytes, {}).releases
    pinned_releases = [
        locked for locked in lock.releases if locked.unrevised <= release.unrevised or locked in releases_on_main
    ]
    approvals = {revision: head for revision, head in lock.approvals.items() if revision in pinned_releases}
    return Lock({revision: lock.releases[revision] for revision in pinned_releases}, approvals).to_json().encode()


@dataclass(frozen=True)
class QuarterUpdate:
    """A sealed release, the text of the lock for its branch, and the remarks on its files."""

    release: Release
    lock: bytes
    remarks: tuple[str, ...]


def update_quarter(
    release: str | None,
    store: Store,
    main: bytes | None,
    branches: Mapping[Release, bytes],
    accept: str | None,
    report_progress: ReportProgress,
    count: CountBytes = count_nothing,
) -> QuarterUpdate | None:
    """Seal again what the locks pin and the store lacks, then fetch *release*, or what is new; None: nothing is.

    The locks are those of the *main* branch and of each quarter's branch. Raises what `restore` and `fetch_new` raise.
    """
    with TemporaryDirectory() as temporary_folder:
        options = FetchOptions(store, lock=Path(temporary_folder) / locks.NAME, accept=accept)
        options.folder.lock.write_text(join_locks(main, branches).to_json(), encoding="utf-8")
        restore(options, report_progress, count, all_of_it=False)  # files posted again are the update itself
        update_result = fetch_new(release, options, report_progress, count)
        if update_result is None:
            return None
        fetched_release = update_result.fetched
        lock_text = lock_for_branch(locks.read(options.folder.lock), main, fetched_release.release)
    return QuarterUpdate(
        fetched_release.release, lock_text, (*fetched_release.notes, *comparison_lines(update_result.comparison))
    )


def fetch_new(
    release: str | None, options: FetchOptions, report_progress: ReportProgress, count: CountBytes = count_nothing
) -> FetchAndBuildResult | None:
    """Fetch and seal *release*, or, if it is None, what is new; return None if nothing is.

    Raises what `cms_site.watch.watch` and `fetch_and_build` raise. StoreProblem: if the store gives it another revision
    than the lock does.
    """
    pinned_before = locks.read(options.folder.lock).releases
    target_release = release or newest_release(options, report_progress)
    if target_release is None:
        return None
    result = fetch_and_build(str(target_release), options, (), {}, (), report_progress, count)
    # The lock counts revisions over all machines, a store those it has seen: they must name the same files alike, or an
    # approval would be of others.
    pinned_release, sealed_release = result.fetched.release, result.built.sealed.snapshot.release
    if pinned_release != sealed_release:
        raise StoreProblem(
            f"{options.store.path} holds {pinned_release} from other files than those pinned; use another store"
        )
    return result if release or pinned_release not in pinned_before else None


def newest_release(options: FetchOptions, report_progress: ReportProgress) -> Release | None:
    """Return the newest release that CMS posts completely and the lock does not pin, or posted again; None: none is.

    The quarter before the newest counts too: CMS corrects the files in force while the next ones are posted.
    """
    lock = locks.read(options.folder.lock)
    with keep_changed_pages(options.store), connect(site()) as connection:
        latest_posted = latest_release(PageReader(connection, report_progress))
        pinned_before = [pinned.unrevised for pinned in lock.releases if pinned < latest_posted]
        first_watched = min(latest_posted, max(pinned_before, default=latest_posted))
        local_state, first_day = LocalState(options.store, lock), latest_posted.first_day
        site_news = watch(connection, local_state, first_watched, first_day, options.audiences, report_progress)
    for news_item in site_news:
        if news_item.calls_for_action:
            report_progress(
                f"{news_item.release or ''} {news_item.publication} {news_item.status}: {news_item.says}".strip()
            )
    with_tables = {publication.name for publication in publications() if publication.tables}
    changed_releases = {
        item.release for item in site_news if item.status in (NEW, REPOSTED) and item.publication in with_tables
    }
    newer_releases = [release for release in changed_releases if release and lock.pinned(release)]
    newer_releases += [] if lock.pinned(latest_posted) else [latest_posted]
    return max(newer_releases, default=None)


def restore(
    options: FetchOptions, report_progress: ReportProgress, count: CountBytes = count_nothing, *, all_of_it: bool = True
) -> list[Release]:
    """Seal what the lock pins and the store lacks: of each quarter the last revision, oldest first; return those.

    Only the pinned bytes are accepted. Raises what `fetch_and_build` raises; BadInput, where CMS has posted other bytes
    since: that release cannot be sealed again; with *all_of_it* off, it is reported and skipped.
    """
    # Sorted, so that the last revision of a quarter takes the place of those before it.
    last_revisions = {release.unrevised: release for release in sorted(locks.read(options.folder.lock).releases)}
    unsealed_releases = [release for release in last_revisions.values() if release not in options.store.releases()]
    sealed_releases = []
    for release in unsealed_releases:
        report_progress(f"sealing {release} again, as the lock pins it")
        try:
            fetch_and_build(str(release), replace(options, locked=True), (), {}, (), report_progress, count)
            sealed_releases.append(release)
        except BadInput as error:
            if all_of_it:
                raise
            report_progress(f"{release} cannot be sealed again: {error}")
    return sealed_releases


def release_to_review(options: FetchOptions, branch: str) -> Release | None:
    """Return the release that a change on *branch* is about: that of `release/2026q3`, else the newest pinned one.

    None: the lock pins none.
    """
    lock = locks.read(options.folder.lock)
    branch_quarter = re.fullmatch(r"release/(20\d\dq[1-4])", branch)
    return lock.newest(Release.parse(branch_quarter[1])) if branch_quarter else max(lock.releases, default=None)
