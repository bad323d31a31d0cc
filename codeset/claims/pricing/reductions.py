"""What is taken off the fee of a line, rule by rule, in the order of `REDUCTIONS`.

Bilateral before multiple procedures, families of endoscopies before they rank with other procedures (layout RVU25D,
Bilateral Surgery and Multiple Procedure); the OPPS cap after the multiple tests; shares of the global package and of
modifiers last, for they are parts of the amount that is otherwise due. Every line carries `amount` in whole billionths
of a dollar: `quantity` times `unit_amount`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from codeset.claims.pricing.fee import CENT, reduced_therapy_cents
from codeset.claims.pricing.price_rules import price_rules
from codeset.claims.pricing.ranking import WHOLE, professional_component, technical_component

_BILATERAL = price_rules()["bilateral"]
_LATER_SURGERY_SHARE: int = price_rules()["surgery"]["later"]
_MODIFIER_SHARES = price_rules()["share"]


class Reduction(NamedTuple):
    """A rule: each line's amount after it, null where it does not apply."""

    rule: str
    source: str
    by: str
    """The column that it goes by: it does not apply where that is null."""
    amount: pl.Expr
    factor: pl.Expr
    """What was done, as text."""

    @property
    def after(self) -> str:
        """The column of the amounts that the rule leaves."""
        return f"after {self.rule}"


def with_reductions(lines: pl.DataFrame) -> pl.DataFrame:
    """Return *lines* with `amount` after all rules, and `after <rule>` for each of them.

    Lines without `amount` take no part. A rule that goes by nothing in any line is not worked through.
    """
    lines = lines.with_columns(_SIDES_AND_QUANTITY).with_columns(_UNIT_AMOUNT)
    lines = lines.with_columns(_PROFESSIONAL).with_columns(_TECHNICAL)
    lines = lines.with_columns(pl.lit(None, dtype=pl.Int64()).alias(reduction.after) for reduction in REDUCTIONS)
    for reduction in REDUCTIONS:
        if lines[reduction.by].null_count() < lines.height:
            lines = lines.with_columns(reduction.amount.alias(reduction.after)).with_columns(
                pl.coalesce(reduction.after, "amount").alias("amount")
            )
    return lines


def percent(thousandths: str | pl.Expr) -> pl.Expr:
    """Return a share as text: `62.5%`."""
    share_thousandths = pl.col(thousandths) if isinstance(thousandths, str) else thousandths
    tenths = pl.when(share_thousandths % 10 == 0).then(pl.lit("")).otherwise(pl.format(".{}", share_thousandths % 10))
    return pl.format("{}{}%", share_thousandths // 10, tenths)


# Both sides: layout RVU25D, Bilateral Surgery.
BY_MODIFIER = pl.col("m50") | (pl.col("site") == "LT RT")
BY_TWO_UNITS = (
    pl.col("bilateral_surgery").is_in(_BILATERAL["by_two_units"])
    & (pl.col("units") == 2)
    & (pl.col("site") == "")
    & ~pl.col("is_distinct")
)
IS_BILATERAL = ~pl.col("m78") & pl.col("amount").is_not_null() & (BY_MODIFIER | BY_TWO_UNITS)
"""Modifier 50, RT with LT, or two units. A return to the operating room (78) has no bilateral rule (IOM 100-04 ch. 12,
section 40.4.C)."""

_SIDES_AND_QUANTITY = (
    pl.when("is_second").then("second_side").when(IS_BILATERAL).then("both_sides").alias("sides"),
    pl.when(IS_BILATERAL & BY_TWO_UNITS & ~BY_MODIFIER)
    .then(1)
    .otherwise(pl.col("units"))
    .cast(pl.Int64)
    .alias("quantity"),
)
_UNIT_AMOUNT = (pl.col("fee") * CENT // WHOLE * pl.col("sides").fill_null(WHOLE)).alias("unit_amount")


# Several procedures: layout RVU25D, Multiple Procedure.


def _first_in_full(amount: pl.Expr, quantity: pl.Expr, first_count: pl.Expr, later_share: pl.Expr) -> pl.Expr:
    """*amount* of each: in full for *first_count* of them, at *later_share* for the rest of *quantity*."""
    return amount * (first_count * WHOLE + (quantity - first_count) * later_share) // WHOLE


def _shares_text(quantity: pl.Expr, first_count: pl.Expr, later_share: pl.Expr) -> pl.Expr:
    """What `_first_in_full` does, as text."""
    mixed_shares = pl.format("1 at 100%, {} at {}", quantity - 1, percent(later_share))
    single_share = pl.when(first_count == 1).then(pl.lit("100%")).otherwise(percent(later_share))
    return pl.when((first_count == 1) & (quantity > 1)).then(mixed_shares).otherwise(single_share)


SURGERY_SHARE = pl.col("surgery_first") * WHOLE + (pl.col("counted") - pl.col("surgery_first")) * _LATER_SURGERY_SHARE
"""Of all the procedures that a line counts as, in thousandths of one."""

_PROFESSIONAL = pl.when("is_compared").then(professional_component()).alias("professional")
_TECHNICAL = pl.when("is_compared").then(technical_component()).alias("technical")


def _component_amount(component: str) -> pl.Expr:
    # Each component ranks alone: the line with the highest technical one may have a lower professional one.
    first_count = pl.col(f"{component}_first")
    return _first_in_full(pl.col(component), pl.col("quantity"), first_count, pl.col(f"later_{component}"))


def _tests_text() -> pl.Expr:
    component_texts = [
        pl.when(pl.col(component) > 0).then(
            pl.format(
                "{} component {}",
                pl.lit(component),
                _shares_text(pl.col("quantity"), pl.col(f"{component}_first"), pl.col(f"later_{component}")),
            )
        )
        for component in ("technical", "professional")
    ]
    return pl.concat_str(*component_texts, separator="; ", ignore_nulls=True)


def _capped_amount() -> pl.Expr:
    """The lower of the reduced technical component and the cap's, unit by unit.

    The cap is compared with what the rule of multiple tests has left (the contractors' order: TrailBlazer's
    worksheet for imaging with multiple procedure reduction and OPPS cap, 2011).
    """
    professional = pl.col("professional").fill_null(0)
    technical = pl.col("technical").fill_null(pl.col("unit_amount"))
    first_count = pl.col("technical_first").fill_null(pl.col("quantity"))
    later_share = pl.col("later_technical").fill_null(WHOLE)
    cap = pl.max_horizontal(
        pl.col("cap") * CENT // WHOLE * pl.col("sides").fill_null(WHOLE) - professional, pl.lit(0, dtype=pl.Int64)
    )
    reduced_later = technical * later_share // WHOLE
    amount_over_cap = pl.max_horizontal(technical - cap, 0) * first_count
    amount_over_cap += pl.max_horizontal(reduced_later - cap, 0) * (pl.col("quantity") - first_count)
    return pl.when(pl.col("cap").is_not_null() & (amount_over_cap > 0)).then(pl.col("amount") - amount_over_cap)


def _therapy_amount() -> pl.Expr:
    """The highest unit in full, the others with a reduced practice expense."""
    # In cents: CMS publishes the reduced fee beside the full one (PFREV26B, PF26PB), both to the cent.
    reduced_amount = (pl.col("quantity") - pl.col("therapy_first")) * reduced_therapy_cents() * CENT
    return pl.col("unit_amount") * pl.col("therapy_first") + reduced_amount // WHOLE * pl.col("sides").fill_null(WHOLE)


# Shares of the global package: layout RVU25D, Preoperative, Intraoperative and Postoperative Percentage.
_PREOPERATIVE, _INTRAOPERATIVE, _POSTOPERATIVE = (
    pl.col(f"{part}operative_percentage") for part in ("pre", "intra", "post")
)

SURGERY_ONLY = _PREOPERATIVE + _INTRAOPERATIVE
CARE_AFTER = _POSTOPERATIVE
CARE_BEFORE = _PREOPERATIVE
IS_RETURN = pl.col("m78") & (_INTRAOPERATIVE > 0)

GLOBAL_SHARE = (
    pl.when("m54")
    .then(SURGERY_ONLY)
    .when("m55")
    .then(CARE_AFTER)
    .when("m56")
    .then(CARE_BEFORE)
    .when(IS_RETURN)
    .then(_INTRAOPERATIVE)
)
"""The part of the global package that a modifier claims, in hundredths; null where none does. 54 is the surgery with
the care before it, 55 and 56 the care after and before, 78 the surgery alone; 78 on a service without such parts is
its full value (IOM 100-04 ch. 12, section 40.4)."""


def _share_of_modifier(of_modifier: Mapping[str, int]) -> pl.Expr:
    """The share, in thousandths, of the first of these modifiers that a line has; null where it has none."""
    share = pl.lit(None, dtype=pl.Int64)
    # The outermost condition is that of the first modifier of the group: it counts (`price_rules.toml`).
    for modifier, thousandths in reversed(list(of_modifier.items())):
        share = pl.when(f"m{modifier}").then(pl.lit(thousandths, dtype=pl.Int64)).otherwise(share)
    return share


SHARES_BY_MODIFIER = tuple(
    _share_of_modifier(group["of_modifier"]).alias(rule) for rule, group in _MODIFIER_SHARES.items()
)
"""A column for each group of modifiers that pay a share (`price_rules.toml`), named as its rule."""


PRACTITIONER_SHARE = pl.when(~pl.col("mAS")).then("practitioner_share")
"""An assistant's share by AS is that of a nurse practitioner, clinical nurse specialist or physician assistant."""


def _share_reduction(rule: str, group: Mapping[str, Any]) -> Reduction:
    return Reduction(rule, group["source"], rule, pl.col("amount") * pl.col(rule) // WHOLE, percent(rule))


# Both sides before several procedures, families of endoscopies before all procedures (layout RVU25D, Bilateral Surgery,
# Multiple Procedure 3), the cap after several tests (see `_capped_amount`). Shares come last: they are of what is
# payable for the service (IOM 100-04 ch. 12, sections 20.4.3, 40.4 and 40.8).
REDUCTIONS: tuple[Reduction, ...] = (
    Reduction(
        "units",
        "IOM 100-04 ch. 26, section 10.4, item 24G: the fee is that of one unit",
        "units",
        pl.when(pl.col("units") != 1).then(pl.col("amount") * pl.col("units")),
        pl.format("{} units", "units"),
    ),
    Reduction(
        "bilateral",
        "layout RVU25D, Bilateral Surgery: apply the bilateral adjustment before any multiple procedure rules",
        "sides",
        pl.when(pl.col("sides").is_not_null()).then(pl.col("unit_amount") * pl.col("quantity")),
        pl.format("{} of one side's fee", percent("sides")),
    ),
    Reduction(
        "multiple-endoscopies",
        "layout RVU25D, Multiple Procedure 3: apply to a family before ranking it with the other procedures",
        "endoscopy_amount",
        pl.col("endoscopy_amount"),
        pl.when(pl.col("base_fee").is_null())
        .then(pl.lit("the base of the family is in its other endoscopies"))
        .when(pl.col("less_base") > 0)
        .then(pl.format("{} less the base endoscopy", "less_base"))
        .otherwise(pl.lit("the highest of its family, in full")),
    ),
    Reduction(
        "multiple-surgeries",
        "layout RVU25D, Multiple Procedure 2 and 3; IOM 100-04 ch. 12, section 40.6.C",
        "surgery_first",
        pl.col("amount") * SURGERY_SHARE // (pl.col("counted") * WHOLE),
        _shares_text(pl.col("counted"), pl.col("surgery_first"), pl.lit(_LATER_SURGERY_SHARE)),
    ),
    Reduction(
        "multiple-tests",
        "layout RVU25D, Multiple Procedure 4, 6 and 7",
        "technical",
        _component_amount("technical") + _component_amount("professional"),
        _tests_text(),
    ),
    Reduction(
        "opps-cap",
        "layout RVU25D, formula of the OPPS payment amount; Deficit Reduction Act of 2005, section 5102(b)",
        "cap",
        _capped_amount(),
        pl.lit("lower of this and the OPPS payment amount"),
    ),
    Reduction(
        "multiple-therapy",
        "layout RVU25D, Multiple Procedure 5 and formula",
        "therapy_first",
        _therapy_amount(),
        pl.format("{} of {} in full, the rest with half the practice expense", "therapy_first", "quantity"),
    ),
    Reduction(
        "global-share",
        "layout RVU25D, Preoperative, Intraoperative and Postoperative Percentage; IOM 100-04 ch. 12, section 40.4",
        "share",
        pl.col("amount") * pl.col("share") // 100,
        percent(pl.col("share") * 10),
    ),
    *(_share_reduction(rule, group) for rule, group in _MODIFIER_SHARES.items()),
    Reduction(
        "practitioner",
        "42 CFR 414.56(c); IOM 100-04 ch. 12, sections 110 and 120",
        "practitioner",
        pl.col("amount") * pl.col("practitioner") // WHOLE,
        pl.format("{} for a practitioner who is no physician", percent("practitioner")),
    ),
)
