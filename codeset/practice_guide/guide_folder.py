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


def write_guide(folder: Path, guide: Guide, earlier_guide: Guide | None = None) -> tuple[GuideChange, ...]:
    """Write *guide* into *folder*, with what changed since *earlier_guide*; return these changes.

    Raises WrongUse: if the folder cannot be written.
    """
    changes = guide_changes(earlier_guide, guide) if earlier_guide else ()
    contents = {
        PAGE: guide_html(guide, earlier_guide, changes),
        MARKDOWN: guide_markdown(guide, earlier_guide, changes),
        DATA: guide_json(guide, earlier_guide, changes),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file_name, content in contents.items():
            write_file(folder / file_name, content.encode())
    except OSError as error:
        raise WrongUse(f"{folder}: cannot be written ({error.strerror})") from error
    return changes


def guide_json(guide: Guide, earlier_guide: Guide | None = None, changes: Sequence[GuideChange] = ()) -> str:
    """Return *guide* as `guide.schema.json` has it, stable to the byte."""
    document = {
        "format": FORMATS["guide"],
        **_json_value(guide),
        "compared_with": earlier_guide.release if earlier_guide else None,
    }
    return json.dumps(document | {"changes": _json_value(tuple(changes))}, indent=1, ensure_ascii=False) + "\n"


def _json_value(guide_value: Any) -> Any:
    if is_dataclass(guide_value):
        return {field.name: _json_value(getattr(guide_value, field.name)) for field in fields(guide_value)}
    if isinstance(guide_value, tuple):
        return [_json_value(item) for item in guide_value]
    # RVUs as text: a JSON number is read as a float by most programs, and 0.61 is no float.
    return str(guide_value) if isinstance(guide_value, (Decimal, date)) else guide_value
