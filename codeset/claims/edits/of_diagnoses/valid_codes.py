"""Diagnoses are codes of the ICD-10-CM edition in force on the date of service, and billable: not headers.

A line with another is unprocessable (ICD-10-CM Official Guidelines, I.B.2: a code is invalid if it is not coded to its
full number of characters; IOM 100-04 ch. 23, section 10, and ch. 26, section 10.4, item 21). Code 16 with remark M76;
146 where the code was valid on another date. The codes that a header was split into, and what replaced a code (CMS's
conversion table), are named. A release without the edition of its dates says nothing of them.
"""

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, findings_of
from codeset.claims.edits.of_diagnoses.derived import DIAGNOSES
from codeset.claims.edits.of_diagnoses.in_doubt import INVALID, by_diagnosis, lines_with_mark
from codeset.claims.edits.of_diagnoses.why_not_valid import with_reasons
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.lines import Lines


def find_invalid(lines: Lines) -> Findings:
    """One finding for each diagnosis that may not be billed on the date of its line."""
    doubtful_lines = lines_with_mark(lines, INVALID)
    if doubtful_lines.is_empty():
        return NO_FINDINGS
    diagnosis_cases = by_diagnosis(doubtful_lines).select("row", "release", "date_of_service", "diagnosis")
    invalid_diagnoses = with_reasons(diagnosis_cases, lines.line_kinds.code_set).unique(
        ["row", "diagnosis"], keep="first", maintain_order=True
    )
    return findings_of(invalid_diagnoses, pl.col("reason"), detail=pl.col("detail"))


def change_dates(code_set: CodeSet) -> list[pl.Series]:
    """The first days of codes that replaced others."""
    # From that day on the sentence names the code that replaced it.
    return [code_set.rows_for_diagnoses("diagnosis_replacement")["effective_date"]] if code_set.scans else []


VALIDITY = Edit(
    find_invalid, reads=("date_of_service",), derives=(DIAGNOSES,), needs="diagnosis_marks", change_dates=change_dates
)
