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

_NAME_FIELDS = ("claim_id", "beneficiary", "provider")
"""Fields whose value changes every few lines."""

_LIST_FIELDS = ("diagnoses", "diagnoses_of_claim")
"""Fields that the lines of a claim share, and few claims have alike: they are checked sooner than made distinct."""

_DATE_FIELDS = ("date_of_service", "through_date")

_CHECKED_AS_THEY_ARE = (pl.String, pl.Date)

_LINE_NUMBERS = 1 << 20
"""More than there are line numbers: up to six digits."""

_MOST_LINES_CHECKED_SINGLY = 100
"""So few lines are checked value by value, in Python or in one query: what is left out of a longer file costs more
to tell."""

_NAME_PATTERN = FIELDS["claim_id"].pattern
_FIELD_PATTERNS = {name: re.compile(field.pattern) for name, field in FIELDS.items() if field.pattern != _NAME_PATTERN}
"""The forms of fields but names, which Python has no classes of characters for."""

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_USUAL_DAYS = range(date(1900, 1, 1).toordinal() - _EPOCH_ORDINAL, date(2200, 1, 1).toordinal() - _EPOCH_ORDINAL)


def valid_lines(table: pl.DataFrame) -> pl.DataFrame | None:
    """Return the lines of *table* (fields of `FIELDS`, text or typed) in the types of `COLUMNS` if every check passes.

    `diagnosis_pointers` stay where there are any (`with_own_diagnoses`). None if a check may not pass, or if a value
    has blanks to be trimmed: then `check_lines` looks at every line.
    """
    # Whatever may be wrong is left to the full check: this one says yes or "look closer", never no.
    if any(table[name].null_count() for name in REQUIRED):
        return None
    code_texts = [table[name] for name in CODED if table.schema.get(name) == pl.String]
    if code_texts:
        table = table.with_columns(map(as_codes, code_texts))
    table = table[[name for name in table.columns if name in REQUIRED or table[name].null_count() < table.height]]
    table = table.rechunk()  # columns in pieces are compared in twice the time
    starts_of_names = {name: starts_group(table[name]) for name in _NAME_FIELDS}
    if not _all_well_formed(table, starts_of_names) or _has_two_charges(table):
        return None
    # Absent columns cost nothing until here: no check has looked at them.
    absent_fields = [pl.lit(None, dtype=pl.String).alias(name) for name in FIELDS if name not in table.columns]
    lines = with_column_types(table.with_columns(absent_fields))
    if has_stray_pointer(lines):
        return None
    is_backwards = lines["through_date"] < lines["date_of_service"]
    return lines if not is_backwards.any() and _claims_agree(lines, starts_of_names) else None


def can_stay(field_name: str, dtype: pl.DataType) -> bool:
    """Whether values of *dtype* in the field *field_name* are checked without being made text."""
    return dtype.is_integer() or dtype in _CHECKED_AS_THEY_ARE or (field_name in CODED and dtype == CODE)


def _representative_values(values: pl.Series) -> pl.Series:
    """The distinct *values*, or nearly so; of numbers and days the least and the greatest.

    Those between have the form of both.
    """
    # The pattern of a whole number bounds its digits, that of a date its year: what holds at both ends holds between.
    if values.dtype.is_integer() or values.dtype == pl.Date:
        least_and_greatest = (values.to_frame().select(extreme) for extreme in (pl.all().min(), pl.all().max()))
        return pl.concat(least_and_greatest).to_series()
    if values.name in _LIST_FIELDS:
        return values.filter(starts_group(values))
    return values.head(1) if is_constant(values) else values.unique()


def _all_well_formed(table: pl.DataFrame, starts_of_names: Mapping[str, pl.Series]) -> bool:
    """Whether all values of *table* have the form of their field and no blanks around them."""
    if table.height <= _MOST_LINES_CHECKED_SINGLY:
        return all(map(_are_plainly_well_formed, table)) or not any(
            table.select(pl.all().cast(pl.String)).select(map(_has_fault, table.columns)).row(0)
        )
    return all(
        _are_plain_words(values.filter(starts_of_names[values.name]))
        or _are_well_formed(values.filter(starts_of_names[values.name]))
        if values.name in _NAME_FIELDS
        else _are_well_formed(_representative_values(values))
        for values in table
    )


def _are_plainly_well_formed(values: pl.Series) -> bool:
    """Whether all of a few values are plain: texts in ASCII or numbers of the form of their field, and usual days."""
    if values.dtype == pl.Date and values.name in _DATE_FIELDS:
        return all(day is None or day in _USUAL_DAYS for day in values.cast(pl.Int32).to_list())
    if values.name in _DATE_FIELDS and values.null_count() < values.len():
        return False
    return all(value is None or _is_plain(values.name, str(value)) for value in values.to_list())


def _is_plain(field_name: str, field_text: str) -> bool:
    """Whether *field_text* has the form of field *field_name*, and in ASCII no blanks around or beside each other."""
    if field_name == "modifiers" and not field_text:
        return True
    has_form = field_name not in _FIELD_PATTERNS or _FIELD_PATTERNS[field_name].fullmatch(field_text)
    return bool(
        has_form
        and field_text
        and field_text.isascii()
        and field_text.isprintable()
        and " ".join(field_text.split()) == field_text
    )


def _are_well_formed(values: pl.Series) -> bool:
    return not values.cast(pl.String).to_frame().select(_has_fault(values.name)).item()


def _has_fault(field_name: str) -> pl.Expr:
    """Whether a value of the field *field_name*, as text, has another form than the field's, or blanks around it."""
    is_value = pl.col(field_name).is_not_null() & ~_is_no_modifier(field_name)
    is_wrong = is_malformed(field_name)
    if field_name not in _LIST_FIELDS:  # whose form leaves no room for other blanks, and whose texts are long
        is_wrong |= pl.col(field_name).str.contains(r"^\s|\s$|\s\s|[\t\n\r]")
    if field_name in _DATE_FIELDS:
        is_wrong |= date_of(field_name).is_null()
    return is_wrong.filter(is_value).any().alias(field_name)


def _are_plain_words(name_values: pl.Series) -> bool:
    """Whether all are one word in ASCII, as nearly all names are: bytes are looked at sooner than patterns."""
    octets = name_values.cast(pl.Binary).cast(pl.List(pl.UInt8)).explode()
    return bool((name_values != "").all() and octets.is_between(ord("!"), ord("~")).all())


def _is_no_modifier(field_name: str) -> pl.Expr:
    """Whether the value is the empty text that means no modifiers."""
    return (pl.col(field_name) == "") & (field_name == "modifiers")


def _has_two_charges(table: pl.DataFrame) -> bool:
    """Whether a line gives both dollars and cents."""
    charge_fields = ("charge", "charge_cents")
    if not set(charge_fields) <= set(table.columns):
        return False
    return bool(table.select(pl.all_horizontal(pl.col(name).is_not_null() for name in charge_fields).any()).item())


def _claims_agree(lines: pl.DataFrame, starts_of_names: Mapping[str, pl.Series]) -> bool:
    """Whether each claim has one beneficiary and each line number once; *starts_of_names*: where another one begins.

    Lines that are not sorted by claim and line are sorted by one number for both; False also if two claims
    share one by chance.
    """
    if is_sorted_by_claim(lines, starts_of_names["claim_id"]):
        return not (starts_of_names["beneficiary"] & ~starts_of_names["claim_id"]).any()
    claim_id, line_number = pl.col("claim_id"), pl.col("line")
    same_claim, later_line = claim_id == claim_id.shift(), line_number > line_number.shift()
    other_beneficiary = pl.col("beneficiary") != pl.col("beneficiary").shift()
    claim_hash = claim_id.hash() // _LINE_NUMBERS
    claim_keys = lines.select("claim_id", "line", "beneficiary").with_columns(
        claim_hash.alias("claim_hash"), (claim_hash * _LINE_NUMBERS + line_number.cast(pl.UInt64)).alias("number")
    )
    same_hash = pl.col("claim_hash") == pl.col("claim_hash").shift()
    is_doubtful = same_hash & ~(same_claim & later_line & ~other_beneficiary)
    return not claim_keys.sort("number").select(is_doubtful.any()).item()
