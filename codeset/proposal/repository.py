"""The repository that a release is proposed to, and where its lock, approvals and accepted outcomes are in it."""

from dataclasses import dataclass
from pathlib import Path

from codeset.errors import WrongUse
from codeset.proposal import branch
from codeset.releases import Release
from codeset.suite.goldens import goldens_folder
from codeset.suite.scenarios import scenarios_folder


@dataclass(frozen=True)
class Repository:
    """A clone at `path` and its `remote`; `lock` and `approvals` are paths in it, `scenarios` the suite's folder."""

    path: Path
    remote: str
    lock: str
    approvals: str
    scenarios: Path | None

    def on_branch(self, release: Release, file_path: str) -> bytes | None:
        """Return *file_path* on the branch of *release*, or else on the main branch; None if neither has it."""
        return branch.on_branch(self.path, self.remote, release, file_path)

    def is_approved(self, release: Release) -> bool:
        """Return whether somebody has signed *release*."""
        return self.on_branch(release, f"{self.approvals}/{release}.json") is not None

    def golden(self, release: Release) -> str:
        """Return the file of the accepted outcomes of *release*, as a path in the repository.

        Raises WrongUse: if the scenarios are outside the repository.
        """
        golden_folder, repository_root = goldens_folder(scenarios_folder(self.scenarios)), self.path.resolve()
        if not golden_folder.is_relative_to(repository_root):
            raise WrongUse(f"{golden_folder} is not in {repository_root}: name scenarios that are with --scenarios")
        return f"{golden_folder.relative_to(repository_root).as_posix()}/{release}.json"

    def locks(self) -> tuple[bytes | None, dict[Release, bytes]]:
        """Return the lock on the remote's main branch, and the lock on each quarter's branch."""
        main_lock = branch.on_main(self.path, self.remote, self.lock)
        quarters = branch.quarters(self.path, self.remote)
        lock_by_quarter = {quarter: self.on_branch(quarter, self.lock) for quarter in quarters}
        return main_lock, {
            quarter: lock_bytes for quarter, lock_bytes in lock_by_quarter.items() if lock_bytes is not None
        }
