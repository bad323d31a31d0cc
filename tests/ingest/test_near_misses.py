"""A file that is named is read or stops the build; one that is nearly CMS's says what differs."""

import io
import zipfile
from pathlib import Path

import pytest
from cms_files.render import zip_of
from facts import Facts
from handed_in import build_faults, build_release, hand_in, rendered_file

from codeset.errors import BadInput
from codeset.store import Store

UNKNOWN = "is not a CMS file we recognize. (Expected: PPRRVU…, GPCI…, ccipra-…, MCR_MUE_…, AOC_V…, icd10cm…)"


def test_a_named_file_that_no_layout_knows_stops_the_build(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2026q3"]
    folder = hand_in(tmp_path / "cms", dict([rendered_file(cms_facts, "gpci")]))
    other = hand_in(tmp_path / "other", {"our-year.csv": b"code,count\r\n11102,7\r\n"}) / "our-year.csv"
    with pytest.raises(BadInput) as error:
        build_release(store, cms_facts.release, folder, other)
    assert [str(fault) for fault in error.value.faults] == [f"{other}: {UNKNOWN}"]


def test_a_named_zip_of_which_no_member_is_known_stops_the_build(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2026q3"]
    folder = hand_in(tmp_path / "cms", dict([rendered_file(cms_facts, "gpci")]))
    other = hand_in(tmp_path / "other", {"a.zip": zip_of({"README.txt": b"x\r\n"})}) / "a.zip"
    with pytest.raises(BadInput, match=r"a\.zip: is not a CMS file we recognize"):
        build_release(store, cms_facts.release, folder, other)


def test_unknown_files_of_a_folder_and_of_a_zip_are_listed(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2026q3"]
    package = zip_of(dict([rendered_file(cms_facts, "gpci")]) | {"RVU26C.pdf": b"%PDF-1.7\n"})
    folder = hand_in(tmp_path / "cms", {"rvu26c.zip": package, "notes.txt": b"x\r\n"})
    assert build_release(store, cms_facts.release, folder).unrecognized == ("notes.txt", "rvu26c.zip/RVU26C.pdf")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("table", "theirs", "other", "says"),
    [
        ("gpci", b"2026 PE GPCI", b"2026 PRACTICE", ['column "2026 PRACTICE"', 'column "PE GPCI"']),
        ("gpci", b"Locality Number", b"Loc Number", ['found "Loc Number"', 'expected a column "Locality Number"']),
        ("oppscap", b"CARRIER", b"MAC", ['found "MAC"', 'expected a column "CARRIER"']),
        ("mue", b"MUE Rationale", b"Why", ['column "Why"', 'column "MUE Rationale"']),
    ],
)
def test_a_changed_header_is_named(
    form: str, table: str, theirs: bytes, other: bytes, says: list[str], facts: dict[str, Facts], store: Store
) -> None:
    name, data = rendered_file(facts["2026q3"], table, form)
    if form == "xlsx":
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            members = {member: book.read(member).replace(theirs, other) for member in book.namelist()}
        data = zip_of(members)
    else:
        data = data.replace(theirs, other)
    messages = "\n".join(build_faults(store, facts["2026q3"].release, {name: data}))
    assert table in messages
    assert UNKNOWN not in messages
    assert all(phrase in messages for phrase in says), messages


def test_a_text_that_is_named_like_one_of_cms_but_begins_otherwise_stops_the_build(
    facts: dict[str, Facts], store: Store
) -> None:
    name, data = rendered_file(facts["2026q3"], "oppscap", "txt")
    assert build_faults(store, facts["2026q3"].release, {name: b"x" + data}) == [
        "OPPSCAP_Jul.txt: is named like oppscap (oppscap), but does not begin as its text form does"
    ]


def test_no_placeholder_is_in_a_message(facts: dict[str, Facts], store: Store) -> None:
    """Caps name their month, and no year."""
    (message,) = build_faults(store, facts["2024q2"].release, dict([rendered_file(facts["2026q3"], "oppscap")]))
    assert message.startswith(
        "OPPSCAP_Jul.csv: This file is for quarter 3 of a year that it does not state, not for 2024q2"
    )
    assert "YEAR" not in message


@pytest.mark.parametrize(("table", "tables"), [("gpci", "gpci"), ("mue", "mue, mue_outpatient, mue_dme")])
def test_a_file_saved_as_unicode_text_is_named(table: str, tables: str, facts: dict[str, Facts], store: Store) -> None:
    """A folder with such a copy would have been sealed without the table."""
    cms_facts = facts["2026q3"]
    name, data = rendered_file(cms_facts, table)
    (message,) = build_faults(store, cms_facts.release, {name: data.decode("cp1252").encode("utf-16")})
    what = f"{name}: is {table} ({tables}) in UTF-16, which CMS does not write"
    assert message == f"{what}; take the file from CMS's own zip"
