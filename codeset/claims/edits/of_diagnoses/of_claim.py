"""The diagnoses of a claim together: those that exclude each other, and those that no line points to.

Two that exclude each other are not coded together, unless they are unrelated (ICD-10-CM Official Guidelines, I.A.12.a):
`excludes` finds them. One that no line points to and that may not be billed is still a code of the claim, for which
Medicare's front end may return it: `unreferenced`. Both are for review.
"""

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, combine_findings, findings_of
from codeset.claims.edits.of_diagnoses.derived import DIAGNOSES
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.lines import Lines


def find_in_claim(lines: Lines) -> Findings:
    """One finding for each line with diagnoses that exclude each other; one for each claim with stray invalid ones."""
    reasons = {"excluded_diagnoses": "diagnosis-excluded", "unreferenced_diagnoses": "diagnosis-unreferenced"}
    # On most claims neither has anything to say.
    columns_with_text = [name for name in reasons if lines.table[name].null_count() < lines.table.height]
    if not columns_with_text:
        return NO_FINDINGS
    return combine_findings(
        findings_of(lines.table.drop_nulls(name), reasons[name], detail=pl.col(name)) for name in columns_with_text
    )


CLAIM_DIAGNOSES = Edit(find_in_claim, derives=(DIAGNOSES,))
