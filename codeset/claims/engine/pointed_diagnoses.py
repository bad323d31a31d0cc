"""The diagnoses of a line: those of its claim that it points to, in the order of its pointers, or all of them.

Pointers are numbers (837P, SV107) or letters (CMS-1500, item 24E; IOM 100-04 ch. 26, section 10.4). One to a diagnosis
that the claim does not have refuses the claim, as Medicare's front end does (837P edit of SV107, status code 477):
nothing of it is adjudicated.
"""

import polars as pl

from codeset.claims.engine.code_lists import distinct_texts, split_lists
from codeset.claims.engine.series import group_numbers, starts_group

MOST_POINTERS = 4

_SEPARATOR_PATTERN = r"[ ,;|]+"
_POINTER_PATTERN = r"[A-L]|[0-9]+"
_NUMBERS_OF_LETTERS = {letter: str(number) for number, letter in enumerate("ABCDEFGHIJKL", start=1)}

PLACES = (
    pl.col("diagnosis_pointers")
    .str.extract_all(_POINTER_PATTERN)
    .list.eval(pl.element().replace(_NUMBERS_OF_LETTERS).cast(pl.Int16, strict=False) - 1)
)
"""The places, from 0, of the diagnoses that pointers mean."""

NUMBER_OF_DIAGNOSES = pl.col("diagnoses").str.count_matches(_SEPARATOR_PATTERN).cast(pl.Int64).fill_null(-1) + 1
"""How many diagnoses there are to point to."""

POINTS_TO_NOTHING = (PLACES.list.max() >= NUMBER_OF_DIAGNOSES).fill_null(value=False)
"""Whether a line points to a diagnosis that its claim does not have."""


def has_stray_pointer(lines: pl.DataFrame) -> bool:
    """Return whether one of *lines* points to a diagnosis that its claim does not have."""
    if "diagnosis_pointers" not in lines.columns:
        return False
    diagnoses = lines["diagnoses"]
    starts_list = starts_group(diagnoses)  # the lines of a claim share their list: only where another begins it is read
    diagnosis_counts = (diagnoses.filter(starts_list).str.count_matches(" ", literal=True) + 1).fill_null(0)
    place_columns, pointer_numbers = _pointed_places(lines["diagnosis_pointers"])
    greatest_places = place_columns.select(pl.max_horizontal(pl.all())).to_series()
    return bool((greatest_places[pointer_numbers] >= diagnosis_counts[group_numbers(starts_list)]).any())


def with_own_diagnoses(lines: pl.DataFrame) -> pl.DataFrame:
    """Return *lines* with the `diagnoses` that each points to, and `diagnoses_of_claim`, instead of pointers.

    The second is null where the line has all, in order. Lines without pointers have theirs already.
    """
    if "diagnosis_pointers" not in lines.columns:
        return lines
    claim_diagnoses, pointers = lines["diagnoses"], lines["diagnosis_pointers"]
    own_diagnoses = _pointed_diagnoses(claim_diagnoses, pointers)
    if pointers.null_count():
        own_diagnoses = own_diagnoses.zip_with(pointers.is_not_null(), claim_diagnoses)
    diagnoses_of_claim = claim_diagnoses.set(own_diagnoses.eq_missing(claim_diagnoses), None)
    columns = (own_diagnoses.alias("diagnoses"), diagnoses_of_claim.alias("diagnoses_of_claim"))
    return lines.with_columns(columns).drop("diagnosis_pointers")


def _pointed_diagnoses(diagnoses: pl.Series, pointers: pl.Series) -> pl.Series:
    """The diagnoses that each line points to, out of one column of the codes of all lists, one after another."""
    diagnosis_lists = split_lists(diagnoses)
    first_places = diagnosis_lists.first[diagnosis_lists.list_of_line]
    place_columns, pointer_numbers = _pointed_places(pointers)
    code_columns = [
        diagnosis_lists.codes[first_places + place_column[pointer_numbers]].alias(place_column.name)
        for place_column in place_columns
    ]
    return pl.DataFrame(code_columns).select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)).to_series()


def _pointed_places(pointers: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """The places, from 0, that the distinct *pointers* mean, null behind the last; and which each line has."""
    distinct_pointers, pointer_numbers = distinct_texts(pointers)
    place_names = [str(place) for place in range(MOST_POINTERS)]
    places = PLACES.cast(pl.List(pl.UInt32)).list.to_struct(fields=place_names)
    pointer_frame = distinct_pointers.alias("diagnosis_pointers").to_frame()
    return pointer_frame.select(places).unnest("diagnosis_pointers"), pointer_numbers


def spaced(diagnoses: pl.Series) -> pl.Series:
    """Return the same lists as text, with one space between codes."""
    list_texts = diagnoses.cast(pl.String)
    if list_texts.null_count() == list_texts.len():
        return list_texts
    has_others = list_texts.filter(starts_group(list_texts)).str.contains("[,;|]").any()
    return list_texts.str.replace_all(_SEPARATOR_PATTERN, " ") if has_others else list_texts
