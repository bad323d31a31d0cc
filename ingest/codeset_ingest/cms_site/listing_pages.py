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
    from bs4.filter import SoupStrainer

_FILE_ENDING = re.compile(r"\.(zip|pdf)$")
_RECORD_COUNT = re.compile(r"([\d,]+) records", re.IGNORECASE)


class LayoutChanged(CodesetError):
    """A page of CMS has a new layout: what was looked for is not on it. Never to be read as "nothing new"."""

    exit_code = 3

    def __init__(
        self, publication: str, page_address: str, looked_for: str, link_addresses: Iterable[str], html: bytes
    ) -> None:
        """Keep the page itself, for a bug report."""
        self.publication, self.page, self.html = publication, page_address, html
        addresses = list(link_addresses)
        listed_addresses = "".join(f"\n    {address}" for address in addresses[:12]) or " none"
        count_of_more = f"\n    and {len(addresses) - 12} more" if len(addresses) > 12 else ""
        super().__init__(
            f"{page_address}: the page's layout has changed, or it is not the page of {publication}.\n"
            f"  Looked for: {looked_for}\n"
            f"  Seen: a page titled {title(html)!r}; its links of files and releases:{listed_addresses}{count_of_more}"
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
        url_path = unquote(urlsplit(self.url).path)
        folders = ("/files/zip/", "/files/document/", "/downloads/", "/Downloads/")
        # CMS has names with slashes in them: /files/zip/rvu25a-updated-01/10/2025.zip.
        path_in_folder = next(
            (url_path.split(site_folder, 1)[1] for site_folder in folders if site_folder in url_path),
            PurePosixPath(url_path).name,
        )
        return path_in_folder.strip("/").replace("/", "-")

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


def read_links(page_html: bytes) -> list[Link]:
    """Return the links of a page, in their order."""
    only_links = SoupStrainer("a", href=True)  # most of a page of CMS's is menus and scripts
    anchors = BeautifulSoup(page_html, "lxml", parse_only=only_links).find_all("a", href=True)
    return [Link(str(anchor["href"]), " ".join(anchor.get_text(" ").split())) for anchor in anchors]


def release_pages(publication: Publication, page_html: bytes, page_address: str) -> dict[str, Release]:
    """Return the addresses of the pages of single releases that *page_address* links, with the release of each.

    Raises LayoutChanged: if there is none.
    """
    page_links = read_links(page_html)
    link_addresses = dict.fromkeys(urljoin(page_address, page_link.href) for page_link in page_links)
    release_by_address = {address: release_of_page(publication, address) for address in link_addresses}
    release_pages_found = {address: release for address, release in release_by_address.items() if release is not None}
    if not release_pages_found:
        pattern = str(publication.rules["release_page"])
        raise LayoutChanged(
            publication.name,
            page_address,
            f"links to pages of releases ({pattern})",
            _relevant_links(page_links),
            page_html,
        )
    return release_pages_found


def read_listing(publication: Publication, page_html: bytes, page_address: str) -> Listing:
    """Return what *page_address* lists of *publication*.

    Raises LayoutChanged: if no link on it is named like a file of the publication.
    """
    page_links = read_links(page_html)
    posted_files, not_understood = [], []
    for page_link in page_links:
        address, is_gated = file_address(page_link.href, page_address)
        link_name = parse_name(publication, address)
        if link_name is not None:
            posted_files.append(
                _posted_file(publication, link_name, address, page_address, page_link.text, is_gated=is_gated)
            )
        # A link with a file's words and not its form is a new spelling: reported, never passed over.
        elif _looks_like(publication, address):
            not_understood.append(address)
    if not posted_files:
        looked_for = f"{publication.holds}: links of files named like {publication.link.pattern}"
        raise LayoutChanged(publication.name, page_address, looked_for, _relevant_links(page_links), page_html)
    return Listing(tuple(dict.fromkeys(posted_files)), tuple(dict.fromkeys(not_understood)))


def _looks_like(publication: Publication, address: str) -> bool:
    url_path = unquote(urlsplit(address).path).lower()
    return bool(_FILE_ENDING.search(url_path) and publication.candidate.search(url_path))


def _posted_file(
    publication: Publication, link_name: LinkName, address: str, page_address: str, link_label: str, *, is_gated: bool
) -> PostedFile:
    record_count = _RECORD_COUNT.search(link_label)
    return PostedFile(
        publication=publication.name,
        release=link_name.release,
        edition=link_name.edition,
        part=link_name.part,
        url=address,
        page=page_address,
        gated=is_gated,
        link_name=link_name,
        records=int(record_count[1].replace(",", "")) if record_count else None,
    )


def _relevant_links(page_links: Iterable[Link]) -> list[str]:
    """The links to files and releases, for a message: the whole menu of a CMS page would bury them."""
    pattern = re.compile(r"\.(zip|pdf|xlsx?|csv|txt)\b|rvu|ncci|/license/", re.IGNORECASE)
    return list(dict.fromkeys(page_link.href for page_link in page_links if pattern.search(page_link.href)))


def files_of_release(
    publication: Publication, posted_files: Iterable[PostedFile], release: Release
) -> list[PostedFile]:
    """Return the files that make up *publication* in *release*: of replacements the last, all parts.

    Raises BadInput: if a part is missing, or two files have the same name and date.
    """
    is_yearly = publication.rules.get("yearly", False)
    # A yearly publication, such as the Policy Manual, is of every quarter of its year.
    of_release = [
        file for file in posted_files if file.release.year == release.year and (is_yearly or file.release == release)
    ]
    # groupby joins neighbors only, so the files are sorted by the very key by which they are grouped.
    files_in_order = sorted(_unique_files(of_release), key=_replacement_key(publication))
    newest_files = [
        _last_posted(list(replacements))
        for _, replacements in groupby(files_in_order, key=_replacement_key(publication))
    ]
    return _complete_parts(newest_files) if publication.rules.get("parts") else newest_files


def _unique_files(posted_files: Iterable[PostedFile]) -> list[PostedFile]:
    """Each file once, however often it is linked; it is gated if any of its links is."""
    by_address: dict[str, PostedFile] = {}
    for posted_file in posted_files:
        same_file = by_address.get(posted_file.url, posted_file)
        by_address[posted_file.url] = replace(same_file, gated=same_file.gated or posted_file.gated)
    return list(by_address.values())


def _replacement_key(publication: Publication) -> Callable[[PostedFile], tuple[str, str, int]]:
    """The key that replacements of one file share: parts of a set, and editions that hold side by side, differ."""
    # RVU24A and RVU24AR are both in force, until March 8 and from March 9, 2024. What else CMS posts anew replaces what
    # it posted before.
    every_edition = publication.rules.get("every_edition", False)
    return lambda posted_file: (
        posted_file.edition if every_edition else "",
        posted_file.link_name.variant or "",
        posted_file.part or 0,
    )


def _last_posted(replacements: list[PostedFile]) -> PostedFile:
    """The last posted of files that replace one another."""
    in_posting_order = sorted(
        replacements,
        key=lambda posted_file: (posted_file.link_name.again, str(posted_file.link_name.posted or ""), posted_file.url),
    )
    second_to_last, last_posted = in_posting_order[-2:] if len(in_posting_order) > 1 else (None, in_posting_order[-1])
    if second_to_last and (second_to_last.link_name.again, second_to_last.link_name.posted) == (
        last_posted.link_name.again,
        last_posted.link_name.posted,
    ):
        message = (
            f"two files are posted for {last_posted.edition}, and neither name nor date tells which holds: "
            f"{second_to_last.url}"
        )
        raise BadInput([Fault(last_posted.url, 0, message)])
    return last_posted


def _complete_parts(part_files: list[PostedFile]) -> list[PostedFile]:
    """The parts of the last edition, if f1 to the last are all listed."""
    last_edition = max((part_file.edition for part_file in part_files), default="")
    parts_of_edition = [part_file for part_file in part_files if part_file.edition == last_edition]
    # A part that CMS posts later than the others is some 675,000 edits that nobody would miss.
    part_numbers = {part_file.part for part_file in parts_of_edition}
    missing_parts = [f"f{number}" for number in range(1, len(part_files) + 1) if number not in part_numbers]
    if missing_parts:
        message = (
            f"{last_edition} is not whole on this page: {', '.join(missing_parts)} is missing of f1 to "
            f"f{len(part_files)}"
        )
        raise BadInput([Fault(parts_of_edition[0].page, 0, message)])
    return parts_of_edition
