"""Excerpts: a line beside a code that the release's excerpt does not have is for review.

An excerpt has the rows of some codes only: the edits between the two lines may be among those that it left out.
"""

import polars as pl

from codeset.claims.edits.findings import findings_of
from codeset.claims.edits.single_line import HAS_RELEASE, IS_OUTSIDE_EXCERPT
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.visits import first_in_visit

IS_OUTSIDE = IS_OUTSIDE_EXCERPT.fill_null(value=False)
# A line on a date without a release has a finding of its own, and is in no excerpt.
IS_INSIDE = HAS_RELEASE & ~IS_OUTSIDE


def find_excerpt(lines: Lines) -> Findings:
    """One finding for each line of a visit of which another line is outside the excerpt."""
    is_outside, is_inside = (lines.look_up(marks) for marks in lines.line_kinds.cached(outside_and_inside))
    table = lines.table.with_columns(first_in_visit(lines, among=is_outside))
    return findings_of(table.filter(is_inside & table["partner"].is_not_null()), "beside-the-excerpt")


def outside_and_inside(line_kinds: LineKinds) -> tuple[pl.Series, pl.Series]:
    """Whether each line kind is outside its release's excerpt, and whether it is of a release and not outside."""
    outside_kinds, inside_kinds = line_kinds.table.select(IS_OUTSIDE.alias("outside"), IS_INSIDE.alias("inside"))
    return outside_kinds, inside_kinds


EXCERPT = Edit(find_excerpt, concerns=IS_OUTSIDE_EXCERPT)
