"""Articles of the Medicare Coverage Database: what they list, by the database's own columns."""

from datetime import date
from pathlib import Path

import pytest
from cms_files.render import zip_of
from handed_in import build_faults, hand_in

from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import build

RELEASE = Release.parse("2025q3")


@pytest.mark.cms
def test_the_rows_at_hand_are_read_whole(cms: Path, store: Store) -> None:
    """README: 533 rows of article, group and diagnosis, 13 articles; L57.0 in A56346, A57044, A57113 alone."""
    snapshot = build(RELEASE, [cms / "coverage"], store).sealed.snapshot
    diagnoses = snapshot.table("coverage_diagnosis")
    assert (diagnoses.height, diagnoses["document"].n_unique()) == (533, 13)
    assert set(diagnoses.filter(diagnosis="L570")["document"]) == {"A56346", "A57044", "A57113"}
    assert diagnoses.filter(document="A57044", diagnosis="L821")["group"].to_list() == [2]
    assert snapshot.table("coverage_hcpcs").height == 41
    documents = snapshot.table("coverage_document")
    assert documents.select("document", "version").n_unique() == 168
    (row,) = documents.filter(document="A57044").drop("title").to_dicts()
    assert row == {
        "document": "A57044",
        "version": 16,
        "contractor": "CGS Administrators, LLC",
        "contractor_type": "MAC - Part A, MAC - Part B",
        "effective_date": date(2025, 8, 7),
        "retirement_date": None,
    }
    assert documents.filter(document="A52511")["contractor"].to_list() == [
        "CGS Administrators, LLC",
        "Noridian Healthcare Solutions, LLC",
    ]


DOWNLOAD = {
    "article_x_icd10_covered.csv": (
        b'"article_id","article_version","icd10_code_id","icd10_code_version","icd10_covered_group","range",'
        b'"last_updated","sort_order","description","asterisk"\n'
        b'"57044","17","L57.0","1","1","N","2026-08-06 00:00:00","1","x",""\n'
    ),
    "article_x_icd10_noncovered.csv": (
        b'"article_id","article_version","icd10_code_id","icd10_code_version","icd10_noncovered_group","range",'
        b'"last_updated","sort_order","description","asterisk"\n'
        b'"57044","17","Z41.1","1","1","N","2026-08-06 00:00:00","1","x",""\n'
    ),
    "article_x_hcpc_code.csv": (
        b'"article_id","article_version","hcpc_code_id","hcpc_code_version","hcpc_code_group","range","last_updated",'
        b'"long_description","short_description"\n"57044","17","17000","1","1","N","2026-08-06 00:00:00","x","x"\n'
    ),
}


def test_the_tables_of_the_full_download_are_read_by_their_columns(store: Store, tmp_path: Path) -> None:
    snapshot = build(RELEASE, [hand_in(tmp_path / "mcd", DOWNLOAD)], store).sealed.snapshot
    assert snapshot.table("coverage_diagnosis").rows() == [
        ("A57044", 17, 1, "L570", True),
        ("A57044", 17, 1, "Z411", False),
    ]
    assert snapshot.table("coverage_hcpcs").rows() == [("A57044", 17, "17000", None)]


DAY = "2026-08-06 00:00:00"
PROSE = "\u201cGroup 2\u201d needs\r\nanother\x0b" + "text " * 3000


def table(columns: str, *rows: tuple[object, ...]) -> bytes:
    """A csv of the download: every cell in quotes, UTF-8."""
    lines = [columns.split(","), *rows]
    return "".join(",".join(f'"{cell}"' for cell in line) + "\r\n" for line in lines).encode()


DOCUMENTS = {
    "article.csv": table(
        "article_id,article_version,article_type,title,article_eff_date,article_end_date,description,status,"
        "last_updated,article_rev_end_date,date_retired,display_id",
        (57044, 17, 6, "Lesions \u2013 ours", DAY, "", PROSE, "A", DAY, "", "", "A57044"),
        (57044, 16, 6, "Older", "2025-08-07 00:00:00", "", PROSE, "A", DAY, "2026-08-05 00:00:00", "", "A57044"),
        (50001, 1, 6, "Draft", DAY, "", PROSE, "P", DAY, "", "", "DA50001"),
        (50003, 3, 6, "Old", DAY, "2026-07-31 00:00:00", PROSE, "R", DAY, "", "2026-07-30 00:00:00", "A50003"),
    ),
    "article_x_contractor.csv": table(
        "article_id,article_version,article_type,contractor_id,contractor_type_id,contractor_version,last_updated",
        *((57044, version, 6, number, kind, 1, DAY) for version in (16, 17) for number, kind in ((228, 8), (239, 9))),
        (50003, 3, 6, 900, 11, 1, DAY),
        (50001, 1, 6, 239, 9, 1, DAY),
    ),
    "contractor.csv": table(
        "contractor_id,contractor_type_id,contractor_version,contractor_bus_name,contractor_number,status",
        (228, 8, 1, "CGS Administrators, LLC", "15101", "A"),
        (239, 9, 1, "CGS Administrators, LLC", "15202", "A"),
        (900, 11, 1, "CGS Administrators, LLC", "18003", "A"),
    ),
    "contractor_type_lookup.csv": table(
        "contractor_type_id,description", (8, "MAC - Part A"), (9, "MAC - Part B"), (11, "DME MAC")
    ),
}
PASSED_OVER = {
    "article_x_icd10_covered_group.csv": table(
        "article_id,article_version,icd10_covered_group,paragraph,last_updated,icd10_covered_ast",
        (57044, 17, 1, PROSE, DAY, ""),
    ),
    "article_x_icd10_noncovered_group.csv": table(
        "article_id,article_version,icd10_noncovered_group,paragraph,last_updated", (57044, 17, 1, PROSE, DAY)
    ),
    "article_x_code_table.csv": table(
        "article_id,article_version,article_type,code_table_row,brand_name,hcpc_code_id",
        (57044, 17, 6, 1, "x", "J0585"),
    ),
    "contractor_jurisdiction.csv": table(
        "contractor_id,contractor_type_id,contractor_version,state_id,last_updated,active_date,term_date",
        (228, 8, 1, 20, DAY, DAY, ""),
    ),
    "contractor_oversight.csv": table(
        "contractor_id,contractor_type_id,contractor_version,region_id,last_updated", (228, 8, 1, 4, DAY)
    ),
    "lcd_x_contractor.csv": table(
        "lcd_id,lcd_version,contractor_id,contractor_type_id,contractor_version,last_updated",
        (34200, 29, 228, 8, 1, DAY),
    ),
    "state_lookup.csv": table("state_id,state_abbrev,description", (20, "KY", "Kentucky")),
}
"""Files of the downloads of articles and LCDs that are like those that are read."""


def test_versions_and_contractors_are_put_together_from_the_download(store: Store, tmp_path: Path) -> None:
    inner = zip_of({**DOWNLOAD, **DOCUMENTS, **PASSED_OVER})
    files = {"current_article.zip": zip_of({"current_article_csv.zip": inner, "readme_first.txt": b"read me"})}
    snapshot = build(RELEASE, [hand_in(tmp_path / "mcd", files)], store).sealed.snapshot
    assert snapshot.table("coverage_document").drop("title").rows() == [
        ("A50003", 3, "CGS Administrators, LLC", "DME MAC", date(2026, 8, 6), date(2026, 7, 30)),
        ("A57044", 16, "CGS Administrators, LLC", "MAC - Part A, MAC - Part B", date(2025, 8, 7), date(2026, 8, 5)),
        ("A57044", 17, "CGS Administrators, LLC", "MAC - Part A, MAC - Part B", date(2026, 8, 6), None),
    ]
    assert snapshot.table("coverage_document")["title"].to_list()[-1] == "Lesions \u2013 ours"
    notes = snapshot.manifest.tables["coverage_document"].notes
    assert any("1 drafts left out" in note for note in notes)


NO_CODE = b'"57044","17","XX000","1","2","N","2026-08-06 00:00:00","1","Not Applicable",""\n'


def test_a_group_without_codes_lists_none_and_a_repeated_code_counts_once(store: Store, tmp_path: Path) -> None:
    name = "article_x_icd10_covered.csv"
    last = DOWNLOAD[name].splitlines(keepends=True)[-1]
    snapshot = build(
        RELEASE, [hand_in(tmp_path / "mcd", {name: DOWNLOAD[name] + last + NO_CODE})], store
    ).sealed.snapshot
    assert snapshot.table("coverage_diagnosis").rows() == [("A57044", 17, 1, "L570", True)]
    assert any("2 rows that name no code" in note for note in snapshot.manifest.tables["coverage_diagnosis"].notes)


@pytest.mark.parametrize(
    ("left_out", "changes", "says"),
    [
        ("contractor.csv", {}, "belongs together with contractor.csv, which did not come"),
        ("article_x_contractor.csv", {}, "belongs together with article_x_contractor.csv, which did not come"),
        (
            None,
            {"contractor.csv": (b'"239"', b'"240"')},
            "line 3: contractor 239 9 1 is not in contractor.csv (3 such rows)",
        ),
        (
            None,
            {"contractor_type_lookup.csv": (b'"9"', b'"12"')},
            "line 3: contractor type 9 is not in contractor_type_lookup.csv (3 such rows)",
        ),
        (None, {"article.csv": (b'"2026-08-06 00:00:00"', b'"08/06/2026"')}, "effective_date is"),
        (None, {"article.csv": (b'"57044","17"', b'"A57044","17"')}, "document is"),
        (None, {"article.csv": (b"article_end_date", b"end_date")}, "article_end_date"),
    ],
)
def test_a_download_that_is_not_whole_stops_the_build(
    left_out: str | None, changes: dict[str, tuple[bytes, bytes]], says: str, store: Store
) -> None:
    files = {name: data for name, data in DOCUMENTS.items() if name != left_out}
    files |= {name: files[name].replace(*change) for name, change in changes.items()}
    faults = build_faults(store, RELEASE, files)
    assert any(says in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("theirs", "other", "says"),
    [
        (b'"L57.0"', b'"57.0"', 'line 2: diagnosis is "57.0"'),
        (b'"asterisk"', b'"stars"', 'column "stars" is not in the layout of article_icd10_covered'),
        (b'"57044"', b'"A57044"', 'line 2: document is "A57044"'),
    ],
)
def test_what_the_layout_does_not_know_is_refused(theirs: bytes, other: bytes, says: str, store: Store) -> None:
    name = "article_x_icd10_covered.csv"
    faults = build_faults(store, RELEASE, {name: DOWNLOAD[name].replace(theirs, other)})
    assert any(says in fault for fault in faults), faults
