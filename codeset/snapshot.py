"""A sealed release on disk: parquet tables and a manifest, read-only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from hashlib import file_digest
from pathlib import Path
from typing import Any

import polars as pl

from codeset.errors import StoreProblem, WrongUse
from codeset.manifest import ConversionFactor, Manifest
from codeset.participants import Participant
from codeset.releases import Release
from codeset.tables import TABLES

MANIFEST = "manifest.json"

Row = dict[str, Any]
"""One table row: column name to value (str, int, bool, Decimal, date or None)."""


@dataclass(frozen=True)
class Snapshot:
    """The code set of one release. Look-ups return rows as CMS has them, or nothing; they never fill a gap."""

    path: Path

    @cached_property
    def manifest(self) -> Manifest:
        """What the snapshot holds and where it came from.

        Raises StoreProblem: if the manifest is missing or is not one.
        """
        try:
            return Manifest.from_json((self.path / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError, WrongUse) as error:
            raise StoreProblem(f"{self.path / MANIFEST}: not a readable manifest ({error})") from error

    @property
    def release(self) -> Release:
        """The release that the snapshot was sealed as."""
        return self.manifest.release

    def __contains__(self, table: str) -> bool:
        """Whether the snapshot holds *table*."""
        return table in self.manifest.tables

    def scan(self, table: str) -> pl.LazyFrame:
        """Return *table* as a LazyFrame, sorted by its key; columns and types as in `codeset.tables`.

        Raises WrongUse: for a name that is no table. StoreProblem: if this release does not hold it.
        """
        return pl.scan_parquet(self._file(table))

    def table(self, table: str) -> pl.DataFrame:
        """Return *table* as a DataFrame; raises as `scan` does."""
        return self.scan(table).collect()

    def mpfs(self, hcpcs: str, modifier: str = "") -> Row | None:
        """Return the fee schedule row of *hcpcs* and *modifier* (``""``, 26, TC or 53), or None."""
        return self._one("mpfs", hcpcs=hcpcs, modifier=modifier)

    def gpci(self, mac: str, locality: str) -> Row | None:
        """Return the cost indices of a locality (*mac* five digits, *locality* two), or None."""
        return self._one("gpci", mac=mac, locality=locality)

    def mue(self, hcpcs: str) -> Row | None:
        """Return the practitioner MUE of *hcpcs*, or None: not published, which is not "unlimited"."""
        return self._one("mue", hcpcs=hcpcs)

    def ptp(self, column_one: str, column_two: str) -> list[Row]:
        """Return every practitioner PTP row of the ordered pair, by effective date, deleted ones included."""
        return self._rows("ptp", column_one=column_one, column_two=column_two)

    def primaries(self, add_on_code: str) -> list[Row]:
        """Return every add-on edit row in which *add_on_code* is the add-on."""
        return self._rows("add_on", add_on_code=add_on_code)

    def add_ons(self, primary_code: str) -> list[Row]:
        """Return every add-on edit row in which *primary_code* is the primary."""
        return self._rows("add_on", primary_code=primary_code)

    def conversion_factor(self, day: date, *, participant: Participant | None) -> Decimal | None:
        """Return dollars per RVU on *day*, or None if the release names none for it."""
        matching = [
            each.value
            for each in self.manifest.conversion_factors
            if each.first <= day <= each.last and each.participant == participant
        ]
        return matching[0] if matching else None

    @property
    def conversion_factors(self) -> tuple[ConversionFactor, ...]:
        """The conversion factors with their dates."""
        return self.manifest.conversion_factors

    def verify(self) -> list[str]:
        """Return what differs from the manifest, table by table; an empty list is a sound snapshot."""
        return list(self._differences())

    def _differences(self) -> Iterator[str]:
        names = {path.name for path in self.path.iterdir()}
        expected = {f"{name}.parquet" for name in self.manifest.tables} | {MANIFEST}
        yield from (f"{name}: missing" for name in sorted(expected - names))
        yield from (f"{name}: not in the manifest" for name in sorted(names - expected))
        for name, entry in sorted(self.manifest.tables.items()):
            file = self.path / f"{name}.parquet"
            if file.name in names and (sha256 := digest(file)) != entry.sha256:
                yield f"{file.name}: sha256 {sha256}, but the manifest says {entry.sha256}"

    def _file(self, table: str) -> Path:
        if table not in TABLES:
            raise WrongUse(f'no table is called "{table}"; there are: {", ".join(TABLES)}')
        if table not in self:
            raise StoreProblem(f"{self.release} holds no {table} (it holds: {', '.join(sorted(self.manifest.tables))})")
        return self.path / f"{table}.parquet"

    def _rows(self, table: str, **key: str) -> list[Row]:
        return self.scan(table).filter(**key).collect().to_dicts()

    def _one(self, table: str, **key: str) -> Row | None:
        rows = self._rows(table, **key)
        return rows[0] if rows else None


def digest(file: Path) -> str:
    """Return the sha256 of *file* in hex."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
