"""A release as a branch: what is on it, that a second time changes nothing, and that nobody's work is lost."""

import subprocess
from pathlib import Path

import pytest

from codeset.errors import WrongUse
from codeset.proposal.branch import on_branch, on_main, push_files, quarters
from codeset.releases import Release

RELEASE = Release.parse("2026q4")


def git(folder: Path, *arguments: str) -> str:
    git_settings = ["-c", "user.name=A", "-c", "user.email=a@practice.example", "-c", "init.defaultBranch=main"]
    process = subprocess.run(
        ["git", *git_settings, "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return process.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@practice.example")
    (tmp_path / "bare").mkdir()
    git(tmp_path / "bare", "init", "--bare", "--quiet")
    (tmp_path / "clone").mkdir()
    place = tmp_path / "clone"
    git(place, "init", "--quiet")
    (place / "README.md").write_text("first\n")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", "First")
    git(place, "remote", "add", "origin", str(tmp_path / "bare"))
    git(place, "push", "--quiet", "origin", "main")
    return place


def test_the_files_are_on_the_branch_beside_those_of_main_and_the_working_tree_is_as_it_was(clone):
    push_result = push_files(clone, "origin", RELEASE, {"golden/2026q4.json": b"{}\n"}, "Release 2026q4")
    assert (push_result.branch, push_result.changed) == ("release/2026q4", True)
    assert git(clone.parent / "bare", "ls-tree", "-r", "--name-only", push_result.branch).split() == [
        "README.md",
        "golden/2026q4.json",
    ]
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "branch", "--show-current") == "main"


def test_the_same_files_again_change_nothing(clone):
    first = push_files(clone, "origin", RELEASE, {"a": b"1"}, "Release 2026q4")
    again = push_files(clone, "origin", RELEASE, {"a": b"1"}, "Release 2026q4")
    assert (again.commit, again.changed) == (first.commit, False)


def test_a_reissue_updates_the_branch_and_keeps_what_others_added_to_it(clone):
    first = push_files(clone, "origin", RELEASE, {"a": b"1"}, "Release 2026q4")
    git(clone, "checkout", "--quiet", "-b", "mine", first.commit)
    (clone / "approval").write_text("signed\n")
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "-m", "Approve")
    git(clone, "push", "--quiet", "origin", "mine:release/2026q4")
    push_result = push_files(clone, "origin", Release.parse("2026q4r1"), {"a": b"2"}, "Release 2026q4r1")
    assert push_result.branch == "release/2026q4"
    assert on_branch(clone, "origin", RELEASE, "a") == b"2"
    assert on_branch(clone, "origin", RELEASE, "approval") == b"signed\n"


def test_what_is_to_go_is_taken_off_the_branch_and_left_in_the_working_tree(clone):
    push_result = push_files(
        clone, "origin", RELEASE, {"README.md": None, "never-there": None, "a": b"1"}, "Release 2026q4"
    )
    assert git(clone.parent / "bare", "ls-tree", "-r", "--name-only", push_result.branch).split() == ["a"]
    assert (clone / "README.md").read_text() == "first\n"


def test_the_quarters_with_a_branch_are_listed_and_other_branches_left_alone(clone):
    push_files(clone, "origin", RELEASE, {"a": b"1"}, "Release 2026q4")
    git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/release/notes")
    assert quarters(clone, "origin") == [RELEASE]
    assert on_main(clone, "origin", "README.md") == b"first\n"
    assert on_main(clone, "origin", "a") is None


def test_a_branch_that_was_deleted_begins_anew_from_main(clone):
    push_files(clone, "origin", RELEASE, {"a": b"1"}, "Release 2026q4")
    git(clone, "push", "--quiet", "origin", ":release/2026q4")
    push_result = push_files(clone, "origin", RELEASE, {"b": b"1"}, "Release 2026q4")
    assert git(clone.parent / "bare", "ls-tree", "-r", "--name-only", push_result.branch).split() == ["README.md", "b"]


def test_what_a_branch_does_not_have_yet_is_read_from_main(clone):
    assert on_branch(clone, "origin", RELEASE, "README.md") == b"first\n"
    assert on_branch(clone, "origin", RELEASE, "nothing") is None


def test_a_folder_without_a_repository_is_wrong_use(tmp_path):
    with pytest.raises(WrongUse, match="git fetch"):
        push_files(tmp_path, "origin", RELEASE, {"a": b"1"}, "Release 2026q4")
