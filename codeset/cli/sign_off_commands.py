"""A release is signed, and held back until it is: `approve` and `gate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codeset.cli.options import (
    ApprovalsOption,
    GuidanceOption,
    JsonOption,
    ReleaseArgument,
    ScenariosOption,
    StoreOption,
)
from codeset.cli.printing import out, tell_faults
from codeset.releases import Release
from codeset.store import Store

if TYPE_CHECKING:
    from codeset.review.sign_off.approval import Approval, Head

ApprovedLockOption = Annotated[
    Path, typer.Option("--lock", envvar="CODESET_LOCK", help="File that pins CMS's files and records the last approval")
]
_LOCK = Path("sources.lock.json")


def approve(
    release: ReleaseArgument,
    review: Annotated[Path, typer.Option("--review", metavar="DIR", help="The review that was read")],
    by: Annotated[str, typer.Option("--as", metavar="NAME, ROLE", help="Who approves")],
    note: Annotated[str, typer.Option("--note", help="What else is to be kept")] = "",
    accept: Annotated[
        list[str] | None, typer.Option("--accept", metavar="OUTCOME=REASON", help="Accept a changed outcome")
    ] = None,
    reject: Annotated[
        list[str] | None, typer.Option("--reject", metavar="OUTCOME=REASON", help="Reject a changed outcome")
    ] = None,
    accept_all: Annotated[
        bool, typer.Option("--accept-all", help="Accept what is left; asks for a reason once")
    ] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", help="The reason for --accept-all, so that it is not asked")
    ] = None,
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="SSH key to sign with")] = Path(
        "~/.ssh/id_ed25519"
    ),
    scenarios: ScenariosOption = None,
    guidance: GuidanceOption = None,
    approvals: ApprovalsOption = Path("approvals"),
    lock: ApprovedLockOption = _LOCK,
    store: StoreOption = None,
) -> None:
    """Sign a release: that its review was read, and what was decided on each changed outcome.

        codeset approve 2026q3 --review review/ --as "Name, compliance lead" --accept-all

    The approval holds the digests of the snapshot, of the accepted outcomes and of the review, and is appended to
    approvals/RELEASE.json. approvals/allowed_signers names who may sign (a line each: NAME@PRACTICE ssh-ed25519 KEY).
    """
    from codeset.review.sign_off import approve as sign_off
    from codeset.suite.guidance.guidance_files import guidance_folder, statements
    from codeset.suite.scenarios import scenarios_folder

    if accept_all and reason is None:
        reason = typer.prompt("Why is everything that is left accepted")
    label = Release.parse(release)
    approval = sign_off.approve(
        Store.at(store),
        label,
        review,
        scenarios_folder(scenarios),
        statements(guidance or guidance_folder()),
        approvals,
        key=key.expanduser(),
        by=by,
        note=note,
        accepted=accept or [],
        rejected=reject or [],
        reason=reason if accept_all else None,
    )
    _record_head(lock, label, approvals, Store.at(store))
    out.print(_approval_line(approval, label, approvals), markup=False)


def _record_head(file: Path, release: Release, approvals: Path, store: Store) -> None:
    """Record the last approval in the lock, if there is one."""
    if not file.is_file():
        return
    from codeset.review.sign_off.approval import head_of, read_approvals
    from codeset_ingest.cms_site.lock import ApprovalHead, record_approval
    from codeset_ingest.fetch_and_build import FetchOptions

    if head := head_of(read_approvals(approvals, release)):
        guard = FetchOptions(store, lock=file).folder.guard
        record_approval(file, release, ApprovalHead(head.count, head.digest), guard)


def _recorded_heads(file: Path, release: Release) -> "list[Head]":
    from codeset.review.sign_off.approval import Head
    from codeset_ingest.cms_site.lock import read

    head = read(file).approvals.get(release)
    return [Head(head.count, head.sha256)] if head else []


def _approval_line(approval: "Approval", release: Release, approvals: Path) -> str:
    from codeset.review.sign_off.approval import approvals_file
    from codeset.review.sign_off.decisions import REJECTED

    decisions = approval["decisions"]
    rejected = sum(decision["decision"] == REJECTED for decision in decisions)
    counts = f"{len(decisions)} decisions, {rejected} of them rejections"
    return f"{release} is signed by {approval['signer']} in {approvals_file(approvals, release)}: {counts}"


def gate(
    release: ReleaseArgument,
    review: Annotated[
        Path | None, typer.Option("--review", metavar="DIR", help="Where the review lies [default: as approved]")
    ] = None,
    scenarios: ScenariosOption = None,
    guidance: GuidanceOption = None,
    approvals: ApprovalsOption = Path("approvals"),
    lock: ApprovedLockOption = _LOCK,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a release may be used: exit code 0 only if the suite holds, all is decided, and all is as signed.

    Otherwise it says what is missing, and ends with 1.
    """
    from codeset.review.sign_off import gate as gates
    from codeset.suite.guidance.guidance_files import guidance_folder, statements
    from codeset.suite.scenarios import scenarios_folder

    label = Release.parse(release)
    result = gates.gate(
        Store.at(store),
        label,
        scenarios_folder(scenarios),
        statements(guidance or guidance_folder()),
        approvals,
        review,
        _recorded_heads(lock, label),
    )
    tell_faults(list(result.missing), gates.pass_lines(result), result.plain() if as_json else None)
