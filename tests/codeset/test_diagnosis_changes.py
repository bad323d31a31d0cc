"""What changes in diagnosis codes between two releases; codes that CDC split and added in 2024 and 2025."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import codeset
from codeset.change_report.changes_as_json import changes_json
from codeset.change_report.changes_as_markdown import changes_markdown
from codeset.change_report.changes_as_workbook import changes_workbook
from codeset.diagnosis_changes import DiagnosisChange
from codeset.errors import BadInput
from codeset.lookups.favorites import read_favorites
from codeset.manifest import Manifest, Source, TableEntry
from codeset.releases import Release
from codeset.schemas import faults_of
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.tables import TABLES

Build = Callable[..., Snapshot]

L57, L66 = ("L57", False), ("L66", False)
BEFORE = [L57, ("L570", True), L66, ("L661", True), ("L98", False), ("L988", True)]
AFTER = [L57, ("L570", True), L66, ("L661", False), ("L6610", True), ("L6611", True), ("L98", False), ("L98A1", True)]
SKIN = "diseases of skin and subcutaneous tissue"


@pytest.fixture
def release(tmp_path: Path) -> Build:
    def seal_release(label: str, **tables: list[dict[str, object]]) -> Snapshot:
        frames = {
            name: pl.DataFrame(
                [{column: row.get(column) for column in TABLES[name].columns} for row in rows],
                schema=dict(TABLES[name].columns),
            )
            for name, rows in tables.items()
        }
        entries = {name: TableEntry("made", (Source(name, f"{0:064x}", 1),), 0, {}, "") for name in frames}
        return Store(tmp_path / "store").seal(Manifest(Release.parse(label), "all", (), entries), frames).snapshot

    return seal_release


def codes(codes_and_flags: list[tuple[str, bool]], since: date | None = None) -> list[dict[str, object]]:
    new = {"L661", "L6610", "L6611", "L98A1"} if since else set()
    return [
        {"diagnosis": code, "billable": billable, "effective_date": since if code in new else None}
        for code, billable in codes_and_flags
    ]


REPLACED = [{"previous_diagnosis": "L988", "diagnosis": "L98A1", "effective_date": date(2024, 10, 1)}]


def test_codes_are_new_split_or_removed_and_name_what_takes_their_place(release: Build) -> None:
    old = release("2024q3", diagnosis=codes(BEFORE))
    october = date(2024, 10, 1)
    new = release("2024q4", diagnosis=codes(AFTER, october), diagnosis_replacement=REPLACED)
    changes = codeset.diff(old, new)
    assert changes.diagnoses.compared == (3, 4)
    assert changes.diagnoses.changes == (
        DiagnosisChange("split", "L66.1", SKIN, october, ("L66.10", "L66.11")),
        DiagnosisChange("new", "L66.10", SKIN, october, ("L66.1",)),
        DiagnosisChange("new", "L66.11", SKIN, october, ("L66.1",)),
        DiagnosisChange("no longer valid", "L98.8", SKIN, None, ("L98.A1",)),
        DiagnosisChange("new", "L98.A1", SKIN, october, ("L98.8",)),
    )
    assert not changes.none
    assert list(faults_of(json.loads(changes_json(changes)), "changes")) == []
    assert "| L66.1 | split | 10/01/2024 | L66.10, L66.11 |" in changes_markdown(changes)
    assert changes_workbook(changes).startswith(b"PK")


def test_of_a_practice_s_list_only_its_codes_are_reported(release: Build) -> None:
    old, new = release("2024q3", diagnosis=codes(BEFORE)), release("2024q4", diagnosis=codes(AFTER))
    of_favorites = codeset.diff(old, new, favorites=("L661", "L570", "X999", "L66", "L98A1")).diagnoses
    assert [(change.kind, change.diagnosis) for change in of_favorites.changes] == [
        ("split", "L66.1"),
        ("new", "L98.A1"),
    ]
    assert (of_favorites.favorites, of_favorites.headers, of_favorites.unknown, of_favorites.outside_excerpt) == (
        5,
        ("L66",),
        ("X99.9",),
        (),
    )
    report = changes_markdown(codeset.diff(old, new, favorites=("L66", "X999")))
    assert "not valid for billing: L66 (header: use a more specific code); X99.9 (no ICD-10-CM code)." in report


def test_another_title_is_reported_where_both_hold_titles(release: Build) -> None:
    was, now = ({"diagnosis": "L570", "billable": True, "title": title} for title in ("one", "another"))
    diagnosis_changes = codeset.diff(release("2024q3", diagnosis=[was]), release("2024q4", diagnosis=[now])).diagnoses
    assert [(change.kind, change.diagnosis) for change in diagnosis_changes.changes] == [("revised", "L57.0")]


def test_a_release_without_diagnosis_codes_is_not_compared(release: Build) -> None:
    old, new = release("2024q3", mue=[]), release("2024q4", mue=[], diagnosis=codes(AFTER))
    changes = codeset.diff(old, new)
    assert changes.diagnoses.not_compared == "2024q3 does not hold ICD-10-CM"
    assert "Diagnosis codes: not compared; 2024q3 does not hold ICD-10-CM" in changes_markdown(changes)
    assert not codeset.diff(old, release("2025q1", mue=[])).diagnoses.is_reportable


def test_articles_with_another_version_or_other_diagnoses_are_reported(release: Build) -> None:
    def release_with_article(label: str, version: int, *diagnoses: str) -> Snapshot:
        document = {"document": "A57044", "version": version, "contractor": "CGS Administrators, LLC"}
        article_codes = [
            {"document": "A57044", "version": version, "group": 1, "diagnosis": code, "covered": True}
            for code in diagnoses
        ]
        return release(label, coverage_document=[document], coverage_diagnosis=article_codes)

    (article,) = codeset.diff(
        release_with_article("2025q2", 15, "L570", "L820"), release_with_article("2025q3", 16, "L570", "L821")
    ).diagnoses.articles
    assert (article.document, article.before, article.after) == ("A57044", 15, 16)
    assert (article.added, article.dropped) == (("L82.1",), ("L82.0",))


def test_a_list_of_codes_is_read_with_or_without_points_and_header(tmp_path: Path) -> None:
    file = tmp_path / "favorites.csv"
    file.write_text("Diagnosis,Name\nL57.0,one\nl661,two\nL570,again\n")
    assert read_favorites(file) == ("L570", "L661")


@pytest.mark.parametrize(
    ("text", "says"), [("L57.0\n17000-59\n", "line 2: no diagnosis code"), ("", "no diagnosis code in it")]
)
def test_a_line_that_is_no_code_is_refused(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "favorites.txt"
    file.write_text(text)
    with pytest.raises(BadInput, match=says):
        read_favorites(file)
