"""Visits in the global period of surgery by the group in another specialty, where a practitioner is no physician.

Care after surgery is not payable to any member of the surgeon's group, physician or not (NGS, FAQ on E/M services,
Global Period Services; G0559's own words name the group, too). But the period is that of a practitioner, or of a group
and specialty (IOM 100-04 ch. 12, sections 30.6.5 and 40.1), and Medicare enrolls nurse practitioners, clinical nurse
specialists, and physician assistants under specialties of their own, which may work with any physician of the group:
the visit is for review, and with 24 it rests on the record.
"""

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.by_line.mohs_practitioner import IS_NO_PHYSICIAN
from codeset.claims.edits.findings import findings_of
from codeset.claims.edits.rules import codes_named
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Derived, Edit, Findings
from codeset.claims.engine.lines import IS_ONE_OF_A_GROUP, Lines
from codeset.claims.engine.series import is_one_of
from codeset.claims.engine.visits import as_earlier_service, latest_of_each

PERIOD_DAYS = {"010": 10, "090": 90}
"""Days after the procedure: 010 is its day and ten more, 090 the day before, its day and ninety more (RVU25D)."""

# As text, for columns are derived before lines have kinds with a flag for each modifier.
HAS_NO_PERIOD = r"\b(55|56|78)\b"
"""Care before or after surgery alone, and a return, begin no period (IOM ch. 12, section 40.2)."""

UNRELATED = r"\b24\b"
IS_OTHER_SPECIALTY = pl.col("specialty") != pl.col("specialty_before")
IS_DOUBTFUL = pl.col("is_no_physician") | pl.col("is_no_physician_before")
IS_IN_PERIOD = (pl.col("date_of_service") - pl.col("date_before")).dt.total_days().is_between(1, pl.col("period"))

REASON = pl.when("is_unrelated").then(pl.lit("global-visit-documented")).otherwise(pl.lit("global-visit-of-group"))
DETAIL = pl.when("is_unrelated").then(pl.lit("24"))


def find_surgery_of_group(lines: Lines) -> Findings:
    """One finding for each visit in the global period of the group's surgery in another specialty."""
    visits = lines.table.filter(lines.table["group_surgery"].is_not_null() & ~lines.is_denied)
    modifiers = lines.line_kinds.table["modifiers"][visits["line_kind"]].cast(pl.String)
    is_unrelated = modifiers.str.contains(UNRELATED).alias("is_unrelated")
    return findings_of(
        visits.select("row", "surgery_code", partner="group_surgery_row").hstack([is_unrelated]),
        REASON,
        detail=DETAIL,
        table=pl.lit("mpfs"),
        column_one=pl.col("surgery_code"),
    )


def group_surgeries(frame: pl.DataFrame, table: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """`group_surgery`, `surgery_code`, and `group_surgery_row`: the group's latest surgery whose period a visit is in.

    `group_surgery` is how many lines of *table* after the visit's it is, below 0 where it is before; null for others.
    """
    latest_surgeries = _latest_of_group(frame, code_set) if _has_non_physician(frame) else None
    surgery_columns = as_earlier_service("group_surgery", latest_surgeries, table)
    surgery_rows = surgery_columns["group_surgery_row"]
    surgery_codes = (
        frame["hcpcs"].cast(CODE)[surgery_rows].alias("surgery_code")
        if latest_surgeries is not None
        else surgery_rows.cast(pl.String).cast(CODE)
    )
    return surgery_columns.hstack([surgery_codes.alias("surgery_code")])


def _has_non_physician(frame: pl.DataFrame) -> bool:
    specialties = frame.select(pl.col("specialty").filter(IS_ONE_OF_A_GROUP).unique())
    return not specialties.filter(IS_NO_PHYSICIAN).is_empty()


def _latest_of_group(frame: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """`row` of visits, and `row_before`: the latest surgery whose period leaves in doubt whether they are paid."""
    columns_read = frame.select("beneficiary", "group", "specialty", "date_of_service", "modifiers", "hcpcs")
    group_lines = columns_read.with_row_index("row").filter(IS_ONE_OF_A_GROUP)
    group_lines = group_lines.with_columns(pl.col("hcpcs").cast(CODE), IS_NO_PHYSICIAN.alias("is_no_physician"))
    period_of_codes = code_set.fees.select(
        pl.col("hcpcs").cast(CODE), pl.col("global_days").replace_strict(PERIOD_DAYS, default=None).alias("period")
    )
    surgeries = (
        group_lines.filter(~pl.col("modifiers").cast(pl.String).str.contains(HAS_NO_PERIOD))
        .join(period_of_codes.drop_nulls().unique(), on="hcpcs")
        .select(
            "beneficiary",
            "group",
            "period",
            row_before="row",
            specialty_before="specialty",
            date_before="date_of_service",
            is_no_physician_before="is_no_physician",
        )
    )
    visits = group_lines.filter(is_one_of(group_lines["hcpcs"], code_set.cached(visits_in_periods)))
    visits_and_surgeries = visits.join(surgeries, on=["beneficiary", "group"])
    return latest_of_each(visits_and_surgeries.filter(IS_OTHER_SPECIALTY & IS_DOUBTFUL & IS_IN_PERIOD))


def visits_in_periods(code_set: CodeSet) -> pl.Series:
    """The codes of visits but for add-on codes, which are denied with their visit."""
    visit_codes = pl.Series(sorted(codes_named("visits", "codes")), dtype=CODE)
    is_visit = pl.col("hcpcs").cast(CODE).is_in(visit_codes.implode())
    visit_fees = code_set.fees.filter(is_visit, pl.col("global_days") != "ZZZ")
    return visit_fees["hcpcs"].unique().cast(CODE)


GROUP_SURGERIES = Derived(group_surgeries, ("group_surgery", "surgery_code"), carried=("group_surgery_row",))
SURGERY_OF_GROUP = Edit(find_surgery_of_group, needs="group_surgery", derives=(GROUP_SURGERIES,))
