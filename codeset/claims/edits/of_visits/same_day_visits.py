"""One visit a day: of two visits to one practitioner, or one group and specialty, the lesser is denied.

Unless they were for unrelated problems that one encounter could not meet (IOM 100-04 ch. 12, sections 30.6.5 and
30.6.7.B): with 25 the contractor decides, who denies the second at first and pays it on appeal with the record
(Novitas). Code B14 is the one made for it; that contractors use it, and not 18, was not found. Two units on one line
are two visits: what contractors make of such a line was not found, so that it is for review.
"""

from dataclasses import replace

import polars as pl

from codeset.claims.edits.findings import NONE, findings_of, together
from codeset.claims.edits.mue import units_per_day
from codeset.claims.edits.rules import codes_in, codes_named, rules
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import filter_rows, starts_group
from codeset.claims.engine.visits import pairs_in_visit


def find_same_day_visits(lines: Lines) -> Findings:
    """One finding for each line with more than one visit, and for the lesser of two that no edit before denies."""
    once = filter_rows(lines.table, lines.look_up(lines.line_kinds.cached(paid_once_a_day)) & ~lines.is_denied)
    if once.is_empty():
        return NONE
    visits = filter_rows(lines.table, lines.look_up(lines.line_kinds.cached(visits_one_a_day)) & ~lines.is_denied)
    return together([_of_units(once), _of_two_lines(lines, visits)])


def _of_units(once: pl.DataFrame) -> Findings:
    """The lines with more than one unit of what is paid *once* a day."""
    units = units_per_day(once)
    several = filter_rows(pl.DataFrame([once["row"], units.alias("units")]), units > 1)
    return findings_of(several, "visit-units", detail=pl.col("units").cast(pl.String)) if several.height else NONE


def _of_two_lines(lines: Lines, visits: pl.DataFrame) -> Findings:
    """The lesser of two of *visits* on one day."""
    if starts_group(visits["visit"]).all():
        return NONE
    pairs, lesser = pairs_in_visit(replace(lines, table=visits), two_visits, lesser_of_two)
    both = pairs.hstack(lesser[pairs["reason_row"]]).filter(~pl.col("is_tie") | (pl.col("row") < pl.col("row_two")))
    once = both.sort("row_two", "row").unique("row_two", keep="first", maintain_order=True)
    return findings_of(
        once.select(pl.col("row_two").alias("row"), pl.col("row").alias("partner"), "hcpcs", "has_25"),
        pl.when("has_25").then(pl.lit("visit-second-documented")).otherwise(pl.lit("visit-second")),
        detail=pl.when("has_25").then(pl.lit("25")),
        column_one=pl.col("hcpcs"),
    )


def visits_one_a_day(line_kinds: LineKinds) -> pl.Series:
    """Whether each line kind is a visit of which one is paid a day."""
    codes = codes_in(line_kinds.code_set, codes_named("visits", "one_a_day"))
    return line_kinds.table["hcpcs"].is_in(codes.implode())


def paid_once_a_day(line_kinds: LineKinds) -> pl.Series:
    """Whether each line kind is such a visit, or the complexity of one."""
    names = {*codes_named("visits", "one_a_day"), rules()["visit_complexity"]["code"]}
    return line_kinds.table["hcpcs"].is_in(codes_in(line_kinds.code_set, names).implode())


def two_visits(code_set: CodeSet) -> pl.DataFrame:
    """Every two codes of visits of which one is paid a day."""
    codes = codes_in(code_set, codes_named("visits", "one_a_day")).to_frame()
    return codes.join(codes.rename({"hcpcs": "hcpcs_two"}), how="cross")


def lesser_of_two(line_kinds: LineKinds, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs in which the second is the lesser visit, or both are equal (`is_tie`); whether either has 25."""
    columns = line_kinds.table.select("hcpcs", "m25", pl.col("nonfacility_total_rvu").fill_null(0).alias("rvu"))
    one, two = columns[pairs["line_kind"]], columns[pairs["line_kind_two"]]
    is_lesser = two["rvu"] <= one["rvu"]
    both = [
        pairs["number"],
        one["hcpcs"],
        (one["m25"] | two["m25"]).alias("has_25"),
        (one["rvu"] == two["rvu"]).alias("is_tie"),
    ]
    return pl.DataFrame(both).filter(is_lesser)


SAME_DAY_VISITS = Edit(find_same_day_visits, reads=("date_of_service", "through_date", "units"))
