"""What is taken off the fee of a line, rule by rule, in the order in which it is applied.

Every line carries `amount` in whole billionths of a dollar, `quantity` times `each`. `procedures` is how often it
counts where procedures are ranked: the second side of a bilateral procedure and the members of an endoscopic family
count with their `leader`, as one.
"""

from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from codeset.claims.code_set import CodeSet
from codeset.claims.price_fees import CENT, price_rules
from codeset.claims.price_multiple import (
    NO_FAMILIES,
    NO_SURGERIES,
    NO_TESTS,
    NO_THERAPY,
    WHOLE,
    capped_amount,
    components,
    families,
    percent,
    surgery_amount,
    surgery_factor,
    surgery_ranks,
    tests_amount,
    tests_factor,
    therapy_amount,
    therapy_ranks,
)

_BILATERAL = price_rules()["bilateral"]
_ROLE = price_rules()["role"]


class Reduction(NamedTuple):
    """A rule: what it must find out of the lines together, then each line's amount; null where it is silent."""

    rule: str
    source: str
    prepared: Callable[[pl.DataFrame, CodeSet], pl.DataFrame]
    amount: pl.Expr
    factor: pl.Expr
    """What was done, as text."""
    reaches: pl.Expr = pl.lit(value=True)
    """Whether it may say something of a line."""
    silence: tuple[pl.Expr, ...] = ()
    """What it finds out of lines that it does not reach."""

    @property
    def after(self) -> str:
        """The column of the amounts that the rule leaves."""
        return f"after {self.rule}"

    @property
    def nothing(self) -> tuple[pl.Expr, ...]:
        """What stands for the rule where it reaches no line."""
        return (*self.silence, pl.lit(None, dtype=pl.Int64()).alias(self.after))


def reduced(lines: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Return priced *lines* with `amount` after all rules, and `after <rule>` for each of them.

    Lines without `amount` take no part. A rule that reaches no line is not worked through.
    """
    first, *others = REDUCTIONS
    lines = _after(first, lines, code_set)
    any_reached = lines.select(each.reaches.any().alias(each.rule) for each in others).row(0, named=True)
    silent = [each for each in others if not any_reached[each.rule]]
    lines = lines.with_columns(nothing for each in silent for nothing in each.nothing)
    for each in others:
        if any_reached[each.rule]:
            lines = _after(each, lines, code_set)
    return lines


def _after(rule: Reduction, lines: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    left = pl.coalesce(rule.amount, "amount").alias("amount")
    return rule.prepared(lines, code_set).with_columns(rule.amount.alias(rule.after), left)


def _alone(lines: pl.DataFrame, _: CodeSet) -> pl.DataFrame:
    """For rules that need nothing but the line."""
    return lines


# --- both sides


def _sides(lines: pl.DataFrame, _: CodeSet) -> pl.DataFrame:
    """What a line is paid of one side's fee, whether modifier 50, RT with LT, or two units tell of both sides.

    A return to the operating room (78) has no bilateral rule (IOM 100-04 ch. 12, 40.4.C).
    """
    lines = _with_other_side(lines)
    two_units = (
        pl.col("bilateral_surgery").is_in(_BILATERAL["by_two_units"])
        & (pl.col("units") == 2)
        & (pl.col("site") == "")
        & ~pl.col("is_distinct")
    )
    marked = pl.col("m50") | (pl.col("site") == "LT RT")
    is_second = pl.col("leader") != pl.col("row")
    both_here = ~pl.col("m78") & pl.col("amount").is_not_null() & (marked | two_units)
    sides = pl.when(is_second).then("second_side").when(both_here).then("both_sides")
    quantity = pl.when(both_here & two_units & ~marked).then(1).otherwise(pl.col("units")).cast(pl.Int64)
    lines = lines.with_columns(sides.alias("sides"), quantity.alias("quantity"))
    return lines.with_columns(
        (pl.col("fee") * CENT // WHOLE * pl.col("sides").fill_null(WHOLE)).alias("each"),
        pl.when(is_second).then(0).otherwise(pl.col("quantity")).alias("procedures"),
    ).with_columns(_ranking_value().alias("value"))


def _ranking_value() -> pl.Expr:
    """A bilateral procedure on two lines ranks by what both are paid together (layout, Bilateral Surgery 1)."""
    return pl.when("on_two_lines").then(pl.col("fee") * CENT // WHOLE * pl.col("both_sides")).otherwise("each")


def _with_other_side(lines: pl.DataFrame) -> pl.DataFrame:
    """Adds `leader`, the first line of a code that one line has with RT and another with LT; and `sides_unclear`."""
    told = ("row", "session", "hcpcs", "fee_modifier", "site", "units", "claim_id", "line")
    may = pl.col("amount").is_not_null() & pl.col("both_sides").is_not_null() & ~pl.col("m50") & ~pl.col("m78")
    sides = lines.select(*told, "amount", "both_sides", "m50", "m78")
    one_side = sides.filter(may, pl.col("site").is_in(["RT", "LT"]))
    if one_side.is_empty():
        false = pl.lit(value=False)
        return lines.with_columns(pl.col("row").alias("leader"), on_two_lines=false, sides_unclear=false)
    pairs = (
        one_side.sort("claim_id", "line")
        .group_by("session", "hcpcs", "fee_modifier")
        .agg(
            pl.col("row").first().alias("leader"),
            pl.col("row"),
            (pl.col("site").n_unique() == 2).alias("both_lines"),
            ((pl.len() != 2) | (pl.col("units").max() != 1)).alias("sides_unclear"),
        )
    )
    both = pairs.filter("both_lines").explode("row", empty_as_null=False, keep_nulls=False)
    found = lines.join(both.select("row", "leader", "sides_unclear"), on="row", how="left", maintain_order="left")
    clear = pl.col("sides_unclear").eq(other=False).fill_null(value=False)
    return found.with_columns(
        pl.when(clear).then("leader").otherwise("row").alias("leader"),
        clear.alias("on_two_lines"),
        pl.col("sides_unclear").fill_null(value=False),
    )


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


def is_assistant() -> pl.Expr:
    """Whether the line is an assistant's at surgery."""
    return pl.any_horizontal("m80", "m81", "m82", "mAS")


def _role() -> pl.Expr:
    assistant = pl.when("mAS").then(_ROLE["assistant_not_physician"]).when(is_assistant()).then(_ROLE["assistant"])
    return assistant.when("m62").then(_ROLE["co_surgeon"]).cast(pl.Int64)


REDUCTIONS: tuple[Reduction, ...] = (
    Reduction(
        "units",
        "IOM 100-04 ch. 26, section 10.4, item 24G: the fee is that of one unit",
        _sides,
        pl.when(pl.col("units") != 1).then(pl.col("amount") * pl.col("units")),
        pl.format("{} units", "units"),
    ),
    Reduction(
        "bilateral",
        "layout RVU25D, Bilateral Surgery: apply the bilateral adjustment before any multiple procedure rules",
        _alone,
        pl.when(pl.col("sides").is_not_null()).then(pl.col("each") * pl.col("quantity")),
        pl.format("{} of one side's fee", percent("sides")),
        pl.col("sides").is_not_null(),
    ),
    Reduction(
        "multiple-endoscopies",
        "layout RVU25D, Multiple Procedure 3: apply to a family before ranking it with the other procedures",
        families,
        pl.col("own"),
        pl.when(pl.col("base_fee").is_null())
        .then(pl.lit("the base of the family is in its other endoscopies"))
        .when(pl.col("less_base") > 0)
        .then(pl.format("{} less the base endoscopy", "less_base"))
        .otherwise(pl.lit("the highest of its family, in full")),
        pl.col("endoscopic_base").is_not_null(),
        NO_FAMILIES,
    ),
    Reduction(
        "multiple-surgeries",
        "layout RVU25D, Multiple Procedure 2 and 3; IOM 100-04 ch. 12, section 40.6.C",
        surgery_ranks,
        surgery_amount(),
        surgery_factor(),
        pl.col("is_surgery"),
        NO_SURGERIES,
    ),
    Reduction(
        "multiple-tests",
        "layout RVU25D, Multiple Procedure 4, 6 and 7",
        components,
        tests_amount(),
        tests_factor(),
        pl.col("later_technical").is_not_null(),
        NO_TESTS,
    ),
    Reduction(
        "opps-cap",
        "layout RVU25D, formula of the OPPS payment amount; Deficit Reduction Act of 2005, section 5102(b)",
        _alone,
        capped_amount(),
        pl.lit("lower of this and the OPPS payment amount"),
        pl.col("cap").is_not_null(),
    ),
    Reduction(
        "multiple-therapy",
        "layout RVU25D, Multiple Procedure 5 and formula",
        therapy_ranks,
        therapy_amount(),
        pl.format("{} of {} in full, the rest with half the practice expense", "therapy_first", "quantity"),
        pl.col("is_therapy"),
        NO_THERAPY,
    ),
    Reduction(
        "global-share",
        "layout RVU25D, Preoperative, Intraoperative and Postoperative Percentage; IOM 100-04 ch. 12, section 40.4",
        _alone,
        pl.col("amount") * global_share() // 100,
        percent(global_share() * 10),
        pl.any_horizontal("m54", "m55", "m56", "m78"),
    ),
    Reduction(
        "role",
        "assistants: IOM 100-04 ch. 12, sections 20.4.3, 110.2, 120.1; co-surgeons: section 40.8",
        _alone,
        pl.col("amount") * _role() // WHOLE,
        percent(_role()),
        is_assistant() | pl.col("m62"),
    ),
)
"""The order of the rules, each with its source. Bilateral before multiple, families before ranking (layout); the cap
after the multiple tests (`capped_amount`); shares and roles last: parts of the amount that is otherwise due."""
