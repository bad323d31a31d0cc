"""Diagnoses that no line points to, and that may not be billed.

Such a one supports no service, yet it is a code of the claim: it is named once, on the claim's first line. It is for
review, for Medicare's front end may return the claim for it.
"""

import polars as pl

from codeset.claims.edits.of_diagnoses.in_doubt import INVALID, invalid_marks, with_codes
from codeset.claims.edits.of_diagnoses.why_not_valid import with_reasons
from codeset.claims.engine.code_lists import code_lists
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.series import filter_rows, is_member, only_at, repeat, starts_group


def unreferenced_diagnoses(lines: pl.DataFrame, code_set: CodeSet, height: int) -> pl.Series:
    """Return on the first line of each claim its diagnoses that may not be billed and that no line points to.

    *lines*: those of some claims, of *height* lines, as those of `excluded_diagnoses`.
    """
    first = filter_rows(lines, starts_group(lines["claim"]) & lines["diagnoses_of_claim"].is_not_null())
    if first.is_empty():
        return repeat(None, height).cast(pl.String)
    is_invalid = (invalid_marks(code_lists(first["diagnoses_of_claim"]), first["release"], code_set) & INVALID) != 0
    first = filter_rows(first, is_invalid)
    pointed = lines.filter(is_member(lines["claim"], first["claim"]))
    left = with_codes(first, "diagnoses_of_claim").join(
        with_codes(pointed, "diagnoses"), on=["claim", "code"], how="anti", maintain_order="left"
    )
    cases = left.select("row", "release", "date_of_service", pl.col("code").alias("diagnosis")).unique(
        maintain_order=True
    )
    named = with_reasons(cases, code_set).filter(pl.col("reason") != "diagnosis-outside-excerpt")
    texts = named.group_by("row", maintain_order=True).agg(pl.col("detail").str.join("; "))
    return only_at(texts["row"], texts["detail"], height)
