"""Add-on code edits (AOC): an add-on code is paid only beside one of its primary codes that is paid itself.

The primary is there when it is on the same day by the same practitioner (NCCI Policy Manual 2026, p. I-35). Type 1 has
a closed list of primaries: without a payable one the add-on is denied (p. I-27). Types 2 and 3 leave primaries to the
contractor: for review (pp. I-35, I-36). Denial passes on: an add-on may be the primary of another one.
"""

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import NO_FINDINGS, findings_of
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import is_member
from codeset.claims.engine.validity import rows_in_force, validity_intervals
from codeset.claims.engine.visits import pairs_in_visit
from codeset.tables import CONTRACTOR_DEFINED

# A row deleted on its effective date never applied; the deletion date is the last active day (p. Intro-7).
NEVER_APPLIES = pl.col("deletion_date").eq_missing(pl.col("effective_date"))
FIRST_DAY = pl.max_horizontal("first_day", "first")
LAST_DAY = pl.min_horizontal("last_day", "last")

# Not valid for Medicare, not covered, bundled, for reporting, deleted (record layout RVU25D, attachment A): whatever is
# billed beside such a code, it is not paid.
NEVER_PAID = pl.col("status_code").is_in(["B", "D", "F", "G", "H", "I", "M", "N", "P", "Q"])
IS_LEFT_TO_CONTRACTOR = pl.col("add_on_type") != 1
HAS_PRIMARY = pl.col("partner").is_not_null()

REASON = (
    pl.when(HAS_PRIMARY)
    .then(pl.lit("add-on-primary-denied"))
    .when("is_open")
    .then(pl.lit("add-on-primary-by-contractor"))
    .otherwise(pl.lit("add-on-without-primary"))
)
DETAIL = pl.when(~HAS_PRIMARY & pl.col("is_open")).then(pl.col("add_on_type").cast(pl.String)).otherwise("primaries")


def find_add_on(lines: Lines) -> Findings:
    """One finding for each add-on code without a primary code that is paid."""
    add_ons = rows_in_force(lines, add_on_kinds)
    if add_ons.is_empty():
        return NO_FINDINGS
    pairs, _ = pairs_in_visit(lines, add_ons_and_primaries, primary_rows)
    lonely_add_ons = without_paid_primary(add_ons, pairs, lines.denied)
    if lonely_add_ons.is_empty():
        return NO_FINDINGS
    # A primary that is there and denied decides the reason, and is the line that the finding points to.
    first_primaries = pairs.sort("row", "row_two").unique("row", keep="first").select("row", partner="row_two")
    return findings_of(
        lonely_add_ons.join(first_primaries, on="row", how="left"),
        REASON,
        detail=DETAIL,
        table=pl.lit("add_on"),
        column_one=pl.col("hcpcs"),
        effective_date=pl.col("effective_date"),
        deletion_date=pl.col("deletion_date"),
        edition=pl.col("edition"),
    )


def without_paid_primary(add_ons: pl.DataFrame, pairs: pl.DataFrame, denied_rows: pl.Series) -> pl.DataFrame:
    """Those of *add_ons* of which no primary (`row_two` of *pairs*) is paid; *denied_rows* is what other edits deny.

    An add-on that is denied for want of a primary is no paid primary of another one: so on until no more is denied.
    """
    has_primary = is_member(add_ons["row"], pairs["row"])
    # Of an open list the contractor may know another primary: only one that is there and denied decides (p. I-36).
    may_deny = ~add_ons["is_open"] | has_primary
    unpaid_rows = denied_rows
    # Rows that are lost only become more, so that this ends, after at most as many rounds as add-ons depend on add-ons.
    while True:
        paid_add_ons = pairs["row"].filter(~is_member(pairs["row_two"], unpaid_rows))
        is_alone = ~is_member(add_ons["row"], paid_add_ons)
        unpaid_rows_now = pl.concat([denied_rows, add_ons["row"].filter(is_alone & may_deny)])
        if unpaid_rows_now.len() == unpaid_rows.len():
            return add_ons.filter(is_alone)
        unpaid_rows = unpaid_rows_now


def dated_rows(code_set: CodeSet) -> pl.DataFrame:
    """The rows that ever apply, from their first to their last day in the release."""
    rows_in_releases = code_set.add_on.join(code_set.releases.select("release", "first", "last"), on="release")
    applicable_rows = rows_in_releases.filter(~NEVER_APPLIES).select(
        "release",
        pl.col("add_on_code").cast(CODE).alias("hcpcs"),
        pl.col("primary_code").cast(CODE).alias("hcpcs_two"),
        *("add_on_type", "effective_date", "deletion_date"),
        pl.col("edition").cast(CODE),
        FIRST_DAY.alias("first_day"),
        LAST_DAY.alias("last_day"),
    )
    return applicable_rows.filter(pl.col("first_day") <= pl.col("last_day"))


def add_on_intervals(code_set: CodeSet) -> pl.DataFrame:
    """For each add-on code the intervals on which the same rows apply, and what these rows say together.

    `is_open`: the contractor may know other primaries. `primaries`: those that are listed, as text.
    """
    interval_rows = validity_intervals(code_set.cached(dated_rows), ["release", "hcpcs"])
    listed_primary = pl.col("hcpcs_two").cast(pl.String)
    # Of types 2 and 3 a row may stand for the contractor's own primaries: it names no code (p. I-36).
    primaries = listed_primary.filter(listed_primary != CONTRACTOR_DEFINED).unique().sort().str.join(", ")
    return interval_rows.group_by("interval").agg(
        pl.col("release", "hcpcs", "first_day", "last_day", "edition").first(),
        pl.col("effective_date", "deletion_date", "add_on_type").max(),
        IS_LEFT_TO_CONTRACTOR.any().alias("is_open"),
        pl.when(primaries != "").then(primaries).alias("primaries"),
    )


def add_on_kinds(line_kinds: LineKinds) -> pl.DataFrame:
    """The intervals of the line kinds that have an add-on code which may be paid."""
    payable_kinds = line_kinds.table.filter(~NEVER_PAID.fill_null(value=False))
    codes_of_kinds = payable_kinds.select("line_kind", "release", "hcpcs")
    return codes_of_kinds.join(line_kinds.code_set.cached(add_on_intervals), on=["release", "hcpcs"])


def add_ons_and_primaries(code_set: CodeSet) -> pl.DataFrame:
    """The add-on codes with their primary codes."""
    return code_set.cached(dated_rows).select("hcpcs", "hcpcs_two").unique()


def primary_rows(line_kinds: LineKinds, pairs: pl.DataFrame) -> pl.DataFrame:
    """The days on which a row lists the second line kind's code as a primary of the first one's."""
    first_kinds = line_kinds.table.select("line_kind", "release", "hcpcs")
    second_kinds = first_kinds.select(pl.col("line_kind", "hcpcs").name.suffix("_two"))
    columns = ("release", "hcpcs", "hcpcs_two", "first_day", "last_day")
    dated_primaries = line_kinds.code_set.cached(dated_rows).select(columns)
    kind_pairs = pairs.join(first_kinds, on="line_kind").join(second_kinds, on="line_kind_two")
    listed_pairs = kind_pairs.join(dated_primaries, on=["release", "hcpcs", "hcpcs_two"])
    return listed_pairs.select("number", "first_day", "last_day")


def days_rows_change(code_set: CodeSet) -> list[pl.Series]:
    """The days on which a row begins or no longer applies."""
    # The deletion date still counts: another row holds from the day after it.
    return [code_set.add_on["first_day"], code_set.add_on["last_day"].unique().dt.offset_by("1d")]


ADD_ON = Edit(find_add_on, reads=("date_of_service",), change_dates=days_rows_change)
