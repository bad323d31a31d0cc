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


def numbered(frame: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Return *frame* as the edits read it: `row` is the place in *frame*; rows lie by patient and visit.

    `patient` numbers beneficiaries as one practitioner sees them, `visit` the days on which they met; `release` is the
    place of the release that covers the date, null if none does. Physicians of one group and specialty count as one
    (IOM 100-04 ch. 12, section 30.6.5).
    """
    shared = pl.col("group").is_not_null() & pl.col("specialty").is_not_null()
    who = frame.select(
        "beneficiary",
        pl.when(shared).then("group").otherwise("provider").alias("practitioner"),
        pl.when(shared).then("specialty").alias("specialty"),
        "date_of_service",
    )
    told = _by_visit(who)
    row = told["row"]
    return told.with_columns(
        *frame.select(
            pl.col("through_date").gather(row),
            *(pl.col(name).cast(CODE).gather(row) for name in ("hcpcs", "modifiers", "place_of_service")),
            pl.col("units").gather(row),
        ),
        _release(code_set).alias("release"),
    ).with_columns((pl.col("units") < 1).alias("no_units"))


def _by_visit(who: pl.DataFrame) -> pl.DataFrame:
    """`row`, `date_of_service`, `patient` and `visit`, so that the rows of a patient lie together, by date and row.

    One number stands for patient and day: it is sorted in a tenth of the time that the texts are. Should two patients
    have the same number by chance, it is made otherwise.
    """
    patients_lie_apart = pl.col("whose").ne_missing(pl.col("whose").shift()) | ~_begins(_PATIENT)
    tried = (_by_number(who, seed) for seed in count(step=len(_PATIENT)))
    lying = next(each for each in tried if each.select(patients_lie_apart.all()).item())
    return lying.select(
        "row", "date_of_service", _runs(_PATIENT).alias("patient"), _runs((*_PATIENT, "date_of_service")).alias("visit")
    )


def _by_number(who: pl.DataFrame, seed: int) -> pl.DataFrame:
    day = pl.col("date_of_service").to_physical().cast(pl.Int64)
    days = day.max().fill_null(0) - day.min().fill_null(0) + 2
    whose = pl.sum_horizontal(pl.col(name).hash(seed + place) for place, name in enumerate(_PATIENT)).hash(seed)
    numbered = who.with_row_index("row").with_columns(
        (whose // days.cast(pl.UInt64)).alias("whose"),
        (day - day.min()).fill_null(days - 1).cast(pl.UInt64).alias("day"),
        days.cast(pl.UInt64).alias("days"),
    )
    return numbered.sort(pl.col("whose") * pl.col("days") + pl.col("day"), maintain_order=True)


def in_one(high: Numbers, low: Numbers) -> Numbers:
    """Return two numbers of 32 bits as one: by one number polars joins and groups in half the time that two take."""
    return high.cast(pl.UInt64) * 2**32 + low.cast(pl.UInt64)


def partners(visit: pl.Series) -> Iterator[tuple[pl.Series, pl.Series]]:
    """Where two lines of one *visit* lie: each two once, those that are next to each other first.

    Lines lie by visit: the partners of a line are the next one, the one after it, and so on to the visit's end.
    """
    lying = pl.int_range(visit.len(), dtype=pl.UInt32, eager=True)
    for distance in range(1, visit.len()):
        left = visit.len() - distance
        one = lying.slice(0, left).filter(visit.slice(0, left) == visit.slice(distance))
        if one.is_empty():
            return
        yield one, one + distance


def starts(runs: pl.Series) -> pl.Series:
    """Whether each value is another than the one before it."""
    if runs.is_empty():
        return nowhere(0)
    return pl.concat([_FIRST, runs.slice(1) != runs.slice(0, runs.len() - 1)])


_FIRST = pl.Series([True])


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
    return release


def _begins(key: tuple[str, ...]) -> pl.Expr:
    return pl.any_horizontal(pl.col(column).ne_missing(pl.col(column).shift()) for column in key)


def _runs(key: tuple[str, ...]) -> pl.Expr:
    """Number the runs of equal *key*."""
    return _begins(key).cum_sum().cast(pl.UInt32)
