"""What edits of diagnoses read of lines: worked out for all lines of a claim, before they are deduplicated.

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
    diagnoses_of_claims = _diagnoses_of_claims(frame)
    if diagnoses_of_claims.null_count() == frame.height:
        return _no_doubts(frame.height)
    claim_lines, lists_of_codes = _lines_by_claim(frame, table), code_lists(diagnoses_of_claims)
    codes = lists_of_codes.codes
    marks_of_claims = lists_of_codes.any_of(marks_of_codes(codes) | invalid_on_some_date(codes, code_set))
    doubt_columns = _no_doubts(frame.height).to_dict()
    doubtful_lines = filter_rows(claim_lines, may_be_in_doubt(claim_lines, marks_of_claims, code_set))
    if not doubtful_lines.is_empty():
        doubt_columns |= lines_in_doubt(with_own_diagnoses(doubtful_lines), frame.height, code_set).to_dict()
    paired_codes = excluded_pairs(codes, code_set)
    is_claim_doubtful = ((marks_of_claims & INVALID) != 0) | has_paired(lists_of_codes, paired_codes)
    if is_claim_doubtful.any():
        claims = claim_lines["claim"]
        doubtful_claims = with_own_diagnoses(claim_lines.filter(is_member(claims, claims.filter(is_claim_doubtful))))
        if not paired_codes.is_empty():
            doubt_columns["excluded_diagnoses"] = excluded_diagnoses(doubtful_claims, paired_codes, frame.height)
        doubt_columns["unreferenced_diagnoses"] = unreferenced_diagnoses(doubtful_claims, code_set, frame.height)
    # Where claims come sorted by patient and date there is nothing to reorder.
    doubts, rows = pl.DataFrame(doubt_columns), table["row"]
    return doubts if rows.is_sorted() else doubts[rows]


def _diagnoses_of_claims(frame: pl.DataFrame) -> pl.Series:
    """All diagnoses of the claim of each line."""
    own_diagnoses, claim_diagnoses = frame["diagnoses"], frame["diagnoses_of_claim"]
    # Beside pointers `diagnoses` are the claim's still (`with_column_types`).
    if "diagnosis_pointers" in frame.columns or claim_diagnoses.null_count() == frame.height:
        return own_diagnoses
    return claim_diagnoses.zip_with(claim_diagnoses.is_not_null(), own_diagnoses)


def _no_doubts(line_count: int) -> pl.DataFrame:
    no_marks = repeat(None, line_count)
    no_texts = [no_marks.cast(pl.String).alias(name) for name in COLUMNS[1:]]
    return pl.DataFrame([no_marks.alias(COLUMNS[0]), *no_texts])


def _lines_by_claim(frame: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """The lines of *frame*, with their `row`, `release`, and `claim`, a number."""
    rows = table["row"]
    releases = table["release"] if rows.is_sorted() else table["release"][rows.arg_sort()]
    columns_read = ("diagnoses", "diagnoses_of_claim", "diagnosis_pointers", "date_of_service", "hcpcs", "locality")
    columns_of_frame = [frame[name] for name in columns_read if name in frame.columns]
    claim_numbers = group_numbers(starts_group(frame["claim_id"])).alias("claim")
    return pl.DataFrame([count_up(frame.height).alias("row"), *columns_of_frame, claim_numbers, releases])


COLUMNS = ("diagnosis_marks", "doubtful_diagnoses", "excluded_diagnoses", "unreferenced_diagnoses")
DIAGNOSES = Derived(known_of_diagnoses, COLUMNS)
