"""The gate: a release passes when the suite holds, every change is decided, and all is as it was signed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeset.errors import BadInput, WrongUse
from codeset.review.sign_off.approval import (
    Approval,
    Decision,
    approvals,
    digests,
    review_of,
    signature_fault,
    undecided,
)
from codeset.snapshot import Snapshot
from codeset.suite.try_releases import Tested, news


@dataclass(frozen=True)
class Judged:
    """What the gate looks at: a sound snapshot, the suite on it, the approvals' folder, and where the review lies.

    `review` is None where the approval's own word counts: the folder that it names.
    """

    snapshot: Snapshot
    tested: Tested
    approvals: Path
    review: Path | None


def missing(judged: Judged) -> list[str]:
    """Return what keeps the release from passing, in words; nothing, if it passes."""
    return [*_of_suite(judged), *_of_approval(judged)]


def _of_suite(judged: Judged) -> Iterator[str]:
    if not judged.tested.holds:
        yield from (f"the suite does not hold: {each}" for each in news(judged.tested))


def _of_approval(judged: Judged) -> Iterator[str]:
    release = judged.snapshot.release
    try:
        found = approvals(judged.approvals, release)
    except BadInput as error:
        yield from map(str, error.faults)
        return
    if not found:
        yield f"nobody approved {release}: codeset approve {release} --review DIR --as NAME"
        return
    for entry in found:
        if fault := _signature(entry, judged.approvals):
            yield fault
    yield from _of_entry(judged, found[-1])


def _signature(entry: Approval, folder: Path) -> str | None:
    try:
        return signature_fault(entry, folder)
    except WrongUse as error:
        return str(error)


def _of_entry(judged: Judged, entry: Approval) -> Iterator[str]:
    folder = judged.review or judged.approvals.parent / entry["review_folder"]
    try:
        review = review_of(folder)
        now = digests(judged.snapshot, judged.tested.held.file, folder)
    except WrongUse as error:
        yield str(error)
        return
    yield from _changed(entry["digests"], now)
    decisions = [Decision(**each) for each in entry["decisions"]]
    yield from (f"nobody decided on {each}" for each in undecided(review, decisions))
    yield from (f"{each.outcome} is rejected: {each.reason}" for each in decisions if each.decision == "rejected")


def _changed(signed: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in ("snapshot", "golden"):
        if signed[name] != now[name]:
            yield f"the {name} is not the one that was signed"
    for file in sorted({*signed["review"], *now["review"]}):
        if signed["review"].get(file) != now["review"].get(file):
            yield f"{file} of the review is not the one that was signed"
