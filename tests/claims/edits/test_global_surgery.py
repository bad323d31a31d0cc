"""Global periods, to the day: what a procedure's payment includes, and which modifiers say otherwise.

RVU25D: 000 is the day, 010 the day and ten more, 090 the day before, the day and ninety more. Pages are those of the
Policy Manual of 2026, IOM is 100-04 ch. 12. In CMS's 2026q3 11102 and 17311 are 000, 17000 and 11402 010, 14040 090.
"""

import literal_claims

from codeset.snapshot import Snapshot
from codeset.store import Store


def test_a_period_ends_with_its_last_day(derm: Snapshot) -> None:
    """RVU25D, global days; the days after are counted from the day after the procedure."""
    cases = {
        ("11102", "99203"): ["pay", "deny global-visit-same-day"],
        ("11102", "99213 day=1"): ["pay", "pay"],
        ("17000", "99213 day=1"): ["pay", "deny global-visit-after"],
        ("17000", "99213 day=10"): ["pay", "deny global-visit-after"],
        ("17000", "99213 day=11"): ["pay", "pay"],
        ("14040", "99213 day=1"): ["pay", "deny global-visit-after"],
        ("14040", "99213 day=90"): ["pay", "deny global-visit-after"],
        ("14040", "99213 day=91"): ["pay", "pay"],
        ("14040 day=2", "99213 day=1"): ["pay", "deny global-visit-major"],
        ("14040 day=2", "99213"): ["pay", "pay"],
        ("17000 day=2", "99213 day=1"): ["pay", "pay"],
        ("11102 day=2", "99213 day=1"): ["pay", "pay"],
    }
    assert literal_claims.answers_by_case(derm, cases) == cases


def test_25_is_for_minor_57_for_major_surgery_and_24_for_the_days_after(derm: Snapshot) -> None:
    """I-13; III-4: new patients too. 57 on the day before: IOM section 40.1. 99203 has no PTP row."""
    cases = {
        ("11102", "99203-25"): ["pay", "pay_if_documented global-visit-documented"],
        ("11102", "99203-57"): ["pay", "deny global-visit-same-day"],
        ("11102", "99203-24"): ["pay", "deny global-visit-same-day"],
        ("17000", "99203"): ["pay", "deny global-visit-same-day"],
        ("17000", "99203-25"): ["pay", "pay_if_documented global-visit-documented"],
        ("17000", "99203-57"): ["pay", "deny global-visit-same-day"],
        ("14040", "99203"): ["pay", "deny global-visit-major"],
        ("14040", "99203-57"): ["pay", "pay_if_documented global-visit-documented"],
        ("14040", "99203-25"): ["pay", "deny global-visit-major"],
        ("14040 day=1", "99203-57"): ["pay", "pay_if_documented global-visit-documented"],
        ("14040 day=1", "99203-25"): ["pay", "deny global-visit-major"],
        ("17000", "99213-24 day=10"): ["pay", "pay_if_documented global-visit-documented"],
        ("17000", "99213-25 day=10"): ["pay", "deny global-visit-after"],
        ("17000", "99213-57 day=10"): ["pay", "deny global-visit-after"],
        ("14040", "99213-24 day=90"): ["pay", "pay_if_documented global-visit-documented"],
        ("14040", "99213-25 day=90"): ["pay", "deny global-visit-after"],
    }
    assert literal_claims.answers_by_case(derm, cases) == cases


def test_a_visit_beside_minor_and_major_surgery_needs_both(derm: Snapshot) -> None:
    """I-13: 11300 is 000, 14040 090; their PTP row is bypassed."""
    first_and_last_of_case = {
        ("14040", "11300-59", "99203-25"): ["pay", "deny global-visit-major"],
        ("14040", "11300-59", "99203-57"): ["pay", "deny global-visit-same-day"],
        ("14040", "11300-59", "99203-25-57"): ["pay", "pay_if_documented global-visit-documented"],
    }
    answers = literal_claims.answers_by_case(derm, first_and_last_of_case)
    assert {case: [first, last] for case, (first, _, last) in answers.items()} == first_and_last_of_case


def test_a_visit_in_a_period_beside_another_procedure_needs_24_and_25(derm: Snapshot) -> None:
    """I-13: each rule stands for itself."""
    last_of_case = {
        ("17000", "11102-79 day=5", "99213-24 day=5"): "deny",
        ("17000", "11102-79 day=5", "99213-25 day=5"): "deny",
        ("17000", "11102-79 day=5", "99213-24-25 day=5"): "pay_if_documented",
    }
    dispositions = literal_claims.dispositions_by_case(derm, last_of_case)
    assert {case: last for case, (_, _, last) in dispositions.items()} == last_of_case


def test_a_period_is_that_of_one_practitioner_or_group_and_specialty(derm: Snapshot) -> None:
    """IOM sections 30.6.5 and 40.1."""
    cases = {
        ("17000", "99213 day=5 provider=q"): ["pay", "pay"],
        ("17000", "99213 day=5 beneficiary=z"): ["pay", "pay"],
        ("17000", "99213 day=5 claim=d"): ["pay", "deny global-visit-after"],
        ("17000 group=g specialty=07", "99213 day=5 provider=q group=g specialty=07"): [
            "pay",
            "deny global-visit-after",
        ],
        ("17000 group=g specialty=07", "99213 day=5 provider=q group=g specialty=83"): ["pay", "pay"],
        ("17000 group=g specialty=07", "99213 day=5 provider=q group=h specialty=07"): ["pay", "pay"],
    }
    assert literal_claims.answers_by_case(derm, cases) == cases


def test_a_procedure_in_a_period_says_with_58_78_or_79_why(derm: Snapshot) -> None:
    """I-12, I-16, III-15; IOM section 40.2. 96910 and 88305 are XXX: no surgery."""
    cases = {
        ("17000", "11402 day=5"): ["pay", "deny global-procedure-after"],
        ("17000", "11102 day=5"): ["pay", "deny global-procedure-after"],
        ("17000", "11402-58 day=5"): ["pay", "pay_if_documented global-new-period"],
        ("17000", "11402-79 day=5"): ["pay", "pay_if_documented global-new-period"],
        ("17000", "11402-78 day=5 place=22"): ["pay", "pay_if_documented global-return"],
        ("17000", "11402-78 day=5 place=24"): ["pay", "pay_if_documented global-return"],
        ("17000", "11402-78 day=5 place=11"): ["pay", "deny global-return-in-office"],
        ("17000", "11402-59 day=5"): ["pay", "deny global-procedure-after"],
        ("17000", "11402-76 day=5"): ["pay", "deny global-procedure-after"],
        ("17000", "11402 day=10"): ["pay", "deny global-procedure-after"],
        ("17000", "11402 day=11"): ["pay", "pay"],
        ("17000", "11402 day=5 provider=q"): ["pay", "pay"],
        ("17000", "96910 day=5"): ["pay", "pay"],
        ("17000", "88305 day=5"): ["pay", "pay"],
    }
    assert literal_claims.answers_by_case(derm, cases) == cases


def test_58_and_79_begin_a_period_and_78_begins_none(derm: Snapshot) -> None:
    """IOM section 40.2: the period of 17000 ends on day 10, that of 11402 on day 15."""
    last_of_case = {
        ("17000", "11402-58 day=5", "99213 day=15"): "deny",
        ("17000", "11402-58 day=5", "99213 day=16"): "pay",
        ("17000", "11402-79 day=5", "99213 day=15"): "deny",
        ("17000", "11402-79 day=5", "99213 day=16"): "pay",
        ("17000", "11402-78 day=5 place=22", "99213 day=10"): "deny",
        ("17000", "11402-78 day=5 place=22", "99213 day=11"): "pay",
        ("17000", "11402-78 day=5 place=22", "99213 day=15"): "pay",
    }
    dispositions = literal_claims.dispositions_by_case(derm, last_of_case)
    assert {case: last for case, (_, _, last) in dispositions.items()} == last_of_case


def test_78_needs_an_operating_room_whichever_surgery_it_was(derm: Snapshot) -> None:
    """IOM 100-04 ch. 12, section 40.1.B: the earlier surgery may be in no claim that was read."""
    expected = {
        "11402-78 place=11": "deny global-return-place",
        "11402-78 place=12": "deny global-return-place",
        "11402-78 place=22": "pay",
    }
    assert literal_claims.answers_alone(derm, expected) == expected


def test_a_modifier_that_speaks_of_a_service_that_was_not_read_says_so(derm: Snapshot) -> None:
    """24, 58, 78, 79: IOM sections 40.1 and 40.2; 57 is for surgery of ninety days, 25 for that day: I-13."""
    first_reasons = {
        ("11602-58",): ["global-no-period-read"],
        ("11602-79",): ["global-no-period-read"],
        ("11602-78 place=22",): ["global-no-period-read"],
        ("99213-24",): ["global-no-period-read"],
        ("99213-57",): ["global-no-surgery-read"],
        ("99213-25",): ["global-no-service-read"],
        ("11602-58", "12032-58"): ["global-no-period-read", "global-no-period-read"],
        ("11102", "11602-58 day=5"): [None, "global-no-period-read"],
        ("11402", "11602-58 day=11"): [None, "global-no-period-read"],
        ("11402 provider=q", "11602-58 day=5"): [None, "global-no-period-read"],
        ("17311-58", "11102-59"): [None, "ptp-bypassed"],
        ("11402", "99213-24 day=11"): [None, "global-no-period-read"],
        ("99213-57", "11402 day=1"): ["global-no-surgery-read", None],
        ("99213-57", "14040 day=2"): ["global-no-surgery-read", None],
        ("99213-57", "14040 day=1"): ["global-visit-documented", None],
        ("99213-25", "96910 claim=d"): ["ptp-bypassed", None],
        ("99213-25", "88305"): [None, None],
        ("99213-25", "17000 provider=q"): ["global-no-service-read", None],
    }
    assert {
        case: [min(reasons, default=None) for reasons in reasons_of_lines]
        for case, reasons_of_lines in literal_claims.reasons_by_case(derm, first_reasons).items()
    } == first_reasons


def test_sutures_removed_in_a_period_are_for_review(store: Store) -> None:
    """IOM section 40.1.A: removal of cutaneous sutures is in the payment; with the visit denied the add-on is, too."""
    fees = ["99213", *({"hcpcs": code, "global_days": "ZZZ"} for code in ("15853", "15854"))]
    fees += [{"hcpcs": "99913", "global_days": "010"}, {"hcpcs": "99912", "global_days": "000"}]
    add_on = [(code, "99213", "2023-01-01", None, 1) for code in ("15853", "15854")]
    release = literal_claims.sealed_release(store, "2026q3", fees, add_on=add_on)
    last_of_case = {
        ("99913", "99213-24 day=10", "15853 day=10"): "review",
        ("99913", "99213-24 day=10", "15854 day=10"): "review",
        ("99913", "99213 day=11", "15853 day=11"): "pay",
        ("99912", "99213 day=10", "15853 day=10"): "pay",
        ("99913 provider=q", "99213 day=10", "15853 day=10"): "pay",
        ("99913", "99213 day=10", "15853 day=10"): "deny",
    }
    dispositions = literal_claims.dispositions_by_case(release, last_of_case)
    assert {case: last for case, (_, _, last) in dispositions.items()} == last_of_case


def test_a_shorter_period_inside_a_longer_one_does_not_end_it(derm: Snapshot) -> None:
    """14040 until day 90; 17000 of day 20 until day 30."""
    lines = ("14040", "17000-79 day=20", "99213 day=31", "99213 day=90", "99213 day=91")
    assert [answer.split()[0] for answer in literal_claims.answers(derm, *lines)] == [
        "pay",
        "pay_if_documented",
        "deny",
        "deny",
        "pay",
    ]


def test_care_before_or_after_surgery_alone_begins_no_period(derm: Snapshot) -> None:
    """54 is the surgery, 55 the care after it, 56 the care before it: IOM section 40.2."""
    visit_by_procedure = {
        "14040": "deny global-visit-after",
        "14040-54": "deny global-visit-after",
        "14040-55": "pay",
        "14040-56": "pay",
    }
    answers = literal_claims.answers_by_case(derm, [(procedure, "99213 day=5") for procedure in visit_by_procedure])
    assert {procedure: visit for (procedure, _), (_, visit) in answers.items()} == visit_by_procedure


def test_a_denied_procedure_begins_no_period(derm: Snapshot) -> None:
    """11102 > 17000, CCMI 1; 11102 is 000, so that only a paid 17000 has days after."""
    assert literal_claims.answers(derm, "11102", "17000", "99213 day=5") == ["pay", "deny ptp-no-modifier", "pay"]
    assert literal_claims.answers(derm, "11102", "17000-59", "99213 day=5")[2] == "deny global-visit-after"


def test_a_procedure_denied_in_a_period_begins_none(derm: Snapshot) -> None:
    """The period of 17000 ends on day 10; 11402 of day 5 is in its payment and has no days of its own until 15."""
    for later in ("99213 day=15", "17110 day=15"):
        assert literal_claims.answers(derm, "17000", "11402 day=5", later) == [
            "pay",
            "deny global-procedure-after",
            "pay",
        ]


def test_a_period_runs_on_in_the_next_release(store: Store) -> None:
    """010 from 2026-06-28 to 2026-07-08."""
    surgery = {"hcpcs": "99911", "global_days": "010"}
    both = [literal_claims.sealed_release(store, label, [surgery, "99213"]) for label in ("2026q2", "2026q3")]
    days = ("2026-06-29", "2026-07-08", "2026-07-09")
    answers = literal_claims.answers(both, "99911 on=2026-06-28", *(f"99213 on={day}" for day in days))
    assert answers == ["pay", "deny global-visit-after", "deny global-visit-after", "pay"]


def test_each_kind_of_global_days_decides_on_a_visit_of_the_day(store: Store) -> None:
    """I-12, I-13; RVU25D: YYY is the contractor's, ZZZ within its primary's, XXX and MMM know no such period."""
    code_by_days = {"000": "99910", "010": "99911", "090": "99912", "YYY": "99913"}
    code_by_days |= {"XXX": "99914", "ZZZ": "99915", "MMM": "99916"}
    fees = [{"hcpcs": code, "global_days": days} for days, code in code_by_days.items()]
    release = literal_claims.sealed_release(store, "2026q3", [*fees, "99213"])
    visit_by_days = {
        "000": "deny global-visit-same-day",
        "010": "deny global-visit-same-day",
        "090": "deny global-visit-major",
        "YYY": "review global-by-contractor",
        "XXX": "pay",
        "ZZZ": "pay",
        "MMM": "pay",
    }
    cases = {(code_by_days[days], "99213"): ["pay", visit] for days, visit in visit_by_days.items()}
    assert literal_claims.answers_by_case(release, cases) == cases


def test_a_finding_names_the_procedure_and_its_line(derm: Snapshot) -> None:
    outcome = literal_claims.outcome(derm, "17000 claim=d", "99213 day=10")
    finding = outcome.findings.filter(edit="global_surgery").row(0, named=True)
    partner = outcome.lines.filter(row=finding["partner"]).row(0, named=True)
    assert (finding["column_one"], finding["detail"], finding["carc"]) == ("17000", "10", "97")
    assert (partner["claim_id"], partner["hcpcs"]) == ("d", "17000")
