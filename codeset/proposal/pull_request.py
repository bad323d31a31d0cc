"""The pull request of a release's branch, by GitHub's own command `gh`: opened once, then kept up to date."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import which

from codeset.errors import StoreProblem, WrongUse
from codeset.proposal.pull_request_text import with_decisions_of

LABELS = {"code set": "A release of CMS's code sets, to be approved", "needs approval": "Waits for codeset approve"}


def open_or_update(repository: Path, branch: str, title: str, body: Path) -> str:
    """Open the pull request of *branch*, or update the open one; return what was done, with its address.

    Boxes that somebody ticked stay, and are written into *body* too, as long as they are of the same review.

    Raises WrongUse: if `gh` is not installed. StoreProblem: if GitHub refuses; the same command can be run again.
    """
    columns = "number,title,body,url"
    listed = json.loads(_gh(repository, "pr", "list", "--head", branch, "--state", "open", "--json", columns))
    if not listed:
        return _open(repository, branch, title, body)
    pull = listed[0]
    body.write_text(with_decisions_of(pull["body"], body.read_text(encoding="utf-8")), encoding="utf-8")
    if (pull["title"], _lines(pull["body"])) == (title, _lines(body.read_text(encoding="utf-8"))):
        return f"unchanged: {pull['url']}"
    _gh(repository, "pr", "edit", str(pull["number"]), "--title", title, "--body-file", str(body.resolve()))
    return f"updated: {pull['url']}"


def _open(repository: Path, branch: str, title: str, body: Path) -> str:
    for label, says in LABELS.items():
        # Forced: the label may be there from an earlier quarter, which is no fault.
        _gh(repository, "label", "create", label, "--description", says, "--force")
    labels = [option for label in LABELS for option in ("--label", label)]
    options = ("--head", branch, "--title", title, "--body-file", str(body.resolve()), *labels)
    return f"opened: {_gh(repository, 'pr', 'create', *options).strip()}"


def _lines(body: str) -> Sequence[str]:
    """The lines of a body: GitHub returns them with other line ends."""
    return [line.rstrip() for line in body.strip().splitlines()]


def _gh(repository: Path, *arguments: str) -> str:
    program = which("gh")
    if program is None:
        raise WrongUse("gh is not there: https://cli.github.com, or leave --pull-request away; the branch is pushed")
    process = subprocess.run(  # noqa: S603
        [program, *arguments],
        cwd=repository,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        command = " ".join(arguments[:2])
        raise StoreProblem(
            f"gh {command}: {process.stderr.strip()}. The branch is pushed; name the release to go on from there"
        )
    return process.stdout
