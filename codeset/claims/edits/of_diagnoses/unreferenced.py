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


def unreferenced_diagnoses(lines: pl.DataFrame, code_set: CodeSet, line_count: int) -> pl.Series:
    """Return on the first line of each claim its diagnoses that may not be billed and that no line points to.

    *lines*: those of some claims, of *line_count* lines, as those of `excluded_diagnoses`.
    """
    first_lines = filter_rows(lines, starts_group(lines["claim"]) & lines["diagnoses_of_claim"].is_not_null())
    if first_lines.is_empty():
        return repeat(None, line_count).cast(pl.String)
    marks = invalid_marks(code_lists(first_lines["diagnoses_of_claim"]), first_lines["release"], code_set)
    first_lines = filter_rows(first_lines, (marks & INVALID) != 0)
    lines_of_claims = lines.filter(is_member(lines["claim"], first_lines["claim"]))
    unpointed_codes = with_codes(first_lines, "diagnoses_of_claim").join(
        with_codes(lines_of_claims, "diagnoses"), on=["claim", "code"], how="anti", maintain_order="left"
    )
    columns = ("row", "release", "date_of_service", pl.col("code").alias("diagnosis"))
    diagnosis_cases = unpointed_codes.select(*columns).unique(maintain_order=True)
    # Of a code that the excerpt may lack it is not known that it is invalid.
    invalid_diagnoses = with_reasons(diagnosis_cases, code_set).filter(pl.col("reason") != "diagnosis-outside-excerpt")
    claim_texts = invalid_diagnoses.group_by("row", maintain_order=True).agg(pl.col("detail").str.join("; "))
    return only_at(claim_texts["row"], claim_texts["detail"], line_count)
