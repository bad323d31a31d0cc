"""Captions of columns, as practice systems and spreadsheets write them: compared without case, blanks, punctuation."""

import re
from collections.abc import Mapping, Sequence


def by_caption(captions: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return which column a caption heads, by `caption_key`, of *captions* that each column may have."""
    return {caption_key(caption): column for column, column_captions in captions.items() for caption in column_captions}


def caption_key(caption: str) -> str:
    """Return what of a column's caption counts: letters and digits, in lower case."""
    return _NOT_COMPARED.sub("", caption.lower())


_NOT_COMPARED = re.compile(r"[^a-z0-9]+")
