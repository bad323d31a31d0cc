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

_LETTERS = {"a": 1, "b": 2, "c": 3, "d": 4, "m": 1}
"""Quarters by the letter of the fee schedule's package; RVU12M was that of March 2012, within the first quarter."""

_MONTHS = {"january": 1, "april": 2, "july": 3, "october": 4}

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
    plain: Mapping[str, Any] = json.loads(
        files("codeset_ingest.cms_site").joinpath("site.json").read_text(encoding="utf-8")
    )
    return plain


@cache
def publications() -> tuple[Publication, ...]:
    """Return all publications, in the order in which they are fetched."""
    return tuple(_publication(rules) for rules in site_facts()["publications"])


def _publication(rules: Mapping[str, Any]) -> Publication:
    page = rules.get("release_page")
    return Publication(
        name=rules["publication"],
        holds=rules["holds"],
        audience=rules["for"],
        tables=tuple(rules["tables"]),
        pages=tuple(rules["pages"]),
        link=re.compile(rules["link"]),
        candidate=re.compile(rules["candidate"]),
        release_page=re.compile(page) if page else None,
        rules=rules,
    )


def audiences() -> tuple[str, ...]:
    """Return the audiences that CMS publishes edits for: practitioner, outpatient, dme."""
    return _AUDIENCES


def file_address(href: str, page: str) -> tuple[str, bool]:
    """Return the address of the file that a link of *page* leads to, and whether the license page comes first.

    The license page's address names the file; CMS doubles a slash now and then.
    """
    address = urljoin(page, href.strip())
    license_facts = site_facts()["license"]
    gated = urlsplit(address).path.rstrip("/").lower() == license_facts["page"]
    if gated:
        file = parse_qs(urlsplit(address).query).get(license_facts["file"], [""])[0]
        address = urljoin(page, re.sub("/{2,}", "/", file))
    parts = urlsplit(address)
    return parts._replace(path=re.sub("/{2,}", "/", parts.path), fragment="").geturl(), gated


def parse_name(publication: Publication, address: str) -> LinkName | None:
    """Return the parts of the name of a file of *publication*, or None if *address* is not named like one."""
    match = publication.link.search(unquote(urlsplit(address).path).lower())
    if match is None:
        return None
    parts = {name: text or "" for name, text in match.groupdict().items()}
    posted = _date(parts.get("date", ""))
    release = _release(parts, posted)
    if release is None:
        return None
    if publication.rules.get("next_quarter"):
        release = Release.of(release.last_day + timedelta(days=1))
    facts = parts | {"year": release.year, "quarter": release.quarter, "first_day": release.first_day}
    return LinkName(
        release=release,
        edition=str(publication.rules["edition"]).format(**facts),
        again=_again(parts.get("again", "")),
        posted=posted,
        part=int(parts["part"]) if parts.get("part") else None,
        variant=parts.get("variant") or ("m" if parts.get("letter") == "m" else None),
    )


def release_of_page(publication: Publication, address: str) -> Release | None:
    """Return the release whose page *address* is, or None if it is not such a page."""
    path = urlsplit(address).path.rstrip("/").lower()
    match = publication.release_page.search(path) if publication.release_page else None
    return None if match is None else _release(match.groupdict(), None)


def _release(parts: Mapping[str, str | None], posted: date | None) -> Release | None:
    if fiscal_year := parts.get("fiscal_year"):
        return Release(int(fiscal_year), 2) if parts.get("month") else Release(int(fiscal_year) - 1, 4)
    year, letter = parts.get("year") or parts.get("yy"), parts.get("letter")
    if year is None:
        return Release.of(posted) if posted else None
    number = int(year) + (2000 if len(year) == 2 else 0)
    if month := parts.get("month"):
        return Release(number, _MONTHS[month])
    return Release(number, _LETTERS[letter] if letter else int(parts.get("quarter") or 1))


def _again(text: str) -> int:
    """Order the replacements of an edition: "" 0, r 1, r1 2 (RVU18A, AR, AR1), 1 1 (RVU18C1), _2 2 (RVU11B_2)."""
    digits = text.strip("r_")
    return (text == "r") + int(digits or 0) + bool(text.startswith("r") and digits)


def _date(text: str) -> date | None:
    """Read 12-29-2025, 01/31/2023, 01312020 or 6302021: month, day, year; None for a text that is no date."""
    numbers = re.split("[-/]", text)
    if len(numbers) == 1:
        # 01312020 has eight digits, 6302021 seven: the month lost its zero.
        numbers = [text[:-6], text[-6:-4], text[-4:]]
    try:
        month, day, year = (int(number) for number in numbers)
        return date(year, month, day)
    except ValueError:
        return None
