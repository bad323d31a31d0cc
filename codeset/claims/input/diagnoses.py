"""The diagnoses of a line: those of its claim that it points to, in the order of its pointers, or all of them.

Pointers are numbers (837P, SV107) or letters (CMS-1500, item 24E; IOM 100-04 ch. 26, section 10.4). One to a diagnosis
that the claim does not have refuses the claim, as Medicare's front end does (837P edit of SV107, status code 477):
nothing of it is adjudicated.
"""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from codeset.claims.engine.code_lists import SplitLists, distinct_texts, split_lists
from codeset.claims.engine.series import starts_group

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


@dataclass(frozen=True)
class PointedDiagnoses:
    """The `diagnoses` that the claim of each line has, and the `pointers` of the line to them, both as text.

    `of_claim`: where lines have no pointers, the claim's diagnoses may be given beside those of the line.
    """

    diagnoses: pl.Series
    pointers: pl.Series
    of_claim: pl.Series

    @classmethod
    def of(cls, lines: pl.DataFrame) -> "PointedDiagnoses":
        """Return those of *lines*, which have all fields."""
        pointers = lines["diagnosis_pointers"].cast(pl.String)
        return cls(_spaced(lines["diagnoses"]), pointers, _spaced(lines["diagnoses_of_claim"]))

    @property
    def has_stray(self) -> bool:
        """Whether a line points to a diagnosis that its claim does not have."""
        if not self._are_pointed:
            return False
        greatest = self._places.select(pl.max_horizontal(pl.all())).to_series()[self._number]
        return bool((greatest >= self._lists.length[self._lists.list_of_line]).any())

    @property
    def of_lines(self) -> tuple[pl.Series, pl.Series]:
        """`diagnoses` and `diagnoses_of_claim` of each line as text, spaces between them; no pointer is a stray one.

        The first are those that the line points to, the second all of its claim: null where the line has all, in order.
        """
        if not self._are_pointed:
            return self.diagnoses, self.of_claim
        own = self._pointed
        if self.pointers.null_count():
            own = own.zip_with(self.pointers.is_not_null(), self.diagnoses)
        of_claim = self.diagnoses.set(own.eq_missing(self.diagnoses), None)
        return own.alias("diagnoses"), of_claim.alias("diagnoses_of_claim")

    @property
    def _pointed(self) -> pl.Series:
        """The diagnoses that each line points to, out of one column of the codes of all lists, one after another."""
        first = self._lists.first[self._lists.list_of_line]
        codes = [self._lists.codes[first + place[self._number]].alias(place.name) for place in self._places]
        return pl.DataFrame(codes).select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)).to_series()

    @property
    def _are_pointed(self) -> bool:
        return self.pointers.null_count() < self.pointers.len()

    @cached_property
    def _lists(self) -> SplitLists:
        return split_lists(self.diagnoses)

    @property
    def _number(self) -> pl.Series:
        """The number of each line's pointers among those that are distinct."""
        return self._distinct_pointers[1]

    @cached_property
    def _places(self) -> pl.DataFrame:
        """The places, from 0, that the distinct pointers mean; null behind the last."""
        pointers = self._distinct_pointers[0].alias("diagnosis_pointers").to_frame()
        names = [str(number) for number in range(MOST_POINTERS)]
        return pointers.select(_PLACES.cast(pl.List(pl.UInt32)).list.to_struct(fields=names)).unnest(
            "diagnosis_pointers"
        )

    @cached_property
    def _distinct_pointers(self) -> tuple[pl.Series, pl.Series]:
        return distinct_texts(self.pointers)


def _spaced(diagnoses: pl.Series) -> pl.Series:
    """The same lists as text, with one space between codes."""
    texts = diagnoses.cast(pl.String)
    if texts.null_count() == texts.len():
        return texts
    has_others = texts.filter(starts_group(texts)).str.contains("[,;|]").any()
    return texts.str.replace_all(_SEPARATORS, " ") if has_others else texts
