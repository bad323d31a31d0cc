"""What the commands fetch and watch do, for the command line to parse and print."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

from codeset.errors import CodesetError, WrongUse
from codeset.progress import Say
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.cms_site import ama_license
from codeset_ingest.cms_site import lock as locks
from codeset_ingest.cms_site.ama_license import LicenceNeeded
from codeset_ingest.cms_site.download import Count, Folder
from codeset_ingest.cms_site.fetch_release import Obtained, Order, licence_news, obtain
from codeset_ingest.cms_site.find_release import Reader, latest
from codeset_ingest.cms_site.hosts import Site, site
from codeset_ingest.cms_site.http import Limits, visit
from codeset_ingest.cms_site.link_names import audiences, site_facts
from codeset_ingest.cms_site.listing_pages import LayoutChanged
from codeset_ingest.cms_site.watch import Held, News, watch
from codeset_ingest.fetched import Fetched, build_fetched, compare


@dataclass(frozen=True)
class Chosen:
    """What the user chose for fetching: where to, the lock, for whom besides practitioners, who accepts the licence.

    `locked`: exactly the files that the lock pins.
    """

    store: Store
    into: Path | None = None
    lock: Path | None = None
    also: str = ""
    accept: str | None = None
    locked: bool = False

    @property
    def folder(self) -> Folder:
        """Where files and lock are: in the store, unless others are named."""
        return Folder(self.into or self.store.path / "downloads", self.lock or self.store.path / locks.NAME)

    @property
    def audiences(self) -> tuple[str, ...]:
        """The audiences besides practitioners.

        Raises WrongUse: for one that CMS does not publish for.
        """
        names = tuple(name.strip() for name in self.also.split(",") if name.strip())
        if wrong := [name for name in names if name not in audiences()]:
            raise WrongUse(f"--also {self.also}: {', '.join(wrong)} is none of {', '.join(audiences()[1:])}")
        return names


def fetch(release: str | None, chosen: Chosen, say: Say, count: Count, limits: Limits | None = None) -> Obtained:
    """Fetch *release*, or the newest that is posted whole if it is None.

    Raises what `codeset_ingest.cms_site.fetch_release.obtain` raises.
    """
    wanted = Release.parse(release) if release else None
    also, where = chosen.audiences, site()
    accepted = _accepted(chosen, where)
    with keeping_pages(chosen.store), visit(where, limits) as visited:
        if wanted is None:
            wanted = latest(Reader(visited, say))
            say(f"the newest release that is posted whole is {wanted}")
        return obtain(Order(wanted, also, accepted, chosen.locked), chosen.folder, visited, say, count)


def _accepted(chosen: Chosen, where: Site) -> bool:
    """Whether the licence was accepted: now, which is recorded, or before."""
    facts = site_facts()["licence"]
    if chosen.accept is not None:
        page = where.at(facts["page"])
        ama_license.record(chosen.store, facts["name"], chosen.accept, datetime.now(UTC), page)
    return ama_license.recorded(chosen.store, facts["name"]) is not None


def fetch_and_build(
    release: str | None,
    chosen: Chosen,
    by_hand: Sequence[Path],
    carry: Mapping[str, Release],
    accept_row_count: Sequence[str],
    say: Say,
    count: Count = lambda *_: None,
) -> Fetched:
    """Fetch *release*, seal it, and hold CMS's change report against our difference.

    Raises what `obtain` and `build_fetched` raise. LicenceNeeded: if gated files are neither fetched nor given by hand.
    """
    obtained = fetch(release, chosen, say, count)
    if obtained.not_fetched and not by_hand:
        raise LicenceNeeded(f"{licence_news(obtained)}\nThe other files are in {obtained.folder}; nothing was sealed.")
    built = build_fetched(obtained, chosen.store, by_hand, carry, accept_row_count, say)
    say("comparing with CMS's change report")
    return Fetched(obtained, built, compare(obtained, built.sealed.snapshot, chosen.store))


def news(chosen: Chosen, since: str | None, today: date, say: Say) -> list[News]:
    """Return what is new on CMS's site; raises what `codeset_ingest.cms_site.watch.watch` raises."""
    held = Held(chosen.store, locks.read(chosen.folder.lock))
    first = Release.parse(since) if since else None
    also = chosen.audiences
    with keeping_pages(chosen.store), visit(site()) as visited:
        return watch(visited, held, first, today, also, say)


@contextmanager
def keeping_pages(store: Store) -> Iterator[None]:
    """Keep a page whose layout has changed in the store's folder `pages`, and say so: a bug report needs it."""
    try:
        yield
    except LayoutChanged as error:
        name = f"{error.publication}-{sha256(error.html).hexdigest()[:12]}.html"
        file = store.path / "pages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(error.html)
        raise PageKept(
            f"{error}\n  The page is kept in {file}; send it with the bug report. Nothing else was written."
        ) from error


class PageKept(CodesetError):
    """A page's layout has changed, and the page was kept."""

    exit_code = LayoutChanged.exit_code
