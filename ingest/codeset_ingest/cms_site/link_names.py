"""How CMS names what it posts: the release, revision and date of a link. The patterns are in `site.json`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

from codeset.releases import Release

_QUARTER_OF_LETTER = {"a": 1, "b": 2, "c": 3, "d": 4, "m": 1}
"""Quarters by the letter of the fee schedule's package; RVU12M was that of March 2012, within the first quarter."""

_QUARTER_OF_MONTH = {"january": 1, "april": 2, "july": 3, "october": 4}

_AUDIENCES = ("practitioner", "outpatient", "dme")


@dataclass(frozen=True)
class Publication:
    """One thing that CMS posts: where it is listed and how its files are named."""

    name: str
    holds: str
    audience: str
    tables: tuple[str, ...]
    pages: tuple[str, ...]
    link: re.Pattern[str]
    candidate: re.Pattern[str]
    release_page: re.Pattern[str] | None
    rules: Mapping[str, Any]

    @property
    def is_optional(self) -> bool:
        """Whether a release is complete without it."""
        return bool(self.rules.get("optional"))


@dataclass(frozen=True, order=True)
class LinkName:
    """The parts of a file's name. `again` counts replacements: 0 for the first posting, then as the name has it."""

    release: Release
    edition: str
    again: int
    posted: date | None
    part: int | None
    variant: str | None


@cache
def site_facts() -> Mapping[str, Any]:
    """Return `site.json` as plain data."""
    site_document: Mapping[str, Any] = json.loads(
        files("codeset_ingest.cms_site").joinpath("site.json").read_text(encoding="utf-8")
    )
    return site_document


@cache
def publications() -> tuple[Publication, ...]:
    """Return all publications, in the order in which they are fetched."""
    return tuple(_publication(rules) for rules in site_facts()["publications"])


def _publication(publication_rules: Mapping[str, Any]) -> Publication:
    release_page = publication_rules.get("release_page")
    return Publication(
        name=publication_rules["publication"],
        holds=publication_rules["holds"],
        audience=publication_rules["for"],
        tables=tuple(publication_rules["tables"]),
        pages=tuple(publication_rules["pages"]),
        link=re.compile(publication_rules["link"]),
        candidate=re.compile(publication_rules["candidate"]),
        release_page=re.compile(release_page) if release_page else None,
        rules=publication_rules,
    )


def audiences() -> tuple[str, ...]:
    """Return the audiences that CMS publishes edits for: practitioner, outpatient, dme."""
    return _AUDIENCES


def file_address(href: str, page_address: str) -> tuple[str, bool]:
    """Return the address of the file that a link of *page_address* leads to, and whether the license page comes first.

    The license page's address names the file; CMS doubles a slash now and then.
    """
    address = urljoin(page_address, href.strip())
    license_facts = site_facts()["license"]
    is_gated = urlsplit(address).path.rstrip("/").lower() == license_facts["page"]
    if is_gated:
        file_path = parse_qs(urlsplit(address).query).get(license_facts["file"], [""])[0]
        address = urljoin(page_address, re.sub("/{2,}", "/", file_path))
    address_parts = urlsplit(address)
    return address_parts._replace(path=re.sub("/{2,}", "/", address_parts.path), fragment="").geturl(), is_gated


def parse_name(publication: Publication, address: str) -> LinkName | None:
    """Return the parts of the name of a file of *publication*, or None if *address* is not named like one."""
    # In lower case: CMS writes RVU19A.zip and rvu22a.zip.
    match = publication.link.search(unquote(urlsplit(address).path).lower())
    if match is None:
        return None
    name_parts = {group_name: group_text or "" for group_name, group_text in match.groupdict().items()}
    posted_on = _date_in_name(name_parts.get("date", ""))
    release = _release_of_parts(name_parts, posted_on)
    if release is None:
        return None
    # The ZIP code file is named by the day on which it was posted, and is for the quarter after.
    if publication.rules.get("next_quarter"):
        release = Release.of(release.last_day + timedelta(days=1))
    edition_facts = name_parts | {"year": release.year, "quarter": release.quarter, "first_day": release.first_day}
    return LinkName(
        release=release,
        edition=str(publication.rules["edition"]).format(**edition_facts),
        again=_replacement_order(name_parts.get("again", "")),
        posted=posted_on,
        part=int(name_parts["part"]) if name_parts.get("part") else None,
        variant=name_parts.get("variant") or ("m" if name_parts.get("letter") == "m" else None),
    )


def release_of_page(publication: Publication, address: str) -> Release | None:
    """Return the release whose page *address* is, or None if it is not such a page."""
    page_path = urlsplit(address).path.rstrip("/").lower()
    match = publication.release_page.search(page_path) if publication.release_page else None
    return None if match is None else _release_of_parts(match.groupdict(), None)


def _release_of_parts(name_parts: Mapping[str, str | None], posted_on: date | None) -> Release | None:
    if fiscal_year := name_parts.get("fiscal_year"):
        # ICD-10-CM of fiscal year 2026 is in force from October 1, 2025; April's edition from April 1, 2026.
        return Release(int(fiscal_year), 2) if name_parts.get("month") else Release(int(fiscal_year) - 1, 4)
    year_text, quarter_letter = name_parts.get("year") or name_parts.get("yy"), name_parts.get("letter")
    if year_text is None:
        return Release.of(posted_on) if posted_on else None
    # Two digits, as in rvu26c: the oldest package that CMS lists is of 2009.
    full_year = int(year_text) + (2000 if len(year_text) == 2 else 0)
    if month_name := name_parts.get("month"):
        return Release(full_year, _QUARTER_OF_MONTH[month_name])
    return Release(
        full_year, _QUARTER_OF_LETTER[quarter_letter] if quarter_letter else int(name_parts.get("quarter") or 1)
    )


def _replacement_order(suffix_text: str) -> int:
    """Order the replacements of an edition: "" 0, r 1, r1 2 (RVU18A, AR, AR1), 1 1 (RVU18C1), _2 2 (RVU11B_2)."""
    digits = suffix_text.strip("r_")
    return (suffix_text == "r") + int(digits or 0) + bool(suffix_text.startswith("r") and digits)


def _date_in_name(date_text: str) -> date | None:
    """Read 12-29-2025, 01/31/2023, 01312020 or 6302021: month, day, year; None for a text that is no date."""
    date_parts = re.split("[-/]", date_text)
    if len(date_parts) == 1:
        # 01312020 has eight digits, 6302021 seven: the month lost its zero.
        date_parts = [date_text[:-6], date_text[-6:-4], date_text[-4:]]
    try:
        month, day, year = (int(date_part) for date_part in date_parts)
        return date(year, month, day)
    except ValueError:
        return None
