"""New patients whom the group's physicians, or its other practitioners, saw before.

Practitioners who are no physicians enroll under specialties of their own (50, 89, 97): CPT takes them to be of the
physician's, Medicare's enrollment does not say it.
"""

import literal_claims
import polars as pl
from literal_releases import ASSISTANT, INTERNIST, NURSE, PAY, PHYSICIAN, REVIEW, decisions_by_case, deny

from codeset.claims.adjudicate import compact_outcome
from codeset.claims.engine.code_set import code_set_of
from codeset.claims.outcome import outcome_frames
from codeset.snapshot import Snapshot


def test_a_practitioner_who_is_no_physician_leaves_in_doubt_who_is_a_new_patient(releases: list[Snapshot]) -> None:
    cases = {
        (f"99213 on=2025-10-02 {PHYSICIAN}", f"99203 on=2026-08-03 {NURSE}"): [PAY, REVIEW],
        (f"99213 on=2025-10-02 {NURSE}", f"99203 on=2026-08-03 {PHYSICIAN}"): [PAY, REVIEW],
        (f"11102 on=2025-10-02 {NURSE}", f"99203 on=2026-08-03 {ASSISTANT}"): [PAY, REVIEW],
        (f"96910 on=2025-10-02 {PHYSICIAN}", f"99203 on=2026-08-03 {NURSE}"): [PAY, REVIEW],
        (f"99203 on=2026-08-03 {PHYSICIAN}", f"99203 on=2026-08-10 {NURSE}"): [PAY, REVIEW],
        (f"99203 on=2026-08-10 {PHYSICIAN}", f"99203 on=2026-08-03 {NURSE}"): [REVIEW, PAY],
        (f"99213 on=2025-10-02 {PHYSICIAN}", f"99213 on=2026-08-03 {NURSE}"): [PAY, PAY],
        (f"99213 on=2025-10-02 {PHYSICIAN}", f"99203 on=2026-08-03 {INTERNIST}"): [PAY, PAY],
        (f"99213 on=2025-10-02 {PHYSICIAN}", "99203 on=2026-08-03 provider=n group=h specialty=50"): [PAY, PAY],
        (f"99213 on=2025-10-02 {PHYSICIAN}", "99203 on=2026-08-03 provider=n specialty=50"): [PAY, PAY],
        (f"99213 on=2023-08-02 {PHYSICIAN}", f"99203 on=2026-08-03 {NURSE}"): [PAY, PAY],
        (f"99213 on=2023-08-03 {PHYSICIAN}", f"99203 on=2026-08-03 {NURSE}"): [PAY, REVIEW],
        (f"88305-26 on=2025-10-02 {PHYSICIAN}", f"99203 on=2026-08-03 {NURSE}"): [PAY, PAY],
        (f"99213 on=2025-10-02 {NURSE}", f"99203 on=2026-08-03 {NURSE}"): [PAY, deny("CO", "B16")],
        # On one day: a second visit is another one; who performed the procedure of the visit says nothing.
        (f"99203 {PHYSICIAN}", f"99203 {NURSE}"): [PAY, REVIEW],
        (f"99203 {NURSE}", f"99213 {PHYSICIAN}"): [PAY, PAY],
        (f"99213 {NURSE}", f"99203 {PHYSICIAN}"): [PAY, REVIEW],
        (f"11102 {NURSE}", f"99203 {PHYSICIAN}"): [PAY, PAY],
        (f"99203 {PHYSICIAN}", f"11102 {NURSE}"): [PAY, PAY],
        (f"99203 {PHYSICIAN}", f"99203 {INTERNIST}"): [PAY, PAY],
    }
    assert decisions_by_case(releases, cases) == cases


def test_the_service_that_leaves_a_new_patient_in_doubt_is_the_latest_of_that_beneficiary(
    releases: list[Snapshot],
) -> None:
    """Compared and adjudicated once for all like them, or every line by itself."""
    texts = [
        text.format(number=number)
        for number in range(3)
        for text in (
            f"99213 on=2025-10-02 beneficiary=b{{number}} claim=a{{number}} {PHYSICIAN}",
            f"99213 on=2025-10-06 beneficiary=b{{number}} claim=b{{number}} {PHYSICIAN}",
            f"99203 on=2026-08-03 beneficiary=b{{number}} claim=c{{number}} {NURSE}",
        )
    ]
    frame = literal_claims.claims(*texts)
    code_set = code_set_of(releases, frame["hcpcs"].unique())
    for deduplicate in (True, False):
        findings = outcome_frames(compact_outcome(frame, code_set, deduplicate=deduplicate).outcome()).findings
        doubtful = findings.filter(pl.col("reason") == "new-patient-of-other-specialty").sort("claim_id")
        partners = dict(doubtful.select("claim_id", "partner_claim_id").iter_rows())
        assert partners == {"c0": "b0", "c1": "b1", "c2": "b2"}
