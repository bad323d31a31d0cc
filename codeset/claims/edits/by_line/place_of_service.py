"""Places of service: a code of CMS's set that is in force on the date, and that Medicare accepts.

Any other makes the line unprocessable: it is billed anew, not appealed (IOM 100-04 ch. 26, section 10.5, and ch. 1,
section 80.3.1). Code 16 with remark M77: Noridian; unprocessable, MA130: NGS.
"""

from datetime import date

import polars as pl

from codeset.claims.edits.findings import NONE, findings_of
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.reference.reference_tables import places_of_service

IS_IN_FORCE = pl.col("date_of_service").is_between("first_day", "last_day")


def find_place_of_service(lines: Lines) -> Findings:
    """One finding for each line whose place of service is not in force on its date, or is not Medicare's."""
    is_doubtful = lines.look_up(lines.line_kinds.cached(doubtful_places))
    if not is_doubtful.any():
        return NONE
    doubtful = lines.table.filter(is_doubtful)
    place = lines.line_kinds.table["place_of_service"].cast(pl.String)[doubtful["line_kind"]]
    doubtful = doubtful.with_columns(place.alias("place_of_service"))
    accepted = places_of_service().filter("is_accepted")
    valid = doubtful.join(accepted, on="place_of_service").filter(IS_IN_FORCE).select("row")
    return findings_of(doubtful.join(valid, on="row", how="anti"), "place-not-valid", detail=pl.col("place_of_service"))


def doubtful_places(line_kinds: LineKinds) -> pl.Series:
    """Whether each line kind has a place that is not in force, and Medicare's, on every day of its release."""
    days = line_kinds.code_set.releases.select("release", "first", "last")
    per_kind = line_kinds.table.select("line_kind", "release", pl.col("place_of_service").cast(pl.String))
    accepted = places_of_service().filter("is_accepted")
    every_day = (pl.col("first_day") <= pl.col("first")) & (pl.col("last") <= pl.col("last_day"))
    sure = per_kind.join(days, on="release").join(accepted, on="place_of_service").filter(every_day)
    has_release = line_kinds.table["release"].is_not_null()
    return has_release & ~line_kinds.table["line_kind"].is_in(sure["line_kind"].implode())


def change_dates(_: CodeSet) -> list[pl.Series]:
    """The first days of places, and the days after their last ones."""
    places = places_of_service()
    ended = places.filter(pl.col("last_day") < date.max)
    return [places["first_day"], ended["last_day"].dt.offset_by("1d")]


PLACE_OF_SERVICE = Edit(find_place_of_service, reads=("date_of_service",), change_dates=change_dates)
