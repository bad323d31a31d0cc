"""Whether a review can be signed: how old the tables are, whether the test claims hold, and CMS's own change report."""

from collections.abc import Iterator
from dataclasses import dataclass

from codeset import wording
from codeset.releases import Release
from codeset.review.baseline import YEARLY
from codeset.review.model import Edition, Review
from codeset.tables import REQUIRED_TABLES

_WHEN_CHANGED = ("add_on",)
"""Tables that CMS posts when they change; all but those of `YEARLY` come each quarter."""

_OLDEST_WHEN_CHANGED = 4
"""Quarters after which a file that CMS posts only when it changes has probably been missed."""


@dataclass(frozen=True)
class TableStatus:
    """One table: the quarter of its file in both releases, and whether the new one is `current`, in words."""

    table: str
    name: str
    old: str
    new: str
    quarters_old: int
    is_current: bool
    status: str

    @property
    def editions(self) -> str:
        """The quarters of the files that were compared."""
        return f"{self.old} → {self.new}" if self.old != self.new else self.new


@dataclass(frozen=True)
class Readiness:
    """The status of each table and check, and `blockers`: why the review is not ready to sign; none, if it is."""

    tables: tuple[TableStatus, ...]
    tests: str
    change_report: str
    blockers: tuple[str, ...]

    @property
    def checks(self) -> tuple[tuple[str, str], ...]:
        """Each table and check by name, with its status."""
        tables = [(table.name, f"{table.editions}, {table.status}") for table in self.tables]
        return (*tables, ("test claims", self.tests), ("CMS's own change report", self.change_report))

    @property
    def verdict(self) -> str:
        """The status in one line."""
        if self.blockers:
            return f"NOT READY TO SIGN: {'; '.join(self.blockers)}"
        return "READY TO SIGN"


def readiness(review: Review) -> Readiness:
    """Return whether *review* can be signed, and what speaks against it."""
    tables = tuple(_tables(review))
    passed, tried = review.outcomes.tried - len(review.outcomes.failed), review.outcomes.tried
    report = review.change_report
    if report is None:
        report_says = "not on file"
    else:
        report_says = (
            f"disagrees in {wording.count(report.disagreements, 'edit')}" if report.disagreements else "agrees"
        )
    return Readiness(
        tables=tables,
        tests=f"{passed:,} of {tried:,} as coders expect",
        change_report=report_says,
        blockers=tuple(_blockers(review, tables)),
    )


def _tables(review: Review) -> Iterator[TableStatus]:
    old, new = ({edition.table: edition for edition in release.editions} for release in (review.old, review.new))
    unchecked = {table.table: table.unchecked for table in review.tables}
    for table in REQUIRED_TABLES:
        release = Release.parse(review.new.release)
        posted = _posted(new[table], release)
        age = _quarters_between(posted, release)
        is_current = age == 0 or (table in YEARLY and posted.year == release.year)
        is_current = is_current or (table in _WHEN_CHANGED and age <= _OLDEST_WHEN_CHANGED)
        status = "current" if is_current else f"{wording.count(age, 'quarter')} old"
        if table in _WHEN_CHANGED and age:
            status = f"{status} (CMS posts this file when it changes)"
        if table in YEARLY and is_current:
            status = "current (CMS sets them once a year)"
        elif unchecked.get(table):
            status = f"NOT CHECKED: {unchecked[table]}"
        before = wording.quarter(_posted(old[table], Release.parse(review.old.release)))
        yield TableStatus(table, wording.table_name(table), before, wording.quarter(posted), age, is_current, status)


def _posted(edition: Edition, release: Release) -> Release:
    """The quarter that the file of a table is of."""
    return Release.parse(edition.carried_from) if edition.carried_from else release


def _quarters_between(earlier: Release, later: Release) -> int:
    return 4 * (later.year - earlier.year) + later.quarter - earlier.quarter


def _blockers(review: Review, tables: tuple[TableStatus, ...]) -> Iterator[str]:
    if failed := len(review.outcomes.failed):
        verb = "disagrees" if failed == 1 else "disagree"
        yield f"{wording.count(failed, 'test claim')} {verb} with the coder's answer"
    for table in tables:
        if not table.is_current:
            verb = "is" if table.table in ("mpfs",) else "are"
            yield f"{table.name} {verb} {wording.count(table.quarters_old, 'quarter')} old"
    if review.new.excerpt:
        yield "the new release is an excerpt of the dermatology codes only"
    if review.change_report and review.change_report.disagreements:
        count = wording.count(review.change_report.disagreements, "edit")
        yield f"CMS's own change report disagrees in {count}"
