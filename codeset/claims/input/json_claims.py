"""Claims as plain objects, the JSON of `claim.schema.json`, flattened into rows of text for the one check."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl

from codeset.claims.claim_fields import FIELDS
from codeset.claims.input.check import RAW, FieldFault, safe_names

Row = dict[str, str | int | None]

_OF_CLAIM = (*(name for name, field in FIELDS.items() if field.in_claim), "lines")
_OF_LINE = tuple(name for name, field in FIELDS.items() if field.in_line)
_WHOLE = tuple(name for name, field in FIELDS.items() if field.dtype is not None and field.dtype.is_integer())
_NUMBERED = ("diagnosis_pointers",)
"""Lists whose items may be whole numbers."""


def flatten_claims(objects: Iterable[tuple[int, str, object]]) -> tuple[pl.DataFrame, list[FieldFault]]:
    """Return the lines of *objects* (columns of `RAW`), and what is malformed in them.

    Each object comes with its line of the file (0: none) and its place. It is a claim with `lines`, or one line with
    the fields of a csv row.
    """
    rows: list[Row] = []
    faults: list[FieldFault] = []
    for nth, (at, place, plain) in enumerate(objects):
        for row, row_faults in _rows(plain, at, place):
            faults += [replace(fault, row=len(rows)) if row else replace(fault, nth=nth) for fault in row_faults]
            rows += [{**row, "nth": nth}] if row else []
    return pl.DataFrame(rows, schema=dict(RAW)), faults


def _rows(plain: object, at: int, place: str) -> Iterator[tuple[Row | None, list[FieldFault]]]:
    """Each row with what is wrong in it; what is wrong with a claim as a whole comes without a row."""
    if not isinstance(plain, dict):
        yield None, [FieldFault("claim", "an object", _sort_of(plain), at=at, place=place or None)]
    # A line by itself: exports as NDJSON are often one object for each line, as csv has them.
    elif "hcpcs" in plain and "lines" not in plain:
        row, faults = _texts(plain, tuple(FIELDS))
        yield {**row, "at": at, "place": place or None}, faults
    else:
        yield from _claim_rows(plain, at, place)


def _claim_rows(claim: Mapping[str, Any], at: int, place: str) -> Iterator[tuple[Row | None, list[FieldFault]]]:
    shared, faults = _texts(claim, _OF_CLAIM)
    lines = claim.get("lines")
    if not isinstance(lines, list) or not lines:
        faults.append(FieldFault("lines", "a list with at least one line", _sort_of(lines)))
    claim_id = str(shared.get("claim_id") or "").strip() or None

    def in_claim(faults: list[FieldFault], where: str) -> list[FieldFault]:
        return [replace(fault, at=at, place=where or None, claim_id=claim_id) for fault in faults]

    yield None, in_claim(faults, place)
    for number, line in enumerate(lines if isinstance(lines, list) else []):
        here = f"{place}.lines[{number}]".lstrip(".")
        if isinstance(line, dict):
            # What a line says of itself replaces what the claim says for all of its lines.
            own, faults = _texts(line, _OF_LINE)
            yield {**shared, **own, "at": at, "place": here}, faults
        else:
            yield None, in_claim([FieldFault("line", "an object", _sort_of(line))], here)


def _texts(plain: Mapping[str, Any], names: tuple[str, ...]) -> tuple[Row, list[FieldFault]]:
    """The fields of one object as text; and what is of the wrong sort, or has a name that is none of *names*."""
    row: Row = {}
    faults = [
        FieldFault(safe_names([key]), f"one of {', '.join(names)}", "a field of that name")
        for key in plain
        if key not in names
    ]
    for name in names:
        value = plain.get(name)
        if name in FIELDS and value is not None:
            text, expected = _text(name, value)
            row |= {} if text is None else {name: text}
            faults += [FieldFault(name, expected, _sort_of(value))] if text is None else []
    return row, faults


def _text(name: str, value: object) -> tuple[str | None, str]:
    """The value as text, or None and what sort of value was expected."""
    if isinstance(value, str) and name not in _WHOLE:
        return value, ""
    if name in _WHOLE:
        # True is an int in Python, and no unit.
        return (str(value) if isinstance(value, int) and not isinstance(value, bool) else None), "a whole number"
    if name == "charge":
        is_exact = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
        return (str(value) if is_exact else None), "dollars, as a number or text"
    if FIELDS[name].is_list:
        are_numbers = name in _NUMBERED
        is_list = isinstance(value, list) and all(_is_item(item, are_numbers) for item in value)
        text = " ".join(map(str, value)) if is_list and isinstance(value, list) else None
        return text, "a list of whole numbers" if are_numbers else "a list of texts"
    return None, "text"


def _is_item(item: object, may_be_number: bool) -> bool:
    """Whether an item of a list is a text without blanks, or a whole number where it may be one."""
    is_number = may_be_number and isinstance(item, int) and not isinstance(item, bool)
    return is_number or (isinstance(item, str) and " " not in item)


def _sort_of(value: object) -> str:
    """What sort of value it is, without the value: it may be a patient's."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    sorts = {dict: "an object", str: "text", bool: "true or false", type(None): "nothing"}
    return sorts.get(type(value), "a number")
