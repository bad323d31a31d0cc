"""Approve a release: check that the review is what the snapshots give and can be signed; append the signed approval."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from codeset.atomic_write import write_file
from codeset.errors import WrongUse
from codeset.releases import Release
from codeset.review.folder import WORKBOOK
from codeset.review.forms.as_workbook import review_workbook
from codeset.review.model import Review
from codeset.review.sign_off.approval import TIME_FORMAT, Approval, Head, append_approval, read_approvals
from codeset.review.sign_off.decision_files import check_review, read_decision_file
from codeset.review.sign_off.decisions import Decision, Entry, parse_decisions, undecided
from codeset.review.sign_off.digests import current_digests
from codeset.review.sign_off.gate import snapshot_faults
from codeset.review.sign_off.heads import removed_approvals
from codeset.review.sign_off.read_review import differences, has_own_figures, read_review, remake
from codeset.store import Store
from codeset.suite.check_release import check_release, short_check_messages
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
    entries: Sequence[Entry] = (),
    decisions_file: Path | None = None,
    reason: str | None = None,
    heads: Sequence[Head] = (),
) -> Approval:
    """Sign *release* with *key*, and return the approval that was appended to those in *approvals*.

    *entries* and those of *decisions_file* are what was filled in; a *reason* accepts every outcome that they leave
    open. Where the file is the review's own workbook, what was filled in is kept beside the review's folder, and the
    workbook is as it was made again. *heads* are approvals that a record elsewhere says were there.

    Raises WrongUse: if the review is of another release or not what the snapshots give, the decisions are about another
    review or cannot be understood, an approval was removed, an outcome is undecided, the suite does not hold, a
    snapshot is not as sealed, or the key may not sign. BadInput: if the file cannot be read. Nothing is written then.
    """
    review = read_review(review_folder)
    if review["new"]["release"] != str(release):
        raise WrongUse(f"{review_folder} is a review of {review['new']['release']}, not of {release}")
    decisions = parse_decisions(review, [*_file_entries(review, decisions_file), *entries], reason)
    old_snapshot, new_snapshot = store.open(review["old"]["release"]), store.open(release)
    suite = load(scenarios)
    release_check = check_release(suite, new_snapshot, goldens_folder(scenarios))
    removal_faults = removed_approvals(read_approvals(approvals, release), approvals, release, heads)
    seal_faults = [*snapshot_faults(old_snapshot), *snapshot_faults(new_snapshot)]
    _refuse(release, [*removal_faults, *seal_faults, *short_check_messages(release_check)])
    is_own_workbook = decisions_file is not None and decisions_file.resolve() == (review_folder / WORKBOOK).resolve()
    # Made anew: what is signed is what the snapshots give, not a page that somebody changed or an older version wrote.
    remade_review = remake(review, store, suite, guidance, release_check.run)
    # Filled in, the review's own workbook differs from the one made anew, and is not compared.
    _refuse(release, differences(review_folder, review, remade_review, {WORKBOOK} if is_own_workbook else set()))
    _refuse_undecided(review, decisions)
    if is_own_workbook and not has_own_figures(review):
        _set_filled_workbook_aside(review_folder, remade_review)
    approval_entry = {
        "by": by,
        "at": datetime.now(UTC).strftime(TIME_FORMAT),
        "note": note,
        "compared_with": str(old_snapshot.release),
        # Relative to the approvals: a clone in another place finds it too.
        "review_folder": Path(os.path.relpath(review_folder, approvals.parent)).as_posix(),
        "digests": current_digests(old_snapshot, new_snapshot, release_check.goldens.file, review_folder),
        "decisions": [asdict(decision) for decision in decisions],
    }
    return append_approval(approval_entry, approvals, release, key)


def _refuse(release: Release, faults: Sequence[str]) -> None:
    if faults:
        raise WrongUse("\n".join([f"{release} cannot be approved:", *faults, "Nothing was written."]))


def _refuse_undecided(review: Mapping[str, Any], decisions: Sequence[Decision]) -> None:
    if open_outcomes := undecided(review, decisions):
        raise WrongUse(
            f"decide on each with --decisions, --accept, --reject or --accept-all: {'; '.join(open_outcomes)}. "
            "Nothing was written."
        )


def _file_entries(review: Mapping[str, Any], file_path: Path | None) -> Sequence[Entry]:
    if file_path is None:
        return ()
    decisions = read_decision_file(file_path)
    check_review(decisions, review)
    return decisions.entries


def _set_filled_workbook_aside(review_folder: Path, remade_review: Review) -> None:
    """Keep the filled-in workbook beside the review's folder; the one in it is as it was made, and can be checked."""
    workbook_path = review_folder / WORKBOOK
    made_workbook = review_workbook(remade_review)
    if workbook_path.read_bytes() != made_workbook:
        write_file(
            review_folder.with_name(f"{review_folder.resolve().name}-decisions.xlsx"), workbook_path.read_bytes()
        )
        write_file(workbook_path, made_workbook)
