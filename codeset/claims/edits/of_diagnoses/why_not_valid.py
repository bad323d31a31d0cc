"""Why a diagnosis may not be billed on a date: not a code, a header, no longer or not yet valid; what replaced it."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from codeset.claims.edits.of_diagnoses.in_doubt import valid_diagnoses
from codeset.claims.engine.code_set import CodeSet

MOST_NAMED = 8
CATEGORY = 3
LAST = "~"
"""Sorts behind every character of a code."""


def with_reasons(cases: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Return those of *cases* (`release`, `date_of_service`, `diagnosis`) that may not be billed, with why.

    `reason`, and `detail`, what its sentence names. Each diagnosis is looked up once for each day.
    """
    key = ["release", "date_of_service", "diagnosis"]
    distinct = cases.select(key).unique(maintain_order=True)
    reasons = [reason_not_valid(code_set, *case) for case in distinct.iter_rows()]
    columns = pl.DataFrame(reasons, schema={"reason": pl.String, "detail": pl.String}, orient="row")
    return cases.join(distinct.hstack(columns).drop_nulls("reason"), on=key, maintain_order="left")


def reason_not_valid(code_set: CodeSet, release: int, day: date, diagnosis: str) -> tuple[str | None, str | None]:
    """Return the reason for which *diagnosis* may not be billed, and what its sentence names; None if it may."""
    valid = code_set.cached(valid_diagnoses)
    if release not in valid or diagnosis in valid[release]:
        return None, None
    written, below = dotted(diagnosis), _codes_below(code_set, release, diagnosis)
    replacements = _replacements(code_set, release, diagnosis, day) or below
    if _was_valid(code_set, release, diagnosis, day):
        return "diagnosis-no-longer-valid", f"{written}: {_named(replacements)}" if replacements else written
    if below:
        return "diagnosis-header", f"{written}: {_named(below)}"
    if (first := _first_day_after(code_set, release, diagnosis, day)) is not None:
        return "diagnosis-not-yet-valid", f"{written}: {first}"
    if _is_outside_excerpt(code_set, release, diagnosis):
        return "diagnosis-outside-excerpt", written
    return "diagnosis-not-a-code", written


def _codes_below(code_set: CodeSet, release: int, header: str) -> list[str]:
    codes = code_set.cached(_sorted_codes, release)
    return codes[bisect_left(codes, header) : bisect_right(codes, header + LAST)]


def _sorted_codes(code_set: CodeSet, release: int) -> list[str]:
    return _rows(code_set, "diagnosis", release).filter("billable")["diagnosis"].sort().to_list()


def _rows(code_set: CodeSet, table: str, release: int) -> pl.DataFrame:
    return code_set.rows_for_diagnoses(table).filter(pl.col("release") == release)


def _replacements(code_set: CodeSet, release: int, diagnosis: str, day: date) -> list[str]:
    replaced = code_set.cached(_replacements_of_codes, release).get(diagnosis, ())
    valid = code_set.cached(valid_diagnoses)[release]
    return sorted({code for effective, code in replaced if effective <= day and code in valid})


def _replacements_of_codes(code_set: CodeSet, release: int) -> Mapping[str, Sequence[tuple[date, str]]]:
    """What replaced each code, and from which day on."""
    replaced = defaultdict(list)
    rows = _rows(code_set, "diagnosis_replacement", release).drop_nulls("effective_date")
    for previous, *replacement in rows.select("previous_diagnosis", "effective_date", "diagnosis").iter_rows():
        replaced[previous].append(tuple(replacement))
    return replaced


def _was_valid(code_set: CodeSet, release: int, diagnosis: str, day: date) -> bool:
    """Whether an earlier release at hand let it be billed, or the conversion table says what replaced it."""
    first, valid = code_set.cached(_first_days), code_set.cached(valid_diagnoses)
    earlier = (number for number in valid if first[number] < first[release])
    return bool(_replacements(code_set, release, diagnosis, day)) or any(diagnosis in valid[each] for each in earlier)


def _first_day_after(code_set: CodeSet, release: int, diagnosis: str, day: date) -> date | None:
    """The first day after *day* from which the code may be billed, as far as a table at hand says it."""
    days = [effective for effective in code_set.cached(_days_of_new_codes).get(diagnosis, ()) if effective > day]
    valid = code_set.cached(valid_diagnoses)
    for number, first in code_set.cached(_first_days).items():
        if first > day and diagnosis in valid.get(number, ()):
            days.append(first)
    return min(days, default=None)


def _first_days(code_set: CodeSet) -> Mapping[int, date]:
    """The first day of each release, by its number."""
    return dict(code_set.releases.select("release", "first").iter_rows())


def _days_of_new_codes(code_set: CodeSet) -> Mapping[str, Sequence[date]]:
    """The days from which on a code replaced another, as the conversion tables have them."""
    days = defaultdict(list)
    rows = code_set.rows_for_diagnoses("diagnosis_replacement").drop_nulls("effective_date")
    for diagnosis, effective in rows.select("diagnosis", "effective_date").iter_rows():
        days[diagnosis].append(effective)
    return days


def _is_outside_excerpt(code_set: CodeSet, release: int, diagnosis: str) -> bool:
    """Whether the release's excerpt may lack the code: it does not have its category."""
    if code_set.cached(_scopes)[release] == "all":
        return False
    return diagnosis[:CATEGORY] not in code_set.cached(_codes_and_headers, release)


def _scopes(code_set: CodeSet) -> Mapping[int, str]:
    return dict(code_set.releases.select("release", "scope").iter_rows())


def _codes_and_headers(code_set: CodeSet, release: int) -> frozenset[str]:
    return frozenset(_rows(code_set, "diagnosis", release)["diagnosis"])


def dotted(diagnosis: str) -> str:
    """Return a code as people write it."""
    return f"{diagnosis[:CATEGORY]}.{diagnosis[CATEGORY:]}" if len(diagnosis) > CATEGORY else diagnosis


def _named(codes: list[str]) -> str:
    shown = ", ".join(map(dotted, codes[:MOST_NAMED]))
    return f"{shown}, and {len(codes) - MOST_NAMED} more" if len(codes) > MOST_NAMED else shown
