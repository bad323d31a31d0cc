"""The review's folder: every form of it, written whole or not at all."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from codeset.errors import WrongUse
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


def write_review(review: Review, folder: Path, say: Callable[[str], None] = lambda _: None) -> None:
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
    unfinished = folder.with_name(f".{folder.name}.unfinished-{uuid4().hex}")
    try:
        unfinished.mkdir(parents=True)
        for name, make in made.items():
            say(f"writing {name}")
            content = make(review)
            (unfinished / name).write_bytes(content.encode() if isinstance(content, str) else content)
        _put(unfinished, folder)
    except OSError as error:
        raise WrongUse(f"{folder}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _put(unfinished: Path, folder: Path) -> None:
    """Rename the finished folder into place; an earlier one steps aside first and comes back if that fails."""
    earlier = folder.with_name(f".{folder.name}.replaced-{uuid4().hex}")
    if folder.exists():
        folder.rename(earlier)
    try:
        unfinished.rename(folder)
    except OSError:
        if earlier.exists():
            earlier.rename(folder)
        raise
    shutil.rmtree(earlier, ignore_errors=True)
