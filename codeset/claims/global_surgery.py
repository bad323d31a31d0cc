"""Global surgery: what the payment of a procedure includes on its day and in the days around it."""

import polars as pl

from codeset.claims.findings import found, together

_MINOR = ("000", "010")
_MAJOR = "090"
_CONTRACTOR = "YYY"
AFTER = {"010": 10, "090": 90}
"""Days after the procedure: 010 is its day and ten more, 090 the day before, its day and ninety more."""

_OFFICE = "11"
_ABOUT = ("global_days", "is_visit", "m24", "m25", "m54", "m55", "m56", "m57", "m58", "m78", "m79", "place_of_service")


_NEVER = pl.DataFrame(
    schema={"visit": pl.UInt32, "surgery": pl.UInt32, "surgery_code": pl.Categorical, "after": pl.Int32}
)


def global_surgery(lines: pl.DataFrame, kinds: pl.DataFrame, denied: pl.Series) -> pl.DataFrame:
    """Findings of global surgery; *denied* rows, those that other edits deny, include nothing and begin no period.

    One practitioner, or group and specialty, and one beneficiary. Visits on the day of a minor procedure need modifier
    25, for new patients too; on the day of a major one 57 (Policy Manual 2026, p. I-13), and on the day before it (IOM
    100-04 ch. 12, section 40.1); in the days after, 24. Procedures in the days after need 58, 78 or 79; 78 begins no
    new period (same chapter, section 40.2).
    """
    about = kinds.filter(pl.col("global_days").is_not_null()).select("kind", *_ABOUT)
    bears = about.filter(pl.col("is_visit") | pl.col("global_days").is_in([*_MINOR, _MAJOR, _CONTRACTOR]))
    known = lines.select("row", "patient", "visit", "hcpcs", "date_of_service", "kind").join(bears, on="kind")
    visits = known.filter(pl.col("is_visit"), pl.col("global_days") != "ZZZ")
    procedures = known.filter(~pl.col("is_visit"))
    surgery = procedures.filter(~pl.col("row").is_in(denied.implode()), ~pl.any_horizontal("m55", "m56")).select(
        "patient",
        "visit",
        "date_of_service",
        "m78",
        pl.col("row").alias("surgery"),
        pl.col("hcpcs").alias("surgery_code"),
        pl.col("global_days").alias("days"),
    )
    if surgery.is_empty():
        return together([])
    days = _several_days(lines)
    period = pl.col("days").is_in(list(AFTER))
    if days.is_empty() or (beside := surgery.filter(period).join(days, on="visit", how="semi")).is_empty():
        return _same_day(visits, surgery)
    return together(_around(visits, procedures, surgery, beside, days))


def _several_days(lines: pl.DataFrame) -> pl.DataFrame:
    """The visits, by patient and day, of patients who have more than one."""
    begins = pl.col("visit").ne_missing(pl.col("visit").shift())
    days = lines.filter(begins).select("visit", "patient", pl.col("date_of_service").alias("day"))
    another = (pl.col("patient") == pl.col("patient").shift()) | (pl.col("patient") == pl.col("patient").shift(-1))
    return days.filter(another)


def _around(
    visits: pl.DataFrame, procedures: pl.DataFrame, surgery: pl.DataFrame, beside: pl.DataFrame, days: pl.DataFrame
) -> list[pl.DataFrame]:
    """What procedures include; *beside* are those with a period that have *days* around them."""
    of_days = procedures.join(days, on="visit", how="semi")
    removed, begun = _that_do_not_count(of_days, beside, days)
    counted = surgery.filter(~pl.col("surgery").is_in(removed.implode()))
    around = [_same_day(visits, counted), _day_before(visits, counted)]
    if begun.is_empty():
        return around
    return [*around, _visits_after(visits, begun), *_procedures_after(of_days, begun)]


def _that_do_not_count(
    procedures: pl.DataFrame, surgery: pl.DataFrame, days: pl.DataFrame
) -> tuple[pl.Series, pl.DataFrame]:
    """The rows that are denied because they fall in a period, and the periods: what is denied begins none itself.

    Whether one is denied hangs on the earlier ones alone, so that each round settles at least one more day.
    """
    unexplained = procedures.filter(~pl.any_horizontal("m58", "m78", "m79"), pl.col("global_days") != _CONTRACTOR)
    left = surgery
    while True:
        begun = _begun(left, days)
        denied = _in_period(unexplained, begun)["row"]
        after = surgery.filter(~pl.col("surgery").is_in(denied.implode()))
        if after.height == left.height and after["surgery"].equals(left["surgery"]):
            return denied, begun
        left = after


def _same_day(visits: pl.DataFrame, surgery: pl.DataFrame) -> pl.DataFrame:
    """Visits beside minor procedures, beside major ones, and beside those whose period the contractor sets."""
    sort = pl.when(pl.col("days").is_in(_MINOR)).then(pl.lit("minor")).otherwise("days")
    here = surgery.select("visit", "surgery", "surgery_code", "days", sort.alias("sort"))
    met = visits.join(_longest(here, "visit", "sort"), on="visit")
    modifier = pl.when(sort="minor").then(pl.lit("25")).when(sort=_MAJOR).then(pl.lit("57"))
    documented = (pl.col("m25") & (pl.col("sort") == "minor")) | (pl.col("m57") & (pl.col("sort") == _MAJOR))
    reason = (
        pl.when(documented)
        .then(pl.lit("global-visit-documented"))
        .when(sort="minor")
        .then(pl.lit("global-visit-same-day"))
        .when(sort=_MAJOR)
        .then(pl.lit("global-visit-major"))
        .otherwise(pl.lit("global-by-contractor"))
    )
    return _finding(met, reason, pl.when(documented).then(modifier).otherwise("days"))


def _longest(surgery: pl.DataFrame, *day: str) -> pl.DataFrame:
    """The procedure of the longest period of each *day*."""
    return surgery.sort("days", "surgery", descending=[True, False]).unique(day, keep="first")


def _day_before(visits: pl.DataFrame, surgery: pl.DataFrame) -> pl.DataFrame:
    tomorrow = surgery.filter(days=_MAJOR).with_columns(pl.col("date_of_service").dt.offset_by("-1d"))
    day = ("patient", "date_of_service")
    met = visits.join(_longest(tomorrow.drop("visit", "m78"), *day), on=day)
    reason = pl.when("m57").then(pl.lit("global-visit-documented")).otherwise(pl.lit("global-visit-major"))
    return _finding(met, reason, pl.when("m57").then(pl.lit("57")).otherwise("days"))


def _visits_after(visits: pl.DataFrame, begun: pl.DataFrame) -> pl.DataFrame:
    reason = pl.when("m24").then(pl.lit("global-visit-documented")).otherwise(pl.lit("global-visit-after"))
    detail = pl.when("m24").then(pl.lit("24")).otherwise(pl.col("after").cast(pl.String))
    return _finding(_in_period(visits, begun), reason, detail)


def _procedures_after(procedures: pl.DataFrame, begun: pl.DataFrame) -> list[pl.DataFrame]:
    met = _in_period(procedures.filter(pl.col("global_days") != _CONTRACTOR), begun)
    staged = pl.when("m58").then(pl.lit("58")).when("m79").then(pl.lit("79"))
    reason = (
        pl.when(staged.is_not_null())
        .then(pl.lit("global-new-period"))
        .when("m78")
        .then(pl.lit("global-return"))
        .otherwise(pl.lit("global-procedure-after"))
    )
    returned = pl.when("m78").then(pl.lit("78")).otherwise(pl.col("after").cast(pl.String))
    office = met.filter("m78", pl.col("place_of_service").cast(pl.String) == _OFFICE)
    return [
        _finding(met, reason, pl.coalesce(staged, returned)),
        _finding(office, "global-return-in-office", pl.lit(_OFFICE)),
    ]


def _in_period(lines: pl.DataFrame, begun: pl.DataFrame) -> pl.DataFrame:
    """*lines* of visits that fall in a period, each with the procedure that began it."""
    return lines.join(begun, on="visit")


def _begun(surgery: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """The visits that fall in the days after a procedure of an earlier day, each with the nearest such procedure.

    All periods of one kind are equally long, so that the nearest earlier procedure of each kind tells. *days* are the
    visits, by patient and day.
    """
    last = (
        surgery.filter(~pl.col("m78"), pl.col("days").is_in(list(AFTER)))
        .select("visit", "days", "surgery", "surgery_code")
        .sort("surgery")
        .unique(["visit", "days"], keep="last")
    )
    met = [_earlier(days, of_kind, AFTER[kind]) for (kind,), of_kind in last.group_by("days")]
    return pl.concat([_NEVER, *met]).sort("visit", "after").unique("visit", keep="first")


def _earlier(days: pl.DataFrame, begins: pl.DataFrame, after: int) -> pl.DataFrame:
    """The visits with the nearest procedure of an earlier day, if that is at most *after* days ago."""
    begun = ("patient_begun", "day_begun", "surgery", "surgery_code")
    is_first = pl.col("surgery").is_not_null()
    return (
        days.join(begins.drop("days"), on="visit", how="left", maintain_order="left")
        .with_columns(pl.when(is_first).then(each).alias(f"{each}_begun") for each in ("patient", "day"))
        .with_columns(pl.col(begun).shift().forward_fill())
        .filter(
            pl.col("patient") == pl.col("patient_begun"),
            (pl.col("day") - pl.col("day_begun")).dt.total_days() <= after,
        )
        .select("visit", "surgery", "surgery_code", pl.lit(after, pl.Int32).alias("after"))
    )


def _finding(met: pl.DataFrame, reason: str | pl.Expr, detail: pl.Expr) -> pl.DataFrame:
    return found(
        met,
        reason,
        partner=pl.col("surgery"),
        detail=detail,
        table=pl.lit("mpfs"),
        column_one=pl.col("surgery_code"),
        column_two=pl.col("hcpcs"),
    )
