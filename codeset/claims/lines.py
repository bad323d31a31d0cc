"""Claim lines as frames: as they come, and as the edits read them: few narrow columns, numbers in place of texts."""

from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import count

import polars as pl

from codeset.claims.code_set import CodeSet
from codeset.claims.rules import known_modifiers, rules, visits

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

CODE = pl.Categorical()
"""The type of every column that joins on codes or modifiers: compared as numbers, read as text."""

_PATIENT = ("beneficiary", "practitioner", "specialty")
"""Whom an edit sees as one: a beneficiary, as one practitioner or one group and specialty knows them."""

_ONCE = ("release", "hcpcs", "modifiers", "place_of_service", "no_units")
"""What a line says by itself: lines alike in these are of one kind."""

_FEES = ("status_code", "global_days", "pctc_indicator", "nonfacility_total_rvu")
_INDICATORS = ("bilateral_surgery", "assistant_surgery", "co_surgery", "team_surgery")
_HELD = ("scope", "has_mpfs", "has_ptp", "has_mue", "has_add_on")
_TEXTS = ("distinct", "for_visit", "other_bypass", "site", "unknown_modifiers")


def kinds(lines: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Return each kind of line that occurs in *lines* once, with all that its code and its modifiers mean.

    `kind` numbers them. Besides `_ONCE` and the fee schedule's columns of the whole service: `is_visit` (an evaluation
    and management service), and the columns of `meanings`.
    """
    return (
        lines.select("kind", *_ONCE)
        .unique("kind", keep="first")
        .join(meanings(lines["modifiers"]), on="modifiers", how="left")
        .join(code_set.made(_whole_services), on=["release", "hcpcs"], how="left")
        .join(code_set.made(_held), on="release", how="left")
        .with_columns(pl.col("hcpcs").is_in(_visit_codes()).alias("is_visit"))
    )


def _whole_services(code_set: CodeSet) -> pl.DataFrame:
    fees = code_set.fees.filter(modifier="").select("release", "hcpcs", *_FEES, *_INDICATORS)
    return fees.with_columns(pl.col("hcpcs").cast(CODE))


def _held(code_set: CodeSet) -> pl.DataFrame:
    return code_set.releases.select("release", *_HELD)


@cache
def _visit_codes() -> pl.Series:
    return pl.Series(sorted(visits()), dtype=CODE).implode()


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
    read = frame.select(
        "through_date", *(pl.col(name).cast(CODE) for name in ("hcpcs", "modifiers", "place_of_service")), "units"
    )
    row = told["row"]
    lying = read if row.is_sorted() else read[row]
    return told.hstack(lying).with_columns(
        code_set.made(_release).alias("release"), (pl.col("units") < 1).alias("no_units")
    )


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
    begin = lines.select(_whose(0)).to_series().filter(another)
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


def of_kinds(lines: pl.DataFrame) -> pl.DataFrame:
    """Add `kind`: lines of one kind are alike by themselves."""
    return lines.with_columns(pl.col("row").first().over(_ONCE).alias("kind"))


def in_one(high: pl.Expr, low: pl.Expr) -> pl.Expr:
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


def _release(code_set: CodeSet) -> pl.Expr:
    release = pl.lit(None, dtype=pl.UInt16)
    for each in code_set.releases.iter_rows(named=True):
        covers = pl.col("date_of_service").is_between(each["first"], each["last"])
        release = pl.when(covers).then(pl.lit(each["release"], dtype=pl.UInt16)).otherwise(release)
    return release
