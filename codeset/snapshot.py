"""A sealed release on disk: parquet tables and a manifest, read-only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from hashlib import file_digest, sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from codeset.errors import StoreProblem, WrongUse
from codeset.manifest import BEFORE_FORMATS, ConversionFactor, Edition, Manifest, TableEntry
from codeset.participants import Participant
from codeset.releases import Release
from codeset.tables import READ_FROM_OTHERS, TABLES, type_name

MANIFEST = "manifest.json"

_RESTORE_REMEDY = "Restore the folder from a backup, or remove it and build the release again."
_ROWS_AT_ONCE = 100_000
"""Rows that are written as text at a time."""

_TOOLS_BEFORE_FORMATS = {"derm-codeset": "0.1.0", "polars": "2.1.0"}

Row = dict[str, Any]
"""One table row: column name to value (str, int, bool, Decimal, date or None)."""


@dataclass(frozen=True)
class Snapshot:
    """The code set of one release. Look-ups return rows as CMS has them, or nothing; they never fill a gap."""

    path: Path

    @cached_property
    def manifest(self) -> Manifest:
        """What the snapshot holds and where it came from.

        Raises StoreProblem: if the manifest is missing, is not one, or was changed after it was sealed.
        """
        try:
            return Manifest.from_json((self.path / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError, WrongUse) as error:
            raise StoreProblem(
                f"{self.path / MANIFEST}: not a readable manifest ({error}). {_RESTORE_REMEDY}"
            ) from error

    @property
    def release(self) -> Release:
        """The release that the snapshot was sealed as."""
        return self.manifest.release

    @property
    def editions(self) -> Mapping[str, Edition]:
        """The CMS edition of each table; carried from an earlier release, it says so and how old it is."""
        return self.manifest.editions

    @cached_property
    def content_sha256(self) -> str:
        """The digest of all that bears on an answer (see `Manifest.content_sha256`); what an approval signs.

        Of a snapshot from before formats it is computed from its files.
        """
        if self.manifest.format != BEFORE_FORMATS:
            return self.manifest.content_sha256
        return replace(self.manifest, tables=self._with_contents()).content_sha256

    @property
    def signed_as(self) -> frozenset[str]:
        """The digests under which an approval may have signed this snapshot.

        Approvals from before content digests signed the manifest's file; the one version that wrote such files may
        not be the one that sealed these, from the same CMS files. An approval of the same rows, read under an earlier
        number, is one of these rows: a release that is built anew by a newer version keeps its approvals. So does one
        in which another table is read from the same file by now.
        """
        manifest = replace(self.manifest, made_by=_TOOLS_BEFORE_FORMATS)
        digests_before_formats = {manifest.sha256_before_formats(), self.manifest.sha256_before_formats()}
        # The number of the reader is in the digest so that a re-reading that changes rows cannot keep an approval;
        # where the rows are the same, the approvals under earlier numbers stay good.
        # Without the tables that are read from another table's file: versions that do not read them signed the rest.
        own_files = {table: entry for table, entry in self.manifest.tables.items() if table not in READ_FROM_OTHERS}
        digests_of_readers = {
            replace(self.manifest, reader=reader_number, tables=table_entries).content_sha256
            for reader_number in range(1, self.manifest.reader + 1)
            for table_entries in (self.manifest.tables, own_files)
        }
        return frozenset({self.content_sha256, *digests_of_readers, *digests_before_formats})

    def _with_contents(self) -> dict[str, TableEntry]:
        table_entries = self.manifest.tables.items()
        return {
            table: replace(entry, content_sha256=rows_digest(pl.read_parquet(self._parquet_file(table))))
            for table, entry in table_entries
        }

    def __contains__(self, table: str) -> bool:
        """Whether the snapshot holds *table*."""
        return table in self.manifest.tables

    def scan(self, table: str) -> pl.LazyFrame:
        """Return *table* as a LazyFrame, sorted by its key; columns and types as in `codeset.tables`.

        A column that tables were given after the snapshot was sealed is null.

        Raises WrongUse: for a name that is no table. StoreProblem: if this release does not hold it.
        """
        stored_rows, column_types = pl.scan_parquet(self._parquet_file(table)), TABLES[table].columns
        if self.manifest.tables[table].columns.keys() == column_types.keys():
            return stored_rows
        later_columns = [name for name in column_types if name not in self.manifest.tables[table].columns]
        return stored_rows.with_columns(
            pl.lit(None, column_types[column_name]).alias(column_name) for column_name in later_columns
        ).select(*column_types)

    def table(self, table: str) -> pl.DataFrame:
        """Return *table* as a DataFrame; raises as `scan` does."""
        return self.scan(table).collect()

    def mpfs(self, hcpcs: str, modifier: str = "") -> Row | None:
        """Return the fee schedule row of *hcpcs* and *modifier* (``""``, 26, TC or 53), or None."""
        return self._single_row("mpfs", hcpcs=hcpcs, modifier=modifier)

    def gpci(self, mac: str, locality: str) -> Row | None:
        """Return the cost indices of a locality (*mac* five digits, *locality* two), or None."""
        return self._single_row("gpci", mac=mac, locality=locality)

    def mue(self, hcpcs: str) -> Row | None:
        """Return the practitioner MUE of *hcpcs*, or None: not published, which is not "unlimited"."""
        return self._single_row("mue", hcpcs=hcpcs)

    def ptp(self, column_one: str, column_two: str) -> list[Row]:
        """Return every practitioner PTP row of the ordered pair, by effective date, deleted ones included."""
        return self._matching_rows("ptp", column_one=column_one, column_two=column_two)

    def primaries(self, add_on_code: str) -> list[Row]:
        """Return every add-on edit row in which *add_on_code* is the add-on."""
        return self._matching_rows("add_on", add_on_code=add_on_code)

    def add_ons(self, primary_code: str) -> list[Row]:
        """Return every add-on edit row in which *primary_code* is the primary."""
        return self._matching_rows("add_on", primary_code=primary_code)

    def conversion_factor(self, day: date, *, participant: Participant | None) -> Decimal | None:
        """Return dollars per RVU on *day*, or None if the release names none for it."""
        matching_values = [
            dated_factor.value
            for dated_factor in self.manifest.conversion_factors
            if dated_factor.first <= day <= dated_factor.last and dated_factor.participant == participant
        ]
        return matching_values[0] if matching_values else None

    @property
    def conversion_factors(self) -> tuple[ConversionFactor, ...]:
        """The conversion factors with their dates."""
        return self.manifest.conversion_factors

    def refuse_if_changed(self) -> None:
        """Compare the folder's name and each table's file with the manifest, as is done whenever a release is opened.

        Raises StoreProblem: with everything that is not as it was sealed.
        """
        if seal_faults := [*self._wrong_label(), *self._wrong_files()]:
            raise StoreProblem(f"{self.path} is not as it was sealed: {'; '.join(seal_faults)}. {_RESTORE_REMEDY}")

    def verify(self) -> list[str]:
        """Return what differs from what was sealed: name, files, and the rows behind the content digest.

        An empty list is a sound snapshot.
        """
        try:
            seal_faults = [*self._wrong_label(), *self._wrong_files(), *self._unknown_files()]
        except StoreProblem as error:
            return [str(error)]
        # Reading all rows takes seconds, the files' digests a fraction: rows are compared only where the bytes are
        # right.
        return seal_faults or list(self._wrong_contents())

    def _wrong_label(self) -> Iterator[str]:
        release_label = str(self.manifest.release)
        # A folder that is still being written begins with a point.
        if self.path.name != release_label and not self.path.name.startswith("."):
            yield f"{MANIFEST}: it is of {release_label}, but its folder is called {self.path.name}"

    def _wrong_files(self) -> Iterator[str]:
        for table_name, table_entry in sorted(self.manifest.tables.items()):
            parquet_file = self.path / f"{table_name}.parquet"
            if not parquet_file.is_file():
                yield f"{parquet_file.name}: missing"
            elif (current_digest := digest(parquet_file)) != table_entry.sha256:
                yield f"{parquet_file.name}: sha256 {current_digest}, but the manifest says {table_entry.sha256}"

    def _unknown_files(self) -> Iterator[str]:
        sealed_names = {f"{table_name}.parquet" for table_name in self.manifest.tables} | {MANIFEST}
        present_names = {present_file.name for present_file in self.path.iterdir()}
        yield from (f"{file_name}: not in the manifest" for file_name in sorted(present_names - sealed_names))

    def _wrong_contents(self) -> Iterator[str]:
        if self.manifest.format == BEFORE_FORMATS:
            return
        for table_name, table_entry in self._with_contents().items():
            if table_entry != self.manifest.tables[table_name]:
                yield f"{table_name}.parquet: its rows are not those of the content digest"

    def _parquet_file(self, table: str) -> Path:
        if table not in TABLES:
            raise WrongUse(f'no table is called "{table}"; there are: {", ".join(TABLES)}')
        if table not in self:
            raise StoreProblem(f"{self.release} holds no {table} (it holds: {', '.join(sorted(self.manifest.tables))})")
        return self.path / f"{table}.parquet"

    def _matching_rows(self, table: str, **key: str) -> list[Row]:
        return self.scan(table).filter(**key).collect().to_dicts()

    def _single_row(self, table: str, **key: str) -> Row | None:
        matching_rows = self._matching_rows(table, **key)
        return matching_rows[0] if matching_rows else None


def rows_digest(table_rows: pl.DataFrame) -> str:
    """Return the sha256 in hex of *table_rows*, in their order, whatever file they are in and whatever wrote it.

    It is that of the rows as CSV with a header: decimals and dates as they print, null as one zero byte.
    """
    # Not the bytes of the parquet file: another version of polars writes other bytes for the same rows.
    running_hash = sha256(",".join(f"{name} {type_name(dtype)}" for name, dtype in table_rows.schema.items()).encode())
    # In slices: the NCCI edits have some 2.5 million rows, two hundred megabytes as one text.
    for row_slice in table_rows.iter_slices(_ROWS_AT_ONCE):
        slice_csv = BytesIO()
        row_slice.write_csv(slice_csv, include_header=False, null_value="\0")
        running_hash.update(slice_csv.getbuffer())
    return running_hash.hexdigest()


def digest(file_path: Path) -> str:
    """Return the sha256 of *file_path* in hex."""
    with file_path.open("rb") as file_stream:
        return file_digest(file_stream, "sha256").hexdigest()
