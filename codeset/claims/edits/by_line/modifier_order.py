"""Modifiers that set the amount come before those that only inform: a note, as the order changes no payment here.

Medicare's claims system reads pricing modifiers from the first position; a contractor warned that claims with another
modifier there may be rejected or denied, and has 26 before GA (CIGNA Government Services, Part B, Pricing Modifiers
Reminder, June 22, 2005). No current contractor's page was found that says what happens today.
"""

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, findings_of
from codeset.claims.edits.rules import rules
from codeset.claims.edits.single_line import IS_LISTED
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines

PRICING = frozenset(rules()["modifiers"]["pricing"])
HAS_SEVERAL = pl.col("modifiers").cast(pl.String).str.contains(" ")

# More than those that set the amount: 25 or 59 decides whether a line is paid, and is none that only informs.
DECIDING = frozenset(rules()["modifiers"]["payment"])


def find_modifier_order(lines: Lines) -> Findings:
    """One finding for each line that has a pricing modifier after an informational one; the detail names the former."""
    late_modifiers = lines.look_up(lines.line_kinds.cached(late_of_kinds))
    is_late = late_modifiers.is_not_null()
    if not is_late.any():
        return NO_FINDINGS
    return findings_of(lines.table.hstack([late_modifiers]).filter(is_late), "modifier-order", detail=pl.col("late"))


def late_of_kinds(line_kinds: LineKinds) -> pl.Series:
    """Of each line kind the first pricing modifier after an informational one; null if there is none."""
    modifiers = line_kinds.table["modifiers"].cast(pl.String)
    late_modifiers = pl.Series("late", [late_pricing_modifier(text.split()) for text in modifiers], dtype=pl.String)
    # A code that the fee schedule lacks has a finding of its own.
    is_listed = line_kinds.table.select(IS_LISTED.fill_null(value=False)).to_series()
    no_modifiers = pl.Series("late", [None], dtype=pl.String).new_from_index(0, late_modifiers.len())
    return late_modifiers.zip_with(is_listed, no_modifiers)


def late_pricing_modifier(modifiers: list[str]) -> str | None:
    """The first of *modifiers* that sets the amount and has one before it that decides nothing; None without one."""
    informational_positions = [position for position, name in enumerate(modifiers) if name not in DECIDING]
    later_modifiers = modifiers[informational_positions[0] :] if informational_positions else []
    return next((name for name in later_modifiers if name in PRICING), None)


MODIFIER_ORDER = Edit(find_modifier_order, concerns=HAS_SEVERAL)
