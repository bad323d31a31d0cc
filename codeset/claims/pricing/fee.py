"""The fee of one unit of a service: (work x GPCI + PE x GPCI + MP x GPCI) x conversion factor.

The practice expense (PE) is that of the setting, which follows from the place of service; the factor is that of the
date of service. CMS publishes fees to the cent and the claims systems hold no more (PFREV26B; OPPSCAP), so the fee is
rounded half-up before any rule applies. Source: CMS's record layout of the fee schedule files (RVU25D), formulas.
"""

from collections.abc import Mapping

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.pricing.price_rules import price_rules
from codeset.claims.reference.reference_tables import places_of_service
from codeset.participants import Participant

CENT = 10_000_000
"""Billionths of a dollar: RVUs (hundredths) x GPCIs (thousandths) x factors (ten-thousandths) are whole ones."""

SETTING = pl.Enum(["facility", "nonfacility"])

NATIONAL = "national"
"""The locality in which every GPCI is 1."""

_GPCI = ("work_gpci", "pe_gpci", "mp_gpci")
_PRICE_PLACE = ("release", "setting", *_GPCI, "conversion_factor")
"""What decides, besides the code, what a service costs."""

_FEE_KEY = ("release", "hcpcs", "fee_modifier")

_RVU = ("work_rvu", "nonfacility_pe_rvu", "facility_pe_rvu", "mp_rvu")
_FEE_COLUMNS = (
    *_RVU,
    *("opps_nonfacility_pe_rvu", "opps_facility_pe_rvu", "opps_mp_rvu"),
    *("status_code", "nonfacility_na", "facility_na", "pctc_indicator", "global_days"),
    *("preoperative_percentage", "intraoperative_percentage", "postoperative_percentage"),
    *("multiple_procedure", "bilateral_surgery", "assistant_surgery", "co_surgery", "team_surgery"),
    "endoscopic_base",
)


def with_fees(lines: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Return *lines* with their row of the fee schedule and, where all that it takes is known, `fee` and `cap`.

    Both are cents of one unit. Adds `fee_modifier`, `setting`, the GPCIs, `exact_fee` (billionths of a dollar),
    `professional_cents` (the professional component of a whole test) and `base_cents` (the base of an endoscopy).
    """
    lines = lines.with_columns(code_set.cached(_fee_modifier).alias("fee_modifier"))
    lines = lines.join(
        code_set.cached(_settings), on=["release", "place_of_service"], how="left", maintain_order="left"
    )
    lines = lines.join(code_set.cached(_fee_rows), on=_FEE_KEY, how="left", maintain_order="left")
    lines = lines.join(code_set.cached(_localities), on=["release", "locality"], how="left", maintain_order="left")
    lines = lines.with_columns(_PE_RVU)
    return lines.with_columns(
        *_OF_ONE_UNIT,
        _cents_of_code(lines, code_set, _WHOLE_TEST, "26").alias("professional_cents"),
        _cents_of_code(lines, code_set, pl.col("endoscopic_base"), "").alias("base_cents"),
    )


def cents(billionths: str | pl.Expr) -> pl.Expr:
    """Return billionths of a dollar as whole cents, rounded half-up (amounts are not negative)."""
    exact = pl.col(billionths) if isinstance(billionths, str) else billionths
    return (exact + CENT // 2) // CENT


def _settings(code_set: CodeSet) -> pl.DataFrame:
    """The setting of each place of service in each release; one that is in no row has none: it is never guessed."""
    release_days = code_set.releases.select("release", "first", "last")
    place_periods = release_days.join(places_of_service(), how="cross").filter(
        pl.col("first_day") <= pl.col("last"), pl.col("first") <= pl.col("last_day")
    )
    # The setting of a place has changed on January 1 alone (02 and 10, in 2024): no release has two of one place.
    latest_periods = place_periods.sort("first_day").unique(["release", "place_of_service"], keep="last")
    return latest_periods.select("release", pl.col("place_of_service").cast(CODE), pl.col("setting").cast(SETTING))


def _localities(code_set: CodeSet) -> pl.DataFrame:
    """The cost indices by release and `mac-locality`, and the nation, where each is 1."""
    # GPCIs are whole thousandths.
    index_of_one = pl.lit(1000, dtype=pl.Int64)
    national_index = code_set.releases.select(
        "release", pl.lit(NATIONAL).alias("locality"), *(index_of_one.alias(gpci) for gpci in _GPCI)
    )
    # CMS numbers localities within a MAC: only both together name one.
    by_locality = pl.concat_str("mac", "locality", separator="-").alias("locality")
    localities = pl.concat([national_index, code_set.gpci.select("release", by_locality, *_GPCI)])
    return localities.with_columns(pl.col("locality").cast(CODE))


def factors_by_date(code_set: CodeSet) -> dict[Participant | None, pl.Expr]:
    """Return `conversion_factor` of the date of service, by the participant who bills."""
    return {
        participant: _conversion_factor(code_set.factors, participant).alias("conversion_factor")
        for participant in (None, *Participant)
    }


def _conversion_factor(factors: pl.DataFrame, participant: Participant | None) -> pl.Expr:
    """The factor of the date of service; one without a `participant` serves everyone (so until 2025)."""
    # A release may have two: that of 2024 changed on March 9.
    conversion_factor = pl.lit(None, dtype=pl.Int64)
    for factor_row in factors.iter_rows(named=True):
        if factor_row["participant"] in (None, participant):
            is_in_force = pl.col("date_of_service").is_between(factor_row["factor_first"], factor_row["factor_last"])
            applies = (pl.col("release") == factor_row["release"]) & is_in_force
            conversion_factor = pl.when(applies).then(factor_row["conversion_factor"]).otherwise(conversion_factor)
    return conversion_factor


def _fee_modifier(code_set: CodeSet) -> pl.Expr:
    """26, TC and 53 have rows of their own; 53 only with the few codes that the layout names (field Modifier)."""
    # With any other code 53 has no row of its own: its amount is that of the whole service, for review (`REVIEWS`).
    rows_of_53, is_discontinued = code_set.fees.filter(modifier="53"), pl.lit(value=False)
    for release in code_set.releases["release"]:
        discontinued_codes = rows_of_53.filter(release=release)["hcpcs"].to_list()
        is_discontinued |= (pl.col("release") == release) & pl.col("hcpcs").is_in(discontinued_codes)
    fee_modifier = pl.when("m26").then(pl.lit("26")).when("mTC").then(pl.lit("TC"))
    return fee_modifier.when(pl.col("m53") & is_discontinued).then(pl.lit("53")).otherwise(pl.lit(""))


def _fee_rows(code_set: CodeSet) -> pl.DataFrame:
    """The rows of the fee schedule, with what their indicators mean.

    `both_sides`, `second_side`, `later_technical`, `later_professional` are shares, null where an indicator has none.
    """
    fee_rows = code_set.fees.select("release", "hcpcs", pl.col("modifier").alias("fee_modifier"), *_FEE_COLUMNS)
    bilateral, diagnostic = price_rules()["bilateral"], price_rules()["diagnostic"]
    return fee_rows.with_columns(
        _by_indicator("bilateral_surgery", bilateral["both"]).alias("both_sides"),
        _by_indicator("bilateral_surgery", bilateral["second"]).alias("second_side"),
        _by_indicator("multiple_procedure", diagnostic["technical"]).alias("later_technical"),
        _by_indicator("multiple_procedure", diagnostic["professional"]).alias("later_professional"),
        pl.col("hcpcs", "endoscopic_base").cast(CODE),
        # Only with these are the RVUs used for payment (layout, Status Code).
        pl.col("status_code").is_in(["A", "R", "T"]).alias("by_rvu"),
        pl.col("multiple_procedure").is_in(price_rules()["surgery"]["indicators"]).alias("is_surgery"),
        pl.col("multiple_procedure").is_in(price_rules()["therapy"]["indicators"]).alias("is_therapy"),
    )


def _by_indicator(column: str, shares: Mapping[str, int]) -> pl.Expr:
    return pl.col(column).replace_strict(dict(shares), default=None, return_dtype=pl.Int64)


def whole_codes(code_set: CodeSet) -> pl.DataFrame:
    """Return `release` and `hcpcs` of the services that the fee schedule lists without a modifier: `is_listed`."""
    return code_set.fees.filter(modifier="").select("release", pl.col("hcpcs").cast(CODE), is_listed=True)


def _of_setting(column: str, prefix: str = "") -> pl.Expr:
    facility = pl.when(pl.col("setting") == "facility").then(f"{prefix}facility_{column}")
    return facility.when(pl.col("setting") == "nonfacility").then(f"{prefix}nonfacility_{column}")


_PE_RVU = _of_setting("pe_rvu").alias("pe_rvu")
_OPPS_PE_RVU = _of_setting("pe_rvu", "opps_")


def _formula(practice_expense: pl.Expr, malpractice: pl.Expr) -> pl.Expr:
    """(work x GPCI + PE x GPCI + MP x GPCI) x conversion factor (layout, formula), in whole billionths of a dollar."""
    expense = practice_expense * pl.col("pe_gpci") + malpractice * pl.col("mp_gpci")
    return (WORK + expense) * pl.col("conversion_factor")


WORK = pl.col("work_rvu") * pl.col("work_gpci")
EXACT_FEE = _formula(pl.col("pe_rvu"), pl.col("mp_rvu"))

OPPS_CAP = pl.when(_OPPS_PE_RVU + pl.col("opps_mp_rvu") > 0).then(cents(_formula(_OPPS_PE_RVU, pl.col("opps_mp_rvu"))))
"""The cents of the OPPS payment, which caps imaging (layout, formula; Deficit Reduction Act of 2005, section 5102(b)).

By the formula and not from the OPPSCAP file: the two agree to the cent wherever both are at hand, and the formula
serves the nation and the releases that came without the file.
"""


def has_rvus() -> pl.Expr:
    """Whether the row gives any relative value in the line's setting (in either, where the setting is not known)."""
    either = pl.max_horizontal("nonfacility_pe_rvu", "facility_pe_rvu")
    return (pl.col("work_rvu") + pl.coalesce("pe_rvu", either) + pl.col("mp_rvu")) > 0


_OF_ONE_UNIT = (
    EXACT_FEE.alias("exact_fee"),
    OPPS_CAP.alias("cap"),
    pl.when("by_rvu", has_rvus()).then(cents(EXACT_FEE)).alias("fee"),
)

# PC/TC 1: only such a test has a row with 26, whose amount is the professional component of the whole.
_WHOLE_TEST = pl.when(
    pl.col("later_technical").is_not_null(), pl.col("pctc_indicator") == "1", pl.col("fee_modifier") == ""
).then("hcpcs")


def _cents_of_code(lines: pl.DataFrame, code_set: CodeSet, hcpcs: pl.Expr, modifier: str) -> pl.Series:
    """The cents that *hcpcs* with *modifier* costs in the place of each of *lines*."""
    codes_in_places = lines.select(*_PRICE_PLACE, hcpcs.alias("hcpcs"), pl.lit(modifier).alias("fee_modifier"))
    # Most claims of dermatology have neither such a test nor an endoscopy.
    if codes_in_places["hcpcs"].null_count() == codes_in_places.height:
        return pl.repeat(None, codes_in_places.height, dtype=pl.Int64(), eager=True)
    fees = code_set.cached(_fee_rows).select(*_FEE_KEY, *_RVU)
    fee_rows = codes_in_places.join(fees, on=_FEE_KEY, how="left", maintain_order="left").with_columns(_PE_RVU)
    return fee_rows.select(cents(EXACT_FEE)).to_series()


def reduced_therapy_cents() -> pl.Expr:
    """The fee with a reduced practice expense, to the cent: CMS publishes it so, beside the fee (PFREV26B, PF26PB)."""
    share: int = price_rules()["therapy"]["practice_expense"]
    unreduced = (WORK + pl.col("mp_rvu") * pl.col("mp_gpci")) * 1000
    reduced = (unreduced + pl.col("pe_rvu") * pl.col("pe_gpci") * share) * pl.col("conversion_factor")
    return (reduced + CENT * 500) // (CENT * 1000)
