"""The fee schedule's short descriptions, read as numbers and flags; they themselves are kept nowhere."""

import csv
import io
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from cms_files import render

from codeset.errors import BadInput
from codeset.participants import Participant
from codeset.releases import Release
from codeset.schemas import faults_of
from codeset.scope import codes_of
from codeset_ingest.build import build
from codeset_ingest.read.descriptions import stated_facts as descriptions

RELEASE = Release.parse("2026q3")
UNKNOWN = "Something of no known words"
STATED = {"11102": "bx Tangntl", "11103": "ea bx Tangntl", "11104": UNKNOWN}
"""The words that count, in no order of CMS's."""


def file_with(folder, facts, texts):
    """A fee schedule file of 2026q3 that has *texts* in place of the descriptions of those codes."""
    data = render.render_file("mpfs", facts["2026q3"].tables["mpfs"], RELEASE, "csv", Decimal("33.4009"))
    rows = list(csv.reader(io.StringIO(data.decode("cp1252"), newline="")))
    for row in rows:
        if row[0] in texts and row[1] == "":
            row[2] = texts[row[0]]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    path = folder / render.file_name("mpfs", RELEASE, "csv", participant=Participant.NON_QP)
    path.write_bytes(text.getvalue().encode("cp1252"))
    return path


@pytest.mark.parametrize(
    ("hcpcs", "words", "size"),
    [
        ("11300", "Shave 0.5 cm/<", ("0.1", "0.5")),
        ("11301", "Shave .6-1.0cm", ("0.6", "1.0")),
        ("11303", "Shave >2.0", ("2.1", None)),
        ("11303", "Shave over 2", ("2.1", None)),
        ("17106", "cut Dstr prlf vsc<10sqcm", ("0.1", "9.9")),
        ("17110", "b9 Destruction up to 14", ("1", "14")),
        ("17111", "b9 Destruct 15/>", ("15", None)),
        ("17111", "lesion Destruct 15 or more", ("15", None)),
        ("11900", "Inject </w 7", ("1", "7")),
        ("11901", "Inject >7", ("8", None)),
        ("99213", "est Off low 20 min", ("20", None)),
        ("99213", "est Off low 20-29 min", ("20", "29")),
        ("13131", "Cmplx rpr f/c/c/m/n", (None, None)),
    ],
)
def test_sizes_are_read_however_they_are_written(hcpcs, words, size):
    facts = descriptions.stated_facts(hcpcs, words)
    assert facts.measure is not None
    assert (facts.size_from, facts.size_to) == tuple(Decimal(end) if end else None for end in size)


def test_further_parts_have_a_step_where_it_is_stated():
    assert descriptions.stated_facts("13102", "Cmplx rpr trunk addl 5cm/<").step == Decimal(5)
    assert descriptions.stated_facts("11201", "Rmvl tags ea addl 10").step == Decimal(10)
    assert descriptions.stated_facts("11103", "ea bx Tangntl").step == Decimal(1)
    assert descriptions.stated_facts("15201", "Fth trnk each addl").step is None


def test_words_of_another_family_are_not_those_of_a_code():
    assert descriptions.stated_facts("11300", "Inject 0.5 cm/<").measure is None
    assert descriptions.stated_facts("11600", "Exc tr-ext b9+marg 0.5 cm/<").nature == "benign"


def test_a_description_that_is_not_understood_stops_the_build_with_the_code(tmp_path, store, facts):
    path = file_with(tmp_path, facts, STATED)
    with pytest.raises(BadInput) as error:
        build(RELEASE, [path], store)
    fault = str(error.value.faults[0])
    line = next(n for n, row in enumerate(path.read_text("cp1252").splitlines(), start=1) if row.startswith("10060,,"))
    assert fault.startswith(f"{path.name}: line {line}: 10060, 11104, 11105, ")
    assert "--accept descriptions:code_facts" in fault
    assert UNKNOWN not in str(error.value)
    assert store.releases() == []


def test_one_that_was_accepted_states_nothing(tmp_path, store, facts):
    path = file_with(tmp_path, facts, STATED)
    snapshot = build(RELEASE, [path], store, accept=["descriptions:code_facts"]).sealed.snapshot
    rows = {row["hcpcs"]: row for row in snapshot.table("code_facts").iter_rows(named=True)}
    assert rows["11102"]["technique"] == rows["11103"]["technique"] == "biopsy_tangential"
    assert (rows["11103"]["size_from"], rows["11103"]["step"], rows["11103"]["part"]) == (2, 1, "further")
    assert set(rows["11104"].values()) == {"11104", None}


def test_a_file_without_descriptions_has_no_facts(tmp_path, store, facts):
    snapshot = build(RELEASE, [file_with(tmp_path, facts, {})], store).sealed.snapshot
    assert "code_facts" not in snapshot
    assert "mpfs" in snapshot


def test_no_description_is_in_a_snapshot(tmp_path, store, facts):
    path = file_with(tmp_path, facts, {"11102": "bx Tangntl Zwieback"})
    folder = build(RELEASE, [path], store, accept=["descriptions:code_facts"]).sealed.snapshot.path
    assert "code_facts.parquet" in {file.name for file in folder.iterdir()}
    assert [file.name for file in folder.iterdir() if b"Zwieback" in file.read_bytes()] == []


def test_the_words_are_as_their_schema_says_and_each_code_is_of_one_family():
    words = tomllib.loads(Path(descriptions.__file__).with_name("words.toml").read_text(encoding="utf-8"))
    assert faults_of(words, "description-words") == []
    codes = [code for family in words["family"] for span in family["codes"] for code in codes_of(span)]
    assert len(codes) == len(set(codes))


@pytest.mark.cms
def test_no_description_of_cms_is_in_the_words(cms):
    with (cms / "2026q3" / "PPRRVU2026_Jul_nonQPP.csv").open(encoding="cp1252", newline="") as file:
        texts = {row[2].strip().casefold() for row in csv.reader(file) if len(row) > 2}
    words = Path(descriptions.__file__).with_name("words.toml").read_text(encoding="utf-8").casefold()
    assert [text for text in texts if len(text) > 11 and text in words] == []
