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
    """Return the amounts after each rule that applied; nothing is computed until it is collected."""
    priced_lines = lines.lazy().filter(pl.col("fee").is_not_null())
    exact_fee, published_fee = pl.col("exact_fee"), pl.col("fee") * CENT
    rounding_of_cms = pl.lit("rounded half-up to the cent, as CMS publishes it")
    steps = [
        _step(priced_lines, "relative-values", _formula_text(), pl.lit(None), exact_fee),
        _step(priced_lines, "fee-schedule-amount", rounding_of_cms, exact_fee, published_fee),
    ]
    # A rule that does not apply has no step: the next one begins with what the last one left.
    amount_before = published_fee
    for reduction in REDUCTIONS:
        amount_after = pl.when(pl.col("amount").is_not_null()).then(reduction.after)
        steps.append(_step(priced_lines, reduction.rule, reduction.factor, amount_before, amount_after))
        amount_before = pl.coalesce(reduction.after, amount_before)
    exact, schedule, allowed = pl.col("amount"), pl.col("schedule") * CENT, pl.col("allowed_cents") * CENT
    rounding_text, charge_text = pl.lit("rounded half-up to the cent"), pl.lit("the charge is lower")
    steps.append(_step(priced_lines, "cents", rounding_text, exact, pl.when(exact != schedule).then(schedule)))
    steps.append(
        _step(priced_lines, "actual-charge", charge_text, schedule, pl.when(allowed != schedule).then(allowed))
    )
    # Rules that did not apply to a line have left no row: what is left is numbered without gaps.
    ordered_steps = pl.concat([step.with_columns(order=pl.lit(rule_order)) for rule_order, step in enumerate(steps)])
    return numbered_within(ordered_steps.sort("row", "order"), "row", "step").select(STEPS.keys())


def _step(
    priced_lines: pl.LazyFrame, rule_name: str, factor_text: pl.Expr, amount_before: pl.Expr, amount_after: pl.Expr
) -> pl.LazyFrame:
    return priced_lines.select(
        "row",
        pl.lit(rule_name).alias("rule"),
        factor_text.cast(pl.String).alias("factor"),
        amount_before.cast(pl.Int64).alias("before"),
        amount_after.cast(pl.Int64).alias("after"),
    ).filter(pl.col("after").is_not_null())


def _formula_text() -> pl.Expr:
    component_texts = [
        pl.format(
            "{} {} x {}", pl.lit(name), _decimal_text(f"{component}_rvu", 2), _decimal_text(f"{component}_gpci", 3)
        )
        for name, component in (("work", "work"), ("PE", "pe"), ("MP", "mp"))
    ]
    return pl.format("({} + {} + {}) x {}", *component_texts, _decimal_text("conversion_factor", 4))


def _decimal_text(column: str, places: int) -> pl.Expr:
    scale = 10**places
    whole_part, decimal_part = pl.col(column) // scale, (pl.col(column) % scale).cast(pl.String).str.zfill(places)
    return pl.format("{}.{}", whole_part, decimal_part)


def derivation(row_amounts: Mapping[str, Any], steps: pl.DataFrame | pl.LazyFrame) -> list[str]:
    """Return how a line's amount came about: a sentence for each factor and each rounding, then the outcome.

    *row_amounts* is the line's row of `LinePrices.amounts`, *steps* those of any lines.
    """
    line_steps = steps.lazy().filter(pl.col("row") == row_amounts["row"]).sort("step").collect()
    step_sentences = map(_step_sentence, line_steps.iter_rows(named=True))
    return [*step_sentences, *_outcome_sentences(row_amounts)]


def _step_sentence(step_row: Mapping[str, Any]) -> str:
    before_text = "" if step_row["before"] is None else f"{exact_dollars(step_row['before'])} -> "
    amounts = f"{before_text}{exact_dollars(step_row['after'])}"
    return f"{step_row['step']}. {step_row['rule']}: {amounts} ({step_row['factor']})"


def _outcome_sentences(row_amounts: Mapping[str, Any]) -> list[str]:
    review_reasons = ", ".join(wording.AMOUNT_REVIEWS[name] for name in row_amounts["reviews"] or ())
    review_sentences = [f"To be reviewed: {review_reasons}."] if review_reasons else []
    if row_amounts["unpriced"]:
        return [f"{wording.UNPRICED[row_amounts['unpriced']]}.", *review_sentences]
    share_text = f"{row_amounts['payment_percent'].normalize():f}% of fee x units before rounding"
    amount_columns = ("allowed_cents", "nonparticipating_cents", "limiting_cents")
    allowed, nonparticipating, limiting = (exact_dollars(row_amounts[name] * CENT) for name in amount_columns)
    return [
        *_specialty_sentences(row_amounts.get("specialty")),
        f"Allowed ({row_amounts['setting']}): {allowed}, {share_text}.",
        f"Nonparticipating: {nonparticipating}; limiting charge: {limiting}.",
        *review_sentences,
    ]


def _specialty_sentences(specialty: str | None) -> list[str]:
    """As whom a line is priced, where its specialty does not say it: codes of Medicare have two digits."""
    if not specialty:
        return ["Priced as a physician: no specialty is given."]
    is_known = re.fullmatch(r"[0-9A-Z][0-9]|[0-9]{3}[0-9A-Z]{6}X", specialty)
    return [] if is_known else ["Priced as a physician: the specialty is no Medicare code (two digits) or taxonomy."]


def exact_dollars(billionths: int) -> str:
    """Return an exact amount in dollars, with at least two decimals and no rounding."""
    dollars, billionths_of_dollar = divmod(billionths, 100 * CENT)
    return f"${dollars}.{f'{billionths_of_dollar:09d}'.rstrip('0').ljust(2, '0')}"
