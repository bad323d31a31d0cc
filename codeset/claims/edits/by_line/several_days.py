"""Procedures of several days on one line: which of them are of one day, and so reduced, the line does not say.

Several procedures, and several tests, of one day are paid the highest in full and the others less (record layout
RVU25D, Multiple Procedure; IOM 100-04 ch. 12, section 40.6). A span with several units is priced as if all were of its
first day, the least that may be due: for review.
"""

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, findings_of
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines

REDUCED_INDICATORS = ("2", "3", "4", "5", "6", "7")

IS_OF_SEVERAL_DAYS = (pl.col("through_date") > pl.col("date_of_service")) & (pl.col("units") > 1)


def find_several_days(lines: Lines) -> Findings:
    """One finding for each line with several units over several days of a service that is reduced beside others."""
    # Most files have no through date at all.
    if lines.table["through_date"].null_count() == lines.table.height:
        return NO_FINDINGS
    is_reduced = lines.look_up(lines.line_kinds.cached(reduced_kinds)) & ~lines.is_denied
    spans = lines.table.filter(is_reduced).filter(IS_OF_SEVERAL_DAYS)
    return findings_of(spans, "amount-of-several-days", detail=pl.col("units").cast(pl.String))


def reduced_kinds(line_kinds: LineKinds) -> pl.Series:
    """Whether each line kind is a service of which several of one day are reduced."""
    is_reduced = pl.col("multiple_procedure").is_in(REDUCED_INDICATORS).fill_null(value=False)
    return line_kinds.table.select(is_reduced).to_series()


SEVERAL_DAYS = Edit(find_several_days, reads=("date_of_service", "through_date", "units"))
