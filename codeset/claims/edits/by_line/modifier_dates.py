"""Modifiers are in force on some days only: one that is not yet, or no longer, is invalid.

Level I (CPT) and level II (CMS's HCPCS file) with their first and last days: `reference`. One that is in neither is
found by `single_line`.
"""

from datetime import date

import polars as pl

from codeset.claims.edits.findings import NONE, found
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.reference.reference_tables import modifiers

IS_IN_FORCE = pl.col("date_of_service").is_between("first_day", "last_day")


def find_modifier_dates(lines: Lines) -> Findings:
    """One finding for each line with modifiers that are not in force on its date; the detail names them."""
    is_doubtful = lines.look_up(lines.line_kinds.cached(doubtful_modifiers))
    if not is_doubtful.any():
        return NONE
    doubtful = lines.table.filter(is_doubtful)
    names = lines.line_kinds.table["modifiers"].cast(pl.String).str.split(" ").alias("modifier")
    singly = doubtful.hstack([names[doubtful["line_kind"]]]).explode("modifier")
    outside = singly.join(modifiers(), on="modifier").filter(~IS_IN_FORCE)
    by_line = outside.group_by("row", maintain_order=True).agg(pl.col("modifier").str.join(" "))
    return found(by_line, "modifier-not-in-force", detail=pl.col("modifier"))


def doubtful_modifiers(line_kinds: LineKinds) -> pl.Series:
    """Whether each line kind has a modifier that is not in force on every day of its release."""
    days = line_kinds.code_set.releases.select("release", "first", "last")
    kinds = line_kinds.table.select("line_kind", "release", pl.col("modifiers").cast(pl.String).alias("modifier"))
    singly = kinds.join(days, on="release").with_columns(pl.col("modifier").str.split(" ")).explode("modifier")
    every_day = (pl.col("first_day") <= pl.col("first")) & (pl.col("last") <= pl.col("last_day"))
    doubtful = singly.join(modifiers(), on="modifier").filter(~every_day)
    return line_kinds.table["line_kind"].is_in(doubtful["line_kind"].implode())


def change_dates(_: CodeSet) -> list[pl.Series]:
    """The first days of modifiers, and the days after their last ones."""
    ended = modifiers().filter(pl.col("last_day") < date.max)
    return [modifiers()["first_day"], ended["last_day"].dt.offset_by("1d")]


MODIFIER_DATES = Edit(find_modifier_dates, reads=("date_of_service",), change_dates=change_dates)
