"""What a review asks to be done: each action item with its codes, its file and the day on which it is due."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from codeset import wording
from codeset.diagnosis_changes import NEW
from codeset.review.model import Code, Review
from codeset.review.table_changes import ADDED, CHANGED, REMOVED, Change, TableReview
from codeset.suite.guidance.run_guidance import Verdict

EDIT_NAMES = {"ptp": "NCCI PTP edit", "mue": "MUE", "add_on": "add-on pair"}
_MOST_STOPPING = 40
"""Diagnosis codes that an action item names; the section has them all."""

FEES_FILE, EDITS_FILE, HANDOUT_FILE = "fee-schedule.csv", "edits-changed.csv", "physician-handout.html"

_NAMED = 4
"""Codes that a sentence names at most; the rest is counted."""


@dataclass(frozen=True)
class ActionItem:
    """Something to do: what, with which codes and file; `due` is the first day on which it must be done."""

    title: str
    details: str
    file: str
    due: date
    section: str


def changed_codes(review: Review) -> list[str]:
    """Return the codes whose allowed amount changed in a setting that is shown."""
    return sorted({payment.hcpcs for table in review.payments for payment in table.rows})


def distinct_codes(codes: Iterable[Code]) -> list[str]:
    """Return the codes, each once, in order."""
    return sorted({code.hcpcs for code in codes})


def action_items(review: Review, limits: int) -> Iterator[ActionItem]:
    """Yield what to fix, decide, load and hand on; last the limitations (*limits* of them) and the signature."""
    due = review.new.first_day
    yield from _to_fix_and_decide(review)
    yield from _to_load(review)
    yield from _diagnosis_actions(review)
    if newly := review.guidance.newly(Verdict.CONTRADICTED):
        title = f"Correct {wording.count(len(newly), 'statement')} in your coding guides"
        yield ActionItem(
            title,
            named_in_short([wording.guide_heading(statement.heading) for statement in newly]),
            "",
            due,
            "guidance",
        )
    if changed_codes(review) or any(_edits_to_update(review)):
        yield ActionItem("Hand out the one-page summary to physicians", "", HANDOUT_FILE, due, "payments")
    if limits:
        yield ActionItem(f"Acknowledge {wording.count(limits, 'limitation')}", "", "", due, "limits")
    yield ActionItem("Sign", f"codeset approve {review.new.release} --review FOLDER", "", due, "sign-off")


def _to_fix_and_decide(review: Review) -> Iterator[ActionItem]:
    due = review.new.first_day
    if failed := [scenario.says for scenario in review.outcomes.failed]:
        verb = "disagrees with the coder's answer; approval is blocked until it is fixed"
        verbs = "disagree with the coder's answer; approval is blocked until they are fixed"
        title = f"{wording.count(len(failed), 'test claim')} {verb if len(failed) == 1 else verbs}"
        yield ActionItem(title, named_in_short(failed), "", due, "scenarios")
    if outcomes := [outcome.says for outcome in review.to_decide]:
        title = f"Approve or reject {wording.count(len(outcomes), 'changed test result')} (reason required)"
        yield ActionItem(title, named_in_short(outcomes), "", due, "sign-off")


def _to_load(review: Review) -> Iterator[ActionItem]:
    """Rates, edits, and codes of the charge master."""
    due = review.new.first_day
    if codes := changed_codes(review):
        title = f"Load new Medicare rates for {wording.count(len(codes), 'code')}"
        yield ActionItem(title, "", FEES_FILE, due, "payments")
    if edits := list(_edits_to_update(review)):
        yield ActionItem("Update claim-scrubber edits", "; ".join(edits), EDITS_FILE, due, "edits")
    if new := distinct_codes(review.new_codes):
        yield ActionItem(f"Add {named_in_short(new)} to the charge master", "", FEES_FILE, due, "codes")
    if removed := distinct_codes(review.gone_codes):
        yield ActionItem(f"Inactivate {named_in_short(removed)} in the charge master", "", "", due, "codes")


def _diagnosis_actions(review: Review) -> Iterator[ActionItem]:
    """Diagnosis codes that stop, due on the day on which they do; articles that list other diagnoses."""
    diagnoses = review.changes.diagnoses
    # Diagnosis codes change on October 1 and April 1, which need not be the day on which the new release begins.
    days = sorted({change.since or review.new.first_day for change in diagnoses.stopping})
    whose = "diagnosis code" if diagnoses.favorites is None else "favorite diagnosis code"
    for day in days:
        codes = [change for change in diagnoses.stopping if (change.since or review.new.first_day) == day]
        verb = "stops" if len(codes) == 1 else "stop"
        details = [
            f"{code.diagnosis}: use {wording.listed(list(code.others))}" if code.others else code.diagnosis
            for code in codes
        ]
        title = f"{wording.count(len(codes), whose)} {verb} on {wording.us_date(day)}"
        yield ActionItem(title, "; ".join(details[:_MOST_STOPPING]), "", day, "diagnoses")
    if never_valid := [f"{code} ({why})" for code, why in diagnoses.never_valid]:
        verb = "is" if len(never_valid) == 1 else "are"
        title = f"{wording.count(len(never_valid), whose)} {verb} not valid for billing"
        yield ActionItem(title, "; ".join(never_valid[:_MOST_STOPPING]), "", review.new.first_day, "diagnoses")
    if added := [change.diagnosis for change in diagnoses.changes if change.kind == NEW]:
        title = f"Add {wording.count(len(added), 'new diagnosis code')} to pick lists"
        yield ActionItem(title, named_in_short(added), "", review.new.first_day, "diagnoses")
    if changed := [article.document for article in diagnoses.articles]:
        title = f"Read {wording.count(len(changed), 'coverage article')} with a new version or other diagnoses"
        yield ActionItem(title, named_in_short(changed), "", review.new.first_day, "diagnoses")


def _edits_to_update(review: Review) -> Iterator[str]:
    """The changed edits, with those that our own older file lacked: a claim scrubber may lack them as well."""
    for name, label in EDIT_NAMES.items():
        table = review.table(name)
        # Those too that only our older file lacked: a claim scrubber fed from the same files lacks them as well.
        if changes := [*table.changes, *table.own_changes]:
            changed = [_in_short(change) for change in changes if change.kind == CHANGED]
            words = ((ADDED, "new"), (REMOVED, "ended"))
            counts = [f"{number} {word}" for kind, word in words if (number := sum(c.kind == kind for c in changes))]
            yield f"{label}s: {named_in_short([*changed, *counts])}{_perhaps_known(table)}"


def _perhaps_known(table: TableReview) -> str:
    """That a scrubber may have edits already that our older file lacks."""
    if not table.own_changes:
        return ""
    which = f"{len(table.own_changes)} of them " if table.changes else ""
    return f" ({which}possibly in your scrubber already)"


def _in_short(change: Change) -> str:
    return f"{change.key} {change.before} → {change.after}"


def named_in_short(words: list[str]) -> str:
    """Return the first of *words*, and how many more there are."""
    shown = words[:_NAMED]
    return f"{', '.join(shown)} and {len(words) - _NAMED} more" if len(words) > _NAMED else wording.listed(shown)
