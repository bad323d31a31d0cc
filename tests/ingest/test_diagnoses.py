"""ICD-10-CM editions: order file, code file, addenda and conversion table. Small files hold titles of our own."""

from datetime import date
from pathlib import Path

import pytest
from cms_files.render import zip_of
from handed_in import build_faults, hand_in

from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset_ingest.build import BuildResult, build
from codeset_ingest.read.diagnoses.replacements import previous_codes

EDITIONS = {
    "2021q4": ("fy2022-oct_Code-Descriptions.zip", 95_524, 72_748),
    "2022q2": ("fy2022-apr_dx.zip", 95_528, 72_750),
    "2022q4": ("fy2023-oct_Order-CodeFiles2023.zip", 96_745, 73_639),
    "2023q2": ("fy2023-apr_code-descriptions.zip", 96_795, 73_674),
    "2023q4": ("fy2024_dx.zip", 97_296, 74_044),
    "2024q4": ("fy2025_dx.zip", 97_584, 74_260),
    "2025q4": ("fy2026_dx.zip", 98_186, 74_719),
}
"""Of each edition: the release that it begins with, its file, its entries and valid codes (README of the CMS files)."""


@pytest.fixture(scope="module")
def editions(cms: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Snapshot]:
    store = Store(tmp_path_factory.mktemp("store"))
    files = {label: cms / "icd10cm" / name for label, (name, _, _) in EDITIONS.items()}
    return {label: build(Release.parse(label), [file], store).sealed.snapshot for label, file in files.items()}


def valid(snapshot: Snapshot) -> set[str]:
    return set(snapshot.table("diagnosis").filter("billable")["diagnosis"])


@pytest.mark.cms
@pytest.mark.parametrize("label", EDITIONS)
def test_each_edition_has_its_entries_and_valid_codes(editions: dict[str, Snapshot], label: str) -> None:
    table = editions[label].table("diagnosis")
    assert (table.height, table["billable"].sum()) == EDITIONS[label][1:]


@pytest.mark.cms
@pytest.mark.parametrize(
    ("before", "after", "newly_valid", "no_longer_valid"),
    [
        ("2021q4", "2022q2", 3, 1),
        ("2022q4", "2023q2", 42, 7),
        ("2023q4", "2024q4", 252, 36),
        ("2024q4", "2025q4", 487, 28),
    ],
)
def test_as_many_codes_become_valid_and_invalid_as_the_addenda_count(
    editions: dict[str, Snapshot], before: str, after: str, newly_valid: int, no_longer_valid: int
) -> None:
    was, now = valid(editions[before]), valid(editions[after])
    assert (len(now - was), len(was - now)) == (newly_valid, no_longer_valid)


@pytest.mark.cms
def test_scarring_alopecia_was_split_in_october_2024(editions: dict[str, Snapshot]) -> None:
    was, now = (editions[label].table("diagnosis") for label in ("2023q4", "2024q4"))
    assert was.filter(diagnosis="L661")["billable"].to_list() == [True]
    assert now.filter(diagnosis="L661").select("billable", "effective_date").row(0) == (False, date(2024, 10, 1))
    assert now.filter(parent="L661")["diagnosis"].to_list() == ["L6610", "L6611", "L6612", "L6619"]


@pytest.mark.cms
def test_116_codes_of_skin_disease_were_new_in_october_2025(editions: dict[str, Snapshot]) -> None:
    new = valid(editions["2025q4"]) - valid(editions["2024q4"])
    assert len([code for code in new if code.startswith("L")]) == 116
    assert {"L02217", "L02227"} <= new
    rows = editions["2025q4"].table("diagnosis").filter(diagnosis="L02217")
    assert rows["effective_date"].to_list() == [date(2025, 10, 1)]


@pytest.mark.cms
def test_two_editions_of_a_year_are_distinguished_by_their_addenda(cms: Path, store: Store) -> None:
    """Both zips of fiscal year 2022 hold an order file of 2022; April's addenda start from an order file of 2022."""
    october, april = (cms / "icd10cm" / EDITIONS[label][0] for label in ("2021q4", "2022q2"))
    with pytest.raises(Exception, match="this is the edition of April 1, 2022, which is not in force in 2022q1"):
        build(Release.parse("2022q1"), [april], store)
    with pytest.raises(Exception, match="--accept edition:diagnosis"):
        build(Release.parse("2022q2"), [october], store)
    with pytest.raises(Exception, match="a second edition of diagnosis"):
        build(Release.parse("2022q2"), [october, april], store)


@pytest.mark.cms
def test_october_s_edition_is_in_force_in_january(cms: Path, store: Store) -> None:
    snapshot = build(Release.parse("2023q1"), [cms / "icd10cm" / EDITIONS["2022q4"][0]], store).sealed.snapshot
    assert snapshot.manifest.tables["diagnosis"].edition == "icd10cm fy2023 october"
    assert str(snapshot.release) == "2023q1"
    assert "T74A1XA" not in valid(snapshot)


@pytest.mark.cms
def test_an_edition_named_for_april_1_is_refused_before(cms: Path, store: Store) -> None:
    with pytest.raises(Exception, match=r"This file is for fiscal year 2023 from April 1, not for 2023q1"):
        build(Release.parse("2023q1"), [cms / "icd10cm" / EDITIONS["2023q2"][0]], store)


@pytest.mark.cms
def test_the_conversion_table_names_what_replaced_a_code(cms: Path, store: Store) -> None:
    files = [cms / "icd10cm" / name for name in ("fy2026_dx.zip", "fy2026_conversion-table.xlsx")]
    table = build(Release.parse("2025q4"), files, store).sealed.snapshot.table("diagnosis_replacement")
    split = table.filter(previous_diagnosis="L661")
    assert split["diagnosis"].to_list() == ["L6610", "L6611", "L6612", "L6619"]
    assert set(split["effective_date"]) == {date(2024, 10, 1)}
    april = table.filter(diagnosis="T74A1XA")["effective_date"].to_list()
    assert april in ([], [date(2023, 4, 1)])


CONVERSION = """"FY 2025 (October 1, 2024): unless otherwise specified, October 1 of the year listed",,
Current code assignment,Effective,Previous Code(s) Assignment
L66.10,2024,L66.1
L66.11,10/1/2024,L66.1
"""


def test_a_conversion_table_may_be_a_csv(store: Store, tmp_path: Path) -> None:
    files = {"2025-conversion-table.zip": zip_of({"508-VERSION-CONVERSION-TABLE-FY2025.csv": CONVERSION.encode()})}
    table = build(Release.parse("2024q4"), [hand_in(tmp_path, files)], store).sealed.snapshot.table(
        "diagnosis_replacement"
    )
    assert table.rows() == [("L661", "L6610", date(2024, 10, 1)), ("L661", "L6611", date(2024, 10, 1))]


@pytest.mark.parametrize(
    ("cell", "instead", "says"),
    [
        (",L66.1\n", ",true\n", "line 3: the previous codes of L66.10 are not understood; expected codes, None, or"),
        (",10/1/2024,", ",13/1/2024,", 'line 4: effective is "13/1/2024", expected a date that exists'),
        (",2024,", ",2024-02-30,", 'line 3: effective is "2024-02-30", expected a date that exists'),
    ],
)
def test_a_replacement_that_is_not_understood_is_refused(cell: str, instead: str, says: str, store: Store) -> None:
    text = CONVERSION.replace(cell, instead, 1)
    (message,) = build_faults(store, Release.parse("2024q4"), {"conversion-table-FY2025.csv": text.encode()})
    assert says in message


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        ("C56.1 and C56.2", ["C56.1", "C56.2"]),
        ("G93.3; R53.82", ["G93.3", "R53.82"]),
        ("H02.101-H02.103; H02.109", ["H02.101", "H02.102", "H02.103", "H02.109"]),
        ("Codes in Categories T36-T50", []),
        ("None", []),
    ],
)
def test_a_cell_of_previous_codes_lists_them(cell: str, codes: list[str]) -> None:
    assert list(previous_codes(cell)) == codes


ORDER = [
    ("L57", 0, "Skin changes by light"),
    ("L570", 1, "Keratosis of light"),
    ("L66", 0, "Scarring hair loss"),
    ("L661", 0, "Lichen of hair"),
    ("L6610", 1, "Lichen of hair, unspecified"),
    ("L6611", 1, "Classic lichen of hair"),
]
SUMMARY = "\nHeaders\n 2 headers in icd10cm_order_2024.txt\n 3 headers in icd10cm_order_2025.txt\n\nCodes\n"
SUMMARY += " 2 codes in icd10cm_order_2024.txt\n 3 codes in icd10cm_order_2025.txt\n 2 additions\n 1 deletions\n"
SUMMARY += " 0 revisions\n"
ADDENDA = "".join(
    f"{action + ':':<13}{flag} {code:<7} {title:<60} {title}\n"
    for action, flag, code, title in (
        ("Delete", 1, "L661", "Lichen of hair"),
        ("Add", 0, "L661", "Lichen of hair"),
        ("Add", 1, "L6610", "Lichen of hair, unspecified"),
        ("Add", 1, "L6611", "Classic lichen of hair"),
    )
)
ORDER_FILE, CODES_FILE, ADDENDA_FILE = (f"icd10cm_{name}_2025.txt" for name in ("order", "codes", "order_addenda"))


def order_file(rows: list[tuple[str, int, str]] = ORDER) -> bytes:
    lines = (f"{n:05d} {code:<7} {flag} {title:<60} {title}\r\n" for n, (code, flag, title) in enumerate(rows, start=1))
    return "".join(lines).encode()


def code_file(rows: list[tuple[str, int, str]] = ORDER) -> bytes:
    return "".join(f"{code:<7} {title}\r\n" for code, flag, title in rows if flag).encode()


def build_files(store: Store, tmp_path: Path, label: str = "2024q4", **files: bytes) -> BuildResult:
    return build(Release.parse(label), [hand_in(tmp_path / "cms", files)], store)


def test_a_loose_order_file_is_enough(store: Store, tmp_path: Path) -> None:
    snapshot = build_files(store, tmp_path, **{"order-of-ours.txt": order_file()}).sealed.snapshot
    rows = snapshot.table("diagnosis").select("diagnosis", "billable", "parent", "effective_date").rows()
    assert rows == [
        ("L57", False, None, None),
        ("L570", True, "L57", None),
        ("L66", False, None, None),
        ("L661", False, "L66", None),
        ("L6610", True, "L661", None),
        ("L6611", True, "L661", None),
    ]


def test_addenda_say_since_when_a_code_is_as_it_is(store: Store, tmp_path: Path) -> None:
    files = {ORDER_FILE: order_file(), CODES_FILE: code_file(), ADDENDA_FILE: (ADDENDA + SUMMARY).encode()}
    snapshot = build_files(store, tmp_path, **{"icd10cm.zip": zip_of(files)}).sealed.snapshot
    assert snapshot.manifest.tables["diagnosis"].edition == "icd10cm fy2025 october"
    since = dict(snapshot.table("diagnosis").select("diagnosis", "effective_date").rows())
    assert [code for code, day in since.items() if day == date(2024, 10, 1)] == ["L661", "L6610", "L6611"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({CODES_FILE: code_file()}, "the order file did not come with it"),
        (
            {ORDER_FILE: order_file(), CODES_FILE: code_file(ORDER[:-1])},
            "line 6: L6611 is valid here, and not in icd10cm_codes_2025.txt (1 such codes)",
        ),
        (
            {ORDER_FILE: order_file(), CODES_FILE: code_file([*ORDER[:-1], ("L6611", 1, "Another title")])},
            "the title of L6611 is not that of icd10cm_order_2025.txt line 6 (1 such codes)",
        ),
        (
            {ORDER_FILE: order_file(), ADDENDA_FILE: (ADDENDA + SUMMARY.replace(" 3 codes", " 4 codes")).encode()},
            "its summary has 4 codes after, expected 3",
        ),
        (
            {ORDER_FILE: order_file(ORDER[:-1]), ADDENDA_FILE: (ADDENDA + SUMMARY).encode()},
            "line 4: L6611 is not in icd10cm_order_2025.txt with this flag and title",
        ),
        ({ORDER_FILE: order_file(), ADDENDA_FILE: ADDENDA.encode()}, "no summary of codes at its end"),
        ({ORDER_FILE: order_file().replace(b"00003 ", b"00004 ")}, "line 3: order number 4, expected 3"),
        (
            {ORDER_FILE: order_file([*ORDER, ("L67", 0, "Other")])},
            "line 7: L67 is a header, but there is no code below it",
        ),
        (
            {ORDER_FILE: order_file([("L57", 1, "Skin changes by light"), *ORDER[1:]])},
            "line 1: L57 is marked valid, but codes stand below it; expected a header",
        ),
        ({"icd10cm_order_2024.txt": order_file()}, "This file is for fiscal year 2024, not for 2024q4."),
    ],
)
def test_what_disagrees_stops_the_build(files: dict[str, bytes], says: str, store: Store) -> None:
    faults = build_faults(store, Release.parse("2024q4"), files)
    assert any(says in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("release", "name", "period", "instead", "build"),
    [
        ("2024q3", "order_2025", "fiscal year 2025", "2024", "2024q4"),
        ("2025q1", "order-April-1-2025", "fiscal year 2025 from April 1", "2025", "2025q2"),
    ],
)
def test_a_later_edition_is_not_to_be_carried_back(
    release: str, name: str, period: str, instead: str, build: str, store: Store
) -> None:
    """`--carry` takes what was in force before; what comes later was not in force yet."""
    (fault,) = build_faults(store, Release.parse(release), {ORDER_FILE.replace("order_2025", name): order_file()})
    assert (
        f"This file is for {period}, not for {release}. It is of a later time: give CMS's file of fiscal year " in fault
    )
    assert fault.endswith(f"fiscal year {instead} instead, and this one to: codeset build {build}")
