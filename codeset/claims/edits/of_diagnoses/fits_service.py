"""Whether the diagnoses of a line are those that its service is for: malignant, benign or premalignant lesions.

Which codes are for which diagnoses, the cosmetic exclusion and two national coverage determinations whose rule can be
decided are in `necessity.toml`, each with its source. A mismatch is for review: the contractor may pay it on the
record. A service for cosmetic reasons alone is excluded by statute and the patient's (Social Security Act, section
1862(a)(10); Medicare Benefit Policy Manual, ch. 16, section 120): code 96, remark N383; no notice is needed for that.
"""

import polars as pl

from codeset.claims.edits.findings import NONE, findings_of, together
from codeset.claims.edits.of_diagnoses.derived import DIAGNOSES
from codeset.claims.edits.of_diagnoses.in_doubt import marked, rules_of_classes
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.lines import Lines

ANY_MARK = 2**32 - 1


def find_misfit(lines: Lines) -> Findings:
    """One finding for each line whose diagnoses a rule of `necessity.toml` speaks of."""
    doubtful = marked(lines, ANY_MARK)
    if doubtful.is_empty():
        return NONE
    findings, answered = [], doubtful.select("row").clear()
    for rule in rules_of_classes():
        concerned = doubtful.filter(rule.is_for(pl.col("hcpcs")) & rule.holds)
        fitting = concerned.join(answered, on="row", how="anti", maintain_order="left")
        if not fitting.is_empty():
            findings.append(findings_of(fitting, rule.reason, detail=pl.col("doubtful_diagnoses")))
            answered = pl.concat([answered, fitting.select("row")])
    return together(findings)


FITS_SERVICE = Edit(find_misfit, derives=(DIAGNOSES,), needs="diagnosis_marks")
