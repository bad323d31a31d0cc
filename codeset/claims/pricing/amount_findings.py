"""What the price finds: amounts that a person must look at, and lines without an amount for what was billed."""

from collections.abc import Iterator

import polars as pl

from codeset.claims.edits.findings import findings_of
from codeset.claims.engine.edit import Findings
from codeset.claims.pricing.price import LinePrices
from codeset.claims.pricing.unpriced import FACTORS_UNKNOWN, NO_AMOUNT

IS_FOR_REVIEW = (pl.col("reviews").list.len() > 0).alias("for_review")
IS_PRICED = pl.col("unpriced").is_null() | pl.col("unpriced").is_in(FACTORS_UNKNOWN)
IS_OF_OTHER_SETTING = (pl.col("is_na") & IS_PRICED).fill_null(value=False).alias("other_setting")
HAS_NO_AMOUNT = pl.col("unpriced").is_in(NO_AMOUNT).fill_null(value=False).alias("without")
SETTING_NAMES = {"facility": "a facility", "nonfacility": "the office"}


def amount_findings(line_prices: LinePrices) -> Iterator[Findings]:
    """Yield a finding for each amount for review, of the other setting, or of nothing, and for each that is missing."""
    for_review, of_other_setting, without_amount = (
        of_cases[line_prices.case]
        for of_cases in line_prices.cases.select(IS_FOR_REVIEW, IS_OF_OTHER_SETTING, HAS_NO_AMOUNT)
    )
    # Nothing charged: no payment is due. Nothing left by the rules: the payment is in that of another line, for review.
    is_nothing_due = line_prices.allowed == 0
    if is_nothing_due.any():
        due_nothing = line_prices.filter(is_nothing_due)
        yield findings_of(
            due_nothing.amounts.hstack([due_nothing.lines["charge_cents"]]),
            pl.when(pl.col("charge_cents") == 0)
            .then(pl.lit("amount-no-charge"))
            .otherwise(pl.lit("amount-nothing-left")),
        )
    if of_other_setting.any():
        amounts = line_prices.filter(of_other_setting).amounts
        yield findings_of(
            amounts, "amount-of-other-setting", detail=pl.col("setting").cast(pl.String).replace(SETTING_NAMES)
        )
    if for_review.any():
        yield findings_of(
            line_prices.filter(for_review).amounts, "amount-to-review", detail=pl.col("reviews").list.join(", ")
        )
    if without_amount.any():
        yield findings_of(line_prices.filter(without_amount).amounts, "no-amount", detail=pl.col("unpriced"))
