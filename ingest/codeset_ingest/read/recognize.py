"""What each file is: its publication, form, table and quarter, by its content, then by its name."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from codeset.errors import BadInput, Fault
from codeset.releases import Release
from codeset_ingest.read.forms.head_and_tail import head_of, sheets_of
from codeset_ingest.read.layout import Layout, layouts
from codeset_ingest.read.near_miss import near_miss
from codeset_ingest.read.open_files import File

# CMS names its quarterly packages by their first month.
_MONTHS = {"jan": 1, "apr": 2, "jul": 3, "oct": 4}
_NCCI_EPOCH = 1994
"""NCCI counts its versions from 1995: v30 is of 2024, v32 of 2026."""


@dataclass(frozen=True)
class CmsFile:
    """One file, recognized as one of CMS's; None where neither its text nor its names give a value."""

    content: File
    layout: Layout
    form: str
    sheet: str
    table: str | None
    year: int | None
    quarter: int | None
    version: str | None
    part: int | None
    released: date | None
    fiscal_year: int | None = None
    """Of files that are published for a fiscal year; `quarter` is then 2 for April's edition, and else None."""

    @property
    def tables(self) -> list[str]:
        """The tables that the file becomes: one, or one for each type of its records."""
        # The HCPCS Level II file has codes and modifiers in one list, by the type of record: two tables of ours.
        split_tables = [rule["table"] for rule in self.layout.rules["tables"] if "record" in rule]
        return split_tables or ([self.table] if self.table else [])

    @property
    def names(self) -> str:
        """The names of the file, the zips around it and the workbook's sheet."""
        return "/".join(name for name in (self.content.names, self.sheet) if name)

    def is_of(self, release: Release) -> bool:
        """Whether nothing in the file speaks against its being of *release*."""
        if self.fiscal_year is not None:
            # ICD-10-CM of October holds for the fiscal year, to the next September 30; the edition of April 1 replaces
            # it for April to September.
            return self.fiscal_year == release.fiscal_year and (self.quarter is None or release.quarter in (2, 3))
        return self.year in (None, release.year) and self.quarter in (None, release.quarter)

    @property
    def period(self) -> str:
        """The year and quarter that the file states, in words."""
        if self.fiscal_year is not None:
            return f"fiscal year {self.fiscal_year}" + (" from April 1" if self.quarter else "")
        if self.year is None:
            return f"quarter {self.quarter} of a year that it does not state"
        return f"{self.year}" + (f"q{self.quarter}" if self.quarter else "")

    @property
    def origin(self) -> str:
        """The release to build the file as, the year's last if it states no quarter; blank if it states no year."""
        if self.fiscal_year is not None:
            return f"{self.fiscal_year}q2" if self.quarter else f"{self.fiscal_year - 1}q4"
        return "" if self.year is None else f"{self.year}q{self.quarter or 4}"

    def edition(self, release: Release) -> str:
        """The CMS publication's edition when read as part of *release*."""
        return str(self.layout.rules["edition"]).format(
            year=release.year,
            yy=release.year % 100,
            letter="abcd"[release.quarter - 1],
            first_day=release.first_day,
            quarter_label=f"{release.year}q{release.quarter}",
            version=self.version or release.first_day,
            fiscal_year=self.fiscal_year or release.fiscal_year,
            half=" april" if self.fiscal_year and self.quarter else "",
        )


@dataclass(frozen=True)
class UnknownFile:
    """A file that no layout matches; `near_miss` says which publication it is like, and what differs."""

    names: str
    near_miss: str | None


def recognize(source_files: Iterable[File]) -> Iterator[CmsFile | UnknownFile]:
    """Yield each file as what it is.

    Raises BadInput: for a workbook that cannot be read, or has two sheets that could be the table.
    """
    for source_file in source_files:
        sheet_names = sheets_of(source_file)
        recognized_sheets = [
            cms_file for sheet_name in sheet_names if (cms_file := _recognized_file(source_file, sheet_name))
        ]
        if len(recognized_sheets) > 1:
            raise BadInput([_two_sheets_fault(recognized_sheets)])
        near_misses = (
            filter(None, (near_miss(source_file, sheet_name) for sheet_name in sheet_names))
            if not recognized_sheets
            else ()
        )
        yield (
            recognized_sheets[0] if recognized_sheets else UnknownFile(source_file.names, next(iter(near_misses), None))
        )


def _two_sheets_fault(recognized_sheets: list[CmsFile]) -> Fault:
    """Of two sheets one may be hidden, or an older copy: which of them CMS means is not known."""
    sheets_text = " and ".join(f'"{cms_file.sheet}" ({cms_file.layout.publication})' for cms_file in recognized_sheets)
    message = f"more than one sheet is a table of CMS's: {sheets_text}; expected one. Take the file from CMS's own zip"
    return Fault(recognized_sheets[0].content.names, 0, message)


def _recognized_file(source_file: File, sheet_name: str) -> CmsFile | None:
    head_text = head_of(source_file, sheet_name)
    # By what is in it first: CMS renames its files from quarter to quarter (AOC_V2024Q2-MCR, AOC_V2025Q4_01-MCR,
    # AOC_V2026Q3-F-MCR), and people rename what they download. A sheet's name says nothing: OPPSCAP_APR.xlsx of 2024
    # has its rows on a sheet "OPPSCAP_JAN", LOCCO of 2025 on "21LOCCO".
    for layout in layouts():
        for form_name, form_rules in layout.forms.items():
            if (form_rules["kind"] == "workbook") == bool(sheet_name) and re.search(
                form_rules["sign"], head_text, re.MULTILINE
            ):
                return _file_of_layout(source_file, layout, form_name, sheet_name, head_text)
    return None


def _file_of_layout(source_file: File, layout: Layout, form_name: str, sheet_name: str, head_text: str) -> CmsFile:
    all_names = "/".join((*source_file.archives, source_file.name, sheet_name))
    searched_texts = {
        "text": head_text,
        "name": source_file.name,
        "archive": "/".join(source_file.archives),
        "names": all_names,
    }
    year, quarter = _stated_period(layout.rules["period"], searched_texts)
    fiscal_year = _stated_fiscal_year(layout.rules["period"], searched_texts)
    part_number = _first_group(layout.rules.get("parts", {}).get("number"), all_names)
    return CmsFile(
        content=source_file,
        layout=layout,
        form=form_name,
        sheet=sheet_name,
        table=_table_of_rules(layout.rules["tables"], searched_texts),
        year=year,
        quarter=quarter,
        version=_first_group(layout.rules.get("version"), all_names),
        part=None if part_number is None else int(part_number),
        released=_release_date(source_file, layout.rules.get("released"), head_text),
        fiscal_year=fiscal_year,
    )


def _stated_period(
    period_rules: list[Mapping[str, str]], searched_texts: Mapping[str, str]
) -> tuple[int | None, int | None]:
    """The year and quarter, each from the first pattern that gives it."""
    year = quarter = None
    for period_rule in period_rules:
        match = re.search(period_rule["pattern"], searched_texts[period_rule["in"]], re.IGNORECASE)
        if match is not None:
            groups = match.groupdict()
            # A title may give the year and a file name the quarter: OPPSCAP names no year at all.
            year = year or _year_of_groups(groups)
            quarter = quarter or _quarter_of_groups(groups)
    return year, quarter


def _stated_fiscal_year(period_rules: list[Mapping[str, str]], searched_texts: Mapping[str, str]) -> int | None:
    """The fiscal year, from the first pattern that gives it."""
    matches = (re.search(rule["pattern"], searched_texts[rule["in"]], re.IGNORECASE) for rule in period_rules)
    years = (match.groupdict().get("fiscal_year") for match in matches if match)
    return next((int(year) for year in years if year), None)


def _year_of_groups(pattern_groups: Mapping[str, str]) -> int | None:
    if "ncci_year" in pattern_groups:
        # Version 32 of the edits is of 2026 (v322r0: third quarter).
        return _NCCI_EPOCH + int(pattern_groups["ncci_year"])
    if "year" not in pattern_groups:
        return None
    return int(pattern_groups["year"]) + (2000 if len(pattern_groups["year"]) == 2 else 0)


def _quarter_of_groups(pattern_groups: Mapping[str, str]) -> int | None:
    # v30.0 is of the first quarter: the second number counts from 0.
    if "ncci_quarter" in pattern_groups:
        return int(pattern_groups["ncci_quarter"]) + 1
    if "quarter" in pattern_groups:
        return int(pattern_groups["quarter"])
    if "letter" in pattern_groups:
        # A to D are the packages of January, April, July and October: rvu26c is of the third quarter.
        return "abcd".index(pattern_groups["letter"].lower()) + 1
    # MUE files are named by the day they take effect (Eff_07-01-2026), packages by their month.
    month_text = pattern_groups.get("month") or ""
    if month_text.isdigit():
        return (int(month_text) + 2) // 3
    return _MONTHS.get(month_text[:3].lower())


def _table_of_rules(table_rules: list[Mapping[str, str]], searched_texts: Mapping[str, str]) -> str | None:
    # The practitioner's and the hospital's PTP edits have one header: only their names (ccipra, ccioph) tell which they
    # are. MUE files say it in the header.
    for table_rule in table_rules:
        if "pattern" not in table_rule or re.search(
            table_rule["pattern"], searched_texts[table_rule["in"]], re.IGNORECASE
        ):
            return table_rule["table"]
    return None


def _first_group(pattern: Any, searched_text: str) -> str | None:
    match = re.search(pattern, searched_text, re.IGNORECASE) if pattern else None
    return None if match is None else match[1]


def _release_date(source_file: File, pattern: Any, head_text: str) -> date | None:
    """The day that the file says CMS released it on: PPRRVU's preamble does, and a re-issue of a quarter shows by it.

    Raises BadInput: for a day that does not exist.
    """
    match = re.search(pattern, head_text) if pattern else None
    if match is None:
        return None
    try:
        return date(*(int(match[date_part]) for date_part in ("year", "month", "day")))
    except ValueError as error:
        message = f'says "{match[0]}", expected a date that exists, as month/day/year'
        raise BadInput([Fault(source_file.names, 0, message)]) from error
