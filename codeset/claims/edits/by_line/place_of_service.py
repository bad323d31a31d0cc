"""Places of service: a code of CMS's set that is in force on the date, and that Medicare accepts.

Any other makes the line unprocessable: it is billed anew, not appealed (IOM 100-04 ch. 26, section 10.5, and ch. 1,
section 80.3.1). Code 16 with remark M77: Noridian; unprocessable, MA130: NGS.
"""

from functools import cache

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import findings_of
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Derived, Edit, Findings
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import is_one_of
from codeset.claims.reference.reference_tables import places_of_service

IS_IN_FORCE = pl.col("date_of_service").is_between("first_day", "last_day")


def find_place_of_service(lines: Lines) -> Findings:
    """One finding for each line whose place of service is not in force on its date, or is not Medicare's."""
    lines_with_invalid = lines.table.filter(lines.table["is_invalid_place"].is_not_null())
    places = lines.line_kinds.table["place_of_service"].cast(pl.String)[lines_with_invalid["line_kind"]]
    return findings_of(lines_with_invalid.hstack([places]), "place-not-valid", detail=pl.col("place_of_service"))


def invalid_places(_: pl.DataFrame, table: pl.DataFrame, __: CodeSet) -> pl.DataFrame:
    """`is_invalid_place`: true for lines that have such a place, on a day that a release covers; null for all others.

    So that only these are distinct by their days: the places of nearly all lines are in force on all of them.
    """
    is_invalid = pl.Series("is_invalid_place", [None], dtype=pl.Boolean).new_from_index(0, table.height)
    is_doubtful = table["release"].is_not_null() & ~is_one_of(table["place_of_service"], _in_force_on_all_days(table))
    if not is_doubtful.any():
        return is_invalid.to_frame()
    place = pl.col("place_of_service").cast(pl.String)
    doubtful_lines = table.select("date_of_service", place).with_row_index("position").filter(is_doubtful)
    valid_positions = doubtful_lines.join(accepted_places(), on="place_of_service").filter(IS_IN_FORCE)["position"]
    invalid_positions = doubtful_lines["position"].filter(~doubtful_lines["position"].is_in(valid_positions.implode()))
    return is_invalid.scatter(invalid_positions, values=True).to_frame()


def _in_force_on_all_days(table: pl.DataFrame) -> pl.Series:
    """The places that Medicare accepts on every day from the first to the last of *table*."""
    dates = table["date_of_service"]
    first_day, last_day = (pl.lit(date_bound, dtype=pl.Date) for date_bound in (dates.min(), dates.max()))
    is_in_force_throughout = (pl.col("first_day") <= first_day) & (last_day <= pl.col("last_day"))
    # A place that is in force on every date of the claims needs no look at the date; few, such as 27 (October 1, 2023),
    # begin between two dates.
    return accepted_places().filter(is_in_force_throughout)["place_of_service"].cast(CODE)


@cache
def accepted_places() -> pl.DataFrame:
    """The places of service that Medicare accepts, by the days on which they are in force."""
    return places_of_service().filter("is_accepted")


PLACE_OF_SERVICE = Edit(
    find_place_of_service, derives=(Derived(invalid_places, ("is_invalid_place",)),), needs="is_invalid_place"
)
