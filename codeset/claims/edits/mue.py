"""Medically unlikely edits: more units than CMS holds possible or likely."""

from typing import NamedTuple

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import NONE, Findings, findings_of, telling
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.line_kinds import Kinds
from codeset.claims.engine.lines import partners
from codeset.claims.engine.series import pack_u64

_REASONS = {1: "mue-line", 2: "mue-day-policy", 3: "mue-day-clinical"}


def mue(lines: pl.DataFrame, kinds: Kinds) -> Findings:
    """Findings of medically unlikely edits: one for each line all of whose units are denied.

    MAI 1 looks at each line; MAI 2 and 3 sum all lines of the code on the day, same practitioner and beneficiary, and
    deny all units of that day, not the excess (Policy Manual 2026, p. I-28). Units of a span of dates are divided by
    its days and rounded to the nearest whole number, an exact half up (p. I-34). A code without an MUE has none
    published, which is not "unlimited" (p. I-35): nothing is said of it here.
    """
    limits, kind = kinds.made(_limits), lines["kind"]
    counted = _counted(_units_a_day(lines), lines["visit"], limits.by_day[kind])
    over = counted > limits.most[kind]
    if not over.any():
        return NONE
    told = pl.DataFrame({"row": lines["row"].filter(over), "detail": counted.filter(over).cast(pl.String)})
    return findings_of(told.hstack(limits.told[kind.filter(over)]))


class _Limits(NamedTuple):
    """The MUE of each kind of line: what is told of it, its units, and a number if they are those of a day."""

    told: pl.DataFrame
    most: pl.Series
    by_day: pl.Series


def _limits(kinds: Kinds) -> _Limits:
    edits = kinds.code_set.made(_edits)
    rows = kinds.table.select("release", "hcpcs").join(
        edits, on=["release", "hcpcs"], how="left", maintain_order="left", validate="m:1"
    )
    by_day = rows.select(pl.when(pl.col("mai") != 1).then("limit").fill_null(0)).to_series()
    return _Limits(rows.select(_TELLING), rows["mue_value"].cast(pl.Int64), by_day)


def _edits(code_set: CodeSet) -> pl.DataFrame:
    edits = code_set.mue.select("release", pl.col("hcpcs").cast(CODE), "mue_value", "mai", pl.col("edition").cast(CODE))
    return edits.with_row_index("limit", offset=1)


def _counted(units: pl.Series, visit: pl.Series, limit: pl.Series) -> pl.Series:
    """The units that count for each line: those of the day where another line of the visit has the same *limit*."""
    again = []
    for one, two in partners(visit):
        same = (limit[one] == limit[two]) & (limit[one] != 0)
        again += [one.filter(same), two.filter(same)]
    places = pl.concat(again).unique() if again else visit.clear()
    if places.is_empty():
        return units
    split = pl.DataFrame({"visit": visit[places], "limit": limit[places], "units": units[places]})
    that_day = pl.col("units").sum().over(pack_u64(pl.col("visit"), pl.col("limit")))
    return units.clone().scatter(places, split.select(that_day).to_series())


def _units_a_day(lines: pl.DataFrame) -> pl.Series:
    """The units of each line, divided by the days that it spans and rounded half-up."""
    through = lines["through_date"]
    if through.null_count() == through.len():
        return lines["units"].cast(pl.Int64)
    return lines.select(_DAILY).to_series()


def _daily() -> pl.Expr:
    days = (pl.col("through_date").fill_null(pl.col("date_of_service")) - pl.col("date_of_service")).dt.total_days() + 1
    units = pl.col("units").cast(pl.Int64)
    return pl.when(days > 1).then((2 * units + days) // (2 * days)).otherwise(units)


_DAILY = _daily()

_TELLING = telling(
    pl.col("mai").replace_strict(_REASONS, return_dtype=pl.String),
    table=pl.lit("mue"),
    column_one=pl.col("hcpcs"),
    mue_value=pl.col("mue_value"),
    mai=pl.col("mai"),
    edition=pl.col("edition"),
)
