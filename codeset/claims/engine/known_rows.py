"""Rows that are worked out once for each key that occurs, and kept for the lines to come."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

KEPT = 5_000
"""Rows that are kept at most. Of so many keys at once most are new: they are worked out, not looked up."""


@dataclass(frozen=True)
class KnownRows:
    """`rows` that were worked out so far; `positions` has, by the columns of a key and its values, where its row is."""

    positions: Mapping[tuple[str, ...], Mapping[tuple[Any, ...], int]] = field(default_factory=dict)
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)

    def of(self, keys: pl.DataFrame, make: Callable[[pl.DataFrame], pl.DataFrame]) -> tuple["KnownRows", pl.Series]:
        """Return these rows and those that *make* makes of the new *keys*, and where the row of each key is.

        *keys* has no key twice. *make* returns a row for each key that it is given, in their order.
        """
        if keys.height > KEPT:
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
        return self if self.rows.height <= KEPT else KnownRows()

    def _with(self, rows: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([self.rows, rows], rechunk=True) if self.rows.width else rows
