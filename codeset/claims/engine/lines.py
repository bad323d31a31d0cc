"""Claim lines as frames: as they come, and as the edits read them: few narrow columns, numbers in place of texts."""

from collections.abc import Iterator
from functools import reduce
from itertools import count
from operator import or_
from typing import TypeVar

import polars as pl

from codeset.claims.claim_fields import CODE, CODED
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.series import count_up, filter_rows, group_numbers, is_constant, starts_group

Numbers = TypeVar("Numbers", pl.Expr, pl.Series)

_PATIENT = ("beneficiary", "practitioner", "specialty")
"""Whom an edit sees as one: a beneficiary, as one practitioner or one group and specialty knows them."""


def is_sorted_by_claim(lines: pl.DataFrame, another: pl.Series) -> bool:
    """Say whether *lines* lie by claim, which *another* parts, and in each by line number, none of them twice."""
    claim, line = lines["claim_id"], lines["line"]
    return claim.filter(another).is_sorted() and bool((another[1:] | (line[1:] > line[:-1])).all())


def numbered(frame: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Return *frame* as the edits read it: `row` is the place in *frame*; rows lie by patient and visit.

    `patient` numbers beneficiaries as one practitioner sees them, `visit` the days on which they met; `release` is the
    place of the release that covers the date, null if none does. Physicians of one group and specialty count as one
    (IOM 100-04 ch. 12, section 30.6.5).
    """
    told = _by_visit(frame.select("beneficiary", *_PRACTITIONER, "date_of_service"))
    read = frame.select("through_date", "units").hstack([as_codes(frame[name]) for name in CODED])
    row = told["row"]
    lying = read if row.is_sorted() else read[row]
    return told.hstack(lying).with_columns(code_set.made(_release), _NO_UNITS)


def as_codes(texts: pl.Series) -> pl.Series:
    """Return *texts* as categories."""
    if texts.len() and is_constant(texts):
        return texts.head(1).cast(CODE).new_from_index(0, texts.len())
    return texts.cast(CODE)


_NO_UNITS = (pl.col("units") < 1).alias("no_units")


_SHARED = pl.col("group").is_not_null() & pl.col("specialty").is_not_null()
_PRACTITIONER = (
    pl.when(_SHARED).then("group").otherwise("provider").alias("practitioner"),
    pl.when(_SHARED).then("specialty").alias("specialty"),
)


def _by_visit(who: pl.DataFrame) -> pl.DataFrame:
    """`row`, `date_of_service`, `patient` and `visit`, so that the rows of a patient lie together, by date and row."""
    lying, another = who.with_row_index("row"), _another_patient(who)
    if not _lie_by_visit(lying, another):
        lying, another = _sorted(who)
    day = lying["date_of_service"]
    numbers = {"patient": group_numbers(another), "visit": group_numbers(another | starts_group(day))}
    return pl.DataFrame([lying["row"], day]).with_columns(**numbers)


def _another_patient(who: pl.DataFrame) -> pl.Series:
    """Whether each line is another patient's than the one before it."""
    return reduce(or_, (starts_group(who[each]) for each in _PATIENT))


def _lie_by_visit(lines: pl.DataFrame, another: pl.Series) -> bool:
    """Whether each patient's rows lie together, by date: no two rows that begin a patient are the same one's."""
    day = lines["date_of_service"]
    if day.null_count() or not (another[1:] | (day[1:] >= day[:-1])).all():
        return False
    whose = lines["beneficiary"].filter(another)
    if whose.is_sorted() and starts_group(whose).all():
        return True
    begin = filter_rows(lines.select(_PATIENT), another)
    return begin.select(_WHOSE).to_series().n_unique() == begin.height


def _sorted(who: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Bring each patient's rows together, by date; say where another patient's begin.

    One number stands for patient and day: it is sorted in a tenth of the time that the texts are. Should two patients
    have the same number by chance, it is made otherwise.
    """
    tried = (_by_number(who, seed) for seed in count(step=len(_PATIENT)))
    found = ((lying, _another_patient(lying)) for lying in tried)
    return next((lying, another) for lying, another in found if (starts_group(lying["whose"]) | ~another).all())


def _by_number(who: pl.DataFrame, seed: int) -> pl.DataFrame:
    day = pl.col("date_of_service").to_physical().cast(pl.Int64)
    days = day.max().fill_null(0) - day.min().fill_null(0) + 2
    numbered = who.with_row_index("row").with_columns(
        (_whose(seed) // days.cast(pl.UInt64)).alias("whose"),
        (day - day.min()).fill_null(days - 1).cast(pl.UInt64).alias("day"),
        days.cast(pl.UInt64).alias("days"),
    )
    return numbered.sort(pl.col("whose") * pl.col("days") + pl.col("day"), maintain_order=True)


def _whose(seed: int) -> pl.Expr:
    """A number that stands for a patient."""
    return pl.sum_horizontal(pl.col(name).hash(seed + place) for place, name in enumerate(_PATIENT)).hash(seed)


_WHOSE = _whose(0)


def partners(visit: pl.Series) -> Iterator[tuple[pl.Series, pl.Series]]:
    """Where two lines of one *visit* lie: each two once, those that are next to each other first.

    Lines lie by visit: the partners of a line are the next one, the one after it, and so on to the visit's end.
    """
    lying = count_up(visit.len())
    for distance in range(1, visit.len()):
        left = visit.len() - distance
        one = lying.slice(0, left).filter(visit.slice(0, left) == visit.slice(distance))
        if one.is_empty():
            return
        yield one, one + distance


def _release(code_set: CodeSet) -> pl.Expr:
    release = pl.lit(None, dtype=pl.UInt16)
    for each in code_set.releases.iter_rows(named=True):
        covers = pl.col("date_of_service").is_between(each["first"], each["last"])
        release = pl.when(covers).then(pl.lit(each["release"], dtype=pl.UInt16)).otherwise(release)
    return release.alias("release")
