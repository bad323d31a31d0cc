"""A release as a branch to be merged: files on a remote's `release/2026q4`, in one commit, no working tree touched."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from codeset.errors import StoreProblem, WrongUse
from codeset.releases import Release

_LABEL = re.compile(r"20\d\dq[1-4]")


@dataclass(frozen=True)
class PushedBranch:
    """A branch with its commit; `changed` is False if it held the same files already."""

    branch: str
    commit: str
    changed: bool


def branch_of(release: Release) -> str:
    """Return the branch of a quarter: its revisions update one branch."""
    return f"release/{release.unrevised}"


def push_files(
    repository: Path, remote: str, release: Release, files: Mapping[str, bytes | None], message: str
) -> PushedBranch:
    """Put *files* (path in the repository to content; None removes it) on the branch of *release* at *remote*.

    A branch that has the same content already stays as it is, with what others added to it; otherwise it gets one more
    commit. A branch that is not there yet starts at the remote's main branch.

    Raises WrongUse: if *repository* is none or does not know the remote. StoreProblem: if somebody pushed meanwhile.
    """
    _git_output(repository, "fetch", "--quiet", "--prune", remote)
    branch = branch_of(release)
    branch_head = _commit_of(repository, f"refs/remotes/{remote}/{branch}")
    parent_commit = branch_head or _main_commit(repository, remote)
    tree_digest = _tree_with_files(repository, parent_commit, files)
    # The same files again, as a weekly run gives: no commit, so that nobody has to look again.
    if branch_head and tree_digest == _git_output(repository, "rev-parse", f"{branch_head}^{{tree}}"):
        return PushedBranch(branch, branch_head, changed=False)
    commit = _git_output(repository, "commit-tree", tree_digest, "-p", parent_commit, "-m", message)
    # Somebody may have pushed to the branch since it was read: a reviewer's commit must not be lost.
    lease_option = f"--force-with-lease=refs/heads/{branch}:{branch_head or ''}"
    try:
        _git_output(repository, "push", "--quiet", lease_option, remote, f"{commit}:refs/heads/{branch}")
    except WrongUse as error:
        raise StoreProblem(f"{branch} at {remote} was not updated; run it again: {error}") from error
    return PushedBranch(branch, commit, changed=True)


def on_branch(repository: Path, remote: str, release: Release, path: str) -> bytes | None:
    """Return *path* on the branch of *release*, or else on the main branch; None if it has no such file."""
    _git_output(repository, "fetch", "--quiet", "--prune", remote)
    commit = _commit_of(repository, f"refs/remotes/{remote}/{branch_of(release)}") or _main_commit(repository, remote)
    process = _git_process(repository, "show", f"{commit}:{path}")
    return process.stdout if process.returncode == 0 else None


def on_main(repository: Path, remote: str, path: str) -> bytes | None:
    """Return *path* on the remote's main branch; None if it has no such file."""
    _git_output(repository, "fetch", "--quiet", "--prune", remote)
    process = _git_process(repository, "show", f"{_main_commit(repository, remote)}:{path}")
    return process.stdout if process.returncode == 0 else None


def quarters(repository: Path, remote: str) -> list[Release]:
    """Return the quarters that have a branch at *remote*, oldest first; other branches are ignored."""
    # From the remote: the clone may still have branches that were deleted there.
    remote_refs = _git_output(repository, "ls-remote", "--heads", remote, "refs/heads/release/*").split()
    # Each line of the listing is a digest and a name.
    labels = (ref_name.removeprefix("refs/heads/release/") for ref_name in remote_refs[1::2])
    return sorted(Release.parse(label) for label in labels if _LABEL.fullmatch(label))


def _main_commit(repository: Path, remote: str) -> str:
    """The commit of the remote's main branch, as the remote itself names it."""
    # A clone may have been made when the main branch had another name.
    listing = _git_output(repository, "ls-remote", "--symref", remote, "HEAD").split()
    if "ref:" not in listing:
        raise WrongUse(f"{remote} of {repository} has no main branch yet; push one first")
    branch_name = listing[listing.index("ref:") + 1].removeprefix("refs/heads/")
    return _git_output(repository, "rev-parse", f"refs/remotes/{remote}/{branch_name}")


def _commit_of(repository: Path, revision_name: str) -> str | None:
    process = _git_process(repository, "rev-parse", "--verify", "--quiet", f"{revision_name}^{{commit}}")
    return process.stdout.decode().strip() if process.returncode == 0 else None


def _tree_with_files(repository: Path, parent: str, files: Mapping[str, bytes | None]) -> str:
    """Write the tree of *parent* with *files* in it, by an index of its own, and return it."""
    with TemporaryDirectory() as temporary_folder:
        index_path = Path(temporary_folder) / "index"
        _git_output(repository, "read-tree", parent, index_path=index_path)
        for file_path, content in sorted(files.items()):
            if content is None:
                _git_output(repository, "update-index", "--force-remove", "--", file_path, index_path=index_path)
                continue
            # Into the object store alone: a working tree in which somebody works stays as it is.
            blob_digest = _git_output(repository, "hash-object", "-w", "--stdin", input_bytes=content)
            _git_output(
                repository,
                "update-index",
                "--add",
                "--cacheinfo",
                f"100644,{blob_digest},{file_path}",
                index_path=index_path,
            )
        return _git_output(repository, "write-tree", index_path=index_path)


def _git_output(repository: Path, *arguments: str, input_bytes: bytes = b"", index_path: Path | None = None) -> str:
    process = _git_process(repository, *arguments, input_bytes=input_bytes, index_path=index_path)
    if process.returncode:
        raise WrongUse(f"git {arguments[0]} in {repository}: {process.stderr.decode(errors='replace').strip()}")
    return process.stdout.decode().strip()


def _git_process(
    repository: Path, *arguments: str, input_bytes: bytes = b"", index_path: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(repository), *arguments]
    # An index of its own: what somebody has staged in this clone stays staged.
    environment_variables = {**os.environ, **({"GIT_INDEX_FILE": str(index_path)} if index_path else {})}
    try:
        return subprocess.run(command, input=input_bytes, capture_output=True, check=False, env=environment_variables)  # noqa: S603
    except OSError as error:
        raise WrongUse(f"git cannot be run ({error.strerror})") from error
