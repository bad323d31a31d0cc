"""CMS's listing pages read into what is posted: which file, of which release, on which page. No network here."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

from codeset.errors import BadInput, CodesetError, Fault
from codeset.extras import extra
from codeset.releases import Release
from codeset_ingest.cms_site.check_download import title
from codeset_ingest.cms_site.link_names import Named, Publication, file_address, named, release_of_page, site_facts

with extra("ingest"):
    from bs4 import BeautifulSoup

_FILE = re.compile(r"\.(zip|pdf)$")
_RECORDS = re.compile(r"([\d,]+) records", re.IGNORECASE)


class LayoutChanged(CodesetError):
    """A page of CMS is not as it was: what was looked for is not on it. Never to be read as "nothing new"."""

    exit_code = 3

    def __init__(self, publication: str, page: str, looked_for: str, seen: Iterable[str], html: bytes) -> None:
        """Keep the page itself, for a bug report."""
        self.publication, self.page, self.html = publication, page, html
        shown = list(seen)
        listed = "".join(f"\n    {each}" for each in shown[:12]) or " none"
        more = f"\n    and {len(shown) - 12} more" if len(shown) > 12 else ""
        super().__init__(
            f"{page}: the page's layout has changed, or it is not the page of {publication}.\n"
            f"  Looked for: {looked_for}\n"
            f"  Seen: a page titled {title(html)!r}; its links of files and releases:{listed}{more}"
        )


@dataclass(frozen=True, order=True)
class Posted:
    """One file that CMS has posted. `url` is the file's own address, `records` the count in the link's label."""

    publication: str
    release: Release
    edition: str
    part: int | None
    url: str
    page: str
    gated: bool
    named: Named
    records: int | None

    @property
    def name(self) -> str:
        """The name under which the file is kept: CMS's own, its slashes turned into hyphens."""
        path = unquote(urlsplit(self.url).path)
        folders = ("/files/zip/", "/files/document/", "/downloads/", "/Downloads/")
        tail = next((path.split(folder, 1)[1] for folder in folders if folder in path), PurePosixPath(path).name)
        return tail.strip("/").replace("/", "-")

    @property
    def licence_page(self) -> str:
        """The address at which a person can read and accept the licence of a gated file."""
        licence = site_facts()["licence"]
        return urljoin(self.url, f"{licence['page']}?{licence['file']}={urlsplit(self.url).path}")


@dataclass(frozen=True)
class Link:
    """A link of a page: its address as written, and its label."""

    href: str
    text: str


@dataclass(frozen=True)
class Listing:
    """What one publication's pages list; `not_understood` are links that look like it but are named otherwise."""

    posted: tuple[Posted, ...]
    not_understood: tuple[str, ...]


def links(html: bytes) -> list[Link]:
    """Return the links of a page, in their order."""
    soup = BeautifulSoup(html, "lxml")
    return [Link(str(each["href"]), " ".join(each.get_text(" ").split())) for each in soup.find_all("a", href=True)]


def release_pages(publication: Publication, html: bytes, page: str) -> dict[str, Release]:
    """Return the addresses of the pages of single releases that *page* links, with the release of each.

    Raises LayoutChanged: if there is none.
    """
    found = links(html)
    addresses = {urljoin(page, each.href): each for each in found}
    pages = {address: release_of_page(publication, address) for address in addresses}
    known = {address: release for address, release in pages.items() if release is not None}
    if not known:
        wanted = str(publication.rules["release_page"])
        raise LayoutChanged(publication.name, page, f"links to pages of releases ({wanted})", _shown(found), html)
    return known


def listing(publication: Publication, html: bytes, page: str) -> Listing:
    """Return what *page* lists of *publication*.

    Raises LayoutChanged: if no link on it is named like a file of the publication.
    """
    found = links(html)
    posted, strange = [], []
    for each in found:
        address, gated = file_address(each.href, page)
        said = named(publication, address)
        if said is not None:
            posted.append(_posted(publication, said, address, page, each.text, gated=gated))
        elif _looks_like(publication, address):
            strange.append(address)
    if not posted:
        looked_for = f"{publication.holds}: links of files named like {publication.link.pattern}"
        raise LayoutChanged(publication.name, page, looked_for, _shown(found), html)
    return Listing(tuple(dict.fromkeys(posted)), tuple(dict.fromkeys(strange)))


def _looks_like(publication: Publication, address: str) -> bool:
    path = unquote(urlsplit(address).path).lower()
    return bool(_FILE.search(path) and publication.candidate.search(path))


def _posted(publication: Publication, said: Named, address: str, page: str, label: str, *, gated: bool) -> Posted:
    records = _RECORDS.search(label)
    return Posted(
        publication=publication.name,
        release=said.release,
        edition=said.edition,
        part=said.part,
        url=address,
        page=page,
        gated=gated,
        named=said,
        records=int(records[1].replace(",", "")) if records else None,
    )


def _shown(found: Iterable[Link]) -> list[str]:
    """The links that bear on files and releases, for a message: all of a CMS page's menu would drown them."""
    telling = re.compile(r"\.(zip|pdf|xlsx?|csv|txt)\b|rvu|ncci|/license/", re.IGNORECASE)
    return list(dict.fromkeys(each.href for each in found if telling.search(each.href)))


def of_release(publication: Publication, posted: Iterable[Posted], release: Release) -> list[Posted]:
    """Return the files that make up *publication* in *release*: of replacements the last, all parts.

    Raises BadInput: if a part is missing, or two files answer to one name and date.
    """
    yearly = publication.rules.get("yearly", False)
    of_it = [each for each in posted if each.release.year == release.year and (yearly or each.release == release)]
    places = sorted(_once(of_it), key=_place(publication))
    chosen = [_last(list(group)) for _, group in groupby(places, key=_place(publication))]
    if publication.rules.get("parts"):
        chosen = _whole(chosen)
    return chosen


def _once(posted: Iterable[Posted]) -> list[Posted]:
    """Each file once, however often it is linked; it is gated if any link of it is."""
    by_address: dict[str, Posted] = {}
    for each in posted:
        known = by_address.get(each.url, each)
        by_address[each.url] = replace(known, gated=known.gated or each.gated)
    return list(by_address.values())


def _place(publication: Publication) -> Callable[[Posted], tuple[str, str, int]]:
    """What a file is the last posting of: the parts of a set, and editions that hold side by side, stay apart."""
    every = publication.rules.get("every_edition", False)
    return lambda each: (each.edition if every else "", each.named.variant or "", each.part or 0)


def _last(replacements: list[Posted]) -> Posted:
    """The last posted of files that replace one another."""
    ordered = sorted(replacements, key=lambda each: (each.named.again, str(each.named.posted or ""), each.url))
    before, last = ordered[-2:] if len(ordered) > 1 else (None, ordered[-1])
    if before and (before.named.again, before.named.posted) == (last.named.again, last.named.posted):
        says = f"two files are posted for {last.edition}, and neither name nor date tells which holds: {before.url}"
        raise BadInput([Fault(last.url, 0, says)])
    return last


def _whole(parts: list[Posted]) -> list[Posted]:
    """The parts of the last edition, if f1 to the last are all there."""
    edition = max((each.edition for each in parts), default="")
    of_it = [each for each in parts if each.edition == edition]
    numbers = {each.part for each in of_it}
    gone = [f"f{number}" for number in range(1, len(parts) + 1) if number not in numbers]
    if gone:
        says = f"{edition} is not whole on this page: {', '.join(gone)} is missing of f1 to f{len(parts)}"
        raise BadInput([Fault(of_it[0].page, 0, says)])
    return of_it
