"""A site on loopback for each test, and short patience."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cms_site.server import CmsSite, Host, serving

from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.cms_site import hosts
from codeset_ingest.cms_site.download import DownloadFolder
from codeset_ingest.cms_site.fetch_release import FetchedRelease, FetchRequest, fetch_release
from codeset_ingest.cms_site.hosts import site as site_called
from codeset_ingest.cms_site.http import Connection, Limits, connect
from codeset_ingest.fetch_and_build import build_fetched

QUICK = Limits(connecting=10, silence=10, whole=60, tries=3, first_wait=0.01, longest_wait=0.5)


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """Return a server on loopback."""
    with serving(CmsSite()) as server:
        yield server


def site_of_two_quarters() -> CmsSite:
    """Return a site that posts 2026q2 and 2026q3."""
    site = CmsSite()
    site.post("2026q2")
    site.post("2026q3")
    return site


@pytest.fixture
def cms_site(host: Host, monkeypatch: pytest.MonkeyPatch) -> CmsSite:
    """Return such a site, named as the one to read in place of cms.gov."""
    site = host.show(site_of_two_quarters())
    monkeypatch.setenv(hosts.SETTING, site.origin)
    return site


@dataclass
class Desk:
    """A store, a folder of downloads and a lock, and a hand that fetches into them."""

    site: CmsSite
    home: Path
    messages: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        """The store; its folder is not there until something is sealed."""
        return Store.at(self.home / "store")

    @property
    def folder(self) -> DownloadFolder:
        """Where downloads go."""
        return DownloadFolder(self.home / "downloads", self.home / "sources.lock.json")

    def fetch(
        self,
        label: str = "2026q3",
        *,
        accepted: bool = True,
        also: tuple[str, ...] = (),
        locked: bool = False,
        **limits: float,
    ) -> FetchedRelease:
        """Fetch a release."""
        with self.connect(**limits) as connection:
            return fetch_release(
                FetchRequest(Release.parse(label), also, accepted, locked),
                self.folder,
                connection,
                self.messages.append,
            )

    def connect(self, **limits: float) -> Iterator[Connection]:
        """Open a connection with short patience."""
        return connect(site_called(self.site.origin), Limits(**vars(QUICK) | limits))

    def contents(self) -> dict[str, bytes]:
        """Return every file that is there to be seen: downloads and lock, no work in progress."""
        files = [path for path in self.home.rglob("*") if path.is_file()]
        visible_files = {str(path.relative_to(self.home)): path for path in files}
        return {name: path.read_bytes() for name, path in visible_files.items() if "/." not in f"/{name}"}


@pytest.fixture
def desk(cms_site: CmsSite, tmp_path: Path) -> Desk:
    """Return a desk with nothing on it."""
    return Desk(cms_site, tmp_path)


@pytest.fixture(scope="session")
def built_home(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which 2026q3 is fetched and sealed; to be copied, never changed."""
    desk = Desk(host.show(site_of_two_quarters()), tmp_path_factory.mktemp("built"))
    build_fetched(desk.fetch("2026q3"), desk.store)
    return desk.home


@pytest.fixture
def desk_with_release(built_home: Path, cms_site: CmsSite, tmp_path: Path) -> Desk:
    """Return a desk with 2026q3 fetched and sealed."""
    shutil.copytree(built_home, tmp_path / "desk")
    return Desk(cms_site, tmp_path / "desk")
