"""CMS's listing pages read into what is posted: which file, of which release, on which page. No network here."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

from codeset.errors import BadInput, CodesetError, Fault, extra
from codeset.releases import Release
from codeset_ingest.cms_site.check_download import title
from codeset_ingest.cms_site.link_names import (
    LinkName,
    Publication,
    file_address,
    parse_name,
    release_of_page,
    site_facts,
)

with extra("ingest"):
    from bs4 import BeautifulSoup

_FILE = re.compile(r"\.(zip|pdf)$")
_RECORDS = re.compile(r"([\d,]+) records", re.IGNORECASE)


class LayoutChanged(CodesetError):
    """A page of CMS has a new layout: what was looked for is not on it. Never to be read as "nothing new"."""

    exit_code = 3

    def __init__(self, publication: str, page: str, looked_for: str, links: Iterable[str], html: bytes) -> None:
        """Keep the page itself, for a bug report."""
        self.publication, self.page, self.html = publication, page, html
        addresses = list(links)
        listed = "".join(f"\n    {address}" for address in addresses[:12]) or " none"
        more = f"\n    and {len(addresses) - 12} more" if len(addresses) > 12 else ""
        super().__init__(
            f"{page}: the page's layout has changed, or it is not the page of {publication}.\n"
            f"  Looked for: {looked_for}\n"
            f"  Seen: a page titled {title(html)!r}; its links of files and releases:{listed}{more}"
        )


@dataclass(frozen=True, order=True)
class PostedFile:
    """One file that CMS has posted. `url` is the file's own address, `records` the count in the link's label."""

    publication: str
    release: Release
    edition: str
    part: int | None
    url: str
    page: str
    gated: bool
    link_name: LinkName
    records: int | None

    @property
    def name(self) -> str:
        """The name under which the file is kept: CMS's own, its slashes turned into hyphens."""
        path = unquote(urlsplit(self.url).path)
        folders = ("/files/zip/", "/files/document/", "/downloads/", "/Downloads/")
        # CMS has names with slashes in them: /files/zip/rvu25a-updated-01/10/2025.zip.
        tail = next((path.split(folder, 1)[1] for folder in folders if folder in path), PurePosixPath(path).name)
        return tail.strip("/").replace("/", "-")

    @property
    def license_page(self) -> str:
        """The address at which a person can read and accept the license of a gated file."""
        license_facts = site_facts()["license"]
        return urljoin(self.url, f"{license_facts['page']}?{license_facts['file']}={urlsplit(self.url).path}")


@dataclass(frozen=True)
class Link:
    """A link of a page: its address as written, and its label."""

    href: str
    text: str


@dataclass(frozen=True)
class Listing:
    """What one publication's pages list; `not_understood` are links that look like it but are named otherwise."""

    posted: tuple[PostedFile, ...]
    not_understood: tuple[str, ...]


def read_links(html: bytes) -> list[Link]:
    """Return the links of a page, in their order."""
    anchors = BeautifulSoup(html, "lxml").find_all("a", href=True)
    return [Link(str(anchor["href"]), " ".join(anchor.get_text(" ").split())) for anchor in anchors]


def release_pages(publication: Publication, html: bytes, page: str) -> dict[str, Release]:
    """Return the addresses of the pages of single releases that *page* links, with the release of each.

    Raises LayoutChanged: if there is none.
    """
    links = read_links(html)
    addresses = dict.fromkeys(urljoin(page, link.href) for link in links)
    pages = {address: release_of_page(publication, address) for address in addresses}
    known = {address: release for address, release in pages.items() if release is not None}
    if not known:
        pattern = str(publication.rules["release_page"])
        raise LayoutChanged(publication.name, page, f"links to pages of releases ({pattern})", _relevant(links), html)
    return known


def read_listing(publication: Publication, html: bytes, page: str) -> Listing:
    """Return what *page* lists of *publication*.

    Raises LayoutChanged: if no link on it is named like a file of the publication.
    """
    links = read_links(html)
    posted, not_understood = [], []
    for link in links:
        address, gated = file_address(link.href, page)
        name = parse_name(publication, address)
        if name is not None:
            posted.append(_posted_file(publication, name, address, page, link.text, gated=gated))
        # A link with a file's words and not its form is a new spelling: reported, never passed over.
        elif _looks_like(publication, address):
            not_understood.append(address)
    if not posted:
        looked_for = f"{publication.holds}: links of files named like {publication.link.pattern}"
        raise LayoutChanged(publication.name, page, looked_for, _relevant(links), html)
    return Listing(tuple(dict.fromkeys(posted)), tuple(dict.fromkeys(not_understood)))


def _looks_like(publication: Publication, address: str) -> bool:
    path = unquote(urlsplit(address).path).lower()
    return bool(_FILE.search(path) and publication.candidate.search(path))


def _posted_file(
    publication: Publication, name: LinkName, address: str, page: str, label: str, *, gated: bool
) -> PostedFile:
    records = _RECORDS.search(label)
    return PostedFile(
        publication=publication.name,
        release=name.release,
        edition=name.edition,
        part=name.part,
        url=address,
        page=page,
        gated=gated,
        link_name=name,
        records=int(records[1].replace(",", "")) if records else None,
    )


def _relevant(links: Iterable[Link]) -> list[str]:
    """The links to files and releases, for a message: the whole menu of a CMS page would bury them."""
    pattern = re.compile(r"\.(zip|pdf|xlsx?|csv|txt)\b|rvu|ncci|/license/", re.IGNORECASE)
    return list(dict.fromkeys(link.href for link in links if pattern.search(link.href)))


def files_of_release(publication: Publication, posted: Iterable[PostedFile], release: Release) -> list[PostedFile]:
    """Return the files that make up *publication* in *release*: of replacements the last, all parts.

    Raises BadInput: if a part is missing, or two files have the same name and date.
    """
    yearly = publication.rules.get("yearly", False)
    of_release = [file for file in posted if file.release.year == release.year and (yearly or file.release == release)]
    files = sorted(_unique(of_release), key=_place(publication))
    newest = [_last(list(group)) for _, group in groupby(files, key=_place(publication))]
    return _all_parts(newest) if publication.rules.get("parts") else newest


def _unique(posted: Iterable[PostedFile]) -> list[PostedFile]:
    """Each file once, however often it is linked; it is gated if any of its links is."""
    by_address: dict[str, PostedFile] = {}
    for file in posted:
        known = by_address.get(file.url, file)
        by_address[file.url] = replace(known, gated=known.gated or file.gated)
    return list(by_address.values())


def _place(publication: Publication) -> Callable[[PostedFile], tuple[str, str, int]]:
    """The key that replacements of one file share: parts of a set, and editions that hold side by side, differ."""
    every = publication.rules.get("every_edition", False)
    return lambda file: (file.edition if every else "", file.link_name.variant or "", file.part or 0)


def _last(replacements: list[PostedFile]) -> PostedFile:
    """The last posted of files that replace one another."""
    ordered = sorted(replacements, key=lambda file: (file.link_name.again, str(file.link_name.posted or ""), file.url))
    before, last = ordered[-2:] if len(ordered) > 1 else (None, ordered[-1])
    if before and (before.link_name.again, before.link_name.posted) == (last.link_name.again, last.link_name.posted):
        message = f"two files are posted for {last.edition}, and neither name nor date tells which holds: {before.url}"
        raise BadInput([Fault(last.url, 0, message)])
    return last


def _all_parts(parts: list[PostedFile]) -> list[PostedFile]:
    """The parts of the last edition, if f1 to the last are all listed."""
    edition = max((file.edition for file in parts), default="")
    of_edition = [file for file in parts if file.edition == edition]
    # A part that CMS posts later than the others is some 675,000 edits that nobody would miss.
    numbers = {file.part for file in of_edition}
    missing = [f"f{number}" for number in range(1, len(parts) + 1) if number not in numbers]
    if missing:
        message = f"{edition} is not whole on this page: {', '.join(missing)} is missing of f1 to f{len(parts)}"
        raise BadInput([Fault(of_edition[0].page, 0, message)])
    return of_edition
