"""G0559: care within ninety days after surgery, by a practitioner who did not perform it and is not of that group.

Billed beside an office visit, once in the surgery's period; not by the surgeon or the group (HCPCS file, 2025; NGS
says that members of the group may bill it, against the code's own words). Where the claims read hold no such surgery,
whether there was one is unknown: it is another practitioner's.
"""

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import findings_of
from codeset.claims.edits.rules import rules
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Derived, Edit, Findings
from codeset.claims.engine.lines import Lines

CARE: str = rules()["postoperative_care"]["code"]
PERIOD = "090"
DAYS = 90

REASONS = {0: "postoperative-surgery-not-read", 2: "postoperative-own-surgery", 3: "postoperative-twice"}
"""By what the claims of the beneficiary hold: 0 no surgery, 1 another's, 2 one's own or the group's, 3 care before."""

AFTER = (pl.col("date_of_service") - pl.col("date")).dt.total_days()
IS_IN_PERIOD = AFTER.is_between(1, DAYS)
IS_OWN = (pl.col("provider") == pl.col("surgeon")) | (pl.col("group") == pl.col("surgeons_group")).fill_null(
    value=False
)


def find_postoperative_care(lines: Lines) -> Findings:
    """One finding for each line of the care that is not known to follow another practitioner's surgery."""
    billed = lines.table.filter(lines.table["surgery"].is_in(list(REASONS)) & ~lines.is_denied)
    hcpcs = lines.line_kinds.table["hcpcs"][billed["line_kind"]]
    return findings_of(
        billed.hstack([hcpcs]),
        pl.col("surgery").replace_strict(REASONS, return_dtype=pl.String),
        column_one=pl.col("hcpcs"),
    )


def surgery_before(frame: pl.DataFrame, table: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """`surgery`: for each line of the care what `REASONS` numbers, and null for all other lines."""
    surgery = pl.Series("surgery", [None], dtype=pl.UInt8).new_from_index(0, frame.height)
    if not (table["hcpcs"] == CARE).any():
        return surgery.to_frame()
    is_care = frame["hcpcs"].cast(CODE) == CARE
    care = (
        frame.with_row_index("row").filter(is_care).select("row", "beneficiary", "provider", "group", "date_of_service")
    )
    codes = code_set.fees.filter(global_days=PERIOD)["hcpcs"].unique().cast(CODE)
    surgeries = frame.filter(frame["hcpcs"].cast(CODE).is_in(codes.implode())).select(
        "beneficiary", surgeon="provider", surgeons_group="group", date="date_of_service"
    )
    # Joined by beneficiary: only the lines of the care are, which are few among all.
    in_period = care.join(surgeries, on="beneficiary").filter(IS_IN_PERIOD)
    latest = in_period.group_by("row").agg(IS_OWN.any().alias("is_own"), pl.col("date").max())
    known = care.join(latest, on="row", how="left").with_columns(_is_again(care, latest).alias("is_again"))
    numbers = known.select(
        pl.when(pl.col("date").is_null()).then(0).when("is_own").then(2).when("is_again").then(3).otherwise(1)
    ).to_series()
    return surgery.scatter(known["row"], numbers.cast(pl.UInt8))[table["row"]].to_frame()


def _is_again(care: pl.DataFrame, latest: pl.DataFrame) -> pl.Series:
    """Whether each line of *care* has one before it, of the same provider, since the *latest* surgery."""
    dated = care.join(latest.select("row", "date"), on="row", how="left")
    before = dated.select("beneficiary", "provider", earlier="date_of_service", earlier_row="row")
    pairs = dated.join(before, on=["beneficiary", "provider"])
    is_before = (pl.col("earlier") > pl.col("date")) & (
        (pl.col("earlier") < pl.col("date_of_service"))
        | ((pl.col("earlier") == pl.col("date_of_service")) & (pl.col("earlier_row") < pl.col("row")))
    )
    return care["row"].is_in(pairs.filter(is_before)["row"].implode())


POSTOPERATIVE_CARE = Edit(find_postoperative_care, derives=(Derived(surgery_before, ("surgery",)),), needs="surgery")
