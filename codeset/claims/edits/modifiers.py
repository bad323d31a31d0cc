"""What modifiers mean to the edits and to the price, and which codes are visits."""

from functools import cache
from itertools import chain

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.rules import codes_named, rules

IS_ASSISTANT = pl.any_horizontal("m80", "m81", "m82", "mAS")
"""An assistant at surgery bills the line (IOM 100-04 ch. 12, sections 20.4.3 and 110.2)."""

_TEXT_COLUMNS = ("distinct", "for_visit", "other_bypass", "repeated", "site")


def modifier_meanings(modifiers: pl.Series) -> pl.DataFrame:
    """Return `modifiers`, each combination once, and what it means.

    A flag for each modifier that decides something and for each side, such as `m25`; and as text, sorted, the modifiers
    that bypass PTP edits (`distinct`, `for_visit`, `other_bypass`), those of repeated services (`repeated`), and
    the anatomic ones (`site`).
    """
    combinations = sorted(modifiers.unique().cast(pl.String).drop_nulls())
    meaning_rows = [(combination, *_meaning_columns(combination)) for combination in combinations]
    return pl.DataFrame(meaning_rows, schema=_meaning_schema(), orient="row")


def with_meanings(line_kinds: pl.DataFrame) -> pl.DataFrame:
    """Return *line_kinds* (`hcpcs`, `modifiers`) with what both mean: `modifier_meanings`, and `is_visit`."""
    meanings = modifier_meanings(line_kinds["modifiers"])
    is_visit = pl.col("hcpcs").is_in(_visit_codes()).alias("is_visit")
    return line_kinds.join(meanings, on="modifiers", how="left", maintain_order="left").with_columns(is_visit)


def first_modifier(modifier_column: str) -> pl.Expr:
    """Return the first of the modifiers that column *modifier_column* lists; null if it lists none."""
    # Modifiers have two characters, and are listed sorted with blanks between.
    return pl.when(pl.col(modifier_column) != "").then(pl.col(modifier_column).str.head(2))


@cache
def _visit_codes() -> pl.Series:
    return pl.Series(sorted(codes_named("visits", "codes")), dtype=CODE).implode()


@cache
def _flag_modifiers() -> dict[str, str]:
    """The modifier that each flag is for."""
    deciding_groups = (
        rules()["modifiers"][group] for group in ("payment", "notice", "telehealth", "waste", "shared", "teaching")
    )
    # The sides are in no group: they name a site, and bear on what both sides are paid.
    return {f"m{modifier}": modifier for modifier in (*chain(*deciding_groups), "RT", "LT")}


@cache
def _meaning_schema() -> dict[str, pl.DataType]:
    return {
        "modifiers": CODE,
        **dict.fromkeys(_flag_modifiers(), pl.Boolean()),
        **dict.fromkeys(_TEXT_COLUMNS, pl.String()),
    }


def _meaning_columns(combination: str) -> tuple[bool | str, ...]:
    modifiers, bypass_groups = set(combination.split()), rules()["bypass"]
    repeat_modifiers, sites = rules()["modifiers"]["repeated"], rules()["anatomic"]["modifiers"]
    # In the order of `_TEXT_COLUMNS`.
    groups = (*(bypass_groups[name] for name in ("either_line", "visit_line", "other")), repeat_modifiers, sites)
    flags = (modifier in modifiers for modifier in _flag_modifiers().values())
    return (*flags, *(" ".join(sorted(modifiers.intersection(group))) for group in groups))
