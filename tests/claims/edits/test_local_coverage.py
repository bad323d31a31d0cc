"""Local coverage, on rows of the Medicare Coverage Database: contractor, version, group, and what is not held."""

from datetime import date
from pathlib import Path

import literal_claims
import pytest

from codeset.claims.outcome import outcome_frames
from codeset.snapshot import Snapshot
from codeset.store import Store

FEES = ["17000", "17110", "17262", "99213"]

DOCUMENTS = [
    ("A57044", 16, "CGS Administrators, LLC", "MAC - Part B", date(2025, 8, 7), None),
    ("A56346", 22, "Palmetto GBA", "MAC - Part B", date(2025, 6, 15), None),
    ("A57113", 41, "Novitas Solutions, Inc.", "MAC - Part B", date(2025, 1, 1), None),
    ("A57161", 15, "Noridian Healthcare Solutions, LLC", "MAC - Part B", date(2024, 1, 1), None),
    ("A57482", 18, "WPS Insurance Corporation", "MAC - Part B", date(2024, 1, 1), date(2026, 8, 31)),
]
DIAGNOSES = [
    *(("A57044", None, 1, "L570", True), ("A57044", None, 1, "L820", True), ("A57044", None, 2, "L821", True)),
    ("A57044", None, 3, "L298", True),
    *(("A56346", None, 1, "L570", True), ("A57113", None, 1, "L570", True), ("A57113", None, 2, "L821", True)),
    *(("A57161", None, 1, "L820", True), ("A57161", None, 2, "L821", True), ("A57482", None, 1, "L821", True)),
]
NAMED = ["A57044", "A56346", "A57113"]

CGS, PALMETTO, NOVITAS, NORIDIAN, WPS, NGS = "15202-00", "10112-00", "04112-01", "01112-05", "05102-00", "13102-00"


def release_with_articles(folder: Path, documents: list[str]) -> Snapshot:
    codes = [(document, None, hcpcs) for document in documents for hcpcs in ("17000", "17110")]
    return literal_claims.sealed_release(
        Store(folder),
        "2026q3",
        FEES,
        coverage_document=DOCUMENTS,
        coverage_hcpcs=codes,
        coverage_diagnosis=DIAGNOSES,
    )


def coverage_answer(snapshot: Snapshot, text: str) -> tuple[str, str, str | None]:
    """Disposition, and reason and detail of what is said of local coverage."""
    outcome = literal_claims.outcome([snapshot], text)
    findings = outcome_frames(outcome).findings.filter(edit="coverage").select("reason", "detail").rows()
    [(reason, detail)] = [finding for finding in findings if not finding[0].startswith("coverage-ncd")]
    return outcome.lines["disposition"][0], reason, detail


@pytest.mark.parametrize(
    ("locality", "answer"),
    [
        (CGS, ("pay", "coverage-listed", "A57044 version 16, group 1 (L57.0)")),
        (PALMETTO, ("pay", "coverage-listed", "A56346 version 22, group 1 (L57.0)")),
        (NOVITAS, ("pay", "coverage-listed", "A57113 version 41, group 1 (L57.0)")),
        (NORIDIAN, ("pay", "coverage-codes-not-held", "A57161 version 15, groups 1, 2: not L57.0")),
        (WPS, ("pay", "coverage-codes-not-held", "A57482 version 18, groups 1: not L57.0")),
        (NGS, ("pay", "coverage-no-article", "National Government Services")),
        ("national", ("pay", "coverage-no-contractor", "national")),
    ],
)
def test_actinic_keratoses_in_the_articles_at_hand(tmp_path: Path, locality: str, answer: tuple[str, str, str]) -> None:
    assert (
        coverage_answer(release_with_articles(tmp_path, NAMED), f"17000 diagnoses=L57.0 locality={locality}") == answer
    )


def test_an_article_that_lists_the_diagnosis_supports_it_and_what_is_not_held_is_said(tmp_path: Path) -> None:
    answer = coverage_answer(release_with_articles(tmp_path, ["A57044"]), f"17000 diagnoses=L57.0 locality={PALMETTO}")
    assert answer == (
        "pay",
        "coverage-listed",
        "A56346 version 22, group 1 (L57.0); whether it names 17000 is not held",
    )


@pytest.mark.parametrize(
    ("locality", "detail"),
    [(NORIDIAN, "A57161 version 15, groups 1, 2: not L57.0"), (WPS, "A57482 version 18, groups 1: not L57.0")],
)
def test_they_are_for_review_where_an_article_of_benign_lesions_names_the_code(
    tmp_path: Path, locality: str, detail: str
) -> None:
    snapshot = release_with_articles(tmp_path, [*NAMED, "A57161", "A57482"])
    assert coverage_answer(snapshot, f"17000 diagnoses=L57.0 locality={locality}") == (
        "review",
        "coverage-not-listed",
        detail,
    )


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("17110 diagnoses=L82.1", ("review", "coverage-companion-missing")),
        ("17110 diagnoses=L82.1,L29.8", ("pay", "coverage-listed")),
        ("17110 diagnoses=L82.0", ("pay", "coverage-listed")),
        ("17110 diagnoses=B07.8", ("review", "coverage-not-listed")),
        ("17110-GA diagnoses=B07.8", ("review", "coverage-not-listed-with-notice")),
        ("17110-KX diagnoses=B07.8", ("review", "coverage-not-listed-attested")),
        ("17262 diagnoses=C44.41", ("pay", "coverage-no-article")),
    ],
)
def test_groups_companions_and_notices(tmp_path: Path, line: str, answer: tuple[str, str]) -> None:
    """Group 2 of A57044 needs a diagnosis of group 3 beside it, by its text."""
    assert coverage_answer(release_with_articles(tmp_path, NAMED), f"{line} locality={CGS}")[:2] == answer


OF_CGS = "CGS Administrators, LLC"
REFUSING = [("A57044", None, 1, "L821", False), ("A57044", None, 1, "Z411", False)]


def of_cgs(folder: Path, documents: list[tuple[object, ...]], diagnoses: list[tuple[object, ...]]) -> Snapshot:
    codes = [(document, None, "17110") for document in dict.fromkeys(row[0] for row in documents)]
    rows = {"coverage_document": documents, "coverage_hcpcs": codes, "coverage_diagnosis": diagnoses}
    return literal_claims.sealed_release(Store(folder), "2026q3", FEES, **rows)


@pytest.mark.parametrize(
    ("code_rows", "diagnoses", "answer"),
    [
        (
            REFUSING,
            "L82.1",
            ("review", "coverage-not-listed", "A57044 version 16 lists L82.1 in group 1 of those not covered"),
        ),
        (REFUSING, "L82.0", ("pay", "coverage-not-excluded", "A57044 version 16")),
        ([*DIAGNOSES, *REFUSING], "L82.0", ("pay", "coverage-listed", "A57044 version 16, group 1 (L82.0)")),
        ([*DIAGNOSES, *REFUSING], "L82.1,L82.0", ("pay", "coverage-listed", "A57044 version 16, group 1 (L82.0)")),
    ],
)
def test_a_list_of_what_is_not_covered_leaves_it_for_review(
    tmp_path: Path, code_rows: list[tuple[object, ...]], diagnoses: str, answer: tuple[str, str, str]
) -> None:
    snapshot = of_cgs(tmp_path, [DOCUMENTS[0]], code_rows)
    assert coverage_answer(snapshot, f"17110 diagnoses={diagnoses} locality={CGS}") == answer


@pytest.mark.parametrize(
    ("types", "reason"),
    [
        ("MAC - Part A, MAC - Part B", "coverage-listed"),
        ("MAC - Part B", "coverage-listed"),
        (None, "coverage-listed"),
        ("DME MAC", "coverage-no-article"),
        ("HHH MAC", "coverage-no-article"),
        ("MAC - Part A", "coverage-no-article"),
    ],
)
def test_an_article_of_a_contractor_that_does_not_pay_practitioners_says_nothing(
    tmp_path: Path, types: str | None, reason: str
) -> None:
    """Noridian and CGS are DME contractors too: lists of the database have "(DME MAC)" and "(HHH MAC)"."""
    snapshot = of_cgs(tmp_path, [("A57044", 16, OF_CGS, types)], DIAGNOSES)
    assert coverage_answer(snapshot, f"17110 diagnoses=L57.0 locality={CGS}")[1] == reason


def test_of_two_versions_in_force_the_newest_counts(tmp_path: Path) -> None:
    documents = [
        ("A57044", version, OF_CGS, "MAC - Part B", date(2026, 7, day)) for version, day in ((16, 1), (17, 20))
    ]
    code_rows = [("A57044", 16, 1, "L821", True), ("A57044", 17, 1, "L820", True)]
    snapshot = of_cgs(tmp_path, documents, code_rows)
    lines = [f"17110 on=2026-07-{day} diagnoses=L82.1 locality={CGS}" for day in (19, 20)]
    assert [coverage_answer(snapshot, line)[1] for line in lines] == ["coverage-listed", "coverage-not-listed"]


def test_a_denial_by_gz_and_gy_comes_before(tmp_path: Path) -> None:
    snapshot = release_with_articles(tmp_path, NAMED)
    for modifier in ("GY", "GZ"):
        outcome = literal_claims.outcome([snapshot], f"17110-{modifier} diagnoses=B07.8 locality={CGS}")
        assert outcome_frames(outcome).findings["edit"].to_list() == ["notice"]


@pytest.mark.parametrize(
    ("day", "reason"), [("2026-08-31", "coverage-codes-not-held"), ("2026-09-01", "coverage-no-article")]
)
def test_an_article_is_in_force_to_its_retirement(tmp_path: Path, day: str, reason: str) -> None:
    assert (
        coverage_answer(release_with_articles(tmp_path, NAMED), f"17000 on={day} diagnoses=L57.0 locality={WPS}")[1]
        == reason
    )


def test_without_articles_nothing_is_said_of_coverage(tmp_path: Path) -> None:
    outcome = literal_claims.outcome(
        [literal_claims.sealed_release(Store(tmp_path), "2026q3", FEES)], f"17110 diagnoses=B07.8 locality={CGS}"
    )
    assert outcome.findings.is_empty()
    assert "coverage" in outcome.checked.not_applied
