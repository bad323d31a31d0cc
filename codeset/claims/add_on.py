"""Add-on code edits: an add-on code is paid only beside one of its primary codes that is paid itself."""

import polars as pl

from codeset.claims.code_set import CodeSet
from codeset.claims.findings import REASON, found, of_severity, together
from codeset.claims.lines import CODE
from codeset.tables import CONTRACTOR_DEFINED


def add_on(lines: pl.DataFrame, code_set: CodeSet, denied: pl.Series) -> pl.DataFrame:
    """Findings of add-on code edits; *denied* are the rows that other edits deny.

    The primary is there when it is on the same day by the same practitioner (Policy Manual 2026, p. I-35). Type 1 has a
    closed list of primaries: without a payable one the add-on is denied (p. I-27). Types 2 and 3 leave primaries to the
    contractor: for review (pp. I-35, I-36). Denial passes on: an add-on may be the primary of another one.
    """
    relations = _relations(lines, code_set)
    if relations.is_empty():
        return together([])
    met = relations.join(
        lines.select("visit", pl.col("hcpcs").alias("primary_code"), pl.col("row").alias("primary")),
        on=["visit", "primary_code"],
        how="left",
    )
    lost = denied = denied.unique()
    while True:
        judged = _judged(met, lost)
        told = judged.filter(of_severity("deny"))["row"]
        after = pl.concat([denied, told]).unique()
        if after.len() == lost.len():
            return _findings(judged, met)
        lost = after


def _relations(lines: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """The primaries in force for each add-on line on its date."""
    never = pl.col("deletion_date") == pl.col("effective_date")
    edits = code_set.add_on.filter(pl.col("deletion_date").is_null() | ~never).select(
        "release",
        pl.col("add_on_code", "primary_code").cast(CODE),
        (pl.col("add_on_type") != 1).alias("open"),
        "add_on_type",
        "effective_date",
        "deletion_date",
        pl.col("edition").cast(CODE),
    )
    dated = lines.filter(pl.col("release").is_not_null()).select("row", "visit", "hcpcs", "release", "date_of_service")
    return dated.join(edits, left_on=["release", "hcpcs"], right_on=["release", "add_on_code"]).filter(
        pl.col("effective_date") <= pl.col("date_of_service"),
        pl.col("deletion_date").is_null() | (pl.col("date_of_service") <= pl.col("deletion_date")),
    )


def _judged(met: pl.DataFrame, lost: pl.Series) -> pl.DataFrame:
    """One row for each add-on line that has no payable primary: why."""
    present = pl.col("primary").is_not_null()
    told = met.with_columns((present & ~pl.col("primary").is_in(lost.implode())).alias("payable"))
    without = told.join(told.filter("payable").select("row").unique(), on="row", how="anti")
    lines = without.group_by("row").agg(
        present.any().alias("present"),
        pl.col("open").any(),
        pl.col("add_on_type").max(),
        pl.col("primary").min().alias("partner"),
        pl.col("effective_date", "deletion_date").max(),
        pl.col("edition", "hcpcs", "release").first(),
    )
    reason = (
        pl.when(pl.col("present"))
        .then(pl.lit("add-on-primary-denied"))
        .when(pl.col("open"))
        .then(pl.lit("add-on-primary-by-contractor"))
        .otherwise(pl.lit("add-on-without-primary"))
    )
    return lines.with_columns(reason.cast(REASON).alias("reason"))


def _findings(judged: pl.DataFrame, met: pl.DataFrame) -> pl.DataFrame:
    """The findings, with the primaries that the table lists for the add-on code."""
    listed = met.select("release", "hcpcs", pl.col("primary_code").cast(pl.String)).unique()
    primaries = (
        listed.filter(pl.col("primary_code") != CONTRACTOR_DEFINED)
        .group_by("release", "hcpcs")
        .agg(pl.col("primary_code").sort().str.join(", ").alias("primaries"))
    )
    by_contractor = pl.col("reason") == "add-on-primary-by-contractor"
    return found(
        judged.join(primaries, on=["release", "hcpcs"], how="left"),
        pl.col("reason"),
        partner=pl.col("partner"),
        detail=pl.when(by_contractor).then(pl.col("add_on_type").cast(pl.String)).otherwise("primaries"),
        table=pl.lit("add_on"),
        column_one=pl.col("hcpcs"),
        effective_date=pl.col("effective_date"),
        deletion_date=pl.col("deletion_date"),
        edition=pl.col("edition"),
    )
