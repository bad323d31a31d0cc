"""A release is signed, and held back until it is: `approve` and `gate`."""

import getpass
import platform
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codeset.cli.options import (
    DEFAULT_KEY,
    DEFAULT_LOCK,
    ApprovalsOption,
    ApprovedLockOption,
    GuidanceOption,
    JsonOption,
    KeyOption,
    ReleaseArgument,
    ScenariosOption,
    StoreOption,
    release_label,
)
from codeset.cli.printing import out, print_faults
from codeset.errors import WrongUse
from codeset.releases import Release
from codeset.store import Store

if TYPE_CHECKING:
    from codeset.review.sign_off.approval import Approval, Head
    from codeset.review.sign_off.decisions import Entry
    from codeset.suite.guidance.guidance_files import Statement


_SignedReleaseArgument = Annotated[
    str | None, typer.Argument(metavar="RELEASE", help="Such as 2026q3; with --setup: your name, as NAME@PRACTICE")
]
_ReadReviewOption = Annotated[
    Path | None,
    typer.Option("--review", metavar="DIR", help="The review that was read [default: where --decisions is, or review]"),
]
_ApproverOption = Annotated[str | None, typer.Option("--as", metavar="NAME, ROLE", help="Who approves")]
_DecisionsOption = Annotated[
    Path | None,
    typer.Option(
        "--decisions",
        metavar="FILE",
        help='The filled-in sheet "decide" of review.xlsx, the file that the page offers (JSON or YAML), or the '
        "text of the pull request, saved",
    ),
]
_NoteOption = Annotated[str, typer.Option("--note", help="What else to keep with the approval")]
_AcceptOption = Annotated[
    list[str] | None, typer.Option("--accept", metavar="OUTCOME=REASON", help="Accept a changed result")
]
_RejectOption = Annotated[
    list[str] | None, typer.Option("--reject", metavar="OUTCOME=REASON", help="Reject a changed result")
]
_AcceptAllOption = Annotated[
    bool, typer.Option("--accept-all", help="Accept the remaining items; asks for a reason once")
]
_ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="The reason for --accept-all, so that it is not asked")
]
_SetupOption = Annotated[
    bool, typer.Option("--setup", help="Once: make your SSH key and name you in allowed_signers; signs nothing")
]


def approve(
    release: _SignedReleaseArgument = None,
    review: _ReadReviewOption = None,
    by: _ApproverOption = None,
    decisions: _DecisionsOption = None,
    note: _NoteOption = "",
    accept: _AcceptOption = None,
    reject: _RejectOption = None,
    accept_all: _AcceptAllOption = False,
    reason: _ReasonOption = None,
    setup: _SetupOption = False,
    key: KeyOption = DEFAULT_KEY,
    scenarios: ScenariosOption = None,
    guidance: GuidanceOption = None,
    approvals: ApprovalsOption = Path("approvals"),
    lock: ApprovedLockOption = DEFAULT_LOCK,
    store: StoreOption = None,
) -> None:
    """Sign a release: that its review was read, and what was decided on each changed result.

        codeset approve --setup jane.doe@practice.example

        codeset approve 2026q3 --as "Jane Doe, compliance lead" --review review --decisions decisions.json

        codeset approve 2026q3 --as "Jane Doe, compliance lead" --review review --accept "2=as CMS published"

    A result is named by its number on the page, its id or its code. The approval holds the digests of the snapshots, of
    the accepted outcomes and of the review, and is appended to approvals/RELEASE.json; approvals/allowed_signers names
    who may sign. docs/sign-off.md has every step, for Windows too.
    """
    if setup:
        # A default is not expanded by the shell.
        _set_up(release, key.expanduser(), approvals)
        return
    if release is None:
        raise WrongUse("name the release to approve, such as: codeset approve 2026q3 --review review")
    from codeset.review.sign_off.decisions import option_entries

    signing_place = _signing_place(
        Release.parse(release_label(release)),
        review or _review_folder(decisions),
        key,
        approvals,
        lock,
        scenarios,
        guidance,
        store,
    )
    approver = by if by is not None else _answer_to("Your name and role", 'add --as "Name, role"')
    if accept_all and reason is None:
        reason = _answer_to("Reason for accepting the remaining items", "add --reason")
    decision_entries = [*option_entries("accept", accept or ()), *option_entries("reject", reject or ())]
    out.print(
        signing_place.sign(approver, note, decision_entries, decisions, reason if accept_all else None), markup=False
    )


@dataclass(frozen=True)
class _SigningPlace:
    """What is signed and where: the release, the review that was read, suite and guides, key, approvals, lock."""

    release: Release
    folder: Path
    suite: Path
    guides: "tuple[Statement, ...]"
    key: Path
    approvals: Path
    lock: Path
    store: Store

    def sign(
        self,
        by: str,
        note: str,
        entries: "Sequence[Entry]",
        decisions_file: Path | None = None,
        reason: str | None = None,
    ) -> str:
        """Sign, record the approval in the lock, and return who signed what, and where."""
        from codeset.review.sign_off.approve import approve as approve_release
        from codeset.review.sign_off.read_review import blockers, read_review

        approval = approve_release(
            self.store,
            self.release,
            self.folder,
            self.suite,
            self.guides,
            self.approvals,
            key=self.key,
            by=by,
            note=note,
            entries=entries,
            decisions_file=decisions_file,
            reason=reason,
            heads=_recorded_heads(self.lock, self.release),
        )
        record_head(self.lock, self.release, self.approvals, self.store)
        return approval_line(approval, self.release, self.approvals, blockers(read_review(self.folder)))


def _signing_place(
    release: Release,
    folder: Path,
    key: Path,
    approvals: Path,
    lock: Path,
    scenarios: Path | None,
    guidance: Path | None,
    store: Path | None,
) -> _SigningPlace:
    from codeset.suite.guidance.guidance_files import guidance_folder, statements
    from codeset.suite.scenarios import scenarios_folder

    suite, guides = scenarios_folder(scenarios), statements(guidance or guidance_folder())
    return _SigningPlace(release, folder, suite, guides, key.expanduser(), approvals, lock, Store.at(store))


def _review_folder(decisions: Path | None) -> Path:
    """The review that the decisions are in, or the folder `review`.

    Raises WrongUse: if neither is a review.
    """
    from codeset.review.folder import DATA

    for folder in (*([decisions.parent] if decisions else []), Path("review")):
        if (folder / DATA).is_file():
            return folder
    raise WrongUse("name the folder of the review that you read with --review")


def _answer_to(question: str, option_hint: str, default: str | None = None) -> str:
    """The answer to *question*, asked on the terminal.

    Raises WrongUse: where nobody can answer.
    """
    try:
        # Without a terminal a default would be an answer that nobody gave.
        return str(typer.prompt(question, default if sys.stdin.isatty() else None))
    except typer.Abort as error:
        raise WrongUse(f"{question}: {option_hint}. Nothing was written.") from error


def _set_up(name: str | None, key: Path, approvals: Path) -> None:
    from codeset.review.sign_off.signer_setup import set_up_signer

    has_terminal = sys.stdin.isatty()
    login = f"{getpass.getuser()}@{platform.node()}"
    signer = name or _answer_to("Your name as a signer, NAME@PRACTICE", "codeset approve --setup NAME@PRACTICE", login)
    signer_setup = set_up_signer(signer, key, approvals, ask_passphrase=has_terminal)
    key_text = (
        "made; it is yours alone, send it to nobody" if signer_setup.is_new_key else "was there, and is used as it is"
    )
    line_text = "added" if signer_setup.is_new_line else "was there"
    out.print(f"Key    {signer_setup.key}: {key_text}", markup=False)
    out.print(f"Signer {signer_setup.name}: {line_text}, in {signer_setup.signers}", markup=False)
    out.print(
        "Next: read the review, decide on its page, save decisions.json there, then sign:\n"
        '  codeset approve RELEASE --review review --as "Name, role" --decisions decisions.json',
        markup=False,
    )


def serve_review(
    folder: Path,
    port: int,
    key: Path,
    approvals: Path,
    lock: Path,
    scenarios: Path | None,
    guidance: Path | None,
    store: Path | None,
) -> None:
    """Serve the review in *folder* on loopback until Ctrl-C; what is signed there is an approval like any other."""
    from codeset.review.sign_off.read_review import read_review
    from codeset.review.sign_off.serve import ReviewServer, SignRequest

    release = Release.parse(read_review(folder)["new"]["release"])
    signing_place = _signing_place(release, folder, key, approvals, lock, scenarios, guidance, store)

    def sign(request: SignRequest) -> str:
        return signing_place.sign(request.by, request.note, request.entries)

    try:
        review_server = ReviewServer(folder, sign, port)
    except OSError as error:
        raise WrongUse(f"port {port} cannot be used ({error.strerror}); leave --port out") from error
    with review_server:
        out.print(
            f"Open this address in your browser; nobody else can. Ctrl-C ends it.\n{review_server.url}", markup=False
        )
        # Through a pipe the address would wait in a buffer until the server ends.
        sys.stdout.flush()
        # Not where a script runs it: a browser would open on a machine that nobody sits at.
        if sys.stdout.isatty():
            webbrowser.open(review_server.url)
        with suppress(KeyboardInterrupt):
            review_server.serve_forever()
    out.print(f"Ended. {review_server.signed}".strip(), markup=False)


def record_head(lock_file: Path, release: Release, approvals: Path, store: Store) -> None:
    """Record the last approval in the lock, if there is one."""
    # A practice that builds by hand has no lock; with one, the record of how many approvals there are shows if one is
    # removed.
    if not lock_file.is_file():
        return
    from codeset.review.sign_off.approval import head_of, read_approvals
    from codeset_ingest.cms_site.lock import ApprovalHead, record_approval
    from codeset_ingest.fetch_and_build import FetchOptions

    if approval_head := head_of(read_approvals(approvals, release)):
        guard = FetchOptions(store, lock=lock_file).folder.guard
        record_approval(lock_file, release, ApprovalHead(approval_head.count, approval_head.digest), guard)


def _recorded_heads(lock_file: Path, release: Release) -> "list[Head]":
    from codeset.review.sign_off.approval import Head
    from codeset_ingest.cms_site.lock import read

    approval_head = read(lock_file).approvals.get(release)
    return [Head(approval_head.count, approval_head.sha256)] if approval_head else []


def approval_line(approval: "Approval", release: Release, approvals: Path, blocking_reasons: Sequence[str]) -> str:
    """Who signed where, what was decided, and what the review said against signing it."""
    from codeset.review.sign_off.approval import approvals_file
    from codeset.review.sign_off.decisions import REJECTED

    decisions = approval["decisions"]
    rejection_count = sum(decision["decision"] == REJECTED for decision in decisions)
    counts_text = (
        f"{len(decisions)} decisions ({len(decisions) - rejection_count} accepted, {rejection_count} rejected)"
    )
    signature_text = f"{release} is signed by {approval['signer']} in {approvals_file(approvals, release)}: "
    warning = (
        f". It was signed although the review says NOT READY TO SIGN: {'; '.join(blocking_reasons)}"
        if blocking_reasons
        else ""
    )
    return f"{signature_text}{counts_text if decisions else 'nothing to decide'}{warning}"


def gate(
    release: ReleaseArgument,
    review: Annotated[
        Path | None, typer.Option("--review", metavar="DIR", help="Where the review is [default: as approved]")
    ] = None,
    scenarios: ScenariosOption = None,
    guidance: GuidanceOption = None,
    approvals: ApprovalsOption = Path("approvals"),
    lock: ApprovedLockOption = DEFAULT_LOCK,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a release may be used: exit code 0 only if the suite holds, all is decided, and all is as signed.

    Otherwise it says what is missing, and ends with 1.
    """
    from codeset.review.sign_off import gate as gates
    from codeset.suite.guidance.guidance_files import guidance_folder, statements
    from codeset.suite.scenarios import scenarios_folder

    release_to_check = Release.parse(release)
    gate_result = gates.gate(
        Store.at(store),
        release_to_check,
        scenarios_folder(scenarios),
        statements(guidance or guidance_folder()),
        approvals,
        review,
        _recorded_heads(lock, release_to_check),
    )
    print_faults(list(gate_result.missing), gates.pass_lines(gate_result), gate_result.plain() if as_json else None)
