"""The old release as it should have been, to separate what CMS changed from what differs because of our own files.

A release that was built with an older file, carried forward, lacks what CMS changed in between. Compared as it is, all
of that would look like a change of the new release. The baseline has the new release's table in its place: a dated row
of it applies on the old release's days only if it was in force then, and a table without dates is the same in both.
What still differs between the baseline and the new release, CMS changed.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

import polars as pl

from codeset import wording
from codeset.manifest import ConversionFactor, Manifest
from codeset.participants import Participant
from codeset.releases import Release
from codeset.scope import scope as scope_called
from codeset.snapshot import MANIFEST, Snapshot
from codeset.tables import TABLES

FACTOR = "conversion_factor"

SCOPE = "derm"

YEARLY = ("gpci",)
"""Tables that CMS posts once a year: one carried forward within its year is not outdated."""


@dataclass(frozen=True)
class Baseline:
    """The snapshot to compare the new release with; `replaced` says why, by table (or `conversion_factor`)."""

    snapshot: Snapshot
    replaced: Mapping[str, str]


@dataclass(frozen=True)
class OwnReach:
    """Which claims our older files can bear on: those with one of `codes` (None: any), or priced for `participants`."""

    codes: frozenset[str] | None
    participants: frozenset[Participant | None]

    def includes(self, codes: Collection[str], participant: Participant | None) -> bool:
        """Whether a claim of *codes* and *participant* may be answered differently than from the baseline."""
        return self.codes is None or not self.codes.isdisjoint(codes) or participant in self.participants


def own_reach(old_snapshot: Snapshot, base: Baseline) -> OwnReach:
    """Return which claims have another row or factor in *old_snapshot* than in *base*: no other one differs."""
    codes_by_table = [
        _differing_codes(table, old_snapshot, base.snapshot) for table in base.replaced if table != FACTOR
    ]
    # Rows that are not found by a code may decide any claim.
    codes = None if None in codes_by_table else frozenset().union(*filter(None, codes_by_table))
    participants = (None, *Participant)
    old_factors, base_factors = (
        {participant: _factors_for(participant, snapshot.manifest) for participant in participants}
        for snapshot in (old_snapshot, base.snapshot)
    )
    return OwnReach(
        codes,
        frozenset(participant for participant in participants if old_factors[participant] != base_factors[participant]),
    )


def _differing_codes(table_name: str, old_snapshot: Snapshot, base_snapshot: Snapshot) -> frozenset[str] | None:
    """The codes by which claims find another row in the two snapshots; None if rows are not found by code."""
    code_columns = TABLES[table_name].claim_codes
    if code_columns is None:
        return frozenset()
    if not code_columns or table_name not in old_snapshot:
        return None
    # A rationale or a note may differ without any effect on a claim.
    deciding_columns = [column for column in TABLES[table_name].columns if column not in TABLES[table_name].remarks]
    scope = scope_called(SCOPE)
    old_rows, base_rows = (
        scope.of(table_name, snapshot.scan(table_name)).select(deciding_columns)
        for snapshot in (old_snapshot, base_snapshot)
    )
    # Both ways: either side may have a row that the other one lacks.
    row_pairs = ((old_rows, base_rows), (base_rows, old_rows))
    # Nulls are equal: an edit in force has no deletion date in either release.
    differing_rows = pl.concat(
        [
            left_rows.join(right_rows, on=deciding_columns, how="anti", nulls_equal=True)
            for left_rows, right_rows in row_pairs
        ]
    ).collect()
    return frozenset(code for column in code_columns for code in differing_rows[column])


def _factors_for(participant: Participant | None, manifest: Manifest) -> set[tuple[date, date, Decimal]]:
    return {
        (factor.first, factor.last, factor.value)
        for factor in manifest.conversion_factors
        if factor.participant in (None, participant)
    }


@contextmanager
def baseline(old_snapshot: Snapshot, new_snapshot: Snapshot) -> Iterator[Baseline]:
    """Yield the baseline; it is *old_snapshot* itself if that is built with files of its own quarter."""
    replaced = {
        table_name: _why_outdated(table_name, old_snapshot.manifest)
        for table_name in new_snapshot.manifest.tables
        if _is_outdated(table_name, old_snapshot.manifest, new_snapshot.manifest)
    }
    factors = _factors_in_both(old_snapshot.manifest, new_snapshot.manifest)
    if factors != old_snapshot.manifest.conversion_factors:
        newer_quarter = wording.quarter(new_snapshot.release)
        replaced[FACTOR] = f"the {newer_quarter} conversion factor for qualifying APM participants is not in our files"
    if not replaced:
        yield Baseline(old_snapshot, {})
        return
    with TemporaryDirectory() as temporary_folder:
        yield Baseline(
            _write_baseline(
                old_snapshot, new_snapshot, replaced, factors, Path(temporary_folder) / str(old_snapshot.release)
            ),
            replaced,
        )


def _is_outdated(table_name: str, old_manifest: Manifest, new_manifest: Manifest) -> bool:
    """Whether the old release lacks a table, or has it from a quarter before its own and before that of the new one."""
    old_table = old_manifest.tables.get(table_name)
    if old_table is None or old_table.carried_from is None:
        return old_table is None
    old_quarter = Release.parse(old_table.carried_from)
    new_quarter = Release.parse(new_manifest.tables[table_name].carried_from or str(new_manifest.release))
    return old_quarter < new_quarter and not (table_name in YEARLY and old_quarter.year == old_manifest.release.year)


def _why_outdated(table_name: str, old_manifest: Manifest) -> str:
    old_quarter, old_table = wording.quarter(old_manifest.release), old_manifest.tables.get(table_name)
    table_label = wording.table_name(table_name)
    if old_table is None or old_table.carried_from is None:
        return f"our {old_quarter} files have no {table_label}"
    return f"our {old_quarter} files have the {table_label} of {wording.quarter(Release.parse(old_table.carried_from))}"


def _factors_in_both(old_manifest: Manifest, new_manifest: Manifest) -> tuple[ConversionFactor, ...]:
    """The old conversion factors for whom the new release has one too: a missing factor is not a change of CMS's."""
    participants = {factor.participant for factor in new_manifest.conversion_factors}
    if None in participants or participants >= set(Participant):
        return old_manifest.conversion_factors
    return tuple(
        replace(factor, participant=participant)
        for factor in old_manifest.conversion_factors
        for participant in Participant
        if participant in participants
        if factor.participant in (None, participant)
    )


def _write_baseline(
    old_snapshot: Snapshot,
    new_snapshot: Snapshot,
    replaced: Mapping[str, str],
    factors: tuple[ConversionFactor, ...],
    folder: Path,
) -> Snapshot:
    folder.mkdir()
    newer_tables = {
        table_name: sealed_table
        for table_name, sealed_table in new_snapshot.manifest.tables.items()
        if table_name in replaced
    }
    manifest = replace(
        old_snapshot.manifest, tables={**old_snapshot.manifest.tables, **newer_tables}, conversion_factors=factors
    )
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    for table_name in manifest.tables:
        source_snapshot = new_snapshot if table_name in newer_tables else old_snapshot
        # Copied, not joined in memory: the baseline is a snapshot like any other, which everything can read.
        copyfile(source_snapshot.path / f"{table_name}.parquet", folder / f"{table_name}.parquet")
    return Snapshot(folder)
