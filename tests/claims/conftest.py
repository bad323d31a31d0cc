import pytest

from codeset.snapshot import Snapshot
from codeset.store import Store


@pytest.fixture(scope="session")
def derm(embedded: Store) -> Snapshot:
    """Return the embedded 2026q3: an excerpt, in CMS's numbers."""
    return embedded.open("2026q3")
