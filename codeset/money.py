"""Payment amounts of the fee schedule, in cents: RVUs times conversion factor, exact, rounded half-up once at the end.

The national amount has every GPCI at 1, so that it is total RVU x conversion factor (record layout RVU25D, formula).
Products are of whole numbers: RVUs count hundredths, GPCIs thousandths, conversion factors ten-thousandths of a dollar.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from codeset.wording import NONE

SETTINGS = ("nonfacility", "facility")

PAYABLE_STATUS = ("A", "R", "T")
"""The status codes whose RVUs Medicare pays by (record layout RVU25D, Status Code)."""


@dataclass(frozen=True)
class Gpci:
    """The geographic practice cost indices of a locality: what each kind of RVU counts there."""

    work: Decimal
    pe: Decimal
    mp: Decimal


NATION = Gpci(Decimal(1), Decimal(1), Decimal(1))


def dollars(cents: int | None) -> str:
    """Return an amount as `$1,234.56`; a dash where there is none."""
    return NONE if cents is None else f"${cents // 100:,}.{cents % 100:02d}"


def signed_dollars(cents: int | None) -> str:
    """Return a change of amount with its sign: `+$1.29`, `−$1.29`, `$0.00`."""
    return NONE if cents is None else f"{'+' if cents > 0 else '−' if cents < 0 else ''}{dollars(abs(cents))}"


def rounded_dollars(cents: int) -> str:
    """Return a large amount in whole dollars, with its sign if it is negative: `$205,114`."""
    return f"{'−' if cents < 0 else ''}${round(Decimal(abs(cents)) / 100):,}"


def signed_rounded_dollars(cents: int) -> str:
    """Return a large change in whole dollars, with its sign: `+$205,114`."""
    return f"{'+' if cents > 0 else ''}{rounded_dollars(cents)}"


def decimal_dollars(cents: int | None) -> Decimal | None:
    """Return an amount in dollars as a number, for a workbook's cell."""
    return None if cents is None else Decimal(cents) / 100


def national_cents(setting: str, conversion_factor: Decimal) -> pl.Expr:
    """Return the national amount in cents for rows of `mpfs`; null where the schedule sets none for *setting*.

    It sets none for a status that is not paid by RVUs, for an NA indicator, and where no RVUs are given.
    """
    # Whole numbers: hundredths of an RVU times ten-thousandths of a dollar are millionths, exact in 64 bits. 5,000 is
    # half a cent of them.
    hundredths = (pl.col(f"{setting}_total_rvu") * 100).cast(pl.Int64)
    ten_thousandths = int(conversion_factor * 10_000)
    return pl.when(_is_payable(setting)).then((hundredths * ten_thousandths + 5_000) // 10_000)


def local_cents(setting: str, conversion_factor: Decimal, gpci: Gpci) -> pl.Expr:
    """Return the amount in cents where *gpci* holds; null as in `national_cents`, to which it is equal at `NATION`."""
    weighted_rvus = (
        (pl.col(rvu_column) * 100).cast(pl.Int64) * int(locality_index * 1_000)
        for rvu_column, locality_index in (("work_rvu", gpci.work), (f"{setting}_pe_rvu", gpci.pe), ("mp_rvu", gpci.mp))
    )
    # The RVU total is not rounded, nor the GPCI-adjusted parts: only so are CMS's own amounts reproduced, all 37 codes
    # in 109 localities of PFREV26B.
    billionths = pl.sum_horizontal(weighted_rvus) * int(conversion_factor * 10_000)
    return pl.when(_is_payable(setting)).then((billionths + 5_000_000) // 10_000_000)


def is_capped(row: Mapping[str, Any], setting: str) -> bool:
    """Return whether what a hospital is paid may cap *row* of `mpfs` in *setting*: then the formula gives no amount.

    It caps the technical component of imaging, by locality (Deficit Reduction Act of 2005, section 5102(b); `oppscap`).
    """
    return (row[f"opps_{setting}_pe_rvu"] or 0) + (row["opps_mp_rvu"] or 0) > 0


def _is_payable(setting: str) -> pl.Expr:
    has_rvus = pl.col(f"{setting}_total_rvu") > 0
    return pl.col("status_code").is_in(PAYABLE_STATUS) & ~pl.col(f"{setting}_na") & has_rvus
