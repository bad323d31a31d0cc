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

_NEEDED_FIELDS = (*(name for name in REQUIRED if name != "line"), "modifiers")
"""The fields that a table must have a column for. Lines without numbers are numbered in the order of their claim."""

_LEAST_HEADERS = 4
"""A first row with this many known headers is a header row; any other may be a patient's data, and is not shown."""

# A longer first cell is a sentence, or a row of data that lost its separators.
_LONGEST_HEADER = 40

_SIMILAR_HEADER = 0.8
"""A header this similar to a known one (difflib's ratio, 1 is equal) is a slip of the pen, such as "lession"."""

_MISSPELLED_WORD = 0.9
"""A word this similar to one of headers is that word, misspelled, and no name: "Charles" is 0.86 like "charges"."""

_MOST_DIGITS_SHOWN = 2
"""A header with a longer number may be somebody's number."""


@dataclass(frozen=True)
class Header:
    """The columns of a table: for each field the numbers, from 0, of its columns, in order.

    `notes` say which columns are not read; `faults` is what is wrong with the header row.
    """

    columns: Mapping[str, tuple[int, ...]]
    notes: tuple[str, ...]
    faults: tuple[str, ...]


def read_header(column_names: Sequence[str], *, locality: bool) -> Header:
    """Return what the columns called *column_names* hold; *locality* says whether one is given for lines without it."""
    return _read_header(tuple(column_names), locality)


@lru_cache(maxsize=16)  # claims that come one by one have the same header each time
def _read_header(column_names: tuple[str, ...], locality: bool) -> Header:
    field_names = [_field_of_header(name) for name in column_names]
    columns_of_fields: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for column_number, field_name in enumerate(field_names):
        if field_name is not None and field_name in FIELDS:
            columns_of_fields[field_name].append((_caption_number(column_names[column_number]), column_number))
    # Pointers to nothing: an export that leaves diagnoses out may still have their pointers.
    stray_pointers = columns_of_fields.pop("diagnosis_pointers", []) if "diagnoses" not in columns_of_fields else []
    needed_fields = [name for name in _NEEDED_FIELDS if not (name == "locality" and locality)]
    missing_fields = [
        f"no column {name}{_other_captions(name)}" for name in needed_fields if name not in columns_of_fields
    ]
    notes, unclear_headers = _unclear_headers(column_names, field_names)
    needless_headers = [name for name, field in zip(column_names, field_names, strict=True) if field == _NOT_READ]
    if needless_headers:
        notes.insert(0, f"not read, for no rule needs them: {', '.join(needless_headers)}")
    if stray_pointers:
        stray_names = ", ".join(column_names[column_number] for _, column_number in stray_pointers)
        notes.append(f"not read, for there are no diagnoses to point to: {stray_names}")
    columns_in_order = {
        name: tuple(number for _, number in sorted(numbered_columns))
        for name, numbered_columns in columns_of_fields.items()
    }
    faults = (*missing_fields, *unclear_headers, *_duplicate_columns(columns_of_fields))
    return Header(columns_in_order, tuple(notes), faults)


def field_columns(header: Header) -> list[pl.Expr]:
    """Return the columns of a table as fields: the texts of several columns of one field are joined, in order."""
    return [
        (pl.nth(column_numbers[0]) if len(column_numbers) == 1 else _joined_columns(column_numbers)).alias(field_name)
        for field_name, column_numbers in header.columns.items()
    ]


def _joined_columns(column_numbers: Sequence[int]) -> pl.Expr:
    column_texts = [
        pl.nth(column_number).cast(pl.String).str.strip_chars().replace("", None) for column_number in column_numbers
    ]
    return pl.concat_str(column_texts, separator=" ", ignore_nulls=True)


def is_header_row(headers: Sequence[str | None]) -> bool:
    """Whether *headers* are the headers of claim lines, and not a row of somebody's data."""
    # A data row has at most a word or two that could head a column.
    understood_fields = {_field_of_header(header or "") for header in headers} - {None}
    return len(understood_fields) >= _LEAST_HEADERS


_NOT_READ = "(not read)"


def _field_of_header(header: str) -> str | None:
    """The field that a column called *header* holds; `_NOT_READ`, or None if it is not understood."""
    caption = caption_key(_without_suffix(header))
    if caption in _fields_by_caption():
        return _fields_by_caption()[caption]
    if field_name := _numbered_field(caption)[0]:
        return field_name
    return _NOT_READ if caption in _ignored_captions() else None


def _numbered_field(caption: str) -> tuple[str | None, int]:
    """The field and the number of a caption such as `mod2`, `icd102`, or, of diagnoses, `dxb`; None and 0 of others."""
    caption_without_icd10 = re.sub(r"^icd10(cm)?(?=[0-9])", "icd", caption)  # "ICD10 2" has its number behind another
    fields = _numbered_captions()
    with_number = re.fullmatch(r"([a-z0-9]*?[a-z])([1-9]|1[0-2])", caption_without_icd10)
    if with_number and with_number[1] in fields:
        return fields[with_number[1]], int(with_number[2])
    with_letter = re.fullmatch(r"([a-z0-9]+)([a-l])", caption)
    if with_letter and fields.get(with_letter[1]) == "diagnoses":
        return "diagnoses", "abcdefghijkl".index(with_letter[2]) + 1
    return None, 0


def _without_suffix(header: str) -> str:
    """The header without what readers add to one that is there twice."""
    # polars, and `xlsx_claims` like it, number a header that is there twice so.
    return re.sub(r"_duplicated_[0-9]+$", "", header)


def _caption_number(header: str) -> int:
    """The number in a header such as `Mod 2`; 0 if it has none."""
    caption = caption_key(_without_suffix(header))
    return 0 if caption in _fields_by_caption() else _numbered_field(caption)[1]


def _unclear_headers(headers: Sequence[str], field_names: Sequence[str | None]) -> tuple[list[str], list[str]]:
    """A note for each header without a field, which is not read; a fault for one that is nearly one of a field.

    One fault for all where the first row is no header, but data: a patient's, which is not shown.
    """
    understood_count = sum(field is not None for field in field_names)
    if not is_header_row(headers) and understood_count < len(headers):
        is_one_cell = len(headers) == 1 and re.search(r"[;|\t]", headers[0])
        question = "are its cells separated by commas?" if is_one_cell else "is it a header?"
        heads = f"{understood_count} of {len(headers)} columns as claim lines are headed"
        return [], [f"the first row heads {heads}: {question}"]
    notes, faults = [], []
    for column_number, (header, field_name) in enumerate(zip(headers, field_names, strict=True), start=1):
        if field_name is None:
            column_text = (
                f'column {column_number}, "{header}",' if is_header_text(header) else f"column {column_number}"
            )
            similar_captions = get_close_matches(caption_key(header), _fields_by_caption(), n=1, cutoff=_SIMILAR_HEADER)
            if similar_captions:
                similar_field = _fields_by_caption()[similar_captions[0]]
                faults.append(
                    f"{column_text} is not understood: if it is {similar_field}, rename it, else leave it out"
                )
            else:
                notes.append(f"{column_text} is not understood, and not read")
    return notes, faults


def is_header_text(header: str) -> bool:
    """Return whether a header may be shown: it has words of headers alone, and could be nobody's name or number."""
    if len(header) > _LONGEST_HEADER or not re.fullmatch(r"[A-Za-z][\w .#/()-]*", header):
        return False
    # Headers of databases are several words in one: DateOfService.
    header_words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+", header)]
    return all(
        word in _header_words()
        or (word.isdigit() and len(word) <= _MOST_DIGITS_SHOWN)
        or get_close_matches(word, _header_words(), 1, _MISSPELLED_WORD)
        for word in header_words
    )


@cache
def _header_words() -> frozenset[str]:
    """The words of all headers that are understood, and those that are in headers of practice systems besides."""
    header_rules = _header_rules()
    header_texts = [*FIELDS, *header_rules["not_read"]["headers"], *header_rules["not_understood"]["words"]]
    for synonyms_by_field in (header_rules["fields"], header_rules["numbered"]):
        header_texts += [header for synonyms in synonyms_by_field.values() for header in synonyms]
    return frozenset(word for text in header_texts for word in re.findall(r"[a-z]+", text.lower()))


def _duplicate_columns(columns_of_fields: Mapping[str, Sequence[tuple[int, int]]]) -> Iterator[str]:
    """Fields with two columns that are neither numbered apart nor, as `Mod, Mod, Mod, Mod`, a list in their order."""
    for field_name, numbered_columns in columns_of_fields.items():
        caption_numbers = [place for place, _ in numbered_columns if place]
        is_list = field_name in _header_rules()["numbered"] and len(caption_numbers) in (0, len(numbered_columns))
        if len(numbered_columns) > 1 and not (is_list and len(set(caption_numbers)) == len(caption_numbers)):
            column_numbers = " and ".join(str(number + 1) for _, number in sorted(numbered_columns))
            yield f"columns {column_numbers} both hold {field_name}: leave one of them out"


def _other_captions(field_name: str) -> str:
    """How else a column may be headed, in the words of a message."""
    synonyms = [header for header in _header_rules()["fields"].get(field_name, ()) if header != header.lower()]
    return f" (or {', '.join(synonyms)})" if synonyms else ""


@cache
def _header_rules() -> dict[str, Any]:
    return tomllib.loads((files("codeset.claims.input") / "headers.toml").read_text(encoding="utf-8"))


@cache
def _fields_by_caption() -> dict[str, str]:
    """By caption: the field of that name, or one that it is a synonym of."""
    names_of_fields = {name: (name,) for name in FIELDS}
    return by_caption(names_of_fields) | by_caption(_header_rules()["fields"])


@cache
def _numbered_captions() -> dict[str, str]:
    return by_caption(_header_rules()["numbered"])


@cache
def _ignored_captions() -> frozenset[str]:
    return frozenset(map(caption_key, _header_rules()["not_read"]["headers"]))
