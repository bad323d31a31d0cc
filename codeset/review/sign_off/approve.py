"""Approve a release: check that the review can be signed, and append the signed approval."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from codeset.errors import WrongUse
from codeset.review.sign_off.approval import Approval, append_approval, digests, read_review
from codeset.review.sign_off.decisions import parse_decisions, undecided
from codeset.review.sign_off.gate import snapshot_faults, suite_result
from codeset.snapshot import Snapshot
from codeset.suite.check_release import check_messages


def approve(
    snapshot: Snapshot,
    review_folder: Path,
    scenarios: Path | None,
    approvals: Path,
    *,
    key: Path,
    by: str,
    note: str = "",
    accepted: Sequence[str] = (),
    rejected: Sequence[str] = (),
    reason: str | None = None,
) -> Approval:
    """Sign the release of *snapshot* with *key*, and return the approval that was appended to those in *approvals*.

    *accepted* and *rejected* are `OUTCOME=REASON`; a *reason* accepts every outcome that they leave open.

    Raises WrongUse: if the review is of another release, an outcome is undecided, the suite does not hold, the
    snapshot is not as sealed, or the key may not sign. Nothing is written then.
    """
    release = snapshot.release
    review = read_review(review_folder)
    if review["new"]["release"] != str(release):
        raise WrongUse(f"{review_folder} is a review of {review['new']['release']}, not of {release}")
    decisions = parse_decisions(review, accepted, rejected, reason)
    if left := undecided(review, decisions):
        raise WrongUse(
            f"decide on each with --accept, --reject or --accept-all: {'; '.join(left)}. Nothing was written."
        )
    suite = suite_result(snapshot, scenarios)
    if faults := snapshot_faults(snapshot) or check_messages(suite):
        raise WrongUse("\n".join([f"{release} cannot be approved:", *faults, "Nothing was written."]))
    approvals.mkdir(parents=True, exist_ok=True)
    entry = {
        "by": by,
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "note": note,
        "compared_with": review["old"]["release"],
        "review_folder": Path(os.path.relpath(review_folder, approvals.parent)).as_posix(),
        "digests": digests(snapshot, suite.goldens.file, review_folder),
        "decisions": [asdict(decision) for decision in decisions],
    }
    return append_approval(entry, approvals, release, key)
