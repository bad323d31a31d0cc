"""The old release as it should have been: to tell what CMS changed from what differs because of our own files.

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
        """Whether a claim of *codes* and *participant* may be answered otherwise than from the baseline."""
        return self.codes is None or not self.codes.isdisjoint(codes) or participant in self.participants


def own_reach(old: Snapshot, base: Baseline) -> OwnReach:
    """Return which claims have another row or conversion factor in *old* than in the baseline: no other one differs."""
    by_table = [_differing_codes(table, old, base.snapshot) for table in base.replaced if table != FACTOR]
    codes = None if None in by_table else frozenset().union(*filter(None, by_table))
    participants = (None, *Participant)
    before, after = ({who: _factors_of(who, each.manifest) for who in participants} for each in (old, base.snapshot))
    return OwnReach(codes, frozenset(who for who in participants if before[who] != after[who]))


def _differing_codes(table: str, old: Snapshot, base: Snapshot) -> frozenset[str] | None:
    """The codes by which claims find another row in *base* than in *old*; None if rows are not found by code."""
    columns = TABLES[table].claim_codes
    if columns is None:
        return frozenset()
    if not columns or table not in old:
        return None
    decide = [column for column in TABLES[table].columns if column not in TABLES[table].remarks]
    scope = scope_called(SCOPE)
    one, other = (scope.of(table, each.scan(table)).select(decide) for each in (old, base))
    pairs = ((one, other), (other, one))
    rows = pl.concat([left.join(right, on=decide, how="anti", nulls_equal=True) for left, right in pairs]).collect()
    return frozenset(code for column in columns for code in rows[column])


def _factors_of(participant: Participant | None, manifest: Manifest) -> set[tuple[date, date, Decimal]]:
    return {
        (factor.first, factor.last, factor.value)
        for factor in manifest.conversion_factors
        if factor.participant in (None, participant)
    }


@contextmanager
def baseline(old: Snapshot, new: Snapshot) -> Iterator[Baseline]:
    """Yield the baseline of *new*; it is *old* itself if that is built with files of its own quarter."""
    replaced = {
        table: _why_outdated(table, old.manifest)
        for table in new.manifest.tables
        if _is_outdated(table, old.manifest, new.manifest)
    }
    factors = _factors_in_both(old.manifest, new.manifest)
    if factors != old.manifest.conversion_factors:
        newer = wording.quarter(new.release)
        replaced[FACTOR] = f"the {newer} conversion factor for qualifying APM participants is not in our files"
    if not replaced:
        yield Baseline(old, {})
        return
    with TemporaryDirectory() as folder:
        yield Baseline(_write(old, new, replaced, factors, Path(folder) / str(old.release)), replaced)


def _is_outdated(table: str, old: Manifest, new: Manifest) -> bool:
    """Whether *old* lacks *table*, or has it from a quarter before its own and before that of *new*."""
    entry = old.tables.get(table)
    if entry is None or entry.carried_from is None:
        return entry is None
    posted = Release.parse(entry.carried_from)
    newer = Release.parse(new.tables[table].carried_from or str(new.release))
    return posted < newer and not (table in YEARLY and posted.year == old.release.year)


def _why_outdated(table: str, old: Manifest) -> str:
    release, entry = wording.quarter(old.release), old.tables.get(table)
    name = wording.table_name(table)
    if entry is None or entry.carried_from is None:
        return f"our {release} files have no {name}"
    return f"our {release} files have the {name} of {wording.quarter(Release.parse(entry.carried_from))}"


def _factors_in_both(old: Manifest, new: Manifest) -> tuple[ConversionFactor, ...]:
    """The conversion factors of *old* for whom *new* has one too: a missing factor is not a change of CMS's."""
    participants = {factor.participant for factor in new.conversion_factors}
    if None in participants or participants >= set(Participant):
        return old.conversion_factors
    return tuple(
        replace(factor, participant=participant)
        for factor in old.conversion_factors
        for participant in Participant
        if participant in participants
        if factor.participant in (None, participant)
    )


def _write(
    old: Snapshot, new: Snapshot, replaced: Mapping[str, str], factors: tuple[ConversionFactor, ...], folder: Path
) -> Snapshot:
    folder.mkdir()
    newer = {table: entry for table, entry in new.manifest.tables.items() if table in replaced}
    manifest = replace(old.manifest, tables={**old.manifest.tables, **newer}, conversion_factors=factors)
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    for table in manifest.tables:
        source = new if table in newer else old
        # Copied, not joined in memory: the baseline is a snapshot like any other, and everything that reads one reads
        # it.
        copyfile(source.path / f"{table}.parquet", folder / f"{table}.parquet")
    return Snapshot(folder)
