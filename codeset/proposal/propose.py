"""Propose a new quarter to the compliance lead: test and review it, and push a branch with everything to be signed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from codeset.errors import WrongUse
from codeset.progress import ReportProgress, silent
from codeset.proposal import branch, changelog, pull_request_text
from codeset.proposal.repository import Repository
from codeset.releases import Release
from codeset.review.first_page import first_page
from codeset.review.folder import ENTRY, MARKDOWN, refuse_other, write_review
from codeset.review.forms.as_json import decision_digest
from codeset.review.forms.as_markdown import readiness_markdown
from codeset.review.make import make_review
from codeset.review.model import Review
from codeset.store import Store
from codeset.suite.check_release import ReleaseCheck, check_release
from codeset.suite.goldens import accept
from codeset.suite.guidance.guidance_files import guidance_folder
from codeset.suite.guidance.run_guidance import statements
from codeset.suite.run_suite import SuiteRun
from codeset.suite.scenarios import Suite, load, scenarios_folder

CHANGELOG = "CHANGELOG.md"


@dataclass(frozen=True)
class Proposal:
    """A proposed release: the one it was compared with, its branch with `files`, and its pull request's text."""

    release: Release
    before: Release
    pushed: branch.PushedBranch
    title: str
    body: Path
    files: tuple[str, ...]


def release_before(store: Store, release: Release, is_approved: Callable[[Release], bool]) -> Release | None:
    """Return the release in force before *release*: its last approved revision, else the newest of an earlier quarter.

    None: the store holds nothing before it.
    """
    revisions = [revision for revision in store.revisions(release) if revision < release and is_approved(revision)]
    earlier_releases = [
        sealed_release for sealed_release in store.releases() if sealed_release.unrevised < release.unrevised
    ]
    return next(reversed(revisions or earlier_releases), None)


def propose(
    release: Release,
    store: Store,
    repository: Repository,
    output: Path,
    lock: bytes,
    remarks: Sequence[str],
    report_progress: ReportProgress = silent,
) -> Proposal:
    """Test, review and propose *release*; *output* gets the review and the pull request's text with *remarks*.

    The branch gets the *lock*, the outcomes to be accepted and the changelog's entry; what it holds already stays, and
    the working tree is not touched.

    Raises what pushing and the review raise. WrongUse: if the store holds nothing before the release.
    """
    old_release = release_before(store, release, repository.is_approved)
    if old_release is None:
        raise WrongUse(
            f"{store.path} holds nothing before {release} to compare it with. Seal and pin the release in force first: "
            f"codeset build RELEASE --fetch --lock {repository.lock}, and put that lock on the main branch"
        )
    report_progress(f"trying the suite on {release}")
    suite = load(scenarios_folder(repository.scenarios))
    release_check, golden_files = _suite_result(repository, store, release, suite)
    review_folder = output / f"{old_release}-{release}"
    review = _write_review(store, old_release, suite, release_check.run, review_folder, report_progress)
    opening_page = first_page(review)
    superseded_revisions = _superseded_revisions(repository, release)
    changelog_entry = (review_folder / ENTRY).read_text(encoding="utf-8")
    changelog_bytes = changelog.with_entry(
        repository.on_branch(release, CHANGELOG), release, changelog_entry, superseded_revisions
    )
    files = {repository.lock: lock, CHANGELOG: changelog_bytes} | golden_files
    # Accepted outcomes of a revision that CMS replaced and nobody signed would be merged with the new one.
    removed_goldens: dict[str, bytes | None] = {repository.golden(revision): None for revision in superseded_revisions}
    all_remarks = [*pull_request_text.suite_remarks(release_check, next(iter(golden_files), None)), *remarks]
    markdown = (review_folder / MARKDOWN).read_text(encoding="utf-8")
    title = pull_request_text.title(release, opening_page.headline)
    decision_boxes = pull_request_text.decision_boxes(review.to_decide, decision_digest(review))
    body_text = pull_request_text.body(
        release, old_release, repository, readiness_markdown(opening_page), all_remarks, decision_boxes, markdown
    )
    (output / "title.txt").write_text(f"{title}\n", encoding="utf-8")
    (output / "body.md").write_text(body_text, encoding="utf-8")
    message = f"Release {release}\n\n{opening_page.headline}"
    pushed_branch = branch.push_files(repository.path, repository.remote, release, removed_goldens | files, message)
    return Proposal(release, old_release, pushed_branch, title, output / "body.md", tuple(sorted(files)))


def _write_review(
    store: Store,
    old_release: Release,
    suite: Suite,
    new_run: SuiteRun,
    review_folder: Path,
    report_progress: ReportProgress,
) -> Review:
    """Write the review of the release that *new_run* is of into *review_folder* and return it."""
    # First: a review takes minutes, and a folder of something else would be refused only at the end of it.
    refuse_other(review_folder, str(old_release), str(new_run.release))
    snapshots, guide_statements = (store.open(old_release), store.open(new_run.release)), statements(guidance_folder())
    review = make_review(*snapshots, suite, guide_statements, new_run=new_run, report_progress=report_progress)
    write_review(review, review_folder, report_progress)
    return review


def _suite_result(
    repository: Repository, store: Store, release: Release, suite: Suite
) -> tuple[ReleaseCheck, dict[str, bytes]]:
    """The suite's result, and the accepted outcomes by their path in the repository.

    Missing outcomes are added unless a coder is contradicted or somebody signed the release.
    """
    golden_path = repository.golden(release)
    golden_on_branch = repository.on_branch(release, golden_path)
    with TemporaryDirectory() as temporary_folder:
        # In a folder of its own: the repository's working tree is not touched.
        golden_file = Path(temporary_folder) / f"{release}.json"
        if golden_on_branch is not None:
            golden_file.write_bytes(golden_on_branch)
        release_check = check_release(suite, store.open(release), Path(temporary_folder))
        # What somebody signed is not added to, and what contradicts a coder is no outcome to accept.
        if not release_check.run.failed and not repository.is_approved(release):
            release_check = replace(release_check, accepted_now=accept(release_check.goldens, release_check.run))
        return release_check, {golden_path: golden_file.read_bytes()} if golden_file.is_file() else {}


def _superseded_revisions(repository: Repository, release: Release) -> list[Release]:
    """The earlier revisions that nobody approved: what the branch holds of them is removed."""
    earlier_revisions = (replace(release, revision=revision_number) for revision_number in range(release.revision))
    return [revision for revision in earlier_revisions if not repository.is_approved(revision)]
