"""What each file is: its publication, form, table and quarter, told by what is in it, then by its name."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from codeset.releases import Release
from codeset_ingest.read.cells import head_of, sheets_of
from codeset_ingest.read.layout import Layout, layouts
from codeset_ingest.read.open_files import File

_MONTHS = {"jan": 1, "apr": 2, "jul": 3, "oct": 4}
_NCCI_EPOCH = 1994
"""NCCI counts its versions from 1995: v30 is of 2024, v32 of 2026."""


@dataclass(frozen=True)
class Recognised:
    """One file and what it turned out to be; None is what neither its text nor its names say."""

    file: File
    layout: Layout
    form: str
    sheet: str
    table: str | None
    year: int | None
    quarter: int | None
    version: str | None
    part: int | None
    released: date | None
    head: str

    @property
    def names(self) -> str:
        """The names of the file, the zips around it and the workbook's sheet."""
        return "/".join(each for each in (self.file.names, self.sheet) if each)

    def is_of(self, release: Release) -> bool:
        """Whether nothing in the file speaks against its being of *release*."""
        return self.year in (None, release.year) and self.quarter in (None, release.quarter)

    @property
    def period_label(self) -> str:
        """The release to seal the file as: the year's last where it states no quarter."""
        return f"{self.year or 'YEAR'}q{self.quarter or 4}"

    @property
    def period(self) -> str:
        """The year and quarter that the file states, in words."""
        return f"{self.year or 'YEAR'}" + (f"q{self.quarter}" if self.quarter else "")

    def edition(self, release: Release) -> str:
        """The CMS publication's edition when read as part of *release*."""
        return str(self.layout.rules["edition"]).format(
            year=release.year,
            yy=release.year % 100,
            letter="abcd"[release.quarter - 1],
            first_day=release.first_day,
            quarter_label=f"{release.year}q{release.quarter}",
            version=self.version or release.first_day,
        )


def recognise(files: Iterable[File]) -> Iterator[Recognised | File]:
    """Yield each file as what it is, or as it came if no layout knows it."""
    for file in files:
        yield _recognised(file) or file


def _recognised(file: File) -> Recognised | None:
    for sheet in sheets_of(file):
        head = head_of(file, sheet)
        for layout in layouts():
            for form, rules in layout.forms.items():
                if (rules["kind"] == "workbook") == bool(sheet) and re.search(rules["sign"], head, re.MULTILINE):
                    return _described(file, layout, form, sheet, head)
    return None


def _described(file: File, layout: Layout, form: str, sheet: str, head: str) -> Recognised:
    names = "/".join((*file.archives, file.name, sheet))
    places = {"text": head, "name": file.name, "archive": "/".join(file.archives), "names": names}
    year, quarter = _period(layout.rules["period"], places)
    return Recognised(
        file=file,
        layout=layout,
        form=form,
        sheet=sheet,
        table=_table(layout.rules["tables"], places),
        year=year,
        quarter=quarter,
        version=_found(layout.rules.get("version"), names),
        part=_number(_found(layout.rules.get("parts", {}).get("number"), names)),
        released=_released(layout.rules.get("released"), head),
        head=head,
    )


def _period(patterns: list[Mapping[str, str]], places: Mapping[str, str]) -> tuple[int | None, int | None]:
    """The year and quarter, each from the first pattern that finds it."""
    year = quarter = None
    for each in patterns:
        match = re.search(each["pattern"], places[each["in"]], re.IGNORECASE)
        if match is not None:
            said = match.groupdict()
            year = year or _year(said)
            quarter = quarter or _quarter(said)
    return year, quarter


def _year(said: Mapping[str, str]) -> int | None:
    if "ncci_year" in said:
        return _NCCI_EPOCH + int(said["ncci_year"])
    if "year" not in said:
        return None
    return int(said["year"]) + (2000 if len(said["year"]) == 2 else 0)


def _quarter(said: Mapping[str, str]) -> int | None:
    if "ncci_quarter" in said:
        return int(said["ncci_quarter"]) + 1
    if "quarter" in said:
        return int(said["quarter"])
    if "letter" in said:
        return "abcd".index(said["letter"].lower()) + 1
    month = said.get("month", "")
    if month.isdigit():
        return (int(month) + 2) // 3
    return _MONTHS.get(month[:3].lower())


def _table(tables: list[Mapping[str, str]], places: Mapping[str, str]) -> str | None:
    for each in tables:
        if "pattern" not in each or re.search(each["pattern"], places[each["in"]], re.IGNORECASE):
            return each["table"]
    return None


def _found(pattern: Any, text: str) -> str | None:
    match = re.search(pattern, text, re.IGNORECASE) if pattern else None
    return None if match is None else match[1]


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _released(pattern: Any, head: str) -> date | None:
    match = re.search(pattern, head) if pattern else None
    return None if match is None else date(*(int(match[part]) for part in ("year", "month", "day")))
