"""The review's folder: every form of the review, written whole or not at all."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from codeset.atomic_write import replacing_folder, restore_replaced, write_file
from codeset.errors import WrongUse
from codeset.progress import ReportProgress, silent
from codeset.review.action_items import EDITS_FILE, FEES_FILE, HANDOUT_FILE
from codeset.review.forms.as_json import review_json
from codeset.review.forms.as_markdown import changelog_entry, review_markdown
from codeset.review.forms.as_page import review_html
from codeset.review.forms.as_workbook import review_workbook
from codeset.review.forms.hand_on import due_dates_ics, edits_csv, fee_schedule_csv, physician_handout, tasks_workbook
from codeset.review.model import Review

PAGE, WORKBOOK, MARKDOWN, DATA, ENTRY = "review.html", "review.xlsx", "review.md", "review.json", "CHANGELOG-entry.md"
TASKS, DUE_DATES = "tasks.xlsx", "due-dates.ics"


def refuse_other(folder: Path, old_release: str, new_release: str) -> None:
    """Check that *folder* is missing, empty, or an earlier review of the same two releases.

    Raises WrongUse: if it is anything else.
    """
    # A writer that was stopped between its two renames left the earlier review beside the folder.
    restore_replaced(folder)
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise WrongUse(f"{folder} is not a folder; nothing was written")
    file_names = sorted(file_path.name for file_path in folder.iterdir())
    # A file of others in it would be lost with the folder that is replaced.
    if (file_names and _reviewed_releases(folder) != (old_release, new_release)) or set(file_names) - set(FILES):
        raise WrongUse(
            f"{folder} is not a review of {old_release} and {new_release} "
            f"(it contains: {', '.join(file_names[:5])}); name another folder. Nothing was written."
        )


def _reviewed_releases(folder: Path) -> tuple[str, str] | None:
    """The old and new release of the review in *folder*, or None if it is no review."""
    try:
        review_document = json.loads((folder / DATA).read_text(encoding="utf-8"))
        return review_document["old"]["release"], review_document["new"]["release"]
    # Not one of ours: the caller refuses the folder, and nothing in it is lost.
    except (OSError, ValueError, KeyError, TypeError):
        return None


_FORMS: Mapping[str, Callable[[Review], str | bytes]] = {
    PAGE: review_html,
    WORKBOOK: review_workbook,
    MARKDOWN: review_markdown,
    DATA: review_json,
    ENTRY: changelog_entry,
    FEES_FILE: fee_schedule_csv,
    EDITS_FILE: edits_csv,
    TASKS: tasks_workbook,
    HANDOUT_FILE: physician_handout,
    DUE_DATES: due_dates_ics,
}
FILES = tuple(_FORMS)
"""The names of a review's files."""


def review_files(
    review: Review, report_progress: ReportProgress = silent, *, left_out: Collection[str] = ()
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of *review* but those *left_out*; the same review gives the same bytes."""
    for file_name, render_form in _FORMS.items():
        if file_name in left_out:
            continue
        report_progress(f"writing {file_name}")
        content = render_form(review)
        yield file_name, content.encode() if isinstance(content, str) else content


def write_review(review: Review, folder: Path, report_progress: ReportProgress = silent) -> None:
    """Write every form of *review* into *folder*, replacing an earlier review of the same two releases.

    Raises WrongUse: if *folder* is something else, or cannot be written; then what was there is as it was.
    """
    refuse_other(folder, review.old.release, review.new.release)
    try:
        with replacing_folder(folder) as unfinished:
            for file_name, content in review_files(review, report_progress):
                write_file(unfinished / file_name, content)
    except OSError as error:
        raise WrongUse(f"{folder}: cannot be written ({error.strerror})") from error
