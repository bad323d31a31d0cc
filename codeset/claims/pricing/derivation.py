"""How an amount came about: what each rule left of it."""

import polars as pl

from codeset.claims.pricing.fee import CENT
from codeset.claims.pricing.reductions import REDUCTIONS

STEPS = {
    "row": pl.UInt32(),
    "step": pl.Int64(),
    "rule": pl.String(),
    "factor": pl.String(),
    "before": pl.Int64(),
    "after": pl.Int64(),
}


def steps_of(lines: pl.DataFrame) -> pl.LazyFrame:
    """Return the amounts after each rule that said something; nothing is computed until it is asked for."""
    lazy = lines.lazy().filter(pl.col("fee").is_not_null())
    exact, fee = pl.col("exact_fee"), pl.col("fee") * CENT
    told = [
        _step(lazy, "relative-values", _formula(), pl.lit(None), exact),
        _step(lazy, "fee-schedule-amount", pl.lit("rounded half-up to the cent, as CMS publishes it"), exact, fee),
    ]
    before = fee
    for each in REDUCTIONS:
        told.append(
            _step(lazy, each.rule, each.factor, before, pl.when(pl.col("amount").is_not_null()).then(each.after))
        )
        before = pl.coalesce(each.after, before)
    amount, schedule, allowed = pl.col("amount"), pl.col("schedule") * CENT, pl.col("allowed_cents") * CENT
    cut = pl.lit("rounded half-up to the cent")
    told.append(_step(lazy, "cents", cut, amount, pl.when(amount != schedule).then(schedule)))
    charge = pl.lit("the charge is lower")
    told.append(_step(lazy, "actual-charge", charge, schedule, pl.when(allowed != schedule).then(allowed)))
    steps = pl.concat([each.with_columns(order=pl.lit(place)) for place, each in enumerate(told)])
    numbered = steps.sort("row", "order").with_columns(pl.int_range(1, pl.len() + 1).over("row").alias("step"))
    return numbered.select("row", "step", "rule", "factor", "before", "after")


def _step(lines: pl.LazyFrame, rule: str, factor: pl.Expr, before: pl.Expr, after: pl.Expr) -> pl.LazyFrame:
    return lines.select(
        "row",
        pl.lit(rule).alias("rule"),
        factor.cast(pl.String).alias("factor"),
        before.cast(pl.Int64).alias("before"),
        after.cast(pl.Int64).alias("after"),
    ).filter(pl.col("after").is_not_null())


def _formula() -> pl.Expr:
    parts = [
        pl.format("{} {} x {}", pl.lit(name), _decimal(f"{part}_rvu", 2), _decimal(f"{part}_gpci", 3))
        for name, part in (("work", "work"), ("PE", "pe"), ("MP", "mp"))
    ]
    return pl.format("({} + {} + {}) x {}", *parts, _decimal("conversion_factor", 4))


def _decimal(column: str, places: int) -> pl.Expr:
    scale = 10**places
    whole, rest = pl.col(column) // scale, (pl.col(column) % scale).cast(pl.String).str.zfill(places)
    return pl.format("{}.{}", whole, rest)
