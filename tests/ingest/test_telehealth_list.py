"""CMS's yearly list of telehealth services, in the layouts that it had: a title, and headers that differ by year."""

import io
from pathlib import Path

import openpyxl
import pytest
from handed_in import build_release, hand_in

from codeset.errors import BadInput
from codeset.releases import Release
from codeset.store import Store

TITLE_2026 = "CY 2026 Final List of Medicare Telehealth Services"
TITLE_2024 = "LIST OF MEDICARE TELEHEALTH SERVICES FOR CALENDAR YEAR 2024"
ROWS_2026 = [
    [TITLE_2026, "", ""],
    ["HCPCS", "Short Descriptor", "Action"],
    ["99213", "a visit", "No change"],
    ["G0108", "a service", "No change"],
]
ROWS_2024 = [
    [TITLE_2024, "", "", "", ""],
    [
        "Code",
        "Short Descriptor",
        "Status",
        "Can Audio-only Interaction Meet the Requirements?",
        "Medicare Payment Limitations",
    ],
    ["99213", "a visit", "Permanent", "Yes", ""],
    ["G0108", "a service", "Provisional", "", ""],
    ["Codes that end are not on this list.", "", "", "", ""],
]


def workbook(rows: list[list[str]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([cell or None for cell in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def csv(rows: list[list[str]]) -> bytes:
    return "".join(",".join(row) + "\r\n" for row in rows).encode()


@pytest.mark.parametrize(
    ("rows", "label", "services"),
    [
        (ROWS_2026, "2026q3", [("99213", "No change", None), ("G0108", "No change", None)]),
        (ROWS_2024, "2024q2", [("99213", "Permanent", "Yes"), ("G0108", "Provisional", None)]),
    ],
    ids=["2026", "2024"],
)
@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_the_list_of_a_year_is_a_table_of_its_releases(
    rows: list[list[str]], label: str, services: list[tuple[str, ...]], form: str, store: Store, tmp_path: Path
) -> None:
    data = workbook(rows) if form == "xlsx" else csv(rows)
    name = f"list-telehealth-services-calendar-year-{label[:4]}.{form}"
    snapshot = build_release(store, Release.parse(label), hand_in(tmp_path / "cms", {name: data})).sealed.snapshot
    assert snapshot.table("telehealth").rows() == services
    assert snapshot.editions["telehealth"].edition == f"telehealth list {label[:4]}"


def test_the_list_of_another_year_is_not_the_release_s(store: Store, tmp_path: Path) -> None:
    folder = hand_in(tmp_path / "cms", {"list-telehealth-services.xlsx": workbook(ROWS_2026)})
    with pytest.raises(BadInput, match="2026"):
        build_release(store, Release.parse("2025q4"), folder)


def test_a_column_that_no_list_had_stops_the_build(store: Store, tmp_path: Path) -> None:
    rows = [[*row, extra] for row, extra in zip(ROWS_2026, ["", "Payable from", "x", "x"], strict=True)]
    folder = hand_in(tmp_path / "cms", {"telehealth.csv": csv(rows)})
    with pytest.raises(BadInput, match=r'column "Payable from" is not in the layout of telehealth'):
        build_release(store, Release.parse("2026q3"), folder)
