"""Claims as plain objects, the JSON of `claim.schema.json`, made into rows of text for the one check."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl

from codeset.claims.claim_fields import FIELDS
from codeset.claims.input.check import RAW, Malformed, named

Row = dict[str, str | int | None]

_OF_CLAIM = (*(name for name, field in FIELDS.items() if field.in_claim), "lines")
_OF_LINE = (*(name for name, field in FIELDS.items() if field.in_line), "diagnosis_pointers")
_WHOLE = tuple(name for name, field in FIELDS.items() if field.dtype is not None and field.dtype.is_integer())
_POINTERS_AT_MOST = 4


def flattened(found: Iterable[tuple[int, str, object]]) -> tuple[pl.DataFrame, list[Malformed]]:
    """Return the lines of objects, given as line of the file (0: none), place and value, and what is malformed in them.

    An object is a claim with `lines`, or one line with the fields of a csv row.
    """
    rows: list[Row] = []
    faults: list[Malformed] = []
    for nth, (at, place, plain) in enumerate(found):
        for row, wrong in _rows(plain, at, place):
            faults += [replace(each, row=len(rows)) if row else replace(each, nth=nth) for each in wrong]
            rows += [{**row, "nth": nth}] if row else []
    return pl.DataFrame(rows, schema=dict(RAW)), faults


def _rows(plain: object, at: int, place: str) -> Iterator[tuple[Row | None, list[Malformed]]]:
    """Each row with what is wrong in it; what is wrong with a claim as a whole comes without a row."""
    if not isinstance(plain, dict):
        yield None, [Malformed("claim", "an object", _kind(plain), at=at, place=place or None)]
    elif "hcpcs" in plain and "lines" not in plain:
        row, wrong = _row(plain, tuple(FIELDS))
        yield {**row, "at": at, "place": place or None}, wrong
    else:
        yield from _claim_rows(plain, at, place)


def _claim_rows(claim: Mapping[str, Any], at: int, place: str) -> Iterator[tuple[Row | None, list[Malformed]]]:
    shared, wrong = _row(claim, _OF_CLAIM)
    lines = claim.get("lines")
    if not isinstance(lines, list) or not lines:
        wrong.append(Malformed("lines", "a list with at least one line", _kind(lines)))
    claim_id = str(shared.get("claim_id") or "").strip() or None

    def placed(faults: list[Malformed], where: str) -> list[Malformed]:
        return [replace(each, at=at, place=where or None, claim_id=claim_id) for each in faults]

    yield None, placed(wrong, place)
    for number, line in enumerate(lines if isinstance(lines, list) else []):
        here = f"{place}.lines[{number}]".lstrip(".")
        if isinstance(line, dict):
            own, wrong = _row(line, _OF_LINE)
            pointed, unpointed = _pointed(line.get("diagnosis_pointers"), shared.get("diagnoses"))
            yield {**shared, **own, "diagnoses": pointed, "at": at, "place": here}, wrong + unpointed
        else:
            yield None, placed([Malformed("line", "an object", _kind(line))], here)


def _row(plain: Mapping[str, Any], fields: tuple[str, ...]) -> tuple[Row, list[Malformed]]:
    """The fields of one object as text, and what is of the wrong kind or has a name that is none of *fields*."""
    row: Row = {}
    wrong = [
        Malformed(named([key]), f"one of {', '.join(fields)}", "a field of that name")
        for key in plain
        if key not in fields
    ]
    for field in fields:
        value = plain.get(field)
        if field in FIELDS and value is not None:
            text, expected = _text(field, value)
            row |= {} if text is None else {field: text}
            wrong += [Malformed(field, expected, _kind(value))] if text is None else []
    return row, wrong


def _text(field: str, value: object) -> tuple[str | None, str]:
    """The value as text, or None and what kind of value was expected."""
    if isinstance(value, str) and field not in _WHOLE:
        return value, ""
    if field in _WHOLE:
        return (str(value) if isinstance(value, int) and not isinstance(value, bool) else None), "a whole number"
    if field == "charge":
        exact = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
        return (str(value) if exact else None), "dollars, as a number or text"
    if FIELDS[field].is_list:
        texts = isinstance(value, list) and all(isinstance(each, str) and " " not in each for each in value)
        return (" ".join(value) if texts and isinstance(value, list) else None), "a list of texts"
    return None, "text"


def _pointed(pointers: object, diagnoses: object) -> tuple[str | None, list[Malformed]]:
    """The diagnoses that a line points to, as text; all of the claim's where it points to none."""
    codes = str(diagnoses).split() if diagnoses else []
    if pointers is None:
        return " ".join(codes) or None, []
    if not isinstance(pointers, list) or len(pointers) > _POINTERS_AT_MOST:
        return None, [Malformed("diagnosis_pointers", "a list of at most four numbers", _kind(pointers))]
    valid = [n for n in pointers if isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= len(codes)]
    if len(valid) < len(pointers):
        expected = f"numbers of the claim's diagnoses, of which there are {len(codes)}"
        return None, [Malformed("diagnosis_pointers", expected, "another value")]
    return " ".join(codes[n - 1] for n in valid) or None, []


def _kind(value: object) -> str:
    """What sort of value it is, without the value: it may be a patient's."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    kinds = {dict: "an object", str: "text", bool: "true or false", type(None): "nothing"}
    return kinds.get(type(value), "a number")
