"""The lint finds what makes a suite untrustworthy."""

import pytest
from practice import SCENARIOS, practice

from codeset.releases import Release
from codeset.suite.lint import lint, unconfirmed_citations
from codeset.suite.scenarios import load
from codeset_ingest.embedded import build_embedded

CODES = ("17000", "17003", "17004")


def lint_messages(folder, text):
    return [str(fault) for fault in lint(load(practice(folder, text)), CODES, ["III.E.1"])]


def test_a_correct_suite_is_clean(tmp_path):
    assert lint_messages(tmp_path, SCENARIOS) == []


@pytest.mark.parametrize(
    ("was", "now", "phrase"),
    [
        (
            "id: destruction-17004-with-17000",
            "id: destruction-fifteen-keratoses",
            "id is that of destruction.yaml line 1 too",
        ),
        (
            "17000 is denied beside 17004, whatever the modifier",
            "fifteen or more keratoses are one unit of 17004",
            "says is",
        ),
        (
            "document: NCCI PTP practitioner, row: 17004/17000, ccmi: 0",
            "document: The guide",
            'no document is called "The',
        ),
        ("row: 17004/17000, ccmi: 0", "page: III-3", "NCCI PTP practitioner is cited without a row"),
        ("  twin: destruction-fifteen-keratoses\n", "", "denies, and names no paying twin"),
        (
            "twin: destruction-fifteen-keratoses",
            "twin: destruction-sixteen",
            'its twin "destruction-sixteen" is not there',
        ),
        ("twin: destruction-fifteen-keratoses", "twin: destruction-17004-with-17000", "denies too"),
        ("hcpcs: 17000,", "hcpcs: 99999,", "out of scope: 99999"),
        ("  twin:", "  covers: [III.E.9]\n  twin:", "covers what is not in the list: III.E.9"),
        (
            "[{disposition: pay, global_days: 010}]}",
            "[{disposition: pay}]}",
            "passes on an engine that pays everything",
        ),
    ],
)
def test_what_is_wrong_is_reported(tmp_path, was, now, phrase):
    assert any(phrase in message for message in lint_messages(tmp_path, SCENARIOS.replace(was, now)))


@pytest.mark.parametrize(("ccmi", "count"), [("0", 0), ("1", 2)])
def test_a_row_is_cited_as_it_is(tmp_path, store, ccmi, count):
    snapshot = build_embedded(Release.parse("2026q3"), store).snapshot
    suite = load(practice(tmp_path, SCENARIOS.replace("17000, ccmi: 0}", f"17000, ccmi: {ccmi}}}")))
    assert len(unconfirmed_citations(suite, snapshot)) == count
