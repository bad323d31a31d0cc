"""What the lines of a session bear on each other: both sides on two lines, and which of several procedures is highest.

A session is what one physician does for one beneficiary on one day. Of several procedures the highest is paid in full
and others less, by the indicators of the record layout (RVU25D, Multiple Procedure 2 to 7; IOM 100-04 ch. 12, sections
40.6 and 40.7). Each rule here finds the facts (`FACTS`); what is paid by them is in `reductions`.
"""

from collections.abc import Callable, Mapping

import polars as pl

from codeset.claims.engine.ranks import group_facts, rank_within, with_facts, with_group_facts, with_several
from codeset.claims.engine.series import count_up
from codeset.claims.pricing.fee import CENT
from codeset.claims.pricing.price_rules import price_rules

WHOLE = 1000
"""Shares count thousandths."""

_BY_REPORT_AFTER: int = price_rules()["surgery"]["by_report_after"]

FACTS: Mapping[str, pl.DataType] = {
    "is_second": pl.Boolean(),
    "sides_unclear": pl.Boolean(),
    "endoscopy_amount": pl.Int64(),
    "base_fee": pl.Int64(),
    "less_base": pl.Int64(),
    "no_base": pl.Boolean(),
    "surgery_first": pl.Int64(),
    "surgery_late": pl.Int64(),
    "counted": pl.Int64(),
    "is_compared": pl.Boolean(),
    "technical_first": pl.Int64(),
    "professional_first": pl.Int64(),
    "therapy_first": pl.Int64(),
}
"""The facts of a line's session that bear on its price.

`is_second`: it is the second side of a bilateral procedure; `sides_unclear`: one of more than two. `endoscopy_amount`:
its amount in a family of endoscopies, of which `less_base` are paid less `base_fee`; `no_base`: the base's fee is not
known. `surgery_first` and `surgery_late`: how many of its `counted` procedures rank first, and after the fifth.
`is_compared`: it is one of several tests. The others: how many of its components or units rank first.
"""

ALONE = tuple(
    (pl.lit(value=False) if dtype == pl.Boolean() else pl.lit(None, dtype=dtype)).alias(name)
    for name, dtype in FACTS.items()
)
"""The facts of a line that no other bears on."""

HAS_AMOUNT = pl.col("amount").is_not_null()
IS_SURGERY = HAS_AMOUNT & pl.col("is_surgery") & ~pl.col("m78")
"""A return to the operating room (78) is not ranked (IOM 100-04 ch. 12, section 40.4.C)."""

PARTS: Mapping[str, pl.Expr] = {
    "is_one_side": (
        HAS_AMOUNT
        & pl.col("both_sides").is_not_null()
        & ~pl.col("m50")
        & ~pl.col("m78")
        & pl.col("site").is_in(["RT", "LT"])
        & ~pl.col("is_distinct")  # 59, X{EPSU}, 76 or 77: another lesion, not another side
        & ~pl.col("is_repeated")
    ),
    "is_scope": IS_SURGERY & pl.col("endoscopic_base").is_not_null(),
    "in_surgery": IS_SURGERY,
    "in_tests": HAS_AMOUNT & pl.col("later_technical").is_not_null(),
    "in_therapy": HAS_AMOUNT & pl.col("is_therapy"),
}
"""The rules that a line may take part in, in the order in which they are applied."""

PROCEDURES = pl.col("quantity")
"""Each unit is a procedure; both sides by 50 or two units are one."""

_CASE_COLUMNS = (*PARTS, "hcpcs", "quantity", "unit_amount")


def facts_of(lines: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Return *lines* (`row`, `session`, `case`) with those of `FACTS` that any of them has.

    `case` is the position of a line's own case among *cases*. `procedures` is how often a line counts where procedures
    are ranked, by `value`: the second side of a bilateral procedure and the members of an endoscopic family count with
    their `leader`, as one. `at` is a line's position here.
    """
    if lines.is_empty():
        return lines
    position = count_up(lines.height).alias("at")
    ranked_lines = _with_case_columns(lines.hstack([position, position.alias("leader")]), cases, *_CASE_COLUMNS)
    ranked_lines = ranked_lines.with_columns(
        PROCEDURES.alias("procedures"), pl.col("unit_amount").alias("value"), is_second=pl.lit(value=False)
    )
    for session_rule, apply_rule in _SESSION_RULES.items():
        if ranked_lines[session_rule].any():
            ranked_lines = apply_rule(ranked_lines, cases)
    return ranked_lines


def _with_case_columns(lines: pl.DataFrame, cases: pl.DataFrame, *columns: str) -> pl.DataFrame:
    return lines.hstack(cases.select(columns)[lines["case"]])


RANKS_FIRST = (pl.col("above") == 0).cast(pl.Int64)
"""How many of a line's procedures are the highest of all: one or none."""


def other_sides(lines: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """The codes that one line has with RT and another with LT: the first of the two leads.

    A bilateral procedure on two lines ranks by what both are paid together (layout, Bilateral Surgery 1).
    """
    one_sided_lines = with_group_facts(
        _with_case_columns(lines.filter("is_one_side"), cases, *_SIDE_COLUMNS),
        ["session", "hcpcs", "fee_modifier"],
        sites=pl.col("site").n_unique(),
        first=pl.col("at").get(pl.col("row").arg_min()),
        # Which line is which side is not known of three lines, nor of several units on one.
        sides_unclear=(pl.len() != 2) | (pl.col("units").max() != 1),
    )
    # RT and LT: one of them on two lines is one side twice.
    two_sided = one_sided_lines.filter(pl.col("sites") == 2)
    if two_sided.is_empty():
        return lines
    is_clear = ~pl.col("sides_unclear").fill_null(value=True)
    is_second = is_clear & (pl.col("first") != pl.col("at"))
    return with_facts(lines, _side_facts(two_sided)).with_columns(
        pl.col("sides_unclear").fill_null(value=False),
        is_second.alias("is_second"),
        pl.when(is_clear).then("first").otherwise("leader").alias("leader"),
        pl.when(is_clear).then("of_both").otherwise("value").alias("value"),
        pl.when(is_second).then("of_second").otherwise("unit_amount").alias("unit_amount"),
        pl.when(is_second).then(0).otherwise("procedures").alias("procedures"),
    )


def _side_facts(two_sided: pl.DataFrame) -> pl.DataFrame:
    """Of each line of two sides the `first` of both, and what both are paid, and the second alone."""
    one_side_amount = pl.col("fee") * CENT // WHOLE
    return two_sided.select(
        "at",
        "first",
        "sides_unclear",
        (one_side_amount * pl.col("both_sides")).alias("of_both"),
        (one_side_amount * pl.col("second_side")).alias("of_second"),
    )


_SIDE_COLUMNS = ("fee_modifier", "site", "units", "fee", "both_sides", "second_side")


def families(lines: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Price each family of endoscopies: the highest in full, others less the base, the base itself not beside them.

    A family then counts as one procedure, with its total.
    """
    members = with_several(_family_members(lines, cases), ["session", "family"])
    if members.is_empty():
        return lines
    # Never below nothing: a member that is lower than its base adds none to the highest.
    amount_less_base = pl.max_horizontal(pl.col("unit_amount") - pl.col("base_cents") * CENT, 0)
    # 1 less than the procedures of the line that ranks first; all of them on any other line.
    later_procedures = pl.max_horizontal(pl.col("procedures") - RANKS_FIRST, 0)
    amount_with_leader = pl.when(pl.col("procedures") == 0).then(pl.col("unit_amount") * pl.col("quantity"))
    amount_alone = pl.col("unit_amount") * RANKS_FIRST + amount_less_base * later_procedures
    scopes = rank_within(members.filter(~pl.col("is_base")), ["session", "family"], "unit_amount").with_columns(
        amount_with_leader.otherwise(amount_alone).alias("endoscopy_amount"),
        pl.col("base_cents").alias("base_fee"),
        later_procedures.alias("less_base"),
        ((later_procedures > 0) & pl.col("base_cents").is_null()).alias("no_base"),
    )
    # The base is part of every other member, and is not paid beside one (layout, Multiple Procedure 3).
    unpaid_bases = members.filter("is_base").select(
        "at", endoscopy_amount=pl.lit(0, dtype=pl.Int64), no_base=pl.lit(value=False)
    )
    paid_scopes = scopes.select("at", "endoscopy_amount", "base_fee", "less_base", "no_base")
    endoscopy_facts = pl.concat([paid_scopes, unpaid_bases], how="diagonal")
    with_endoscopies = with_facts(lines, endoscopy_facts).with_columns(pl.col("no_base").fill_null(value=False))
    return _as_one_procedure(with_endoscopies, members, scopes)


def _family_members(lines: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Endoscopies by the base of their family, and the lines of those bases."""
    candidates = _with_case_columns(lines.filter("in_surgery"), cases, "endoscopic_base", "base_cents")
    scopes = candidates.filter("is_scope").with_columns(
        pl.col("endoscopic_base").alias("family"), is_base=pl.lit(value=False)
    )
    scope_families = scopes.select("session", "family").unique()
    base_lines = candidates.join(
        scope_families, left_on=["session", "hcpcs"], right_on=["session", "family"], how="semi"
    )
    return pl.concat([scopes, base_lines.with_columns(pl.col("hcpcs").alias("family"), is_base=pl.lit(value=True))])


def _as_one_procedure(lines: pl.DataFrame, members: pl.DataFrame, scopes: pl.DataFrame) -> pl.DataFrame:
    """The members of a family follow the line of its first endoscopy, which counts once, with the family's total."""
    family_totals = group_facts(
        scopes,
        ["session", "family"],
        family_leader=pl.col("at").first(),
        family_value=pl.col("endoscopy_amount").sum(),
    )
    member_totals = members.select("at", "session", "family").join(family_totals, on=["session", "family"])
    is_leader = (pl.col("family_leader") == pl.col("at")).cast(pl.Int64)
    return with_facts(lines, member_totals.drop("session", "family")).with_columns(
        pl.when(pl.col("family_leader").is_not_null()).then(is_leader).otherwise("procedures").alias("procedures"),
        pl.coalesce("family_leader", "leader").alias("leader"),
        pl.coalesce("family_value", "value").alias("value"),
    )


def surgery_ranks(lines: pl.DataFrame, _: pl.DataFrame) -> pl.DataFrame:
    """Rank the surgeries of each session; who counts with a leader has the leader's rank."""
    surgeries = lines.select("at", "row", "session", "hcpcs", "procedures", "value").filter(lines["in_surgery"])
    several_surgeries = with_several(surgeries, ["session"])
    if several_surgeries.is_empty():
        return lines
    # Of the procedures above a line and its own, those after the fifth (IOM 100-04 ch. 12, section 40.6.C).
    procedures_by_report = pl.max_horizontal(pl.col("above") + pl.col("procedures") - _BY_REPORT_AFTER, 0)
    surgery_facts = rank_within(several_surgeries, ["session"], "value").select(
        "at",
        RANKS_FIRST.alias("surgery_first"),
        pl.min_horizontal("procedures", procedures_by_report).alias("surgery_late"),
        pl.col("procedures").alias("counted"),
    )
    return with_facts(lines, surgery_facts, by="leader")


def components(lines: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Rank the technical and the professional components of the tests of a session, each alone."""
    tests = _with_case_columns(lines.filter("in_tests"), cases, *_TEST_COLUMNS)
    # Each indicator alone: cardiology, ophthalmology and imaging have rules of their own (layout, 4, 6 and 7).
    several_tests = with_several(tests, ["session", "multiple_procedure"])
    if several_tests.is_empty():
        return lines
    component_names = ("professional", "technical")
    sides_of_test = pl.when("is_second").then("second_side").otherwise("sides").alias("sides")
    several_tests = several_tests.with_columns(sides_of_test).with_columns(
        professional_component().alias("professional")
    )
    several_tests = several_tests.with_columns(technical_component().alias("technical"), is_compared=pl.lit(value=True))
    lines = with_facts(lines, several_tests.select("at", "is_compared", *component_names))
    for component in component_names:
        # The second side of a test counts with its leader, and a component without an amount has no rank.
        with_part = several_tests.filter(pl.col("procedures") > 0, pl.col(component) > 0)
        component_ranks = rank_within(with_part, ["session", "multiple_procedure"], component)
        lines = with_facts(lines, component_ranks.select("at", RANKS_FIRST.alias(f"{component}_first")), by="leader")
    return lines.with_columns(
        pl.col("is_compared").fill_null(value=False),
        *(
            pl.when(pl.col(part).is_not_null()).then(pl.col(f"{part}_first").fill_null(0)).alias(f"{part}_first")
            for part in component_names
        ),
    )


_TEST_COLUMNS = ("multiple_procedure", "fee_modifier", "pctc_indicator", "professional_cents", "sides", "second_side")


def professional_component() -> pl.Expr:
    """The professional component of one test; null where it is not known."""
    side_share = pl.col("sides").fill_null(WHOLE)
    return (
        pl.when(pl.col("fee_modifier") == "26")
        .then("unit_amount")
        .when((pl.col("fee_modifier") == "TC") | (pl.col("pctc_indicator") == "3"))  # 3: technical component only
        .then(0)
        .otherwise(pl.col("professional_cents") * CENT // WHOLE * side_share)
    )


def technical_component() -> pl.Expr:
    """What the professional component leaves of a test's fee (layout, PC/TC indicator 1)."""
    return pl.col("unit_amount") - pl.col("professional")


def therapy_ranks(lines: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Rank the units of a session by their practice expense."""
    therapy_lines = _with_case_columns(lines.filter("in_therapy"), cases, "pe_rvu", "pe_gpci")
    # By practice expense, not by fee: that is what the rule reduces (layout, Multiple Procedure 5).
    practice_expense = (pl.col("pe_rvu") * pl.col("pe_gpci")).alias("expense")
    several_units = with_several(therapy_lines, ["session"]).with_columns(practice_expense)
    unit_ranks = rank_within(several_units, ["session"], "expense")
    return with_facts(lines, unit_ranks.select("at", RANKS_FIRST.alias("therapy_first")))


_SESSION_RULES: Mapping[str, Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]] = {
    "is_one_side": other_sides,
    "is_scope": families,
    "in_surgery": surgery_ranks,
    "in_tests": components,
    "in_therapy": therapy_ranks,
}
"""Bilateral before multiple, families before they are ranked with the other procedures (layout)."""
