"""A practice: a clone of a repository with its own small suite, a bare remote, a store, and a CMS site on loopback."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from cms_site.server import CmsSite, serving
from practice import practice
from reviews_once import ReviewsOnce
from typer.testing import CliRunner, Result

from codeset.cli.app import app
from codeset_ingest.cms_site import hosts

CHANGELOG = "# Changelog\n\nFor billers.\n\n## Unreleased\n\n### Added\n\n- Something.\n"


@dataclass(frozen=True)
class Desk:
    """The clone, its remote beside it, and the site that it reads."""

    home: Path
    site: CmsSite

    @property
    def clone(self) -> Path:
        return self.home / "clone"

    def git(self, *arguments: str, at: str = "clone") -> str:
        process = subprocess.run(
            ["git", "-C", str(self.home / at), *arguments], capture_output=True, text=True, check=True, timeout=60
        )
        return process.stdout.strip()

    def codeset(self, *arguments: str, store: str = "store") -> Result:
        """Run the command in the clone, in the store of that name."""
        result = CliRunner().invoke(app, [*arguments, "--store", str(self.home / store)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def propose(self, *arguments: str, store: str = "store") -> Result:
        options = ("--scenarios", "suite/scenarios", "--accept-ama-license", "A B", "-o", str(self.home / "out"))
        return self.codeset("propose", *arguments, *options, store=store)

    def commit(self, files: Mapping[str, str], message: str) -> None:
        for path, content in files.items():
            (self.clone / path).parent.mkdir(parents=True, exist_ok=True)
            (self.clone / path).write_text(content)
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", message)

    def on(self, branch: str, path: str) -> str:
        return self.git("show", f"{branch}:{path}", at="bare")

    def files(self, branch: str) -> list[str]:
        """What the last commit of *branch* added or changed."""
        return self.git("show", "--name-only", "--no-renames", "--format=", branch, at="bare").split()

    def refs(self) -> str:
        return self.git("for-each-ref", at="bare")


@pytest.fixture(scope="session")
def site() -> Iterator[CmsSite]:
    cms = CmsSite()
    with serving(cms):
        yield cms


@pytest.fixture
def posting_site(site: CmsSite, monkeypatch: pytest.MonkeyPatch) -> CmsSite:
    """The site, as the one to read in place of cms.gov; it posts 2026q2 and 2026q3."""
    site.files.clear()
    site.reissues.clear()
    site.post("2026q2")
    site.post("2026q3")
    monkeypatch.setenv(hosts.SETTING, site.origin)
    for name, value in {"NAME": "A", "EMAIL": "a@practice.example"}.items():
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    return site


@pytest.fixture(scope="session")
def pinned_homes() -> dict[str, Path]:
    """The practice that was made first, by name: the others are copies of it."""
    return {}


@pytest.fixture
def desk(
    posting_site: CmsSite,
    pinned_homes: dict[str, Path],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    reviews_once: ReviewsOnce,
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    """A practice whose main branch pins 2026q3; what it proposes, reviews and signs again is reviewed once."""
    reviews_once.patch(monkeypatch)
    if "pinned" not in pinned_homes:
        pinned_homes["pinned"] = _pin_release(Desk(tmp_path_factory.mktemp("pinned"), posting_site), monkeypatch)
    shutil.copytree(pinned_homes["pinned"], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "clone")
    return Desk(tmp_path, posting_site)


def _pin_release(place: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fetch and seal 2026q3, commit its lock and push it; return the folder of all that."""
    for folder in ("bare", "clone"):
        (place.home / folder).mkdir()
    place.git("init", "--quiet", "--bare", "--initial-branch=main", at="bare")
    place.git("init", "--quiet", "--initial-branch=main")
    place.git("remote", "add", "origin", "../bare")
    monkeypatch.chdir(place.clone)
    practice(place.clone / "suite")
    result = place.codeset("build", "2026q3", "--fetch", "--accept-ama-license", "A B", "--lock", "sources.lock.json")
    assert result.exit_code == 0, result.output
    place.commit({"CHANGELOG.md": CHANGELOG}, "First")
    place.git("push", "--quiet", "origin", "main")
    return place.home
