"""Medically unlikely edits (MUE): more units of a code than CMS considers possible or likely are all denied.

MAI 1 is a limit per line. MAI 2 and 3 are limits per day: the units of all lines of the code that day, same
practitioner and beneficiary, are added up, and all of them are denied, not the excess (NCCI Policy Manual 2026,
p. I-28). A code without an MUE has none published, which is not "unlimited" (p. I-35): nothing is found here. Whether
units that were discarded (JW) count, the manual does not say: units that exceed the MUE with them alone are for review.
"""

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import NO_FINDINGS, findings_of
from codeset.claims.edits.rules import rules
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import repeat
from codeset.claims.engine.visits import sum_in_visit

REASONS = {1: "mue-line", 2: "mue-day-policy", 3: "mue-day-clinical"}
"""By MAI."""
WASTE = pl.lit("mue-waste")
IS_NEVER_PAID = pl.col("mue_value") == 0
REASON = (
    pl.when(IS_NEVER_PAID)
    .then(pl.lit("mue-none"))
    .when("certain")
    .then(pl.col("mai").replace_strict(REASONS, return_dtype=pl.String))
    .otherwise(WASTE)
)

IS_PER_DAY = pl.col("mai") != 1

DAYS = (pl.col("through_date") - pl.col("date_of_service")).dt.total_days() + 1
# Units of a span are divided by its days and rounded to the nearest whole number, an exact half up (p. I-34).
UNITS_PER_DAY = (
    pl.when(DAYS > 1).then((2 * pl.col("units") + DAYS) // (2 * DAYS)).otherwise(pl.col("units").cast(pl.Int64))
)


def find_mue(lines: Lines) -> Findings:
    """One finding for each line whose units, or whose code's units that day, exceed the MUE."""
    mue_limits = lines.line_kinds.cached(limits_of_kinds)
    # A line that is denied on its own, or that repeats another, has no units that count.
    units = units_per_day(lines.table).zip_with(~lines.is_denied, repeat(0, lines.table.height).cast(pl.Int64))
    counted_units = sum_in_visit(lines, units, key=lines.look_up(mue_limits["day_limit"])).alias("counted")
    is_over = is_exceeded(counted_units, lines.look_up(mue_limits["mue_value"])) & ~lines.is_denied
    if not is_over.any():
        return NO_FINDINGS
    used_units = _without_waste(lines, units, counted_units)
    is_certain = is_exceeded(used_units, lines.look_up(mue_limits["mue_value"])).alias("certain")
    lines_over = pl.DataFrame([lines.table["row"], lines.table["line_kind"], counted_units, is_certain]).filter(is_over)
    return findings_of(
        lines_over.hstack(mue_limits.drop("day_limit")[lines_over["line_kind"]]),
        REASON,
        detail=pl.col("counted"),
        table=pl.lit("mue"),
        column_one=pl.col("hcpcs"),
        mue_value=pl.col("mue_value"),
        mai=pl.col("mai"),
        edition=pl.col("edition"),
    )


def _without_waste(lines: Lines, units: pl.Series, counted_units: pl.Series) -> pl.Series:
    """The units of each line's limit that are not of lines with JW; *counted_units* where no line of a visit has it."""
    is_waste = lines.look_up(lines.line_kinds.table["mJW"])
    if not is_waste.any():
        return counted_units
    mue_limits = lines.line_kinds.cached(limits_of_kinds)
    used_units = units.zip_with(~is_waste, repeat(0, units.len()).cast(pl.Int64))
    return sum_in_visit(lines, used_units, key=lines.look_up(mue_limits["day_limit"]))


def is_exceeded(counted: pl.Series, mue_value: pl.Series) -> pl.Series:
    """Whether more units are counted than the MUE; null where there is none."""
    return counted > mue_value.cast(pl.Int64)


def units_per_day(table: pl.DataFrame) -> pl.Series:
    """The units of each line, those of a span of dates per day."""
    # Most files have no through date at all.
    if table["through_date"].null_count() == table.height:
        return table["units"].cast(pl.Int64)
    return table.select(UNITS_PER_DAY.alias("units")).to_series()


def limits_of_kinds(line_kinds: LineKinds) -> pl.DataFrame:
    """The MUE of each line kind, null if its code has none; `day_limit` numbers the limits per day, else 0."""
    mue_rows = line_kinds.code_set.cached(numbered_limits)
    mue_of_kinds = line_kinds.table.select("release", "hcpcs").join(
        mue_rows, on=["release", "hcpcs"], how="left", maintain_order="left", validate="m:1"
    )
    # 0 is no key of `sum_in_visit`: where the MUE is one of a line, or there is none, the line's own units count.
    day_limit = pl.when(IS_PER_DAY).then("limit").fill_null(0).alias("day_limit")
    return mue_of_kinds.select(day_limit, "hcpcs", "mue_value", "mai", "edition")


def numbered_limits(code_set: CodeSet) -> pl.DataFrame:
    """The MUEs of all releases, each with a number from 1 on; what is billed for reporting alone is not limited."""
    mue_rows = code_set.mue.filter(~pl.col("hcpcs").is_in(rules()["reporting"]["codes"])).select(
        "release", pl.col("hcpcs", "edition").cast(CODE), "mue_value", "mai"
    )
    return mue_rows.with_row_index("limit", offset=1)


MUE = Edit(find_mue, reads=("date_of_service", "through_date", "units"))
