"""One visit a day: of two visits to one practitioner, or one group and specialty, the lesser is denied.

Unless they were for unrelated problems that one encounter could not meet (IOM 100-04 ch. 12, sections 30.6.5 and
30.6.7.B): with 25 the contractor decides, who denies the second at first and pays it on appeal with the record
(Novitas). Code B14 is the one made for it; that contractors use it, and not 18, was not found. Two units on one line
are two visits: what contractors make of such a line was not found, so that it is for review.
"""

from dataclasses import replace

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, combine_findings, findings_of
from codeset.claims.edits.mue import units_per_day
from codeset.claims.edits.rules import codes_in, codes_named, rules
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import filter_rows, starts_group
from codeset.claims.engine.visits import pairs_in_visit

# With 25 on either the contractor decides on the record; without, the lesser visit is denied.
REASON = pl.when("has_25").then(pl.lit("visit-second-documented")).otherwise(pl.lit("visit-second"))
DETAIL = pl.when("has_25").then(pl.lit("25"))


def find_same_day_visits(lines: Lines) -> Findings:
    """One finding for each line with more than one visit, and for the lesser of two that no edit before denies."""
    is_paid_once = lines.look_up(lines.line_kinds.cached(paid_once_a_day))
    lines_paid_once = filter_rows(lines.table, is_paid_once & ~lines.is_denied)
    if lines_paid_once.is_empty():
        return NO_FINDINGS
    visits = filter_rows(lines.table, lines.look_up(lines.line_kinds.cached(visits_one_a_day)) & ~lines.is_denied)
    return combine_findings([_findings_of_units(lines_paid_once), _findings_of_two_lines(lines, visits)])


def _findings_of_units(lines_paid_once: pl.DataFrame) -> Findings:
    """Those of *lines_paid_once* a day that have more than one unit."""
    units_of_lines = units_per_day(lines_paid_once)
    units_by_row = pl.DataFrame([lines_paid_once["row"], units_of_lines.alias("units")])
    several_units = filter_rows(units_by_row, units_of_lines > 1)
    if several_units.is_empty():
        return NO_FINDINGS
    return findings_of(several_units, "visit-units", detail=pl.col("units").cast(pl.String))


def _findings_of_two_lines(lines: Lines, visits: pl.DataFrame) -> Findings:
    """The lesser of two of *visits* on one day."""
    if starts_group(visits["visit"]).all():
        return NO_FINDINGS
    pairs, lesser_rows = pairs_in_visit(replace(lines, table=visits), two_visits, lesser_of_two)
    # Of two equal visits the later one is the lesser.
    is_lesser = ~pl.col("is_tie") | (pl.col("row") < pl.col("row_two"))
    visit_pairs = pairs.hstack(lesser_rows[pairs["reason_row"]]).filter(is_lesser)
    lesser_visits = visit_pairs.sort("row_two", "row").unique("row_two", keep="first", maintain_order=True)
    return findings_of(
        lesser_visits.select(pl.col("row_two").alias("row"), pl.col("row").alias("partner"), "hcpcs", "has_25"),
        REASON,
        detail=DETAIL,
        column_one=pl.col("hcpcs"),
    )


def visits_one_a_day(line_kinds: LineKinds) -> pl.Series:
    """Whether each line kind is a visit of which one is paid a day."""
    codes = codes_in(line_kinds.code_set, codes_named("visits", "one_a_day"))
    return line_kinds.table["hcpcs"].is_in(codes.implode())


def paid_once_a_day(line_kinds: LineKinds) -> pl.Series:
    """Whether each line kind is such a visit, or the complexity of one."""
    codes_paid_once = {*codes_named("visits", "one_a_day"), rules()["visit_complexity"]["code"]}
    return line_kinds.table["hcpcs"].is_in(codes_in(line_kinds.code_set, codes_paid_once).implode())


def two_visits(code_set: CodeSet) -> pl.DataFrame:
    """Every two codes of visits of which one is paid a day."""
    visit_codes = codes_in(code_set, codes_named("visits", "one_a_day")).to_frame()
    return visit_codes.join(visit_codes.rename({"hcpcs": "hcpcs_two"}), how="cross")


def lesser_of_two(line_kinds: LineKinds, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs in which the second is the lesser visit, or both are equal (`is_tie`); whether either has 25."""
    # A visit without RVUs is the lesser of any two.
    visit_columns = line_kinds.table.select("hcpcs", "m25", pl.col("nonfacility_total_rvu").fill_null(0).alias("rvu"))
    first_visits, second_visits = visit_columns[pairs["line_kind"]], visit_columns[pairs["line_kind_two"]]
    is_lesser = second_visits["rvu"] <= first_visits["rvu"]
    pair_columns = [
        pairs["number"],
        first_visits["hcpcs"],
        (first_visits["m25"] | second_visits["m25"]).alias("has_25"),
        (first_visits["rvu"] == second_visits["rvu"]).alias("is_tie"),
    ]
    return pl.DataFrame(pair_columns).filter(is_lesser)


SAME_DAY_VISITS = Edit(find_same_day_visits, reads=("date_of_service", "through_date", "units"))
