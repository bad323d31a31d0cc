"""The diagnoses of a claim together: those that exclude each other, and those that no line points to.

Excludes1: two conditions are not coded together, unless they are unrelated (ICD-10-CM Official Guidelines, I.A.12.a): a
person decides. It is said of each line that points to one of two on its date, whichever line points to the other. Only
where the release holds the excludes notes.

A diagnosis that no line points to supports no service, yet it is a code of the claim: one that may not be billed is
named once, on the claim's first line. It is for review, for Medicare's front end may return the claim for it.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from codeset.claims.edits.findings import NONE, findings_of, together
from codeset.claims.edits.of_diagnoses.in_doubt import INVALID, has_outdated_diagnoses, invalid_marks, with_dot
from codeset.claims.edits.of_diagnoses.valid_codes import LAST, with_reasons
from codeset.claims.engine.code_lists import code_lists
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Derived, Edit, Findings
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import filter_rows, group_numbers, is_member, starts_group

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


def diagnoses_together(frame: pl.DataFrame, table: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """`excluded_diagnoses` and `unreferenced_diagnoses` of each line, as text; null for nearly all."""
    own, of_claim = frame["diagnoses"], frame["diagnoses_of_claim"]
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    notes = code_set.cached(excludes_notes) if own.null_count() < frame.height else {}
    points_to_few = of_claim.null_count() < frame.height
    if not (notes or points_to_few):
        return _columns(nothing, nothing)
    row = table["row"]
    release = table["release"] if row.is_sorted() else table.select("row", "release").sort("row")["release"]
    lines = pl.DataFrame([own, of_claim, release, frame["date_of_service"]]).with_row_index("row")
    lines = lines.with_columns(group_numbers(starts_group(frame["claim_id"])).alias("claim"))
    excluded = _excluded(lines, notes) if notes else nothing
    unreferenced = _unreferenced(lines, code_set) if points_to_few else nothing
    in_order = (excluded, unreferenced) if row.is_sorted() else (excluded[row], unreferenced[row])
    return _columns(*in_order)


def _columns(excluded: pl.Series, unreferenced: pl.Series) -> pl.DataFrame:
    return pl.DataFrame([excluded.alias("excluded_diagnoses"), unreferenced.alias("unreferenced_diagnoses")])


def _by_row(lines: pl.DataFrame, texts: pl.DataFrame) -> pl.Series:
    """The `text` of each of *lines*, of those whose `row` is in *texts*; null for the others."""
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, lines.height)
    return nothing if texts.is_empty() else nothing.scatter(texts["row"], texts["text"])


def _excluded(lines: pl.DataFrame, notes: Mapping[int, Notes]) -> pl.Series:
    """What excludes each other among the diagnoses that a line's claim has on the line's date, in words."""
    texts = lines.select(_ON_DATE).to_series()
    lists = code_lists(texts)
    pairs = _pairs(lists.codes, notes)
    paired = _plain(lists.codes).is_in(pl.concat([pairs["code"], pairs["other"]]).implode())
    is_paired = lists.any_of(paired.cast(pl.UInt32)) != 0
    if not is_paired.any():
        return _by_row(lines, pairs.clear())
    some = lines.with_columns(texts.alias("text")).filter(is_paired)
    on_date = _with_codes(some, "text").unique(["release", *_DATE, "code"], keep="first", maintain_order=True)
    together_on_date = on_date.join(pairs, on=["release", "code"], maintain_order="left").join(
        on_date.select(*_DATE, pl.col("code").alias("other")), on=[*_DATE, "other"], how="semi", maintain_order="left"
    )
    return _by_row(lines, _texts_of_lines(some, together_on_date))


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
    own = _with_codes(some, "diagnoses").select("row", *_DATE, "code")
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


def _with_codes(lines: pl.DataFrame, column: str) -> pl.DataFrame:
    """*lines* with a row for each `code`, without the dot, of *column*."""
    codes = pl.col(column).str.replace_all(".", "", literal=True).str.split(" ").alias("code")
    return lines.with_columns(codes).explode("code").drop_nulls("code")


def _plain(codes: pl.Series) -> pl.Series:
    """*codes* without the dot, as the tables have them."""
    return codes.str.replace(".", "", literal=True)


def _pairs(codes: pl.Series, notes: Mapping[int, Notes]) -> pl.DataFrame:
    """`release`, `code` and `other`: those of *codes* that a note of the release, over *code*, excludes."""
    plain = sorted(set(_plain(codes)))
    pairs = [
        (release, code, other)
        for release, of_release in notes.items()
        for code in plain
        for other in _between(plain, of_release.over(code))
        if other != code
    ]
    return pl.DataFrame(pairs, schema={"release": pl.UInt16, "code": pl.String, "other": pl.String}, orient="row")


def _between(codes: Sequence[str], patterns: Iterator[Pattern]) -> list[str]:
    """Those of the sorted *codes* that *patterns* mean."""
    spans = ((bisect_left(codes, first), bisect_right(codes, last + LAST)) for first, last in patterns)
    return list(dict.fromkeys(code for start, end in spans for code in codes[start:end]))


def _unreferenced(lines: pl.DataFrame, code_set: CodeSet) -> pl.Series:
    """On the first line of each claim its diagnoses that may not be billed and that no line points to."""
    first = filter_rows(lines, starts_group(lines["claim"]))
    is_invalid = (invalid_marks(code_lists(first["diagnoses_of_claim"]), first["release"], code_set) & INVALID) != 0
    if not is_invalid.any():
        return _by_row(lines, lines.clear())
    first = first.filter(is_invalid)
    pointed = lines.filter(is_member(lines["claim"], first["claim"]))
    left = _with_codes(first, "diagnoses_of_claim").join(
        _with_codes(pointed, "diagnoses"), on=["claim", "code"], how="anti", maintain_order="left"
    )
    cases = left.select("row", "release", "date_of_service", pl.col("code").alias("diagnosis")).unique(
        maintain_order=True
    )
    named = with_reasons(cases, code_set).filter(pl.col("reason") != "diagnosis-outside-excerpt")
    return _by_row(lines, named.group_by("row", maintain_order=True).agg(pl.col("detail").str.join("; ").alias("text")))


OF_CLAIM = Derived(diagnoses_together, ("excluded_diagnoses", "unreferenced_diagnoses"))


def find_in_claim(lines: Lines) -> Findings:
    """One finding for each line with diagnoses that exclude each other; one for each claim with stray invalid ones."""
    reasons = {"excluded_diagnoses": "diagnosis-excluded", "unreferenced_diagnoses": "diagnosis-unreferenced"}
    columns = [name for name in reasons if lines.table[name].null_count() < lines.table.height]
    if not columns:
        return NONE
    return together(findings_of(lines.table.drop_nulls(name), reasons[name], detail=pl.col(name)) for name in columns)


CLAIM_DIAGNOSES = Edit(find_in_claim, derives=(OF_CLAIM,))
