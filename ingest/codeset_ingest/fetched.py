"""From fetched files to a sealed release, and CMS's own report of the edits' changes held against ours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codeset.differences import diff
from codeset.errors import BadInput, StoreProblem
from codeset.progress import Say, silent
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset_ingest import change_report
from codeset_ingest.build import Built, build
from codeset_ingest.change_report import Disagreement
from codeset_ingest.cms_site.fetch_release import Obtained
from codeset_ingest.cms_site.link_names import publications

_REPORT = "ptp_changes"


@dataclass(frozen=True)
class Compared:
    """CMS's change report against our difference: every disagreement, or why they were not compared."""

    says: str
    disagreements: tuple[Disagreement, ...] = ()
    unread: bool = False

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against the snapshot."""
        return not self.disagreements and not self.unread


@dataclass(frozen=True)
class Fetched:
    """The outcome of fetching and building."""

    obtained: Obtained
    built: Built
    compared: Compared


def build_fetched(
    obtained: Obtained,
    store: Store,
    by_hand: Iterable[Path] = (),
    carry: Mapping[str, Release] | None = None,
    accept_row_count: Iterable[str] = (),
    say: Say = silent,
) -> Built:
    """Seal what was fetched, and files got *by_hand*; what CMS did not post anew is carried forward.

    Raises what `codeset_ingest.build.build` raises. StoreProblem: if what is to be carried forward is not in the store.
    """
    holds = {each.name: each.tables for each in publications()}
    used = [each for each in obtained.files if holds[each.pinned.publication]]
    carries = dict(carry or {})
    for publication, last in obtained.last_before.items():
        for table in set(holds[publication]) - set(carries):
            carries[table] = _origin(store, obtained.release, publication, table, last)
    addresses = {each.path.name: each.pinned.url for each in used}
    paths = [*(each.path for each in used), *by_hand]
    return build(obtained.release, paths, store, carries, accept_row_count, say, addresses)


def _origin(store: Store, release: Release, publication: str, table: str, last: Release) -> Release:
    """The sealed release to carry *table* from: no older than the one for which CMS posted it last."""
    before = store.before(release, table, scope="all")
    if before is not None:
        carried = before.manifest.tables[table].carried_from
        if (Release.parse(carried) if carried else before.release.unrevised) >= last:
            return before.release
    held = f"the newest that {store.path} holds is of {before.release}" if before else f"{store.path} holds none"
    raise StoreProblem(
        f"{publication}: CMS posted none for {release.unrevised}; those of {last} are in force, but {held}. "
        f"Seal that release first: codeset build {last} --fetch. Or say what to carry: --carry {table}=RELEASE"
    )


def compare(obtained: Obtained, snapshot: Snapshot, store: Store) -> Compared:
    """Hold CMS's change report against our difference of this quarter and the one before."""
    report = next((each for each in obtained.files if each.pinned.publication == _REPORT), None)
    before = _quarter_before(snapshot.release)
    revisions = store.revisions(before)
    if report is None or "ptp" not in snapshot:
        return Compared("CMS's report of the edits' changes was not fetched; our difference is not held against it")
    if not revisions or "ptp" not in store.open(revisions[-1]):
        return Compared(f"the store holds no edits of {before}; CMS's change report is not held against a difference")
    changes = diff(store.open(revisions[-1]), snapshot, "all").tables["ptp"]
    difference = change_report.ours(changes)
    try:
        found = tuple(change_report.disagreements(change_report.read(report.path), difference))
    except BadInput as error:
        return Compared(f"CMS's change report cannot be read, so it says nothing for or against: {error}", unread=True)
    counts = ", ".join(f"{len(edits):,} {kind}" for kind, edits in difference.items())
    agree = "agrees with" if not found else f"disagrees in {len(found):,} rows with"
    return Compared(
        f"CMS's change report {agree} our difference of {revisions[-1]} and {snapshot.release}: {counts}", found
    )


def _quarter_before(release: Release) -> Release:
    return Release(release.year, release.quarter - 1) if release.quarter > 1 else Release(release.year - 1, 4)


def compared_lines(compared: Compared) -> list[str]:
    """Return how CMS's change report and our difference compare, a line for each disagreement."""
    return [compared.says, *(f"  {each}" for each in compared.disagreements)]
