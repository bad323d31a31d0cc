"""Episodes alike: what was billed for one patient looks the same for many others, and is judged once for all of them.

An episode is a run of one patient's visits that can bear on each other: no edit and no price looks further. Two are
alike if nothing differs that an edit or the price looks at: names do not count, nor do dates beyond the days between
visits, as long as the same rows of the code set apply.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import polars as pl

from codeset.claims.edits.global_surgery import AFTER
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.series import (
    all_false,
    count_up,
    group_numbers,
    is_constant,
    is_member,
    repeat,
    starts_group,
    true_positions,
)

FEW = 2_000
"""So few lines are judged sooner than compared."""

_LOOKED_AT = (
    "release",
    "applies",
    "hcpcs",
    "modifiers",
    "place_of_service",
    "units",
    "days",
    "gap",
    "order",
    "locality",
    "charge_cents",
    "lesion",
)
"""All that an edit or the price looks at in a line, besides the lines around it."""

_ODD = 0x9E37_79B9_7F4A_7C15


@dataclass(frozen=True)
class Alike:
    """Lines by patient and visit (`row`), each with the one that is judged in its place (`like`)."""

    lines: pl.DataFrame

    @cached_property
    def is_each_alone(self) -> bool:
        """Whether every line is judged itself."""
        return self.lines["row"].equals(self.lines["like"])

    def judged(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Return those of *lines*, which lie as these do, that are judged."""
        return lines if self.is_each_alone else lines.filter(self.lines["row"] == self.lines["like"])

    def of_lines(self, said: pl.Series) -> pl.Series:
        """Return for each line, by row, what is *said* of the one judged in its place; that lies by row too."""
        if self.is_each_alone:
            return said
        return said[group_numbers(self._like == count_up(self._like.len()))[self._like]]

    def of_findings(self, findings: pl.DataFrame) -> pl.DataFrame:
        """Return the findings of every line, as of the one judged in its place; partners are as far from it.

        *findings* lie by `row`: those of a line are the `many` from `first` on.
        """
        if self.is_each_alone or findings.is_empty():
            return findings
        judged = findings["row"]
        first = true_positions(starts_group(judged))
        many = first.shift(-1, fill_value=judged.len()) - first
        of_judged = [repeat(0, self._like.len()).scatter(judged[first], each) for each in (first, many)]
        row, place = _repeated(*(each[self._like] for each in of_judged))
        far = self._place.cast(pl.Int32)
        away = far[findings["partner"]] - far[findings["row"]]
        partner = self.lines["row"][(far[row] + away[place]).cast(pl.UInt32)].alias("partner")
        return pl.DataFrame([row.alias("row"), partner, findings["ground"][place]])

    def of_steps(self, steps: pl.LazyFrame) -> pl.LazyFrame:
        """Return the steps of every line, as of the one judged in its place."""
        if self.is_each_alone:
            return steps
        each = pl.LazyFrame({"like": self._like}).with_row_index("row")
        return each.join(steps.rename({"row": "like"}), on="like", maintain_order="left_right").drop("like")

    @cached_property
    def _place(self) -> pl.Series:
        """Where each row lies among the lines."""
        return self.lines["row"].arg_sort()

    @cached_property
    def _like(self) -> pl.Series:
        return self.lines["like"][self._place]


def _repeated(first: pl.Series, many: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Say for each place *many* times where it is, and count from its *first* on."""
    some = many > 0
    first, many, here = first.filter(some), many.filter(some), count_up(many.len()).filter(some)
    begin = many.cum_sum() - many
    total = int(many.sum())
    which = group_numbers(all_false(total).scatter(begin, values=True))
    return here[which], count_up(total) + (first + total - begin)[which] - total


def alike(frame: pl.DataFrame, lines: pl.DataFrame, code_set: CodeSet) -> Alike:
    """Find for each of *lines*, numbered out of *frame*, the first that nothing tells from it, its episode included."""
    row = lines["row"]
    if lines.height <= FEW:
        return Alike(pl.DataFrame({"row": row, "like": row}))
    said = frame.select("locality", "charge_cents", "lesion")
    if not row.is_sorted():
        said = said[row]
    first = _first_alike(_looked_at(lines.hstack(said), code_set))
    return Alike(pl.DataFrame({"row": row, "like": row[first]}))


class _Looked(NamedTuple):
    """Lines with what is looked at; where episodes begin, and the `number` of each line's episode."""

    lines: pl.DataFrame
    begin: pl.Series
    number: pl.Series


def _looked_at(lines: pl.DataFrame, code_set: CodeSet) -> _Looked:
    lines = lines.with_columns(_DAY, _DAYS)
    begins_here = lines.select(_begins(code_set)).to_series()
    begin, number = true_positions(begins_here), group_numbers(begins_here)
    gap = lines.select(pl.when(begins_here).then(0).otherwise(_GAP).alias("gap")).to_series()
    told = [_applies(lines["date_of_service"], code_set.turns), gap, _order(lines["row"], begins_here, number)]
    return _Looked(lines.hstack(told), begin, number)


_DAY = pl.col("date_of_service").to_physical().alias("day")
_DAYS = (pl.col("through_date").to_physical() - pl.col("date_of_service").to_physical()).alias("days")
_GAP = pl.col("day") - pl.col("day").shift()


def _applies(days: pl.Series, turns: pl.Series) -> pl.Series:
    """How many days there are by each of *days* on which a row of the code set begins or ends to apply."""
    ends = pl.Series([days.min(), days.max()], dtype=days.dtype)
    first, last = turns.search_sorted(ends, side="right")
    if first == last and not days.null_count():
        return pl.Series("applies", [first], dtype=pl.UInt32).new_from_index(0, days.len())
    return turns.search_sorted(days, side="right").alias("applies")


def _begins(code_set: CodeSet) -> pl.Expr:
    """Whether an episode begins: a visit so long after the earlier ones that neither is in the other's payment.

    Each line reaches to the next day, a procedure with a period to that one's end; patients have increasing numbers, so
    that the furthest reach so far, in one number with the patient, is that of an earlier patient or tells.
    """
    reach = pl.lit(1)
    for days, after in sorted(AFTER.items(), key=lambda each: each[1]):
        surgery = pl.col("hcpcs").is_in(code_set.codes_of_global_days(days))
        reach = pl.when(surgery).then(pl.lit(after)).otherwise(reach)
    patient_day = pl.col("patient").cast(pl.Int64) * 2**32 + pl.col("day")
    new_visit = pl.col("visit").ne_missing(pl.col("visit").shift())
    return new_visit & ~((patient_day + reach).cum_max().shift() >= patient_day).fill_null(value=False)


def _order(row: pl.Series, begins_here: pl.Series, number: pl.Series) -> pl.Series:
    """The place of each line's row among those of its episode, where they do not lie by row as they lie by visit."""
    turned = number.filter(~begins_here & (row < row.shift()))
    if turned.is_empty():
        return repeat(None, row.len()).alias("order")
    placed = pl.when(is_member(number, turned)).then(pl.col("row").rank("ordinal").over("number"))
    return pl.DataFrame([row, number.alias("number")]).select(placed.alias("order")).to_series()


def _first_alike(looked: _Looked) -> pl.Series:
    """Where the line lies that each one is like.

    Episodes are told apart by a hash; then each line is compared with the one that stands for it, so that an episode
    whose hash is another's by chance is judged itself.
    """
    lines, begin, number = looked
    here = count_up(lines.height)
    telling = [lines[name] for name in _LOOKED_AT if not is_constant(lines[name])]
    place = here - begin[number]
    like = _first(_hashed(telling, place), begin)[number] + place
    differs = all_false(lines.height)
    for each in telling:
        differs |= _differs(each, each[like])
    if differs.any():
        unlike = is_member(number, number.filter(differs))
        like = like.zip_with(~unlike, here)
    return like


def _hashed(telling: Iterable[pl.Series], place: pl.Series) -> pl.Series:
    """A hash of each line, with its place in the episode."""
    hashed = place.cast(pl.UInt64) * _ODD
    for seed, each in enumerate(telling):
        hashed += each.to_physical().hash(seed)
    return hashed.hash()


def _first(hashes: pl.Series, begin: pl.Series) -> pl.Series:
    """Where the first episode begins that has all the *hashes* of each one, which begin at *begin*."""
    end = begin.shift(-1, fill_value=hashes.len()) - 1
    upto = hashes.cum_sum()[end]
    episodes = pl.DataFrame([begin.alias("first"), (upto - upto.shift(fill_value=0) + (end - begin)).alias("hash")])
    return episodes.select(pl.col("first").first().over("hash")).to_series()


def _differs(values: pl.Series, others: pl.Series) -> pl.Series:
    return values.ne_missing(others) if values.null_count() else values != others
