"""What the workflows promise: pins, least privilege, no logic of their own; and that act knows the pins."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / ".github" / "actions" / "codeset" / "action.yml"
REMOTE = re.compile(r"uses: ([\w-]+/[\w./-]+)@(\S+)(?: # (\S+))?")
RUN_BY_ACT = ("ci.yml", "compliance.yml", "new-release.yml")


def remote(file: Path) -> list[tuple[str, str, str]]:
    return REMOTE.findall(file.read_text())


@pytest.mark.parametrize("file", [*WORKFLOWS, ACTION], ids=lambda file: file.name)
def test_actions_are_pinned_by_commit_and_tell_their_version(file):
    assert remote(file)
    for name, pin, version in remote(file):
        assert re.fullmatch(r"[0-9a-f]{40}", pin), name
        assert re.fullmatch(r"v\d+\.\d+\.\d+", version), name


def test_one_version_of_each_action_is_used():
    pins = {(name, pin, version) for file in [*WORKFLOWS, ACTION] for name, pin, version in remote(file)}
    assert len(pins) == len({name for name, _, _ in pins})


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_may_do_nothing_but_what_a_job_is_granted(file):
    plain = yaml.safe_load(file.read_text())
    assert plain["permissions"] == {}
    assert "group" in plain["concurrency"]
    for job in plain["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"] <= 60


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_each_step_is_one_command_of_ours(file):
    ours = ("make ", ".venv/bin/codeset ", "cat build/", "gh auth setup-git")
    for job in yaml.safe_load(file.read_text())["jobs"].values():
        commands = [step["run"] for step in job["steps"] if "run" in step]
        assert [command for command in commands if "\n" in command.strip() or not command.startswith(ours)] == []


def test_act_has_a_stand_in_for_every_action_that_it_would_have_to_fetch():
    actrc_text = (ROOT / ".actrc").read_text()
    files = [file for file in WORKFLOWS if file.name in RUN_BY_ACT]
    needed_actions = {
        (name, pin) for file in [*files, ACTION] for name, pin, _ in remote(file) if name != "actions/checkout"
    }
    for name, pin in needed_actions:
        stub = f"tests/act/stubs/{name.removeprefix('actions/')}"
        assert f"--local-repository {name}@{pin}={stub}\n" in actrc_text
        assert (ROOT / stub / "action.yml").is_file()
