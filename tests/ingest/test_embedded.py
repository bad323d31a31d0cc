"""The embedded facts, rendered into CMS's layouts and read back as a user's files are."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from cms_files.render import deliver

from codeset.errors import StoreProblem
from codeset.manifest import Manifest
from codeset.releases import Release
from codeset.store import Store
from codeset.tables import READ_FROM_OTHERS
from codeset_ingest.build import build
from codeset_ingest.embedded import build_embedded, facts
from codeset_ingest.write_embedded import DIAGNOSES


def without_texts(release: Release) -> tuple[Manifest, dict[str, pl.DataFrame]]:
    """The embedded facts but those that CMS's files have only in texts which are not embedded: titles, descriptions."""
    manifest, tables = facts(release)
    return manifest, {name: rows for name, rows in tables.items() if name not in (*DIAGNOSES, *READ_FROM_OTHERS)}


@pytest.mark.parametrize("label", ["2025q3", "2025q4", "2026q3"])
def test_the_embedded_facts_survive_cms_layouts(label: str, store: Store, tmp_path: Path) -> None:
    release = Release.parse(label)
    manifest, tables = without_texts(release)
    cms_paths = deliver(tables, release, manifest.conversion_factors, tmp_path / "posted")
    build_result = build(release, cms_paths, store)
    for name, table in tables.items():
        assert build_result.sealed.snapshot.table(name).equals(table), name
    assert build_result.sealed.snapshot.conversion_factors == manifest.conversion_factors
    assert build_result.missing == ()


def test_the_full_release_supersedes_the_excerpt_and_not_the_other_way_round(store: Store, tmp_path: Path) -> None:
    release = Release.parse("2026q3")
    build_embedded(release, store)
    manifest, tables = without_texts(release)
    cms_paths = deliver(tables, release, manifest.conversion_factors, tmp_path / "posted")
    full = build(release, cms_paths, store).sealed.snapshot
    assert full.release == replace(release, revision=1)
    assert full.manifest.scope == "all"
    with pytest.raises(StoreProblem, match="holds the full 2026q3"):
        build_embedded(release, store)
