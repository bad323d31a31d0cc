"""All that the engine remembers: `Cache`, what follows from one argument; `Memory`, what a rule answers to each key.

`Memory` has keys that are one number, as lines by the million ask; `KnownRows` those of several columns, of which few
are distinct, such as price cases. Both are replaced whole, so that another thread may go on reading, and are bounded.
Nothing of claims is kept. All of it hangs from a code set, and goes with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
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
        index_columns = [name for name in _INDEX_COLUMNS if name in rows.columns]
        self.all = rows
        self.rows = rows.drop(index_columns)
        self.index = rows.select(index_columns).with_row_index("answer")

    @cached_property
    def by_key(self) -> Mapping[int, list[int | None]]:
        """The answers of each key."""
        answers_by_key: dict[int, list[int | None]] = {}
        for answer, key in enumerate(self.index["key"].to_list()):
            answers_by_key.setdefault(key, []).append(answer)
        return answers_by_key

    def extend(self, others: "Answers") -> bool:
        """Return whether they are *others* and more behind them, so that a number of those is the same answer here."""
        return self.index["key"].head(others.index.height).equals(others.index["key"])

    def of(self, cases: pl.DataFrame) -> pl.DataFrame:
        """Return *cases*, which has `key`, with the index of its answers: a row for each, or one without `answer`."""
        if cases.height > _FEW_KEYS:
            return cases.join(self.index, on="key", how="left", maintain_order="left")
        answers_of_cases = [self.by_key.get(case_key, _NO_ANSWER) for case_key in cases["key"].to_list()]
        case_places = [case_place for case_place, answers_of_key in enumerate(answers_of_cases) for _ in answers_of_key]
        answer_numbers = pl.Series(list(chain.from_iterable(answers_of_cases)), dtype=pl.UInt32)
        answered_cases = cases if len(case_places) == cases.height else cases[case_places]
        return answered_cases.hstack(self._without_key[answer_numbers])

    @cached_property
    def _without_key(self) -> pl.DataFrame:
        return self.index.drop("key")


_FEW_KEYS = 50
"""So few keys are looked up sooner in Python."""

_NO_ANSWER: list[int | None] = [None]
_INDEX_COLUMNS = ("key", "has_answer", "first_day", "last_day")


class Memory:
    """The answers given so far, None before the first, for the keys that come later; at most *limit* are kept."""

    def __init__(self, limit: int, answers: Answers | None = None) -> None:
        self._limit = limit
        self.answers = answers

    def recall(
        self, cases: pl.DataFrame, work_out: Callable[[pl.DataFrame], pl.DataFrame]
    ) -> tuple[Answers, pl.DataFrame]:
        """Return answers, and *cases* (which has `key`) with the index of its answers, in its order.

        *work_out* is given rows of *cases*, of which each has a new key, and returns their answers: one row or more for
        each, with `key`.
        """
        if self.answers is not None:
            answered_cases = self.answers.of(cases)
            # A new key has no answer: null.
            if not answered_cases["answer"].null_count():
                return self.answers, answered_cases
        answers = self._with(cases, work_out)
        return answers, answers.of(cases)

    def _with(self, cases: pl.DataFrame, work_out: Callable[[pl.DataFrame], pl.DataFrame]) -> Answers:
        """The answers so far and those to new keys; or only those to *cases*, if all would be more than are kept."""
        new_cases, known_answers = cases.unique("key", maintain_order=True), self.answers
        if known_answers is not None:
            unknown_cases = new_cases.filter(~new_cases["key"].is_in(known_answers.index["key"].implode()))
            # Beyond the limit the earlier answers are dropped, not the new ones: the lines at hand need these.
            if known_answers.rows.height + unknown_cases.height > self._limit:
                known_answers = None
            else:
                new_cases = unknown_cases
        new_rows = work_out(new_cases)
        all_rows = new_rows if known_answers is None else pl.concat([known_answers.all, new_rows], rechunk=True)
        answers = Answers(all_rows)
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

    def of(
        self, keys: pl.DataFrame, make_rows: Callable[[pl.DataFrame], pl.DataFrame]
    ) -> tuple["KnownRows", pl.Series]:
        """Return these rows and those that *make_rows* makes of the new *keys*, and where the row of each key is.

        *keys* has no key twice. *make_rows* returns a row for each key that it is given, in their order.
        """
        if keys.height > MOST_ROWS:
            rows = self._with(make_rows(keys))
            return KnownRows(self.positions, rows), pl.int_range(
                self.rows.height, rows.height, dtype=pl.UInt32, eager=True
            )
        key_columns, key_values = tuple(keys.columns), keys.rows()
        known_positions, known_rows = self.positions.get(key_columns, {}), self
        new_places = [key_place for key_place, key_tuple in enumerate(key_values) if key_tuple not in known_positions]
        if new_places or not self.rows.width:
            new_keys = (key_values[key_place] for key_place in new_places)
            new_positions = {key: position for position, key in enumerate(new_keys, start=self.rows.height)}
            # New dictionaries, as another thread may be reading those at hand.
            known_positions = {**known_positions, **new_positions}
            all_rows = self._with(make_rows(keys[new_places]))
            known_rows = KnownRows({**self.positions, key_columns: known_positions}, all_rows)
        return known_rows, pl.Series([known_positions[key_tuple] for key_tuple in key_values], dtype=pl.UInt32)

    @property
    def kept(self) -> "KnownRows":
        """Those to be kept for the lines to come: all, as long as they are not too many."""
        return self if self.rows.height <= MOST_ROWS else KnownRows()

    def _with(self, rows: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([self.rows, rows], rechunk=True) if self.rows.width else rows
