"""Which diagnosis may come first, and how specific it is.

External causes (V00-Y99) are never first: the line is unprocessable (ICD-10-CM Official Guidelines, I.C.20.a.6; CR 7700
for CMS-1500, CR 7596 for the 837P). Nor are manifestations, "in diseases classified elsewhere": the underlying disease
comes first (I.A.13). Code 16; remark MA63 for the first diagnosis.

A code for an unspecified side or site, where others name it, is reported, not denied: it is seldom right
(I.B.13, I.B.18).
"""

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, combine_findings, findings_of
from codeset.claims.edits.of_diagnoses.derived import DIAGNOSES
from codeset.claims.edits.of_diagnoses.in_doubt import (
    EXTERNAL_CAUSES,
    NOT_FIRST,
    UNSPECIFIED,
    by_diagnosis,
    diagnoses_of_table,
    lines_with_mark,
    with_dot,
)
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.lines import Lines

IS_EXTERNAL_CAUSE = pl.col("diagnosis").str.slice(0, 1).is_in(EXTERNAL_CAUSES)
REASON_NOT_FIRST = (
    pl.when(IS_EXTERNAL_CAUSE)
    .then(pl.lit("diagnosis-external-cause-first"))
    .otherwise(pl.lit("diagnosis-manifestation-first"))
)


def find_sequence(lines: Lines) -> Findings:
    """One finding for each first diagnosis that may not be first, and each unspecified one."""
    return combine_findings([_not_first(lines), _unspecified(lines)])


def _not_first(lines: Lines) -> Findings:
    doubtful_lines = lines_with_mark(lines, NOT_FIRST)
    if doubtful_lines.is_empty():
        return NO_FINDINGS
    first_diagnoses = by_diagnosis(doubtful_lines).filter(place=0)
    return findings_of(first_diagnoses, REASON_NOT_FIRST, detail=with_dot(pl.col("diagnosis")))


def _unspecified(lines: Lines) -> Findings:
    doubtful_lines = lines_with_mark(lines, UNSPECIFIED)
    if doubtful_lines.is_empty():
        return NO_FINDINGS
    unspecified_sites = diagnoses_of_table("unspecified_sites")
    unspecified_diagnoses = by_diagnosis(doubtful_lines).filter(pl.col("diagnosis").is_in(list(unspecified_sites)))
    # Said once of a line, however often its claim repeats the code.
    distinct_diagnoses = unspecified_diagnoses.unique(["row", "diagnosis"], keep="first", maintain_order=True)
    specific_sites = pl.col("diagnosis").replace_strict(dict(unspecified_sites), return_dtype=pl.String)
    detail = pl.format("{}: {}", with_dot(pl.col("diagnosis")), specific_sites)
    return findings_of(distinct_diagnoses, "diagnosis-unspecified", detail=detail)


SEQUENCE = Edit(find_sequence, derives=(DIAGNOSES,), needs="diagnosis_marks")
