"""National payment amounts, in cents: RVUs times conversion factor, exact, rounded half-up once at the end.

The national amount has every GPCI at 1, so that it is total RVU x conversion factor (record layout RVU25D, formula).
Products are of whole numbers: RVUs count hundredths, conversion factors ten-thousandths of a dollar.
"""

from decimal import Decimal

import polars as pl

SETTINGS = ("nonfacility", "facility")

PAYABLE_STATUS = ("A", "R", "T")
"""The status codes whose RVUs Medicare pays by (record layout RVU25D, Status Code)."""


def national_cents(setting: str, conversion_factor: Decimal) -> pl.Expr:
    """Return the national amount in cents for rows of `mpfs`; null where the schedule sets none for *setting*.

    It sets none for a status that is not paid by RVUs, for an NA indicator, and where no RVUs are given.
    """
    hundredths = (pl.col(f"{setting}_total_rvu") * 100).cast(pl.Int64)
    ten_thousandths = int(conversion_factor * 10_000)
    cents = (hundredths * ten_thousandths + 5_000) // 10_000
    payable = pl.col("status_code").is_in(PAYABLE_STATUS) & ~pl.col(f"{setting}_na") & (hundredths > 0)
    return pl.when(payable).then(cents)
