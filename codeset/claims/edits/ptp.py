"""NCCI procedure-to-procedure edits (PTP): the column two code is not paid beside the column one code.

Same beneficiary, practitioner and date (NCCI Policy Manual 2026, p. Intro-3). CCMI 0 is never bypassed, 1 by the NCCI
PTP-associated modifiers, 9 never applies (p. I-14). A bypass rests on documentation (p. I-17).
An edit is in force from its effective date through its deletion date, which is its last active day (p. Intro-7).
"""

from datetime import date, timedelta

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import NO_FINDINGS, reason_columns
from codeset.claims.edits.modifiers import first_modifier
from codeset.claims.edits.rules import rules
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.visits import pairs_in_visit

# CMS keeps rows of edits that were deleted as of the day they began, with modifier indicator 9.
EVER_APPLIES = pl.col("ccmi") != 9
IS_NEVER_BYPASSED = pl.col("ccmi") == 0
IS_BYPASSED = pl.col("bypass").is_not_null()

# Services on one organ or site are not separate (p. I-15).
IS_SAME_SITE = (pl.col("site") != "") & (pl.col("site") == pl.col("site_two"))

VISIT_MODIFIER, VISIT_MODIFIER_TWO = (
    pl.coalesce(
        pl.when(pl.col(f"for_visit{suffix}").str.contains(modifier, literal=True)).then(pl.lit(modifier))
        for modifier in ("25", "57", "24")
    )
    for suffix in ("", "_two")
)
"""On the day itself 25 tells most."""

EITHER_LINE_SINCE: date = rules()["bypass"]["either_line_since"]
"""59 and X{E,P,S,U} count on either line from this day, before that on column two only (CR 11168)."""

BYPASSES = (
    pl.when("is_visit_two").then(VISIT_MODIFIER_TWO),
    pl.when(~pl.col("is_visit_two")).then(first_modifier("distinct_two")),
    first_modifier("other_bypass_two"),
    pl.when(~IS_SAME_SITE).then(first_modifier("site_two")),
    pl.when("is_visit").then(VISIT_MODIFIER),
    pl.when(pl.col("counts_on_either_line") & ~pl.col("is_visit")).then(first_modifier("distinct")),
    first_modifier("other_bypass"),
    pl.when(~IS_SAME_SITE).then(first_modifier("site")),
)
"""The modifiers that bypass an edit; the first that is there is named, those of the column two line before others.

59 and X{E,P,S,U} on a procedure (p. I-17); 24, 25 and 57 on the visit's line (pp. I-13, I-15); the others on either;
anatomic ones on either line unless both name the same site."""

_EDIT_COLUMNS = ("column_one", "column_two", "ccmi", "effective_date", "deletion_date", "edition")
_MODIFIER_COLUMNS = ("is_visit", "distinct", "for_visit", "other_bypass", "site")


def find_ptp(lines: Lines) -> Findings:
    """One finding for each column two line and each edit in force that a line of its visit has against it."""
    pairs, reason_rows = pairs_in_visit(lines, edited_codes, edits_between, first_of_kind=True)
    if pairs.is_empty():
        return NO_FINDINGS
    column_one_rows, column_two_rows, reason_positions = pairs
    # The line that is denied is that of the column two code.
    finding_rows = [column_two_rows.alias("row"), column_one_rows.alias("partner"), reason_positions]
    return Findings(pl.DataFrame(finding_rows), reason_rows)


def dated_edits(code_set: CodeSet) -> pl.DataFrame:
    """The edits that ever apply, with the days on which they are in force."""
    return code_set.ptp.filter(EVER_APPLIES).select(
        "release",
        pl.col("column_one", "column_two").cast(CODE),
        *("ccmi", "effective_date", "deletion_date"),
        pl.col("edition").cast(CODE),
        *("first_day", "last_day"),
    )


def edited_codes(code_set: CodeSet) -> pl.DataFrame:
    """The pairs of codes that have an edit in any release."""
    return code_set.cached(dated_edits).select(hcpcs="column_one", hcpcs_two="column_two").unique()


def edits_between(line_kinds: LineKinds, pairs: pl.DataFrame) -> pl.DataFrame:
    """What each edit between two line kinds says, on the days on which it says it."""
    dated_rows, kind_rows = line_kinds.code_set.cached(dated_edits), line_kinds.table
    first_kinds = kind_rows.select("release", column_one="hcpcs")[pairs["line_kind"]]
    second_kinds = kind_rows.select(column_two="hcpcs")[pairs["line_kind_two"]]
    edit_rows = (
        pairs.hstack(first_kinds).hstack(second_kinds).join(dated_rows, on=["release", "column_one", "column_two"])
    )
    first_modifiers = kind_rows.select(_MODIFIER_COLUMNS)[edit_rows["line_kind"]]
    second_modifiers = kind_rows.select(pl.col(_MODIFIER_COLUMNS).name.suffix("_two"))[edit_rows["line_kind_two"]]
    rows_with_modifiers = split_at(edit_rows.hstack(first_modifiers).hstack(second_modifiers), EITHER_LINE_SINCE)
    rows_with_bypass = rows_with_modifiers.with_columns(pl.coalesce(BYPASSES).alias("bypass"))
    return rows_with_bypass.select("number", "first_day", "last_day", *reason_row())


def split_at(dated_rows: pl.DataFrame, day: date) -> pl.DataFrame:
    """Dated rows, those in force both before *day* and from then on as two; `counts_on_either_line` from then on."""
    day_before, day_itself = pl.lit(day - timedelta(1)), pl.lit(day)
    rows_before = dated_rows.with_columns(
        pl.min_horizontal("last_day", day_before).alias("last_day"), pl.lit(value=False).alias("counts_on_either_line")
    )
    rows_since = dated_rows.with_columns(
        pl.max_horizontal("first_day", day_itself).alias("first_day"), pl.lit(value=True).alias("counts_on_either_line")
    )
    return pl.concat([rows_before, rows_since]).filter(pl.col("first_day") <= pl.col("last_day"))


def reason_row() -> list[pl.Expr]:
    """The reason, and the row of CMS's table."""
    reason = (
        pl.when(IS_NEVER_BYPASSED)
        .then(pl.lit("ptp-never"))
        .when(IS_BYPASSED)
        .then(pl.lit("ptp-bypassed"))
        .when(IS_SAME_SITE)
        .then(pl.lit("ptp-same-site"))
        .otherwise(pl.lit("ptp-no-modifier"))
    )
    # Of a bypassed edit the sentence names the modifier, of two services on one site the site.
    detail = pl.when(IS_BYPASSED).then("bypass").otherwise("site")
    return reason_columns(reason, detail=detail, table=pl.lit("ptp"), **{name: pl.col(name) for name in _EDIT_COLUMNS})


def days_edits_change(code_set: CodeSet) -> list[pl.Series]:
    """The days on which an edit begins or is no longer in force, and the one on which either line began to count."""
    # The last day is still in force: the row no longer holds on the day after it.
    days_after = code_set.ptp["last_day"].unique().dt.offset_by("1d")
    return [code_set.ptp["first_day"], days_after, pl.Series([EITHER_LINE_SINCE], dtype=pl.Date)]


PTP = Edit(find_ptp, reads=("date_of_service",), change_dates=days_edits_change)
