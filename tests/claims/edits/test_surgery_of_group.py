"""Care after surgery by others of the group.

NGS, FAQ on E/M services: it is payable to no member of the surgeon's group; IOM ch. 12, sections 30.6.5 and 40.1: the
period is that of a physician, or group and specialty. 11402 is 010, 14040 090.
"""

import literal_claims
import pytest
from literal_releases import ASSISTANT, DOCUMENTED, INTERNIST, NURSE, PAY, PHYSICIAN, REVIEW, decisions_by_case, deny

from codeset.claims.adjudicate import compact_outcome
from codeset.claims.engine.code_set import code_set_of
from codeset.claims.outcome import outcome_frames
from codeset.snapshot import Snapshot


def test_a_visit_after_the_groups_surgery_by_one_who_is_no_physician_is_for_review(releases: list[Snapshot]) -> None:
    cases = {
        (f"11402 {PHYSICIAN}", f"99213 day=10 {NURSE}"): REVIEW,
        (f"11402 {PHYSICIAN}", f"99213 day=11 {NURSE}"): PAY,
        (f"11402 {PHYSICIAN}", f"99213-24 day=10 {NURSE}"): DOCUMENTED,
        (f"11402 {NURSE}", f"99213 day=3 {PHYSICIAN}"): REVIEW,
        (f"11402 {NURSE}", f"99213 day=3 {ASSISTANT}"): REVIEW,
        (f"14040 {PHYSICIAN}", f"99213 day=90 {ASSISTANT}"): REVIEW,
        (f"14040 {PHYSICIAN}", f"99213 day=91 {ASSISTANT}"): PAY,
        (f"11102 {PHYSICIAN}", f"99213 day=1 {NURSE}"): PAY,
        (f"11402 {PHYSICIAN}", f"99213 {NURSE}"): PAY,
        (f"11402 {PHYSICIAN}", f"99213 day=3 {INTERNIST}"): PAY,
        (f"11402 {PHYSICIAN}", "99213 day=3 provider=n group=h specialty=50"): PAY,
        (f"11402 {PHYSICIAN}", "99213 day=3 provider=n specialty=50"): PAY,
        (f"11402-55 {PHYSICIAN}", f"99213 day=3 {NURSE}"): PAY,
        (f"11402 {PHYSICIAN}", f"88305 day=3 {NURSE}"): PAY,
        (f"11402 {PHYSICIAN}", f"99213 day=3 beneficiary=o claim=o {NURSE}"): PAY,
        (f"11402 {PHYSICIAN}", f"99213-GZ day=3 {NURSE}"): deny("CO", "50"),
    }
    assert decisions_by_case(releases, cases) == {case: [PAY, expected] for case, expected in cases.items()}


@pytest.mark.parametrize("deduplicate", [True, False])
def test_the_groups_surgery_is_that_of_the_same_beneficiary(releases: list[Snapshot], deduplicate: bool) -> None:
    """Compared and adjudicated once for all like them, or every line by itself."""
    texts = [
        text.format(number=number, code=code)
        for number, code in enumerate(("11402", "17000", "11402"))
        for text in (
            f"{{code}} beneficiary=b{{number}} claim=a{{number}} {PHYSICIAN}",
            f"99213 day=5 beneficiary=b{{number}} claim=c{{number}} {NURSE}",
        )
    ]
    frame = literal_claims.claims(*texts)
    code_set = code_set_of(releases, frame["hcpcs"].unique())
    findings = outcome_frames(compact_outcome(frame, code_set, deduplicate=deduplicate).outcome()).findings
    surgeries = findings.sort("claim_id").select("claim_id", "partner_claim_id", "column_one").rows()
    assert surgeries == [("c0", "a0", "11402"), ("c1", "a1", "17000"), ("c2", "a2", "11402")]
