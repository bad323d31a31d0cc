"""The diagnoses of a line: those of its claim that it points to, in the order of its pointers, or all of them.

Pointers are numbers (837P, SV107) or letters (CMS-1500, item 24E; IOM 100-04 ch. 26, section 10.4). One to a diagnosis
that the claim does not have refuses the claim, as Medicare's front end does (837P edit of SV107, status code 477):
nothing of it is adjudicated.
"""

import polars as pl

from codeset.claims.engine.code_lists import distinct_texts, split_lists
from codeset.claims.engine.series import group_numbers, starts_group

MOST_POINTERS = 4

_SEPARATORS = r"[ ,;|]+"
_POINTER = r"[A-L]|[0-9]+"
_NUMBERS = {letter: str(number) for number, letter in enumerate("ABCDEFGHIJKL", start=1)}

PLACES = (
    pl.col("diagnosis_pointers")
    .str.extract_all(_POINTER)
    .list.eval(pl.element().replace(_NUMBERS).cast(pl.Int16, strict=False) - 1)
)
"""The places, from 0, of the diagnoses that pointers mean."""

NUMBER_OF_DIAGNOSES = pl.col("diagnoses").str.count_matches(_SEPARATORS).cast(pl.Int64).fill_null(-1) + 1
"""How many diagnoses there are to point to."""

POINTS_TO_NOTHING = (PLACES.list.max() >= NUMBER_OF_DIAGNOSES).fill_null(value=False)
"""Whether a line points to a diagnosis that its claim does not have."""


def has_stray_pointer(lines: pl.DataFrame) -> bool:
    """Return whether one of *lines* points to a diagnosis that its claim does not have."""
    if "diagnosis_pointers" not in lines.columns:
        return False
    diagnoses = lines["diagnoses"]
    starts = starts_group(diagnoses)  # the lines of a claim share their list: only where another begins it is read
    number = (diagnoses.filter(starts).str.count_matches(" ", literal=True) + 1).fill_null(0)
    places, pointers = _places(lines["diagnosis_pointers"])
    greatest = places.select(pl.max_horizontal(pl.all())).to_series()
    return bool((greatest[pointers] >= number[group_numbers(starts)]).any())


def with_own_diagnoses(lines: pl.DataFrame) -> pl.DataFrame:
    """Return *lines* with the `diagnoses` that each points to, and `diagnoses_of_claim`, instead of pointers.

    The second is null where the line has all, in order. Lines without pointers have theirs already.
    """
    if "diagnosis_pointers" not in lines.columns:
        return lines
    every, pointers = lines["diagnoses"], lines["diagnosis_pointers"]
    own = _pointed(every, pointers)
    if pointers.null_count():
        own = own.zip_with(pointers.is_not_null(), every)
    of_claim = every.set(own.eq_missing(every), None)
    columns = (own.alias("diagnoses"), of_claim.alias("diagnoses_of_claim"))
    return lines.with_columns(columns).drop("diagnosis_pointers")


def _pointed(diagnoses: pl.Series, pointers: pl.Series) -> pl.Series:
    """The diagnoses that each line points to, out of one column of the codes of all lists, one after another."""
    lists = split_lists(diagnoses)
    first, (places, number) = lists.first[lists.list_of_line], _places(pointers)
    codes = [lists.codes[first + place[number]].alias(place.name) for place in places]
    return pl.DataFrame(codes).select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)).to_series()


def _places(pointers: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """The places, from 0, that the distinct *pointers* mean, null behind the last; and which each line has."""
    distinct, number = distinct_texts(pointers)
    names = [str(place) for place in range(MOST_POINTERS)]
    places = PLACES.cast(pl.List(pl.UInt32)).list.to_struct(fields=names)
    return distinct.alias("diagnosis_pointers").to_frame().select(places).unnest("diagnosis_pointers"), number


def spaced(diagnoses: pl.Series) -> pl.Series:
    """Return the same lists as text, with one space between codes."""
    texts = diagnoses.cast(pl.String)
    if texts.null_count() == texts.len():
        return texts
    has_others = texts.filter(starts_group(texts)).str.contains("[,;|]").any()
    return texts.str.replace_all(_SEPARATORS, " ") if has_others else texts
