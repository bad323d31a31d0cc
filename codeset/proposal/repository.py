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

    def on_branch(self, release: Release, path: str) -> bytes | None:
        """Return *path* on the branch of *release*, or else on the main branch; None if neither has it."""
        return branch.on_branch(self.path, self.remote, release, path)

    def is_approved(self, release: Release) -> bool:
        """Return whether somebody has signed *release*."""
        return self.on_branch(release, f"{self.approvals}/{release}.json") is not None

    def golden(self, release: Release) -> str:
        """Return the file of the accepted outcomes of *release*, as a path in the repository.

        Raises WrongUse: if the scenarios are outside the repository.
        """
        folder, root = goldens_folder(scenarios_folder(self.scenarios)), self.path.resolve()
        if not folder.is_relative_to(root):
            raise WrongUse(f"{folder} is not in {root}: name scenarios that are with --scenarios")
        return f"{folder.relative_to(root).as_posix()}/{release}.json"

    def locks(self) -> tuple[bytes | None, dict[Release, bytes]]:
        """Return the lock on the remote's main branch, and the lock on each quarter's branch."""
        main = branch.on_main(self.path, self.remote, self.lock)
        quarters = branch.quarters(self.path, self.remote)
        texts = {quarter: self.on_branch(quarter, self.lock) for quarter in quarters}
        return main, {quarter: text for quarter, text in texts.items() if text is not None}
