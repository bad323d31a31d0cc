"""Two lesions are not two sides: RT on one line and LT on another of a code that has no two sides is one procedure.

Bilateral indicator 0: both sides together are paid as one (record layout RVU25D, Bilateral Surgery; NCCI Policy Manual
2026, p. I-30). Whether two lesions were treated, the two modifiers do not say: the contractor decides on the second
line. 59, X{EPSU}, 76 or 77 beside them says so (WPS, "Billing of bilateral procedures"; NGS on duplicate denials).
"""

from dataclasses import replace

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import NO_FINDINGS, findings_of
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.visits import pairs_in_visit

IS_ONE_SIDE = (
    pl.col("site").is_in(["RT", "LT"])
    & (pl.col("bilateral_surgery") == "0").fill_null(value=False)
    & (pl.col("distinct") == "")
    & (pl.col("repeated") == "")
)


def find_two_sides(lines: Lines) -> Findings:
    """One finding for each line of one side that has a line of the other side before it."""
    is_one_side = lines.look_up(lines.line_kinds.cached(one_sides_of_kinds)) & ~lines.is_denied
    if not is_one_side.any():
        return NO_FINDINGS
    one_sided_lines = replace(lines, table=lines.table.filter(is_one_side))
    pairs, side_rows = pairs_in_visit(one_sided_lines, same_codes, other_side)
    if pairs.is_empty():
        return NO_FINDINGS
    # Pairs come in both orders: the later line is the one that the contractor decides on.
    side_pairs = pairs.hstack(side_rows[pairs["reason_row"]]).filter(pl.col("row") < pl.col("row_two")).sort("row")
    second_sides = side_pairs.unique("row_two", keep="first", maintain_order=True)
    return findings_of(
        second_sides.select(pl.col("row_two").alias("row"), pl.col("row").alias("partner"), "hcpcs"),
        "two-sides",
        table=pl.lit("mpfs"),
        column_one=pl.col("hcpcs"),
    )


def same_codes(code_set: CodeSet) -> pl.DataFrame:
    """Return every code with itself."""
    hcpcs = code_set.fees["hcpcs"].unique().cast(CODE)
    return pl.DataFrame({"hcpcs": hcpcs, "hcpcs_two": hcpcs})


def one_sides_of_kinds(line_kinds: LineKinds) -> pl.Series:
    """Whether each line kind names one side of a code that has no two, and nothing that tells lesions apart."""
    return line_kinds.table.select(IS_ONE_SIDE).to_series()


def other_side(line_kinds: LineKinds, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs of line kinds with different sides."""
    sites_of_kinds, hcpcs_of_kinds = line_kinds.table["site"], line_kinds.table["hcpcs"]
    is_other_side = sites_of_kinds[pairs["line_kind"]] != sites_of_kinds[pairs["line_kind_two"]]
    return pl.DataFrame([pairs["number"], hcpcs_of_kinds[pairs["line_kind"]]]).filter(is_other_side)


TWO_SIDES = Edit(find_two_sides, concerns=IS_ONE_SIDE)
