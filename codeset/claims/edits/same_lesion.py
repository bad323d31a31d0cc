"""One lesion: one removal, and what belongs to it. Said only of lines that name the lesion they belong to."""

from functools import cache

import polars as pl

from codeset.claims.edits.findings import NONE, Findings, found, together
from codeset.claims.edits.rules import rules
from codeset.claims.engine.line_kinds import Kinds
from codeset.scope import codes_of


def same_lesion(lines: pl.DataFrame, kinds: Kinds, denied: pl.Series, lesions: pl.Series) -> Findings:
    """Findings of lines that name the same lesion on one day (NCCI Policy Manual 2026, ch. III).

    *denied* rows, those that other edits deny, include nothing and are not the one removal that is paid; *lesions* are
    the lesions by row, null where none is named.
    """
    if lesions.null_count() == lesions.len():
        return NONE
    told = pl.DataFrame({"lesion": lesions}).with_row_index("row").drop_nulls()
    about = kinds.table.select("kind", "distinct", "m58", "global_days", "nonfacility_total_rvu")
    named = (
        lines.join(told, on="row")
        .join(about, on="kind")
        .with_columns(
            pl.col("hcpcs")
            .cast(pl.String)
            .replace_strict(_families(), default=None, return_dtype=pl.String)
            .alias("part")
        )
        .filter(pl.col("part").is_not_null())
        .with_columns(pl.col("row").is_in(denied.implode()).alias("is_denied"))
    )
    removals = _one_removal(named)
    paid = named.filter(~pl.col("is_denied")).join(removals.found, on="row", how="anti")
    return together([removals, _included(named, paid)])


@cache
def _families() -> dict[str, str]:
    codes = rules()["lesion"]["codes"]
    return {code: family for family, spans in codes.items() for span in spans for code in codes_of(span)}


def _one_removal(lines: pl.DataFrame) -> Findings:
    """All removals of a lesion but the one that is paid: the first by kind as in the rules, then by what it pays."""
    order = {part: place for place, part in enumerate(rules()["lesion"]["removals"])}
    removals = (
        lines.filter(pl.col("part").is_in(list(order)))
        .with_columns(pl.col("part").replace_strict(order, return_dtype=pl.UInt8).alias("place"))
        .sort("is_denied", "place", "nonfacility_total_rvu", "row", descending=[False, False, True, False])
    )
    lesion = ("visit", "lesion")
    first = removals.with_columns(
        pl.col("row").first().over(lesion).alias("partner"), pl.col("part").first().over(lesion).alias("first")
    )
    stages = (pl.col("part") == "mohs") & (pl.col("first") == "mohs")
    other = (pl.col("row") != pl.col("partner")) & ~stages & (pl.col("global_days") != "ZZZ")
    return found(first.filter(other), "lesion-one-removal", partner=pl.col("partner"), detail=pl.col("lesion"))


def _included(lines: pl.DataFrame, paid: pl.DataFrame) -> Findings:
    """What belongs to another line of the same lesion, one of *paid* that belongs to none itself."""
    met = _belonging(lines, paid)
    wholes = paid.join(met, on="row", how="anti")
    once = _belonging(lines, wholes).sort("row", "partner").unique("row", keep="first")
    return found(
        once,
        "lesion-included",
        partner=pl.col("partner"),
        detail=pl.col("lesion"),
        column_one=pl.col("whole_code"),
        column_two=pl.col("hcpcs"),
    )


def _belonging(lines: pl.DataFrame, wholes: pl.DataFrame) -> pl.DataFrame:
    """Each of *lines* with each of *wholes* of the same lesion that includes it."""
    includes = [(whole, part) for whole, parts in rules()["lesion"]["includes"].items() for part in parts]
    table = pl.DataFrame(includes, schema=["whole", "part"], orient="row")
    including = wholes.select(
        "visit",
        "lesion",
        pl.col("row").alias("partner"),
        pl.col("hcpcs").alias("whole_code"),
        pl.col("part").alias("whole"),
        pl.col("m58").alias("whole_m58"),
    ).join(table, on="whole")
    before_mohs = (pl.col("whole") == "mohs") & pl.col("part").is_in(rules()["lesion"]["before_mohs"])
    separate = (pl.col("distinct") != "") | pl.col("m58") | pl.col("whole_m58")
    return lines.join(including, on=["visit", "lesion", "part"]).filter(~(before_mohs & separate))
