"""One pull request for a release: opened, left alone, updated; `gh` is a stand-in that keeps what it is told."""

import json
from pathlib import Path

import pytest

from codeset.errors import WrongUse
from codeset.proposal.pull_request import open_or_update
from codeset.proposal.pull_request_text import decision_boxes
from codeset.review.sign_off.decision_files import read_decision_file
from codeset.review.to_decide import ToDecide

GH = Path(__file__).parents[1] / "gh"


@pytest.fixture
def body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(GH), prepend=":")
    monkeypatch.setenv("CODESET_GH", str(tmp_path / "gh.json"))
    file = tmp_path / "body.md"
    file.write_text("first\n")
    return file


def gh_state(body: Path) -> dict:
    return json.loads(body.with_name("gh.json").read_text())


def test_it_is_opened_with_its_labels_then_left_alone(body):
    assert open_or_update(body.parent, "release/2026q4", "One", body) == "opened: https://github.example/pull/1"
    assert open_or_update(body.parent, "release/2026q4", "One", body) == "unchanged: https://github.example/pull/1"
    only = gh_state(body)["pulls"]
    assert [(pull["head"], pull["title"], pull["body"]) for pull in only] == [("release/2026q4", "One", "first\n")]
    assert only[0]["labels"] == ["code set", "needs approval"]
    assert "pr edit" not in gh_state(body)["calls"]


def test_an_open_one_is_updated_and_not_doubled(body):
    open_or_update(body.parent, "release/2026q4", "One", body)
    body.write_text("second\n")
    assert open_or_update(body.parent, "release/2026q4", "Two", body) == "updated: https://github.example/pull/1"
    assert [(pull["title"], pull["body"]) for pull in gh_state(body)["pulls"]] == [("Two", "second\n")]


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


OUTCOMES = [ToDecide("code 15012", "15012 billed alone: was payable, now denied"), ToDecide("pair 1/2", "<b>|*2*")]
"""Of the review whose decisions have this digest."""
DIGEST = "ab" * 32


def test_boxes_that_were_ticked_stay_while_the_review_is_the_same_and_are_read_as_decisions(body):
    body.write_text(f"first\n\n{decision_boxes(OUTCOMES, DIGEST)}the review\n")
    open_or_update(body.parent, "release/2026q4", "One", body)
    file = body.with_name("gh.json")
    state = json.loads(file.read_text())
    ticked_body = state["pulls"][0]["body"].replace("- [ ] Accept", "- [x] Accept").replace("Reason:", "Reason: read")
    state["pulls"][0]["body"] = ticked_body.replace("\n", "\r\n")
    file.write_text(json.dumps(state))
    body.write_text(f"second\n\n{decision_boxes(OUTCOMES, DIGEST)}the review\n")
    assert open_or_update(body.parent, "release/2026q4", "One", body).startswith("updated")
    now = gh_state(body)["pulls"][0]["body"]
    assert now.startswith("second")
    body.write_text(now)
    decisions = read_decision_file(body)
    assert [(entry.outcome, entry.decision, entry.reason) for entry in decisions.entries] == [
        ("1", "Accept", "read"),
        ("2", "Accept", "read"),
    ]
    assert decisions.review == DIGEST
    body.write_text(f"third\n\n{decision_boxes(OUTCOMES, 'cd' * 32)}the review\n")
    open_or_update(body.parent, "release/2026q4", "One", body)
    assert "[x]" not in gh_state(body)["pulls"][0]["body"]


def test_more_boxes_than_a_pull_request_takes_are_decided_elsewhere():
    assert "1,000 results: decide on the page" in decision_boxes(OUTCOMES[:1] * 1000, DIGEST)
    assert decision_boxes([], DIGEST) == ""
