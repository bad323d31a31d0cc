"""Propose a new quarter to the compliance lead: test and review it, and push a branch with everything to be signed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from codeset.errors import WrongUse
from codeset.progress import Say, silent
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
    earlier = [other for other in store.releases() if other.unrevised < release.unrevised]
    return next(reversed(revisions or earlier), None)


def propose(
    release: Release,
    store: Store,
    repository: Repository,
    output: Path,
    lock: bytes,
    remarks: Sequence[str],
    say: Say = silent,
) -> Proposal:
    """Test, review and propose *release*; *output* gets the review and the pull request's text with *remarks*.

    The branch gets the *lock*, the outcomes to be accepted and the changelog's entry; what it holds already stays, and
    the working tree is not touched.

    Raises what pushing and the review raise. WrongUse: if the store holds nothing before the release.
    """
    old = release_before(store, release, repository.is_approved)
    if old is None:
        raise WrongUse(
            f"{store.path} holds nothing before {release} to compare it with. Seal and pin the release in force first: "
            f"codeset build RELEASE --fetch --lock {repository.lock}, and put that lock on the main branch"
        )
    say(f"trying the suite on {release}")
    suite = load(scenarios_folder(repository.scenarios))
    check, golden = _suite_result(repository, store, release, suite)
    review_folder = output / f"{old}-{release}"
    review = _write_review(store, old, suite, check.run, review_folder, say)
    page = first_page(review)
    superseded = _superseded(repository, release)
    entry = (review_folder / ENTRY).read_text(encoding="utf-8")
    changes = changelog.with_entry(repository.on_branch(release, CHANGELOG), release, entry, superseded)
    files = {repository.lock: lock, CHANGELOG: changes} | golden
    removed: dict[str, bytes | None] = {repository.golden(revision): None for revision in superseded}
    all_remarks = [*pull_request_text.suite_remarks(check, next(iter(golden), None)), *remarks]
    markdown = (review_folder / MARKDOWN).read_text(encoding="utf-8")
    title = pull_request_text.title(release, page.headline)
    boxes = pull_request_text.decision_boxes(review.to_decide, decision_digest(review))
    body = pull_request_text.body(release, old, repository, readiness_markdown(page), all_remarks, boxes, markdown)
    (output / "title.txt").write_text(f"{title}\n", encoding="utf-8")
    (output / "body.md").write_text(body, encoding="utf-8")
    message = f"Release {release}\n\n{page.headline}"
    pushed = branch.push_files(repository.path, repository.remote, release, removed | files, message)
    return Proposal(release, old, pushed, title, output / "body.md", tuple(sorted(files)))


def _write_review(store: Store, old: Release, suite: Suite, new_run: SuiteRun, folder: Path, say: Say) -> Review:
    """Write the review of the release that *new_run* is of into *folder* and return it."""
    refuse_other(folder, str(old), str(new_run.release))
    snapshots, guides = (store.open(old), store.open(new_run.release)), statements(guidance_folder())
    review = make_review(*snapshots, suite, guides, new_run=new_run, report_progress=say)
    write_review(review, folder, say)
    return review


def _suite_result(
    repository: Repository, store: Store, release: Release, suite: Suite
) -> tuple[ReleaseCheck, dict[str, bytes]]:
    """The suite's result, and the accepted outcomes by their path in the repository.

    Missing outcomes are added unless a coder is contradicted or somebody signed the release.
    """
    path = repository.golden(release)
    on_branch = repository.on_branch(release, path)
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{release}.json"
        if on_branch is not None:
            file.write_bytes(on_branch)
        tested = check_release(suite, store.open(release), Path(folder))
        # What somebody signed is not added to, and what contradicts a coder is no outcome to accept.
        if not tested.run.failed and not repository.is_approved(release):
            tested = replace(tested, accepted_now=accept(tested.goldens, tested.run))
        return tested, {path: file.read_bytes()} if file.is_file() else {}


def _superseded(repository: Repository, release: Release) -> list[Release]:
    """The earlier revisions that nobody approved: what the branch holds of them is removed."""
    earlier = (replace(release, revision=number) for number in range(release.revision))
    return [revision for revision in earlier if not repository.is_approved(revision)]
