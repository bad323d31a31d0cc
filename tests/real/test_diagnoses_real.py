"""Diagnoses on claims, by CDC's own editions around two Octobers and rows of the Medicare Coverage Database."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

import codeset
from codeset.claims.outcome import outcome_frames
from codeset_ingest.build import build

pytestmark = pytest.mark.cms

DELIVERIES = {
    "2024q3": ["icd10cm/fy2024_dx.zip"],
    "2024q4": ["icd10cm/fy2025_dx.zip"],
    "2025q3": ["2025q3", "coverage"],
    "2025q4": ["icd10cm/fy2026_dx.zip"],
}
"""The order and code files in force on the last days of September and the first of October; a diagnosis is denied
without any other table. Articles name a service, so the fee schedule of their quarter is beside them."""

CARRIED = {"2025q3": {"diagnosis": codeset.Release.parse("2024q4")}}
"""FY2025 is one edition from October to September."""

CGS, PALMETTO, NOVITAS, NORIDIAN, WPS = "15202-00", "10112-00", "04112-01", "01112-05", "05102-00"


@pytest.fixture(scope="module")
def quarters(cms: Path, tmp_path_factory: pytest.TempPathFactory) -> list[codeset.Snapshot]:
    store = codeset.Store(tmp_path_factory.mktemp("store"))
    return [
        build(codeset.Release.parse(label), [cms / name for name in names], store, CARRIED.get(label)).sealed.snapshot
        for label, names in DELIVERIES.items()
    ]


def outcome(
    quarters: list[codeset.Snapshot], hcpcs: str, day: str, diagnosis: str, locality: str = "national"
) -> tuple[str, pl.DataFrame]:
    """Return the disposition of one line, and its findings."""
    line = codeset.ClaimLine(1, date.fromisoformat(day), hcpcs, 1, "11", locality, diagnosis_pointers=(1,))
    claim = codeset.Claim("A1", "B1", "P1", (line,), diagnoses=(diagnosis,))
    result = codeset.adjudicate(claim, quarters, participant=None)
    return result.lines["disposition"][0], outcome_frames(result).findings


@pytest.mark.parametrize(
    ("day", "diagnosis", "reason", "detail"),
    [
        ("2024-10-01", "L66.1", "diagnosis-no-longer-valid", "L66.1: L66.10, L66.11, L66.12, L66.19"),
        ("2025-10-01", "L66.1", "diagnosis-no-longer-valid", "L66.1: L66.10, L66.11, L66.12, L66.19"),
        ("2024-09-30", "L66.11", "diagnosis-not-yet-valid", "L66.11: 2024-10-01"),
        ("2025-09-30", "L98.A111", "diagnosis-not-yet-valid", "L98.A111: 2025-10-01"),
    ],
)
def test_a_code_that_is_not_valid_on_its_date_is_denied(
    quarters: list[codeset.Snapshot], day: str, diagnosis: str, reason: str, detail: str
) -> None:
    """CDC's addenda of FY2025 and FY2026: L66.1 was split, L98.A- is new."""
    disposition, findings = outcome(quarters, "99213", day, diagnosis)
    assert disposition == "deny"
    assert findings.filter(edit="diagnosis").select("reason", "detail").rows() == [(reason, detail)]


@pytest.mark.parametrize(
    ("day", "diagnosis"),
    [("2024-09-30", "L66.1"), ("2024-10-01", "L66.11"), ("2025-09-30", "L66.19"), ("2025-10-01", "L98.A111")],
)
def test_nothing_is_said_against_a_code_that_is_valid_on_its_date(
    quarters: list[codeset.Snapshot], day: str, diagnosis: str
) -> None:
    disposition, findings = outcome(quarters, "99213", day, diagnosis)
    assert disposition == "unknown"  # there is more than diagnoses to know, and it is not held
    assert findings.filter(edit="diagnosis").is_empty()
    assert set(findings["reason"]) <= {"table-not-held", "coverage-no-contractor"}


def of_coverage(quarters: list[codeset.Snapshot], locality: str) -> list[tuple[str, str]]:
    """Return what is said of the contractor's articles for actinic keratoses destroyed, and where it is said."""
    _, findings = outcome(quarters, "17000", "2025-09-30", "L57.0", locality)
    articles = findings.filter(pl.col("edit") == "coverage", pl.col("reason") != "coverage-ncd-keratoses")
    return articles.select("reason", "detail").rows()


@pytest.mark.parametrize(
    ("locality", "detail"),
    [
        (CGS, "A57044 version 16, group 1 (L57.0)"),
        (PALMETTO, "A56346 version 22, group 1 (L57.0); whether it names 17000 is not held"),
        (NOVITAS, "A57113 version 41, group 1 (L57.0); whether it names 17000 is not held"),
    ],
)
def test_actinic_keratoses_are_covered_in_three_articles(
    quarters: list[codeset.Snapshot], locality: str, detail: str
) -> None:
    assert of_coverage(quarters, locality) == [("coverage-listed", detail)]


BENIGN = [
    (NORIDIAN, "A57161 version 15, groups 1, 2, 3, 4: not L57.0"),
    (WPS, "A57482 version 18, groups 1: not L57.0"),
]
"""The articles on benign lesions alone."""


@pytest.mark.parametrize(("locality", "says"), BENIGN)
def test_articles_on_benign_lesions_decide_nothing_while_their_codes_are_not_held(
    quarters: list[codeset.Snapshot], locality: str, says: str
) -> None:
    [(reason, detail)] = of_coverage(quarters, locality)
    assert reason == "coverage-codes-not-held"
    assert says in detail


@pytest.fixture(scope="module")
def with_more_codes(cms: Path, tmp_path_factory: pytest.TempPathFactory) -> list[codeset.Snapshot]:
    """Return the articles with the codes of two more, which are not at hand: as if those named 17000."""
    folder = tmp_path_factory.mktemp("codes")
    rows = (cms / "coverage" / "article_x_hcpc_code_A57044.csv").read_text(encoding="utf-8")
    codes = "57161,2024-01-01,,,17000\n57482,2024-01-01,,,17000\n"
    (folder / "article_x_hcpc_code.csv").write_text(f"{rows.rstrip()}\n{codes}", encoding="utf-8")
    others = [path for path in (cms / "coverage").iterdir() if "hcpc_code" not in path.name]
    store = codeset.Store(folder / "store")
    return [
        build(codeset.Release.parse("2025q3"), [*others, folder / "article_x_hcpc_code.csv"], store).sealed.snapshot
    ]


@pytest.mark.parametrize(("locality", "says"), BENIGN)
def test_articles_on_benign_lesions_leave_it_for_review_if_they_name_the_service(
    with_more_codes: list[codeset.Snapshot], locality: str, says: str
) -> None:
    assert of_coverage(with_more_codes, locality) == [("coverage-not-listed", says)]
