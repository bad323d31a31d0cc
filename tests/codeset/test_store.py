"""The store holds whole snapshots or none: revisions, kills, two builds at once, the same bytes anywhere."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

import codeset
from codeset import store as storing
from codeset.errors import StoreProblem, WrongUse
from codeset.manifest import Manifest, Source, TableEntry
from codeset.releases import Release
from codeset.schemas import faults_of
from codeset.store import Store
from codeset.tables import TABLES
from codeset_ingest.embedded import build_embedded, facts

MUE = TABLES["mue"]


def mue(value: int) -> pl.DataFrame:
    rows = {"hcpcs": ["17003"], "mue_value": [value], "mai": [2], "rationale": ["Code Descriptor / CPT Instruction"]}
    return pl.DataFrame(rows, schema=dict(MUE.columns))


def manifest(release: str, source: str) -> Manifest:
    entry = TableEntry("mue 2024-04-01", (Source("mue.csv", source * 64, 10),), 0, {}, "")
    return Manifest(Release.parse(release), "all", (), {"mue": entry})


def seal(store: Store, release: str = "2024q2", source: str = "a", value: int = 13) -> storing.SealResult:
    return store.seal(manifest(release, source), {"mue": mue(value)})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_sealed_snapshot_opens_in_two_lines(tmp_path):
    seal(Store(tmp_path))
    snapshot = codeset.open("2024q2", tmp_path)
    assert snapshot.mue("17003")["mue_value"] == 13
    assert snapshot.mue("17000") is None
    assert snapshot.verify() == []


@pytest.fixture
def sealed_before(tmp_path, monkeypatch) -> codeset.Snapshot:
    """A snapshot, and tables to which a column was added after it was sealed."""
    seal(Store(tmp_path))
    monkeypatch.setitem(TABLES, "mue", replace(MUE, columns={**MUE.columns, "published": pl.Boolean()}))
    return codeset.open("2024q2", tmp_path)


def test_a_column_that_came_after_a_snapshot_was_sealed_is_null_in_it(sealed_before):
    assert sealed_before.table("mue").columns == [*MUE.columns, "published"]
    assert sealed_before.mue("17003")["published"] is None
    assert sealed_before.verify() == []


def test_claims_are_read_against_a_snapshot_from_before_a_column(sealed_before):
    line = {"claim_id": "c", "line": 1, "beneficiary": "b", "provider": "p", "date_of_service": "2024-06-03"}
    line |= {"hcpcs": "17003", "modifiers": "", "units": 14, "place_of_service": "11", "locality": "national"}
    findings = codeset.adjudicate(pl.DataFrame([line]), sealed_before).findings
    assert findings.filter(edit="mue")["mue_value"].to_list() == [13]


def test_the_store_is_named_by_the_environment(tmp_path, monkeypatch):
    seal(Store(tmp_path))
    monkeypatch.setenv("CODESET_STORE", str(tmp_path))
    assert str(codeset.open("2024q2").release) == "2024q2"


def test_a_folder_that_is_not_named_as_a_release_is_not_one(tmp_path):
    """Such as a copy that somebody made before trying something."""
    seal(Store(tmp_path))
    shutil.copytree(tmp_path / "2024q2", tmp_path / "2024q2-copy")
    assert list(map(str, Store(tmp_path).releases())) == ["2024q2"]
    assert Store(tmp_path).other_folders() == ["2024q2-copy"]


def test_a_store_that_is_a_file_is_reported(tmp_path):
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreProblem, match="is a file; expected the folder of a store"):
        Store(tmp_path / "store").releases()
    with pytest.raises(StoreProblem, match="is a file"):
        seal(Store(tmp_path / "store"))


def test_the_same_files_again_change_nothing(tmp_path):
    seal(Store(tmp_path))
    before = contents(tmp_path)
    assert seal(Store(tmp_path)).new is False
    assert contents(tmp_path) == before


def test_other_files_of_a_release_become_a_revision_and_both_stay(tmp_path):
    store = Store(tmp_path)
    seal(store)
    again = seal(store, source="b", value=14)
    assert str(again.snapshot.release) == "2024q2r1"
    assert [str(release) for release in store.releases()] == ["2024q2", "2024q2r1"]
    assert store.open("2024q2").mue("17003")["mue_value"] == 13
    assert str(store.in_force(date(2024, 5, 1)).release) == "2024q2r1"
    assert seal(store, source="a").new is False, "the first files are known still"


def test_a_date_that_no_release_covers_has_none_in_force(tmp_path):
    store = Store(tmp_path)
    seal(store)
    assert store.in_force(date(2024, 6, 30)) is not None
    assert store.in_force(date(2024, 7, 1)) is None
    assert store.in_force(date(2024, 3, 31)) is None


def test_an_unknown_release_table_or_label_is_reported_with_what_there_is(tmp_path):
    store = Store(tmp_path)
    seal(store)
    with pytest.raises(StoreProblem, match="holds no 2026q3; it holds: 2024q2"):
        store.open("2026q3")
    with pytest.raises(StoreProblem, match="2024q2 holds no ptp"):
        store.open("2024q2").scan("ptp")
    with pytest.raises(WrongUse, match='no table is called "pfs"'):
        store.open("2024q2").scan("pfs")


def test_a_changed_byte_is_found(tmp_path):
    seal(Store(tmp_path))
    file = tmp_path / "2024q2" / "mue.parquet"
    data = bytearray(file.read_bytes())
    data[10] ^= 1
    file.write_bytes(data)
    (tmp_path / "2024q2" / "notes.txt").write_text("mine")
    differences = Store(tmp_path).unchecked("2024q2").verify()
    assert [difference.split(":")[0] for difference in differences] == ["mue.parquet", "notes.txt"]


def test_a_missing_table_is_found(tmp_path):
    seal(Store(tmp_path))
    (tmp_path / "2024q2" / "mue.parquet").unlink()
    assert Store(tmp_path).unchecked("2024q2").verify() == ["mue.parquet: missing"]


def test_the_second_of_two_builds_at_once_says_that_the_first_won(tmp_path, monkeypatch):
    store = Store(tmp_path)
    rename = Path.rename

    def rename_late(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        seal(store, source="b", value=14)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", rename_late)
    with pytest.raises(StoreProblem, match="another build sealed 2024q2 while this one ran"):
        seal(store)
    assert store.open("2024q2").mue("17003")["mue_value"] == 14
    assert [path.name for path in tmp_path.iterdir()] == ["2024q2"]


def test_a_build_leaves_another_that_runs_alone(tmp_path, monkeypatch):
    store = Store(tmp_path)
    write = pl.DataFrame.write_parquet

    def write_while_another_builds(frame: pl.DataFrame, file: Path, **options: object) -> None:
        monkeypatch.setattr(pl.DataFrame, "write_parquet", write)
        seal(store, release="2024q3")
        assert file.parent.is_dir()
        write(frame, file, **options)

    monkeypatch.setattr(pl.DataFrame, "write_parquet", write_while_another_builds)
    seal(store)
    assert [str(release) for release in store.releases()] == ["2024q2", "2024q3"]


KILLED = """
import os, sys
from pathlib import Path
import polars
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.embedded import build_embedded
owner = {"mkdir": Path, "write_parquet": polars.DataFrame, "fsync": os, "rename": Path}[sys.argv[2]]
original = getattr(owner, sys.argv[2])
def die(*arguments, **options):
    if sys.argv[2] in ("fsync", "write_parquet"): original(*arguments, **options)
    if "unfinished" in str(arguments) or sys.argv[2] == "fsync": os._exit(9)
    return original(*arguments, **options)
setattr(owner, sys.argv[2], die)
build_embedded(Release.parse("2025q4"), Store(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("moment", ["mkdir", "write_parquet", "fsync", "rename"])
def test_a_build_killed_at_any_moment_leaves_the_store_as_it_was(tmp_path, moment):
    whole_store, store = Store(tmp_path / "undisturbed"), Store(tmp_path / "store")
    build_embedded(Release.parse("2025q4"), whole_store)
    process = subprocess.run([sys.executable, "-c", KILLED, str(store.path), moment], check=False, timeout=60)
    assert process.returncode == 9
    assert store.releases() == []
    build_embedded(Release.parse("2025q4"), store)
    assert contents(store.path) == contents(whole_store.path)


def test_the_same_facts_give_the_same_bytes_on_any_machine(tmp_path):
    build_embedded(Release.parse("2026q3"), Store(tmp_path / "here"))
    environment = {**os.environ, "POLARS_MAX_THREADS": "3", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"}
    command = [sys.executable, "-m", "codeset.cli", "build", "2026q3", "--embedded", "--store", str(tmp_path / "there")]
    subprocess.run(command, check=True, env=environment, cwd=tmp_path, capture_output=True, timeout=240)
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_the_manifest_keeps_its_schema(tmp_path):
    build_embedded(Release.parse("2026q3"), Store(tmp_path))
    assert faults_of(json.loads((tmp_path / "2026q3" / "manifest.json").read_text()), "manifest") == []


def test_readers_need_nothing_of_the_library(tmp_path):
    """Plain polars and duckdb read the tables; the figures are those of CMS's RVU26C file."""
    build_embedded(Release.parse("2026q3"), Store(tmp_path))
    file = tmp_path / "2026q3" / "mpfs.parquet"
    row = pl.read_parquet(file).row(by_predicate=pl.col("hcpcs") == "11102", named=True)
    assert (str(row["work_rvu"]), str(row["nonfacility_total_rvu"]), row["global_days"]) == ("0.64", "2.86", "000")
    rows = duckdb.sql(f"select work_rvu, global_days from '{file}' where hcpcs = '17311'").fetchall()
    assert [(str(work), days) for work, days in rows] == [("6.05", "000")]


def test_every_table_is_sorted_by_its_key(tmp_path):
    snapshot = build_embedded(Release.parse("2026q3"), Store(tmp_path)).snapshot
    for name in snapshot.manifest.tables:
        table = snapshot.table(name)
        assert table.equals(table.sort(TABLES[name].key, nulls_last=True)), name


def test_a_table_is_carried_forward_with_its_edition_and_its_origin(tmp_path):
    store = Store(tmp_path)
    seal(store)
    entry, file = storing.carried_table(store.open("2024q2"), "mue")
    assert (entry.carried_from, entry.edition) == ("2024q2", "mue 2024-04-01")
    later = store.seal(Manifest(Release.parse("2024q3"), "all", (), {"mue": entry}), {"mue": file}).snapshot
    assert later.manifest.tables["mue"].sha256 == store.open("2024q2").manifest.tables["mue"].sha256
    again, _ = storing.carried_table(later, "mue")
    assert again.carried_from == "2024q2", "the release whose files they are, not one between"


def test_a_carried_table_that_changed_since_it_was_sealed_stops_the_build(tmp_path):
    store = Store(tmp_path)
    seal(store)
    entry, file = storing.carried_table(store.open("2024q2"), "mue")
    mue(99).write_parquet(file)
    with pytest.raises(StoreProblem, match="changed since it was sealed"):
        store.seal(Manifest(Release.parse("2024q3"), "all", (), {"mue": entry}), {"mue": file})
    assert [str(release) for release in store.releases()] == ["2024q2"]


def test_the_embedded_excerpt_never_blocks_the_full_release(tmp_path):
    seal(Store(tmp_path), release="2025q4")
    with pytest.raises(StoreProblem, match="holds the full 2025q4"):
        build_embedded(Release.parse("2025q4"), Store(tmp_path))


def test_embedded_facts_built_again_change_nothing(tmp_path):
    build_embedded(Release.parse("2026q3"), Store(tmp_path))
    assert build_embedded(Release.parse("2026q3"), Store(tmp_path)).new is False


def test_only_the_embedded_releases_are_there_without_files():
    with pytest.raises(WrongUse, match="there are those of 2025q3, 2025q4, 2026q3"):
        facts(Release.parse("2024q1"))
