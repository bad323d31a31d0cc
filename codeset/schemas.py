"""The JSON Schemas that ship with the package, and the one check against them."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from codeset.errors import extra
from codeset.formats import format_fault
from codeset.shipped_files import shipped_folder

with extra("cli"):
    from jsonschema import Draft202012Validator, ValidationError


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(_part(f"{name}.schema.json", ""))


@cache
def _part(file: str, pointer: str) -> Any:
    """What *pointer* names in the schema of *file*, whole: parts that it refers to stand where it refers to them.

    No schema refers to itself. The validator that looks up references anew for every value takes twice as long.
    """
    part = _shipped(file)
    for name in pointer.split("/")[1:]:
        part = part[name]
    return _with_parts(part, file)


def _with_parts(schema: Any, file: str) -> Any:
    if isinstance(schema, list):
        return [_with_parts(item, file) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        other_file, _, pointer = schema["$ref"].partition("#")
        part = _part(other_file or file, pointer)
        besides = {name: value for name, value in schema.items() if name not in ("$ref", "description")}
        return {**_with_parts(besides, file), "allOf": [part]} if besides else part
    return {name: _with_parts(value, file) for name, value in schema.items() if name != "$defs"}


@cache
def _shipped(file: str) -> Any:
    """The schema in *file*: schemas refer to each other by the names of their files."""
    return json.loads((shipped_folder("schemas") / file).read_text(encoding="utf-8"))


def faults_of(plain: Any, name: str) -> list[str]:
    """Return what in *plain* breaks the schema called *name*, as `path: message`, in the order of the document."""
    return [f"{error.json_path}: {error.message}" for error in errors_of(plain, name)]


def reading_faults(plain: Any, name: str) -> list[str]:
    """Return why a file that a version of this program wrote cannot be read, in the schema called *name*.

    A newer major format is refused in words; fields that a newer minor format adds are ignored.
    """
    if fault := format_fault(plain, name):
        return [fault]
    has_format = isinstance(plain, Mapping) and "format" in plain
    # Files from before formats are closed: a field that their schema does not have is a fault there.
    ignored = {"additionalProperties"} if has_format else set()
    return [f"{e.json_path}: {e.message}" for e in errors_of(plain, name) if e.validator not in ignored]


def errors_of(plain: Any, name: str) -> list[ValidationError]:
    """Return what in *plain* breaks the schema called *name*, as jsonschema tells it, in the order of the document."""
    return sorted(_validator(name).iter_errors(plain), key=lambda error: [str(part) for part in error.absolute_path])
