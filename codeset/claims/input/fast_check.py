"""Checks by distinct values, for files without a fault: checks of every line are for files that have one."""

import re
from collections.abc import Mapping
from datetime import date

import polars as pl

from codeset.claims.claim_fields import CODE, CODED, FIELDS, REQUIRED
from codeset.claims.engine.lines import as_codes, is_sorted_by_claim
from codeset.claims.engine.pointed_diagnoses import has_stray_pointer
from codeset.claims.engine.series import is_constant, starts_group
from codeset.claims.input.check import date_of, is_malformed, with_column_types

_NAMES = ("claim_id", "beneficiary", "provider")
"""Fields whose value changes every few lines."""

_LISTS = ("diagnoses", "diagnoses_of_claim")
"""Fields that the lines of a claim share, and few claims have alike: they are checked sooner than made distinct."""

_DATES = ("date_of_service", "through_date")

_CHECKED_AS_THEY_ARE = (pl.String, pl.Date)

_LINE_NUMBERS = 1 << 20
"""More than there are line numbers: up to six digits."""

_FEW = 100
"""So few lines are checked value by value, in Python or in one query: what is left out of a longer file costs more
to tell."""

_NAME_FORM = FIELDS["claim_id"].pattern
_FORMS = {name: re.compile(field.pattern) for name, field in FIELDS.items() if field.pattern != _NAME_FORM}
"""The forms of fields but names, which Python has no classes of characters for."""

_EPOCH = date(1970, 1, 1).toordinal()
_USUAL_DAYS = range(date(1900, 1, 1).toordinal() - _EPOCH, date(2200, 1, 1).toordinal() - _EPOCH)


def valid_lines(table: pl.DataFrame) -> pl.DataFrame | None:
    """Return the lines of *table* (fields of `FIELDS`, text or typed) in the types of `COLUMNS` if every check passes.

    `diagnosis_pointers` stay where there are any (`with_own_diagnoses`). None if a check may not pass, or if a value
    has blanks to be trimmed: then `check_lines` looks at every line.
    """
    # Whatever may be wrong is left to the full check: this one says yes or "look closer", never no.
    if any(table[name].null_count() for name in REQUIRED):
        return None
    texts = [table[name] for name in CODED if table.schema.get(name) == pl.String]
    if texts:
        table = table.with_columns(map(as_codes, texts))
    table = table[[name for name in table.columns if name in REQUIRED or table[name].null_count() < table.height]]
    table = table.rechunk()  # columns in pieces are compared in twice the time
    changes = {name: starts_group(table[name]) for name in _NAMES}
    if not _all_well_formed(table, changes) or _has_two_charges(table):
        return None
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in FIELDS if name not in table.columns]
    lines = with_column_types(table.with_columns(absent))
    if has_stray_pointer(lines):
        return None
    is_backwards = lines["through_date"] < lines["date_of_service"]
    return lines if not is_backwards.any() and _claims_agree(lines, changes) else None


def can_stay(name: str, dtype: pl.DataType) -> bool:
    """Whether values of *dtype* in the field *name* are checked without being made text."""
    return dtype.is_integer() or dtype in _CHECKED_AS_THEY_ARE or (name in CODED and dtype == CODE)


def _distinct(values: pl.Series) -> pl.Series:
    """The distinct *values*, or nearly so; of numbers and days the least and the greatest.

    Those between have the form of both.
    """
    # The pattern of a whole number bounds its digits, that of a date its year: what holds at both ends holds between.
    if values.dtype.is_integer() or values.dtype == pl.Date:
        ends = (values.to_frame().select(end) for end in (pl.all().min(), pl.all().max()))
        return pl.concat(ends).to_series()
    if values.name in _LISTS:
        return values.filter(starts_group(values))
    return values.head(1) if is_constant(values) else values.unique()


def _all_well_formed(table: pl.DataFrame, changes: Mapping[str, pl.Series]) -> bool:
    """Whether all values of *table* have the form of their field and no blanks around them."""
    if table.height <= _FEW:
        return all(map(_are_plainly_well_formed, table)) or not any(
            table.select(pl.all().cast(pl.String)).select(map(_has_fault, table.columns)).row(0)
        )
    return all(
        _are_plain_words(values.filter(changes[values.name])) or _are_well_formed(values.filter(changes[values.name]))
        if values.name in _NAMES
        else _are_well_formed(_distinct(values))
        for values in table
    )


def _are_plainly_well_formed(values: pl.Series) -> bool:
    """Whether all of a few values are plain: texts in ASCII or numbers of the form of their field, and usual days."""
    if values.dtype == pl.Date and values.name in _DATES:
        return all(day is None or day in _USUAL_DAYS for day in values.cast(pl.Int32).to_list())
    if values.name in _DATES and values.null_count() < values.len():
        return False
    return all(value is None or _is_plain(values.name, str(value)) for value in values.to_list())


def _is_plain(name: str, text: str) -> bool:
    """Whether *text* has the form of the field *name*, and in ASCII no blanks around or beside each other."""
    if name == "modifiers" and not text:
        return True
    has_form = name not in _FORMS or _FORMS[name].fullmatch(text)
    return bool(has_form and text and text.isascii() and text.isprintable() and " ".join(text.split()) == text)


def _are_well_formed(values: pl.Series) -> bool:
    return not values.cast(pl.String).to_frame().select(_has_fault(values.name)).item()


def _has_fault(name: str) -> pl.Expr:
    """Whether a value of the field *name*, as text, has another form than the field's, or blanks around it."""
    is_value = pl.col(name).is_not_null() & ~_is_no_modifier(name)
    wrong = is_malformed(name)
    if name not in _LISTS:  # whose form leaves no room for other blanks, and whose texts are long
        wrong |= pl.col(name).str.contains(r"^\s|\s$|\s\s|[\t\n\r]")
    if name in _DATES:
        wrong |= date_of(name).is_null()
    return wrong.filter(is_value).any().alias(name)


def _are_plain_words(names: pl.Series) -> bool:
    """Whether all are one word in ASCII, as nearly all names are: bytes are looked at sooner than patterns."""
    octets = names.cast(pl.Binary).cast(pl.List(pl.UInt8)).explode()
    return bool((names != "").all() and octets.is_between(ord("!"), ord("~")).all())


def _is_no_modifier(name: str) -> pl.Expr:
    """Whether the value is the empty text that means no modifiers."""
    return (pl.col(name) == "") & (name == "modifiers")


def _has_two_charges(table: pl.DataFrame) -> bool:
    """Whether a line gives both dollars and cents."""
    both = ("charge", "charge_cents")
    if not set(both) <= set(table.columns):
        return False
    return bool(table.select(pl.all_horizontal(pl.col(name).is_not_null() for name in both).any()).item())


def _claims_agree(lines: pl.DataFrame, changes: Mapping[str, pl.Series]) -> bool:
    """Whether each claim has one beneficiary and each line number once; *changes* says where another value begins.

    Lines that are not sorted by claim and line are sorted by a number that stands for both; False also if two claims
    share one by chance.
    """
    if is_sorted_by_claim(lines, changes["claim_id"]):
        return not (changes["beneficiary"] & ~changes["claim_id"]).any()
    claim, line = pl.col("claim_id"), pl.col("line")
    same_claim, later_line = claim == claim.shift(), line > line.shift()
    other_beneficiary = pl.col("beneficiary") != pl.col("beneficiary").shift()
    claim_hash = claim.hash() // _LINE_NUMBERS
    keys = lines.select("claim_id", "line", "beneficiary").with_columns(
        claim_hash.alias("claim_hash"), (claim_hash * _LINE_NUMBERS + line.cast(pl.UInt64)).alias("number")
    )
    same_hash = pl.col("claim_hash") == pl.col("claim_hash").shift()
    return not keys.sort("number").select((same_hash & ~(same_claim & later_line & ~other_beneficiary)).any()).item()
