"""The findings of one line: the gravest decides, all are told, and each names lines that are there."""

import made_claims as made
import polars as pl
import pytest

from codeset.snapshot import Snapshot


@pytest.mark.parametrize(
    ("lines", "found", "expected"),
    [
        (
            ("17004", "17003x14"),
            {"ptp-never", "mue-day-policy", "add-on-without-primary"},
            "deny ptp-never",
        ),
        (("11102", "17000-59x2"), {"mue-day-policy"}, "deny mue-day-policy"),
        (("11102", "99213-25-ZZ"), {"modifier-unknown"}, "deny modifier-unknown"),
        (
            ("17004", "17003-25x13"),
            {"modifier-of-visits", "ptp-never", "add-on-without-primary"},
            "deny modifier-of-visits",
        ),
        (("17000", "J7308x0"), {"units-below-one", "status-outside-fee-schedule"}, "deny units-below-one"),
        (("17000", "11055-59"), {"ptp-bypassed", "status-restricted"}, "review status-restricted"),
    ],
)
def test_the_gravest_finding_decides_and_all_are_told(
    derm: Snapshot, lines: tuple[str, ...], found: set[str], expected: str
) -> None:
    """A denial, then what is unknown, review, the record, notes; between equals the first of `reasons.toml`.

    Of a denied line nothing is said that would be so if it were paid.
    """
    assert made.reasons(derm, *lines)[1] == found
    assert made.said(derm, *lines)[1] == expected


def test_a_line_without_finding_is_paid_and_nothing_decided_it(derm: Snapshot) -> None:
    told = made.outcome(derm, "17000").lines.select("disposition", "decided_by", "edit").rows()
    assert told == [("pay", None, None)]


def test_findings_name_lines_that_are_there(derm: Snapshot) -> None:
    """`row` and `partner` are rows of `lines`; a partner is another line of the same beneficiary."""
    told = made.outcome(derm, "11104", "11102", "17311x5", "17312", "17315", "99213 beneficiary=z")
    whose = dict(told.lines.select("row", "beneficiary").iter_rows())
    pairs = told.findings.filter(pl.col("partner").is_not_null()).select("row", "partner").rows()
    assert pairs
    assert all(row != partner and whose[row] == whose[partner] for row, partner in pairs)
