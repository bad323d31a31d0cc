"""A store of every release that CMS's own files give, built once for the tests that read it."""

from pathlib import Path

import pytest

from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import Built, build

DELIVERIES: dict[str, tuple[list[str], dict[str, str]]] = {
    "2024q2": (["2024q2"], {}),
    "2024q3": (
        ["2024q3"],
        {"gpci": "2024q2", "add_on": "2024q2", "anesthesia": "2024q2", "locality_county": "2024q2"},
    ),
    "2025q3": (["2025q3"], {}),
    "2025q4": (["2025q4"], {"ptp": "2024q3", "mue": "2024q3", "add_on": "2024q3"}),
    "2026q2": (
        [
            "2026q3/AOC_V2026Q2-MCR.xlsx",
            "2026q3/MCR_MUE_PractitionerServices_Eff_04-01-2026.csv",
            "2026q3/MCR_MUE_PractitionerServices_Eff_04-01-2026.xlsx",
        ],
        {},
    ),
    "2026q3": (
        ["2026q3/PPRRVU2026_Jul_nonQPP.csv", "2026q3/GPCI2026.csv"],
        {"ptp": "2024q3", "mue": "2026q2", "add_on": "2026q2"},
    ),
}
"""Release: the files below the folder of CMS files, and what is carried forward (table: release)."""


@pytest.fixture(scope="session")
def real_builds(cms: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    store = Store(tmp_path_factory.mktemp("real"))
    return {
        label: build(
            Release.parse(label),
            [cms / name for name in names],
            store,
            {table: Release.parse(origin) for table, origin in carry.items()},
        )
        for label, (names, carry) in DELIVERIES.items()
    }


@pytest.fixture(scope="session")
def real_store(real_builds: dict[str, Built]) -> Store:
    return Store(real_builds["2024q2"].sealed.snapshot.path.parent)
