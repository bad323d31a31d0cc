"""Claims as plain objects, the JSON of `claim.schema.json`, flattened into rows of text for the one check."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl

from codeset.claims.claim_fields import FIELDS
from codeset.claims.input.check import RAW, FieldFault, safe_names

Row = dict[str, str | int | None]

_CLAIM_FIELDS = (*(name for name, field in FIELDS.items() if field.in_claim), "lines")
_LINE_FIELDS = tuple(name for name, field in FIELDS.items() if field.in_line)
_WHOLE_NUMBER_FIELDS = tuple(
    name for name, field in FIELDS.items() if field.dtype is not None and field.dtype.is_integer()
)
_NUMBER_LIST_FIELDS = ("diagnosis_pointers",)
"""Lists whose items may be whole numbers."""


def flatten_claims(json_objects: Iterable[tuple[int, str, object]]) -> tuple[pl.DataFrame, list[FieldFault]]:
    """Return the lines of *json_objects* (columns of `RAW`), and what is malformed in them.

    Each object comes with its line of the file (0: none) and its place. It is a claim with `lines`, or one line with
    the fields of a csv row.
    """
    claim_rows: list[Row] = []
    faults: list[FieldFault] = []
    for claim_number, (file_line, json_place, json_object) in enumerate(json_objects):
        for claim_row, row_faults in _object_rows(json_object, file_line, json_place):
            faults += [
                replace(fault, row=len(claim_rows)) if claim_row else replace(fault, claim_number=claim_number)
                for fault in row_faults
            ]
            claim_rows += [{**claim_row, "claim_number": claim_number}] if claim_row else []
    return pl.DataFrame(claim_rows, schema=dict(RAW)), faults


def _object_rows(json_object: object, file_line: int, json_place: str) -> Iterator[tuple[Row | None, list[FieldFault]]]:
    """Each row with what is wrong in it; what is wrong with a claim as a whole comes without a row."""
    if not isinstance(json_object, dict):
        sort_found = _sort_of_value(json_object)
        yield None, [FieldFault("claim", "an object", sort_found, at=file_line, place=json_place or None)]
    # A single line: exports as NDJSON are often one object for each line, as csv has them.
    elif "hcpcs" in json_object and "lines" not in json_object:
        claim_row, faults = _field_texts(json_object, tuple(FIELDS))
        yield {**claim_row, "at": file_line, "place": json_place or None}, faults
    else:
        yield from _claim_rows(json_object, file_line, json_place)


def _claim_rows(
    claim_object: Mapping[str, Any], file_line: int, json_place: str
) -> Iterator[tuple[Row | None, list[FieldFault]]]:
    claim_fields, faults = _field_texts(claim_object, _CLAIM_FIELDS)
    line_objects = claim_object.get("lines")
    if not isinstance(line_objects, list) or not line_objects:
        faults.append(FieldFault("lines", "a list with at least one line", _sort_of_value(line_objects)))
    claim_id = str(claim_fields.get("claim_id") or "").strip() or None

    def in_claim(faults: list[FieldFault], fault_place: str) -> list[FieldFault]:
        return [replace(fault, at=file_line, place=fault_place or None, claim_id=claim_id) for fault in faults]

    yield None, in_claim(faults, json_place)
    # A claim without a list of lines has its fault already.
    for line_number, line_object in enumerate(line_objects if isinstance(line_objects, list) else []):
        line_place = f"{json_place}.lines[{line_number}]".lstrip(".")
        if isinstance(line_object, dict):
            # What a line says of itself replaces what the claim says for all of its lines.
            line_fields, faults = _field_texts(line_object, _LINE_FIELDS)
            yield {**claim_fields, **line_fields, "at": file_line, "place": line_place}, faults
        else:
            yield None, in_claim([FieldFault("line", "an object", _sort_of_value(line_object))], line_place)


def _field_texts(json_object: Mapping[str, Any], field_names: tuple[str, ...]) -> tuple[Row, list[FieldFault]]:
    """The fields of one object as text; and what is of the wrong sort, or has a name that is none of *field_names*."""
    field_texts: Row = {}
    faults = [
        FieldFault(safe_names([member_name]), f"one of {', '.join(field_names)}", "a field of that name")
        for member_name in json_object
        if member_name not in field_names
    ]
    for field_name in field_names:
        member_value = json_object.get(field_name)
        if field_name in FIELDS and member_value is not None:
            field_text, expected = _field_text(field_name, member_value)
            field_texts |= {} if field_text is None else {field_name: field_text}
            faults += [FieldFault(field_name, expected, _sort_of_value(member_value))] if field_text is None else []
    return field_texts, faults


def _field_text(field_name: str, member_value: object) -> tuple[str | None, str]:
    """The value as text, or None and what sort of value was expected."""
    if isinstance(member_value, str) and field_name not in _WHOLE_NUMBER_FIELDS:
        return member_value, ""
    if field_name in _WHOLE_NUMBER_FIELDS:
        # True is an int in Python, and no unit.
        is_whole = isinstance(member_value, int) and not isinstance(member_value, bool)
        return (str(member_value) if is_whole else None), "a whole number"
    if field_name == "charge":
        is_exact = isinstance(member_value, (int, Decimal)) and not isinstance(member_value, bool)
        return (str(member_value) if is_exact else None), "dollars, as a number or text"
    if FIELDS[field_name].is_list:
        are_numbers = field_name in _NUMBER_LIST_FIELDS
        is_list = isinstance(member_value, list) and all(_is_list_item(item, are_numbers) for item in member_value)
        list_text = " ".join(map(str, member_value)) if is_list and isinstance(member_value, list) else None
        return list_text, "a list of whole numbers" if are_numbers else "a list of texts"
    return None, "text"


def _is_list_item(list_item: object, may_be_number: bool) -> bool:
    """Whether an item of a list is a text without blanks, or a whole number where it may be one."""
    is_number = may_be_number and isinstance(list_item, int) and not isinstance(list_item, bool)
    return is_number or (isinstance(list_item, str) and " " not in list_item)


def _sort_of_value(json_value: object) -> str:
    """What sort of value it is, without the value: it may be a patient's."""
    if isinstance(json_value, list):
        return f"a list of {len(json_value)}"
    sort_names = {dict: "an object", str: "text", bool: "true or false", type(None): "nothing"}
    return sort_names.get(type(json_value), "a number")
