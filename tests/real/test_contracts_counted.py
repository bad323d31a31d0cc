"""Contracts of the fee schedule counted on CMS's own figures of 2020 to 2026, in plain Python.

The decoded releases (`history/`) hold floats with noise; hundredths are what CMS prints.
"""

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

pytestmark = pytest.mark.cms

Row = dict[str, str]
GLOBAL = {"000", "010", "090", "YYY"}
RELEASES = {
    **{f"{year}{letter}": None for year in (20, 21, 22, 23) for letter in "abcd" if f"{year}{letter}" != "20d"},
    "24a": None,
    "24b": None,
    "24c": None,
    "25a": ("packages/rvu25a.zip", "PPRRVU25_JAN.csv"),
    "25b": ("packages/rvu25b.zip", "PPRRVU25_APR.csv"),
    "25c": ("packages/rvu25c.zip", "PPRRVU2025_Jul.csv"),
    "25d": ("2025q4/rvu25d.zip", "PPRRVU2025_Oct.csv"),
    "26c": ("2026q3/PPRRVU2026_Jul_nonQPP.csv", ""),
}
"""20d is left out: its decoded codes and global days have lost their leading zeros."""

CELLS = {
    "hcpcs": 0, "mod": 1, "status_code": 3, "work_rvu": 5, "non_fac_pe_rvu": 6, "non_fac_indicator": 7,
    "facility_pe_rvu": 8, "facility_indicator": 9, "mp_rvu": 10, "non_facility_total": 11, "facility_total": 12,
    "glob_days": 14, "pre_op": 15, "intra_op": 16, "post_op": 17,
}  # fmt: skip


def schedule(cms: Path, release: str) -> list[Row]:
    place = RELEASES[release]
    if place is None:
        (file,) = (cms / "history").glob(f"pprrvu_rvu{release}_*.csv.gz")
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))
    path, member = place
    if member:
        with zipfile.ZipFile(cms / path) as package:
            text = package.read(member).decode("cp1252")
    else:
        text = (cms / path).read_text(encoding="cp1252")
    records = csv.reader(io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"), newline=""))
    rows = [row for row in records if len(row[0]) == 5 and row[0] != "HCPCS"]
    return [{name: row[at].strip() for name, at in CELLS.items()} for row in rows]


@pytest.fixture(scope="module", params=RELEASES)
def rows(cms: Path, request: pytest.FixtureRequest) -> tuple[str, list[Row]]:
    return request.param, schedule(cms, request.param)


def number(row: Row, column: str) -> Decimal:
    return Decimal(row[column]).quantize(Decimal("0.01"))


def test_shares_of_the_global_period_are_whole_and_only_where_there_is_one(rows: tuple[str, list[Row]]) -> None:
    violations = []
    for row in rows[1]:
        total = sum(number(row, part) for part in ("pre_op", "intra_op", "post_op"))
        if total not in (0, 1) or (total and row["glob_days"] not in GLOBAL):
            violations.append((row["hcpcs"], total))
    assert len(violations) == 0, violations


NA = {"22": 2, "23": 1, "24": 3, "25": 2}
"""Codes of status X whose PE differs beside NA, by year: G0511, G0512 and the like, which the schedule does not pay."""


def test_beside_na_is_the_pe_of_the_other_setting(rows: tuple[str, list[Row]]) -> None:
    release, schedule_rows = rows
    differences = [
        row
        for row in schedule_rows
        if "NA" in (row["non_fac_indicator"], row["facility_indicator"])
        and number(row, "non_fac_pe_rvu") != number(row, "facility_pe_rvu")
    ]
    assert [row["hcpcs"] for row in differences if row["status_code"] != "X"] == []
    assert len(differences) == NA.get(release[:2], 1 if release == "20a" else 0)


RVUS = ("work_rvu", "non_fac_pe_rvu", "facility_pe_rvu", "mp_rvu", "non_facility_total", "facility_total")


def test_components_are_the_whole_for_status_a_and_r(rows: tuple[str, list[Row]]) -> None:
    by_key = {(row["hcpcs"], row["mod"]): row for row in rows[1]}
    violations, row_count = [], 0
    for (hcpcs, modifier), row in by_key.items():
        parts = [by_key.get((hcpcs, part)) for part in ("26", "TC")]
        if modifier or row["status_code"] not in ("A", "R") or None in parts:
            continue
        row_count += 1
        violations += [
            (hcpcs, column)
            for column in RVUS
            if number(row, column) != sum(number(part, column) for part in parts if part)
        ]
    assert len(violations) == 0, violations
    assert row_count > 800


def test_codes_have_a_known_form_but_for_one(rows: tuple[str, list[Row]]) -> None:
    release, schedule_rows = rows
    strange = {row["hcpcs"] for row in schedule_rows if not re.fullmatch(r"\d{4}[0-9A-Z]|[A-Z]\d{4}", row["hcpcs"])}
    assert strange == ({"GXXX1"} if release == "26c" else set())


def test_cost_indices_are_far_from_the_bounds(cms: Path) -> None:
    """0.2 to 3: the lowest of 2020 to 2024 is 0.235, the highest 2.702 (malpractice both)."""
    values = sorted(_indices(cms))
    assert (min(values), max(values)) == (Decimal("0.235"), Decimal("2.702"))


def _indices(cms: Path) -> Iterator[Decimal]:
    for file in (cms / "history").glob("gpci_*.csv.gz"):
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                texts = [row[column] for column in ("gpci_work", "gpci_pe", "gpci_mp")]
                yield from (Decimal(text).quantize(Decimal("0.001")) for text in texts if text)
