"""Why a line has no amount, and what makes an amount a matter for a person's review.

A line has no amount if what was billed contradicts itself, if the fee schedule gives none (status, NA indicator, a
component or share that the service does not have), or if something that decides it is not known. The first reason of
`UNPRICED` that holds is reported. Indicators: CMS's record layout of the fee schedule files (RVU25D).
"""

import polars as pl

from codeset.claims.edits.modifiers import IS_ASSISTANT
from codeset.claims.pricing.fee import has_rvus
from codeset.claims.pricing.price_rules import price_rules

_STATUS_CODE = pl.col("status_code")

IS_CONFLICT = (
    (pl.col("m26") & pl.col("mTC"))
    | (pl.sum_horizontal(pl.col("m54", "m55", "m56", "m78").cast(pl.UInt8)) > 1)
    | (pl.sum_horizontal(role.cast(pl.UInt8) for role in (IS_ASSISTANT, pl.col("m62"), pl.col("m66"))) > 1)
)
"""Two components, two parts of the global package or two roles on one line contradict each other."""

NO_RVUS = pl.col("by_rvu") & ~has_rvus()

IS_NA = (pl.col("facility_na") & (pl.col("setting") == "facility")) | (
    pl.col("nonfacility_na") & (pl.col("setting") == "nonfacility")
)
"""Rarely or never performed in this setting (layout, NA indicators). The practice expense printed beside NA is that of
the other setting, in all 4,043 and 2,411 rows of July 2026: so the amount is not this setting's."""

# The bound keeps billionths of a dollar exact in 64 bits (docs/decisions/0002).
UNITS_IN_RANGE = pl.col("units").is_between(1, price_rules()["units"]["most"])

NO_GLOBAL_SHARE = (pl.col("share") == 0) | (
    pl.col("m78") & pl.col("global_days").is_in(["010", "090"]) & (pl.col("intraoperative_percentage") == 0)
)
"""The package has no such part; or a return to the operating room under a package whose parts CMS does not give."""

UNPRICED = {
    "no-release": pl.col("release").is_null(),
    "modifier-conflict": IS_CONFLICT,
    "no-component": _STATUS_CODE.is_null() & (pl.col("fee_modifier") != "") & pl.col("is_listed"),
    "not-in-fee-schedule": _STATUS_CODE.is_null(),
    "carrier-priced": (_STATUS_CODE == "C") | ((_STATUS_CODE == "R") & NO_RVUS),
    "not-priced-by-rvu": ~pl.col("by_rvu") | NO_RVUS,
    "no-place-of-service": pl.col("setting").is_null(),
    "no-locality": pl.col("work_gpci").is_null(),
    "no-conversion-factor": pl.col("conversion_factor").is_null(),
    "units": ~UNITS_IN_RANGE.fill_null(value=False),
    "assistant-not-payable": IS_ASSISTANT & ~pl.col("assistant_surgery").is_in(["0", "2"]),
    "co-surgeon-not-payable": pl.col("m62") & ~pl.col("co_surgery").is_in(["1", "2"]),
    "team-not-payable": pl.col("m66") & ~pl.col("team_surgery").is_in(["1", "2"]),
    # Team surgery that is payable is paid by report (layout, Team Surgeons).
    "by-report": pl.col("m66"),
    "no-global-share": NO_GLOBAL_SHARE,
    "no-endoscopic-base": pl.lit(value=False),  # found by `WITHOUT_BASE`
}
"""Why a line has no amount; the first that holds is reported. The last is found when endoscopies are ranked."""

NO_AMOUNT = (
    "modifier-conflict",
    "no-component",
    "units",
    "assistant-not-payable",
    "co-surgeon-not-payable",
    "team-not-payable",
    "no-global-share",
    "no-endoscopic-base",
)
"""Those that are due to what was billed: not to what the user left out, nor to a status that has its own finding."""
FACTORS_UNKNOWN = ("no-locality", "no-conversion-factor")
"""Those that leave open only what the relative values are multiplied by."""

_UNPRICED_REASON = pl.Enum(list(UNPRICED))


def _first_reason() -> pl.Expr:
    first_reason = pl.lit(None, dtype=_UNPRICED_REASON)
    # From the last to the first: of several reasons the outermost condition, the first of the table, decides.
    for reason_name, condition in reversed(UNPRICED.items()):
        first_reason = pl.when(condition).then(pl.lit(reason_name, dtype=_UNPRICED_REASON)).otherwise(first_reason)
    return first_reason


FIRST_REASON = _first_reason().alias("unpriced")

WITHOUT_BASE = (
    pl.when("no_base")
    .then(pl.lit("no-endoscopic-base", dtype=_UNPRICED_REASON))
    .otherwise("unpriced")
    .alias("unpriced"),
    pl.when(~pl.col("no_base")).then("amount").alias("amount"),
)
"""Takes the amount from endoscopies that are paid less a base whose fee is not known."""


REVIEWS = {
    "modifier-22": pl.col("m22"),
    "modifier-52": pl.col("m52"),
    "modifier-53": pl.col("m53") & (pl.col("fee_modifier") != "53"),
    "assistant-documentation": IS_ASSISTANT & (pl.col("assistant_surgery") == "0"),
    "co-surgeon-documentation": pl.col("m62") & (pl.col("co_surgery") == "1"),
    "team-documentation": pl.col("m66") & (pl.col("team_surgery") == "1"),
    "by-report": pl.col("m66") | (pl.col("surgery_late") > 0),
    "bilateral-units": pl.col("sides_unclear") | (pl.col("m50") & (pl.col("units") > 1)),
    "bilateral-return": pl.col("m78") & (pl.col("m50") | (pl.col("site") == "LT RT")),
    "bilateral-endoscopies": pl.col("base_fee").is_not_null() & pl.col("sides").is_not_null(),
    "technical-component-unknown": pl.col("is_compared") & pl.col("technical").is_null(),
}
"""What makes an amount a matter of review. 22, 52 and 53 are priced by the contractor, who reads the record (layout,
Modifier; IOM 100-04 ch. 12, section 40.2.A); after the fifth, surgeries are by report (section 40.6.C): the amount is
the least that is paid."""


def reviews_of(lines: pl.DataFrame) -> pl.Series:
    """Return the names of the `REVIEWS` that hold for each line, as lists; listed once for each combination."""
    review_bits = lines.select(_REVIEW_BITS)
    if not review_bits["bits"].max():
        return pl.Series("reviews", [[]], dtype=pl.List(pl.String)).new_from_index(0, lines.height)
    # Lists of text are made once for each combination that occurs, not for each case.
    combinations = review_bits["bits"].unique().to_list()
    review_names = [
        [name for bit, name in enumerate(REVIEWS) if combination >> bit & 1] for combination in combinations
    ]
    schema = {"bits": pl.UInt32(), "reviews": pl.List(pl.String)}
    names_of_bits = pl.DataFrame({"bits": combinations, "reviews": review_names}, schema=schema)
    return review_bits.join(names_of_bits, on="bits", how="left", maintain_order="left")["reviews"]


def _review_bits() -> pl.Expr:
    bits_of_reviews = [
        pl.when(condition).then(pl.lit(1 << bit, dtype=pl.UInt32)).otherwise(pl.lit(0, dtype=pl.UInt32))
        for bit, condition in enumerate(REVIEWS.values())
    ]
    return pl.sum_horizontal(bits_of_reviews).cast(pl.UInt32).alias("bits")


_REVIEW_BITS = _review_bits()
