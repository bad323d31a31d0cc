"""A review of the embedded releases with a small suite, whose outcomes follow from CMS's rows, and made-up volumes."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from codeset.impact.volume_files import Volume, read_volumes
from codeset.releases import Release
from codeset.snapshot import Snapshot, digest, rows_digest
from codeset.store import Store
from codeset.tables import TABLES
from codeset_ingest.embedded import build_embedded

SCENARIOS = """\
- id: complexity-add-on-beside-a-visit
  says: G2211 is paid beside an office visit
  source: {document: NCCI add-on, row: G2211/99213}
  claim: {lines: [{hcpcs: 99213}, {hcpcs: G2211}]}
  expect: {lines: [{disposition: pay}, {disposition: pay}]}

- id: complexity-add-on-alone
  says: G2211 without a visit is denied
  source: {document: NCCI add-on, row: G2211/99213}
  twin: complexity-add-on-beside-a-visit
  claim: {lines: [{hcpcs: G2211}]}
  expect: {lines: [{disposition: deny, edit: add_on}]}

- id: three-units-of-88346
  says: Three units of 88346 are within its MUE
  source: {document: NCCI MUE practitioner, row: 88346}
  claim: {lines: [{hcpcs: 88346, units: 3}]}
  expect: {lines: [{disposition: pay}]}
"""
VOLUMES = "code,units,modifier\n11102,820,\n17000,2400,\n99213,6100,\n88305,100,26\nJ7309,12,\n36415,50,\n"


def store(folder: Path) -> Store:
    """Return a store of both embedded releases."""
    new_store = Store(folder / "store")
    for label in ("2025q4", "2026q3"):
        build_embedded(Release.parse(label), new_store)
    return new_store


CODES = ("11102", "17000", "17003", "17004", "88305", "88346", "99213", "99348", "99350", "G0559", "G2211", "J7309")
"""What a short review is of: codes of scenarios and volumes, and some whose MUEs or primary codes changed."""


def seal_codes(release: Release, new_store: Store) -> Snapshot:
    """Seal the embedded facts of CODES: a review of these is made in no time."""
    with tempfile.TemporaryDirectory() as folder:
        snapshot = build_embedded(release, Store(Path(folder))).snapshot
        tables = {name: snapshot.table(name) for name in snapshot.manifest.tables}
    for name, rows in tables.items():
        of_codes = [pl.col(column).is_in(CODES) for column in TABLES[name].codes]
        tables[name] = rows.filter(pl.all_horizontal(pl.lit(True), *of_codes))
    return new_store.seal(snapshot.manifest, tables).snapshot


def short_store(folder: Path) -> Store:
    """Return a store of both embedded releases with the facts of CODES."""
    new_store = Store(folder / "store")
    for label in ("2025q4", "2026q3"):
        seal_codes(Release.parse(label), new_store)
    return new_store


def scenarios(folder: Path, text: str = SCENARIOS) -> Path:
    """Write the suite and return its folder."""
    place = folder / "scenarios"
    place.mkdir(parents=True)
    (place / "visits.yaml").write_text(text)
    (place / "settings.yaml").write_text("setting: nonfacility\nlocality: national\nqualifying_apm: no\n")
    (place / "documents.yaml").write_text("NCCI add-on: {table: add_on}\nNCCI MUE practitioner: {table: mue}\n")
    return place


def volumes(folder: Path, text: str = VOLUMES) -> Path:
    """Write a volumes file and return it."""
    file = folder / "volumes.csv"
    file.write_text(text)
    return file


def retold(snapshot: Snapshot, folder: Path, release: str | None = None, **source: str) -> Snapshot:
    """Return a copy of *snapshot* that says to be *release*, and other things of each *source*."""
    shutil.copytree(snapshot.path, folder)
    manifest = snapshot.manifest
    tables = {
        name: replace(entry, sources=tuple(replace(table_source, **source) for table_source in entry.sources))
        for name, entry in manifest.tables.items()
    }
    manifest = replace(manifest, tables=tables)
    if release:
        label = Release.parse(release)
        factors = (
            replace(factor, first=label.first_day, last=label.last_day) for factor in manifest.conversion_factors
        )
        manifest = replace(manifest, release=label, conversion_factors=tuple(factors))
    file = folder / "manifest.json"
    file.chmod(0o600)
    file.write_text(manifest.to_json())
    return Snapshot(folder)


def restate_mue(snapshot: Snapshot, folder: Path, hcpcs: str, mue_value: int) -> None:
    """Write a sound snapshot into *folder* that differs from *snapshot* in the MUE of *hcpcs* alone."""
    shutil.copytree(snapshot.path, folder)
    table, manifest = folder / "mue.parquet", folder / "manifest.json"
    value = (
        pl.when(hcpcs=hcpcs)
        .then(pl.lit(mue_value))
        .otherwise("mue_value")
        .cast(snapshot.table("mue")["mue_value"].dtype)
    )
    for file in (table, manifest):
        file.chmod(0o600)
    snapshot.table("mue").with_columns(value.alias("mue_value")).write_parquet(table)
    rows = snapshot.table("mue").with_columns(value.alias("mue_value"))
    entry = replace(snapshot.manifest.tables["mue"], sha256=digest(table), content_sha256=rows_digest(rows))
    tables = {**snapshot.manifest.tables, "mue": entry}
    manifest.write_text(replace(snapshot.manifest, tables=tables).to_json())


def practice_volumes(folder: Path) -> tuple[Volume, ...]:
    """Return the volumes of a practice, written into *folder* first."""
    return read_volumes(volumes(folder)).volumes


def payment(plain: Mapping[str, Any], hcpcs: str, setting: str, modifier: str = "") -> Mapping[str, Any]:
    """Return the payment of a code in a review's JSON."""
    return next(
        row
        for table in plain["payments"]
        for row in table["rows"]
        if (row["hcpcs"], row["setting"], row["modifier"]) == (hcpcs, setting, modifier)
    )
