"""Duplicates: IOM ch. 1, section 120; group OA, code 18: NGS, article 9213602."""

import literal_claims
from literal_releases import DOCUMENTED, PAY, REVIEW, UNKNOWN, decisions, decisions_by_case, deny

from codeset.snapshot import Snapshot


def test_an_exact_duplicate_is_denied_and_a_suspect_one_is_for_the_contractor(releases: list[Snapshot]) -> None:
    cases = {
        ("11402", "11402"): [PAY, deny("OA", "18")],
        ("11402", "11402", "11402"): [PAY, deny("OA", "18"), deny("OA", "18")],
        ("11402-LT", "11402-LT"): [PAY, deny("OA", "18")],
        ("11402-LT-GC", "11402-GC-LT"): [PAY, deny("OA", "18")],
        ("11402 claim=a", "11402 claim=b"): [PAY, deny("OA", "18")],
        ("11402 claim=b", "11402 claim=a"): [deny("OA", "18"), PAY],
        ("11402", "11402-59"): [PAY, DOCUMENTED],
        ("11402-59", "11402"): [DOCUMENTED, PAY],
        ("11402", "11402-76"): [PAY, DOCUMENTED],
        ("11402", "11402-77"): [PAY, DOCUMENTED],
        ("88305", "88305-91"): [PAY, DOCUMENTED],
        ("11402", "11402-XS", "11402-XS"): [PAY, DOCUMENTED, DOCUMENTED],
        ("11402", "11402 day=1"): [PAY, deny("CO", "97")],
        ("96910", "96910 day=1"): [PAY, PAY],
        ("11402", "11402 provider=q"): [PAY, PAY],
        ("11402 beneficiary=a claim=a", "11402 beneficiary=b claim=b"): [PAY, PAY],
        ("11402 place=11", "11402 place=22"): [PAY, REVIEW],
        ("11402", "11402-GC"): [PAY, REVIEW],
        ("11402", "11402x2"): [PAY, REVIEW],
        ("88305-26", "88305-TC"): [PAY, PAY],
        ("88305", "88305-26"): [PAY, REVIEW],
        ("88305-TC", "88305"): [PAY, REVIEW],
        ("88305", "88305-26 place=22"): [PAY, PAY],
        ("88305", "88305-26-59"): [PAY, DOCUMENTED],
        ("88305-26 provider=q", "88305"): [PAY, PAY],
        ("14040", "14040-55"): [PAY, REVIEW],
        ("14040-54", "14040-55"): [PAY, PAY],
        ("J3301x2", "J3301-JW"): [UNKNOWN, UNKNOWN],
        ("J3301x17", "J3301-JW"): [deny("CO", "151"), deny("CO", "151")],
        ("99213", "99213"): [PAY, deny("OA", "18")],
    }
    assert decisions_by_case(releases, cases) == cases


def test_what_tells_two_lines_apart_is_59_before_a_side(releases: list[Snapshot]) -> None:
    """A side of a code that has none tells nothing: the record must show what the 59 says."""
    details = {
        ("11402-LT-59", "11402-RT"): [[("59",)], []],
        ("11402-RT", "11402-LT-59"): [[], [("59",)]],
        ("11402", "11402-59-RT"): [[], [("59",)]],
    }
    assert literal_claims.findings_by_case(releases, details, "detail", edit="duplicate") == details


def test_a_visit_billed_twice_is_not_said_to_be_of_another_lesion(releases: list[Snapshot]) -> None:
    """IOM ch. 12, section 30.6.7.B: a second visit is for an unrelated problem that needed another encounter."""
    cases = [("99213", "99213"), ("99213 claim=a", "99213 claim=b"), ("99203-25", "99203-25")]
    findings = literal_claims.findings_by_case(releases, cases, "carc", "do", edit="duplicate")
    assert {case: [[carc for carc, _ in of_line] for of_line in of_case] for case, of_case in findings.items()} == {
        case: [[], ["18"]] for case in cases
    }
    advice = {case: do for case, [_, [(_, do)]] in findings.items()}
    assert all("unrelated" in do and "lesion" not in do for do in advice.values()), advice


def test_charges_tell_an_exact_duplicate_from_a_suspect_one(releases: list[Snapshot]) -> None:
    assert decisions(releases, "11402 charge_cents=100", "11402 charge_cents=100") == [PAY, deny("OA", "18")]
    assert decisions(releases, "11402 charge_cents=100", "11402 charge_cents=200") == [PAY, REVIEW]


def test_a_duplicate_does_not_count_toward_the_units_of_the_day(releases: list[Snapshot]) -> None:
    """Three units are the MUE of 11402: the duplicate is denied, and the three lines that remain are paid."""
    lines = ("11402", "11402-59", "11402-XS", "11402")
    assert decisions(releases, *lines) == [PAY, DOCUMENTED, DOCUMENTED, deny("OA", "18")]
