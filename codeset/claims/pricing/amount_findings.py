"""What the price finds: amounts that a person must look at, and lines without an amount for what was billed."""

from collections.abc import Iterator

import polars as pl

from codeset.claims.edits.findings import found
from codeset.claims.engine.edit import Findings
from codeset.claims.pricing.price import Priced
from codeset.claims.pricing.unpriced import NO_AMOUNT

IS_FOR_REVIEW = pl.col("reviews").list.len() > 0
HAS_NO_AMOUNT = pl.col("unpriced").is_in(NO_AMOUNT).fill_null(value=False)


def amount_findings(priced: Priced) -> Iterator[Findings]:
    """Yield a finding for each amount for review, and for each line that the fee schedule gives no amount for."""
    for_review, without = (
        of_case[priced.case]
        for of_case in priced.cases.select(IS_FOR_REVIEW.alias("for_review"), HAS_NO_AMOUNT.alias("without"))
    )
    if for_review.any():
        yield found(priced.only(for_review).amounts, "amount-to-review", detail=pl.col("reviews").list.join(", "))
    if without.any():
        yield found(priced.only(without).amounts, "no-amount", detail=pl.col("unpriced"))
