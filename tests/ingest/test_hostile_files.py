"""Files that were made to do harm, and broken ones: each is refused in words, at once, and nothing is written."""

import bz2
import io
import lzma
import os
import time
import zipfile
from pathlib import Path

import pytest
from cms_files.render import zip_of
from facts import Facts
from handed_in import build_faults, hand_in, rendered_file, replace_text, sheet
from openpyxl import load_workbook

from codeset.errors import BadInput
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import build

RELEASE = Release.parse("2026q3")
SHEET = "xl/worksheets/sheet1.xml"


def faults(store: Store, name: str, data: bytes) -> list[str]:
    """What a build of that one file is refused for, within ten seconds."""
    start = time.monotonic()
    messages = build_faults(store, RELEASE, {name: data})
    assert time.monotonic() - start < 10
    return messages


CASES = {
    "gpci_two_rows_in_one_quoted_cell.csv": "a cell goes on over several lines",
    "huge_dims.xlsx": "spans more rows and columns than any sheet of CMS's",
    "xml_bomb.xlsx": "declares a document type or entities",
    "xxe.xlsx": "declares a document type or entities",
    "empty.xlsx": "not a workbook that can be read",
    "bz2_corrupt.zip": "not a zip that can be read",
    "lzma_corrupt.zip": "not a zip that can be read",
    "ratio.zip": " to 1,048,576,000 bytes: a zip bomb",
}


@pytest.mark.cms
@pytest.mark.parametrize("name", CASES)
def test_the_cases_at_hand_are_refused(name: str, cms: Path, store: Store) -> None:
    data = (cms.parent / "cases" / "files" / name).read_bytes()
    assert any(CASES[name] in message for message in faults(store, name, data))


def workbook_with(facts: dict[str, Facts], old: str, new: str) -> bytes:
    """The GPCI's workbook with the one place in its sheet that says *old* saying *new*."""
    return replace_text(rendered_file(facts["2026q3"], "gpci", "xlsx")[1], old, new)


@pytest.mark.parametrize("far", ["XFD4", "BA4", "AAA4", "B1048576"])
def test_a_cell_at_the_far_end_of_a_sheet_is_refused(far: str, facts: dict[str, Facts], store: Store) -> None:
    data = workbook_with(facts, "</sheetData>", f'<row r="1048576"><c r="{far}"><v>1</v></c></row></sheetData>')
    if far == "B1048576":
        data = replace_text(data, "</sheetData>", '<row r="1048577"><c r="Q7"><v>1</v></c></row></sheetData>')
    assert faults(store, "GPCI2026.xlsx", data) == [
        f"GPCI2026.xlsx: {SHEET} spans more rows and columns than any sheet of CMS's"
    ]


@pytest.mark.parametrize("declaration", ["<!DOCTYPE x>", '<!doctype x [<!ENTITY a "b">]>', "<!ENTITY a 'b'>"])
def test_a_document_type_is_refused_wherever_it_is(declaration: str, facts: dict[str, Facts], store: Store) -> None:
    _, data = rendered_file(facts["2026q3"], "gpci", "xlsx")
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        members = {name: book.read(name) for name in book.namelist()}
    for name, xml in members.items():
        if name.endswith(".xml"):
            hostile = members | {name: declaration.encode() + xml}
            (message,) = faults(store, "GPCI2026.xlsx", zip_of(hostile))
            assert "declares a document type or entities" in message, name


def test_a_workbook_in_another_encoding_is_refused(facts: dict[str, Facts], store: Store) -> None:
    """UTF-16 would hide a document type from a search for its letters."""
    _, data = rendered_file(facts["2026q3"], "gpci", "xlsx")
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        members = {name: book.read(name) for name in book.namelist()}
    members[SHEET] = sheet(data).decode().encode("utf-16")
    assert "is not in UTF-8" in faults(store, "GPCI2026.xlsx", zip_of(members))[0]


@pytest.mark.parametrize("state", ["visible", "hidden"])
def test_a_second_sheet_of_a_table_is_refused(state: str, facts: dict[str, Facts], store: Store) -> None:
    """The one that is not read would be left out without a word; a hidden one may be what is read."""
    _, data = rendered_file(facts["2026q3"], "gpci", "xlsx")
    book, stream = load_workbook(io.BytesIO(data)), io.BytesIO()
    copy = book.copy_worksheet(book.worksheets[0])
    book.move_sheet(copy, -1)
    copy.title, copy.sheet_state, book.active = "Draft", state, 1
    copy.delete_rows(4)
    book.save(stream)
    (message,) = faults(store, "GPCI2026.xlsx", stream.getvalue())
    both = f'"Draft" (gpci) and "{book.worksheets[1].title}" (gpci)'
    assert message.startswith(f"GPCI2026.xlsx: more than one sheet is a table of CMS's: {both}; expected one.")


def test_a_sheet_of_notes_beside_the_table_is_passed_over(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    _, data = rendered_file(facts["2026q3"], "gpci", "xlsx")
    book, stream = load_workbook(io.BytesIO(data)), io.BytesIO()
    book.create_sheet("Notes", 0).append(["What changed is said in the final rule."])
    book.save(stream)
    assert build(RELEASE, [hand_in(tmp_path / "cms", {"GPCI2026.xlsx": stream.getvalue()})], store).sealed.new


LOST = {
    "holds an error": '<c r="G3" t="e"><v>#N/A</v></c>',
    "holds a formula without its result": '<c r="G3"><f>1+1</f><v></v></c>',
}


@pytest.mark.parametrize("says", LOST)
def test_a_cell_that_would_be_read_as_blank_is_refused(says: str, facts: dict[str, Facts], store: Store) -> None:
    """A blank deletion date is an edit that still applies; an error in its place is no date at all."""
    name, data = rendered_file(facts["2026q3"], "add_on", "xlsx")
    workbook = replace_text(data, '<c r="H3"', LOST[says] + '<c r="H3"')
    assert faults(store, name, workbook) == [
        f"{name}: line 3: cell G3 {says}, expected a value; take the file from CMS's own zip"
    ]


@pytest.mark.parametrize("bytes_cut", [10, 100, 1000])
def test_a_workbook_that_was_cut_is_refused(bytes_cut: int, facts: dict[str, Facts], store: Store) -> None:
    _, data = rendered_file(facts["2026q3"], "gpci", "xlsx")
    (message,) = faults(store, "GPCI2026.xlsx", data[:-bytes_cut])
    assert message.startswith("GPCI2026.xlsx: not a zip that can be read (")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_is_refused_however_it_is_packed(method: int, facts: dict[str, Facts], store: Store) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("GPCI2026.csv", rendered_file(facts["2026q3"], "gpci")[1] * 3)
    data = bytearray(stream.getvalue())
    data[60:90] = bytes(30)
    (message,) = faults(store, "rvu26c.zip", bytes(data))
    assert message.startswith("rvu26c.zip: ")


def test_what_python_packs_is_read_however_it_is_packed(facts: dict[str, Facts], tmp_path: Path) -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            archive.writestr(*rendered_file(facts["2026q3"], "gpci"))
        folder = hand_in(tmp_path / str(method), {"rvu26c.zip": stream.getvalue()})
        assert build(RELEASE, [folder], Store(tmp_path / f"{method}.store")).sealed.new
    assert bz2.compress(b"")
    assert lzma.compress(b"")


def test_a_member_that_unpacks_to_a_hundred_times_its_size_is_refused(store: Store) -> None:
    data = zip_of({"GPCI2026.csv": b" " * (2 << 20)})
    (message,) = faults(store, "rvu26c.zip", data)
    assert message.endswith(" to 2,097,152 bytes: a zip bomb")


LINES = [("gpci", "csv"), ("gpci", "txt"), ("mpfs", "txt"), ("oppscap", "txt"), ("ptp", "txt"), ("zip_locality", "txt")]


@pytest.mark.parametrize(("table", "form"), LINES)
def test_a_line_longer_than_any_of_cms_is_refused_before_it_is_examined(
    table: str, form: str, facts: dict[str, Facts], store: Store
) -> None:
    name, data = rendered_file(facts["2026q3"], table, form)
    ends = data.rindex(b"\r\n", 0, len(data) - 2)
    long = data[:ends] + b" x" * 1_000_000 + data[ends:]
    line = data[:ends].count(b"\n") + 1
    assert faults(store, name, long) == [
        f"{name}: line {line}: more than 10,000 characters in one line; CMS's longest has some hundred"
    ]


def test_an_open_quotation_mark_is_refused(facts: dict[str, Facts], store: Store) -> None:
    name, data = rendered_file(facts["2026q3"], "gpci")
    open_quote = replace_text(data, "10112,AL,00,ALABAMA", '10112,AL,00,"ALABAMA')
    assert faults(store, name, open_quote)


def test_two_records_in_one_cell_are_refused(facts: dict[str, Facts], store: Store) -> None:
    """The second record's indices would stand for the first one's locality."""
    name, data = rendered_file(facts["2026q3"], "gpci")
    lines = data.decode("cp1252").split("\r\n")
    at = next(n for n, line in enumerate(lines) if line.startswith("13202,NY,01"))
    first, second = lines[at].split(",", 3), lines[at + 1].split(",", 3)
    merged_line = ",".join([*first[:3], f'"{first[3]}\r\n{",".join(second[:3])},{second[3].split(",")[0]}"'])
    merged_line += "," + ",".join(second[3].split(",")[1:])
    data = "\r\n".join([*lines[:at], merged_line, *lines[at + 2 :]]).encode("cp1252")
    messages = faults(store, name, data)
    assert any("a cell goes on over several lines" in message for message in messages)


@pytest.mark.parametrize(("table", "form"), LINES)
@pytest.mark.parametrize("control", [b"\0", b"\x1a", b"\x0c", b"\x7f"])
def test_a_control_character_between_the_records_is_refused(
    table: str, form: str, control: bytes, facts: dict[str, Facts], store: Store
) -> None:
    """CMS's texts of 2020 to 2026 have none but the end-of-file mark, behind the last record."""
    name, data = rendered_file(facts["2026q3"], table, form)
    lines = data.split(b"\r\n")
    at = len(lines) - 4
    says = "end-of-file mark with records after it" if control == b"\x1a" else f"control character {control[0]:#04x}"
    for broken_line in (lines[at] + control, lines[at][:-1] + control + lines[at][-1:]):
        damaged_data = b"\r\n".join([*lines[:at], broken_line, *lines[at + 1 :]])
        (message,) = faults(store, name, damaged_data)
        assert message.startswith(f"{name}: line {at + 1}: ")
        assert says in message


def test_a_device_or_a_pipe_is_not_read(store: Store, tmp_path: Path) -> None:
    """A device may never end."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(BadInput, match="is a device or a pipe; expected a file or a folder"):
            build(RELEASE, [path], store)


def test_nothing_is_unpacked_that_a_path_would_lead_to(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        build(RELEASE, [hand_in(tmp_path / "cms", {"x.zip": zip_of({"../../x.csv": b"x"})}) / "x.zip"], Store(tmp_path))
