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
    starts_list = starts_group(texts)  # the lines of a claim share their list: only where another begins it is read
    lists = texts.filter(starts_list).str.split(" ")
    length = lists.list.len()
    place_counts = length.fill_null(1)  # a list that is null has a place too
    first_places = place_counts.cum_sum() - place_counts
    return SplitLists(lists.explode(), first_places, length.fill_null(0), group_numbers(starts_list))


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
        return reduce(or_, (marks[place_numbers].fill_null(0) for place_numbers in self.places))[self.list_of_line]

    def first_of(self, marks: pl.Series) -> pl.Series:
        """Return for each line what *marks* has for the first code of its list; 0 where it has none."""
        return marks[self.places[0]].fill_null(0)[self.list_of_line]

    def text_of(self, chosen: pl.Series) -> pl.Series:
        """Return for each line the codes of its list that are *chosen*, one mark for each of `codes`, as text."""
        chosen_codes = self.codes.set(~chosen, None)
        code_columns = (
            chosen_codes[place_numbers].alias(str(place)) for place, place_numbers in enumerate(self.places)
        )
        text = pl.concat_str(pl.all(), separator=" ", ignore_nulls=True).alias("text")
        texts = pl.DataFrame(code_columns).select(text).to_series()
        return texts[self.list_of_line]


def code_lists(texts: pl.Series) -> CodeLists:
    """Return the lists of codes that *texts* are, as `split_lists` does, in numbers."""
    list_codes, first_places, lengths, list_of_line = split_lists(texts)
    codes, code_numbers = distinct_texts(list_codes)
    longest: int = lengths.max()  # type: ignore[assignment]
    # One place at least, also where every list is null: `first_of` reads the first.
    places = range(max(longest, 1))
    numbers_by_place = [code_numbers[(first_places + place).set(lengths <= place, None)] for place in places]
    return CodeLists(codes, numbers_by_place, list_of_line)


def distinct_texts(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the distinct *texts*, which are few, and for each of *texts* its number among them; null for null."""
    categories = texts.cast(CODE)
    distinct_categories = categories.unique().drop_nulls()
    if distinct_categories.is_empty():
        return distinct_categories.cast(pl.String), repeat(None, texts.len())
    physical_numbers = distinct_categories.to_physical()
    highest_number: int = physical_numbers.max()  # type: ignore[assignment]
    number_of_physical = repeat(None, highest_number + 1).scatter(physical_numbers, count_up(distinct_categories.len()))
    return distinct_categories.cast(pl.String), number_of_physical[categories.to_physical()]
