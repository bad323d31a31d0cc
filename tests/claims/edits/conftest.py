from typing import Any

import literal_claims
import literal_releases
import pytest
from literal_diagnoses import CODES, FY2024, FY2025, FY2026

from codeset.snapshot import Snapshot
from codeset.store import Store

QUARTERS = ("2023q1", "2023q3", "2023q4", "2024q2", "2025q4", "2026q1", "2026q3")


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> list[Snapshot]:
    """Return quarters of 2023 to 2026 with the same literal codes."""
    store = Store(tmp_path_factory.mktemp("rules"))
    codes, add_on, mue = literal_releases.FEES, literal_releases.ADD_ON, literal_releases.MUE
    return [literal_claims.sealed_release(store, label, codes, add_on=add_on, mue=mue) for label in QUARTERS]


@pytest.fixture(scope="session")
def quarters(tmp_path_factory: pytest.TempPathFactory) -> list[Snapshot]:
    """Return quarters of 2024 to 2026, each with the edition of diagnoses of its fiscal year."""
    store = Store(tmp_path_factory.mktemp("quarters"))
    editions: dict[str, Any] = {
        "2024q3": FY2024,
        "2024q4": FY2025,
        "2025q3": FY2025,
        "2025q4": FY2026,
        "2026q3": FY2026,
    }
    return [literal_claims.sealed_release(store, label, CODES, diagnosis=codes) for label, codes in editions.items()]


@pytest.fixture(scope="session")
def statuses(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Return a release with one code for each status: 9990A has status A, and so on."""
    fees = [{"hcpcs": f"9990{status}", "status_code": status} for status in "ABCDEFGHIJMNPQRTX"]
    return literal_claims.sealed_release(Store(tmp_path_factory.mktemp("statuses")), "2026q3", fees)
