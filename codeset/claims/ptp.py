"""NCCI procedure-to-procedure edits: column two is not paid beside column one."""

import polars as pl

from codeset.claims.code_set import CodeSet
from codeset.claims.findings import found, together
from codeset.claims.lines import CODE, in_one
from codeset.claims.rules import rules

_SEEN = ("is_visit", "distinct", "for_visit", "other_bypass", "site")


def ptp(lines: pl.DataFrame, kinds: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Findings of procedure-to-procedure edits: one for each column two line that an edit in force denies or would.

    Same beneficiary, practitioner and date (Policy Manual 2026, p. Intro-3); the deletion date is the last active day;
    CCMI 0 is never bypassed, 1 by the NCCI PTP-associated modifiers, 9 never applied (p. I-14). A bypass is for review:
    it rests on documentation (p. I-17). Modifiers 22, 76 and 77 bypass nothing (p. I-14).
    """
    first, last = (pl.lit(day, pl.Date) for day in (lines["date_of_service"].min(), lines["date_of_service"].max()))
    edits = code_set.ptp.filter(
        pl.col("ccmi") != 9,
        pl.col("effective_date") <= last,
        pl.col("deletion_date").is_null() | (pl.col("deletion_date") >= first),
    ).with_columns(pl.col("column_one", "column_two").cast(CODE))
    edits = edits.drop("prior_to_1996", "rationale").with_row_index("edit")
    dated = ("effective_date", "deletion_date")
    met = _met(_pairs(lines), edits.select("edit", "release", "column_one", "column_two", *dated), kinds)
    in_force = (
        met.join(lines.select("row", "date_of_service"), on="row")
        .filter(
            pl.col("effective_date") <= pl.col("date_of_service"),
            pl.col("deletion_date").is_null() | (pl.col("date_of_service") <= pl.col("deletion_date")),
        )
        .with_columns((pl.col("date_of_service") >= rules()["bypass"]["either_line_since"]).alias("either"))
    )
    if in_force.is_empty():
        return together([])
    alike = ("edit", "kind", "kind_two", "either")
    judged = _judged(in_force.select(alike).unique(), edits, kinds)
    return found(
        in_force.select("row", "row_two", *alike).join(judged, on=alike),
        pl.col("reason"),
        row=pl.col("row_two"),
        partner=pl.col("row"),
        detail=pl.col("detail"),
        table=pl.lit("ptp"),
        **{
            name: pl.col(name)
            for name in ("column_one", "column_two", "ccmi", "effective_date", "deletion_date", "edition")
        },
    )


def _pairs(lines: pl.DataFrame) -> pl.DataFrame:
    """Every ordered pair of different lines of one visit; `kinds` is the pair of their kinds in one number."""
    kept = lines.lazy().filter(pl.col("release").is_not_null()).select("row", "visit", "kind")
    pairs = kept.join(kept, on="visit", suffix="_two").filter(pl.col("row") != pl.col("row_two"))
    return pairs.select(
        "row", "row_two", "kind", "kind_two", in_one(pl.col("kind"), pl.col("kind_two")).alias("kinds")
    ).collect(engine="streaming")


def _met(pairs: pl.DataFrame, edits: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """The pairs that there is an edit for: sought once for each pair of kinds."""
    code = kinds.select("kind", "release", "hcpcs")
    met = (
        pairs.select("kinds", "kind", "kind_two")
        .unique("kinds")
        .join(code, on="kind")
        .join(code.select(kind_two="kind", hcpcs_two="hcpcs"), on="kind_two")
        .join(edits, left_on=["release", "hcpcs", "hcpcs_two"], right_on=["release", "column_one", "column_two"])
        .select("kinds", "edit", "effective_date", "deletion_date")
    )
    return pairs.join(met, on="kinds")


def _judged(alike: pl.DataFrame, edits: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """What is said of each combination of edit and kinds of lines: equal pairs are judged once."""
    one = kinds.select("kind", *_SEEN)
    two = one.rename({column: f"{column}_two" for column in one.columns})
    met = alike.join(edits, on="edit").join(one, on="kind").join(two, on="kind_two")
    met = met.with_columns(_bypass().alias("bypass"))
    reason = (
        pl.when(pl.col("ccmi") == 0)
        .then(pl.lit("ptp-never"))
        .when(pl.col("bypass") != "")
        .then(pl.lit("ptp-bypassed"))
        .when(_same_site())
        .then(pl.lit("ptp-same-site"))
        .otherwise(pl.lit("ptp-no-modifier"))
    )
    detail = pl.when(pl.col("bypass") != "").then("bypass").otherwise("site")
    return met.with_columns(reason.alias("reason"), detail.alias("detail"))


def _same_site() -> pl.Expr:
    return (pl.col("site") != "") & (pl.col("site") == pl.col("site_two"))


def _bypass() -> pl.Expr:
    """The modifiers that bypass the edit, as text; blank if none does.

    59 and X{E,P,S,U} on either line since 2019-07-01, before that on column two only; 24, 25, 57 on the visit's line;
    the others on either. Anatomic modifiers count on either line unless both lines name the same site: services on one
    organ are not separate (Policy Manual 2026, p. I-15).
    """
    sites = ~_same_site()
    named = [
        pl.when(~pl.col("is_visit_two")).then("distinct_two"),
        pl.when(pl.col("either") & ~pl.col("is_visit")).then("distinct"),
        pl.when("is_visit").then("for_visit"),
        pl.when("is_visit_two").then("for_visit_two"),
        pl.col("other_bypass"),
        pl.col("other_bypass_two"),
        pl.when(sites).then("site"),
        pl.when(sites).then("site_two"),
    ]
    told = pl.concat_str([part.fill_null("") for part in named], separator=" ")
    return told.str.replace_all(" +", " ").str.strip_chars()
