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
        near = self._near if self._is_kept(visit) else []
        position = count_up(visit.len())
        # A visit has few lines: shifts find its pairs sooner than a self-join does (docs/decisions/0004).
        for distance in range(1, visit.len()):
            if distance <= len(near):
                one = near[distance - 1]
            else:
                length = visit.len() - distance
                one = position.slice(0, length).filter(visit.slice(0, length) == visit.slice(distance))
                if distance <= _MOST_APART:
                    near.append(one)
            if one.is_empty():
                return
            yield one, one + distance

    def of_one_code(self, visit: pl.Series, code: pl.Series) -> tuple[pl.Series, pl.Series]:
        """The positions of two lines of one visit with the same *code*, a number for each line; each two once."""
        is_kept = self._is_kept(visit)
        if is_kept and self._of_one_code is not None:
            return self._of_one_code
        ones, twos = [count_up(0)], [count_up(0)]
        for one, two in self.of(visit):
            is_same = code[one] == code[two]
            ones.append(one.filter(is_same))
            twos.append(two.filter(is_same))
        pairs = pl.concat(ones), pl.concat(twos)
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
        names = dict.fromkeys(("row", "visit", "line_kind", *columns))
        return Lines(self.table[list(names)], self.line_kinds, denied, self.neighbors)

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
        table = self.table.drop_nulls(column).sort("visit", column, "row")
        visit = group_numbers(starts_group(table["visit"]) | starts_group(table[column]))
        return replace(self, table=table.with_columns(visit.alias("visit")))


def lines_of_kinds(table: pl.DataFrame, code_set: CodeSet, describe: Description) -> Lines:
    """Return the lines of *table* with their line kinds, none of them denied."""
    line_kinds, kind = line_kinds_of(table, code_set, describe)
    return Lines(table.hstack([kind]), line_kinds, pl.Series(dtype=pl.UInt32))


def is_sorted_by_claim(frame: pl.DataFrame, starts_claim: pl.Series) -> bool:
    """Return whether *frame* is sorted by claim, and in each claim by line number, none of them twice."""
    claim, line = frame["claim_id"], frame["line"]
    return claim.filter(starts_claim).is_sorted() and bool((starts_claim[1:] | (line[1:] > line[:-1])).all())


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
    order = _order_by_visit(frame.select("beneficiary", *PRACTITIONER, "date_of_service"))
    names = [name for name in dict.fromkeys((*LINE_KIND[1:], *columns)) if name not in order.columns]
    read = pl.DataFrame([_as_read(frame[name]) for name in names])
    row = order["row"]
    return order.hstack(read if row.is_sorted() else read[row]).with_columns(code_set.cached(_release))


def _as_read(column: pl.Series) -> pl.Series:
    """A column of claim lines as edits read it: codes as categories, claims by their number."""
    if column.name == "claim_id":
        return group_numbers(starts_group(column)).alias("claim_id")
    return as_codes(column) if COLUMNS[column.name] == CODE else column


def as_codes(texts: pl.Series) -> pl.Series:
    """Return *texts* as categories."""
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


def _order_by_visit(who: pl.DataFrame) -> pl.DataFrame:
    """`row`, `date_of_service`, `patient` and `visit`, sorted by patient, date and row."""
    lines = who.with_row_index("row")
    starts_patient = _starts_patient(lines)
    if not _is_sorted_by_visit(lines, starts_patient):
        lines, starts_patient = _sorted(who)
    day = lines["date_of_service"]
    patient, visit = group_numbers(starts_patient), group_numbers(starts_patient | starts_group(day))
    return pl.DataFrame([lines["row"], day, patient.alias("patient"), visit.alias("visit")])


def _starts_patient(lines: pl.DataFrame) -> pl.Series:
    """Whether each line is another patient's than the one before it."""
    return reduce(or_, (starts_group(lines[name]) for name in _PATIENT))


def _is_sorted_by_visit(lines: pl.DataFrame, starts_patient: pl.Series) -> bool:
    """Whether each patient's rows are together, by date: no two rows that start a patient are of the same one."""
    day = lines["date_of_service"]
    if day.null_count() or not (starts_patient[1:] | (day[1:] >= day[:-1])).all():
        return False
    beneficiary = lines["beneficiary"].filter(starts_patient)
    if beneficiary.is_sorted() and starts_group(beneficiary).all():
        return True
    first = filter_rows(lines.select(_PATIENT), starts_patient)
    return first.select(_PATIENT_HASH).to_series().n_unique() == first.height


def _sorted(who: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Bring each patient's rows together, by date; return also where another patient's start.

    One number for patient and day is sorted in a tenth of the time that the texts are. Should two patients have the
    same number by chance, another hash is taken.
    """
    for seed in count(step=len(_PATIENT)):
        lines = _sorted_by_hash(who, seed)
        starts_patient = _starts_patient(lines)
        if (starts_group(lines["patient_hash"]) | ~starts_patient).all():
            return lines, starts_patient
    raise AssertionError("count() does not end")


def _sorted_by_hash(who: pl.DataFrame, seed: int) -> pl.DataFrame:
    day = pl.col("date_of_service").to_physical().cast(pl.Int64)
    days = day.max().fill_null(0) - day.min().fill_null(0) + 2
    numbered = who.with_row_index("row").with_columns(
        (_patient_hash(seed) // days.cast(pl.UInt64)).alias("patient_hash"),
        (day - day.min()).fill_null(days - 1).cast(pl.UInt64).alias("day"),
        days.cast(pl.UInt64).alias("days"),
    )
    return numbered.sort(pl.col("patient_hash") * pl.col("days") + pl.col("day"), maintain_order=True)


def _patient_hash(seed: int) -> pl.Expr:
    return pl.sum_horizontal(pl.col(name).hash(seed + place) for place, name in enumerate(_PATIENT)).hash(seed)


_PATIENT_HASH = _patient_hash(0)


def covers(first: date, last: date) -> pl.Expr:
    """Whether a release of these days covers the date of service."""
    return pl.col("date_of_service").is_between(first, last)


def _release(code_set: CodeSet) -> pl.Expr:
    """The number of the release that covers the date of service."""
    release = pl.lit(None, dtype=pl.UInt16)
    for row in code_set.releases.iter_rows(named=True):
        number = pl.lit(row["release"], dtype=pl.UInt16)
        release = pl.when(covers(row["first"], row["last"])).then(number).otherwise(release)
    return release.alias("release")
