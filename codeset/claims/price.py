"""The price of claim lines under the physician fee schedule, exact, with its derivation.

Two roundings, both half-up. The fee of one unit is rounded as CMS publishes it: the carriers' files and the claims
systems hold whole cents, and a remittance pays units times those cents. What the rules leave of it is rounded once
more, at the end (IOM 100-04 ch. 12, section 40.4: the fee schedule amount is multiplied and rounded to the nearest
cent).
"""

from dataclasses import dataclass

import polars as pl

from codeset.claims.code_set import CodeSet
from codeset.claims.lines import meanings
from codeset.claims.price_fees import CENT, CODE, SETTING, cents, has_rvus, price_rules, whole_codes, with_fees
from codeset.claims.reductions import REDUCTIONS, global_share, is_assistant, reduced

_FLAGS = (
    "m22",
    "m26",
    "m50",
    "m52",
    "m53",
    "m54",
    "m55",
    "m56",
    "m62",
    "m66",
    "m78",
    "m80",
    "m81",
    "m82",
    "mAS",
    "mTC",
)
_TEXTS = ("hcpcs", "modifiers", "place_of_service", "locality")

LINES = ("row", "visit", "release", "payable", "claim_id", "line", "date_of_service", "units", "charge_cents", *_TEXTS)
"""The columns that lines must have; others are let be. `row` names a line; lines with one `visit` are those of one
practitioner, beneficiary and day; `release` is the place of the code set's release, null if none covers the date."""


@dataclass(frozen=True)
class Priced:
    """What lines are worth, and why.

    `amounts`, a row for each payable line: `row`, `setting`, the RVUs used (hundredths), `fee_cents` (one unit,
    unreduced, as CMS publishes it; also where the setting is NA), `allowed_cents`, `payment_percent` (of fee x units,
    three decimals), `nonparticipating_cents` and `limiting_cents` (95 and 109.25 % of the reduced fee schedule amount),
    `unpriced` (why there is no amount) and `reviews` (why a person must look at it). Null where unpriced.

    `steps`, lazily: `row`, `step` (from 1), `rule`, `factor` (text), `before` and `after` (billionths of a dollar).
    """

    amounts: pl.DataFrame
    steps: pl.LazyFrame


def price(lines: pl.DataFrame, code_set: CodeSet, *, qualifying_apm: bool) -> Priced:
    """Price the `payable` among *lines* (columns: `LINES`), in their order.

    *qualifying_apm* chooses the conversion factor from 2026. A line that is not payable has no part in any rule.
    """
    payable = _with_meanings(lines.select(LINES).filter("payable"))
    fees = with_fees(payable, code_set, qualifying_apm=qualifying_apm)
    worked = reduced(_started(_judged(fees, code_set)), code_set)
    rounded = _rounded(_without_base(worked))
    return Priced(_amounts(rounded), pl.defer(lambda: _steps(rounded).collect(), schema=_STEPS))


def _with_meanings(lines: pl.DataFrame) -> pl.DataFrame:
    """Adds what the modifiers mean: a flag for each that bears on the price, `site` and `is_distinct`."""
    coded = lines.with_columns(
        pl.col("hcpcs", "place_of_service", "locality").cast(CODE), pl.col("modifiers").fill_null("").cast(CODE)
    )
    told = meanings(coded["modifiers"]).select(
        "modifiers", *_FLAGS, "site", (pl.col("distinct") != "").alias("is_distinct")
    )
    return coded.join(told, on="modifiers", how="left", maintain_order="left")


# --- what cannot be priced, and what a person must see


def _judged(lines: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Adds `unpriced`, the place of the first reason in `_UNPRICED` that holds."""
    apart = lines.filter(_STATUS.is_null(), pl.col("fee_modifier") != "")
    listed = apart if apart.is_empty() else apart.join(code_set.made(whole_codes), on=["release", "hcpcs"], how="semi")
    lines = lines.with_columns(pl.col("row").is_in(listed["row"].implode()).alias("is_listed"))
    return lines.with_columns(_FIRST_REASON.alias("unpriced"))


def _conflict() -> pl.Expr:
    """Two components, two parts of the package or two roles on one line contradict each other."""
    parts = pl.sum_horizontal(pl.col(each).cast(pl.UInt8) for each in ("m54", "m55", "m56", "m78"))
    roles = pl.sum_horizontal(each.cast(pl.UInt8) for each in (is_assistant(), pl.col("m62"), pl.col("m66")))
    return (pl.col("m26") & pl.col("mTC")) | (parts > 1) | (roles > 1)


def _no_share() -> pl.Expr:
    """The package has no such part; or a return to the operating room under a package whose parts CMS does not give."""
    packaged = pl.col("global_days").is_in(["010", "090"])
    return (global_share() == 0) | (pl.col("m78") & packaged & (pl.col("intraoperative_percentage") == 0))


_STATUS = pl.col("status_code")
_NO_RVUS = pl.col("by_rvu") & ~has_rvus()
_NA = (pl.col("facility_na") & (pl.col("setting") == "facility")) | (
    pl.col("nonfacility_na") & (pl.col("setting") == "nonfacility")
)

_UNPRICED = {
    "no-release": pl.col("release").is_null(),
    "modifier-conflict": _conflict(),
    "no-component": pl.col("is_listed"),
    "not-in-fee-schedule": _STATUS.is_null(),
    "carrier-priced": (_STATUS == "C") | ((_STATUS == "R") & _NO_RVUS),
    "not-priced-by-rvu": ~pl.col("by_rvu") | _NO_RVUS,
    "no-place-of-service": pl.col("setting").is_null(),
    "setting-na": _NA,
    "no-locality": pl.col("work_gpci").is_null(),
    "no-conversion-factor": pl.col("conversion_factor").is_null(),
    "units": ~pl.col("units").is_between(1, price_rules()["units"]["most"]).fill_null(value=False),
    "assistant-not-payable": is_assistant() & ~pl.col("assistant_surgery").is_in(["0", "2"]),
    "co-surgeon-not-payable": pl.col("m62") & ~pl.col("co_surgery").is_in(["1", "2"]),
    "team-not-payable": pl.col("m66") & ~pl.col("team_surgery").is_in(["1", "2"]),
    "by-report": pl.col("m66"),
    "no-global-share": _no_share(),
    "no-endoscopic-base": pl.lit(value=False),
}
"""Why a line has no amount; the first that holds is told. The last is found while endoscopies are priced."""


def _first_reason() -> pl.Expr:
    reason = pl.lit(None, dtype=pl.UInt8)
    for place, holds in reversed(list(enumerate(_UNPRICED.values()))):
        reason = pl.when(holds).then(pl.lit(place, dtype=pl.UInt8)).otherwise(reason)
    return reason


_FIRST_REASON = _first_reason()

NO_AMOUNT = (
    "modifier-conflict",
    "no-component",
    "setting-na",
    "units",
    "assistant-not-payable",
    "co-surgeon-not-payable",
    "team-not-payable",
    "no-global-share",
    "no-endoscopic-base",
)
"""Those that lie in what was billed: not in what the asker left untold, nor in a status that says it by itself."""

_LATER = tuple(_UNPRICED).index("no-endoscopic-base")

_REVIEWS = {
    "modifier-22": pl.col("m22"),
    "modifier-52": pl.col("m52"),
    "modifier-53": pl.col("m53") & (pl.col("fee_modifier") != "53"),
    "assistant-documentation": is_assistant() & (pl.col("assistant_surgery") == "0"),
    "co-surgeon-documentation": pl.col("m62") & (pl.col("co_surgery") == "1"),
    "team-documentation": pl.col("m66") & (pl.col("team_surgery") == "1"),
    "by-report": pl.col("m66") | (pl.col("surgery_late") > 0),
    "bilateral-units": pl.col("sides_unclear") | (pl.col("m50") & (pl.col("units") > 1)),
    "bilateral-return": pl.col("m78") & (pl.col("m50") | (pl.col("site") == "LT RT")),
    "bilateral-endoscopies": pl.col("base_fee").is_not_null() & pl.col("sides").is_not_null(),
    "technical-component-unknown": pl.col("component_unknown"),
}
"""What makes an amount a matter of review. 22, 52 and 53 are priced by the contractor, who reads the record (layout,
Modifier; IOM 100-04 ch. 12, section 40.2.A); after the fifth, surgeries are by report (section 40.6.C): the amount is
the least that is paid."""


def _started(lines: pl.DataFrame) -> pl.DataFrame:
    """Adds `amount` where there is to be one, and `session`: lines of a visit among which procedures are ranked.

    An assistant's procedures, and care before or after surgery, rank among themselves: another physician's part.
    """
    part = pl.when(is_assistant()).then(1).when("m55").then(2).when("m56").then(3).otherwise(0)
    return lines.with_columns(
        (pl.col("visit").cast(pl.Int64) * 4 + part).alias("session"),
        pl.when(pl.col("unpriced").is_null()).then(pl.col("fee") * CENT).alias("amount"),
    )


def _without_base(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.with_columns(
        pl.when("no_base").then(pl.lit(_LATER, dtype=pl.UInt8)).otherwise("unpriced").alias("unpriced"),
        pl.when(~pl.col("no_base")).then("amount").alias("amount"),
    )


# --- amounts and steps


def _rounded(lines: pl.DataFrame) -> pl.DataFrame:
    """Adds `schedule`, in cents, and `allowed`, the lower of it and the charge (Social Security Act, 1848(a)(1))."""
    schedule = cents("amount")
    allowed = pl.when(schedule.is_not_null()).then(pl.min_horizontal(schedule, "charge_cents"))
    return lines.with_columns(schedule.alias("schedule"), allowed.alias("allowed"))


def _amounts(lines: pl.DataFrame) -> pl.DataFrame:
    names = pl.lit(pl.Series(list(_UNPRICED), dtype=pl.Enum(list(_UNPRICED))))
    return _with_reviews(lines).select(
        "row",
        pl.col("setting").cast(SETTING),
        "work_rvu",
        "pe_rvu",
        "mp_rvu",
        pl.col("fee").alias("fee_cents"),
        pl.col("allowed").alias("allowed_cents"),
        _payment_percent().alias("payment_percent"),
        _per_ten_thousand("amount_per_ten_thousand").alias("nonparticipating_cents"),
        _per_ten_thousand("limit_per_ten_thousand").alias("limiting_cents"),
        names.gather(pl.col("unpriced").cast(pl.UInt32)).alias("unpriced"),
        "reviews",
    )


def _payment_percent() -> pl.Expr:
    """The amount before rounding in percent of fee x units; of a whole cent, `CENT` billionths are 100 %."""
    full = pl.col("fee") * pl.col("units") * (CENT // 100_000)
    thousandths = ((pl.col("amount") + full // 2) // full).cast(pl.Decimal(18, 3))
    return (thousandths / 1000).cast(pl.Decimal(9, 3))


def _per_ten_thousand(name: str) -> pl.Expr:
    share: int = price_rules()["nonparticipating"][name]
    return (pl.col("schedule") * share + 5_000) // 10_000


def _with_reviews(lines: pl.DataFrame) -> pl.DataFrame:
    """Adds `reviews`; the names are listed once for each combination that occurs."""
    marked = lines.with_columns(_BITS.alias("bits"))
    if marked["bits"].max() == 0:
        return marked.with_columns(pl.lit([], dtype=pl.List(pl.String)).alias("reviews"))
    kinds = marked["bits"].unique().to_list()
    listed = [[name for place, name in enumerate(_REVIEWS) if kind >> place & 1] for kind in kinds]
    told = pl.DataFrame({"bits": kinds, "reviews": listed}, schema={"bits": pl.UInt32, "reviews": pl.List(pl.String)})
    return marked.join(told, on="bits", how="left", maintain_order="left")


def _bits() -> pl.Expr:
    bits = [
        pl.when(holds).then(pl.lit(1 << place, dtype=pl.UInt32)).otherwise(pl.lit(0, dtype=pl.UInt32))
        for place, holds in enumerate(_REVIEWS.values())
    ]
    return pl.sum_horizontal(bits).cast(pl.UInt32)


_BITS = _bits()


_STEPS = {
    "row": pl.UInt32(),
    "step": pl.Int64(),
    "rule": pl.String(),
    "factor": pl.String(),
    "before": pl.Int64(),
    "after": pl.Int64(),
}


def _steps(lines: pl.DataFrame) -> pl.LazyFrame:
    """The amounts after each rule that said something; nothing is computed until it is asked for."""
    lazy = lines.lazy().filter(pl.col("fee").is_not_null())
    exact, fee = pl.col("exact_fee"), pl.col("fee") * CENT
    told = [
        _step(lazy, "relative-values", _formula(), pl.lit(None), exact),
        _step(lazy, "fee-schedule-amount", pl.lit("rounded half-up to the cent, as CMS publishes it"), exact, fee),
    ]
    before = fee
    for each in REDUCTIONS:
        told.append(
            _step(lazy, each.rule, each.factor, before, pl.when(pl.col("amount").is_not_null()).then(each.after))
        )
        before = pl.coalesce(each.after, before)
    amount, schedule, allowed = pl.col("amount"), pl.col("schedule") * CENT, pl.col("allowed") * CENT
    cut = pl.lit("rounded half-up to the cent")
    told.append(_step(lazy, "cents", cut, amount, pl.when(amount != schedule).then(schedule)))
    charge = pl.lit("the charge is lower")
    told.append(_step(lazy, "actual-charge", charge, schedule, pl.when(allowed != schedule).then(allowed)))
    steps = pl.concat([each.with_columns(order=pl.lit(place)) for place, each in enumerate(told)])
    numbered = steps.sort("row", "order").with_columns(pl.int_range(1, pl.len() + 1).over("row").alias("step"))
    return numbered.select("row", "step", "rule", "factor", "before", "after")


def _step(lines: pl.LazyFrame, rule: str, factor: pl.Expr, before: pl.Expr, after: pl.Expr) -> pl.LazyFrame:
    return lines.select(
        "row",
        pl.lit(rule).alias("rule"),
        factor.cast(pl.String).alias("factor"),
        before.cast(pl.Int64).alias("before"),
        after.cast(pl.Int64).alias("after"),
    ).filter(pl.col("after").is_not_null())


def _formula() -> pl.Expr:
    parts = [
        pl.format("{} {} x {}", pl.lit(name), _decimal(f"{part}_rvu", 2), _decimal(f"{part}_gpci", 3))
        for name, part in (("work", "work"), ("PE", "pe"), ("MP", "mp"))
    ]
    return pl.format("({} + {} + {}) x {}", *parts, _decimal("conversion_factor", 4))


def _decimal(column: str, places: int) -> pl.Expr:
    scale = 10**places
    whole, rest = pl.col(column) // scale, (pl.col(column) % scale).cast(pl.String).str.zfill(places)
    return pl.format("{}.{}", whole, rest)
