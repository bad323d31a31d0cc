"""The pull request of a release's branch, by GitHub's own command `gh`: opened once, then kept up to date."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import which

from codeset.errors import StoreProblem, WrongUse

LABELS = {"code set": "A release of CMS's code sets, to be approved", "needs approval": "Waits for codeset approve"}


def keep(repository: Path, branch: str, title: str, body: Path) -> str:
    """Open the pull request of *branch*, or bring the open one up to date; return what was done, with its address.

    Raises WrongUse: if `gh` is not there. StoreProblem: if GitHub refuses; the same command again goes on from there.
    """
    wanted = "number,title,body,url"
    found = json.loads(_gh(repository, "pr", "list", "--head", branch, "--state", "open", "--json", wanted))
    if not found:
        return _open(repository, branch, title, body)
    held = found[0]
    if (held["title"], _plain(held["body"])) == (title, _plain(body.read_text(encoding="utf-8"))):
        return f"unchanged: {held['url']}"
    _gh(repository, "pr", "edit", str(held["number"]), "--title", title, "--body-file", str(body.resolve()))
    return f"updated: {held['url']}"


def _open(repository: Path, branch: str, title: str, body: Path) -> str:
    for label, says in LABELS.items():
        _gh(repository, "label", "create", label, "--description", says, "--force")
    labels = [part for label in LABELS for part in ("--label", label)]
    told = ("--head", branch, "--title", title, "--body-file", str(body.resolve()))
    return f"opened: {_gh(repository, 'pr', 'create', *told, *labels).strip()}"


def _plain(body: str) -> Sequence[str]:
    """The lines of a body: GitHub gives them back with other line ends."""
    return [each.rstrip() for each in body.strip().splitlines()]


def _gh(repository: Path, *arguments: str) -> str:
    program = which("gh")
    if program is None:
        raise WrongUse("gh is not there: https://cli.github.com, or leave --pull-request away; the branch is pushed")
    done = subprocess.run([program, *arguments], cwd=repository, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = " ".join(arguments[:2])
        raise StoreProblem(
            f"gh {said}: {done.stderr.strip()}. The branch is pushed; name the release to go on from there"
        )
    return done.stdout
