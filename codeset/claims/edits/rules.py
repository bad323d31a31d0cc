"""The rules that no CMS table holds, read once from `rules.toml`."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from codeset.scope import codes_of


@cache
def rules() -> Mapping[str, Any]:
    """Return the rules by section."""
    return tomllib.loads(files("codeset.claims.edits").joinpath("rules.toml").read_text(encoding="utf-8"))


@cache
def visit_codes() -> frozenset[str]:
    """Return the codes of evaluation and management services."""
    return frozenset(code for span in rules()["visits"]["codes"] for code in codes_of(span))


@cache
def known_modifiers() -> frozenset[str]:
    """Return every modifier that the engine understands."""
    known = rules()["modifiers"]
    return frozenset((*known["payment"], *known["informational"], *rules()["anatomic"]["modifiers"]))
