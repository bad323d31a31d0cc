"""The rules that no CMS table holds, read once from `rules.toml`."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl

from codeset.claims.engine.code_set import CodeSet
from codeset.scope import codes_of, counts


@cache
def rules() -> Mapping[str, Any]:
    """Return the rules by section."""
    return tomllib.loads(files("codeset.claims.edits").joinpath("rules.toml").read_text(encoding="utf-8"))


@cache
def codes_named(section: str, name: str) -> frozenset[str]:
    """Return the codes that *name* of *section* lists, singly or as ranges."""
    return frozenset(code for span in rules()[section][name] for code in codes_of(span))


def has_code(section: str, name: str) -> pl.Expr:
    """Return whether a line kind has one of the codes that *name* of *section* lists."""
    return pl.col("hcpcs").is_in(pl.Series(sorted(codes_named(section, name)), dtype=pl.Categorical()).implode())


def codes_in(code_set: CodeSet, codes: Iterable[str]) -> pl.Series:
    """Return those of *codes* that *code_set* has, as categories."""
    known = set(code_set.fees["hcpcs"].unique())
    return pl.Series("hcpcs", sorted(known.intersection(codes)), dtype=pl.Categorical())


def codes_counted(code_set: CodeSet, section: str, name: str) -> pl.Series:
    """Return the codes that *code_set* has and *name* of *section* lists, as categories; for spans of thousands."""
    spans = rules()[section][name]
    known = sorted(code_set.fees["hcpcs"].unique())
    return pl.Series("hcpcs", [code for code in known if any(counts(span, code) for span in spans)], pl.Categorical())
