"""CDC's tabular list: the codes that excludes notes are under, and those that they name. The lists are our own."""

from pathlib import Path

import pytest
from cms_files.render import zip_of
from handed_in import build_faults, hand_in

from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import build
from codeset_ingest.read.diagnoses.tabular_list import codes_of_note


@pytest.mark.parametrize(
    ("note", "codes"),
    [
        ("a rash of another kind (L30.9)", ["L309"]),
        ("rashes of the lid (H01.1-)", ["H011"]),
        ("all of a category (L24.-)", ["L24"]),
        ("a block (L55-L59)", ["L55-L59"]),
        ("a block of letters (O00-O9A)", ["O00-O9A"]),
        ("two categories (F10.-F19.-)", ["F10-F19"]),
        ("a range below a category (A04.0-A04.4)", ["A040-A044"]),
        ("several (K50.014, K50.114, K50.814,)", ["K50014", "K50114", "K50814"]),
        ("several in words (C43.0 and D03.0)", ["C430", "D030"]),
        ("in (the) skin (L98.4-) of (some) kind (L97.-)", ["L984", "L97"]),
        ("a code with a letter in second place (QA0.0101)", ["QA00101"]),
        ("with endings (E10-E12 with .620, .621)", ["E10620", "E10621", "E11620", "E11621", "E12620", "E12621"]),
        ("with an ending (E08-E09 with .62-)", ["E0862", "E0962"]),
        ("in words (S52.- with 7th character B)", [None]),
        ("half in words (L20.9), and (A37 with fifth-character 1)", ["L209", None]),
        ("see the site", [None]),
        ("lack of G6PD (G6PD)", [None]),
    ],
)
def test_a_note_names_codes_in_parentheses(note: str, codes: list[str | None]) -> None:
    """Each way of writing is one of CDC's lists of fiscal years 2021 and 2026."""
    assert codes_of_note(note) == codes


LIST = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular>
  <version>2026</version>
  <chapter>
    <name>12</name>
    <desc>Skin (of all kinds) (L00-L99)</desc>
    <excludes2><note>burns (T20-T32)</note></excludes2>
    <section id="L20-L30">
      <desc>Rashes (L20-L30)</desc>
      <excludes1><note>sunburn (L55.-)</note><note>see there</note></excludes1>
      <diag>
        <name>L23</name>
        <desc>Contact</desc>
        <excludes1><note>contact of no known kind (L25.9)</note><note>again (L25.9)</note></excludes1>
        <excludes2><note>irritants (L24.-)</note></excludes2>
        <diag>
          <name>L23.0</name>
          <desc>Metals</desc>
          <excludes1><note>a <i>rash</i> (L30.9)</note></excludes1>
        </diag>
      </diag>
    </section>
  </chapter>
</ICD10CM.tabular>
"""
ROWS = [
    ("L00-L99", "T20-T32", 2),
    ("L20-L30", "L55", 1),
    ("L23", "L24", 2),
    ("L23", "L259", 1),
    ("L230", "L309", 1),
]


@pytest.mark.parametrize(
    ("name", "zipped_as", "label", "edition"),
    [
        ("icd10cm_tabular_2026.xml", "2026-code-tables-tabular-and-index.zip", "2025q4", "icd10cm tabular fy2026"),
        ("ours.xml", None, "2026q1", "icd10cm tabular fy2026"),
        ("icd10c-tabular-April-1-2026.xml", None, "2026q2", "icd10cm tabular fy2026 april"),
        ("icd10cm-tabular-April-2026.xml", "tables.zip", "2026q3", "icd10cm tabular fy2026 april"),
    ],
)
def test_the_notes_of_a_list_are_a_table(
    tmp_path: Path, store: Store, name: str, zipped_as: str | None, label: str, edition: str
) -> None:
    files = {zipped_as: zip_of({name: LIST.encode()})} if zipped_as else {name: LIST.encode()}
    snapshot = build(Release.parse(label), [hand_in(tmp_path / "cms", files)], store).sealed.snapshot
    assert snapshot.table("excludes").rows() == ROWS
    entry = snapshot.manifest.tables["excludes"]
    assert entry.edition == edition
    assert any("1 excludes notes name codes only in words" in note for note in entry.notes)


ORDER = "00001 L23     0 {0:<60} {0}\r\n00002 L230    1 {0:<60} {0}\r\n".format("Contact")


@pytest.mark.parametrize(
    ("text", "label", "says"),
    [
        (LIST, "2024q4", "This file is for fiscal year 2026, not for 2024q4."),
        (LIST.replace("</ICD10CM.tabular>", ""), "2025q4", "not XML that can be read"),
        (LIST[:600], "2025q4", "not XML that can be read"),
        (
            LIST.replace("?>\n", '?>\n<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>\n'),
            "2025q4",
            "document type",
        ),
        (
            LIST.replace("<name>L23</name>", ""),
            "2025q4",
            "line 14: expected the code of the diag that excludes1 is under",
        ),
        (
            LIST.replace('id="L20-L30"', 'id="first"'),
            "2025q4",
            "expected the code of the section that excludes1 is under",
        ),
        (LIST.replace("diag>", "code>"), "2025q4", "no code (diag) in it"),
        (LIST.replace("L23.0<", "L23.7<"), "2025q4", "L237 has an excludes note, and is not in the order file"),
    ],
)
def test_what_is_not_a_list_of_this_edition_stops_the_build(store: Store, text: str, label: str, says: str) -> None:
    files = {"icd10cm_tabular_2026.xml": text.encode(), "icd10cm_order_2026.txt": ORDER.encode()}
    faults = build_faults(store, Release.parse(label), files)
    assert any(says in fault for fault in faults), faults
