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

# 1 has no reason: care after another practitioner's surgery is paid.
REASONS = {0: "postoperative-surgery-not-read", 2: "postoperative-own-surgery", 3: "postoperative-twice"}
"""By what the claims of the beneficiary hold: 0 no surgery, 1 another's, 2 one's own or the group's, 3 care before."""

AFTER = (pl.col("date_of_service") - pl.col("date")).dt.total_days()
IS_IN_PERIOD = AFTER.is_between(1, DAYS)
# Where a claim names no group, only the practitioner is known to be the same.
IS_OWN = (pl.col("provider") == pl.col("surgeon")) | (pl.col("group") == pl.col("surgeons_group")).fill_null(
    value=False
)


def find_postoperative_care(lines: Lines) -> Findings:
    """One finding for each line of the care that is not known to follow another practitioner's surgery."""
    care_lines = lines.table.filter(lines.table["surgery"].is_in(list(REASONS)) & ~lines.is_denied)
    hcpcs = lines.line_kinds.table["hcpcs"][care_lines["line_kind"]]
    return findings_of(
        care_lines.hstack([hcpcs]),
        pl.col("surgery").replace_strict(REASONS, return_dtype=pl.String),
        column_one=pl.col("hcpcs"),
    )


def surgery_before(frame: pl.DataFrame, table: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """`surgery`: for each line of the care what `REASONS` numbers, and null for all other lines."""
    surgery_numbers = pl.Series("surgery", [None], dtype=pl.UInt8).new_from_index(0, frame.height)
    if not (table["hcpcs"] == CARE).any():
        return surgery_numbers.to_frame()
    is_care = frame["hcpcs"].cast(CODE) == CARE
    care_lines = (
        frame.with_row_index("row").filter(is_care).select("row", "beneficiary", "provider", "group", "date_of_service")
    )
    surgery_codes = code_set.fees.filter(global_days=PERIOD)["hcpcs"].unique().cast(CODE)
    surgeries = frame.filter(frame["hcpcs"].cast(CODE).is_in(surgery_codes.implode())).select(
        "beneficiary", surgeon="provider", surgeons_group="group", date="date_of_service"
    )
    # Joined by beneficiary: only the lines of the care are, which are few among all.
    surgeries_in_period = care_lines.join(surgeries, on="beneficiary").filter(IS_IN_PERIOD)
    latest_surgeries = surgeries_in_period.group_by("row").agg(IS_OWN.any().alias("is_own"), pl.col("date").max())
    is_again = _is_again(care_lines, latest_surgeries).alias("is_again")
    care_with_surgery = care_lines.join(latest_surgeries, on="row", how="left").with_columns(is_again)
    reason_numbers = care_with_surgery.select(
        pl.when(pl.col("date").is_null()).then(0).when("is_own").then(2).when("is_again").then(3).otherwise(1)
    ).to_series()
    return surgery_numbers.scatter(care_with_surgery["row"], reason_numbers.cast(pl.UInt8))[table["row"]].to_frame()


def _is_again(care_lines: pl.DataFrame, latest_surgeries: pl.DataFrame) -> pl.Series:
    """Whether each line of *care_lines* has one before it, of the same provider, since the latest surgery."""
    care_with_surgery = care_lines.join(latest_surgeries.select("row", "date"), on="row", how="left")
    other_care = care_with_surgery.select("beneficiary", "provider", earlier="date_of_service", earlier_row="row")
    care_pairs = care_with_surgery.join(other_care, on=["beneficiary", "provider"])
    is_before = (pl.col("earlier") > pl.col("date")) & (
        (pl.col("earlier") < pl.col("date_of_service"))
        | ((pl.col("earlier") == pl.col("date_of_service")) & (pl.col("earlier_row") < pl.col("row")))
    )
    return care_lines["row"].is_in(care_pairs.filter(is_before)["row"].implode())


POSTOPERATIVE_CARE = Edit(find_postoperative_care, derives=(Derived(surgery_before, ("surgery",)),), needs="surgery")
