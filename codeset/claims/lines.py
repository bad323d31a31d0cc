"""Claim lines as frames: as they come, and as the edits read them: few narrow columns, numbers in place of texts."""

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import count
from typing import Any, TypeVar

import polars as pl

from codeset.claims.code_set import CodeSet
from codeset.claims.rules import known_modifiers, rules

COLUMNS: Mapping[str, pl.DataType] = {
    "claim_id": pl.String(),
    "line": pl.Int32(),
    "beneficiary": pl.String(),
    "provider": pl.String(),
    "group": pl.String(),
    "specialty": pl.String(),
    "date_of_service": pl.Date(),
    "through_date": pl.Date(),
    "hcpcs": pl.String(),
    "modifiers": pl.String(),
    "units": pl.Int32(),
    "place_of_service": pl.String(),
    "locality": pl.String(),
    "charge_cents": pl.Int64(),
    "lesion": pl.String(),
}
"""The columns of claim lines. `modifiers` are separated by spaces, in order; `locality` is `mac-locality` or
`national`; the columns of `OPTIONAL` may be null."""

OPTIONAL = ("group", "specialty", "through_date", "charge_cents", "lesion")

Numbers = TypeVar("Numbers", pl.Expr, pl.Series)

CODE = pl.Categorical()
"""The type of every column that joins on codes or modifiers: compared as numbers, read as text."""

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


def lie_by_claim(lines: pl.DataFrame) -> bool:
    """Say whether *lines* lie by claim and, in each, by line number, none of them twice."""
    claim, line = lines["claim_id"], lines["line"]
    another = begins(claim)
    return claim.filter(another).is_sorted() and bool((another[1:] | (line[1:] > line[:-1])).all())


def numbered(frame: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Return *frame* as the edits read it: `row` is the place in *frame*; rows lie by patient and visit.

    `patient` numbers beneficiaries as one practitioner sees them, `visit` the days on which they met; `release` is the
    place of the release that covers the date, null if none does. Physicians of one group and specialty count as one
    (IOM 100-04 ch. 12, section 30.6.5).
    """
    told = _by_visit(frame.select("beneficiary", *_PRACTITIONER, "date_of_service"))
    read = frame.select(_READ)
    row = told["row"]
    lying = read if row.is_sorted() else read[row]
    return told.hstack(lying).with_columns(code_set.made(_release), _NO_UNITS)


_READ = (
    pl.col("through_date"),
    *(pl.col(name).cast(CODE) for name in ("hcpcs", "modifiers", "place_of_service")),
    pl.col("units"),
)
_NO_UNITS = (pl.col("units") < 1).alias("no_units")


_SHARED = pl.col("group").is_not_null() & pl.col("specialty").is_not_null()
_PRACTITIONER = (
    pl.when(_SHARED).then("group").otherwise("provider").alias("practitioner"),
    pl.when(_SHARED).then("specialty").alias("specialty"),
)


def _by_visit(who: pl.DataFrame) -> pl.DataFrame:
    """`row`, `date_of_service`, `patient` and `visit`, so that the rows of a patient lie together, by date and row."""
    lying = who.with_row_index("row").with_columns(_BEGINS)
    if not _lie_by_visit(lying):
        lying = _sorted(who)
    return lying.select(_OF_VISIT)


def _lie_by_visit(lines: pl.DataFrame) -> bool:
    """Whether each patient's rows lie together, by date: no two rows that begin a patient are the same one's."""
    day, another = lines["date_of_service"], lines["begins"]
    if day.null_count() or not (another[1:] | (day[1:] >= day[:-1])).all():
        return False
    if another.sum() == 1:
        return True
    begin = lines.select(_WHOSE).to_series().filter(another)
    return begin.n_unique() == begin.len()


def _sorted(who: pl.DataFrame) -> pl.DataFrame:
    """Bring each patient's rows together, by date.

    One number stands for patient and day: it is sorted in a tenth of the time that the texts are. Should two patients
    have the same number by chance, it is made otherwise.
    """
    tried = (_by_number(who, seed) for seed in count(step=len(_PATIENT)))
    another = pl.col("whose").ne_missing(pl.col("whose").shift())
    return next(each for each in tried if each.select((another | ~pl.col("begins")).all()).item())


def _by_number(who: pl.DataFrame, seed: int) -> pl.DataFrame:
    day = pl.col("date_of_service").to_physical().cast(pl.Int64)
    days = day.max().fill_null(0) - day.min().fill_null(0) + 2
    numbered = who.with_row_index("row").with_columns(
        (_whose(seed) // days.cast(pl.UInt64)).alias("whose"),
        (day - day.min()).fill_null(days - 1).cast(pl.UInt64).alias("day"),
        days.cast(pl.UInt64).alias("days"),
    )
    lying = numbered.sort(pl.col("whose") * pl.col("days") + pl.col("day"), maintain_order=True)
    return lying.with_columns(_BEGINS)


_BEGINS = pl.any_horizontal(pl.col(each).ne_missing(pl.col(each).shift()) for each in _PATIENT).alias("begins")
_ANOTHER_DAY = pl.col("date_of_service").ne_missing(pl.col("date_of_service").shift())
_OF_VISIT = (
    pl.col("row"),
    pl.col("date_of_service"),
    pl.col("begins").cum_sum().cast(pl.UInt32).alias("patient"),
    (pl.col("begins") | _ANOTHER_DAY).cum_sum().cast(pl.UInt32).alias("visit"),
)


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
    return pl.concat([_TRUE[: values.len()], values[1:] != values[:-1]])


_TRUE = pl.Series([True])


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


def nowhere(length: int) -> pl.Series:
    """Return *length* times false, to be marked."""
    return pl.Series([False]).new_from_index(0, length)


def _release(code_set: CodeSet) -> pl.Expr:
    release = pl.lit(None, dtype=pl.UInt16)
    for each in code_set.releases.iter_rows(named=True):
        covers = pl.col("date_of_service").is_between(each["first"], each["last"])
        release = pl.when(covers).then(pl.lit(each["release"], dtype=pl.UInt16)).otherwise(release)
    return release.alias("release")
