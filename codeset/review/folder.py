"""The review's folder: every form of it, written whole or not at all."""

import json
from collections.abc import Callable
from pathlib import Path

from codeset.atomic_write import replacing_folder, write_file
from codeset.errors import WrongUse
from codeset.progress import Say, silent
from codeset.review.as_json import review_json
from codeset.review.as_markdown import changelog_entry, review_markdown
from codeset.review.as_page import review_html
from codeset.review.as_workbook import review_workbook
from codeset.review.model import Review

PAGE, BOOK, SHORT, DATA, ENTRY = "review.html", "review.xlsx", "review.md", "review.json", "CHANGELOG-entry.md"
FILES = (PAGE, BOOK, SHORT, DATA, ENTRY)


def refuse_other(folder: Path, old: str, new: str) -> None:
    """Make sure that nothing but a review of the same two releases would be replaced.

    Raises WrongUse: if *folder* is something else.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise WrongUse(f"{folder} is no folder; nothing was written")
    held = sorted(each.name for each in folder.iterdir())
    if (held and _releases(folder) != (old, new)) or set(held) - set(FILES):
        raise WrongUse(
            f"{folder} is no review of {old} → {new} (it holds: {', '.join(held[:5])}); name another folder; "
            "nothing was written"
        )


def _releases(folder: Path) -> tuple[str, str] | None:
    """The releases that the review in *folder* is of, if it is one."""
    try:
        plain = json.loads((folder / DATA).read_text(encoding="utf-8"))
        return plain["old"]["release"], plain["new"]["release"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_review(review: Review, folder: Path, say: Say = silent) -> None:
    """Write every form of *review* into *folder*, replacing an earlier review of the same two releases.

    Raises WrongUse: if *folder* is something else, or cannot be written; then what was there is as it was.
    """
    refuse_other(folder, review.old.release, review.new.release)
    made: dict[str, Callable[[Review], str | bytes]] = {
        PAGE: review_html,
        BOOK: review_workbook,
        SHORT: review_markdown,
        DATA: review_json,
        ENTRY: changelog_entry,
    }
    try:
        with replacing_folder(folder) as unfinished:
            for name, make in made.items():
                say(f"writing {name}")
                write_file(unfinished / name, make(review))
    except OSError as error:
        raise WrongUse(f"{folder}: cannot be written ({error.strerror})") from error
