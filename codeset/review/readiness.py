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
    table_statuses = tuple(_table_statuses(review))
    passed_tests, tried_tests = review.outcomes.tried - len(review.outcomes.failed), review.outcomes.tried
    change_report = review.change_report
    if change_report is None:
        report_status = "not on file"
    else:
        report_status = (
            f"disagrees in {wording.count(change_report.disagreements, 'edit')}"
            if change_report.disagreements
            else "agrees"
        )
    return Readiness(
        tables=table_statuses,
        tests=f"{passed_tests:,} of {tried_tests:,} as coders expect",
        change_report=report_status,
        blockers=tuple(_blockers(review, table_statuses)),
    )


def _table_statuses(review: Review) -> Iterator[TableStatus]:
    old_release, new_release = Release.parse(review.old.release), Release.parse(review.new.release)
    old_editions, new_editions = (
        {edition.table: edition for edition in release.editions} for release in (review.old, review.new)
    )
    unchecked_reasons = {table.table: table.unchecked for table in review.tables}
    for table_name in REQUIRED_TABLES:
        posted_quarter = _posted_quarter(new_editions[table_name], new_release)
        age_in_quarters = _quarters_between(posted_quarter, new_release)
        is_current = _is_current(table_name, posted_quarter, new_release)
        yield TableStatus(
            table=table_name,
            name=wording.table_name(table_name),
            old=wording.quarter(_posted_quarter(old_editions[table_name], old_release)),
            new=wording.quarter(posted_quarter),
            quarters_old=age_in_quarters,
            is_current=is_current,
            status=_status_in_words(table_name, age_in_quarters, is_current, unchecked_reasons.get(table_name, "")),
        )


def _is_current(table_name: str, posted_quarter: Release, new_release: Release) -> bool:
    age_in_quarters = _quarters_between(posted_quarter, new_release)
    # A quarter without a file is no failure: CMS posts the add-on codes when they change, and the last ones stay valid.
    if table_name in _WHEN_CHANGED:
        return age_in_quarters <= _OLDEST_WHEN_CHANGED
    return age_in_quarters == 0 or (table_name in YEARLY and posted_quarter.year == new_release.year)


def _status_in_words(table_name: str, age_in_quarters: int, is_current: bool, unchecked_reason: str) -> str:
    # GPCIs of one year are the same file in both quarters as a rule: no change is left unseen by that.
    if table_name in YEARLY and is_current:
        return "current (CMS sets them once a year)"
    if unchecked_reason:
        return f"NOT CHECKED: {unchecked_reason}"
    status = "current" if is_current else f"{wording.count(age_in_quarters, 'quarter')} old"
    return (
        f"{status} (CMS posts this file when it changes)" if table_name in _WHEN_CHANGED and age_in_quarters else status
    )


def _posted_quarter(edition: Edition, release: Release) -> Release:
    """The quarter that the file of a table is of."""
    return Release.parse(edition.carried_from) if edition.carried_from else release


def _quarters_between(earlier: Release, later: Release) -> int:
    return 4 * (later.year - earlier.year) + later.quarter - earlier.quarter


def _blockers(review: Review, table_statuses: tuple[TableStatus, ...]) -> Iterator[str]:
    if failed_count := len(review.outcomes.failed):
        verb = "disagrees" if failed_count == 1 else "disagree"
        yield f"{wording.count(failed_count, 'test claim')} {verb} with the coder's answer"
    for table_status in table_statuses:
        if not table_status.is_current:
            # The fee schedule is one; GPCIs, MUEs, PTP and add-on edits are several.
            verb = "is" if table_status.table in ("mpfs",) else "are"
            yield f"{table_status.name} {verb} {wording.count(table_status.quarters_old, 'quarter')} old"
    if review.new.excerpt:
        yield "the new release is an excerpt of the dermatology codes only"
    if review.change_report and review.change_report.disagreements:
        edit_count = wording.count(review.change_report.disagreements, "edit")
        yield f"CMS's own change report disagrees in {edit_count}"
