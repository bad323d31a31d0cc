"""The workflows, run for real by act: what each run left behind, and how it ended."""

import json
import subprocess

import pytest
from conftest import Forge, codeset

pytestmark = pytest.mark.act

BRANCH = "release/2026q4"
NEW_RELEASE = ".github/workflows/new-release.yml"
COMPLIANCE = ".github/workflows/compliance.yml"


def compliance(forge: Forge):
    return forge.run(
        "pull_request",
        COMPLIANCE,
        payload={"pull_request": {"head": {"ref": BRANCH}, "base": {"ref": "main"}}},
    )


def approve(forge: Forge, release: str) -> None:
    """What the compliance lead does on the branch, as the body of the pull request says."""
    key = forge.home / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True, timeout=60)
    (forge.clone / "approvals").mkdir()
    (forge.clone / "approvals" / "allowed_signers").write_text(f"lead@practice {key.with_suffix('.pub').read_text()}")
    codeset(forge, "restore", "--accept-ama-license", "A B")
    codeset(forge, "review", "2026q3", release, "-o", f"reviews/{release}")
    signing_options = ("--as", "A B, compliance lead", "--accept-all", "--reason", "read", "--key", str(key))
    codeset(forge, "approve", release, "--review", f"reviews/{release}", *signing_options)
    forge.git("add", ".")
    forge.git("commit", "--quiet", "-m", f"Approve {release}")
    forge.git("push", "--quiet", "origin", f"HEAD:{BRANCH}")


def test_from_a_posted_quarter_to_a_gate_that_opens(forge):
    quiet = forge.refs()
    nothing = forge.run("workflow_dispatch", NEW_RELEASE)
    assert (nothing.code, forge.refs(), forge.pulls) == (0, quiet, []), nothing.output
    assert "nothing new" in nothing.output
    assert not nothing.artifacts.exists()

    forge.site.post("2026q4")
    first = forge.run("schedule", NEW_RELEASE)
    assert first.code == 0, first.output
    assert (
        forge.git("log", "--format=%s by %an", f"main..{BRANCH}", at="bare") == "Release 2026q4 by github-actions[bot]"
    )
    changed_paths = forge.git("diff", "--name-only", "main", BRANCH, at="bare").split()
    assert changed_paths == ["CHANGELOG.md", "sources.lock.json", "suite/golden/2026q4.json"]
    assert set(json.loads(forge.git("show", f"{BRANCH}:sources.lock.json", at="bare"))["releases"]) == {
        "2026q3",
        "2026q4",
    }
    assert [(pull["head"], pull["title"][:16]) for pull in forge.pulls] == [(BRANCH, "Release 2026q4: ")]
    assert "11402 / 12031, PTP edit added" in forge.pulls[0]["body"]
    review = {file.name for file in (first.artifacts / "proposal" / "2026q3-2026q4").iterdir()}
    assert {"CHANGELOG-entry.md", "review.html", "review.json", "review.md", "review.xlsx"} <= review
    assert {"due-dates.ics", "edits-changed.csv", "fee-schedule.csv", "physician-handout.html", "tasks.xlsx"} <= review

    proposed_refs, pulls = forge.refs(), forge.pulls
    second = forge.run("schedule", NEW_RELEASE)
    assert (second.code, forge.refs(), forge.pulls) == (0, proposed_refs, pulls), second.output

    forge.site.reissue("2026q4")
    again = forge.run("workflow_dispatch", NEW_RELEASE, "--input", "release=")
    assert again.code == 0, again.output
    assert forge.git("log", "--format=%s", f"main..{BRANCH}", at="bare").splitlines() == [
        "Release 2026q4r1",
        "Release 2026q4",
    ]
    assert [pull["title"][:18] for pull in forge.pulls] == ["Release 2026q4r1: "]

    forge.git("fetch", "--quiet")
    forge.git("switch", "--quiet", BRANCH)
    closed_gate = compliance(forge)
    assert closed_gate.code == 1
    assert closed_gate.steps("Failure") == ["Gate"]
    assert "2026q4r1 has not been approved" in closed_gate.output
    assert (closed_gate.artifacts / "review-2026q4r1" / "review.html").is_file()

    approve(forge, "2026q4r1")
    open_gate = compliance(forge)
    assert open_gate.code == 0, open_gate.output
    assert "PASS: 2026q4r1 approved by lead@practice" in open_gate.output


def test_ci_checks_and_tests(forge):
    forge.git("switch", "--quiet", "main")
    test_paths = "tests/test_house.py tests/test_workflows.py tests/codeset"
    act_run = forge.run(
        "push", ".github/workflows/ci.yml", "--matrix", "python:3.13", "--env", f"PYTEST_ADDOPTS={test_paths}"
    )
    assert act_run.code == 0, act_run.output
    assert act_run.steps("Success")[-2:] == ["Format, lint, types, schemas, workflows", "Tests"]


def test_another_repository_tries_its_scenarios_with_the_composite_action(forge):
    forge.git("switch", "--quiet", "main")
    codeset(forge, "build", "2026q3", "--embedded", "--store", str(forge.home / "excerpt"))
    codeset(forge, "test", "2026q3", "--accept", "--store", str(forge.home / "excerpt"))
    act_run = forge.run("workflow_dispatch", "tests/act/workflows/action.yml")
    assert act_run.code == 0, act_run.output
    (forge.clone / "suite" / "golden" / "2026q3.json").unlink()
    assert forge.run("workflow_dispatch", "tests/act/workflows/action.yml").code == 1
