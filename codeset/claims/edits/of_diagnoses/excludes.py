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
        for length in range(CATEGORY, len(code) + 1):
            yield from self.of_codes.get(code[:length], ())
        for (first, last), excluded in self.of_blocks.items():
            if first <= code <= last + LAST:
                yield from excluded


def excludes_notes(code_set: CodeSet) -> Mapping[int, Notes]:
    """Return the notes of each release that holds those of its fiscal year, by its number."""
    notes: dict[int, Notes] = defaultdict(Notes)
    numbers = enumerate(code_set.manifests)
    current = [number for number, manifest in numbers if not has_outdated_diagnoses(manifest, "excludes")]
    rows = code_set.rows_for_diagnoses("excludes").filter(pl.col("release").is_in(current), kind=EXCLUDES_1)
    for release, diagnosis, excluded in rows.select("release", "diagnosis", "excluded").iter_rows():
        if "-" in diagnosis:
            notes[release].of_blocks[_pattern(diagnosis)].append(_pattern(excluded))
        else:
            notes[release].of_codes[diagnosis].append(_pattern(excluded))
    return dict(notes)


def _pattern(codes: str) -> Pattern:
    """A code, or two with a hyphen between them."""
    first, _, last = codes.partition("-")
    return first, last or first


def excluded_diagnoses(lines: pl.DataFrame, pairs: pl.DataFrame, height: int) -> pl.Series:
    """Return what excludes each other among the diagnoses of a line's claim on the line's date, in words.

    Null if nothing does. *lines*: those of some claims, of *height* lines: `row`, `claim`, `release`,
    `date_of_service`, `diagnoses` and `diagnoses_of_claim`. *pairs*: those of `excluded_pairs`.
    """
    some = lines.with_columns(_ON_DATE)
    some = some.filter(has_paired(code_lists(some["text"]), pairs))
    on_date = with_codes(some, "text").unique(["release", *_DATE, "code"], keep="first", maintain_order=True)
    together_on_date = on_date.join(pairs, on=["release", "code"], maintain_order="left").join(
        on_date.select(*_DATE, pl.col("code").alias("other")), on=[*_DATE, "other"], how="semi", maintain_order="left"
    )
    texts = _texts_of_lines(some, together_on_date)
    return only_at(texts["row"], texts["text"], height)


def has_paired(lists: CodeLists, pairs: pl.DataFrame) -> pl.Series:
    """Return whether the list of each line has a code that is in one of *pairs*."""
    if pairs.is_empty():
        return all_false(lists.list_of_line.len())
    paired = _plain(lists.codes).is_in(pl.concat([pairs["code"], pairs["other"]]).implode())
    return lists.any_of(paired.cast(pl.UInt32)) != 0


_DATE = ("claim", "date_of_service")
_ON_DATE = (
    pl.when((pl.col("date_of_service") == pl.col("date_of_service").first().over("claim")).all().over("claim"))
    .then(pl.coalesce("diagnoses_of_claim", "diagnoses"))
    .otherwise("diagnoses")
    .alias("text")
)
"""A claim of one date has all its diagnoses on it; of a claim of several, the lines of a date say which."""


def _texts_of_lines(some: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """`row` and `text` of the lines that point to a code of *pairs* on its date; else of the first line of the date."""
    both = pl.format("{} and {}", with_dot(pl.col("code")), with_dot(pl.col("other")))
    key = pl.concat_list("code", "other").list.sort().list.join(" ")
    named = pairs.select(*_DATE, pl.col("code", "other"), both.alias("text"), key.alias("key"))
    named = named.unique([*_DATE, "key"], keep="first", maintain_order=True)
    own = with_codes(some, "diagnoses").select("row", *_DATE, "code")
    pointed = pl.concat(
        own.join(named, left_on=[*_DATE, "code"], right_on=[*_DATE, side], maintain_order="left").select(
            "row", *_DATE, "key", "text"
        )
        for side in ("code", "other")
    )
    others = named.join(pointed, on=[*_DATE, "key"], how="anti", maintain_order="left")
    first = some.group_by(*_DATE, maintain_order=True).agg(pl.col("row").min())
    rest = others.join(first, on=_DATE, maintain_order="left").select("row", *_DATE, "key", "text")
    texts = pl.concat([pointed, rest]).unique(["row", "key"], keep="first", maintain_order=True).sort("row", "key")
    return texts.group_by("row", maintain_order=True).agg(pl.col("text").str.join("; "))


def _plain(codes: pl.Series) -> pl.Series:
    """*codes* without the dot, as the tables have them."""
    return codes.str.replace(".", "", literal=True)


def excluded_pairs(codes: pl.Series, code_set: CodeSet) -> pl.DataFrame:
    """Return `release`, `code` and `other`: those of *codes* that a note of the release, over *code*, excludes."""
    plain = sorted(set(_plain(codes)))
    pairs = [
        (release, code, other)
        for release, of_release in code_set.cached(excludes_notes).items()
        for code in plain
        for other in _between(plain, of_release.over(code))
        if other != code
    ]
    return pl.DataFrame(pairs, schema={"release": pl.UInt16, "code": pl.String, "other": pl.String}, orient="row")


def _between(codes: Sequence[str], patterns: Iterator[Pattern]) -> list[str]:
    """Those of the sorted *codes* that *patterns* mean."""
    spans = ((bisect_left(codes, first), bisect_right(codes, last + LAST)) for first, last in patterns)
    return list(dict.fromkeys(code for start, end in spans for code in codes[start:end]))
