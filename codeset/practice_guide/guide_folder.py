"""A practice guide written as a folder: the page, Markdown, and the same values as JSON."""

import json
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from codeset.atomic_write import write_file
from codeset.errors import WrongUse
from codeset.formats import FORMATS
from codeset.practice_guide.guide import Guide
from codeset.practice_guide.guide_changes import GuideChange, guide_changes
from codeset.practice_guide.guide_markdown import guide_markdown
from codeset.practice_guide.guide_page import guide_html

PAGE, MARKDOWN, DATA = "guide.html", "guide.md", "guide.json"


def write_guide(folder: Path, guide: Guide, old: Guide | None = None) -> tuple[GuideChange, ...]:
    """Write *guide* into *folder*, with what changed since *old*; return these changes.

    Raises WrongUse: if the folder cannot be written.
    """
    changes = guide_changes(old, guide) if old else ()
    contents = {
        PAGE: guide_html(guide, old, changes),
        MARKDOWN: guide_markdown(guide, old, changes),
        DATA: guide_json(guide, old, changes),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_file(folder / name, content.encode())
    except OSError as error:
        raise WrongUse(f"{folder}: cannot be written ({error.strerror})") from error
    return changes


def guide_json(guide: Guide, old: Guide | None = None, changes: Sequence[GuideChange] = ()) -> str:
    """Return *guide* as `guide.schema.json` has it, stable to the byte."""
    plain = {"format": FORMATS["guide"], **_plain(guide), "compared_with": old.release if old else None}
    return json.dumps(plain | {"changes": _plain(tuple(changes))}, indent=1, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    # RVUs as text: a JSON number is read as a float by most programs, and 0.61 is no float.
    return str(value) if isinstance(value, (Decimal, date)) else value
