"""The findings of one line: the gravest decides, all are listed, and each names lines that are there."""

import literal_claims
import polars as pl
import pytest
from literal_releases import UNKNOWN, decisions, deny

from codeset.claims.adjudicate import adjudicate
from codeset.claims.outcome import outcome_frames
from codeset.snapshot import Snapshot


def test_the_gravest_finding_decides_and_all_are_listed(derm: Snapshot) -> None:
    """A denial, then what is unknown, review, the record, notes; between equals the first of `reasons.toml`.

    Of a denied line nothing is said that would be so if it were paid.
    """
    reasons_and_answers_of_last = {
        ("17004", "17003x14"): ({"ptp-never", "mue-day-policy", "add-on-without-primary"}, "deny ptp-never"),
        ("11102", "17000-59x2"): ({"mue-day-policy"}, "deny mue-day-policy"),
        ("11102", "99213-25-ZZ"): ({"modifier-unknown"}, "deny modifier-unknown"),
        ("17004", "17003-25x13"): (
            {"modifier-of-visits", "ptp-never", "add-on-without-primary"},
            "deny modifier-of-visits",
        ),
        ("17000", "J7308x0"): ({"units-below-one", "status-outside-fee-schedule"}, "deny units-below-one"),
        ("17000", "11055-59"): ({"ptp-bypassed", "status-restricted"}, "review status-restricted"),
    }
    reasons = literal_claims.reasons_by_case(derm, reasons_and_answers_of_last)
    answers = literal_claims.answers_by_case(derm, reasons_and_answers_of_last)
    assert {case: (reasons[case][1], answers[case][1]) for case in reasons} == reasons_and_answers_of_last


def test_a_line_without_finding_is_paid_and_nothing_decided_it(derm: Snapshot) -> None:
    decided_line = literal_claims.outcome(derm, "17000").lines.select("disposition", "decided_by", "edit").rows()
    assert decided_line == [("pay", None, None)]


def test_findings_name_lines_that_are_there(derm: Snapshot) -> None:
    """`row` and `partner` are rows of `lines`; a partner is another line of the same beneficiary."""
    outcome = literal_claims.outcome(derm, "11104", "11102", "17311x5", "17312", "17315", "99213 beneficiary=z")
    whose = dict(outcome.lines.select("row", "beneficiary").iter_rows())
    pairs = outcome.findings.filter(pl.col("partner").is_not_null()).select("row", "partner").rows()
    assert pairs
    assert all(row != partner and whose[row] == whose[partner] for row, partner in pairs)


def test_a_certain_denial_outranks_what_is_unknown(releases: list[Snapshot]) -> None:
    assert decisions(releases, "J3301x17") == [deny("CO", "151")]
    assert decisions(releases, "J3301x16") == [UNKNOWN]


def test_a_reporting_code_is_no_denial(releases: list[Snapshot]) -> None:
    cases = [("99024",), ("99024x2",), ("99024-24",), ("0001F",)]
    assert literal_claims.dispositions_by_case(releases, cases) == {case: ["no_payment_due"] for case in cases}


def test_a_code_that_is_never_paid_to_practitioners_has_one_finding(releases: list[Snapshot]) -> None:
    """Not valid for Medicare, bundled, MUE 0: what is billed beside it, and another fee schedule, change nothing."""
    edits = {("99243",): "validity", ("A4550",): "validity", ("99417",): "validity", ("G0463",): "mue"}
    findings = literal_claims.findings_by_case(releases, edits, "edit")
    assert findings == {case: [[(edit,)]] for case, edit in edits.items()}
    assert "appeal" not in str(literal_claims.findings_by_case(releases, edits, "do"))


@pytest.mark.parametrize(
    "lines",
    [
        ("99213-57", "11102"),
        ("99213-25-GZ", "11102"),
        ("11402", "11402-59-GZ"),
        ("11402", "11402-59x3"),
        ("11402", "11402-59 charge_cents=0"),
    ],
)
def test_a_line_without_payment_is_not_said_to_be_paid(releases: list[Snapshot], lines: tuple[str, ...]) -> None:
    frames = outcome_frames(adjudicate(literal_claims.claims(*lines), releases))
    denials = frames.findings.join(
        frames.lines.filter(pl.col("disposition").is_in(["deny", "no_payment_due"])), on=["claim_id", "line"]
    )
    assert denials.height > 0
    assert not denials["says"].str.contains("is paid because|paid in the period").any()
    assert not denials["severity"].is_in(["documented", "note"]).any()


def test_nothing_is_paid_with_nothing(releases: list[Snapshot]) -> None:
    lines = ("11402-RT", "11402-LT", "14040 charge_cents=0", "99024", "11402-59")
    decided_lines = outcome_frames(adjudicate(literal_claims.claims(*lines), releases)).lines
    paid = decided_lines.filter(pl.col("disposition").is_in(["pay", "pay_if_documented"]))
    assert (paid["allowed_cents"].fill_null(1) > 0).all()
