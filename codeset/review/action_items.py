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

_MOST_NAMED = 4
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
    due_day = review.new.first_day
    # First what blocks the approval.
    yield from _decision_actions(review)
    yield from _loading_actions(review)
    yield from _diagnosis_actions(review)
    if contradicted_statements := review.guidance.newly(Verdict.CONTRADICTED):
        title = f"Correct {wording.count(len(contradicted_statements), 'statement')} in your coding guides"
        yield ActionItem(
            title,
            named_in_short([wording.guide_heading(statement.heading) for statement in contradicted_statements]),
            "",
            due_day,
            "guidance",
        )
    if changed_codes(review) or any(_edit_updates(review)):
        yield ActionItem("Hand out the one-page summary to physicians", "", HANDOUT_FILE, due_day, "payments")
    if limits:
        yield ActionItem(f"Acknowledge {wording.count(limits, 'limitation')}", "", "", due_day, "limits")
    yield ActionItem("Sign", f"codeset approve {review.new.release} --review FOLDER", "", due_day, "sign-off")


def _decision_actions(review: Review) -> Iterator[ActionItem]:
    due_day = review.new.first_day
    if failed_claims := [scenario.says for scenario in review.outcomes.failed]:
        verb = "disagrees with the coder's answer; approval is blocked until it is fixed"
        verbs = "disagree with the coder's answer; approval is blocked until they are fixed"
        title = f"{wording.count(len(failed_claims), 'test claim')} {verb if len(failed_claims) == 1 else verbs}"
        yield ActionItem(title, named_in_short(failed_claims), "", due_day, "scenarios")
    if open_outcomes := [outcome.says for outcome in review.to_decide]:
        title = f"Approve or reject {wording.count(len(open_outcomes), 'changed test result')} (reason required)"
        yield ActionItem(title, named_in_short(open_outcomes), "", due_day, "sign-off")


def _loading_actions(review: Review) -> Iterator[ActionItem]:
    """Rates, edits, and codes of the charge master."""
    due_day = review.new.first_day
    if repriced_codes := changed_codes(review):
        title = f"Load new Medicare rates for {wording.count(len(repriced_codes), 'code')}"
        yield ActionItem(title, "", FEES_FILE, due_day, "payments")
    if edit_updates := list(_edit_updates(review)):
        yield ActionItem("Update claim-scrubber edits", "; ".join(edit_updates), EDITS_FILE, due_day, "edits")
    if new_codes := distinct_codes(review.new_codes):
        yield ActionItem(f"Add {named_in_short(new_codes)} to the charge master", "", FEES_FILE, due_day, "codes")
    if removed_codes := distinct_codes(review.gone_codes):
        yield ActionItem(f"Inactivate {named_in_short(removed_codes)} in the charge master", "", "", due_day, "codes")


def _diagnosis_actions(review: Review) -> Iterator[ActionItem]:
    """Diagnosis codes that stop, due on the day on which they do; articles that list other diagnoses."""
    diagnoses = review.changes.diagnoses
    # Diagnosis codes change on October 1 and April 1, which need not be the day on which the new release begins.
    stop_days = sorted({change.since or review.new.first_day for change in diagnoses.stopping})
    diagnosis_noun = "diagnosis code" if diagnoses.favorites is None else "favorite diagnosis code"
    for stop_day in stop_days:
        stopping_codes = [change for change in diagnoses.stopping if (change.since or review.new.first_day) == stop_day]
        verb = "stops" if len(stopping_codes) == 1 else "stop"
        details = [
            f"{code.diagnosis}: use {wording.list_in_words(list(code.others))}" if code.others else code.diagnosis
            for code in stopping_codes
        ]
        title = f"{wording.count(len(stopping_codes), diagnosis_noun)} {verb} on {wording.us_date(stop_day)}"
        yield ActionItem(title, "; ".join(details[:_MOST_STOPPING]), "", stop_day, "diagnoses")
    if invalid_codes := [f"{code} ({why})" for code, why in diagnoses.never_valid]:
        verb = "is" if len(invalid_codes) == 1 else "are"
        title = f"{wording.count(len(invalid_codes), diagnosis_noun)} {verb} not valid for billing"
        yield ActionItem(title, "; ".join(invalid_codes[:_MOST_STOPPING]), "", review.new.first_day, "diagnoses")
    if new_diagnoses := [change.diagnosis for change in diagnoses.changes if change.kind == NEW]:
        title = f"Add {wording.count(len(new_diagnoses), 'new diagnosis code')} to pick lists"
        yield ActionItem(title, named_in_short(new_diagnoses), "", review.new.first_day, "diagnoses")
    if changed_articles := [article.document for article in diagnoses.articles]:
        title = f"Read {wording.count(len(changed_articles), 'coverage article')} with a new version or other diagnoses"
        yield ActionItem(title, named_in_short(changed_articles), "", review.new.first_day, "diagnoses")


def _edit_updates(review: Review) -> Iterator[str]:
    """The changed edits, with those that our own older file lacked: a claim scrubber may lack them as well."""
    for table_name, edit_label in EDIT_NAMES.items():
        table_review = review.table(table_name)
        # Those too that only our older file lacked: a claim scrubber fed from the same files lacks them as well.
        if edit_changes := [*table_review.changes, *table_review.own_changes]:
            changed_values = [_change_in_short(change) for change in edit_changes if change.kind == CHANGED]
            change_words = ((ADDED, "new"), (REMOVED, "ended"))
            change_counts = [
                f"{change_count} {word}"
                for change_kind, word in change_words
                if (change_count := sum(c.kind == change_kind for c in edit_changes))
            ]
            yield f"{edit_label}s: {named_in_short([*changed_values, *change_counts])}{_scrubber_note(table_review)}"


def _scrubber_note(table_review: TableReview) -> str:
    """That a scrubber may have edits already that our older file lacks."""
    if not table_review.own_changes:
        return ""
    which_edits = f"{len(table_review.own_changes)} of them " if table_review.changes else ""
    return f" ({which_edits}possibly in your scrubber already)"


def _change_in_short(change: Change) -> str:
    return f"{change.key} {change.before} → {change.after}"


def named_in_short(phrases: list[str]) -> str:
    """Return the first of *phrases*, and how many more there are."""
    shown_phrases = phrases[:_MOST_NAMED]
    return (
        f"{', '.join(shown_phrases)} and {len(phrases) - _MOST_NAMED} more"
        if len(phrases) > _MOST_NAMED
        else wording.list_in_words(shown_phrases)
    )
