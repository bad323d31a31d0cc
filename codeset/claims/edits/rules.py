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
def codes_named(section: str, list_name: str) -> frozenset[str]:
    """Return the codes that *list_name* of *section* lists, singly or as ranges."""
    return frozenset(hcpcs for code_span in rules()[section][list_name] for hcpcs in codes_of(code_span))


def has_code(section: str, list_name: str) -> pl.Expr:
    """Return whether a line kind has one of the codes that *list_name* of *section* lists."""
    return pl.col("hcpcs").is_in(pl.Series(sorted(codes_named(section, list_name)), dtype=pl.Categorical()).implode())


def codes_in(code_set: CodeSet, codes: Iterable[str]) -> pl.Series:
    """Return those of *codes* that *code_set* has, as categories."""
    codes_of_fees = set(code_set.fees["hcpcs"].unique())
    return pl.Series("hcpcs", sorted(codes_of_fees.intersection(codes)), dtype=pl.Categorical())


def codes_counted(code_set: CodeSet, section: str, list_name: str) -> pl.Series:
    """Return the codes of *code_set* that *list_name* of *section* lists, as categories; for spans of thousands."""
    code_spans = rules()[section][list_name]
    codes_of_fees = sorted(code_set.fees["hcpcs"].unique())
    # `codes_of` would write out ten thousand codes of a span such as J0000-J9999.
    within_spans = [hcpcs for hcpcs in codes_of_fees if any(counts(span, hcpcs) for span in code_spans)]
    return pl.Series("hcpcs", within_spans, pl.Categorical())
