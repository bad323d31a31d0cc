"""Articles of the Medicare Coverage Database: what they list, by the database's own columns."""

from datetime import date
from pathlib import Path

import pytest
from handed_in import hand_in, refused

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
    faults = refused(store, RELEASE, {name: DOWNLOAD[name].replace(theirs, other)})
    assert any(says in fault for fault in faults), faults
