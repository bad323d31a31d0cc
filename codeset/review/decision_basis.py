"""What decisions are about: a review's changed outcomes, as a digest that every file of decisions names.

The page, the workbook's sheet and the pull request offer the decisions; `sign_off.decision_files` reads them.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from codeset.formats import FORMATS

BASIS = ("old", "new", "to_decide")
"""The parts of a review's data that decisions rest on: CMS's files of both releases, and the changed outcomes."""

DECIDE_SHEET = "decide"
"""The sheet of the workbook that the approver fills in."""

PULL_REQUEST_END = "<!-- end of decisions -->"
"""What follows the tick boxes of a pull request."""

_START = r"<!-- codeset decisions (?P<format>\d+\.\d+) (?P<review>[0-9a-f]{64}) -->"
_START_LINE = re.compile(_START)
_BOXES = re.compile(f"{_START}(?P<boxes>.*?){PULL_REQUEST_END}", re.DOTALL)


def basis_digest(review_document: Mapping[str, Any]) -> str:
    """Return the digest of what is decided in a review with the data *review_document* (as `review.json` has them).

    A practice's own volumes and claims do not bear on it.
    """
    # Sorted keys: a later version may write them in another order, and decisions on the same outcomes stay good.
    canonical_json = json.dumps({key: review_document[key] for key in BASIS}, sort_keys=True, ensure_ascii=False)
    return sha256(canonical_json.encode()).hexdigest()


def has_boxes(request_text: str) -> bool:
    """Return whether tick boxes begin in *request_text*, whole or not."""
    return _START_LINE.search(request_text) is not None


def boxes_in(request_text: str) -> re.Match[str] | None:
    """Return the tick boxes in *request_text*, with their `format`, the digest of their `review` and the `boxes`."""
    return _BOXES.search(request_text)


def pull_request_start(digest: str) -> str:
    """Return the line with which the tick boxes of the review with *digest* begin."""
    return f"<!-- codeset decisions {FORMATS['decisions']} {digest} -->"
