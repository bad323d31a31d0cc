"""The shares and limits that no CMS table holds, read once from `price_rules.toml`, where each has its source."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def price_rules() -> Mapping[str, Any]:
    """Return the rules by section; shares are whole thousandths unless their name says otherwise."""
    return tomllib.loads(files("codeset.claims.pricing").joinpath("price_rules.toml").read_text(encoding="utf-8"))
