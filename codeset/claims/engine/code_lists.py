"""Lists of codes on lines, as text with blanks between them: what is known of each code, brought to the lines.

Codes are few and lists are many: each code is looked up once, and a list is put together of numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import NamedTuple

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.engine.series import count_up, group_numbers, repeat, starts_group


class SplitLists(NamedTuple):
    """The codes of all lists, one after another, null for a list that is null; the place of the `first` of each list,
    the `length` of each, and which list each line has.
    """

    codes: pl.Series
    first: pl.Series
    length: pl.Series
    list_of_line: pl.Series


def split_lists(texts: pl.Series) -> SplitLists:
    """Return the lists of codes that *texts* are, one for each line, null or codes with one blank between them."""
    starts = starts_group(texts)  # the lines of a claim share their list: only where another begins it is read
    lists = texts.filter(starts).str.split(" ")
    length = lists.list.len()
    places = length.fill_null(1)  # a list that is null has a place too
    return SplitLists(lists.explode(), places.cum_sum() - places, length.fill_null(0), group_numbers(starts))


@dataclass(frozen=True)
class CodeLists:
    """The distinct `codes` of all lists; the number of the code at each of the `places` of each list, null behind its
    end; and which list each line has.
    """

    codes: pl.Series
    places: Sequence[pl.Series]
    list_of_line: pl.Series

    def any_of(self, marks: pl.Series) -> pl.Series:
        """Return for each line all the bits that *marks*, one for each of `codes`, has for the codes of its list."""
        return reduce(or_, (marks[place].fill_null(0) for place in self.places))[self.list_of_line]

    def first_of(self, marks: pl.Series) -> pl.Series:
        """Return for each line what *marks* has for the first code of its list; 0 where it has none."""
        return marks[self.places[0]].fill_null(0)[self.list_of_line]

    def text_of(self, chosen: pl.Series) -> pl.Series:
        """Return for each line the codes of its list that are *chosen*, one mark for each of `codes`, as text."""
        names = self.codes.set(~chosen, None)
        columns = pl.DataFrame([names[place].alias(str(number)) for number, place in enumerate(self.places)])
        texts = columns.select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True).alias("text")).to_series()
        return texts[self.list_of_line]


def code_lists(texts: pl.Series) -> CodeLists:
    """Return the lists of codes that *texts* are, as `split_lists` does, in numbers."""
    one_by_one, first, length, list_of_line = split_lists(texts)
    codes, numbers = distinct_texts(one_by_one)
    width: int = length.max()  # type: ignore[assignment]
    places = [numbers[(first + place).set(length <= place, None)] for place in range(max(width, 1))]
    return CodeLists(codes, places, list_of_line)


def distinct_texts(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the distinct *texts*, which are few, and for each of *texts* its number among them; null for null."""
    codes = texts.cast(CODE)
    distinct = codes.unique().drop_nulls()
    if distinct.is_empty():
        return distinct.cast(pl.String), repeat(None, texts.len())
    physical = distinct.to_physical()
    highest: int = physical.max()  # type: ignore[assignment]
    number = repeat(None, highest + 1).scatter(physical, count_up(distinct.len()))
    return distinct.cast(pl.String), number[codes.to_physical()]
