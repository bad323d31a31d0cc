"""The derivation of one line's amount, in sentences."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from codeset.claims.pricing.fee import CENT


def explain(row_amounts: Mapping[str, Any], steps: pl.DataFrame | pl.LazyFrame) -> list[str]:
    """Return the derivation of a line: *row_amounts* is its row of `Priced.amounts`, *steps* those of any lines.

    One sentence for each factor and each rounding, then the outcome.
    """
    own = steps.lazy().filter(pl.col("row") == row_amounts["row"]).sort("step").collect()
    return [*(_sentence(step) for step in own.iter_rows(named=True)), *_outcome(row_amounts)]


def _sentence(step: Mapping[str, Any]) -> str:
    before = "" if step["before"] is None else f"{dollars(step['before'])} -> "
    return f"{step['step']}. {step['rule']}: {before}{dollars(step['after'])} ({step['factor']})"


def _outcome(amounts: Mapping[str, Any]) -> list[str]:
    reviews = [f"To be reviewed: {', '.join(amounts['reviews'])}."] if amounts["reviews"] else []
    if amounts["unpriced"]:
        return [f"No amount: {amounts['unpriced']}.", *reviews]
    share = f"{amounts['payment_percent'].normalize():f} % of fee x units before rounding"
    beside = [_money(amounts[each]) for each in ("nonparticipating_cents", "limiting_cents")]
    return [
        f"Allowed ({amounts['setting']}): {_money(amounts['allowed_cents'])}, {share}.",
        f"Nonparticipating: {beside[0]}; limiting charge: {beside[1]}.",
        *reviews,
    ]


def dollars(billionths: int) -> str:
    """Return an exact amount in dollars, with at least two decimals and no rounding."""
    whole, rest = divmod(billionths, 100 * CENT)
    return f"${whole}.{f'{rest:09d}'.rstrip('0').ljust(2, '0')}"


def _money(cents: int) -> str:
    return dollars(cents * CENT)
