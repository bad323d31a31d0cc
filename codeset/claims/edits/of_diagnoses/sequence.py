"""Which diagnosis may come first, how specific it is, and which do not go together.

External causes (V00-Y99) are never first: the line is unprocessable (ICD-10-CM Official Guidelines, I.C.20.a.6; CR 7700
for CMS-1500, CR 7596 for the 837P). Nor are manifestations, "in diseases classified elsewhere": the underlying disease
comes first (I.A.13). Code 16; remark MA63 for the first diagnosis.

A code for an unspecified side or site, where others name it, is told, not denied: it is seldom right (I.B.13, I.B.18).

Excludes1: two conditions are not coded together, unless they are unrelated (I.A.12.a): a person decides. Only where the
release holds the excludes notes.
"""

from itertools import combinations

import polars as pl

from codeset.claims.edits.findings import NONE, found, together
from codeset.claims.edits.of_diagnoses.in_doubt import (
    EXTERNAL_CAUSES,
    IN_DOUBT,
    NOT_FIRST,
    SEVERAL,
    UNSPECIFIED,
    by_diagnosis,
    listed,
    marked,
    with_dot,
)
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.lines import Lines

EXCLUDES_1 = 1

IS_EXTERNAL_CAUSE = pl.col("diagnosis").str.slice(0, 1).is_in(EXTERNAL_CAUSES)


def find_sequence(lines: Lines) -> Findings:
    """One finding for each first diagnosis that may not be first, each unspecified one, each pair that is excluded."""
    return together([_not_first(lines), _unspecified(lines), _excluded(lines)])


def _not_first(lines: Lines) -> Findings:
    doubtful = marked(lines, NOT_FIRST)
    if doubtful.is_empty():
        return NONE
    first = by_diagnosis(doubtful).filter(place=0)
    reason = pl.when(IS_EXTERNAL_CAUSE).then(pl.lit("diagnosis-external-cause-first"))
    return found(first, reason.otherwise(pl.lit("diagnosis-manifestation-first")), detail=with_dot(pl.col("diagnosis")))


def _unspecified(lines: Lines) -> Findings:
    doubtful = marked(lines, UNSPECIFIED)
    if doubtful.is_empty():
        return NONE
    sites = listed("unspecified_sites")
    unspecified = by_diagnosis(doubtful).filter(pl.col("diagnosis").is_in(list(sites)))
    once = unspecified.unique(["row", "diagnosis"], keep="first", maintain_order=True)
    named_below = pl.col("diagnosis").replace_strict(dict(sites), return_dtype=pl.String)
    detail = pl.format("{}: {}", with_dot(pl.col("diagnosis")), named_below)
    return found(once, "diagnosis-unspecified", detail=detail)


def _excluded(lines: Lines) -> Findings:
    doubtful = marked(lines, SEVERAL)
    if doubtful.is_empty():
        return NONE
    distinct = doubtful.select("release", "doubtful_diagnoses").unique(maintain_order=True)
    pairs = [_first_excluded(lines.line_kinds.code_set, *case) for case in distinct.iter_rows()]
    told = distinct.with_columns(pl.Series("detail", pairs, dtype=pl.String)).drop_nulls("detail")
    paired = doubtful.join(told, on=distinct.columns, maintain_order="left")
    return found(paired, "diagnosis-excluded", detail=pl.col("detail"))


def _first_excluded(code_set: CodeSet, release: int, diagnoses: str) -> str | None:
    """The first two of *diagnoses* of which a note of one excludes the other, as the sentence names them."""
    notes = code_set.cached(excluded_codes)
    for one, two in combinations(dict.fromkeys(diagnoses.replace(".", "").split(" ")), 2):
        for below, above in ((one, two), (two, one)):
            for length in range(len(below), 2, -1):
                if any(_covers(code, above) for code in notes.get((release, below[:length]), ())):
                    codes = pl.DataFrame({"code": [below, above]}).select(with_dot(pl.col("code"))).to_series()
                    return " and ".join(codes)
    return None


def _covers(excluded: str, diagnosis: str) -> bool:
    """Whether a note that names *excluded*, a code or two with a hyphen between them, means *diagnosis*."""
    first, _, last = excluded.partition("-")
    return diagnosis.startswith(first) or bool(last and first <= diagnosis[: len(first)] <= last)


def excluded_codes(code_set: CodeSet) -> dict[tuple[int, str], list[str]]:
    """What the Excludes1 notes below each code name, by release and code."""
    rows = code_set.rows_for_diagnoses("excludes").filter(kind=EXCLUDES_1)
    notes: dict[tuple[int, str], list[str]] = {}
    for release, diagnosis, excluded in rows.select("release", "diagnosis", "excluded").iter_rows():
        notes.setdefault((release, diagnosis), []).append(excluded)
    return notes


SEQUENCE = Edit(find_sequence, derives=(IN_DOUBT,))
