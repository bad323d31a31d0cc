"""The gate: a release passes if the suite holds, every changed outcome is decided, and all is as it was signed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codeset.errors import BadInput, WrongUse
from codeset.review.sign_off.approval import Approval, digests, read_approvals, read_review, signature_fault
from codeset.review.sign_off.decisions import REJECTED, Decision, undecided
from codeset.snapshot import Snapshot
from codeset.suite.check_release import ReleaseCheck, check_messages, check_release
from codeset.suite.goldens import goldens_folder
from codeset.suite.scenarios import load, scenarios_folder


def missing(snapshot: Snapshot, review: Path | None, scenarios: Path | None, approvals: Path) -> list[str]:
    """Return what keeps the release of *snapshot* from being used, in words; an empty list if it may be used.

    *review* is the folder of the review, by default the one that the approval names. *scenarios* is the folder of the
    suite, by default the one of the package.
    """
    if faults := snapshot_faults(snapshot):
        return faults
    suite = suite_result(snapshot, scenarios)
    return [*_suite_faults(suite), *_approval_faults(snapshot, suite.goldens.file, approvals, review)]


def snapshot_faults(snapshot: Snapshot) -> list[str]:
    """Return how *snapshot* differs from what was sealed."""
    return [f"the snapshot is not as it was sealed: {fault}" for fault in snapshot.verify()]


def suite_result(snapshot: Snapshot, scenarios: Path | None) -> ReleaseCheck:
    """Return the result of the suite in *scenarios* on *snapshot*, against the accepted outcomes beside it."""
    folder = scenarios_folder(scenarios)
    return check_release(load(folder), snapshot, goldens_folder(folder))


def _suite_faults(suite: ReleaseCheck) -> Iterator[str]:
    if not suite.holds:
        yield from (f"the suite does not hold: {line}" for line in check_messages(suite))


def _approval_faults(snapshot: Snapshot, golden: Path, folder: Path, review: Path | None) -> Iterator[str]:
    release = snapshot.release
    try:
        entries = read_approvals(folder, release)
    except BadInput as error:
        yield from map(str, error.faults)
        return
    if not entries:
        yield f"nobody approved {release}: codeset approve {release} --review DIR --as NAME"
        return
    for entry in entries:
        if fault := _signature_fault(entry, folder):
            yield fault
    last = entries[-1]
    yield from _entry_faults(snapshot, golden, last, review or folder.parent / last["review_folder"])


def _signature_fault(entry: Approval, folder: Path) -> str | None:
    try:
        return signature_fault(entry, folder)
    except WrongUse as error:
        return str(error)


def _entry_faults(snapshot: Snapshot, golden: Path, entry: Approval, review_folder: Path) -> Iterator[str]:
    try:
        review = read_review(review_folder)
        current = digests(snapshot, golden, review_folder)
    except WrongUse as error:
        yield str(error)
        return
    yield from _changes_since(entry["digests"], current)
    decisions = [Decision(**decision) for decision in entry["decisions"]]
    yield from (f"nobody decided on {outcome}" for outcome in undecided(review, decisions))
    yield from (f"{d.outcome} is rejected: {d.reason}" for d in decisions if d.decision == REJECTED)


def _changes_since(signed: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[str]:
    for name in ("snapshot", "golden"):
        if signed[name] != current[name]:
            yield f"the {name} is not the one that was signed"
    for file in sorted({*signed["review"], *current["review"]}):
        if signed["review"].get(file) != current["review"].get(file):
            yield f"{file} of the review is not the one that was signed"
