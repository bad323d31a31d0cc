"""Every file that we write says its format; newer minors are read, newer majors refused, older files stay readable."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from codeset.errors import BadInput, CodesetError, StoreProblem
from codeset.formats import FORMATS, format_fault
from codeset.releases import Release
from codeset.schemas import faults_of, reading_faults
from codeset.store import Store
from codeset.suite.goldens import goldens
from codeset_ingest.cms_site import ama_license, lock

ROOT = Path(__file__).parents[2]
SCHEMAS = sorted((ROOT / "schemas").glob("*.schema.json"))
RELEASE = Release.parse("2026q3")
GOLDEN = {"release": "2026q3", "scenarios": {}}
PINNED = {
    "publication": "rvu",
    "edition": "rvu26c",
    "name": "rvu26c.zip",
    "url": "https://x/y",
    "page": "https://x",
    "size": 1,
    "sha256": "0" * 64,
    "etag": None,
    "last_modified": None,
}
LOCK = {"releases": {"2026q3": [PINNED]}}


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_a_schema_has_a_name_of_its_own_with_the_major_format(file):
    plain = json.loads(file.read_text())
    assert plain["$id"] == f"urn:derm-codeset:schemas/1/{file.name}"


@pytest.mark.parametrize(("pattern", "says"), [("\\d{5}", "should not be valid under"), (5, "is not of type 'string'")])
def test_a_part_that_a_schema_refers_to_is_checked_with_what_is_beside_it(pattern, says):
    """A column's pattern is text (the part), and names no digit of any script (beside it)."""
    layout = json.loads((ROOT / "ingest/codeset_ingest/read/layouts/pprrvu.json").read_text())
    assert faults_of(layout, "layout") == []
    layout["columns"][0]["pattern"] = pattern
    assert any(fault.startswith("$.columns[0].pattern: ") and says in fault for fault in faults_of(layout, "layout"))


@pytest.mark.parametrize("kind", sorted(set(FORMATS) - {"plan"}))
def test_each_schema_of_a_file_that_we_write_has_a_format(kind):
    assert '"format": {"type": "string", "pattern": "^1' in (ROOT / "schemas" / f"{kind}.schema.json").read_text()


@pytest.mark.parametrize(
    ("format_text", "says"),
    [
        ("1.0", None),
        ("1.99", None),
        ("2.0", "this version reads format 1. Upgrade with: pip install --upgrade derm-codeset"),
        ("0.9", "this version reads format 1."),
        ("1", "expected two numbers, such as 1.0"),
        (1, "expected two numbers, such as 1.0"),
        ("one.two", "expected two numbers, such as 1.0"),
    ],
)
def test_a_format_is_read_or_refused_in_words(format_text, says):
    fault = format_fault({"format": format_text}, "golden")
    assert (says is None) == (fault is None)
    assert says is None or says in str(fault)


def read_golden(folder: Path, plain: object) -> object:
    (folder / "2026q3.json").write_text(json.dumps(plain))
    return goldens(folder, RELEASE).accepted


def read_lock(folder: Path, plain: object) -> object:
    (folder / "sources.lock.json").write_text(json.dumps(plain))
    return lock.read(folder / "sources.lock.json").releases


def read_acceptances(folder: Path, plain: object) -> object:
    (folder / ama_license.FILE).write_text(json.dumps(plain))
    return ama_license.last_acceptance(Store(folder), "the licence")


ACCEPTANCE = {
    "licence": "the licence",
    "accepted_by": "A B",
    "accepted_at": "2026-06-01T00:00:00+00:00",
    "page": "https://x",
}
READERS = (
    (read_golden, GOLDEN, GOLDEN),
    (read_lock, LOCK | {"version": 1}, LOCK),
    (read_acceptances, [ACCEPTANCE], {"acceptances": [ACCEPTANCE]}),
)
"""A reader, what it read before formats, and what it reads with them."""


@pytest.mark.parametrize(("read_file", "before", "now"), READERS)
def test_files_from_before_formats_and_newer_minors_are_read_alike(tmp_path, read_file, before, now):
    old = read_file(tmp_path, before)
    assert old is not None
    assert read_file(tmp_path, {"format": "1.0", **now}) == old
    assert read_file(tmp_path, {"format": "1.3", "further": {"a": 1}, **now}) == old


@pytest.mark.parametrize(("read_file", "before", "now"), READERS)
def test_a_newer_major_is_refused_with_the_way_out(tmp_path, read_file, before, now):
    with pytest.raises(CodesetError, match=r"format 2\.0 .*Upgrade with") as error:
        read_file(tmp_path, {"format": "2.0", **now})
    assert isinstance(error.value, (BadInput, StoreProblem))


def test_further_fields_of_a_pinned_file_and_of_an_acceptance_are_ignored(tmp_path):
    further = {"further": True}
    assert read_lock(tmp_path, {"format": "1.1", "releases": {"2026q3": [PINNED | further]}}) == read_lock(
        tmp_path, LOCK
    )
    acceptances = read_acceptances(tmp_path, {"format": "1.1", "acceptances": [ACCEPTANCE | further]})
    assert vars(acceptances) == ACCEPTANCE


def test_what_is_written_has_a_format(tmp_path):
    ama_license.record(Store(tmp_path), "the licence", "A B", datetime(2026, 6, 1, tzinfo=UTC), "https://x")
    license_document = json.loads((tmp_path / ama_license.FILE).read_text())
    assert license_document["format"] == "1.0"
    assert faults_of(license_document, "licences") == []
    assert json.loads(lock.Lock({}).to_json())["format"] == "1.0"


def test_fields_without_a_format_are_checked_as_before():
    assert faults_of(GOLDEN | {"further": 1}, "golden") == reading_faults(GOLDEN | {"further": 1}, "golden") != []
