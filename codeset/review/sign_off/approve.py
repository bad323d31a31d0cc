"""Approve a release: check that the review is what the snapshots give and can be signed; append the signed approval."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from codeset.errors import WrongUse
from codeset.releases import Release
from codeset.review.sign_off.approval import TIME_FORMAT, Approval, append_approval
from codeset.review.sign_off.decisions import parse_decisions, undecided
from codeset.review.sign_off.digests import current_digests
from codeset.review.sign_off.gate import snapshot_faults
from codeset.review.sign_off.read_review import differences, read_review, remake
from codeset.store import Store
from codeset.suite.check_release import check_messages, check_release
from codeset.suite.goldens import goldens_folder
from codeset.suite.guidance.guidance_files import Statement
from codeset.suite.scenarios import load


def approve(
    store: Store,
    release: Release,
    review_folder: Path,
    scenarios: Path,
    guidance: tuple[Statement, ...],
    approvals: Path,
    *,
    key: Path,
    by: str,
    note: str = "",
    accepted: Sequence[str] = (),
    rejected: Sequence[str] = (),
    reason: str | None = None,
) -> Approval:
    """Sign *release* with *key*, and return the approval that was appended to those in *approvals*.

    *accepted* and *rejected* are `OUTCOME=REASON`; a *reason* accepts every outcome that they leave open.

    Raises WrongUse: if the review is of another release or not what the snapshots give, an outcome is undecided, the
    suite does not hold, a snapshot is not as sealed, or the key may not sign. Nothing is written then.
    """
    review = read_review(review_folder)
    if review["new"]["release"] != str(release):
        raise WrongUse(f"{review_folder} is a review of {review['new']['release']}, not of {release}")
    old, new = store.open(review["old"]["release"]), store.open(release)
    suite = load(scenarios)
    check = check_release(suite, new, goldens_folder(scenarios))
    faults = [*snapshot_faults(old), *snapshot_faults(new), *check_messages(check)]
    if not faults:
        faults = differences(review_folder, review, remake(review, store, suite, guidance))
    if faults:
        raise WrongUse("\n".join([f"{release} cannot be approved:", *faults, "Nothing was written."]))
    decisions = parse_decisions(review, accepted, rejected, reason)
    if left := undecided(review, decisions):
        raise WrongUse(
            f"decide on each with --accept, --reject or --accept-all: {'; '.join(left)}. Nothing was written."
        )
    entry = {
        "by": by,
        "at": datetime.now(UTC).strftime(TIME_FORMAT),
        "note": note,
        "compared_with": str(old.release),
        "review_folder": Path(os.path.relpath(review_folder, approvals.parent)).as_posix(),
        "digests": current_digests(old, new, check.goldens.file, review_folder),
        "decisions": [asdict(decision) for decision in decisions],
    }
    return append_approval(entry, approvals, release, key)
