"""How an amount came about: what each rule and each rounding left of it, as rows and as sentences."""

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from codeset import wording
from codeset.claims.engine.ranks import numbered_within
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
"""The columns of steps: `step` counts from 1 for each line, `before` and `after` are billionths of a dollar."""


def steps_of(lines: pl.DataFrame) -> pl.LazyFrame:
    """Return the amounts after each rule that applied; nothing is computed until it is asked for."""
    lazy = lines.lazy().filter(pl.col("fee").is_not_null())
    exact, fee = pl.col("exact_fee"), pl.col("fee") * CENT
    steps = [
        _step(lazy, "relative-values", _formula_text(), pl.lit(None), exact),
        _step(lazy, "fee-schedule-amount", pl.lit("rounded half-up to the cent, as CMS publishes it"), exact, fee),
    ]
    # A rule that does not apply has no step: the next one begins with what the last one left.
    before = fee
    for rule in REDUCTIONS:
        after = pl.when(pl.col("amount").is_not_null()).then(rule.after)
        steps.append(_step(lazy, rule.rule, rule.factor, before, after))
        before = pl.coalesce(rule.after, before)
    amount, schedule, allowed = pl.col("amount"), pl.col("schedule") * CENT, pl.col("allowed_cents") * CENT
    rounding, charge = pl.lit("rounded half-up to the cent"), pl.lit("the charge is lower")
    steps.append(_step(lazy, "cents", rounding, amount, pl.when(amount != schedule).then(schedule)))
    steps.append(_step(lazy, "actual-charge", charge, schedule, pl.when(allowed != schedule).then(allowed)))
    ordered = pl.concat([step.with_columns(order=pl.lit(order)) for order, step in enumerate(steps)])
    return numbered_within(ordered.sort("row", "order"), "row", "step").select(STEPS.keys())


def _step(lines: pl.LazyFrame, rule: str, factor: pl.Expr, before: pl.Expr, after: pl.Expr) -> pl.LazyFrame:
    return lines.select(
        "row",
        pl.lit(rule).alias("rule"),
        factor.cast(pl.String).alias("factor"),
        before.cast(pl.Int64).alias("before"),
        after.cast(pl.Int64).alias("after"),
    ).filter(pl.col("after").is_not_null())


def _formula_text() -> pl.Expr:
    parts = [
        pl.format("{} {} x {}", pl.lit(name), _decimal_text(f"{part}_rvu", 2), _decimal_text(f"{part}_gpci", 3))
        for name, part in (("work", "work"), ("PE", "pe"), ("MP", "mp"))
    ]
    return pl.format("({} + {} + {}) x {}", *parts, _decimal_text("conversion_factor", 4))


def _decimal_text(column: str, places: int) -> pl.Expr:
    scale = 10**places
    whole, rest = pl.col(column) // scale, (pl.col(column) % scale).cast(pl.String).str.zfill(places)
    return pl.format("{}.{}", whole, rest)


# --- in sentences


def derivation(row_amounts: Mapping[str, Any], steps: pl.DataFrame | pl.LazyFrame) -> list[str]:
    """Return how a line's amount came about: a sentence for each factor and each rounding, then the outcome.

    *row_amounts* is the line's row of `Priced.amounts`, *steps* those of any lines.
    """
    line_steps = steps.lazy().filter(pl.col("row") == row_amounts["row"]).sort("step").collect()
    return [*(_sentence(step) for step in line_steps.iter_rows(named=True)), *_outcome(row_amounts)]


def _sentence(step: Mapping[str, Any]) -> str:
    before = "" if step["before"] is None else f"{exact_dollars(step['before'])} -> "
    return f"{step['step']}. {step['rule']}: {before}{exact_dollars(step['after'])} ({step['factor']})"


def _outcome(amounts: Mapping[str, Any]) -> list[str]:
    why = ", ".join(wording.AMOUNT_REVIEWS[name] for name in amounts["reviews"] or ())
    reviews = [f"To be reviewed: {why}."] if why else []
    if amounts["unpriced"]:
        return [f"{wording.UNPRICED[amounts['unpriced']]}.", *reviews]
    share = f"{amounts['payment_percent'].normalize():f}% of fee x units before rounding"
    names = ("allowed_cents", "nonparticipating_cents", "limiting_cents")
    allowed, nonparticipating, limiting = (exact_dollars(amounts[name] * CENT) for name in names)
    return [
        *_priced_as(amounts.get("specialty")),
        f"Allowed ({amounts['setting']}): {allowed}, {share}.",
        f"Nonparticipating: {nonparticipating}; limiting charge: {limiting}.",
        *reviews,
    ]


def _priced_as(specialty: str | None) -> list[str]:
    """As whom a line is priced, where its specialty does not say it: codes of Medicare have two digits."""
    if not specialty:
        return ["Priced as a physician: no specialty is given."]
    is_known = re.fullmatch(r"[0-9A-Z][0-9]|[0-9]{3}[0-9A-Z]{6}X", specialty)
    return [] if is_known else ["Priced as a physician: the specialty is no Medicare code (two digits) or taxonomy."]


def exact_dollars(billionths: int) -> str:
    """Return an exact amount in dollars, with at least two decimals and no rounding."""
    whole, rest = divmod(billionths, 100 * CENT)
    return f"${whole}.{f'{rest:09d}'.rstrip('0').ljust(2, '0')}"
