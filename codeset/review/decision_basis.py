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


def basis_digest(plain: Mapping[str, Any]) -> str:
    """Return the digest of what is decided in a review with the data *plain* (as `review.json` has them).

    A practice's own volumes and claims do not bear on it.
    """
    content = json.dumps({name: plain[name] for name in BASIS}, sort_keys=True, ensure_ascii=False)
    return sha256(content.encode()).hexdigest()


def has_boxes(text: str) -> bool:
    """Return whether tick boxes begin in *text*, whole or not."""
    return _START_LINE.search(text) is not None


def boxes_in(text: str) -> re.Match[str] | None:
    """Return the tick boxes in *text*, with their `format`, the digest of their `review` and the `boxes`."""
    return _BOXES.search(text)


def pull_request_start(digest: str) -> str:
    """Return the line with which the tick boxes of the review with *digest* begin."""
    return f"<!-- codeset decisions {FORMATS['decisions']} {digest} -->"
