"""Local coverage, on rows of the Medicare Coverage Database: contractor, version, group, and what is not held."""

from datetime import date
from pathlib import Path

import literal_claims
import pytest

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


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Return a release in which the articles that are NAMED name 17000 and 17110."""
    return release_with_articles(tmp_path_factory.mktemp("articles"), NAMED)


def coverage_answers(snapshot: Snapshot, *texts: str) -> dict[str, tuple[str, str, str | None]]:
    """Disposition of each line alone, and reason and detail of the one finding of local coverage."""
    cases = [(text,) for text in texts]
    dispositions = literal_claims.dispositions_by_case(snapshot, cases)
    answers = {}
    for case, [findings] in literal_claims.findings_by_case(
        snapshot, cases, "reason", "detail", edit="coverage"
    ).items():
        [(reason, detail)] = [finding for finding in findings if not finding[0].startswith("coverage-ncd")]
        answers[case[0]] = dispositions[case][0], reason, detail
    return answers


def test_actinic_keratoses_in_the_articles_at_hand(articles: Snapshot) -> None:
    answer_by_locality = {
        CGS: ("pay", "coverage-listed", "A57044 version 16, group 1 (L57.0)"),
        PALMETTO: ("pay", "coverage-listed", "A56346 version 22, group 1 (L57.0)"),
        NOVITAS: ("pay", "coverage-listed", "A57113 version 41, group 1 (L57.0)"),
        NORIDIAN: ("pay", "coverage-codes-not-held", "A57161 version 15, groups 1, 2: not L57.0"),
        WPS: ("pay", "coverage-codes-not-held", "A57482 version 18, groups 1: not L57.0"),
        NGS: ("pay", "coverage-no-article", "National Government Services"),
        "national": ("pay", "coverage-no-contractor", "national"),
    }
    expected = {f"17000 diagnoses=L57.0 locality={locality}": answer for locality, answer in answer_by_locality.items()}
    assert coverage_answers(articles, *expected) == expected


def test_an_article_that_lists_the_diagnosis_supports_it_and_what_is_not_held_is_said(tmp_path: Path) -> None:
    line = f"17000 diagnoses=L57.0 locality={PALMETTO}"
    assert coverage_answers(release_with_articles(tmp_path, ["A57044"]), line)[line] == (
        "pay",
        "coverage-listed",
        "A56346 version 22, group 1 (L57.0); whether it names 17000 is not held",
    )


def test_they_are_for_review_where_an_article_of_benign_lesions_names_the_code(tmp_path: Path) -> None:
    snapshot = release_with_articles(tmp_path, [*NAMED, "A57161", "A57482"])
    detail_by_locality = {
        NORIDIAN: "A57161 version 15, groups 1, 2: not L57.0",
        WPS: "A57482 version 18, groups 1: not L57.0",
    }
    expected = {
        f"17000 diagnoses=L57.0 locality={locality}": ("review", "coverage-not-listed", detail)
        for locality, detail in detail_by_locality.items()
    }
    assert coverage_answers(snapshot, *expected) == expected


def test_groups_companions_and_notices(articles: Snapshot) -> None:
    """Group 2 of A57044 needs a diagnosis of group 3 beside it, by its text."""
    answer_by_line = {
        "17110 diagnoses=L82.1": ("review", "coverage-companion-missing"),
        "17110 diagnoses=L82.1,L29.8": ("pay", "coverage-listed"),
        "17110 diagnoses=L82.0": ("pay", "coverage-listed"),
        "17110 diagnoses=B07.8": ("review", "coverage-not-listed"),
        "17110-GA diagnoses=B07.8": ("review", "coverage-not-listed-with-notice"),
        "17110-KX diagnoses=B07.8": ("review", "coverage-not-listed-attested"),
        "17262 diagnoses=C44.41": ("pay", "coverage-no-article"),
    }
    expected = {f"{line} locality={CGS}": answer for line, answer in answer_by_line.items()}
    answers = coverage_answers(articles, *expected)
    assert {line: answer[:2] for line, answer in answers.items()} == expected


OF_CGS = "CGS Administrators, LLC"
REFUSING = [("A57044", None, 1, "L821", False), ("A57044", None, 1, "Z411", False)]


def of_cgs(folder: Path, documents: list[tuple[object, ...]], diagnoses: list[tuple[object, ...]]) -> Snapshot:
    codes = [(document, None, "17110") for document in dict.fromkeys(row[0] for row in documents)]
    rows = {"coverage_document": documents, "coverage_hcpcs": codes, "coverage_diagnosis": diagnoses}
    return literal_claims.sealed_release(Store(folder), "2026q3", FEES, **rows)


@pytest.mark.parametrize(
    ("code_rows", "answer_by_diagnoses"),
    [
        (
            REFUSING,
            {
                "L82.1": (
                    "review",
                    "coverage-not-listed",
                    "A57044 version 16 lists L82.1 in group 1 of those not covered",
                ),
                "L82.0": ("pay", "coverage-not-excluded", "A57044 version 16"),
            },
        ),
        (
            [*DIAGNOSES, *REFUSING],
            {
                "L82.0": ("pay", "coverage-listed", "A57044 version 16, group 1 (L82.0)"),
                "L82.1,L82.0": ("pay", "coverage-listed", "A57044 version 16, group 1 (L82.0)"),
            },
        ),
    ],
)
def test_a_list_of_what_is_not_covered_leaves_it_for_review(
    tmp_path: Path, code_rows: list[tuple[object, ...]], answer_by_diagnoses: dict[str, tuple[str, str, str]]
) -> None:
    snapshot = of_cgs(tmp_path, [DOCUMENTS[0]], code_rows)
    expected = {f"17110 diagnoses={codes} locality={CGS}": answer for codes, answer in answer_by_diagnoses.items()}
    assert coverage_answers(snapshot, *expected) == expected


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
    line = f"17110 diagnoses=L57.0 locality={CGS}"
    assert coverage_answers(snapshot, line)[line][1] == reason


def test_of_two_versions_in_force_the_newest_counts(tmp_path: Path) -> None:
    documents = [
        ("A57044", version, OF_CGS, "MAC - Part B", date(2026, 7, day)) for version, day in ((16, 1), (17, 20))
    ]
    code_rows = [("A57044", 16, 1, "L821", True), ("A57044", 17, 1, "L820", True)]
    snapshot = of_cgs(tmp_path, documents, code_rows)
    lines = [f"17110 on=2026-07-{day} diagnoses=L82.1 locality={CGS}" for day in (19, 20)]
    answers = coverage_answers(snapshot, *lines)
    assert [answers[line][1] for line in lines] == ["coverage-listed", "coverage-not-listed"]


def test_a_denial_by_gz_and_gy_comes_before(articles: Snapshot) -> None:
    edits = {(f"17110-{modifier} diagnoses=B07.8 locality={CGS}",): [[("notice",)]] for modifier in ("GY", "GZ")}
    assert literal_claims.findings_by_case(articles, edits, "edit") == edits


def test_an_article_is_in_force_to_its_retirement(articles: Snapshot) -> None:
    reason_by_line = {
        f"17000 on=2026-08-31 diagnoses=L57.0 locality={WPS}": "coverage-codes-not-held",
        f"17000 on=2026-09-01 diagnoses=L57.0 locality={WPS}": "coverage-no-article",
    }
    answers = coverage_answers(articles, *reason_by_line)
    assert {line: reason for line, (_, reason, _) in answers.items()} == reason_by_line


def test_without_articles_nothing_is_said_of_coverage(tmp_path: Path) -> None:
    outcome = literal_claims.outcome(
        [literal_claims.sealed_release(Store(tmp_path), "2026q3", FEES)], f"17110 diagnoses=B07.8 locality={CGS}"
    )
    assert outcome.findings.is_empty()
    assert "coverage" in outcome.checked.not_applied
