"""The tables of one release that statements are tried against: each is read once, however many statements ask."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

import polars as pl

from codeset.money import national_cents
from codeset.snapshot import Row, Snapshot
from codeset.tables import active_in


@dataclass(frozen=True)
class _KeyedTable:
    """A table and, by key, the positions of its rows."""

    table: pl.DataFrame
    positions: Mapping[tuple[str, ...], list[int]]

    @classmethod
    def of(cls, table: pl.DataFrame, *key_columns: str) -> "_KeyedTable":
        positions: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for position, key_values in enumerate(table.select(key_columns).iter_rows()):
            positions[key_values].append(position)
        return cls(table, positions)

    def rows(self, *key_values: str) -> list[Row]:
        return [self.table.row(position, named=True) for position in self.positions.get(key_values, ())]


@dataclass(frozen=True)
class ReleaseTables:
    """Look-ups in *snapshot*, whose tables are read once and kept; of PTP edits, those between *codes*."""

    snapshot: Snapshot
    codes: frozenset[str]
    _cents: dict[tuple[str, Decimal], list[int | None]] = field(default_factory=dict, repr=False, compare=False)

    def mpfs(self, hcpcs: str, modifier: str = "") -> Row | None:
        """Return the fee schedule row of *hcpcs* and *modifier*, or None."""
        return next(iter(self._mpfs.rows(hcpcs, modifier)), None)

    def mue(self, hcpcs: str) -> Row | None:
        """Return the practitioner MUE of *hcpcs*, or None: not published."""
        return next(iter(self._mue.rows(hcpcs)), None)

    def ptp(self, column_one: str, column_two: str) -> list[Row]:
        """Return every PTP row of the ordered pair, deleted ones included."""
        return self._ptp.rows(column_one, column_two)

    def ptp_in_force(self, column_one: str, column_two: str) -> list[Row]:
        """Return the PTP rows of the ordered pair that apply on any day of the release's quarter."""
        return self._ptp_in_force.rows(column_one, column_two)

    def primaries_in_force(self, add_on_code: str) -> list[Row]:
        """Return the add-on edits of *add_on_code* that apply on any day of the release's quarter."""
        return self._primaries_in_force.rows(add_on_code)

    def national_cents(self, hcpcs: str, modifier: str, setting: str, factor: Decimal) -> int | None:
        """Return the national amount of a code that the fee schedule has; None where it sets none for *setting*."""
        if (setting, factor) not in self._cents:
            amounts = self._mpfs.table.select(national_cents(setting, factor)).to_series()
            self._cents[setting, factor] = amounts.to_list()
        return self._cents[setting, factor][self._mpfs.positions[hcpcs, modifier][0]]

    @cached_property
    def _mpfs(self) -> _KeyedTable:
        return _KeyedTable.of(self.snapshot.table("mpfs"), "hcpcs", "modifier")

    @cached_property
    def _mue(self) -> _KeyedTable:
        return _KeyedTable.of(self.snapshot.table("mue"), "hcpcs")

    @cached_property
    def _ptp(self) -> _KeyedTable:
        # Read as a scan: of some 2.5 million edits a few thousand are between the codes that guides name.
        has_named_codes = (pl.col(column).is_in(self.codes) for column in ("column_one", "column_two"))
        return _KeyedTable.of(self.snapshot.scan("ptp").filter(*has_named_codes).collect(), "column_one", "column_two")

    @cached_property
    def _ptp_in_force(self) -> _KeyedTable:
        return _KeyedTable.of(self._ptp.table.filter(self._in_force()), "column_one", "column_two")

    @cached_property
    def _primaries_in_force(self) -> _KeyedTable:
        return _KeyedTable.of(self.snapshot.scan("add_on").filter(self._in_force()).collect(), "add_on_code")

    def _in_force(self) -> pl.Expr:
        release = self.snapshot.release
        return active_in(pl.lit(release.first_day, pl.Date), pl.lit(release.last_day, pl.Date))
