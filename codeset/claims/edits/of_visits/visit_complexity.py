"""G2211, the complexity of a visit, beside an office visit with modifier 25.

Denied from 2024-01-01 (CY 2024 PFS final rule; CR 13272). From 2025-01-01 paid where a Part B preventive service, an
annual wellness visit, or the administration of a vaccine is billed that day by the same practitioner (CY 2025 PFS final
rule; CR 13705). Of the 152 codes that CMS lists 81 are known here: a service that could be among the others is for
review; surgery, pathology, drugs, and visits are on no such list.
"""

import polars as pl

from codeset.claims.edits.findings import findings_of
from codeset.claims.edits.rules import codes_counted, codes_in, codes_named, rules
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.visits import first_in_visit
from codeset.claims.reference.reference_tables import preventive_services

IS_DENIED_PERIOD = pl.col("date_of_service") >= rules()["visit_complexity"]["denied_since"]
HAS_EXCEPTION = pl.col("date_of_service") >= rules()["visit_complexity"]["preventive_since"]
# A visit without 25 on the day may be the one that G2211 adds to.
IS_BESIDE_25 = pl.col("visit_with_25") & ~pl.col("visit_without_25")
IS_PAID_BY_EXCEPTION = HAS_EXCEPTION & pl.col("preventive")
# CMS lists 152 codes, 81 of them are known here.
MAY_BE_EXCEPTION = HAS_EXCEPTION & pl.col("maybe_preventive")
REASON = pl.when(MAY_BE_EXCEPTION).then(pl.lit("complexity-maybe-preventive")).otherwise(pl.lit("complexity-beside-25"))


def find_visit_complexity(lines: Lines) -> Findings:
    """One finding for each G2211 of which every visit of the day has 25, unless a preventive service is there."""
    kind_marks = lines.line_kinds.cached(marks_of_kinds)
    is_complexity = lines.look_up(kind_marks["is_complexity"])
    is_billed = ~lines.is_denied
    first_rows_by_mark = {
        mark_name: first_in_visit(lines, among=lines.look_up(kind_marks[f"is_{mark_name}"]) & is_billed)
        for mark_name in ("visit_with_25", "visit_without_25", "preventive", "maybe_preventive")
    }
    table = lines.table.with_columns(
        first_rows_by_mark["visit_with_25"].alias("partner"),
        **{mark_name: first_rows.is_not_null() for mark_name, first_rows in first_rows_by_mark.items()},
    )
    beside_25 = table.filter(is_complexity & is_billed).filter(IS_DENIED_PERIOD, IS_BESIDE_25, ~IS_PAID_BY_EXCEPTION)
    return findings_of(beside_25, REASON)


def marks_of_kinds(line_kinds: LineKinds) -> pl.DataFrame:
    """What each line kind is to the rule."""
    code_set = line_kinds.code_set
    is_complexity, is_visit, is_preventive, is_never, is_other_visit = (
        pl.col("hcpcs").is_in(codes.implode())
        for codes in (
            codes_in(code_set, [rules()["visit_complexity"]["code"]]),
            codes_in(code_set, codes_named("visit_complexity", "visits")),
            codes_in(code_set, preventive_services()),
            codes_counted(code_set, "visit_complexity", "not_preventive"),
            codes_in(code_set, codes_named("visits", "one_a_day")),
        )
    )
    return line_kinds.table.select(
        is_complexity.alias("is_complexity"),
        (is_visit & pl.col("m25")).alias("is_visit_with_25"),
        (is_visit & ~pl.col("m25")).alias("is_visit_without_25"),
        is_preventive.alias("is_preventive"),
        (~is_preventive & ~is_never & ~is_other_visit & ~is_complexity).alias("is_maybe_preventive"),
    )


def change_dates(_: CodeSet) -> list[pl.Series]:
    """The days on which the rule begins and is relaxed."""
    rule_dates = rules()["visit_complexity"]
    # Dates of service on both sides of these may not share an answer.
    return [pl.Series([rule_dates["denied_since"], rule_dates["preventive_since"]], dtype=pl.Date)]


VISIT_COMPLEXITY = Edit(
    find_visit_complexity,
    concerns=pl.col("hcpcs") == rules()["visit_complexity"]["code"],
    reads=("date_of_service",),
    change_dates=change_dates,
)
