"""The quarterly update, automated: `restore` and `propose`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codeset.cli.options import AcceptOption, ApprovalsOption, ScenariosOption, StoreOption, release_label
from codeset.cli.printing import err, out
from codeset.store import Store

if TYPE_CHECKING:
    from codeset.proposal.propose import Proposal
    from codeset_ingest.fetch_and_build import FetchOptions


def restore(
    branch: Annotated[
        str, typer.Option("--branch", help="The branch that is judged: release/2026q3 means that quarter")
    ] = "",
    lock: Annotated[Path, typer.Option("--lock", envvar="CODESET_LOCK", help="File that pins CMS's files")] = Path(
        "sources.lock.json"
    ),
    approvals: ApprovalsOption = Path("approvals"),
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Append `release=` and `before=`, for a workflow's next steps")
    ] = None,
    accept: AcceptOption = None,
    store: StoreOption = None,
) -> None:
    """Seal again what the lock pins and the store lacks; say which release to check, and against which.

    Exactly the pinned files are taken; the same files give the same snapshots. The release to be judged is the newest
    that is pinned, or that of the --branch; it is compared with its last approved revision, or the quarter before. The
    first release that is pinned has none before it: it is where comparing begins, and is not judged.
    """
    from codeset.cli import fetch_output
    from codeset_ingest import update_quarter
    from codeset_ingest.fetch_and_build import FetchOptions

    options = FetchOptions(Store.at(store), lock=lock, accept=accept)
    with fetch_output.download_progress(err) as (report_progress, report_bytes):
        sealed_releases = update_quarter.restore(options, report_progress, report_bytes)
    to_review = _release_to_review(options, branch, approvals)
    if output:
        # Appended: the file may hold what a workflow's other steps wrote.
        with output.open("a", encoding="utf-8") as output_file:
            output_file.write(f"{to_review}\n")
    out.print(f"sealed again: {', '.join(map(str, sealed_releases)) or 'nothing'}\n{to_review}", markup=False)


def _release_to_review(options: "FetchOptions", branch: str, approvals: Path) -> str:
    """The release to be reviewed and the one to compare it with, as lines that a workflow reads."""
    from codeset.proposal.propose import release_before
    from codeset.review.sign_off.approval import is_signed
    from codeset_ingest import update_quarter

    release = update_quarter.release_to_review(options, branch)
    earlier_release = (
        release_before(options.store, release, lambda other_release: is_signed(approvals, other_release))
        if release
        else None
    )
    return f"release={release}\nbefore={earlier_release}" if earlier_release else "release=\nbefore="


def propose(
    release: Annotated[
        str | None, typer.Argument(metavar="[RELEASE]", parser=release_label, help="[default: what is new]")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for review, title and body")] = (
        Path("build/proposal")
    ),
    repository: Annotated[Path, typer.Option("--repository", help="A clone of the repository")] = Path(),
    remote: Annotated[str, typer.Option("--remote", help="Where the branch is pushed")] = "origin",
    lock: Annotated[str, typer.Option("--lock", help="The lock, as a path in the repository")] = "sources.lock.json",
    approvals: Annotated[str, typer.Option("--approvals", help="The approvals, likewise")] = "approvals",
    pull_request: Annotated[
        bool, typer.Option("--pull-request", help="Open a pull request on GitHub, or update it (needs gh)")
    ] = False,
    accept: AcceptOption = None,
    scenarios: ScenariosOption = None,
    store: StoreOption = None,
) -> None:
    """Propose a new quarter: find, fetch, and seal it, run the test claims, review it, push a branch.

        codeset propose

        codeset propose 2026q4 -o build/proposal --pull-request

    The branch release/2026q4 of the remote gets the lock, the outcomes to be accepted and the changelog's entry; the
    working tree is not touched. What the lock pins and the store lacks is sealed again first. Where nothing is new
    nothing is changed; files that CMS posted again become 2026q4r1, on the same branch. Merge it when `codeset gate`
    passes.
    """
    from codeset.cli import fetch_output
    from codeset.proposal import propose as proposals
    from codeset.proposal.repository import Repository
    from codeset_ingest import update_quarter

    clone = Repository(repository, remote, lock, approvals, scenarios)
    snapshots = Store.at(store)
    proposal = None
    with fetch_output.download_progress(err) as (report_progress, report_bytes):
        new_quarter = update_quarter.update_quarter(
            release, snapshots, *clone.locks(), accept, report_progress, report_bytes
        )
        if new_quarter:
            proposal = proposals.propose(
                new_quarter.release, snapshots, clone, output, new_quarter.lock, new_quarter.remarks, report_progress
            )
    out.print("\n".join(_proposal_lines(proposal)) if proposal else "nothing new", markup=False)
    # After the push: a pull request is of a branch that the remote has.
    if proposal and pull_request:
        from codeset.proposal.pull_request import open_or_update

        out.print(open_or_update(repository, proposal.pushed.branch, proposal.title, proposal.body), markup=False)


def _proposal_lines(proposal: "Proposal") -> list[str]:
    pushed_branch = proposal.pushed
    branch_state = "holds now" if pushed_branch.changed else "held already, and was not changed:"
    return [
        f"{proposal.release}, compared with {proposal.before}",
        f"{pushed_branch.branch} {branch_state} {', '.join(proposal.files)} ({pushed_branch.commit[:12]})",
        f"title and body of a pull request: {proposal.body.with_name('title.txt')}, {proposal.body}",
    ]
