"""Why a diagnosis may not be billed on a date: not a code, a header, no longer or not yet valid; what replaced it."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from codeset.claims.edits.of_diagnoses.in_doubt import valid_diagnoses
from codeset.claims.engine.code_set import CodeSet

# A header may have a hundred codes under it; the sentence is for a person.
MOST_CODES_NAMED = 8
CATEGORY = 3
LAST = "~"
"""Sorts behind every character of a code."""


def with_reasons(diagnosis_cases: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Return those of *diagnosis_cases* (`release`, `date_of_service`, `diagnosis`) that may not be billed, with why.

    `reason`, and `detail`, what its sentence names. Each diagnosis is looked up once for each day.
    """
    case_columns = ["release", "date_of_service", "diagnosis"]
    distinct_cases = diagnosis_cases.select(case_columns).unique(maintain_order=True)
    reasons = [reason_not_valid(code_set, *case) for case in distinct_cases.iter_rows()]
    reason_columns = pl.DataFrame(reasons, schema={"reason": pl.String, "detail": pl.String}, orient="row")
    return diagnosis_cases.join(
        distinct_cases.hstack(reason_columns).drop_nulls("reason"), on=case_columns, maintain_order="left"
    )


def reason_not_valid(code_set: CodeSet, release: int, day: date, diagnosis: str) -> tuple[str | None, str | None]:
    """Return the reason for which *diagnosis* may not be billed, and what its sentence names; None if it may."""
    valid_codes = code_set.cached(valid_diagnoses)
    if release not in valid_codes or diagnosis in valid_codes[release]:
        return None, None
    diagnosis_text, codes_below = dotted_code(diagnosis), _codes_below(code_set, release, diagnosis)
    # A code that became a header was split into those under it, where the conversion table names no other.
    replacements = _replacements(code_set, release, diagnosis, day) or codes_below
    if _was_valid(code_set, release, diagnosis, day):
        named_text = f"{diagnosis_text}: {_codes_text(replacements)}" if replacements else diagnosis_text
        return "diagnosis-no-longer-valid", named_text
    if codes_below:
        return "diagnosis-header", f"{diagnosis_text}: {_codes_text(codes_below)}"
    if (first_day := _first_day_after(code_set, release, diagnosis, day)) is not None:
        return "diagnosis-not-yet-valid", f"{diagnosis_text}: {first_day}"
    if _is_outside_excerpt(code_set, release, diagnosis):
        return "diagnosis-outside-excerpt", diagnosis_text
    return "diagnosis-not-a-code", diagnosis_text


def _codes_below(code_set: CodeSet, release: int, header: str) -> list[str]:
    billable_codes = code_set.cached(_sorted_codes, release)
    return billable_codes[bisect_left(billable_codes, header) : bisect_right(billable_codes, header + LAST)]


def _sorted_codes(code_set: CodeSet, release: int) -> list[str]:
    return _release_rows(code_set, "diagnosis", release).filter("billable")["diagnosis"].sort().to_list()


def _release_rows(code_set: CodeSet, table: str, release: int) -> pl.DataFrame:
    return code_set.rows_for_diagnoses(table).filter(pl.col("release") == release)


def _replacements(code_set: CodeSet, release: int, diagnosis: str, day: date) -> list[str]:
    dated_replacements = code_set.cached(_replacements_of_codes, release).get(diagnosis, ())
    valid_codes = code_set.cached(valid_diagnoses)[release]
    return sorted(
        {code for effective_date, code in dated_replacements if effective_date <= day and code in valid_codes}
    )


def _replacements_of_codes(code_set: CodeSet, release: int) -> Mapping[str, Sequence[tuple[date, str]]]:
    """What replaced each code, and from which day on."""
    replacements_by_code = defaultdict(list)
    conversion_rows = _release_rows(code_set, "diagnosis_replacement", release).drop_nulls("effective_date")
    columns = ("previous_diagnosis", "effective_date", "diagnosis")
    for previous_code, *replacement in conversion_rows.select(columns).iter_rows():
        replacements_by_code[previous_code].append(tuple(replacement))
    return replacements_by_code


def _was_valid(code_set: CodeSet, release: int, diagnosis: str, day: date) -> bool:
    """Whether an earlier release at hand let it be billed, or the conversion table says what replaced it."""
    first_days, valid_codes = code_set.cached(_first_days), code_set.cached(valid_diagnoses)
    if _replacements(code_set, release, diagnosis, day):
        return True
    earlier_releases = (number for number in valid_codes if first_days[number] < first_days[release])
    return any(diagnosis in valid_codes[number] for number in earlier_releases)


def _first_day_after(code_set: CodeSet, release: int, diagnosis: str, day: date) -> date | None:
    """The first day after *day* from which the code may be billed, as far as a table at hand says it."""
    later_days = [
        effective_date
        for effective_date in code_set.cached(_days_of_new_codes).get(diagnosis, ())
        if effective_date > day
    ]
    valid_codes = code_set.cached(valid_diagnoses)
    for release_number, first_day in code_set.cached(_first_days).items():
        if first_day > day and diagnosis in valid_codes.get(release_number, ()):
            later_days.append(first_day)
    return min(later_days, default=None)


def _first_days(code_set: CodeSet) -> Mapping[int, date]:
    """The first day of each release, by its number."""
    return dict(code_set.releases.select("release", "first").iter_rows())


def _days_of_new_codes(code_set: CodeSet) -> Mapping[str, Sequence[date]]:
    """The days from which on a code replaced another, as the conversion tables have them."""
    days_by_code = defaultdict(list)
    conversion_rows = code_set.rows_for_diagnoses("diagnosis_replacement").drop_nulls("effective_date")
    for diagnosis, effective_date in conversion_rows.select("diagnosis", "effective_date").iter_rows():
        days_by_code[diagnosis].append(effective_date)
    return days_by_code


def _is_outside_excerpt(code_set: CodeSet, release: int, diagnosis: str) -> bool:
    """Whether the release's excerpt may lack the code: it does not have its category."""
    if code_set.cached(_scopes)[release] == "all":
        return False
    # An excerpt has whole chapters and categories of diagnoses (`codeset.scope`).
    return diagnosis[:CATEGORY] not in code_set.cached(_codes_and_headers, release)


def _scopes(code_set: CodeSet) -> Mapping[int, str]:
    return dict(code_set.releases.select("release", "scope").iter_rows())


def _codes_and_headers(code_set: CodeSet, release: int) -> frozenset[str]:
    return frozenset(_release_rows(code_set, "diagnosis", release)["diagnosis"])


def dotted_code(diagnosis: str) -> str:
    """Return a code as people write it."""
    return f"{diagnosis[:CATEGORY]}.{diagnosis[CATEGORY:]}" if len(diagnosis) > CATEGORY else diagnosis


def _codes_text(codes: list[str]) -> str:
    shown_codes = ", ".join(map(dotted_code, codes[:MOST_CODES_NAMED]))
    return f"{shown_codes}, and {len(codes) - MOST_CODES_NAMED} more" if len(codes) > MOST_CODES_NAMED else shown_codes
