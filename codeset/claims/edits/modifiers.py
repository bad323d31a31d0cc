"""What modifiers mean to the edits and to the price, and which codes are visits."""

from functools import cache
from itertools import chain

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.rules import codes_named, rules

IS_ASSISTANT = pl.any_horizontal("m80", "m81", "m82", "mAS")
"""An assistant at surgery bills the line (IOM 100-04 ch. 12, sections 20.4.3 and 110.2)."""

_TEXTS = ("distinct", "for_visit", "other_bypass", "repeated", "site")


def modifier_meanings(modifiers: pl.Series) -> pl.DataFrame:
    """Return `modifiers`, each combination once, and what it means.

    A flag for each modifier that decides something and for each side, such as `m25`; and as text, sorted, the modifiers
    that bypass PTP edits (`distinct`, `for_visit`, `other_bypass`), those of repeated services (`repeated`), and
    the anatomic ones (`site`).
    """
    combinations = sorted(modifiers.unique().cast(pl.String).drop_nulls())
    rows = [(combination, *_meaning(combination)) for combination in combinations]
    return pl.DataFrame(rows, schema=_schema(), orient="row")


def described(line_kinds: pl.DataFrame) -> pl.DataFrame:
    """Return *line_kinds* (`hcpcs`, `modifiers`) with what both mean: `modifier_meanings`, and `is_visit`."""
    meanings = modifier_meanings(line_kinds["modifiers"])
    is_visit = pl.col("hcpcs").is_in(_visit_codes()).alias("is_visit")
    return line_kinds.join(meanings, on="modifiers", how="left", maintain_order="left").with_columns(is_visit)


def first_modifier(name: str) -> pl.Expr:
    """Return the first of the modifiers that column *name* lists; null if it lists none."""
    return pl.when(pl.col(name) != "").then(pl.col(name).str.head(2))


@cache
def _visit_codes() -> pl.Series:
    return pl.Series(sorted(codes_named("visits", "codes")), dtype=CODE).implode()


@cache
def _flags() -> dict[str, str]:
    """The modifier that each flag is for."""
    deciding = (
        rules()["modifiers"][group] for group in ("payment", "notice", "telehealth", "waste", "shared", "teaching")
    )
    return {f"m{modifier}": modifier for modifier in (*chain(*deciding), "RT", "LT")}


@cache
def _schema() -> dict[str, pl.DataType]:
    return {"modifiers": CODE, **dict.fromkeys(_flags(), pl.Boolean()), **dict.fromkeys(_TEXTS, pl.String())}


def _meaning(combination: str) -> tuple[bool | str, ...]:
    modifiers, bypass = set(combination.split()), rules()["bypass"]
    repeated, sites = rules()["modifiers"]["repeated"], rules()["anatomic"]["modifiers"]
    groups = (bypass["either_line"], bypass["visit_line"], bypass["other"], repeated, sites)
    texts = [modifiers.intersection(group) for group in groups]
    return (*(flagged in modifiers for flagged in _flags().values()), *(" ".join(sorted(group)) for group in texts))
