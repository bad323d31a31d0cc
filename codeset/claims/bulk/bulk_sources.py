"""The files of a bulk run as tables that can be scanned: csv and parquet as they are, other formats converted first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree

import polars as pl

from codeset.claims.bulk.claim_keys import keys_of, no_keys
from codeset.claims.input.check import Rejects, claim_key, faults_of, no_faults, set_bad_claims_aside
from codeset.claims.input.claim_files import ClaimFile, Form, raw_chunks, raw_claims
from codeset.claims.input.claim_frames import BESIDES, as_raw, derived_fields, with_fields
from codeset.claims.input.claim_tables import NOTHING_READ, TableFile, reading
from codeset.claims.input.headers import field_columns, read_header
from codeset.errors import BadInput, Fault

_CLAIMS_AT_ONCE = 5_000


@dataclass(frozen=True)
class BulkSource:
    """One file of claims as a table of lines; `rejects` are the claims set aside before, `rejected` their keys."""

    table: TableFile
    first_line: int
    locality: str | None
    rejects: Rejects
    rejected: pl.Series

    @property
    def name(self) -> str:
        """What messages call the file."""
        return self.table.name

    def scan(self) -> pl.LazyFrame:
        """Return its lines, a column for each field that it holds."""
        field_names = [name for name in self.table.columns() if name not in BESIDES]
        header = read_header(field_names, locality=self.locality is not None)
        lines = self.table.scan().select(field_names).select(field_columns(header))
        return lines.with_columns(derived_fields(list(header.columns), self.locality, wanted_fields=("locality",)))

    def column_of(self, field: str) -> str:
        """Return the name of the column that holds *field*."""
        column_names = [name for name in self.table.columns() if name not in BESIDES]
        return column_names[read_header(column_names, locality=True).columns[field][0]]

    def parquet_files(self) -> list[Path]:
        """Return the parquet files that it is in, in the order of its lines; none for a csv."""
        source = self.table.source
        if not self.table.is_parquet or isinstance(source, bytes):
            return []
        return sorted(source.glob("*.parquet")) if source.is_dir() else [source]

    def raw_lines(self, keys: pl.Series) -> pl.DataFrame:
        """Return the lines of the claims with those *keys* as text (columns of `RAW`), with their lines in the file."""
        is_wanted = claim_key(pl.col(self.column_of("claim_id"))).is_in(keys.implode())
        lines = self.table.scan()
        if "at" not in self.table.columns():
            lines = lines.with_row_index("at", offset=self.first_line).with_columns(pl.col("at").cast(pl.Int64))
        with reading([self.table]):
            # Streamed, as the file may be larger than memory.
            wanted_lines = lines.filter(is_wanted).collect(engine="streaming")
        return as_raw(with_fields(wanted_lines, self.name, self.locality), self.first_line)


def bulk_sources(files: Sequence[ClaimFile], work_folder: Path, locality: str | None) -> list[BulkSource]:
    """Return *files* as tables; what is no table is read, checked and written as one to a folder in *work_folder*.

    Raises BadInput: for files that cannot be read, with the faults of all of them.
    """
    sources: list[BulkSource] = []
    faults: list[Fault] = []
    for file_number, claim_file in enumerate(files):
        try:
            sources.append(_bulk_source(claim_file, work_folder / f"{file_number:04}", locality))
        except BadInput as error:
            faults += error.faults
    if faults:
        unreadable = (fault for source in sources if not source.table.is_whole() for fault in source.table.faults())
        raise BadInput([*faults, *unreadable], NOTHING_READ)
    return sources


def _bulk_source(claim_file: ClaimFile, folder: Path, locality: str | None) -> BulkSource:
    if claim_file.form in (Form.CSV, Form.PARQUET) and isinstance(claim_file.source, Path):
        header = read_header(claim_file.table.columns(), locality=locality is not None)
        if header.faults:
            raise BadInput([Fault(claim_file.name, 0, message) for message in header.faults], NOTHING_READ)
        if "line" in header.columns:
            rejects = Rejects(claim_file.name, no_faults(), 0, 0, header.notes)
            return BulkSource(claim_file.table, claim_file.first_line, locality, rejects, no_keys())
    return _converted_source(claim_file, folder, locality)


def _converted_source(claim_file: ClaimFile, folder: Path, locality: str | None) -> BulkSource:
    """Write the lines of the file's good claims as parquet, with their places in the file."""
    rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    is_one_piece = claim_file.has_header  # a table's lines of one claim may be anywhere in it
    pieces = [raw_claims(claim_file, locality)] if is_one_piece else raw_chunks(claim_file, locality, _CLAIMS_AT_ONCE)
    rejects, rejected_keys, fatal_faults = Rejects(claim_file.name, no_faults(), 0, 0), [no_keys()], list[Fault]()
    for piece_number, piece in enumerate(pieces):
        good_lines, new_rejects = set_bad_claims_aside(piece.lines, claim_file.name, locality, piece.faults)
        bad_claims = piece.lines.with_row_index("row").join(good_lines, on="row", how="anti")["claim_id"]
        rejected_keys.append(keys_of(pl.concat([bad_claims, new_rejects.faults["claim_id"]])))
        rejects = replace(
            rejects,
            faults=pl.concat([rejects.faults, new_rejects.faults]),
            claims=rejects.claims + new_rejects.claims,
            lines=rejects.lines + new_rejects.lines,
        )
        fatal_faults += piece.fatal
        good_lines.drop("claim_number", "row").write_parquet(folder / f"{piece_number:06}.parquet", compression="lz4")
    if fatal_faults:
        raise BadInput([*fatal_faults, *faults_of(rejects)], NOTHING_READ)
    table = TableFile(claim_file.name, folder, is_parquet=True)
    return BulkSource(table, 1, locality, rejects, pl.concat(rejected_keys).unique())
