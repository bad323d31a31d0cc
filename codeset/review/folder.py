"""The review's folder: every form of the review, written whole or not at all."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from codeset.atomic_write import replacing_folder, restore_replaced, write_file
from codeset.errors import WrongUse
from codeset.progress import Say, silent
from codeset.review.action_items import EDITS_FILE, FEES_FILE, HANDOUT_FILE
from codeset.review.forms.as_json import review_json
from codeset.review.forms.as_markdown import changelog_entry, review_markdown
from codeset.review.forms.as_page import review_html
from codeset.review.forms.as_workbook import review_workbook
from codeset.review.forms.hand_on import due_dates_ics, edits_csv, fee_schedule_csv, physician_handout, tasks_workbook
from codeset.review.model import Review

PAGE, WORKBOOK, MARKDOWN, DATA, ENTRY = "review.html", "review.xlsx", "review.md", "review.json", "CHANGELOG-entry.md"
TASKS, DUE_DATES = "tasks.xlsx", "due-dates.ics"


def refuse_other(folder: Path, old: str, new: str) -> None:
    """Check that *folder* is missing, empty, or an earlier review of the same two releases.

    Raises WrongUse: if it is anything else.
    """
    restore_replaced(folder)
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise WrongUse(f"{folder} is not a folder; nothing was written")
    names = sorted(file.name for file in folder.iterdir())
    # A file of others in it would be lost with the folder that is replaced.
    if (names and _releases(folder) != (old, new)) or set(names) - set(FILES):
        raise WrongUse(
            f"{folder} is not a review of {old} and {new} (it contains: {', '.join(names[:5])}); name another folder. "
            "Nothing was written."
        )


def _releases(folder: Path) -> tuple[str, str] | None:
    """The old and new release of the review in *folder*, or None if it is no review."""
    try:
        plain = json.loads((folder / DATA).read_text(encoding="utf-8"))
        return plain["old"]["release"], plain["new"]["release"]
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


def review_files(review: Review, say: Say = silent, *, left_out: Collection[str] = ()) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of *review* but those *left_out*; the same review gives the same bytes."""
    for name, form in _FORMS.items():
        if name in left_out:
            continue
        say(f"writing {name}")
        content = form(review)
        yield name, content.encode() if isinstance(content, str) else content


def write_review(review: Review, folder: Path, say: Say = silent) -> None:
    """Write every form of *review* into *folder*, replacing an earlier review of the same two releases.

    Raises WrongUse: if *folder* is something else, or cannot be written; then what was there is as it was.
    """
    refuse_other(folder, review.old.release, review.new.release)
    try:
        with replacing_folder(folder) as unfinished:
            for name, content in review_files(review, say):
                write_file(unfinished / name, content)
    except OSError as error:
        raise WrongUse(f"{folder}: cannot be written ({error.strerror})") from error
