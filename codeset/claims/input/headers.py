"""Which field each column of a table of claim lines holds, by the synonyms of `headers.toml`."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import polars as pl

from codeset.claims.claim_fields import FIELDS, REQUIRED
from codeset.spreadsheets.captions import by_caption, caption_key

_NEEDED = (*(name for name in REQUIRED if name != "line"), "modifiers")
"""The fields that a table must have a column for. Lines without numbers are numbered in the order of their claim."""

_HEADED = 4
"""A first row with so many known headers is a header row; any other may be a patient's data, and is not shown."""

_LONGEST = 40

_NEARLY = 0.8
"""So like a known header (difflib's ratio, 1 is equal) is a slip of the pen, such as "lession"."""

_ALMOST = 0.9
"""So like a word of headers is one, misspelled, and no name: "Charles" is 0.86 like "charges"."""

_DIGITS = 2
"""A header with a longer number may be somebody's number."""


@dataclass(frozen=True)
class Header:
    """The columns of a table: for each field the numbers, from 0, of its columns, in order.

    `notes` say which columns are not read; `faults` is what is wrong with the header row.
    """

    columns: Mapping[str, tuple[int, ...]]
    notes: tuple[str, ...]
    faults: tuple[str, ...]


def read_header(names: Sequence[str], *, locality: bool) -> Header:
    """Return what the columns called *names* hold; *locality* says whether one is given for lines without it."""
    return _read_header(tuple(names), locality)


@lru_cache(maxsize=16)  # claims that come one by one have the same header each time
def _read_header(names: tuple[str, ...], locality: bool) -> Header:
    fields = [_field_of(name) for name in names]
    columns: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, field in enumerate(fields):
        if field is not None and field in FIELDS:
            columns[field].append((_place(names[number]), number))
    # Pointers to nothing: an export that leaves diagnoses out may still have their pointers.
    aimless = columns.pop("diagnosis_pointers", []) if "diagnoses" not in columns else []
    needed = [name for name in _NEEDED if not (name == "locality" and locality)]
    missing = [f"no column {name}{_synonyms(name)}" for name in needed if name not in columns]
    notes, unclear = _not_understood(names, fields)
    not_needed = [name for name, field in zip(names, fields, strict=True) if field == _NOT_READ]
    if not_needed:
        notes.insert(0, f"not read, for no rule needs them: {', '.join(not_needed)}")
    if aimless:
        notes.append("not read, for there are no diagnoses to point to: " + ", ".join(names[nr] for _, nr in aimless))
    by_field = {name: tuple(number for _, number in sorted(places)) for name, places in columns.items()}
    return Header(by_field, tuple(notes), (*missing, *unclear, *_twice(columns)))


def field_columns(header: Header) -> list[pl.Expr]:
    """Return the columns of a table as fields: the texts of several columns of one field are joined, in order."""
    return [
        (pl.nth(numbers[0]) if len(numbers) == 1 else _joined(numbers)).alias(name)
        for name, numbers in header.columns.items()
    ]


def _joined(numbers: Sequence[int]) -> pl.Expr:
    texts = [pl.nth(number).cast(pl.String).str.strip_chars().replace("", None) for number in numbers]
    return pl.concat_str(texts, separator=" ", ignore_nulls=True)


def is_header_row(names: Sequence[str | None]) -> bool:
    """Whether *names* are the headers of claim lines, and not a row of somebody's data."""
    # A data row has at most a word or two that could head a column.
    return len({field for name in names if (field := _field_of(name or "")) is not None}) >= _HEADED


_NOT_READ = "(not read)"


def _field_of(name: str) -> str | None:
    """The field that a column called *name* holds; `_NOT_READ`, or None if it is not understood."""
    key = caption_key(_without_suffix(name))
    if key in _fields():
        return _fields()[key]
    if field := _numbered_field(key)[0]:
        return field
    return _NOT_READ if key in _ignored() else None


def _numbered_field(key: str) -> tuple[str | None, int]:
    """The field and the number of a caption such as `mod2`, `icd102`, or, of diagnoses, `dxb`; None and 0 of others."""
    plain = re.sub(r"^icd10(cm)?(?=[0-9])", "icd", key)  # "ICD10 2" has its number behind another
    if (match := re.fullmatch(r"([a-z0-9]*?[a-z])([1-9]|1[0-2])", plain)) and match[1] in _numbered():
        return _numbered()[match[1]], int(match[2])
    if (match := re.fullmatch(r"([a-z0-9]+)([a-l])", key)) and _numbered().get(match[1]) == "diagnoses":
        return "diagnoses", "abcdefghijkl".index(match[2]) + 1
    return None, 0


def _without_suffix(name: str) -> str:
    """The header without what readers add to one that is there twice."""
    return re.sub(r"_duplicated_[0-9]+$", "", name)


def _place(name: str) -> int:
    """The number in a header such as `Mod 2`; 0 if it has none."""
    key = caption_key(_without_suffix(name))
    return 0 if key in _fields() else _numbered_field(key)[1]


def _not_understood(names: Sequence[str], fields: Sequence[str | None]) -> tuple[list[str], list[str]]:
    """A note for each header without a field, which is not read; a fault for one that is nearly one of a field.

    One fault for all where the first row is no header, but data: a patient's, which is not shown.
    """
    known = sum(field is not None for field in fields)
    if not is_header_row(names) and known < len(names):
        is_one_cell = len(names) == 1 and re.search(r"[;|\t]", names[0])
        asks = "are its cells separated by commas?" if is_one_cell else "is it a header?"
        return [], [f"the first row heads {known} of {len(names)} columns as claim lines are headed: {asks}"]
    notes, faults = [], []
    for number, (name, field) in enumerate(zip(names, fields, strict=True), start=1):
        if field is None:
            column = f'column {number}, "{name}",' if is_header_text(name) else f"column {number}"
            close = get_close_matches(caption_key(name), _fields(), n=1, cutoff=_NEARLY)
            if close:
                faults.append(
                    f"{column} is not understood: if it is {_fields()[close[0]]}, rename it, else leave it out"
                )
            else:
                notes.append(f"{column} is not understood, and not read")
    return notes, faults


def is_header_text(name: str) -> bool:
    """Return whether a header may be shown: it has words of headers alone, and could be nobody's name or number."""
    if len(name) > _LONGEST or not re.fullmatch(r"[A-Za-z][\w .#/()-]*", name):
        return False
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+", name)]
    return all(
        word in _words() or (word.isdigit() and len(word) <= _DIGITS) or get_close_matches(word, _words(), 1, _ALMOST)
        for word in words
    )


@cache
def _words() -> frozenset[str]:
    """The words of all headers that are understood, and those that are in headers of practice systems besides."""
    headers = _headers()
    texts = [*FIELDS, *headers["not_read"]["headers"], *headers["not_understood"]["words"]]
    for group in (headers["fields"], headers["numbered"]):
        texts += [header for own in group.values() for header in own]
    return frozenset(word for text in texts for word in re.findall(r"[a-z]+", text.lower()))


def _twice(columns: Mapping[str, Sequence[tuple[int, int]]]) -> Iterator[str]:
    """Fields with two columns that are neither numbered apart nor, as `Mod, Mod, Mod, Mod`, a list in their order."""
    for name, places in columns.items():
        numbered = [place for place, _ in places if place]
        is_list = name in _headers()["numbered"] and len(numbered) in (0, len(places))
        if len(places) > 1 and not (is_list and len(set(numbered)) == len(numbered)):
            numbers = " and ".join(str(number + 1) for _, number in sorted(places))
            yield f"columns {numbers} both hold {name}: leave one of them out"


def _synonyms(name: str) -> str:
    """How else a column may be headed, in the words of a message."""
    others = [header for header in _headers()["fields"].get(name, ()) if header != header.lower()]
    return f" (or {', '.join(others)})" if others else ""


@cache
def _headers() -> dict[str, Any]:
    return tomllib.loads((files("codeset.claims.input") / "headers.toml").read_text(encoding="utf-8"))


@cache
def _fields() -> dict[str, str]:
    """By caption: the field of that name, or one that it is a synonym of."""
    own_names = {name: (name,) for name in FIELDS}
    return by_caption(own_names) | by_caption(_headers()["fields"])


@cache
def _numbered() -> dict[str, str]:
    return by_caption(_headers()["numbered"])


@cache
def _ignored() -> frozenset[str]:
    return frozenset(map(caption_key, _headers()["not_read"]["headers"]))
