"""What is taken off the fee of a line, rule by rule, in the order in which it is applied.

Every line carries `amount` in whole billionths of a dollar, `quantity` times `each`.
"""

from typing import NamedTuple

import polars as pl

from codeset.claims.edits.modifiers import IS_ASSISTANT
from codeset.claims.pricing.fee import CENT, price_rules, reduced_therapy_cents
from codeset.claims.pricing.ranking import WHOLE, professional_component, technical_component

_BILATERAL = price_rules()["bilateral"]
_ROLE = price_rules()["role"]
_LATER: int = price_rules()["surgery"]["later"]


class Reduction(NamedTuple):
    """A rule: each line's amount after it, null where it is silent."""

    rule: str
    source: str
    by: str
    """The column that it goes by: it is silent where that is null."""
    amount: pl.Expr
    factor: pl.Expr
    """What was done, as text."""

    @property
    def after(self) -> str:
        """The column of the amounts that the rule leaves."""
        return f"after {self.rule}"


def reduced(lines: pl.DataFrame) -> pl.DataFrame:
    """Return priced *lines* with `amount` after all rules, and `after <rule>` for each of them.

    Lines without `amount` take no part. A rule that goes by nothing in any line is not worked through.
    """
    lines = lines.with_columns(_SIDES).with_columns(_EACH).with_columns(_PROFESSIONAL).with_columns(_TECHNICAL)
    lines = lines.with_columns(pl.lit(None, dtype=pl.Int64()).alias(each.after) for each in REDUCTIONS)
    for each in REDUCTIONS:
        if lines[each.by].null_count() < lines.height:
            lines = lines.with_columns(each.amount.alias(each.after)).with_columns(
                pl.coalesce(each.after, "amount").alias("amount")
            )
    return lines


def percent(thousandths: str | pl.Expr) -> pl.Expr:
    """Return a share as text: `62.5 %`."""
    share = pl.col(thousandths) if isinstance(thousandths, str) else thousandths
    tenths = pl.when(share % 10 == 0).then(pl.lit("")).otherwise(pl.format(".{}", share % 10))
    return pl.format("{}{} %", share // 10, tenths)


# --- both sides


def _sides() -> tuple[pl.Expr, pl.Expr]:
    """What a line is paid of one side's fee, whether modifier 50, RT with LT, or two units tell of both sides.

    A return to the operating room (78) has no bilateral rule (IOM 100-04 ch. 12, 40.4.C).
    """
    two_units = (
        pl.col("bilateral_surgery").is_in(_BILATERAL["by_two_units"])
        & (pl.col("units") == 2)
        & (pl.col("site") == "")
        & ~pl.col("is_distinct")
    )
    marked = pl.col("m50") | (pl.col("site") == "LT RT")
    both_here = ~pl.col("m78") & pl.col("amount").is_not_null() & (marked | two_units)
    sides = pl.when("is_second").then("second_side").when(both_here).then("both_sides")
    quantity = pl.when(both_here & two_units & ~marked).then(1).otherwise(pl.col("units")).cast(pl.Int64)
    return sides.alias("sides"), quantity.alias("quantity")


_SIDES = _sides()
_EACH = (pl.col("fee") * CENT // WHOLE * pl.col("sides").fill_null(WHOLE)).alias("each")


# --- several procedures


def _of(amount: pl.Expr, quantity: pl.Expr, first: pl.Expr, later: pl.Expr) -> pl.Expr:
    """*amount* of each: in full for the *first*, at the share *later* for the rest of *quantity*."""
    return amount * (first * WHOLE + (quantity - first) * later) // WHOLE


def _shares(quantity: pl.Expr, first: pl.Expr, later: pl.Expr) -> pl.Expr:
    """What `_of` does, as text."""
    mixed = pl.format("1 at 100 %, {} at {}", quantity - 1, percent(later))
    alone = pl.when(first == 1).then(pl.lit("100 %")).otherwise(percent(later))
    return pl.when((first == 1) & (quantity > 1)).then(mixed).otherwise(alone)


def _surgery_amount() -> pl.Expr:
    share = pl.col("surgery_first") * WHOLE + (pl.col("counted") - pl.col("surgery_first")) * _LATER
    return pl.col("amount") * share // (pl.col("counted") * WHOLE)


_PROFESSIONAL = pl.when("is_compared").then(professional_component()).alias("professional")
_TECHNICAL = pl.when("is_compared").then(technical_component()).alias("technical")


def _component_amount(component: str) -> pl.Expr:
    first = pl.col(f"{component}_first")
    return _of(pl.col(component), pl.col("quantity"), first, pl.col(f"later_{component}"))


def _tests_factor() -> pl.Expr:
    parts = [
        pl.when(pl.col(component) > 0).then(
            pl.format(
                "{} component {}",
                pl.lit(component),
                _shares(pl.col("quantity"), pl.col(f"{component}_first"), pl.col(f"later_{component}")),
            )
        )
        for component in ("technical", "professional")
    ]
    return pl.concat_str(*parts, separator="; ", ignore_nulls=True)


def _capped_amount() -> pl.Expr:
    """The lower of the reduced technical component and the cap's, unit by unit.

    The cap is compared with what the rule of multiple tests has left (the contractors' order: TrailBlazer's
    worksheet for imaging with multiple procedure reduction and OPPS cap, 2011).
    """
    professional = pl.col("professional").fill_null(0)
    technical = pl.col("technical").fill_null(pl.col("each"))
    first, later = pl.col("technical_first").fill_null(pl.col("quantity")), pl.col("later_technical").fill_null(WHOLE)
    cap = pl.max_horizontal(
        pl.col("cap") * CENT // WHOLE * pl.col("sides").fill_null(WHOLE) - professional, pl.lit(0, dtype=pl.Int64)
    )
    reduced_later = technical * later // WHOLE
    over = pl.max_horizontal(technical - cap, 0) * first
    over += pl.max_horizontal(reduced_later - cap, 0) * (pl.col("quantity") - first)
    return pl.when(pl.col("cap").is_not_null() & (over > 0)).then(pl.col("amount") - over)


def _therapy_amount() -> pl.Expr:
    """The highest unit in full, the others with a reduced practice expense."""
    rest = (pl.col("quantity") - pl.col("therapy_first")) * reduced_therapy_cents() * CENT
    return pl.col("each") * pl.col("therapy_first") + rest // WHOLE * pl.col("sides").fill_null(WHOLE)


# --- shares of the global package, and roles


def global_share() -> pl.Expr:
    """The part of the global package that a modifier claims, in hundredths; null where none does.

    54 is the surgery with what goes before it, 55 and 56 the care after and before, 78 the surgery alone; 78 on a
    service without such parts is its full value.
    """
    before, during, after = (f"{each}operative_percentage" for each in ("pre", "intra", "post"))
    parted = pl.col(during) > 0
    return (
        pl.when("m54")
        .then(pl.col(before) + pl.col(during))
        .when("m55")
        .then(after)
        .when("m56")
        .then(before)
        .when(pl.col("m78") & parted)
        .then(during)
    )


def role() -> pl.Expr:
    """The part of the surgeon's amount that an assistant or a co-surgeon has, in thousandths; null for anybody else."""
    assistant = pl.when("mAS").then(_ROLE["assistant_not_physician"]).when(IS_ASSISTANT).then(_ROLE["assistant"])
    return assistant.when("m62").then(_ROLE["co_surgeon"]).cast(pl.Int64)


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
        pl.when(pl.col("sides").is_not_null()).then(pl.col("each") * pl.col("quantity")),
        pl.format("{} of one side's fee", percent("sides")),
    ),
    Reduction(
        "multiple-endoscopies",
        "layout RVU25D, Multiple Procedure 3: apply to a family before ranking it with the other procedures",
        "own",
        pl.col("own"),
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
        _surgery_amount(),
        _shares(pl.col("counted"), pl.col("surgery_first"), pl.lit(_LATER)),
    ),
    Reduction(
        "multiple-tests",
        "layout RVU25D, Multiple Procedure 4, 6 and 7",
        "technical",
        _component_amount("technical") + _component_amount("professional"),
        _tests_factor(),
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
    Reduction(
        "role",
        "assistants: IOM 100-04 ch. 12, sections 20.4.3, 110.2, 120.1; co-surgeons: section 40.8",
        "role",
        pl.col("amount") * pl.col("role") // WHOLE,
        percent("role"),
    ),
)
"""The order of the rules, each with its source. Bilateral before multiple, families before ranking (layout); the cap
after the multiple tests (`_capped_amount`); shares and roles last: parts of the amount that is otherwise due."""
