"""Medically unlikely edits: more units than CMS holds possible or likely."""

import polars as pl

from codeset.claims.code_set import CodeSet
from codeset.claims.findings import found
from codeset.claims.lines import CODE, in_one

_REASONS = {1: "mue-line", 2: "mue-day-policy", 3: "mue-day-clinical"}


def mue(lines: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Findings of medically unlikely edits: one for each line all of whose units are denied.

    MAI 1 looks at each line; MAI 2 and 3 sum all lines of the code on the day, same practitioner and beneficiary, and
    deny all units of that day, not the excess (Policy Manual 2026, p. I-28). Units of a span of dates are divided by
    its days and rounded to the nearest whole number, an exact half up (p. I-34). A code without an MUE has none
    published, which is not "unlimited" (p. I-35): nothing is said of it here.
    """
    limited = (
        lines.select("row", "visit", "hcpcs", "release", _units_a_day().alias("daily"))
        .with_columns(_limit().alias("limit"))
        .join(code_set.made(_edits), on="limit")
        .with_columns(in_one(pl.col("visit"), pl.col("hcpcs").to_physical()).alias("same"))
        .with_columns(pl.col("same").is_duplicated().alias("again"))
    )
    split = limited.filter("again").group_by("same").agg(pl.col("daily").sum().alias("that_day"))
    over = (
        limited.filter(pl.col("again") | (pl.col("daily") > pl.col("mue_value")))
        .join(split, on="same", how="left")
        .with_columns(
            pl.when(pl.col("mai") == 1).then("daily").otherwise(pl.coalesce("that_day", "daily")).alias("counted")
        )
        .filter(pl.col("counted") > pl.col("mue_value"))
    )
    return found(
        over,
        pl.col("mai").replace_strict(_REASONS, return_dtype=pl.String),
        detail=pl.col("counted"),
        table=pl.lit("mue"),
        column_one=pl.col("hcpcs"),
        mue_value=pl.col("mue_value"),
        mai=pl.col("mai"),
        edition=pl.col("edition"),
    )


def _edits(code_set: CodeSet) -> pl.DataFrame:
    edits = code_set.mue.with_columns(pl.col("hcpcs", "edition").cast(CODE))
    return edits.select(_limit().alias("limit"), "mue_value", "mai", "edition")


def _limit() -> pl.Expr:
    """Release and code in one number."""
    return in_one(pl.col("release"), pl.col("hcpcs").to_physical())


def _units_a_day() -> pl.Expr:
    """The line's units, divided by the days that it spans and rounded half-up."""
    days = (pl.col("through_date").fill_null(pl.col("date_of_service")) - pl.col("date_of_service")).dt.total_days() + 1
    units = pl.col("units").cast(pl.Int64)
    return pl.when(days > 1).then((2 * units + days) // (2 * days)).otherwise(units)
