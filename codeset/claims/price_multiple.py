"""Rules that look at several procedures of a session: rank them, and pay all but the highest less."""

import polars as pl

from codeset.claims.code_set import CodeSet
from codeset.claims.price_fees import CENT, PLACE, cents_of, price_rules, reduced_therapy_cents

WHOLE = 1000
"""Shares count thousandths."""

_LATER: int = price_rules()["surgery"]["later"]
_BY_REPORT_AFTER: int = price_rules()["surgery"]["by_report_after"]


def percent(thousandths: str | pl.Expr) -> pl.Expr:
    """Return a share as text: `62.5 %`."""
    share = pl.col(thousandths) if isinstance(thousandths, str) else thousandths
    tenths = pl.when(share % 10 == 0).then(pl.lit("")).otherwise(pl.format(".{}", share % 10))
    return pl.format("{}{} %", share // 10, tenths)


def _ranked(items: pl.DataFrame, among: list[str], value: str) -> pl.DataFrame:
    """Return *items* with `above`: how many procedures of the same *among* rank before.

    Equal *value* is ranked by code, claim and line.
    """
    equals = ("hcpcs", "claim_id", "line")
    order = items.sort(*among, value, *equals, descending=[*[False] * len(among), True, *[False] * len(equals)])
    before = pl.col("procedures").cum_sum() - pl.col("procedures")
    begins = pl.any_horizontal(pl.col(each).ne_missing(pl.col(each).shift()) for each in among)
    return order.with_columns((before - pl.when(begins).then(before).forward_fill()).alias("above"))


def _several(lines: pl.DataFrame, among: list[str]) -> pl.DataFrame:
    """The lines that are not the only procedure of their *among*."""
    return lines.filter(pl.col("procedures").sum().over(among) > 1)


def _first() -> pl.Expr:
    """How many of a line's procedures are the highest of all: one or none."""
    return (pl.col("above") == 0).cast(pl.Int64)


def _of(amount: pl.Expr, quantity: pl.Expr, first: pl.Expr, later: pl.Expr) -> pl.Expr:
    """*amount* of each: in full for the *first*, at the share *later* for the rest of *quantity*."""
    return amount * (first * WHOLE + (quantity - first) * later) // WHOLE


def _shares(quantity: pl.Expr, first: pl.Expr, later: pl.Expr) -> pl.Expr:
    """What `_of` does, as text."""
    mixed = pl.format("1 at 100 %, {} at {}", quantity - 1, percent(later))
    alone = pl.when(first == 1).then(pl.lit("100 %")).otherwise(percent(later))
    return pl.when((first == 1) & (quantity > 1)).then(mixed).otherwise(alone)


def _to_leader(lines: pl.DataFrame, ranks: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Give every line what was found of the line that it counts with."""
    return lines.join(
        ranks.select("row", *columns), left_on="leader", right_on="row", how="left", maintain_order="left"
    )


def _nothing(*names: str) -> tuple[pl.Expr, ...]:
    return tuple(pl.lit(None, dtype=pl.Int64()).alias(name) for name in names)


NO_SURGERIES = _nothing("surgery_first", "surgery_late", "counted")
NO_TESTS = (
    *_nothing("technical", "professional", "technical_first", "professional_first"),
    pl.lit(None, dtype=pl.Boolean()).alias("component_unknown"),
)
NO_THERAPY = _nothing("therapy_first", "therapy_fee")
NO_FAMILIES = (
    *_nothing("own", "base_fee", "less_base", "family_value"),
    pl.lit(None, dtype=pl.UInt32()).alias("family_leader"),
    *(pl.lit(value=False).alias(name) for name in ("no_base", "in_family")),
)
"""What a rule finds out of lines that it does not reach."""


# --- multiple endoscopies and surgeries


_RANKED = (
    "row",
    "session",
    "hcpcs",
    "claim_id",
    "line",
    "procedures",
    "value",
    "each",
    "amount",
    "endoscopic_base",
    *PLACE,
)


def _candidates(lines: pl.DataFrame) -> pl.DataFrame:
    """Lines that the rules of multiple surgeries reach; not a return to the operating room (IOM ch. 12, 40.4.C)."""
    reached = ("is_surgery", ~pl.col("m78"), pl.col("amount").is_not_null())
    return lines.select(*_RANKED, "is_surgery", "m78").filter(*reached).drop("is_surgery", "m78")


def families(lines: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Price each family of endoscopies: the highest in full, others less the base, the base itself not beside them.

    A family then counts as one procedure, with its total. Adds `no_base`: the base's fee is not known.
    """
    members = _several(_members(lines), ["session", "family"])
    if members.is_empty():
        return lines.with_columns(NO_FAMILIES)
    bases = cents_of(members, code_set, "family", "").rename({"cents": "base_fee"})
    scopes = members.join(bases, on="row", how="left", maintain_order="left").filter(~pl.col("is_base"))
    less = pl.max_horizontal(pl.col("each") - pl.col("base_fee") * CENT, 0)
    rest = pl.max_horizontal(pl.col("procedures") - _first(), 0)
    ranked = _ranked(scopes, ["session", "family"], "each").with_columns(
        pl.when(pl.col("procedures") == 0)
        .then("amount")
        .otherwise(pl.col("each") * _first() + less * rest)
        .alias("own"),
        rest.alias("less_base"),
        ((rest > 0) & pl.col("base_fee").is_null()).alias("no_base"),
    )
    unpaid = members.filter("is_base").select(
        "row", own=pl.lit(0, dtype=pl.Int64), base_fee=pl.lit(None, dtype=pl.Int64)
    )
    own = pl.concat([ranked.select("row", "own", "base_fee", "less_base", "no_base"), unpaid], how="diagonal")
    found = lines.join(own, on="row", how="left", maintain_order="left").with_columns(
        pl.col("no_base").fill_null(value=False)
    )
    return _as_one(found, members, ranked)


def _members(lines: pl.DataFrame) -> pl.DataFrame:
    """Endoscopies by the base of their family, and the lines of those bases."""
    candidates = _candidates(lines)
    scopes = candidates.filter(pl.col("endoscopic_base").is_not_null()).with_columns(
        pl.col("endoscopic_base").alias("family"), is_base=pl.lit(value=False)
    )
    families = scopes.select("session", "family").unique()
    bases = candidates.join(families, left_on=["session", "hcpcs"], right_on=["session", "family"], how="semi")
    return pl.concat([scopes, bases.with_columns(pl.col("hcpcs").alias("family"), is_base=pl.lit(value=True))])


def _as_one(lines: pl.DataFrame, members: pl.DataFrame, ranked: pl.DataFrame) -> pl.DataFrame:
    """The members of a family follow the line of its first endoscopy, which counts once, with the family's total."""
    totals = ranked.group_by("session", "family").agg(
        pl.col("row").first().alias("family_leader"), pl.col("own").sum().alias("family_value")
    )
    joined = members.select("row", "session", "family").join(totals, on=["session", "family"])
    found = lines.join(joined.drop("session", "family"), on="row", how="left", maintain_order="left")
    in_family = pl.col("family_leader").is_not_null()
    leads = (pl.col("family_leader") == pl.col("row")).cast(pl.Int64)
    return found.with_columns(
        pl.when(in_family).then(leads).otherwise("procedures").alias("procedures"),
        pl.coalesce("family_leader", "leader").alias("leader"),
        pl.coalesce("family_value", "value").alias("value"),
        in_family.alias("in_family"),
    )


def surgery_ranks(lines: pl.DataFrame, _: CodeSet) -> pl.DataFrame:
    """Adds `surgery_first` and `surgery_late`: how many of the line's procedures rank first, and after the fifth."""
    counted = _several(_candidates(lines), ["session"]).filter(pl.col("procedures") > 0)
    if counted.is_empty():
        return lines.with_columns(NO_SURGERIES)
    ranks = _ranked(counted, ["session"], "value").with_columns(
        _first().alias("surgery_first"),
        pl.min_horizontal(
            "procedures", pl.max_horizontal(pl.col("above") + pl.col("procedures") - _BY_REPORT_AFTER, 0)
        ).alias("surgery_late"),
        pl.col("procedures").alias("counted"),
    )
    found = _to_leader(lines, ranks, "surgery_first", "surgery_late", "counted")
    reached = pl.col("is_surgery") & ~pl.col("m78")
    return found.with_columns(pl.when(reached).then(each).alias(each) for each in ("surgery_first", "surgery_late"))


def surgery_amount() -> pl.Expr:
    """The amount by rank."""
    share = pl.col("surgery_first") * WHOLE + (pl.col("counted") - pl.col("surgery_first")) * _LATER
    return pl.col("amount") * share // (pl.col("counted") * WHOLE)


def surgery_factor() -> pl.Expr:
    """What `surgery_amount` does, as text."""
    return _shares(pl.col("counted"), pl.col("surgery_first"), pl.lit(_LATER))


# --- multiple diagnostic tests, and the cap of imaging


def components(lines: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Rank the technical and the professional components of the tests of a session, each by itself.

    A whole test's technical component is what the professional one leaves of its fee (layout, PC/TC indicator 1).
    """
    tests = lines.filter(pl.col("later_technical").is_not_null(), pl.col("amount").is_not_null())
    several = _several(tests, ["session", "multiple_procedure"])
    if several.is_empty():
        return lines.with_columns(NO_TESTS)
    several = _with_components(several, code_set)
    found = lines.join(
        several.select("row", "technical", "professional", component_unknown=pl.col("technical").is_null()),
        on="row",
        how="left",
        maintain_order="left",
    )
    for component in ("technical", "professional"):
        has = several.filter(pl.col("procedures") > 0, pl.col(component) > 0)
        ranks = _ranked(has, ["session", "multiple_procedure"], component).select(
            "row", _first().alias(f"{component}_first")
        )
        found = _to_leader(found, ranks, f"{component}_first")
    return found.with_columns(
        pl.when(pl.col(component).is_not_null())
        .then(pl.col(f"{component}_first").fill_null(0))
        .alias(f"{component}_first")
        for component in ("technical", "professional")
    )


def _with_components(tests: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    whole = (pl.col("pctc_indicator") == "1") & (pl.col("fee_modifier") == "")
    parts = cents_of(tests.filter(whole), code_set, "hcpcs", "26")
    scale = pl.col("sides").fill_null(WHOLE)
    professional = (
        pl.when(pl.col("fee_modifier") == "26")
        .then("each")
        .when((pl.col("fee_modifier") == "TC") | (pl.col("pctc_indicator") == "3"))
        .then(0)
        .otherwise(pl.col("cents") * CENT // WHOLE * scale)
    )
    return (
        tests.join(parts, on="row", how="left", maintain_order="left")
        .with_columns(professional.alias("professional"))
        .with_columns((pl.col("each") - pl.col("professional")).alias("technical"))
    )


def _component_amount(component: str) -> pl.Expr:
    first = pl.col(f"{component}_first")
    return _of(pl.col(component), pl.col("quantity"), first, pl.col(f"later_{component}"))


def tests_amount() -> pl.Expr:
    """Both components after the rule of multiple tests."""
    return _component_amount("technical") + _component_amount("professional")


def tests_factor() -> pl.Expr:
    """What `tests_amount` does, as text."""
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


def capped_amount() -> pl.Expr:
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


# --- therapy


def therapy_ranks(lines: pl.DataFrame, _: CodeSet) -> pl.DataFrame:
    """Rank the units of a session by their practice expense; adds `therapy_first` and `therapy_fee`."""
    therapy = lines.filter("is_therapy", pl.col("amount").is_not_null())
    if therapy.is_empty():
        return lines.with_columns(NO_THERAPY)
    expense = pl.col("pe_rvu") * pl.col("pe_gpci")
    ranks = _ranked(
        _several(therapy, ["session"]).with_columns(expense.alias("expense")), ["session"], "expense"
    ).with_columns(_first().alias("therapy_first"), reduced_therapy_cents().alias("therapy_fee"))
    return lines.join(ranks.select("row", "therapy_first", "therapy_fee"), on="row", how="left", maintain_order="left")


def therapy_amount() -> pl.Expr:
    """The highest unit in full, the others with a reduced practice expense."""
    rest = (pl.col("quantity") - pl.col("therapy_first")) * pl.col("therapy_fee") * CENT
    return pl.col("each") * pl.col("therapy_first") + rest // WHOLE * pl.col("sides").fill_null(WHOLE)
