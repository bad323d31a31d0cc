"""A short run of the campaign of broken files (`make fuzz` is the long one), and whether the campaign finds faults."""

from pathlib import Path

import pytest

from codeset_ingest.read import fee_schedules, read_files
from fuzz import campaign

SHORT = 240


@pytest.mark.long
def test_no_broken_file_changes_a_release_without_a_word(tmp_path: Path) -> None:
    outcomes, wrong = campaign.try_some(range(SHORT), seed=2026, home=tmp_path / "home")
    assert wrong == []
    assert set(outcomes) <= {"refused", "sealed", "unchanged"}
    assert outcomes["refused"] > SHORT / 3
    assert outcomes["sealed"] > SHORT / 20


def test_every_form_of_every_table_is_broken() -> None:
    assert {target.broken.rpartition(".")[2] for target in campaign.targets()} == {"csv", "txt", "xlsx", "xml", "zip"}
    assert {table for target in campaign.targets() for table in target.tables} == {
        table for facts in campaign.releases().values() for table in facts.tables
    }


@pytest.mark.parametrize(
    ("room", "name", "instead", "table"),
    [
        (fee_schedules, "publication_fault", lambda *_: (), "mpfs"),
        (read_files, "compare_forms", lambda forms: forms[0], "mue"),
    ],
)
def test_the_campaign_finds_what_a_missing_check_lets_through(
    room: object, name: str, instead: object, table: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(room, name, instead)
    targets = campaign.targets()
    numbers = [number for number in range(20_000) if targets[number % len(targets)].tables == (table,)][:200]
    assert any(wrong for _, wrong in (campaign.try_one(number, 5, tmp_path) for number in numbers))
