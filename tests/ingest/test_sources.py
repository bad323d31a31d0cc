"""Files as people hand them in: zips that lie, paths that are not there, and texts that must not get any further."""

import io
import re
import struct
import zipfile
from pathlib import Path

import polars as pl
import pytest
from cms_files.render import deliver, layout_for, zip_of
from cms_files.rendered_forms import DESCRIPTION, NOTICE
from facts import Facts
from handed_in import build_faults, build_release, contents, hand_in, rendered_file

from codeset.errors import BadInput
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.read.open_files import open_all

WORD = "ZYXWORD"
"""Stands for an AMA descriptor or notice."""

MARKS = (rf"\b{DESCRIPTION}\b(?=[,<]| {{4}})", NOTICE[:7], "goes on", "WHOSE T", "SECOND ")
"""Where descriptors and notices stand in rendered files, in texts as long as the word."""


def _with_declared_number(archive: bytes, field: int, number: int) -> bytes:
    """Return *archive* with a number of its first central entry set (24: unpacked size, 8: flags)."""
    at = archive.index(b"PK\x01\x02") + field
    packed_number = struct.pack("<I" if field == 24 else "<H", number)
    return archive[:at] + packed_number + archive[at + len(packed_number) :]


def test_a_path_that_is_not_there_is_named(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as error:
        build_release(store, facts["2026q3"].release, tmp_path / "rvu26c.zip")
    assert str(error.value) == f"{tmp_path / 'rvu26c.zip'}: there is no such file or folder\nNothing was written."


@pytest.mark.parametrize("zip_end", [30, 200, -30])
def test_a_zip_that_was_cut_is_refused(zip_end: int, facts: dict[str, Facts], store: Store) -> None:
    archive = zip_of(dict([rendered_file(facts["2026q3"], "gpci")]))[:zip_end]
    (fault,) = build_faults(store, facts["2026q3"].release, {"rvu26c.zip": archive})
    assert fault.startswith("rvu26c.zip: not a zip that can be read (")
    assert fault.endswith("); fetch it again")


def test_a_member_that_was_damaged_is_refused(facts: dict[str, Facts], store: Store) -> None:
    archive = bytearray(zip_of(dict([rendered_file(facts["2026q3"], "gpci")])))
    archive[120:140] = bytes(20)
    (fault,) = build_faults(store, facts["2026q3"].release, {"rvu26c.zip": bytes(archive)})
    assert fault.startswith("rvu26c.zip: not a zip that can be read (")


def test_a_workbook_that_was_damaged_is_refused(facts: dict[str, Facts], store: Store) -> None:
    name, data = rendered_file(facts["2026q3"], "gpci", "xlsx")
    damaged_zip = zip_of({"[Content_Types].xml": b"<Types", "xl/workbook.xml": data[:50]})
    (fault,) = build_faults(store, facts["2026q3"].release, {name: damaged_zip})
    assert fault.startswith(f"{name}: not a workbook that can be read (")


def test_a_zip_bomb_is_refused_by_the_size_that_it_declares(facts: dict[str, Facts], store: Store) -> None:
    archive = _with_declared_number(zip_of(dict([rendered_file(facts["2026q3"], "gpci")])), 24, 2 << 30)
    faults = build_faults(store, facts["2026q3"].release, {"rvu26c.zip": archive})
    assert faults[0].startswith("rvu26c.zip: GPCI2026.csv would unpack from ")
    assert faults[0].endswith(" to 2,147,483,648 bytes: a zip bomb")


def test_many_members_that_are_a_bomb_together_are_refused(
    facts: dict[str, Facts], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codeset_ingest.read.open_files.MAX_ZIP", 2500)
    archive = zip_of({f"{number}.txt": bytes(1000) for number in range(3)})
    assert build_faults(store, facts["2026q3"].release, {"rvu26c.zip": archive}) == [
        "rvu26c.zip: would unpack to 3,000 bytes; no CMS package is over 2,500"
    ]


@pytest.mark.parametrize("declared_bytes", [10, 100_000])
def test_a_member_of_another_length_than_declared_is_refused(
    declared_bytes: int, facts: dict[str, Facts], store: Store
) -> None:
    archive = _with_declared_number(zip_of(dict([rendered_file(facts["2026q3"], "gpci")])), 24, declared_bytes)
    (fault,) = build_faults(store, facts["2026q3"].release, {"rvu26c.zip": archive})
    assert fault.startswith("rvu26c.zip: ")


def test_an_encrypted_zip_is_refused(facts: dict[str, Facts], store: Store) -> None:
    archive = _with_declared_number(zip_of(dict([rendered_file(facts["2026q3"], "gpci")])), 8, 1)
    assert build_faults(store, facts["2026q3"].release, {"rvu26c.zip": archive}) == [
        "rvu26c.zip: GPCI2026.csv is encrypted; CMS's files are not"
    ]


def _nest_zips(name: str, data: bytes, depth: int) -> bytes:
    for number in range(depth):
        name, data = f"{depth - number}.zip", zip_of({name: data})
    return data


def test_three_zips_in_one_another_are_opened_and_four_are_not(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    file = rendered_file(facts["2026q3"], "gpci")
    folder = hand_in(tmp_path / "three", {"1.zip": _nest_zips(*file, 3)})
    assert [file.names for file in open_all([folder])] == ["1.zip/2.zip/3.zip/GPCI2026.csv"]
    assert build_faults(store, facts["2026q3"].release, {"1.zip": _nest_zips(*file, 4)}) == [
        "1.zip/2.zip/3.zip/4.zip: more than 3 zips in one another"
    ]


@pytest.mark.parametrize("name", ["../../GPCI2026.csv", "/GPCI2026.csv", "C:/x/GPCI2026.csv", "a/b/../GPCI2026.csv"])
def test_a_name_in_a_zip_leads_nowhere(name: str, facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    _, data = rendered_file(facts["2026q3"], "gpci")
    folder = hand_in(tmp_path / "cms", {"rvu26c.zip": zip_of({name: data})})
    outcome = build_release(store, facts["2026q3"].release, folder)
    assert [source.name for source in outcome.sealed.snapshot.manifest.tables["gpci"].sources] == ["GPCI2026.csv"]
    assert contents(store) == {"2026q3", "2026q3/manifest.json", "2026q3/gpci.parquet"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cms", "store"]


def test_a_folder_and_an_empty_file_in_a_zip_do_no_harm(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    name, data = rendered_file(facts["2026q3"], "gpci")
    folder = hand_in(tmp_path / "cms", {"rvu26c.zip": zip_of({"tables/": b"", f"tables/{name}": data, "empty": b""})})
    outcome = build_release(store, facts["2026q3"].release, folder)
    assert outcome.unrecognized == ("rvu26c.zip/empty",)


def test_a_byte_that_cms_does_not_write_is_named(facts: dict[str, Facts], store: Store) -> None:
    name, data = rendered_file(facts["2026q3"], "mpfs")
    data = data.replace(b"\n11103,,service", b"\n11103,,serv\x81ce")
    assert build_faults(store, facts["2026q3"].release, {name: data}) == [
        f"{name}: line 17: byte 0x81 is no character of cp1252, which CMS writes"
    ]


def test_a_byte_that_cms_does_not_write_is_named_in_edits_too(facts: dict[str, Facts], store: Store) -> None:
    name, data = rendered_file(facts["2026q3"], "ptp", "txt")
    lines = data.split(b"\r\n")
    lines[7] += b"\x81"
    assert build_faults(store, facts["2026q3"].release, {name: b"\r\n".join(lines)}) == [
        f"{name}: line 8: byte 0x81 is no character of cp1252, which CMS writes"
    ]


def _with_mark(data: bytes) -> bytes:
    """The file with the word in place of each descriptor and notice."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return zip_of({name: _with_mark(archive.read(name)) for name in archive.namelist()})
    return re.sub("|".join(MARKS).encode(), WORD.encode(), data)


@pytest.mark.parametrize("label", ["2024q2", "2026q3"])
def test_no_descriptor_or_notice_gets_into_a_snapshot_or_a_note(
    label: str, facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts[label]
    for path in deliver(cms_facts.tables, cms_facts.release, cms_facts.factors, tmp_path / "cms"):
        path.write_bytes(_with_mark(path.read_bytes()))
    assert all(
        WORD.encode() in file.data or file.is_workbook
        for file in open_all([tmp_path / "cms"])
        if file.name.startswith(("PPRRVU", "cci", "MCR", "AOC"))
    )
    outcome = build_release(store, cms_facts.release, tmp_path / "cms")
    snapshot = outcome.sealed.snapshot
    texts = [
        text
        for table in snapshot.manifest.tables
        for column in snapshot.table(table).select(pl.selectors.string()).iter_columns()
        for text in column.drop_nulls()
    ]
    printed_texts = [*outcome.notes, *outcome.unrecognized, (snapshot.path / "manifest.json").read_text(), *texts]
    assert WORD not in "\n".join(printed_texts)


TEXT_FORMS = [
    (table, form) for table in ("mpfs", "ptp", "mue", "add_on") for form in layout_for(table).forms if form != "xlsx"
]


@pytest.mark.parametrize(("table", "form"), TEXT_FORMS)
def test_no_descriptor_or_notice_gets_into_a_message(
    table: str, form: str, facts: dict[str, Facts], store: Store
) -> None:
    """Whatever line is dropped, doubled, shifted or cut: what is said does not quote it."""
    name, data = rendered_file(facts["2024q2"], table, form)
    lines = _with_mark(data).split(b"\r\n")
    assert WORD.encode() in b"".join(lines)
    for place in range(min(len(lines), 14)):
        for broken_data in (
            [*lines[:place], *lines[place + 1 :]],
            [*lines[:place], lines[place], *lines[place:]],
            [*lines[:place], b"," + lines[place], *lines[place + 1 :]],
            [*lines[:place], lines[place] + b"\t", *lines[place + 1 :]],
            [*lines[:place], lines[place][:20]],
        ):
            folder = hand_in(store.path.parent / "broken", {name: b"\r\n".join(broken_data)})
            assert WORD not in _printed_text(store, facts["2024q2"].release, folder)


def test_captions_that_are_missing_do_not_bring_a_notice_into_a_message(facts: dict[str, Facts], store: Store) -> None:
    name, data = rendered_file(facts["2024q2"], "mpfs")
    lines = _with_mark(data).split(b"\r\n")
    folder = hand_in(store.path.parent / "broken", {name: b"\r\n".join([*lines[:5], *lines[9:]])})
    assert WORD not in _printed_text(store, facts["2024q2"].release, folder)


def _printed_text(store: Store, release: Release, folder: Path) -> str:
    """All that a build says, well or ill."""
    try:
        outcome = build_release(store, release, folder)
    except BadInput as error:
        return str(error)
    return "\n".join((*outcome.notes, *outcome.unrecognized))
