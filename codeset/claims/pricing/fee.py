"""The fee of one unit of each line: its row of the fee schedule, setting, locality and conversion factor."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl

from codeset.claims.edits.rules import rules
from codeset.claims.engine.code_set import CodeSet
from codeset.participants import Participant

CENT = 10_000_000
"""Billionths of a dollar: RVUs (hundredths) x GPCIs (thousandths) x factors (ten-thousandths) are whole ones."""

CODE = pl.Categorical()
"""The type of columns that join on codes: compared as numbers."""

SETTING = pl.Enum(["facility", "nonfacility"])

NATIONAL = "national"
"""The locality in which every GPCI is 1."""

_GPCI = ("work_gpci", "pe_gpci", "mp_gpci")
_PLACE = ("release", "setting", *_GPCI, "conversion_factor")
"""What decides, besides the code, what a service costs."""

_KEY = ("release", "hcpcs", "fee_modifier")

_RVU = ("work_rvu", "nonfacility_pe_rvu", "facility_pe_rvu", "mp_rvu")
_FEE = (
    *_RVU,
    *("opps_nonfacility_pe_rvu", "opps_facility_pe_rvu", "opps_mp_rvu"),
    *("status_code", "nonfacility_na", "facility_na", "pctc_indicator", "global_days"),
    *("preoperative_percentage", "intraoperative_percentage", "postoperative_percentage"),
    *("multiple_procedure", "bilateral_surgery", "assistant_surgery", "co_surgery", "team_surgery"),
    "endoscopic_base",
)


@cache
def price_rules() -> Mapping[str, Any]:
    """Return the shares that no CMS table holds, by section."""
    return tomllib.loads(files("codeset.claims.pricing").joinpath("price_rules.toml").read_text(encoding="utf-8"))


def with_fees(services: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Return *services* with their row of the fee schedule and, where all that it takes is known, `fee` and `cap`.

    Both are cents of one unit: CMS publishes them to the cent, the claims systems hold no more (PFREV26B; OPPSCAP).
    Adds `fee_modifier`, `setting`, the GPCIs, `exact_fee` (billionths of a dollar) besides, `professional_cents` and
    `base_cents` of a whole test's professional component and of an endoscopy's base.
    """
    known = services.with_columns(code_set.made(_fee_modifier).alias("fee_modifier"), _SETTING)
    known = known.join(code_set.made(_fees), on=_KEY, how="left", maintain_order="left")
    known = known.join(code_set.made(_localities), on=["release", "locality"], how="left", maintain_order="left")
    known = known.with_columns(_PE_RVU)
    return known.with_columns(
        *_OF_ONE_UNIT,
        _fees_of(known, code_set, _WHOLE_TEST, "26").alias("professional_cents"),
        _fees_of(known, code_set, pl.col("endoscopic_base"), "").alias("base_cents"),
    )


_WHOLE_TEST = pl.when(
    pl.col("later_technical").is_not_null(), pl.col("pctc_indicator") == "1", pl.col("fee_modifier") == ""
).then("hcpcs")


def has_rvus() -> pl.Expr:
    """Whether the row gives any relative value in the line's setting (in either, where no setting is told)."""
    either = pl.max_horizontal("nonfacility_pe_rvu", "facility_pe_rvu")
    return (pl.col("work_rvu") + pl.coalesce("pe_rvu", either) + pl.col("mp_rvu")) > 0


def cents(amount: str | pl.Expr) -> pl.Expr:
    """Return billionths of a dollar as whole cents, rounded half-up (amounts are not negative)."""
    exact = pl.col(amount) if isinstance(amount, str) else amount
    return (exact + CENT // 2) // CENT


def _fees_of(services: pl.DataFrame, code_set: CodeSet, hcpcs: pl.Expr, modifier: str) -> pl.Series:
    """The cents that *hcpcs*, with *modifier*, costs in the place of each of *services*."""
    place = services.select(*_PLACE, hcpcs.alias("hcpcs"), pl.lit(modifier).alias("fee_modifier"))
    if place["hcpcs"].null_count() == place.height:
        return pl.repeat(None, place.height, dtype=pl.Int64(), eager=True)
    rows = place.join(code_set.made(_fees).select(*_KEY, *_RVU), on=_KEY, how="left", maintain_order="left")
    return rows.with_columns(_PE_RVU).select(cents(_exact("pe_rvu", "mp_rvu"))).to_series()


def reduced_therapy_cents() -> pl.Expr:
    """The fee with a reduced practice expense, to the cent: CMS publishes it so, beside the fee (PFREV26B, PF26PB)."""
    share: int = price_rules()["therapy"]["practice_expense"]
    relative = (pl.col("work_rvu") * pl.col("work_gpci") + pl.col("mp_rvu") * pl.col("mp_gpci")) * 1000
    reduced = (relative + pl.col("pe_rvu") * pl.col("pe_gpci") * share) * pl.col("conversion_factor")
    return (reduced + CENT * 500) // (CENT * 1000)


def whole_codes(code_set: CodeSet) -> pl.DataFrame:
    """Return `release` and `hcpcs` of the services that the fee schedule lists without a modifier: `is_listed`."""
    return code_set.fees.filter(modifier="").select("release", pl.col("hcpcs").cast(CODE), is_listed=True)


def _fee_modifier(code_set: CodeSet) -> pl.Expr:
    """26, TC and 53 have rows of their own; 53 only with the few codes that the layout names (Modifier)."""
    discontinued = pl.lit(value=False)
    for (release,), rows in code_set.fees.filter(modifier="53").group_by("release"):
        discontinued |= (pl.col("release") == release) & pl.col("hcpcs").is_in(rows["hcpcs"].to_list())
    chosen = pl.when("m26").then(pl.lit("26")).when("mTC").then(pl.lit("TC"))
    return chosen.when(pl.col("m53") & discontinued).then(pl.lit("53")).otherwise(pl.lit(""))


def _setting() -> pl.Expr:
    """The facility's places of service are data; no place of service is no setting: it is never guessed."""
    place = pl.col("place_of_service")
    facility = place.is_in(rules()["facility"]["place_of_service"])
    setting = pl.when(place.is_null() | (place == "")).then(None).when(facility).then(pl.lit("facility"))
    return setting.otherwise(pl.lit("nonfacility")).cast(SETTING)


_SETTING = _setting().alias("setting")


def _fees(code_set: CodeSet) -> pl.DataFrame:
    """RVUs as whole hundredths, also where the code set has one as CMS prints it, and what each row's indicators mean.

    `both_sides`, `second_side`, `later_technical`, `later_professional` are shares, null where an indicator has none.
    """
    fees = code_set.fees.select("release", "hcpcs", pl.col("modifier").alias("fee_modifier"), *_FEE)
    printed = [column for column in fees.columns if fees.schema[column].is_decimal()]
    shares = {
        "both_sides": ("bilateral_surgery", price_rules()["bilateral"]["both"]),
        "second_side": ("bilateral_surgery", price_rules()["bilateral"]["second"]),
        "later_technical": ("multiple_procedure", price_rules()["diagnostic"]["technical"]),
        "later_professional": ("multiple_procedure", price_rules()["diagnostic"]["professional"]),
    }
    return fees.with_columns(
        *((pl.col(column) * 100).cast(pl.Int64) for column in printed),
        *(_by_indicator(*where).alias(name) for name, where in shares.items()),
        pl.col("hcpcs", "endoscopic_base").cast(CODE),
        pl.col("status_code").is_in(["A", "R", "T"]).alias("by_rvu"),
        pl.col("multiple_procedure").is_in(price_rules()["surgery"]["indicators"]).alias("is_surgery"),
        pl.col("multiple_procedure").is_in(price_rules()["therapy"]["indicators"]).alias("is_therapy"),
    )


def _by_indicator(column: str, shares: Mapping[str, int]) -> pl.Expr:
    return pl.col(column).replace_strict(dict(shares), default=None, return_dtype=pl.Int64)


def _localities(code_set: CodeSet) -> pl.DataFrame:
    """The cost indices by release and `mac-locality`, and the nation, where each is 1."""
    one = pl.lit(1000, dtype=pl.Int64)
    nation = code_set.releases.select(
        "release", pl.lit(NATIONAL).alias("locality"), *(one.alias(each) for each in _GPCI)
    )
    named = pl.concat_str("mac", "locality", separator="-").alias("locality")
    every = pl.concat([nation, code_set.gpci.select("release", named, *_GPCI)])
    return every.with_columns(pl.col("locality").cast(CODE))


def factors_by_date(code_set: CodeSet) -> dict[Participant | None, pl.Expr]:
    """Return `conversion_factor` of the date of service, by the participant who bills."""
    return {
        each: _conversion_factor(code_set.factors, each).alias("conversion_factor") for each in (None, *Participant)
    }


def _conversion_factor(factors: pl.DataFrame, participant: Participant | None) -> pl.Expr:
    """The factor of the date of service; one without a `participant` serves everyone (so until 2025)."""
    chosen = pl.lit(None, dtype=pl.Int64)
    for each in factors.iter_rows(named=True):
        if each["participant"] in (None, participant):
            dated = pl.col("date_of_service").is_between(each["factor_first"], each["factor_last"])
            applies = (pl.col("release") == each["release"]) & dated
            chosen = pl.when(applies).then(each["conversion_factor"]).otherwise(chosen)
    return chosen


def _of_setting(column: str, prefix: str = "") -> pl.Expr:
    facility = pl.when(pl.col("setting") == "facility").then(f"{prefix}facility_{column}")
    return facility.when(pl.col("setting") == "nonfacility").then(f"{prefix}nonfacility_{column}")


_PE_RVU = _of_setting("pe_rvu").alias("pe_rvu")


def _exact(practice_expense: str | pl.Expr, malpractice: str) -> pl.Expr:
    """(work x GPCI + PE x GPCI + MP x GPCI) x conversion factor (layout, formula), in whole billionths of a dollar."""
    pe = pl.col(practice_expense) if isinstance(practice_expense, str) else practice_expense
    work = pl.col("work_rvu") * pl.col("work_gpci")
    return (work + pe * pl.col("pe_gpci") + pl.col(malpractice) * pl.col("mp_gpci")) * pl.col("conversion_factor")


def _cap() -> pl.Expr:
    """The OPPS payment amount that imaging is capped by (layout, formula; DRA 2005, section 5102(b)), in cents.

    By the formula and not from the OPPSCAP file: the two agree to the cent wherever both are at hand, and the formula
    serves the nation and the releases that came without the file.
    """
    pe = _of_setting("pe_rvu", "opps_")
    return pl.when(pe + pl.col("opps_mp_rvu") > 0).then(cents(_exact(pe, "opps_mp_rvu")))


_OF_ONE_UNIT = (
    _exact("pe_rvu", "mp_rvu").alias("exact_fee"),
    _cap().alias("cap"),
    pl.when("by_rvu", has_rvus()).then(cents(_exact("pe_rvu", "mp_rvu"))).alias("fee"),
)
