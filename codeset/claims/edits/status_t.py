"""Status T: an injection is paid only if nothing else payable under the fee schedule is billed that day.

Same practitioner, same beneficiary; record layout RVU25D, status code T.
"""

import polars as pl

from codeset.claims.edits.findings import findings_of
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.visits import first_in_visit

IS_INJECTION = pl.col("status_code") == "T"
# What else is payable under the fee schedule has status A or R (record layout RVU25D, attachment A); another injection
# of status T does not count, so that two of them are both paid.
IS_PAYABLE_UNDER_FEE_SCHEDULE = pl.col("status_code").is_in(["A", "R"])


def find_status_t(lines: Lines) -> Findings:
    """One finding for each injection of a visit that has another service which no edit before denies."""
    is_injection, is_payable = (lines.look_up(marks) for marks in lines.line_kinds.cached(injections_and_others))
    table = lines.table.with_columns(first_in_visit(lines, among=is_payable & ~lines.is_denied))
    return findings_of(table.filter(is_injection & table["partner"].is_not_null()), "injection-bundled")


def injections_and_others(line_kinds: LineKinds) -> tuple[pl.Series, pl.Series]:
    """Whether each line kind is an injection of status T, and whether it is another payable service."""
    is_injection, is_other = IS_INJECTION.alias("injection"), IS_PAYABLE_UNDER_FEE_SCHEDULE.alias("other")
    injection_kinds, other_kinds = line_kinds.table.select(is_injection, is_other).fill_null(value=False)
    return injection_kinds, other_kinds


STATUS_T = Edit(find_status_t, concerns=IS_INJECTION)
