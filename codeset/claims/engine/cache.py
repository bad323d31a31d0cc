"""All that the engine remembers: `Cache`, what follows from one argument; `Memory`, what a rule answers to each key.

`Memory` has keys that are one number, as lines by the million ask; `KnownRows` those of several columns, of which few
are distinct, such as price cases. Both are replaced whole, so that another thread may go on reading, and are bounded.
Nothing of claims is kept. All of it hangs from a code set, and goes with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import polars as pl

T = TypeVar("T")


class Cache:
    """What functions of one owner return, each computed once; a function is known by identity: a module-level one."""

    def __init__(self) -> None:
        self._values: dict[tuple[Any, ...], Any] = {}

    def get(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what *function* returns for *arguments*, of which the first is the owner."""
        key = (function, *arguments[1:])
        if key not in self._values:
            self._values[key] = function(*arguments)
        value: T = self._values[key]
        return value


class Answers:
    """Answers by `key`: `rows` are the answers, `index` has the key of each `answer` (its row) and when it holds.

    Never changed, so that another thread may go on reading it.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        index = [name for name in _INDEX if name in rows.columns]
        self.all = rows
        self.rows = rows.drop(index)
        self.index = rows.select(index).with_row_index("answer")

    @cached_property
    def by_key(self) -> Mapping[int, list[int | None]]:
        """The answers of each key."""
        answers: dict[int, list[int | None]] = {}
        for answer, key in enumerate(self.index["key"].to_list()):
            answers.setdefault(key, []).append(answer)
        return answers

    def extend(self, others: "Answers") -> bool:
        """Return whether they are *others* and more behind them, so that a number of those is the same answer here."""
        return self.index["key"].head(others.index.height).equals(others.index["key"])

    def of(self, asked: pl.DataFrame) -> pl.DataFrame:
        """Return *asked*, which has `key`, with the index of its answers: a row for each, or one without `answer`."""
        if asked.height > _FEW:
            return asked.join(self.index, on="key", how="left", maintain_order="left")
        answers = [self.by_key.get(key, _NO_ANSWER) for key in asked["key"].to_list()]
        here = [place for place, of_key in enumerate(answers) for _ in of_key]
        answer = pl.Series([number for of_key in answers for number in of_key], dtype=pl.UInt32)
        rows = asked if len(here) == asked.height else asked[here]
        return rows.hstack(self._without_key[answer])

    @cached_property
    def _without_key(self) -> pl.DataFrame:
        return self.index.drop("key")


_FEW = 50
"""So few keys are looked up sooner in Python."""

_NO_ANSWER: list[int | None] = [None]
_INDEX = ("key", "has_answer", "first_day", "last_day")


class Memory:
    """The answers given so far, None before the first, for the keys that come later; at most *limit* are kept."""

    def __init__(self, limit: int, answers: Answers | None = None) -> None:
        self._limit = limit
        self.answers = answers

    def recall(self, asked: pl.DataFrame, work: Callable[[pl.DataFrame], pl.DataFrame]) -> tuple[Answers, pl.DataFrame]:
        """Return answers, and *asked* (which has `key`) with the index of its answers, in its order.

        *work* is given rows of *asked*, of which each has a new key, and returns their answers: one row or more for
        each, with `key`.
        """
        if self.answers is not None:
            rows = self.answers.of(asked)
            if not rows["answer"].null_count():
                return self.answers, rows
        answers = self._with(asked, work)
        return answers, answers.of(asked)

    def _with(self, asked: pl.DataFrame, work: Callable[[pl.DataFrame], pl.DataFrame]) -> Answers:
        """The answers so far and those to new keys; or only those to *asked*, if all would be more than are kept."""
        new, known = asked.unique("key", maintain_order=True), self.answers
        if known is not None:
            unknown = new.filter(~new["key"].is_in(known.index["key"].implode()))
            if known.rows.height + unknown.height > self._limit:
                known = None
            else:
                new = unknown
        answers = Answers(work(new) if known is None else pl.concat([known.all, work(new)], rechunk=True))
        if answers.rows.height <= self._limit:
            self.answers = answers
        return answers


MOST_ROWS = 5_000
"""Known rows that are kept at most. Of so many keys at once most are new: they are worked out, not looked up."""


@dataclass(frozen=True)
class KnownRows:
    """Rows that are worked out once for each key that occurs, and kept for the lines to come.

    `positions` has, by the columns of a key and its values, where among `rows` its row is.
    """

    positions: Mapping[tuple[str, ...], Mapping[tuple[Any, ...], int]] = field(default_factory=dict)
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)

    def of(self, keys: pl.DataFrame, make: Callable[[pl.DataFrame], pl.DataFrame]) -> tuple["KnownRows", pl.Series]:
        """Return these rows and those that *make* makes of the new *keys*, and where the row of each key is.

        *keys* has no key twice. *make* returns a row for each key that it is given, in their order.
        """
        if keys.height > MOST_ROWS:
            rows = self._with(make(keys))
            return KnownRows(self.positions, rows), pl.int_range(
                self.rows.height, rows.height, dtype=pl.UInt32, eager=True
            )
        columns, values = tuple(keys.columns), keys.rows()
        positions, known = self.positions.get(columns, {}), self
        new = [place for place, key in enumerate(values) if key not in positions]
        if new or not self.rows.width:
            added = {values[place]: position for position, place in enumerate(new, start=self.rows.height)}
            positions = {**positions, **added}
            known = KnownRows({**self.positions, columns: positions}, self._with(make(keys[new])))
        return known, pl.Series([positions[key] for key in values], dtype=pl.UInt32)

    @property
    def kept(self) -> "KnownRows":
        """Those to be kept for the lines to come: all, as long as they are not too many."""
        return self if self.rows.height <= MOST_ROWS else KnownRows()

    def _with(self, rows: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([self.rows, rows], rechunk=True) if self.rows.width else rows
