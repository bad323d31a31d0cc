"""Claim lines as the edits read them: sorted by patient and visit, few narrow columns, numbers in place of texts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, reduce
from itertools import count
from operator import or_

import polars as pl

from codeset.claims.claim_fields import CODE, COLUMNS
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.line_kinds import LINE_KIND, Description, LineKinds, line_kinds_of
from codeset.claims.engine.series import (
    count_up,
    filter_rows,
    group_numbers,
    is_constant,
    is_member,
    starts_group,
)


class Neighbors:
    """The pairs of lines of each visit, found once for all edits that ask for them.

    Kept are those of the first visits that were asked for, which are those of all lines.
    """

    def __init__(self) -> None:
        self._visit: pl.Series | None = None
        self._near: list[pl.Series] = []
        self._of_one_code: tuple[pl.Series, pl.Series] | None = None

    def of(self, visit: pl.Series) -> Iterator[tuple[pl.Series, pl.Series]]:
        """The positions of two lines of one visit, each two once: those that are next to each other first.

        After these the lines two apart, and so on to the end of the longest visit. *visit* is sorted.
        """
        near_lines = self._near if self._is_kept(visit) else []
        positions = count_up(visit.len())
        # A visit has few lines: shifts find its pairs sooner than a self-join does (docs/decisions/0004).
        for distance in range(1, visit.len()):
            if distance <= len(near_lines):
                sooner_lines = near_lines[distance - 1]
            else:
                length = visit.len() - distance
                sooner_lines = positions.slice(0, length).filter(visit.slice(0, length) == visit.slice(distance))
                if distance <= _MOST_APART:
                    near_lines.append(sooner_lines)
            if sooner_lines.is_empty():
                return
            yield sooner_lines, sooner_lines + distance

    def of_one_code(self, visit: pl.Series, code_numbers: pl.Series) -> tuple[pl.Series, pl.Series]:
        """The positions of two lines of one visit that have the same of *code_numbers*; each two once."""
        is_kept = self._is_kept(visit)
        if is_kept and self._of_one_code is not None:
            return self._of_one_code
        sooner_of_code, later_of_code = [count_up(0)], [count_up(0)]
        for sooner_lines, later_lines in self.of(visit):
            is_same = code_numbers[sooner_lines] == code_numbers[later_lines]
            sooner_of_code.append(sooner_lines.filter(is_same))
            later_of_code.append(later_lines.filter(is_same))
        pairs = pl.concat(sooner_of_code), pl.concat(later_of_code)
        if is_kept:
            self._of_one_code = pairs
        return pairs

    def _is_kept(self, visit: pl.Series) -> bool:
        if self._visit is None:
            self._visit = visit
        return self._visit.equals(visit)


_MOST_APART = 30
"""So far apart are the lines whose pairs are kept: in a day of thousands of lines they would be millions."""


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines that an edit is handed.

    `table` has one row for each line, sorted by patient, date and row: `row`, which names the line in findings,
    `visit` (one practitioner, patient and day), `line_kind`, and what the contract of the edit declares. `line_kinds`
    has what lines mean by themselves. `denied` are the rows that the edits before deny.
    """

    table: pl.DataFrame
    line_kinds: LineKinds
    denied: pl.Series
    neighbors: Neighbors = field(default_factory=Neighbors)

    def with_columns_only(self, columns: Iterable[str], denied: pl.Series) -> "Lines":
        """Return the lines with no more than *columns*, besides the three that every edit has."""
        column_names = dict.fromkeys(("row", "visit", "line_kind", *columns))
        return Lines(self.table[list(column_names)], self.line_kinds, denied, self.neighbors)

    def look_up(self, of_kind: pl.Series) -> pl.Series:
        """Return for each line the value of its kind; *of_kind* has a value for each line kind."""
        return of_kind[self.table["line_kind"]]

    @cached_property
    def is_denied(self) -> pl.Series:
        """Whether an edit before denies the line."""
        return is_member(self.table["row"], self.denied)

    def with_payable(self, denied: pl.Series) -> pl.DataFrame:
        """Return the lines with `payable`: whether they are not among the rows *denied*."""
        return self.table.hstack([(~is_member(self.table["row"], denied)).alias("payable")])

    def by(self, column: str) -> "Lines":
        """Return the lines that have a value in *column*; a visit is now what one visit has with the same value."""
        sorted_table = self.table.drop_nulls(column).sort("visit", column, "row")
        visit_numbers = group_numbers(starts_group(sorted_table["visit"]) | starts_group(sorted_table[column]))
        return replace(self, table=sorted_table.with_columns(visit_numbers.alias("visit")))


def lines_of_kinds(table: pl.DataFrame, code_set: CodeSet, describe: Description) -> Lines:
    """Return the lines of *table* with their line kinds, none of them denied."""
    line_kinds, kinds_of_lines = line_kinds_of(table, code_set, describe)
    return Lines(table.hstack([kinds_of_lines]), line_kinds, pl.Series(dtype=pl.UInt32))


def is_sorted_by_claim(frame: pl.DataFrame, starts_claim: pl.Series) -> bool:
    """Return whether *frame* is sorted by claim, and in each claim by line number, none of them twice."""
    claim_ids, line_numbers = frame["claim_id"], frame["line"]
    is_in_order = starts_claim[1:] | (line_numbers[1:] > line_numbers[:-1])
    return claim_ids.filter(starts_claim).is_sorted() and bool(is_in_order.all())


def sort_by_claim(frame: pl.DataFrame) -> pl.DataFrame:
    """Return claim lines by claim and line number."""
    if is_sorted_by_claim(frame, starts_group(frame["claim_id"])):
        return frame
    return frame.sort("claim_id", "line", maintain_order=True)


def sort_by_visit(frame: pl.DataFrame, code_set: CodeSet, columns: Iterable[str]) -> pl.DataFrame:
    """Return *frame* sorted by patient, date and row, with what line kinds need and *columns* of claim lines.

    `row` is the position in *frame*. `patient` numbers beneficiaries as one practitioner sees them, `visit` the days on
    which they met. `release` is the number of the release that covers the date, null if none does. *frame* is sorted by
    claim (`sort_by_claim`), whose numbers stand for identifiers in `claim_id`.
    """
    lines_in_order = _order_by_visit(frame.select("beneficiary", *PRACTITIONER, "date_of_service"))
    column_names = [name for name in dict.fromkeys((*LINE_KIND[1:], *columns)) if name not in lines_in_order.columns]
    read_columns = pl.DataFrame([_as_read(frame[name]) for name in column_names])
    rows = lines_in_order["row"]
    # Files are mostly sorted by claim and patient already: then nothing is moved.
    columns_in_order = read_columns if rows.is_sorted() else read_columns[rows]
    return lines_in_order.hstack(columns_in_order).with_columns(code_set.cached(_release))


def _as_read(column: pl.Series) -> pl.Series:
    """A column of claim lines as edits read it: codes as categories, claims by their number."""
    if column.name == "claim_id":
        return group_numbers(starts_group(column)).alias("claim_id")
    return as_codes(column) if COLUMNS[column.name] == CODE else column


def as_codes(texts: pl.Series) -> pl.Series:
    """Return *texts* as categories."""
    # A place of service or a locality is often the same on all lines: it is cast once.
    if texts.len() and is_constant(texts):
        return texts.head(1).cast(CODE).new_from_index(0, texts.len())
    return texts.cast(CODE)


# Physicians of one group and specialty bill and are paid as one physician (IOM 100-04 ch. 12, section 30.6.5).
IS_ONE_OF_A_GROUP = pl.col("group").is_not_null() & pl.col("specialty").is_not_null()
PRACTITIONER = (
    pl.when(IS_ONE_OF_A_GROUP).then("group").otherwise("provider").alias("practitioner"),
    pl.when(IS_ONE_OF_A_GROUP).then("specialty").alias("specialty"),
)

_PATIENT = ("beneficiary", "practitioner", "specialty")
"""A patient: a beneficiary, as one practitioner or one group and specialty knows them."""


def _order_by_visit(who_and_when: pl.DataFrame) -> pl.DataFrame:
    """`row`, `date_of_service`, `patient` and `visit`, sorted by patient, date and row."""
    numbered_lines = who_and_when.with_row_index("row")
    starts_patient = _starts_patient(numbered_lines)
    if not _is_sorted_by_visit(numbered_lines, starts_patient):
        numbered_lines, starts_patient = _sorted_by_patient(who_and_when)
    days = numbered_lines["date_of_service"]
    patient_numbers, visit_numbers = group_numbers(starts_patient), group_numbers(starts_patient | starts_group(days))
    return pl.DataFrame([numbered_lines["row"], days, patient_numbers.alias("patient"), visit_numbers.alias("visit")])


def _starts_patient(lines: pl.DataFrame) -> pl.Series:
    """Whether each line is another patient's than the one before it."""
    return reduce(or_, (starts_group(lines[column_name]) for column_name in _PATIENT))


def _is_sorted_by_visit(lines: pl.DataFrame, starts_patient: pl.Series) -> bool:
    """Whether each patient's rows are together, by date: no two rows that start a patient are of the same one."""
    days = lines["date_of_service"]
    if days.null_count() or not (starts_patient[1:] | (days[1:] >= days[:-1])).all():
        return False
    beneficiaries = lines["beneficiary"].filter(starts_patient)
    if beneficiaries.is_sorted() and starts_group(beneficiaries).all():
        return True
    # Two patients may have one hash by chance: then the lines are sorted, which is slower and not wrong.
    first_lines = filter_rows(lines.select(_PATIENT), starts_patient)
    return first_lines.select(_PATIENT_HASH).to_series().n_unique() == first_lines.height


def _sorted_by_patient(who_and_when: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Bring each patient's rows together, by date; return also where another patient's start.

    One number for patient and day is sorted in a tenth of the time that the texts are. Should two patients have the
    same number by chance, another hash is taken.
    """
    for seed in count(step=len(_PATIENT)):
        sorted_lines = _sorted_by_hash(who_and_when, seed)
        starts_patient = _starts_patient(sorted_lines)
        if (starts_group(sorted_lines["patient_hash"]) | ~starts_patient).all():
            return sorted_lines, starts_patient
    raise AssertionError("count() does not end")


def _sorted_by_hash(who_and_when: pl.DataFrame, seed: int) -> pl.DataFrame:
    day_number = pl.col("date_of_service").to_physical().cast(pl.Int64)
    # One more than there are days from the first to the last: lines without a date come behind them.
    day_count = day_number.max().fill_null(0) - day_number.min().fill_null(0) + 2
    numbered_lines = who_and_when.with_row_index("row").with_columns(
        (_patient_hash(seed) // day_count.cast(pl.UInt64)).alias("patient_hash"),
        (day_number - day_number.min()).fill_null(day_count - 1).cast(pl.UInt64).alias("day"),
        day_count.cast(pl.UInt64).alias("days"),
    )
    return numbered_lines.sort(pl.col("patient_hash") * pl.col("days") + pl.col("day"), maintain_order=True)


def _patient_hash(seed: int) -> pl.Expr:
    # A seed for each column: without it the sum is the same where two columns have each other's values.
    hashes = (pl.col(column_name).hash(seed + place) for place, column_name in enumerate(_PATIENT))
    return pl.sum_horizontal(hashes).hash(seed)


_PATIENT_HASH = _patient_hash(0)


def covers(first: date, last: date) -> pl.Expr:
    """Whether a release of these days covers the date of service."""
    return pl.col("date_of_service").is_between(first, last)


def _release(code_set: CodeSet) -> pl.Expr:
    """The number of the release that covers the date of service."""
    release_of_date = pl.lit(None, dtype=pl.UInt16)
    for release_row in code_set.releases.iter_rows(named=True):
        release_number = pl.lit(release_row["release"], dtype=pl.UInt16)
        is_covered = covers(release_row["first"], release_row["last"])
        release_of_date = pl.when(is_covered).then(release_number).otherwise(release_of_date)
    return release_of_date.alias("release")
