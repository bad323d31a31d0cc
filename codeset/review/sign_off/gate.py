"""The gate: a release passes if the suite holds, every changed outcome is decided, and all is as it was signed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeset.errors import BadInput, CodesetError, WrongUse
from codeset.releases import Release
from codeset.review.sign_off.approval import Approval, Head, approval_fault, read_approvals, signed_at
from codeset.review.sign_off.decisions import REJECTED, Decision
from codeset.review.sign_off.digests import changes_since
from codeset.review.sign_off.heads import removed_approvals
from codeset.review.sign_off.read_review import differing_facts, read_review, remake
from codeset.review.sign_off.safe_text import visible
from codeset.review.sign_off.signature import fingerprint
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.suite.check_release import ReleaseCheck, check_release, short_check_messages
from codeset.suite.goldens import goldens_folder
from codeset.suite.guidance.guidance_files import Statement
from codeset.suite.scenarios import Suite, load


@dataclass(frozen=True)
class GateResult:
    """Whether a release may be used: `missing` is what keeps it from being used, `approval` the last one, if any."""

    release: Release
    missing: tuple[str, ...]
    approval: Approval | None

    @property
    def passes(self) -> bool:
        """Whether the release may be used."""
        return not self.missing

    def plain(self) -> dict[str, Any]:
        """Return the result for programs."""
        return {
            "release": str(self.release),
            "passes": self.passes,
            "missing": list(self.missing),
            "approval": None if self.approval is None else _approval_for_programs(self.approval),
        }


def _approval_for_programs(entry: Approval) -> dict[str, Any]:
    field_names = ("signer", "by", "at", "note", "compared_with", "decisions")
    return {field_name: entry[field_name] for field_name in field_names} | {"key": fingerprint(entry["signature"])}


def pass_lines(result: GateResult) -> str:
    """Return who approved a release that passes, when, with which key, compared with what; "" without an approval."""
    if result.approval is None:
        return ""
    entry = result.approval
    decisions = [decision["decision"] for decision in entry["decisions"]]
    decision_count = f"{len(decisions)} decisions" if decisions else "nothing to decide"
    return (
        f"PASS: {result.release} approved by {visible(entry['signer'])} ({visible(entry['by'])}) on "
        f"{signed_at(entry):%m/%d/%Y %H:%M} UTC, compared with {entry['compared_with']}\n"
        f"  key {fingerprint(entry['signature'])}, {decision_count}"
    )


def gate(
    store: Store,
    release: Release,
    scenarios: Path,
    guidance: tuple[Statement, ...],
    approvals: Path,
    review: Path | None = None,
    heads: Sequence[Head] = (),
) -> GateResult:
    """Return whether *release* may be used: by the snapshots in *store*, the suite and the approvals.

    *review* is the folder of the review, without it the one that the approval names. *heads* are approvals that a
    record elsewhere says were there.
    """
    # Not `open`, which refuses a snapshot that was changed: the gate lists all that is missing.
    snapshot = store.unchecked(release)
    # Nothing else is worth checking: the suite and the review would be tried on rows that nobody sealed.
    if faults := snapshot_faults(snapshot):
        return GateResult(release, tuple(faults), None)
    suite = load(scenarios)
    release_check = check_release(suite, snapshot, goldens_folder(scenarios))
    faults = list(_suite_faults(release_check))
    try:
        approval_entries = read_approvals(approvals, release)
    except BadInput as error:
        # A file that cannot be read is one more thing that is missing, and the suite's faults are shown with it.
        return GateResult(release, (*faults, *map(str, error.faults)), None)
    faults += removed_approvals(approval_entries, approvals, release, heads)
    if not approval_entries:
        faults.append(f"{release} has not been approved: codeset approve {release} --review DIR --as NAME")
        return GateResult(release, tuple(faults), None)
    faults += _signature_faults(approval_entries, approvals)
    # Relative to the approvals, as `approve` wrote it: a clone in another place finds the review too.
    review_folder = review or approvals.parent / approval_entries[-1]["review_folder"]
    faults += _approval_faults(approval_entries[-1], snapshot, store, suite, guidance, release_check, review_folder)
    return GateResult(release, tuple(faults), approval_entries[-1])


def snapshot_faults(snapshot: Snapshot) -> list[str]:
    """Return how *snapshot* differs from what was sealed."""
    return [f"the snapshot of {snapshot.path.name} is not as it was sealed: {fault}" for fault in snapshot.verify()]


def _suite_faults(release_check: ReleaseCheck) -> Iterator[str]:
    if not release_check.holds:
        yield from (f"test claims: {message}" for message in short_check_messages(release_check))


def _signature_faults(entries: Sequence[Approval], folder: Path) -> Iterator[str]:
    """Of every approval: the later ones rest on the earlier."""
    for entry in entries:
        try:
            fault = approval_fault(entry, folder)
        except WrongUse as error:
            fault = str(error)
        if fault:
            yield fault


def _approval_faults(
    entry: Approval,
    new_snapshot: Snapshot,
    store: Store,
    suite: Suite,
    guidance: tuple[Statement, ...],
    release_check: ReleaseCheck,
    review_folder: Path,
) -> Iterator[str]:
    """What is not as *entry* says, or does not follow from the snapshots of both releases."""
    try:
        old_snapshot = store.open(entry["compared_with"])
        review = read_review(review_folder)
    except CodesetError as error:
        yield str(error)
        return
    compared_releases = (review["old"]["release"], review["new"]["release"])
    if compared_releases != (str(old_snapshot.release), str(new_snapshot.release)):
        signed_releases = f"{old_snapshot.release} with {new_snapshot.release}"
        yield f"the review in {review_folder} compares {' with '.join(compared_releases)}, not {signed_releases}"
        return
    yield from snapshot_faults(old_snapshot)
    yield from changes_since(entry["digests"], old_snapshot, new_snapshot, release_check.goldens.file, review_folder)
    decisions = [Decision(**decision) for decision in entry["decisions"]]
    # A rejection is signed as well, and holds the release back until a later approval accepts the outcome.
    yield from (
        f"{rejection.outcome} is rejected: {rejection.reason}"
        for rejection in decisions
        if rejection.decision == REJECTED
    )
    remade_review = remake(review, store, suite, guidance, release_check.run)
    yield from differing_facts(review, remade_review)
    decided_outcomes = {decision.outcome for decision in decisions}
    # What was to decide then, and what would be today: nobody has decided on a result that only a newer version sees.
    outcome_ids = [outcome["id"] for outcome in review["to_decide"]]
    to_decide = dict.fromkeys([*outcome_ids, *(outcome.id for outcome in remade_review.to_decide)])
    yield from (f"nobody decided on {outcome}" for outcome in to_decide if outcome not in decided_outcomes)
