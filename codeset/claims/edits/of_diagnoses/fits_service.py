"""Whether the diagnoses of a line are those that its service is for: malignant, benign or premalignant lesions.

Which codes are for which diagnoses, the cosmetic exclusion and two national coverage determinations whose rule can be
decided are in `necessity.toml`, each with its source. A mismatch is for review: the contractor may pay it on the
record. A service for cosmetic reasons alone is excluded by statute and the patient's (Social Security Act, section
1862(a)(10); Medicare Benefit Policy Manual, ch. 16, section 120): code 96, remark N383; no notice is needed for that.
"""

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, combine_findings, findings_of
from codeset.claims.edits.of_diagnoses.derived import DIAGNOSES
from codeset.claims.edits.of_diagnoses.in_doubt import lines_with_mark, rules_of_classes
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.lines import Lines

ANY_MARK = 2**32 - 1


def find_misfit(lines: Lines) -> Findings:
    """One finding for each line whose diagnoses a rule of `necessity.toml` speaks of."""
    doubtful_lines = lines_with_mark(lines, ANY_MARK)
    if doubtful_lines.is_empty():
        return NO_FINDINGS
    rule_findings, answered_rows = [], doubtful_lines.select("row").clear()
    for rule in rules_of_classes():
        lines_of_rule = doubtful_lines.filter(rule.is_for(pl.col("hcpcs")) & rule.condition)
        # The first rule of the file that holds is what is said of a line.
        unanswered_lines = lines_of_rule.join(answered_rows, on="row", how="anti", maintain_order="left")
        if not unanswered_lines.is_empty():
            rule_findings.append(findings_of(unanswered_lines, rule.reason, detail=pl.col("doubtful_diagnoses")))
            answered_rows = pl.concat([answered_rows, unanswered_lines.select("row")])
    return combine_findings(rule_findings)


FITS_SERVICE = Edit(find_misfit, derives=(DIAGNOSES,), needs="diagnosis_marks")
