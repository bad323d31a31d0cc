"""The JSON Schemas that ship with the package, and the one check against them."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, ValidationError


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = json.loads(files("schemas").joinpath(f"{name}.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema)


def faults_of(plain: Any, name: str) -> list[str]:
    """Return what in *plain* breaks the schema called *name*, as `path: message`, in the order of the document."""
    return [f"{error.json_path}: {error.message}" for error in errors_of(plain, name)]


def errors_of(plain: Any, name: str) -> list[ValidationError]:
    """Return what in *plain* breaks the schema called *name*, as jsonschema tells it, in the order of the document."""
    return sorted(_validator(name).iter_errors(plain), key=lambda error: [str(part) for part in error.absolute_path])
