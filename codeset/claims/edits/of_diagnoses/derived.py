"""What edits of diagnoses read of lines: worked out for all lines of a claim, before any are told apart.

Nearly all diagnoses are valid, specific, and of no class that tells anything: the diagnoses of a claim are looked
through once, and only its lines in which something may be to be said are looked at further.
"""

import polars as pl

from codeset.claims.edits.of_diagnoses.excludes import excluded_diagnoses, excluded_pairs, has_paired
from codeset.claims.edits.of_diagnoses.in_doubt import (
    INVALID,
    invalid_on_some_date,
    lines_in_doubt,
    marks_of_codes,
    may_be_in_doubt,
)
from codeset.claims.edits.of_diagnoses.unreferenced import unreferenced_diagnoses
from codeset.claims.engine.code_lists import code_lists
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Derived
from codeset.claims.engine.pointed_diagnoses import with_own_diagnoses
from codeset.claims.engine.series import count_up, filter_rows, group_numbers, is_member, repeat, starts_group


def known_of_diagnoses(frame: pl.DataFrame, table: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Columns of what there is to be said of the diagnoses of each line and of its claim; null for nearly all.

    *frame*: with the diagnoses of each line, or with those of its claim and `diagnosis_pointers`.
    """
    every = _diagnoses_of_claims(frame)
    if every.null_count() == frame.height:
        return _no_doubts(frame.height)
    lines, lists = _by_claim(frame, table), code_lists(every)
    marks = lists.any_of(marks_of_codes(lists.codes) | invalid_on_some_date(lists.codes, code_set))
    doubts = _no_doubts(frame.height).to_dict()
    some = filter_rows(lines, may_be_in_doubt(lines, marks, code_set))
    if not some.is_empty():
        doubts |= lines_in_doubt(with_own_diagnoses(some), frame.height, code_set).to_dict()
    pairs = excluded_pairs(lists.codes, code_set)
    of_claim = ((marks & INVALID) != 0) | has_paired(lists, pairs)
    if of_claim.any():
        claims = with_own_diagnoses(lines.filter(is_member(lines["claim"], lines["claim"].filter(of_claim))))
        if not pairs.is_empty():
            doubts["excluded_diagnoses"] = excluded_diagnoses(claims, pairs, frame.height)
        doubts["unreferenced_diagnoses"] = unreferenced_diagnoses(claims, code_set, frame.height)
    columns, row = pl.DataFrame(doubts), table["row"]
    return columns if row.is_sorted() else columns[row]


def _diagnoses_of_claims(frame: pl.DataFrame) -> pl.Series:
    """All diagnoses of the claim of each line."""
    own, of_claim = frame["diagnoses"], frame["diagnoses_of_claim"]
    if "diagnosis_pointers" in frame.columns or of_claim.null_count() == frame.height:
        return own
    return of_claim.zip_with(of_claim.is_not_null(), own)


def _no_doubts(lines: int) -> pl.DataFrame:
    nothing = repeat(None, lines)
    texts = [nothing.cast(pl.String).alias(name) for name in COLUMNS[1:]]
    return pl.DataFrame([nothing.alias(COLUMNS[0]), *texts])


def _by_claim(frame: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """The lines of *frame*, with their `row`, `release`, and `claim`, a number."""
    row = table["row"]
    release = table["release"] if row.is_sorted() else table["release"][row.arg_sort()]
    names = ("diagnoses", "diagnoses_of_claim", "diagnosis_pointers", "date_of_service", "hcpcs", "locality")
    own = [frame[name] for name in names if name in frame.columns]
    claim = group_numbers(starts_group(frame["claim_id"])).alias("claim")
    return pl.DataFrame([count_up(frame.height).alias("row"), *own, claim, release])


COLUMNS = ("diagnosis_marks", "doubtful_diagnoses", "excluded_diagnoses", "unreferenced_diagnoses")
DIAGNOSES = Derived(known_of_diagnoses, COLUMNS)
