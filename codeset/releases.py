"""A release is a quarter's code set; its label is `2026q3`, and `2026q3r1` when CMS's files came again changed."""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

from codeset.errors import WrongUse

_LABEL = re.compile(r"(20[0-9]{2})q([1-4])(?:r([1-9][0-9]?))?")


def is_label(text: str) -> bool:
    """Return whether *text* is the label of a release."""
    return _LABEL.fullmatch(text) is not None


@dataclass(frozen=True, order=True)
class Release:
    """A calendar quarter and the revision of its files; orders by time, then revision."""

    year: int
    quarter: int
    revision: int = 0

    @classmethod
    def parse(cls, label: str) -> "Release":
        """Read a label such as `2026q3` or `2026q3r1`, in capitals or not.

        Raises WrongUse: for anything else.
        """
        # Labels name folders: one spelling for each, however it was typed.
        match = _LABEL.fullmatch(label.lower())
        if match is None:
            raise WrongUse(f'"{label}" is not a release; expected a year and a quarter such as 2026q3 (or 2026q3r1)')
        year, quarter, revision = match.groups()
        return cls(int(year), int(quarter), int(revision or 0))

    @classmethod
    def of(cls, day: date) -> "Release":
        """Return the quarter that holds *day*."""
        return cls(day.year, (day.month + 2) // 3)

    def __str__(self) -> str:
        """Return the label."""
        return f"{self.year}q{self.quarter}" + (f"r{self.revision}" if self.revision else "")

    @property
    def unrevised(self) -> "Release":
        """The quarter's first snapshot."""
        return replace(self, revision=0)

    def quarters_since(self, earlier: "Release") -> int:
        """Return how many quarters this one is after *earlier*, whatever their revisions."""
        return 4 * (self.year - earlier.year) + self.quarter - earlier.quarter

    @property
    def fiscal_year(self) -> int:
        """The federal fiscal year, from October 1 of the year before; ICD-10-CM is published for it."""
        return self.year + (self.quarter == 4)

    @property
    def first_day(self) -> date:
        """The first date of service that the quarter covers."""
        return date(self.year, 3 * self.quarter - 2, 1)

    @property
    def last_day(self) -> date:
        """The last date of service that the quarter covers."""
        # The day before the next quarter begins, whatever the length of the month.
        next_first_day = date(self.year + 1, 1, 1) if self.quarter == 4 else date(self.year, 3 * self.quarter + 1, 1)
        return next_first_day - timedelta(days=1)
