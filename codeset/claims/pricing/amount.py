"""What a line comes to, worked out once for all lines of one case: why it has no amount, or what its amount is.

A case is all that decides of a line's price but the charge: what the line says (`SAID`), and what the other lines of
its session say of it (`FACTS`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from codeset.claims.edits.modifiers import IS_ASSISTANT, modifier_meanings
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.pricing.fee import CENT, CODE, cents, has_rvus, price_rules, whole_codes, with_fees
from codeset.claims.pricing.ranking import ALONE, FACTS, PARTS
from codeset.claims.pricing.reductions import global_share, reduced, role

SAID = ("release", "hcpcs", "modifiers", "place_of_service", "locality", "conversion_factor", "units")

RVUS = ("work_rvu", "pe_rvu", "mp_rvu")

_FLAGS = ("m22", "m26", "m50", "m52", "m53", "m54", "m55", "m56", "m62", "m66", "m78", "mTC")


KEPT = 5_000
"""Cases that are kept at most. Of so many at once most are new: they are worked out, not looked up."""


@dataclass(frozen=True)
class Cases:
    """Cases that came up: what they come to, in `rows`, and by columns and their values the `places` where they lie."""

    places: Mapping[tuple[str, ...], Mapping[tuple[Any, ...], int]]
    rows: pl.DataFrame

    def of(self, asked: pl.DataFrame, work: Callable[[pl.DataFrame], pl.DataFrame]) -> tuple["Cases", pl.Series]:
        """Return where each case *asked* lies, among these and the new ones, of which *work* makes rows."""
        if asked.height > KEPT:
            every = self._and(work(asked))
            return Cases(self.places, every), pl.int_range(self.rows.height, every.height, dtype=pl.UInt32, eager=True)
        names, keys = tuple(asked.columns), asked.rows()
        known, cases = self.places.get(names, {}), self
        new = [place for place, key in enumerate(keys) if key not in known]
        if new or not self.rows.width:
            known = {**known, **{keys[place]: lies for lies, place in enumerate(new, start=self.rows.height)}}
            cases = Cases({**self.places, names: known}, self._and(work(asked[new])))
        return cases, pl.Series([known[key] for key in keys], dtype=pl.UInt32)

    @property
    def kept(self) -> "Cases":
        """Those to be kept for the lines to come: all, as long as they are not too many."""
        return self if self.rows.height <= KEPT else NONE

    def _and(self, rows: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([self.rows, rows], rechunk=True) if self.rows.width else rows


NONE = Cases({}, pl.DataFrame())


def by_themselves(said: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Return what lines that say what is *said* (columns: `SAID`) come to, if no other line has a say.

    Adds their row of the fee schedule, all that the rules find out, and whether they may be ranked.
    """
    fees = with_fees(_with_meanings(said), code_set)
    alone = _worked(_judged(fees, code_set)).with_columns(_PARTS)
    return alone.with_columns(pl.any_horizontal(*PARTS).alias("is_ranked"))


_PARTS = tuple(holds.fill_null(value=False).alias(name) for name, holds in PARTS.items())


def beside_others(facts: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return what lines come to of which their session tells *facts*; `case` is where each lies by itself in *rows*."""
    told = [facts[name].cast(kind) for name, kind in FACTS.items() if name in facts.columns]
    return _worked(rows[facts["case"]].with_columns(told))


def _with_meanings(said: pl.DataFrame) -> pl.DataFrame:
    """Adds what the modifiers mean: a flag for each that bears on the price, and what follows of them alone."""
    coded = said.with_columns(_CODED)
    told = modifier_meanings(coded["modifiers"]).select("modifiers", *_FLAGS, "site", *_OF_MODIFIERS)
    return coded.join(told, on="modifiers", how="left", maintain_order="left")


_CODED = (pl.col("hcpcs", "place_of_service", "locality").cast(CODE), pl.col("modifiers").fill_null("").cast(CODE))


def _conflict() -> pl.Expr:
    """Two components, two parts of the package or two roles on one line contradict each other."""
    parts = pl.sum_horizontal(pl.col(each).cast(pl.UInt8) for each in ("m54", "m55", "m56", "m78"))
    roles = pl.sum_horizontal(each.cast(pl.UInt8) for each in (IS_ASSISTANT, pl.col("m62"), pl.col("m66")))
    return (pl.col("m26") & pl.col("mTC")) | (parts > 1) | (roles > 1)


def _physician() -> pl.Expr:
    """An assistant's procedures, and care before or after surgery, rank among themselves: another physician's part."""
    return pl.when(IS_ASSISTANT).then(1).when("m55").then(2).when("m56").then(3).otherwise(0).cast(pl.Int64)


_OF_MODIFIERS = (
    (pl.col("distinct") != "").alias("is_distinct"),
    IS_ASSISTANT.alias("is_assistant"),
    _conflict().alias("is_conflict"),
    _physician().alias("physician"),
    role().alias("role"),
)


def _worked(cases: pl.DataFrame) -> pl.DataFrame:
    """Adds `amount` after all rules, `schedule`, the same in cents, and what is told besides."""
    left = reduced(cases.with_columns(_FULL)).with_columns(_WITHOUT_BASE).with_columns(_IN_CENTS)
    return left.with_columns(*_LIMITS, *_PRINTED, _reviews(left))


# --- what cannot be priced, and what a person must see


def _judged(lines: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Adds `share` and `unpriced`, the first reason of `_UNPRICED` that holds."""
    listed = lines.join(code_set.made(whole_codes), on=["release", "hcpcs"], how="left", maintain_order="left")
    return listed.with_columns(_SHARE, *ALONE).with_columns(_FIRST_REASON)


_SHARE = global_share().alias("share")


def _no_share() -> pl.Expr:
    """The package has no such part; or a return to the operating room under a package whose parts CMS does not give."""
    packaged = pl.col("global_days").is_in(["010", "090"])
    return (pl.col("share") == 0) | (pl.col("m78") & packaged & (pl.col("intraoperative_percentage") == 0))


_STATUS = pl.col("status_code")
_NO_RVUS = pl.col("by_rvu") & ~has_rvus()
_NA = (pl.col("facility_na") & (pl.col("setting") == "facility")) | (
    pl.col("nonfacility_na") & (pl.col("setting") == "nonfacility")
)

_UNPRICED = {
    "no-release": pl.col("release").is_null(),
    "modifier-conflict": pl.col("is_conflict"),
    "no-component": _STATUS.is_null() & (pl.col("fee_modifier") != "") & pl.col("is_listed"),
    "not-in-fee-schedule": _STATUS.is_null(),
    "carrier-priced": (_STATUS == "C") | ((_STATUS == "R") & _NO_RVUS),
    "not-priced-by-rvu": ~pl.col("by_rvu") | _NO_RVUS,
    "no-place-of-service": pl.col("setting").is_null(),
    "setting-na": _NA,
    "no-locality": pl.col("work_gpci").is_null(),
    "no-conversion-factor": pl.col("conversion_factor").is_null(),
    "units": ~pl.col("units").is_between(1, price_rules()["units"]["most"]).fill_null(value=False),
    "assistant-not-payable": pl.col("is_assistant") & ~pl.col("assistant_surgery").is_in(["0", "2"]),
    "co-surgeon-not-payable": pl.col("m62") & ~pl.col("co_surgery").is_in(["1", "2"]),
    "team-not-payable": pl.col("m66") & ~pl.col("team_surgery").is_in(["1", "2"]),
    "by-report": pl.col("m66"),
    "no-global-share": _no_share(),
    "no-endoscopic-base": pl.lit(value=False),
}
"""Why a line has no amount; the first that holds is told. The last is found while endoscopies are priced."""


_REASON = pl.Enum(list(_UNPRICED))
_LATER = pl.lit("no-endoscopic-base", dtype=_REASON)


def _first_reason() -> pl.Expr:
    reason = pl.lit(None, dtype=_REASON)
    for name, holds in reversed(_UNPRICED.items()):
        reason = pl.when(holds).then(pl.lit(name, dtype=_REASON)).otherwise(reason)
    return reason


_FIRST_REASON = _first_reason().alias("unpriced")


_REVIEWS = {
    "modifier-22": pl.col("m22"),
    "modifier-52": pl.col("m52"),
    "modifier-53": pl.col("m53") & (pl.col("fee_modifier") != "53"),
    "assistant-documentation": pl.col("is_assistant") & (pl.col("assistant_surgery") == "0"),
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


def _reviews(lines: pl.DataFrame) -> pl.Series:
    """The names of what holds, listed once for each combination that occurs."""
    bits = lines.select(_BITS)
    if not bits["bits"].max():
        return pl.Series("reviews", [[]], dtype=pl.List(pl.String)).new_from_index(0, lines.height)
    kinds = bits["bits"].unique().to_list()
    listed = [[name for place, name in enumerate(_REVIEWS) if kind >> place & 1] for kind in kinds]
    told = pl.DataFrame({"bits": kinds, "reviews": listed}, schema={"bits": pl.UInt32, "reviews": pl.List(pl.String)})
    return bits.join(told, on="bits", how="left", maintain_order="left")["reviews"]


def _bits() -> pl.Expr:
    bits = [
        pl.when(holds).then(pl.lit(1 << place, dtype=pl.UInt32)).otherwise(pl.lit(0, dtype=pl.UInt32))
        for place, holds in enumerate(_REVIEWS.values())
    ]
    return pl.sum_horizontal(bits).cast(pl.UInt32).alias("bits")


_BITS = _bits()


# --- what it comes to


def _payment_percent() -> pl.Expr:
    """The amount before rounding in percent of fee x units; of a whole cent, `CENT` billionths are 100 %."""
    full = pl.col("fee") * pl.col("units") * (CENT // 100_000)
    thousandths = ((pl.col("amount") + full // 2) // full).cast(pl.Decimal(18, 3))
    return (thousandths / 1000).cast(pl.Decimal(9, 3))


def _per_ten_thousand(name: str) -> pl.Expr:
    share: int = price_rules()["nonparticipating"][name]
    return (pl.col("schedule") * share + 5_000) // 10_000


_FULL = pl.when(pl.col("unpriced").is_null()).then(pl.col("fee") * CENT).alias("amount")
_WITHOUT_BASE = (
    pl.when("no_base").then(_LATER).otherwise("unpriced").alias("unpriced"),
    pl.when(~pl.col("no_base")).then("amount").alias("amount"),
)
_IN_CENTS = (cents("amount").alias("schedule"), _payment_percent().alias("payment_percent"))
_LIMITS = (
    _per_ten_thousand("amount_per_ten_thousand").alias("nonparticipating_cents"),
    _per_ten_thousand("limit_per_ten_thousand").alias("limiting_cents"),
)
_PRINTED = [
    (pl.col(each).cast(pl.Decimal(18, 2)) / 100).cast(pl.Decimal(9, 2)).alias(f"{each} as printed") for each in RVUS
]
"""RVUs, which are reckoned with as whole hundredths, as CMS prints them."""
