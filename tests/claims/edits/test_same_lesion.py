"""One lesion: one removal, and what belongs to it. Pages are those of the Policy Manual of 2026, ch. III."""

import literal_claims

from codeset.snapshot import Snapshot


def test_lines_that_name_one_lesion_pay_one_removal_and_not_what_it_includes(derm: Snapshot) -> None:
    """III-6 (one removal), III-7 (biopsy, closure, 0.5 cm), III-8 (Mohs), III-9 (flaps), III-14, III-15 (closure)."""
    cases = {
        ("11602 lesion=A", "17000-59 lesion=A"): ["pay", "deny lesion-one-removal"],
        ("11602 lesion=A", "17000-59 lesion=B"): ["pay", "pay_if_documented ptp-bypassed"],
        ("11602", "17000-59"): ["pay", "pay_if_documented ptp-bypassed"],
        ("11602 lesion=A", "11102-59 lesion=A"): ["pay", "deny lesion-included"],
        ("11602 lesion=A", "11102-59 lesion=B"): ["pay", "pay_if_documented ptp-bypassed"],
        ("11602 lesion=A", "11102 lesion=A day=1"): ["pay", "deny global-procedure-after"],
        ("11602 lesion=A", "11102 lesion=A provider=q"): ["pay", "pay"],
        ("11402 lesion=A", "12031 lesion=A"): ["pay", "pay"],
        ("11602 lesion=A", "13121 lesion=A"): ["pay", "pay"],
        ("11402 lesion=A", "12001-59 lesion=A"): ["pay", "deny lesion-included"],
        ("11400 lesion=A", "12031-59 lesion=A"): ["pay", "deny lesion-included"],
        ("11400 lesion=A", "12031-59 lesion=B"): ["pay", "pay_if_documented ptp-bypassed"],
        ("11300 lesion=A", "12031-59 lesion=A"): ["pay", "deny lesion-included"],
        ("17000 lesion=A", "12031-59 lesion=A"): ["pay", "deny lesion-included"],
        ("11102 lesion=A", "12031-59 lesion=A"): ["pay", "deny lesion-included"],
        ("14040 lesion=A", "11642-59 lesion=A"): ["pay", "deny lesion-included"],
        ("14040 lesion=A", "13132-59 lesion=A"): ["pay", "deny lesion-included"],
        ("14040 lesion=A", "11042-59 lesion=A"): ["pay", "deny lesion-included"],
        ("14040 lesion=A", "11642-59 lesion=B"): ["pay", "pay_if_documented ptp-bypassed"],
        ("17311 lesion=A", "13132 lesion=A"): ["pay", "pay"],
        ("17311 lesion=A", "12001 lesion=A"): ["pay", "pay"],
        ("17311 lesion=A", "14040 lesion=A"): ["pay", "pay"],
        ("17311 lesion=A", "17312 lesion=A", "17315 lesion=A"): ["pay", "pay", "pay"],
        ("17311 lesion=A", "11642-59 lesion=A"): ["pay", "deny lesion-one-removal"],
        ("17311 lesion=A", "17281-59 lesion=A"): ["pay", "deny lesion-one-removal"],
    }
    assert literal_claims.answers_by_case(derm, cases) == cases


def test_what_is_itself_included_in_an_excision_does_not_take_the_repair_along(derm: Snapshot) -> None:
    """11602 keeps its intermediate repair (III-15); a biopsy, shave or destruction not paid includes nothing."""
    denied_lines = ["11102-59 lesion=A", "11300-59 lesion=A", "17000-59 lesion=A"]
    cases = [("11602 lesion=A", denied_line, "12031-59 lesion=A") for denied_line in denied_lines]
    reasons_by_case = literal_claims.reasons_by_case(derm, cases, edit="same_lesion")
    assert {case: [bool(reasons) for reasons in of_lines] for case, of_lines in reasons_by_case.items()} == {
        case: [False, True, False] for case in cases
    }


def test_a_biopsy_for_diagnosis_and_its_frozen_section_are_paid_before_mohs(derm: Snapshot) -> None:
    """III-8; the modifiers bypass 17311 > 11102 and > 88331."""
    cases = [
        ("17311 lesion=A", f"{hcpcs}-{modifier} lesion=A")
        for hcpcs in ("11102", "88331")
        for modifier in ("59", "XS", "XU", "58")
    ]
    assert literal_claims.answers_by_case(derm, cases) == {
        case: ["pay", "pay_if_documented ptp-bypassed"] for case in cases
    }


def test_mohs_includes_biopsy_and_pathology_of_its_lesion(derm: Snapshot) -> None:
    """88300-88309 and 88329-88332 are the surgeon's own; only a frozen section before it is excused: III-8."""
    lines = ["11102 lesion=A", "88331 lesion=A", "88305 lesion=A", "88305-59 lesion=A"]
    cases = [("17311 lesion=A", line) for line in lines]
    assert literal_claims.dispositions_by_case(derm, cases) == {case: ["pay", "deny"] for case in cases}
