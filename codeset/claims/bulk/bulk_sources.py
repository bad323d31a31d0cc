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
        names = [name for name in self.table.columns() if name not in BESIDES]
        header = read_header(names, locality=self.locality is not None)
        lines = self.table.scan().select(names).select(field_columns(header))
        return lines.with_columns(derived_fields(list(header.columns), self.locality, wanted_fields=("locality",)))

    def column_of(self, field: str) -> str:
        """Return the name of the column that holds *field*."""
        names = [name for name in self.table.columns() if name not in BESIDES]
        return names[read_header(names, locality=True).columns[field][0]]

    def parquet_files(self) -> list[Path]:
        """Return the parquet files that it is in, in the order of its lines; none for a csv."""
        source = self.table.source
        if not self.table.is_parquet or isinstance(source, bytes):
            return []
        return sorted(source.glob("*.parquet")) if source.is_dir() else [source]

    def raw_lines(self, keys: pl.Series) -> pl.DataFrame:
        """Return the lines of the claims with those *keys* as text (columns of `RAW`), with their lines in the file."""
        wanted = claim_key(pl.col(self.column_of("claim_id"))).is_in(keys.implode())
        lines = self.table.scan()
        if "at" not in self.table.columns():
            lines = lines.with_row_index("at", offset=self.first_line).with_columns(pl.col("at").cast(pl.Int64))
        with reading([self.table]):
            found = lines.filter(wanted).collect(engine="streaming")
        return as_raw(with_fields(found, self.name, self.locality), self.first_line)


def bulk_sources(files: Sequence[ClaimFile], work: Path, locality: str | None) -> list[BulkSource]:
    """Return *files* as tables; what is no table is read, checked and written as one to a folder in *work*.

    Raises BadInput: for files that cannot be read, with the faults of all of them.
    """
    sources: list[BulkSource] = []
    faults: list[Fault] = []
    for number, file in enumerate(files):
        try:
            sources.append(_source(file, work / f"{number:04}", locality))
        except BadInput as error:
            faults += error.faults
    if faults:
        unreadable = (fault for source in sources if not source.table.is_whole() for fault in source.table.faults())
        raise BadInput([*faults, *unreadable], NOTHING_READ)
    return sources


def _source(file: ClaimFile, folder: Path, locality: str | None) -> BulkSource:
    if file.form in (Form.CSV, Form.PARQUET) and isinstance(file.source, Path):
        header = read_header(file.table.columns(), locality=locality is not None)
        if header.faults:
            raise BadInput([Fault(file.name, 0, message) for message in header.faults], NOTHING_READ)
        if "line" in header.columns:
            rejects = Rejects(file.name, no_faults(), 0, 0, header.notes)
            return BulkSource(file.table, file.first_line, locality, rejects, no_keys())
    return _converted(file, folder, locality)


def _converted(file: ClaimFile, folder: Path, locality: str | None) -> BulkSource:
    """Write the lines of the file's good claims as parquet, with their places in the file."""
    rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    several = [raw_claims(file, locality)] if file.has_header else raw_chunks(file, locality, _CLAIMS_AT_ONCE)
    rejects, rejected, fatal = Rejects(file.name, no_faults(), 0, 0), [no_keys()], list[Fault]()
    for number, claims in enumerate(several):
        good, more = set_bad_claims_aside(claims.lines, file.name, locality, claims.faults)
        bad = claims.lines.with_row_index("row").join(good, on="row", how="anti")["claim_id"]
        rejected.append(keys_of(pl.concat([bad, more.faults["claim_id"]])))
        rejects = replace(
            rejects,
            faults=pl.concat([rejects.faults, more.faults]),
            claims=rejects.claims + more.claims,
            lines=rejects.lines + more.lines,
        )
        fatal += claims.fatal
        good.drop("claim_number", "row").write_parquet(folder / f"{number:06}.parquet", compression="lz4")
    if fatal:
        raise BadInput([*fatal, *faults_of(rejects)], NOTHING_READ)
    table = TableFile(file.name, folder, is_parquet=True)
    return BulkSource(table, 1, locality, rejects, pl.concat(rejected).unique())
