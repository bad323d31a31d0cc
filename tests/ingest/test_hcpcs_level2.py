"""HCPCS Level II: codes and modifiers of one file, descriptions over several records, dates that are easily mistaken.

RULES: effective is ADD DT, never ACT EFF DT; the termination date is the last valid day; modifiers are right-aligned.
"""

import csv
import io
import zipfile
from datetime import date
from pathlib import Path

import fastexcel
import polars as pl
import pytest
from cms_files import hcpcs_level2
from facts import Facts
from handed_in import build_faults, build_release, hand_in
from openpyxl import load_workbook
from polars.testing import assert_frame_equal

import codeset
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset_ingest.build import build

RELEASE = Release.parse("2026q3")
TABLES = ("hcpcs_level2", "modifier")


def files(facts: dict[str, Facts], *forms: str) -> dict[str, bytes]:
    tables = facts["2026q3"].tables
    return {
        hcpcs_level2.file_name(RELEASE, form): hcpcs_level2.render_file(*(tables[table] for table in TABLES), form)
        for form in forms
    }


@pytest.mark.parametrize("forms", [("txt",), ("xlsx",), ("txt", "xlsx")])
def test_both_forms_seal_the_codes_and_the_modifiers(
    forms: tuple[str, ...], facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    snapshot = build_release(store, RELEASE, hand_in(tmp_path / "cms", files(facts, *forms))).sealed.snapshot
    for table in TABLES:
        assert_frame_equal(snapshot.table(table), facts["2026q3"].tables[table])
        assert snapshot.manifest.tables[table].forms == forms
        assert snapshot.manifest.tables[table].edition == "hcpcs 2026q3"


def test_forms_that_disagree_are_refused(facts: dict[str, Facts], store: Store) -> None:
    both = files(facts, "txt", "xlsx")
    text = both["HCPC2026_JUL_ANWEB.txt"]
    at = text.index(b"U0003")
    line = text[at : text.index(b"\r\n", at)]
    both["HCPC2026_JUL_ANWEB.txt"] = text.replace(line, line.replace(b"20230511", b"20230512"))
    (fault,) = build_faults(store, RELEASE, both)
    assert "deletion_date of U0003 is 2023-05-11, but 2023-05-12 in HCPC2026_JUL_ANWEB.txt" in fault


def test_a_continuation_that_continues_nothing_is_refused(facts: dict[str, Facts], store: Store) -> None:
    text = files(facts, "txt")["HCPC2026_JUL_ANWEB.txt"]
    lines = text.split(b"\r\n")
    at = next(n for n, line in enumerate(lines) if line[10:11] == b"4")
    moved_line = b"\r\n".join([*lines[: at - 1], lines[at], lines[at - 1], *lines[at + 1 :]])
    assert build_faults(store, RELEASE, {"HCPC2026_JUL_ANWEB.txt": moved_line}) == [
        f"HCPC2026_JUL_ANWEB.txt: line {at}: continues no record of its code"
    ]


@pytest.mark.parametrize("change", ["lost", "twice"])
def test_a_line_of_a_description_that_is_lost_or_there_twice_is_refused(
    change: str, facts: dict[str, Facts], store: Store
) -> None:
    """The record layout of 2019 numbers the lines of a code 00100, 00200, ...; so do all 12,359 records of 2020."""
    lines = files(facts, "txt")["HCPC2026_JUL_ANWEB.txt"].split(b"\r\n")
    second = next(n for n, line in enumerate(lines) if line[5:10] == b"00200")
    third = lines[second].replace(b"00200", b"00300")
    instead = {"lost": [third], "twice": [lines[second], lines[second]]}[change]
    number, expected = {"lost": ("00300", "00200"), "twice": ("00200", "00300")}[change]
    (message,) = build_faults(
        store, RELEASE, {"HCPC2026_JUL_ANWEB.txt": b"\r\n".join([*lines[:second], *instead, *lines[second + 1 :]])}
    )
    line = second + len(instead)
    assert f"line {line}: its sequence number is {number}, expected {expected}: a line of " in message


def test_a_pricing_indicator_that_lost_its_zero_is_refused(facts: dict[str, Facts], store: Store) -> None:
    """`00` is not separately priced; a spreadsheet makes it `0`, which is no indicator of CMS's record layout."""
    data = files(facts, "xlsx")["HCPC2026_JUL_ANWEB.xlsx"]
    book, stream = load_workbook(io.BytesIO(data)), io.BytesIO()
    sheet = book.worksheets[0]
    place = [cell.value for cell in sheet[1]].index("PRICE1") + 1
    row = next(row for row in range(2, sheet.max_row + 1) if sheet.cell(row, place).value == "00")
    sheet.cell(row, place).value = 0
    book.save(stream)
    (message,) = build_faults(store, RELEASE, {"HCPC2026_JUL_ANWEB.xlsx": stream.getvalue()})
    assert message.startswith(
        f"HCPC2026_JUL_ANWEB.xlsx: line {row}: 1 cells of pricing_indicator have fewer than 2 characters"
    )


def test_a_file_without_modifiers_is_refused(facts: dict[str, Facts], store: Store) -> None:
    text = files(facts, "txt")["HCPC2026_JUL_ANWEB.txt"]
    codes = b"\r\n".join(line for line in text.split(b"\r\n") if line[10:11] != b"7")
    assert build_faults(store, RELEASE, {"HCPC2026_JUL_ANWEB.txt": codes})


def test_codes_that_end_and_begin_are_differences(facts: dict[str, Facts], tmp_path: Path) -> None:
    """A code is valid from its added date to its last valid day, whatever the date of the last action."""
    store = Store(tmp_path / "store")
    tables = dict(facts["2026q3"].tables)
    codes = tables["hcpcs_level2"]
    ended_codes = codes.with_columns(
        deletion_date=pl.when(pl.col("hcpcs") == "G2211").then(date(2026, 9, 30)).otherwise("deletion_date")
    )
    added_codes = codes.filter(hcpcs="G0168").with_columns(hcpcs=pl.lit("G0999"), effective_date=date(2026, 10, 1))
    later = pl.concat([ended_codes, added_codes])
    snapshots = []
    for label, rows in (("2026q3", codes), ("2026q4", later)):
        release = Release.parse(label)
        data = hcpcs_level2.render_file(rows, tables["modifier"], "txt")
        folder = hand_in(tmp_path / label, {hcpcs_level2.file_name(release, "txt"): data})
        snapshots.append(build(release, [folder], store).sealed.snapshot)
    changes = codeset.diff(*snapshots, "all").tables["hcpcs_level2"]
    assert changes.added["hcpcs"].to_list() == ["G0999"]
    assert changes.removed.select("hcpcs", "deletion_date").rows() == [("G2211", date(2026, 9, 30))]
    assert changes.changed.is_empty()
    assert codeset.diff(*snapshots, "all").tables["modifier"].count == 0


@pytest.fixture(scope="module")
def october(cms: Path, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    store = Store(tmp_path_factory.mktemp("hcpcs"))
    return build(Release.parse("2025q4"), [cms / "hcpcs" / "HCPC2025_OCT_ANWEB.xlsx"], store).sealed.snapshot


@pytest.mark.cms
def test_the_file_of_october_2025_is_read_as_cms_counts_it(october: Snapshot) -> None:
    """RULES: 8,846 rows, 8,463 codes and 383 modifiers; 1,225 terminated, 20 of them modifiers; 73 begin that day."""
    codes, modifiers = (october.table(table) for table in TABLES)
    assert (codes.height, modifiers.height) == (8_463, 383)
    assert codes["deletion_date"].drop_nulls().len() + modifiers["deletion_date"].drop_nulls().len() == 1_225
    assert modifiers["deletion_date"].drop_nulls().len() == 20
    first_day = [table.filter(effective_date=date(2025, 10, 1)).height for table in (codes, modifiers)]
    assert sum(first_day) == 73
    assert codes["hcpcs"].str.contains(r"^[A-CE-V]\d{4}$").all()


@pytest.mark.cms
def test_every_row_of_october_2025_equals_the_workbook(cms: Path, october: Snapshot) -> None:
    """By another reading of the sheet, cell for cell: dates of addition and of the last valid day, coverage, action."""
    sheet = fastexcel.read_excel(cms / "hcpcs" / "HCPC2025_OCT_ANWEB.xlsx").load_sheet(0, dtypes="string").to_polars()
    raw = {row["HCPC"].strip(): row for row in sheet.iter_rows(named=True)}
    fields = {"COV": "coverage", "ADD DT": "effective_date", "TERM DT": "deletion_date", "ACTION CD": "action_code"}
    for table, key in zip(TABLES, ("hcpcs", "modifier"), strict=True):
        for row in october.table(table).iter_rows(named=True):
            theirs = raw.pop(row[key])
            for header, column in fields.items():
                ours = row[column]
                assert (f"{ours:%Y%m%d}" if isinstance(ours, date) else ours or "") == (theirs[header] or ""), row[key]
            assert row["long_description"] == " ".join(theirs["LONG DESCRIPTION"].split())
    assert raw == {}


@pytest.mark.cms
def test_modifiers_have_the_dates_of_the_decoded_list(cms: Path, october: Snapshot) -> None:
    rows = csv.DictReader(io.StringIO((cms / "hcpcs" / "modifiers.csv").read_text(encoding="utf-8")))
    ours = {row["modifier"]: row for row in october.table("modifier").iter_rows(named=True)}
    rows_by_modifier = {row["modifier"]: row for row in rows}
    assert set(ours) <= set(rows_by_modifier)
    assert set(rows_by_modifier) - set(ours) == {"AC"}, "README: to October 2025, plus AC"


@pytest.mark.cms
def test_the_text_of_2020_is_read_record_by_record(cms: Path, tmp_path: Path) -> None:
    """6,710 codes and 369 modifiers; 5,100 and 180 records that only continue a description."""
    archive = cms / "hcpcs" / "2020-Alpha-Numeric-HCPCS-File.zip"
    snapshot = build(Release.parse("2020q1"), [archive], Store(tmp_path)).sealed.snapshot
    with zipfile.ZipFile(archive) as package:
        text = package.read("HCPC2020_ANWEB_w_disclaimer.txt").decode("cp1252")
    lines = [line for line in text.splitlines() if line[5:10].isdigit() and line[10:11] in ("3", "4", "7", "8")]
    descriptions: dict[str, str] = {}
    for line in lines:
        code = line[:5].strip()
        descriptions[code] = f"{descriptions.get(code, '')} {line[11:91]}"
    ours = {
        row[key]: row["long_description"]
        for table, key in zip(TABLES, ("hcpcs", "modifier"), strict=True)
        for row in snapshot.table(table).iter_rows(named=True)
    }
    assert ours == {code: " ".join(text.split()) for code, text in descriptions.items()}
    assert (snapshot.table("hcpcs_level2").height, snapshot.table("modifier").height) == (6_710, 369)
