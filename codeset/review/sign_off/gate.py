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
            "approval": None if self.approval is None else _plain_approval(self.approval),
        }


def _plain_approval(entry: Approval) -> dict[str, Any]:
    names = ("signer", "by", "at", "note", "compared_with", "decisions")
    return {name: entry[name] for name in names} | {"key": fingerprint(entry["signature"])}


def pass_lines(result: GateResult) -> str:
    """Return who approved a release that passes, when, with which key, compared with what; "" without an approval."""
    if result.approval is None:
        return ""
    entry = result.approval
    decisions = [decision["decision"] for decision in entry["decisions"]]
    counts = f"{len(decisions)} decisions" if decisions else "nothing to decide"
    return (
        f"PASS: {result.release} approved by {visible(entry['signer'])} ({visible(entry['by'])}) on "
        f"{signed_at(entry):%m/%d/%Y %H:%M} UTC, compared with {entry['compared_with']}\n"
        f"  key {fingerprint(entry['signature'])}, {counts}"
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
    if faults := snapshot_faults(snapshot):
        return GateResult(release, tuple(faults), None)
    suite = load(scenarios)
    check = check_release(suite, snapshot, goldens_folder(scenarios))
    faults = list(_suite_faults(check))
    try:
        entries = read_approvals(approvals, release)
    except BadInput as error:
        return GateResult(release, (*faults, *map(str, error.faults)), None)
    faults += removed_approvals(entries, approvals, release, heads)
    if not entries:
        faults.append(f"{release} has not been approved: codeset approve {release} --review DIR --as NAME")
        return GateResult(release, tuple(faults), None)
    faults += _signature_faults(entries, approvals)
    folder = review or approvals.parent / entries[-1]["review_folder"]
    faults += _entry_faults(entries[-1], snapshot, store, suite, guidance, check, folder)
    return GateResult(release, tuple(faults), entries[-1])


def snapshot_faults(snapshot: Snapshot) -> list[str]:
    """Return how *snapshot* differs from what was sealed."""
    return [f"the snapshot of {snapshot.path.name} is not as it was sealed: {fault}" for fault in snapshot.verify()]


def _suite_faults(check: ReleaseCheck) -> Iterator[str]:
    if not check.holds:
        yield from (f"test claims: {message}" for message in short_check_messages(check))


def _signature_faults(entries: Sequence[Approval], folder: Path) -> Iterator[str]:
    """Of every approval: the later ones rest on the earlier."""
    for entry in entries:
        try:
            fault = approval_fault(entry, folder)
        except WrongUse as error:
            fault = str(error)
        if fault:
            yield fault


def _entry_faults(
    entry: Approval,
    new: Snapshot,
    store: Store,
    suite: Suite,
    guidance: tuple[Statement, ...],
    check: ReleaseCheck,
    folder: Path,
) -> Iterator[str]:
    """What is not as *entry* says, or does not follow from the snapshots of both releases."""
    try:
        old = store.open(entry["compared_with"])
        review = read_review(folder)
    except CodesetError as error:
        yield str(error)
        return
    compared = (review["old"]["release"], review["new"]["release"])
    if compared != (str(old.release), str(new.release)):
        yield f"the review in {folder} compares {' with '.join(compared)}, not {old.release} with {new.release}"
        return
    yield from snapshot_faults(old)
    yield from changes_since(entry["digests"], old, new, check.goldens.file, folder)
    decisions = [Decision(**decision) for decision in entry["decisions"]]
    # A rejection is signed as well, and holds the release back until a later approval decides otherwise.
    yield from (f"{d.outcome} is rejected: {d.reason}" for d in decisions if d.decision == REJECTED)
    remade = remake(review, store, suite, guidance, check.run)
    yield from differing_facts(review, remade)
    decided = {decision.outcome for decision in decisions}
    # What the review asked, and what it would ask today: a result that a newer version sees was decided by nobody.
    to_decide = dict.fromkeys([outcome["id"] for outcome in review["to_decide"]] + [o.id for o in remade.to_decide])
    yield from (f"nobody decided on {outcome}" for outcome in to_decide if outcome not in decided)
