"""Excludes1: two conditions are not coded together, unless they are unrelated; a person decides.

ICD-10-CM Official Guidelines, I.A.12.a. It is said of each line that points to one of two on its date, whichever line
points to the other. Only where the release holds the excludes notes.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from codeset.claims.edits.of_diagnoses.in_doubt import has_outdated_diagnoses, with_codes, with_dot
from codeset.claims.edits.of_diagnoses.why_not_valid import LAST
from codeset.claims.engine.code_lists import CodeLists, code_lists
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.series import all_false, only_at

EXCLUDES_1 = 1
CATEGORY = 3

Pattern = tuple[str, str]
"""The first and the last code, or beginning of codes, that a note means."""


@dataclass(frozen=True)
class Notes:
    """The Excludes1 notes of one release: what they exclude, by the code and by the block that they are under."""

    of_codes: dict[str, list[Pattern]] = field(default_factory=lambda: defaultdict(list))
    of_blocks: dict[Pattern, list[Pattern]] = field(default_factory=lambda: defaultdict(list))

    def over(self, code: str) -> Iterator[Pattern]:
        """Yield what the notes exclude that *code* is under: its own and those of its headers, block and chapter."""
        # Notes of a header hold for every code under it, and headers are the beginnings of a code.
        for code_length in range(CATEGORY, len(code) + 1):
            yield from self.of_codes.get(code[:code_length], ())
        for (first, last), excluded in self.of_blocks.items():
            if first <= code <= last + LAST:
                yield from excluded


def excludes_notes(code_set: CodeSet) -> Mapping[int, Notes]:
    """Return the notes of each release that holds those of its fiscal year, by its number."""
    notes_of_releases: dict[int, Notes] = defaultdict(Notes)
    numbered_manifests = enumerate(code_set.manifests)
    # Notes of another fiscal year say nothing of these dates.
    current_releases = [
        number for number, manifest in numbered_manifests if not has_outdated_diagnoses(manifest, "excludes")
    ]
    note_rows = code_set.rows_for_diagnoses("excludes").filter(
        pl.col("release").is_in(current_releases), kind=EXCLUDES_1
    )
    for release, diagnosis, excluded in note_rows.select("release", "diagnosis", "excluded").iter_rows():
        if "-" in diagnosis:
            notes_of_releases[release].of_blocks[_code_pattern(diagnosis)].append(_code_pattern(excluded))
        else:
            notes_of_releases[release].of_codes[diagnosis].append(_code_pattern(excluded))
    return dict(notes_of_releases)


def _code_pattern(code_or_span: str) -> Pattern:
    """A code, or two with a hyphen between them."""
    first_code, _, last_code = code_or_span.partition("-")
    return first_code, last_code or first_code


def excluded_diagnoses(lines: pl.DataFrame, excluded_codes: pl.DataFrame, line_count: int) -> pl.Series:
    """Return what excludes each other among the diagnoses of a line's claim on the line's date, in words.

    Null if nothing does. *lines*: those of some claims, of *line_count* lines: `row`, `claim`, `release`,
    `date_of_service`, `diagnoses` and `diagnoses_of_claim`. *excluded_codes*: those of `excluded_pairs`.
    """
    lines_of_claims = lines.with_columns(_TEXT_ON_DATE)
    lines_of_claims = lines_of_claims.filter(has_paired(code_lists(lines_of_claims["text"]), excluded_codes))
    on_date = with_codes(lines_of_claims, "text").unique(
        ["release", *_CLAIM_AND_DATE, "code"], keep="first", maintain_order=True
    )
    # A note counts where the other code is on the same date of the claim, whichever line points to it.
    excluded_on_date = on_date.join(excluded_codes, on=["release", "code"], maintain_order="left").join(
        on_date.select(*_CLAIM_AND_DATE, pl.col("code").alias("other")),
        on=[*_CLAIM_AND_DATE, "other"],
        how="semi",
        maintain_order="left",
    )
    texts_of_lines = _texts_of_lines(lines_of_claims, excluded_on_date)
    return only_at(texts_of_lines["row"], texts_of_lines["text"], line_count)


def has_paired(lists: CodeLists, excluded_codes: pl.DataFrame) -> pl.Series:
    """Return whether the list of each line has a code that is in one of *excluded_codes*."""
    if excluded_codes.is_empty():
        return all_false(lists.list_of_line.len())
    is_paired = _without_dot(lists.codes).is_in(pl.concat([excluded_codes["code"], excluded_codes["other"]]).implode())
    return lists.any_of(is_paired.cast(pl.UInt32)) != 0


_CLAIM_AND_DATE = ("claim", "date_of_service")
_TEXT_ON_DATE = (
    pl.when((pl.col("date_of_service") == pl.col("date_of_service").first().over("claim")).all().over("claim"))
    .then(pl.coalesce("diagnoses_of_claim", "diagnoses"))
    .otherwise("diagnoses")
    .alias("text")
)
"""A claim of one date has all its diagnoses on it; of a claim of several, the lines of a date say which."""


def _texts_of_lines(lines_of_claims: pl.DataFrame, pairs_on_date: pl.DataFrame) -> pl.DataFrame:
    """`row` and `text` of the lines that point to a code of *pairs_on_date*; else of the first line of the date."""
    pair_text = pl.format("{} and {}", with_dot(pl.col("code")), with_dot(pl.col("other")))
    pair_key = pl.concat_list("code", "other").list.sort().list.join(" ")
    named_pairs = pairs_on_date.select(
        *_CLAIM_AND_DATE, pl.col("code", "other"), pair_text.alias("text"), pair_key.alias("key")
    )
    # Two notes may exclude the same two codes, each under one of them: said once.
    named_pairs = named_pairs.unique([*_CLAIM_AND_DATE, "key"], keep="first", maintain_order=True)
    own_codes = with_codes(lines_of_claims, "diagnoses").select("row", *_CLAIM_AND_DATE, "code")
    pointed_pairs = pl.concat(
        own_codes.join(
            named_pairs,
            left_on=[*_CLAIM_AND_DATE, "code"],
            right_on=[*_CLAIM_AND_DATE, pair_column],
            maintain_order="left",
        ).select("row", *_CLAIM_AND_DATE, "key", "text")
        for pair_column in ("code", "other")
    )
    unpointed_pairs = named_pairs.join(pointed_pairs, on=[*_CLAIM_AND_DATE, "key"], how="anti", maintain_order="left")
    first_lines = lines_of_claims.group_by(*_CLAIM_AND_DATE, maintain_order=True).agg(pl.col("row").min())
    pairs_of_first_line = unpointed_pairs.join(first_lines, on=_CLAIM_AND_DATE, maintain_order="left").select(
        "row", *_CLAIM_AND_DATE, "key", "text"
    )
    texts_of_pairs = (
        pl.concat([pointed_pairs, pairs_of_first_line])
        .unique(["row", "key"], keep="first", maintain_order=True)
        .sort("row", "key")
    )
    return texts_of_pairs.group_by("row", maintain_order=True).agg(pl.col("text").str.join("; "))


def _without_dot(codes: pl.Series) -> pl.Series:
    """*codes* without the dot, as the tables have them."""
    return codes.str.replace(".", "", literal=True)


def excluded_pairs(codes: pl.Series, code_set: CodeSet) -> pl.DataFrame:
    """Return `release`, `code` and `other`: those of *codes* that a note of the release, over *code*, excludes."""
    sorted_codes = sorted(set(_without_dot(codes)))
    code_pairs = [
        (release, code, other_code)
        for release, release_notes in code_set.cached(excludes_notes).items()
        for code in sorted_codes
        for other_code in _codes_within(sorted_codes, release_notes.over(code))
        if other_code != code
    ]
    return pl.DataFrame(code_pairs, schema={"release": pl.UInt16, "code": pl.String, "other": pl.String}, orient="row")


def _codes_within(codes: Sequence[str], patterns: Iterator[Pattern]) -> list[str]:
    """Those of the sorted *codes* that *patterns* mean."""
    position_spans = ((bisect_left(codes, first), bisect_right(codes, last + LAST)) for first, last in patterns)
    return list(dict.fromkeys(code for start, end in position_spans for code in codes[start:end]))
