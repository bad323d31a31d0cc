"""The pull request of a release's branch, by GitHub's own command `gh`: opened once, then kept up to date."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import which

from codeset.errors import StoreProblem, WrongUse
from codeset.proposal.pull_request_text import with_decisions_of

LABELS = {"code set": "A release of CMS's code sets, to be approved", "needs approval": "Waits for codeset approve"}


def open_or_update(repository: Path, branch: str, title: str, body_path: Path) -> str:
    """Open the pull request of *branch*, or update the open one; return what was done, with its address.

    Boxes that somebody ticked stay, and are written into *body_path* too, as long as they are of the same review.

    Raises WrongUse: if `gh` is not installed. StoreProblem: if GitHub refuses; the same command can be run again.
    """
    columns = "number,title,body,url"
    open_requests = json.loads(
        _gh_output(repository, "pr", "list", "--head", branch, "--state", "open", "--json", columns)
    )
    if not open_requests:
        return _open_request(repository, branch, title, body_path)
    open_request = open_requests[0]
    # The update replaces the whole body: without this, ticks that somebody set since the last run would be lost.
    body_path.write_text(
        with_decisions_of(open_request["body"], body_path.read_text(encoding="utf-8")), encoding="utf-8"
    )
    if (open_request["title"], _body_lines(open_request["body"])) == (
        title,
        _body_lines(body_path.read_text(encoding="utf-8")),
    ):
        return f"unchanged: {open_request['url']}"
    _gh_output(
        repository, "pr", "edit", str(open_request["number"]), "--title", title, "--body-file", str(body_path.resolve())
    )
    return f"updated: {open_request['url']}"


def _open_request(repository: Path, branch: str, title: str, body_path: Path) -> str:
    for label, label_description in LABELS.items():
        # Forced: the label may be there from an earlier quarter, which is no fault.
        _gh_output(repository, "label", "create", label, "--description", label_description, "--force")
    labels = [option for label in LABELS for option in ("--label", label)]
    options = ("--head", branch, "--title", title, "--body-file", str(body_path.resolve()), *labels)
    return f"opened: {_gh_output(repository, 'pr', 'create', *options).strip()}"


def _body_lines(body_text: str) -> Sequence[str]:
    """The lines of a body: GitHub returns them with other line ends."""
    return [line.rstrip() for line in body_text.strip().splitlines()]


def _gh_output(repository: Path, *arguments: str) -> str:
    gh_path = which("gh")
    if gh_path is None:
        raise WrongUse("gh is not there: https://cli.github.com, or leave --pull-request away; the branch is pushed")
    process = subprocess.run(  # noqa: S603
        [gh_path, *arguments],
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
