"""The review as plain data, for programs: `review.schema.json`."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from codeset.change_report.changes_as_json import changes_plain
from codeset.formats import FORMATS
from codeset.review.decision_basis import BASIS, basis_digest
from codeset.review.first_page import first_page
from codeset.review.model import Review
from codeset.review.source_rows import Ref

_COMPARED = ("old", "new", "place", "settings")
"""What was compared comes first, then the first page, then the facts."""

_LEFT_OUT = ("changes", "code_details")
"""The comparison has a form of its own; the details of codes are those that `codeset show` gives."""


def review_json(review: Review) -> str:
    """Return *review* as JSON: everything in it, exact numbers as text, amounts in cents; stable to the byte."""
    return json.dumps(review_plain(review), indent=1, ensure_ascii=False, default=str) + "\n"


def review_plain(review: Review) -> dict[str, Any]:
    """Return *review* as dictionaries and lists; a row of CMS's is named by its anchor, under which `rows` has it."""
    facts = {field.name: getattr(review, field.name) for field in fields(Review) if field.name not in _LEFT_OUT}
    compared = {name: facts.pop(name) for name in _COMPARED}
    values = compared | vars(first_page(review)) | facts
    plain = {name: _plain(value) for name, value in values.items()}
    return {"format": FORMATS["review"]} | plain | {"changes": changes_plain(review.changes)}


def decision_digest(review: Review) -> str:
    """Return the digest of what is decided in *review*, by which a file of decisions names it."""
    return basis_digest({name: _plain(getattr(review, name)) for name in BASIS})


def _plain(value: Any) -> Any:
    if isinstance(value, Ref):
        return value.anchor
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, (Decimal, date)) else value
