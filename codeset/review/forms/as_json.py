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
    fact_by_field = {field.name: getattr(review, field.name) for field in fields(Review) if field.name not in _LEFT_OUT}
    compared_fields = {name: fact_by_field.pop(name) for name in _COMPARED}
    value_by_field = compared_fields | vars(first_page(review)) | fact_by_field
    plain_by_field = {name: _plain_value(value) for name, value in value_by_field.items()}
    return {"format": FORMATS["review"]} | plain_by_field | {"changes": changes_plain(review.changes)}


def decision_digest(review: Review) -> str:
    """Return the digest of what is decided in *review*, by which a file of decisions names it."""
    return basis_digest({name: _plain_value(getattr(review, name)) for name in BASIS})


def _plain_value(review_value: Any) -> Any:
    if isinstance(review_value, Ref):
        return review_value.anchor
    if is_dataclass(review_value):
        return {field.name: _plain_value(getattr(review_value, field.name)) for field in fields(review_value)}
    if isinstance(review_value, Mapping):
        return {name: _plain_value(item) for name, item in review_value.items()}
    if isinstance(review_value, tuple):
        return [_plain_value(item) for item in review_value]
    # As text: JSON's numbers are binary fractions to most readers, and amounts and RVUs are exact.
    return str(review_value) if isinstance(review_value, (Decimal, date)) else review_value
