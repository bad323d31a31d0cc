"""The embedded releases, for the tests of the suite."""

import pytest

from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.embedded import build_embedded


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store of both embedded releases; nothing may be written into it."""
    store = Store(tmp_path_factory.mktemp("embedded"))
    for label in ("2025q4", "2026q3"):
        build_embedded(Release.parse(label), store)
    return store
