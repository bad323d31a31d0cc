"""One pull request for a release: opened, left alone, updated; `gh` is a stand-in that keeps what it is told."""

import json
from pathlib import Path

import pytest

from codeset.errors import WrongUse
from codeset.proposal.pull_request import open_or_update

GH = Path(__file__).parents[1] / "gh"


@pytest.fixture
def body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(GH), prepend=":")
    monkeypatch.setenv("CODESET_GH", str(tmp_path / "gh.json"))
    file = tmp_path / "body.md"
    file.write_text("first\n")
    return file


def held(body: Path) -> dict:
    return json.loads(body.with_name("gh.json").read_text())


def test_it_is_opened_with_its_labels_then_left_alone(body):
    assert open_or_update(body.parent, "release/2026q4", "One", body) == "opened: https://github.example/pull/1"
    assert open_or_update(body.parent, "release/2026q4", "One", body) == "unchanged: https://github.example/pull/1"
    only = held(body)["pulls"]
    assert [(each["head"], each["title"], each["body"]) for each in only] == [("release/2026q4", "One", "first\n")]
    assert only[0]["labels"] == ["code set", "needs approval"]
    assert "pr edit" not in held(body)["calls"]


def test_an_open_one_is_updated_and_not_doubled(body):
    open_or_update(body.parent, "release/2026q4", "One", body)
    body.write_text("second\n")
    assert open_or_update(body.parent, "release/2026q4", "Two", body) == "updated: https://github.example/pull/1"
    assert [(each["title"], each["body"]) for each in held(body)["pulls"]] == [("Two", "second\n")]


def test_line_ends_that_github_changed_are_no_update(body):
    open_or_update(body.parent, "release/2026q4", "One", body)
    file = body.with_name("gh.json")
    file.write_text(file.read_text().replace("first\\n", "first\\r\\n"))
    assert open_or_update(body.parent, "release/2026q4", "One", body).startswith("unchanged")


def test_another_quarter_gets_one_of_its_own(body):
    open_or_update(body.parent, "release/2026q4", "One", body)
    assert open_or_update(body.parent, "release/2027q1", "Two", body) == "opened: https://github.example/pull/2"


def test_without_gh_it_says_so(body, monkeypatch):
    monkeypatch.setenv("PATH", str(body.parent))
    with pytest.raises(WrongUse, match="the branch is pushed"):
        open_or_update(body.parent, "release/2026q4", "One", body)
