"""Approvals that were removed from the end of the file: found against what the repository recorded.

The chain of digests shows that an approval in the middle was changed or removed, but not that the last are missing.
Every committed version of the file is the beginning of the next; somebody who rewrites the history of the repository as
well is only stopped by the rules of the branch (no force push).
"""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import which

from codeset.errors import BadInput, WrongUse
from codeset.releases import Release
from codeset.review.sign_off.approval import Approval, Head, approval_fault, approvals_file, digest_of, parse_approvals


def removed_approvals(entries: Sequence[Approval], folder: Path, release: Release, heads: Sequence[Head]) -> list[str]:
    """Return which approvals of *release* are recorded and not among *entries*: in *heads*, or in the git history."""
    faults = [*_missing_heads(entries, heads), *_missing_commits(entries, folder, release)]
    return list(dict.fromkeys(faults))


def _missing_heads(entries: Sequence[Approval], heads: Sequence[Head]) -> Iterator[str]:
    for head in heads:
        if len(entries) < head.count or digest_of(entries[head.count - 1]) != head.digest:
            yield f"an approval was removed or replaced: {head.count} are recorded in the lock, {len(entries)} are left"


def _missing_commits(entries: Sequence[Approval], folder: Path, release: Release) -> Iterator[str]:
    present_digests = {digest_of(entry) for entry in entries}
    for commit, committed_entries in _committed_approvals(folder, release):
        for entry_number, entry in enumerate(committed_entries, start=1):
            if digest_of(entry) not in present_digests and _is_signed(entry, folder):
                approval_name = f"approval {entry_number} of {entry['signer']} ({entry['at']})"
                yield f"{approval_name} was removed; commit {commit[:12]} has it"


def _is_signed(entry: Approval, folder: Path) -> bool:
    """Whether somebody who may sign signed it: anybody can commit an entry that nobody signed, and take it back."""
    try:
        return approval_fault(entry, folder) is None
    except WrongUse:
        return False


def _committed_approvals(folder: Path, release: Release) -> Iterator[tuple[str, list[Approval]]]:
    """Each commit that changed the approvals of *release*, with those it left; none outside a repository."""
    file_name = approvals_file(folder, release).name
    # Every version on the branch that is checked out: each one is the beginning of the next.
    for commit in _git_output(folder, "log", "--format=%H", "--", file_name).decode().split():
        file_content = _git_output(folder, "show", f"{commit}:./{file_name}")
        try:
            yield (
                commit,
                parse_approvals(file_content, release, f"{file_name} in {commit[:12]}") if file_content else [],
            )
        # A commit with a broken file, or one of another layout, records no approval.
        except BadInput:
            continue


def _git_output(folder: Path, *arguments: str) -> bytes:
    """The output of git in *folder*; empty where there is no git, no repository, or no such file."""
    git_path = which("git")
    if git_path is None or not folder.is_dir():
        return b""
    process = subprocess.run(  # noqa: S603
        [git_path, "-C", str(folder), *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return process.stdout if process.returncode == 0 else b""
