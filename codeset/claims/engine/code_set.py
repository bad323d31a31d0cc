"""The tables of one or several snapshots, made ready for claims: what applies on which dates, for the codes at hand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

import polars as pl

from codeset.claims.engine.cache import Cache
from codeset.manifest import ConversionFactor, Manifest
from codeset.participants import Participant
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.tables import TABLES, Table, active_in

T = TypeVar("T")


@dataclass(frozen=True)
class CodeSet:
    """What claims are read against. Each frame has `release` (the place of its snapshot, from 0) besides its columns.

    `releases`: first and last date of service, scope and the tables held. `factors`: conversion factors, in whole
    ten-thousandths of a dollar. `rows`: by name, the tables of `codeset.tables` that claims are read against; decimals
    are whole numbers of their last place (RVUs and percentages hundredths, GPCIs thousandths). Rows of dated tables
    have `first_day` and `last_day`, from and to which they are in force. `manifests`: those of the snapshots.
    `left_out`: releases that are at hand, and were not to be used. `scans`: the tables for claims with diagnoses.
    """

    releases: pl.DataFrame
    factors: pl.DataFrame
    rows: Mapping[str, pl.DataFrame]
    manifests: tuple[Manifest, ...] = ()
    left_out: tuple[Release, ...] = ()
    scans: Mapping[str, pl.LazyFrame] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        snapshots: Sequence[Snapshot],
        codes: Iterable[str],
        *,
        on_any_date: bool = False,
        left_out: Sequence[Release] = (),
    ) -> "CodeSet":
        """Return the rows of *snapshots* (of different quarters) that bear on claims with *codes*.

        *on_any_date*: what is in force on the last day of the one snapshot's release is in force on every day.
        *left_out*: see the class.
        """
        claim_codes = sorted(set(codes))
        claim_tables = [table for table in TABLES.values() if table.claim_codes is not None]
        tables_read_now = [table for table in claim_tables if not table.with_diagnoses]
        # Read in one go, so that the files are read side by side.
        scans_now = [_rows_of_table(snapshots, table, claim_codes, on_any_date) for table in tables_read_now]
        frames = pl.collect_all(scans_now)
        rows_by_table = {table.name: frame for table, frame in zip(tables_read_now, frames, strict=True)}
        rows_by_table["mpfs"] = _with_bases(rows_by_table["mpfs"], snapshots, claim_codes)
        whole_numbers = {name: _whole_numbers(frame) for name, frame in rows_by_table.items()}
        manifests = tuple(snapshot.manifest for snapshot in snapshots)
        releases, factors = _release_rows(snapshots, on_any_date), _factor_rows(snapshots, on_any_date)
        # Most claims have no diagnoses: these tables are read when a rule asks for them.
        tables_read_later = (table for table in claim_tables if table.with_diagnoses)
        scans = {table.name: _rows_of_table(snapshots, table, claim_codes, False) for table in tables_read_later}
        return cls(releases, factors, whole_numbers, manifests, tuple(left_out), scans)

    @property
    def fees(self) -> pl.DataFrame:
        """The fee schedule."""
        return self.rows["mpfs"]

    @property
    def gpci(self) -> pl.DataFrame:
        """The cost indices of every locality."""
        return self.rows["gpci"]

    @property
    def ptp(self) -> pl.DataFrame:
        """The PTP edits, dated."""
        return self.rows["ptp"]

    @property
    def mue(self) -> pl.DataFrame:
        """The MUEs."""
        return self.rows["mue"]

    @property
    def add_on(self) -> pl.DataFrame:
        """The add-on edits, dated."""
        return self.rows["add_on"]

    def rows_for_diagnoses(self, table: str) -> pl.DataFrame:
        """The rows of a *table* that only claims with diagnoses are read against; read when it is first asked for."""
        return self.cached(_collected, table)

    def cached(self, function: Callable[..., T], *more: Any) -> T:
        """Return what *function* makes of this code set (and of *more*); it is computed once."""
        return self._cache.get(function, self, *more)

    @cached_property
    def _cache(self) -> Cache:
        return Cache()


def _collected(code_set: CodeSet, table: str) -> pl.DataFrame:
    rows_scan = code_set.scans.get(table)
    if rows_scan is None:
        return pl.DataFrame(schema={**TABLES[table].columns, **_ORIGIN_COLUMNS})
    return rows_scan.collect()


_SnapshotsKey = tuple[bool, tuple[Release, ...], tuple[tuple[str, str], ...]]
_CODE_SETS: dict[_SnapshotsKey, tuple[frozenset[str], CodeSet]] = {}
"""For some snapshots, by path and identity, the rows of the codes that claims had so far in this process."""

# What a process keeps is bounded: one that runs for long may see claims of every quarter and specialty.
_MAX_SNAPSHOTS, _MAX_CODES = 4, 1_000


def clear_caches() -> None:
    """Forget all code sets, and with them everything that was cached of them."""
    _CODE_SETS.clear()


def code_set_of(
    snapshots: Sequence[Snapshot],
    codes: Iterable[str],
    *,
    on_any_date: bool = False,
    left_out: Sequence[Release] = (),
) -> CodeSet:
    """As `CodeSet.of`; rows that were read for earlier claims are not read again.

    Sealed snapshots do not change. Rows of codes that the claims at hand do not have bear on none of their lines.
    """
    claim_codes = frozenset(codes)
    snapshots_key = (
        on_any_date,
        tuple(left_out),
        tuple((str(snapshot.path), snapshot.manifest.identity) for snapshot in snapshots),
    )
    codes_read, code_set = _CODE_SETS.get(snapshots_key, (frozenset(), None))
    if code_set is not None and claim_codes <= codes_read:
        return code_set
    codes_to_read = claim_codes | codes_read if len(claim_codes | codes_read) <= _MAX_CODES else claim_codes
    code_set = CodeSet.of(snapshots, codes_to_read, on_any_date=on_any_date, left_out=left_out)
    if len(codes_to_read) <= _MAX_CODES:
        # A dictionary keeps its order: the first entry is the oldest.
        if snapshots_key not in _CODE_SETS and len(_CODE_SETS) >= _MAX_SNAPSHOTS:
            _CODE_SETS.pop(next(iter(_CODE_SETS)))
        _CODE_SETS[snapshots_key] = codes_to_read, code_set
    return code_set


def _rows_of_table(snapshots: Sequence[Snapshot], table: Table, codes: list[str], on_any_date: bool) -> pl.LazyFrame:
    """The rows of *table* whose codes are all among *codes*, with the release and the edition that each is from."""
    empty_rows = pl.LazyFrame(schema={**table.columns, **_ORIGIN_COLUMNS})
    rows_of_snapshots = [
        snapshot.scan(table.name)
        .filter(*(pl.col(column).is_in(codes) for column in table.claim_codes or ()), pl.lit(value=True))
        .with_columns(
            pl.lit(release_place, dtype=pl.UInt16).alias("release"),
            pl.lit(snapshot.manifest.tables[table.name].edition).alias("edition"),
        )
        for release_place, snapshot in enumerate(snapshots)
        if table.name in snapshot
    ]
    rows_of_all = pl.concat([empty_rows, *rows_of_snapshots])
    if not table.dated:
        return rows_of_all
    if on_any_date:
        return _in_force_on_any_date(rows_of_all, snapshots)
    return rows_of_all.with_columns(_FIRST_DAY, _LAST_DAY)


_ORIGIN_COLUMNS = {"release": pl.UInt16(), "edition": pl.String()}
_FIRST_DAY = pl.col("effective_date").alias("first_day")
# No deletion date (in the NCCI files "*", their header says "*=no data"): in force as long as the release is.
_LAST_DAY = pl.col("deletion_date").fill_null(date.max).alias("last_day")


def _in_force_on_any_date(rows: pl.LazyFrame, snapshots: Sequence[Snapshot]) -> pl.LazyFrame:
    """The dated rows of one release that are in force on its last day, as if they were on every day."""
    (snapshot,) = snapshots
    release_last_day = pl.lit(snapshot.release.last_day)
    first, last = pl.lit(date.min).alias("first_day"), pl.lit(date.max).alias("last_day")
    return rows.filter(active_in(release_last_day, release_last_day)).with_columns(first, last)


def _with_bases(fees: pl.DataFrame, snapshots: Sequence[Snapshot], codes: list[str]) -> pl.DataFrame:
    """The rows of *codes* and those of the bases of their endoscopies, which are priced by them whoever bills them."""
    # An endoscopy beside others of its family is paid less the base's fee (record layout RVU25D, Multiple Procedure 3).
    base_codes = sorted(set(fees["endoscopic_base"].drop_nulls()) - set(codes))
    if not base_codes:
        return fees
    return pl.concat([fees, _rows_of_table(snapshots, TABLES["mpfs"], base_codes, False).collect()])


def _release_rows(snapshots: Sequence[Snapshot], on_any_date: bool) -> pl.DataFrame:
    release_rows = [
        {
            "release": release_place,
            "label": str(snapshot.release),
            "first": date.min if on_any_date else snapshot.release.first_day,
            "last": date.max if on_any_date else snapshot.release.last_day,
            "scope": snapshot.manifest.scope,
            **{f"has_{table}": table in snapshot for table in TABLES},
        }
        for release_place, snapshot in enumerate(snapshots)
    ]
    release_types = {"release": pl.UInt16, "label": pl.String, "first": pl.Date, "last": pl.Date, "scope": pl.String}
    types = {**release_types, **{f"has_{table}": pl.Boolean for table in TABLES}}
    return pl.DataFrame(release_rows, schema=types).sort("first")


def _factor_rows(snapshots: Sequence[Snapshot], on_any_date: bool) -> pl.DataFrame:
    factor_rows = [
        (release_place, *_days_of(factor, on_any_date), factor.participant, int(factor.value * 10_000))
        for release_place, snapshot in enumerate(snapshots)
        for factor in snapshot.conversion_factors
        if not on_any_date or factor.first <= snapshot.release.last_day <= factor.last
    ]
    factor_types: Mapping[str, pl.DataType | type[pl.DataType]] = {
        "release": pl.UInt16,
        "factor_first": pl.Date,
        "factor_last": pl.Date,
        "participant": pl.Enum(Participant),
        "conversion_factor": pl.Int64,
    }
    return pl.DataFrame(factor_rows, schema=factor_types, orient="row")


def _days_of(factor: ConversionFactor, on_any_date: bool) -> tuple[date, date]:
    return (date.min, date.max) if on_any_date else (factor.first, factor.last)


def _whole_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Decimals as whole numbers of their last place."""
    scales = {name: dtype.scale for name, dtype in frame.schema.items() if isinstance(dtype, pl.Decimal)}
    return frame.with_columns(
        (pl.col(name) * 10**decimal_places).cast(pl.Int64) for name, decimal_places in scales.items()
    )
