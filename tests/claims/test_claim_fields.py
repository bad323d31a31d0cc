"""The table of claim fields and what is written by hand beside it: the JSON schema, and the attributes of values."""

import json
import re
from dataclasses import fields
from typing import Any

import polars as pl
import pytest

from codeset.claims.claim_fields import CODE, COLUMNS, FIELDS
from codeset.claims.input.claim import Claim, ClaimLine
from codeset.shipped_files import shipped_folder

DEFINITIONS: dict[str, Any] = json.loads((shipped_folder("schemas") / "claim.schema.json").read_text())["$defs"]
IN_CLAIM = {name for name, field in FIELDS.items() if field.in_claim}
IN_LINE = {name for name, field in FIELDS.items() if field.in_line}


@pytest.mark.parametrize(
    ("definition", "names"),
    [
        ("claim", {*IN_CLAIM, "lines"}),
        ("line", IN_LINE),
        ("row", set(FIELDS)),
    ],
)
def test_the_schema_has_the_fields_of_the_table(definition: str, names: set[str]) -> None:
    assert set(DEFINITIONS[definition]["properties"]) == names


def test_a_row_of_the_schema_requires_what_no_line_may_lack() -> None:
    required_fields = {name for name, field in FIELDS.items() if field.is_required}
    assert set(DEFINITIONS["row"]["required"]) == required_fields - {"locality"}  # which --locality may give


@pytest.mark.parametrize("name", FIELDS)
def test_the_schema_has_the_types_of_the_table(name: str) -> None:
    field, types = FIELDS[name], schema_types(DEFINITIONS["row"]["properties"][name])
    is_number = field.dtype is not None and field.dtype.is_integer()
    assert types - {"null"} == (
        {"integer"}
        if is_number
        else {"string", *(["array"] if field.is_list else ["number"] if name == "charge" else [])}
    )


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "modifiers" and not name.startswith("diagnos")])
@pytest.mark.parametrize(
    "text", ["11102", "1110", "2026-07-15", "15.7.2026", "59", "national", "01112-05", "1.50", "5 "]
)
def test_the_schema_takes_the_texts_that_the_table_takes(name: str, text: str) -> None:
    patterns = schema_patterns(DEFINITIONS["row"]["properties"][name])
    if patterns:
        fits = pl.Series([text]).str.contains(FIELDS[name].pattern).item()
        assert any(re.search(pattern, text) for pattern in patterns) == fits


def test_values_have_the_fields_of_the_table() -> None:
    assert {field.name for field in fields(Claim)} == IN_CLAIM - {"place_of_service", "locality"} | {"lines"}
    assert {field.name for field in fields(ClaimLine)} == IN_LINE - {"charge"}


def test_the_columns_are_of_few_types() -> None:
    assert set(COLUMNS.values()) == {pl.String(), pl.Int32(), pl.Int64(), pl.Date(), CODE}


def definition_of(part: dict[str, Any]) -> dict[str, Any]:
    return DEFINITIONS[part["$ref"].rpartition("/")[2]] if "$ref" in part else part


def schema_types(part: dict[str, Any]) -> set[str]:
    part = definition_of(part)
    if "oneOf" in part:
        return set().union(*(schema_types(alternative) for alternative in part["oneOf"]))
    return {part["type"]} if isinstance(part["type"], str) else set(part["type"])


def schema_patterns(part: dict[str, Any]) -> list[str]:
    part = definition_of(part)
    if "oneOf" in part:
        return [pattern for alternative in part["oneOf"] for pattern in schema_patterns(alternative)]
    return [part["pattern"]] if "pattern" in part else []
