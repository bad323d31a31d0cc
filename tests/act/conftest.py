"""The workflows run by act, in host mode: this repository's files in a clone, a bare remote, a CMS site on loopback."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cms_site.server import CmsSite, serving
from practice import practice

from codeset_ingest.cms_site import hosts

ROOT = Path(__file__).parents[2]
GH = ROOT / "tests" / "gh"
MINUTES = 20


@dataclass(frozen=True)
class Ran:
    """The output of a run, how it ended, and what it left: its artifacts, by name."""

    code: int
    output: str
    artifacts: Path

    def steps(self, result: str) -> list[str]:
        """The steps with that *result*: Success or Failure."""
        lines = (line.partition(f"{result} - Main ")[2] for line in self.output.splitlines())
        return [line.rpartition(" [")[0] for line in lines if line]


@dataclass(frozen=True)
class Forge:
    """What stands in for GitHub: a bare remote, a clone of it, its pull requests in a file."""

    home: Path
    site: CmsSite

    @property
    def clone(self) -> Path:
        return self.home / "clone"

    @property
    def pulls(self) -> list[dict]:
        file = self.home / "gh.json"
        return json.loads(file.read_text())["pulls"] if file.exists() else []

    def git(self, *arguments: str, at: str = "clone") -> str:
        git_settings = ("-c", "user.name=A", "-c", "user.email=a@practice.example")
        process = subprocess.run(
            ["git", *git_settings, "-C", str(self.home / at), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return process.stdout.strip()

    def refs(self) -> str:
        return self.git("for-each-ref", at="bare")

    def run(self, event: str, workflow: str, *arguments: str, payload: dict | None = None) -> Ran:
        """Run *workflow* on the clone as it is checked out."""
        artifacts = self.home / "artifacts"
        shutil.rmtree(artifacts, ignore_errors=True)
        (self.home / "event.json").write_text(json.dumps(payload or {}))
        environment = {
            hosts.SETTING: self.site.origin,
            "CODESET_ARTIFACTS": str(artifacts),
            "CODESET_GH": str(self.home / "gh.json"),
            "PIP_NO_COMPILE": "1",
            "PYTHON": str(Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")),
        }
        variables = {"CODESET_SCENARIOS": "suite/scenarios", "CODESET_AMA_LICENCE_ACCEPTED_BY": "A B"}
        command = [os.environ["ACT_BINARY"], event, "-W", workflow, "-e", str(self.home / "event.json"), *arguments]
        command += ["--action-cache-path", str(self.home / "cache")]
        command += [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
        command += [part for name, value in variables.items() for part in ("--var", f"{name}={value}")]
        process = subprocess.run(
            command,
            cwd=self.clone,
            env=self._surroundings(),
            capture_output=True,
            text=True,
            timeout=60 * MINUTES,
            check=False,
        )
        output = process.stdout + process.stderr
        (self.home / f"{Path(workflow).stem}.log").write_text(output)
        return Ran(process.returncode, output, artifacts)

    def _surroundings(self) -> dict[str, str]:
        """As little of this process as a runner needs: its settings are those of the workflow."""
        environment_names = ("PATH", "HOME", "TMPDIR", "LANG")
        own = {
            name: value
            for name, value in os.environ.items()
            if name in environment_names or name.startswith(("PIP_", "SSL_"))
        }
        return own | {"PATH": f"{GH}:{own['PATH']}"}


@pytest.fixture(scope="session")
def site() -> Iterator[CmsSite]:
    cms = CmsSite()
    cms.post("2026q2")
    cms.post("2026q3")
    with serving(cms):
        yield cms


@pytest.fixture(scope="session")
def forge(site: CmsSite, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    """A forge whose main branch holds this repository, a practice's own suite, and a lock of 2026q3."""
    if not os.environ.get("ACT_BINARY"):
        pytest.fail("ACT_BINARY does not name act; run this by: make act")
    new_forge = Forge(tmp_path_factory.mktemp("forge"), site)
    for folder in ("bare", "clone"):
        (new_forge.home / folder).mkdir()
    new_forge.git("init", "--quiet", "--bare", "--initial-branch=main", at="bare")
    new_forge.git("init", "--quiet", "--initial-branch=main")
    new_forge.git("remote", "add", "origin", str(new_forge.home / "bare"))
    _copy(new_forge.clone)
    practice(new_forge.clone / "suite")
    codeset(new_forge, "build", "2026q3", "--fetch", "--accept-ama-license", "A B", "--lock", "sources.lock.json")
    new_forge.git("add", "--all")
    new_forge.git("commit", "--quiet", "-m", "First")
    new_forge.git("push", "--quiet", "origin", "main")
    return new_forge


def _copy(target: Path) -> None:
    list_files = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(list_files, capture_output=True, text=True, check=True, timeout=60).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def codeset(forge: Forge, *arguments: str) -> str:
    """What a person does in the clone, with a store of their own."""
    own = {hosts.SETTING: forge.site.origin, "CODESET_STORE": str(forge.home / "store")}
    own |= {"CODESET_SCENARIOS": "suite/scenarios"}
    program = str(Path(sys.executable).with_name("codeset"))
    process = subprocess.run(
        [program, *arguments],
        cwd=forge.clone,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert process.returncode in (0, 1), process.stdout + process.stderr
    return process.stdout
