"""What `codeset approve` and `codeset gate` do: put the snapshot, the suite, the review and the approvals together."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from codeset.errors import WrongUse
from codeset.review.sign_off import approval, gate
from codeset.snapshot import Snapshot
from codeset.suite import folders, try_releases
from codeset.suite.scenarios import load


@dataclass(frozen=True)
class Chosen:
    """The release, where its review lies, which suite, and the folder of approvals."""

    snapshot: Snapshot
    review: Path | None
    scenarios: Path | None
    approvals: Path


@dataclass(frozen=True)
class Said:
    """What the approver says: `accepted` and `rejected` are `OUTCOME=REASON`; `reason` accepts what is left."""

    by: str
    note: str
    accepted: Sequence[str]
    rejected: Sequence[str]
    reason: str | None


def missing(chosen: Chosen) -> list[str]:
    """Return what keeps the release from being used, in words; nothing, if it may be."""
    return _unsound(chosen) or gate.missing(_judged(chosen))


def _unsound(chosen: Chosen) -> list[str]:
    return [f"the snapshot is not as it was sealed: {each}" for each in chosen.snapshot.verify()]


def _judged(chosen: Chosen) -> gate.Judged:
    folder = folders.scenarios_folder(chosen.scenarios)
    suite = load(folder)
    held = folders.goldens_folder(folder)
    tested = try_releases.tried(suite, chosen.snapshot, held)
    return gate.Judged(chosen.snapshot, tested, chosen.approvals, chosen.review)


def approve(chosen: Chosen, said: Said, key: Path) -> approval.Approval:
    """Sign the release as *said* and append the approval.

    Raises WrongUse: if the review is of another release, an outcome is undecided, the suite does not hold, the
    snapshot is not as sealed, or the key may not sign. Nothing is written then.
    """
    release = chosen.snapshot.release
    if chosen.review is None:
        raise WrongUse("name the review that was read with --review")
    review = approval.review_of(chosen.review)
    if review["new"]["release"] != str(release):
        raise WrongUse(f"{chosen.review} is a review of {review['new']['release']}, not of {release}")
    decisions = approval.decided(review, said.accepted, said.rejected, said.reason)
    if left := approval.undecided(review, decisions):
        raise WrongUse(
            f"decide on each with --accept, --reject or --accept-all: {'; '.join(left)}. Nothing was written."
        )
    if wrong := _unsound(chosen) or try_releases.news((at := _judged(chosen)).tested):
        raise WrongUse("\n".join([f"{release} cannot be approved:", *wrong, "Nothing was written."]))
    chosen.approvals.mkdir(parents=True, exist_ok=True)
    entry = {
        "by": said.by,
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "note": said.note,
        "compared_with": review["old"]["release"],
        "review_folder": Path(os.path.relpath(chosen.review, chosen.approvals.parent)).as_posix(),
        "digests": approval.digests(chosen.snapshot, at.tested.held.file, chosen.review),
        "decisions": [asdict(each) for each in decisions],
    }
    return approval.approve(entry, chosen.approvals, release, key)


def told(entry: approval.Approval, chosen: Chosen) -> str:
    """Return what was written, in words."""
    rejected = sum(each["decision"] == "rejected" for each in entry["decisions"])
    file = approval.approvals_file(chosen.approvals, chosen.snapshot.release)
    counts = f"{len(entry['decisions'])} decisions, {rejected} of them rejections"
    return f"{chosen.snapshot.release} is signed by {entry['signer']} in {file}: {counts}"
