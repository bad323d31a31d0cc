"""Lines in which nothing is wrong, told by their distinct values: checks of every line are for files with faults."""

from collections.abc import Mapping

import polars as pl

from codeset.claims.claim_fields import CODED, FIELDS, REQUIRED
from codeset.claims.engine.lines import begins, coded, is_the_same_everywhere, lie_by_claim
from codeset.claims.input.check import date_of, is_malformed, typed

_NAMES = ("claim_id", "beneficiary", "provider")
"""Fields that hold another value in every few lines."""

_DATES = ("date_of_service", "through_date")

_READ_AS_THEY_ARE = (pl.String, pl.Date)

_LINE_NUMBERS = 1 << 20
"""More than there are line numbers: up to six digits."""


def sound_lines(table: pl.DataFrame) -> pl.DataFrame | None:
    """Return the lines of *table* (fields of `FIELDS`, text or typed) in the types of `COLUMNS` if every check passes.

    None if one may not pass, or if a value has blanks to be trimmed: then every line is to be looked at.
    """
    if any(table[field].null_count() for field in REQUIRED):
        return None
    texts = [table[field] for field in CODED if table.schema.get(field) == pl.String]
    table = table.with_columns(map(coded, texts)).rechunk()  # columns in pieces are compared in twice the time
    another = {field: begins(table[field]) for field in _NAMES}
    told = [values.filter(another[values.name]) if values.name in _NAMES else _told_once(values) for values in table]
    if not all(_are_sound(values) for values in told) or _is_told_twice(table):
        return None
    absent = [pl.lit(None, dtype=pl.String).alias(field) for field in FIELDS if field not in table.columns]
    lines = typed(table.with_columns(absent))
    turned = lines.select((pl.col("through_date") < pl.col("date_of_service")).any()).item()
    return lines if not turned and _claims_are_sound(lines, another) else None


def as_it_is(kind: pl.DataType) -> bool:
    """Whether values of *kind* need not be made text to be checked."""
    return kind.is_integer() or kind in _READ_AS_THEY_ARE


def _told_once(values: pl.Series) -> pl.Series:
    """The distinct ones of *values*; of numbers and days the ends, as those between have the form that both have."""
    if values.dtype.is_integer() or values.dtype == pl.Date:
        ends = (values.to_frame().select(end) for end in (pl.all().min(), pl.all().max()))
        return pl.concat(ends).to_series()
    return values.head(1) if is_the_same_everywhere(values) else values.unique()


def _are_sound(values: pl.Series) -> bool:
    """Whether each of *values* has the form of its field and nothing around it."""
    field, text = values.name, values.cast(pl.String)
    if field in _NAMES and _are_plain(text):
        return True
    meant = pl.col(field).is_not_null() & ~_is_blank_as_meant(field)
    wrong = is_malformed(field) | pl.col(field).str.contains(r"^\s|\s$|\s\s|[\t\n\r]")
    if field in _DATES:
        wrong |= date_of(field).is_null()
    return not text.to_frame().filter(meant).select(wrong.any()).item()


def _are_plain(names: pl.Series) -> bool:
    """Whether each is one word in ASCII, as nearly all are: their bytes tell in less time than a pattern takes."""
    octets = names.cast(pl.Binary).cast(pl.List(pl.UInt8)).explode()
    return bool((names != "").all() and octets.is_between(ord("!"), ord("~")).all())


def _is_blank_as_meant(field: str) -> pl.Expr:
    """Whether the value is the blank that stands for no modifiers."""
    return (pl.col(field) == "") & (field == "modifiers")


def _is_told_twice(table: pl.DataFrame) -> bool:
    both = ("charge", "charge_cents")
    if not set(both) <= set(table.columns):
        return False
    return bool(table.select(pl.all_horizontal(pl.col(each).is_not_null() for each in both).any()).item())


def _claims_are_sound(lines: pl.DataFrame, another: Mapping[str, pl.Series]) -> bool:
    """Whether each claim has one beneficiary and each line number once; *another* says where the next one begins.

    Lines that do not lie by claim and line are sorted by a number that stands for both; False also if two claims share
    one by chance.
    """
    if lie_by_claim(lines, another["claim_id"]):
        return not (another["beneficiary"] & ~another["claim_id"]).any()
    claim, line = pl.col("claim_id"), pl.col("line")
    same, later = claim == claim.shift(), line > line.shift()
    other = pl.col("beneficiary") != pl.col("beneficiary").shift()
    whose = claim.hash() // _LINE_NUMBERS
    told = lines.select("claim_id", "line", "beneficiary")
    numbered = told.with_columns(whose.alias("whose"), (whose * _LINE_NUMBERS + line.cast(pl.UInt64)).alias("number"))
    shared = pl.col("whose") == pl.col("whose").shift()
    return not numbered.sort("number").select((shared & ~(same & later & ~other)).any()).item()
