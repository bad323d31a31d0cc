"""A store of every release that CMS's own files give, built once for the tests that read it."""

import tomllib
from pathlib import Path

import pytest

from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import BuildResult, build

DELIVERIES = tomllib.loads((Path(__file__).parent / "deliveries.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def real_builds(cms: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, BuildResult]:
    store = Store(tmp_path_factory.mktemp("real"))
    return {
        label: build(
            Release.parse(label),
            [cms / name for name in delivery["files"]],
            store,
            {table: Release.parse(origin) for table, origin in delivery.get("carried", {}).items()},
        )
        for label, delivery in DELIVERIES.items()
    }


@pytest.fixture(scope="session")
def real_store(real_builds: dict[str, BuildResult]) -> Store:
    return Store(real_builds["2024q2"].sealed.snapshot.path.parent)
