"""The diagnoses of a line: those of its claim that it points to, in the order of its pointers, or all of them.

Pointers are numbers (837P, SV107) or letters (CMS-1500, item 24E; IOM 100-04 ch. 26, section 10.4). One to a diagnosis
that the claim does not have refuses the claim, as Medicare's front end does (837P edit of SV107, status code 477):
nothing of it is adjudicated.
"""

import polars as pl

from codeset.claims.engine.series import group_numbers, starts_group

MOST_POINTERS = 4

_SEPARATORS = r"[ ,;|]+"
_POINTER = r"[A-L]|[0-9]+"
_NUMBERS = {letter: str(number) for number, letter in enumerate("ABCDEFGHIJKL", start=1)}

_PLACES = (
    pl.col("diagnosis_pointers")
    .str.extract_all(_POINTER)
    .list.eval(pl.element().replace(_NUMBERS).cast(pl.Int16, strict=False) - 1)
)
NUMBER_OF_DIAGNOSES = pl.col("diagnoses").str.count_matches(_SEPARATORS).cast(pl.Int64).fill_null(-1) + 1
"""How many diagnoses there are to point to."""

POINTS_TO_NOTHING = (_PLACES.list.max() >= NUMBER_OF_DIAGNOSES).fill_null(value=False)
"""Whether a line points to a diagnosis that its claim does not have."""


def has_stray_pointer(table: pl.DataFrame) -> bool:
    """Return whether a line of *table* points to a diagnosis that its claim does not have."""
    if not {"diagnoses", "diagnosis_pointers"} <= set(table.columns):
        return False
    diagnoses, pointers = (table[name].cast(pl.String) for name in ("diagnoses", "diagnosis_pointers"))
    starts = starts_group(diagnoses)  # the lines of a claim share their list: only where another begins it is read
    number = _spaced(diagnoses.filter(starts)).str.count_matches(" ", literal=True).cast(pl.Int64).fill_null(-1) + 1
    greatest = _by_text(pointers, _PLACES.list.max().alias("greatest")).to_series()
    return bool((greatest >= number[group_numbers(starts)]).any())


def diagnoses_of_lines(lines: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Return `diagnoses` and `diagnoses_of_claim` of each line as text, spaces between them; *lines* are valid.

    The first are those that the line points to, the second all of its claim: null where the line has all, in order.
    """
    diagnoses, pointers = (lines[name].cast(pl.String) for name in ("diagnoses", "diagnosis_pointers"))
    of_claim = _spaced(lines["diagnoses_of_claim"].cast(pl.String))
    if diagnoses.null_count() == lines.height:
        return diagnoses, of_claim
    spaced = _spaced(diagnoses)
    if pointers.null_count() == lines.height:
        return spaced, of_claim
    own = _pointed(spaced, pointers).zip_with(pointers.is_not_null(), spaced).alias("diagnoses")
    return own, spaced.set(own.eq_missing(spaced), None).alias("diagnoses_of_claim")


def _pointed(diagnoses: pl.Series, pointers: pl.Series) -> pl.Series:
    """The diagnoses that each line points to, out of one column of the codes of all lists, one after another."""
    starts = starts_group(diagnoses)
    lists = diagnoses.filter(starts).str.split(" ")
    rows = lists.list.len().fill_null(1)  # a list that is null has a row too
    first, codes = (rows.cum_sum() - rows)[group_numbers(starts)], lists.explode()
    numbers = range(MOST_POINTERS)
    places = _by_text(pointers, *(_PLACES.list.get(n, null_on_oob=True).alias(str(n)) for n in numbers))
    columns = pl.DataFrame([codes[(first + place).cast(pl.UInt32)].alias(place.name) for place in places])
    return columns.select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)).to_series()


def _spaced(diagnoses: pl.Series) -> pl.Series:
    """The same lists with one space between codes."""
    is_other = diagnoses.null_count() < diagnoses.len() and diagnoses.str.contains("[,;|]").any()
    return diagnoses.str.replace_all(_SEPARATORS, " ") if is_other else diagnoses


def _by_text(pointers: pl.Series, *values: pl.Expr) -> pl.DataFrame:
    """*values* of each of *pointers*: few texts are distinct, and each is read once."""
    texts = pointers.unique().to_frame().select(pointers.name, *values)
    lines = pointers.to_frame().join(texts, on=pointers.name, how="left", maintain_order="left", nulls_equal=True)
    return lines.drop(pointers.name)
