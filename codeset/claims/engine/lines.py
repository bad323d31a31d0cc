"""Claim lines as frames: as they come, and as the edits read them: few narrow columns, numbers in place of texts."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache, reduce
from itertools import count
from operator import or_
from typing import Any, TypeVar

import polars as pl

from codeset.claims.claim_fields import CODE, CODED
from codeset.claims.edits.rules import known_modifiers, rules
from codeset.claims.engine.code_set import CodeSet

Numbers = TypeVar("Numbers", pl.Expr, pl.Series)

_PATIENT = ("beneficiary", "practitioner", "specialty")
"""Whom an edit sees as one: a beneficiary, as one practitioner or one group and specialty knows them."""

_TEXTS = ("distinct", "for_visit", "other_bypass", "site", "unknown_modifiers")


def meanings(modifiers: pl.Series) -> pl.DataFrame:
    """Return what each combination of *modifiers* (categories) means, once.

    A flag for each payment modifier and side, such as `m25`; and as text, sorted, the modifiers that bypass PTP edits
    (`distinct`, `for_visit`, `other_bypass`), the anatomic ones (`site`), the unknown.
    """
    return _meanings(frozenset(modifiers.unique().cast(pl.String).drop_nulls()))


@lru_cache(maxsize=100)
def _meanings(combinations: frozenset[str]) -> pl.DataFrame:
    kinds = {"modifiers": CODE, **dict.fromkeys(_flags(), pl.Boolean()), **dict.fromkeys(_TEXTS, pl.String())}
    return pl.DataFrame([(each, *_meaning(each)) for each in sorted(combinations)], schema=kinds, orient="row")


@cache
def _flags() -> dict[str, str]:
    """The modifier that each flag is for."""
    return {f"m{each}": each for each in (*rules()["modifiers"]["payment"], "RT", "LT")}


def _meaning(modifiers: str) -> tuple[bool | str, ...]:
    mods, bypass = set(modifiers.split()), rules()["bypass"]
    groups = (bypass["either_line"], bypass["visit_line"], bypass["other"], rules()["anatomic"]["modifiers"])
    texts = [mods.intersection(group) for group in groups] + [mods - known_modifiers()]
    return (*(each in mods for each in _flags().values()), *(" ".join(sorted(each)) for each in texts))


def lie_by_claim(lines: pl.DataFrame, another: pl.Series) -> bool:
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
    read = frame.select("through_date", "units").hstack([coded(frame[name]) for name in CODED])
    row = told["row"]
    lying = read if row.is_sorted() else read[row]
    return told.hstack(lying).with_columns(code_set.made(_release), _NO_UNITS)


def coded(texts: pl.Series) -> pl.Series:
    """Return *texts* as categories."""
    if texts.len() and is_the_same_everywhere(texts):
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
    numbers = {"patient": numbers_of(another), "visit": numbers_of(another | begins(day))}
    return pl.DataFrame([lying["row"], day]).with_columns(**numbers)


def _another_patient(who: pl.DataFrame) -> pl.Series:
    """Whether each line is another patient's than the one before it."""
    return reduce(or_, (begins(who[each]) for each in _PATIENT))


def _lie_by_visit(lines: pl.DataFrame, another: pl.Series) -> bool:
    """Whether each patient's rows lie together, by date: no two rows that begin a patient are the same one's."""
    day = lines["date_of_service"]
    if day.null_count() or not (another[1:] | (day[1:] >= day[:-1])).all():
        return False
    whose = lines["beneficiary"].filter(another)
    if whose.is_sorted() and begins(whose).all():
        return True
    begin = those(lines.select(_PATIENT), another)
    return begin.select(_WHOSE).to_series().n_unique() == begin.height


def _sorted(who: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Bring each patient's rows together, by date; say where another patient's begin.

    One number stands for patient and day: it is sorted in a tenth of the time that the texts are. Should two patients
    have the same number by chance, it is made otherwise.
    """
    tried = (_by_number(who, seed) for seed in count(step=len(_PATIENT)))
    found = ((lying, _another_patient(lying)) for lying in tried)
    return next((lying, another) for lying, another in found if (begins(lying["whose"]) | ~another).all())


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


def in_one(high: Numbers, low: Numbers) -> Numbers:
    """Return two numbers of 32 bits as one: by one number polars joins and groups in half the time that two take."""
    return high.cast(pl.UInt64) * 2**32 + low.cast(pl.UInt64)


def count_up(number: int) -> pl.Series:
    """Return the numbers from 0 on, so many."""
    return pl.int_range(number, dtype=pl.UInt32, eager=True)


def all_of(value: int | None, number: int) -> pl.Series:
    """Return *value* so many times."""
    return pl.Series([value], dtype=pl.UInt32).new_from_index(0, number)


def begins(values: pl.Series) -> pl.Series:
    """Say of each value whether it is another than the one before it."""
    later, sooner = values[1:], values[:-1]
    differs = later.ne_missing(sooner) if values.null_count() else later != sooner
    return pl.concat([_TRUE[: values.len()], differs], rechunk=True)


_TRUE = pl.Series([True])


def numbers_of(begin: pl.Series) -> pl.Series:
    """Return the number, from 0 on, of what each value belongs to, if *begin* says where another one begins.

    Counting what is not null takes a quarter of the time of a sum.
    """
    return begin.to_frame("begin").select(_COUNTED).to_series()


_COUNTED = pl.when("begin").then(pl.lit(0, dtype=pl.UInt8)).cum_count() - 1


def places_of(which: pl.Series) -> pl.Series:
    """Return the places where *which* holds."""
    return count_up(which.len()).filter(which)


def distinct(lines: pl.DataFrame, key: Sequence[str]) -> tuple[pl.DataFrame, pl.Series]:
    """Return the distinct among *lines* by *key*, and which of them each line is."""
    here, keys = count_up(lines.height), lines[list(key)]
    first = _first_of_few(keys) if lines.height <= _FEW else _first_of_many(keys, here)
    is_first = first == here
    found = those(keys, is_first)
    which = here.clone().scatter(here.filter(is_first), here.head(found.height))
    return found, which[first]


_FEW = 50
"""So few lines are compared sooner in Python."""


def _first_of_few(keys: pl.DataFrame) -> pl.Series:
    seen: dict[tuple[Any, ...], int] = {}
    return pl.Series([seen.setdefault(key, place) for place, key in enumerate(keys.iter_rows())], dtype=pl.UInt32)


def _first_of_many(keys: pl.DataFrame, here: pl.Series) -> pl.Series:
    return keys.hstack([here.alias("here")]).select(pl.col("here").first().over(keys.columns)).to_series()


def those(lines: pl.DataFrame, which: pl.Series) -> pl.DataFrame:
    """Return the lines that *which* says; for one claim sooner than by a plan."""
    return pl.DataFrame([column.filter(which) for column in lines])


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


def among(rows: pl.Series, chosen: pl.Series) -> pl.Series:
    """Whether each of *rows* is one of the *chosen* ones. Rows are small numbers: marks are quicker than a look-up."""
    if chosen.is_empty() or rows.is_empty():
        return nowhere(rows.len())
    most: Any = pl.concat([rows, chosen]).max()
    return nowhere(most + 1).scatter(chosen, values=True)[rows]


def is_the_same_everywhere(values: pl.Series) -> bool:
    """Say whether all *values* are one, or all are null."""
    nulls = values.null_count()
    return nulls == values.len() or (nulls == 0 and bool((values == values.first()).all()))


def nowhere(length: int) -> pl.Series:
    """Return *length* times false, to be marked."""
    return pl.Series([False]).new_from_index(0, length)


def _release(code_set: CodeSet) -> pl.Expr:
    release = pl.lit(None, dtype=pl.UInt16)
    for each in code_set.releases.iter_rows(named=True):
        covers = pl.col("date_of_service").is_between(each["first"], each["last"])
        release = pl.when(covers).then(pl.lit(each["release"], dtype=pl.UInt16)).otherwise(release)
    return release.alias("release")
