"""docs/sign-off.md, followed to the letter in a fresh home folder by somebody who has no git."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "sign-off.md"
STEPS = DOCS.read_text().partition("## Step by step")[2].partition("\n## ")[0]
COMMANDS = re.findall(r"^ +(codeset .*)$", STEPS, re.MULTILINE)
PATH_WITHOUT_GIT = "bin"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two programs on its path: codeset and ssh-keygen."""
    programs = tmp_path / PATH_WITHOUT_GIT
    programs.mkdir()
    (programs / "codeset").write_text(f'#!/bin/sh\nexec {sys.executable} -m codeset.cli "$@"\n')
    (programs / "codeset").chmod(0o755)
    (programs / "ssh-keygen").symlink_to("/usr/bin/ssh-keygen")
    (tmp_path / "medicare-updates").mkdir()
    return tmp_path


def run(home: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": str(home / PATH_WITHOUT_GIT)}
    environment |= {name: os.environ[name] for name in ("PYTHONPATH", "LANG") if name in os.environ}
    folder = home / "medicare-updates"
    arguments = shlex.split(command)
    arguments[0] = str(home / PATH_WITHOUT_GIT / arguments[0])
    return subprocess.run(
        arguments,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=240,
    )


@pytest.mark.long
def test_a_release_is_signed_by_the_docs_alone(home):
    expected = {"review": 1}  # something changed
    outputs = {}
    for command in COMMANDS:
        if command.endswith("--serve"):
            continue  # has tests of its own
        process = run(home, command)
        assert process.returncode == expected.get(command.split()[1], 0), f"{command}\n{process.stdout}{process.stderr}"
        outputs[command] = process.stdout
    last = outputs["codeset gate 2026q3"]
    assert last.startswith("PASS: 2026q3 approved by jane.doe@practice.example (Jane Doe, compliance lead) on ")
    assert (home / ".ssh/id_ed25519").stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in (home / "medicare-updates").iterdir()) == ["approvals", "review"]
