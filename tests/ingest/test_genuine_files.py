"""Files as CMS shipped them over the years, and copies that were cut: the first are read, the second refused."""

import csv
import gzip
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from cms_files.render import render_file
from facts import Facts
from handed_in import build_faults, build_release, hand_in, read_back, rendered_file, replace_text

from codeset.releases import Release
from codeset.store import Store
from codeset.tables import TABLES

END = (
    "what ends a complete file is missing (an end-of-file mark or a footnote): the file may have been cut; "
    "fetch it again"
)


@pytest.mark.cms
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_cost_indices_of_2022_have_no_mac_in_their_header(cms: Path, form: str) -> None:
    """CMS's GPCI2022, line by line: 112 localities, for California had three more until 2023."""
    name = f"GPCI2022.{form}"
    frame = read_back(name, (cms / "2022q1" / name).read_bytes(), Release.parse("2022q1"))
    with (cms / "2022q1" / "GPCI2022.csv").open(newline="", encoding="cp1252") as stream:
        rows = [row for row in csv.reader(stream) if row[0].isdigit()]
    assert frame.height == len(rows) == 112
    ours = {(row[0], row[1]): row[2:] for row in frame.iter_rows()}
    for mac, state, locality, area, work, pe, mp in rows:
        expected = (state, area.rstrip("* "), Decimal(work), Decimal(pe), Decimal(mp))
        assert ours[mac.zfill(5), locality.zfill(2)] == expected


HISTORY = ["20a", "20d", "21a", "22a", "23a", "24a", "24c"]


def _decoded_gpci(cms: Path, release: str) -> pl.DataFrame:
    with gzip.open(cms / "history" / f"gpci_rvu{release}.csv.gz", "rt", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["gpci_work"]]
    columns = {
        "mac": [row["mac"] for row in rows],
        "locality": [row["locality_number"] for row in rows],
        "state": [row.get("state", "XX") for row in rows],
        "locality_name": [row["locality_name"] for row in rows],
    }
    columns |= {
        ours: [str(Decimal(row[theirs]).quantize(Decimal("0.001"))) for row in rows]
        for ours, theirs in (("work_gpci", "gpci_work"), ("pe_gpci", "gpci_pe"), ("mp_gpci", "gpci_mp"))
    }
    frame = pl.DataFrame(columns)
    return frame.select(pl.col(name).cast(dtype) for name, dtype in TABLES["gpci"].columns.items())


@pytest.mark.cms
@pytest.mark.parametrize("release", HISTORY)
def test_cost_indices_of_2020_to_2024_are_read(cms: Path, release: str) -> None:
    """The decoded values in CMS's layout of their year: without a state in 2020, with two headers of the contractor."""
    label = Release(2000 + int(release[:2]), "abcd".index(release[2]) + 1)
    frame = _decoded_gpci(cms, release)
    data = render_file("gpci", frame, label, "csv")
    expected = frame.sort("mac", "locality")
    if label.year == 2020:
        assert b",State," not in data
        expected = expected.with_columns(state=pl.lit(None, pl.String))
    for header in (b"Medicare Administrative Contractor (MAC)", b"Medicare Administrative Contractor"):
        file = data.replace(b"Medicare Administrative Contractor (MAC)", header)
        assert read_back(f"GPCI{label.year}.csv", file, label).equals(expected)


@pytest.mark.parametrize(("label", "factor"), [("2022q1", "34.6062"), ("2023q3", "33.8872"), ("2024q1", "33.2875")])
def test_before_2024_the_fee_schedule_prints_indicator_without_na(
    facts: dict[str, Facts], label: str, factor: str
) -> None:
    cms_facts = replace(facts["2024q2"], factors=(replace(facts["2024q2"].factors[0], value=Decimal(factor)),))
    name, data = rendered_file(replace(cms_facts, release=Release.parse(label)), "mpfs")
    assert data.count(b",NA,FACILITY,NA,") == 1
    older = data.replace(b",NA,FACILITY,NA,", b",,FACILITY,,")
    release = Release.parse(label)
    assert read_back(name, older, release).equals(read_back(name, data, release))


@pytest.mark.cms
def test_the_mues_of_july_2026_are_read(cms: Path) -> None:
    """README beside the files: 15,162 codes; 77387 went from 1 to 2."""
    name = "MCR_MUE_PractitionerServices_Eff_07-01-2026.csv"
    frame = read_back(name, (cms / "2026q3-mue" / name).read_bytes(), Release.parse("2026q3"))
    assert frame.height == 15_162
    assert frame.filter(hcpcs="77387")["mue_value"].to_list() == [2]


@pytest.mark.parametrize("lost_bytes", [1, 4, 30])
def test_a_last_record_without_its_line_end_is_read_only_if_it_is_whole(
    lost_bytes: int, facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2026q3"]
    name, data = rendered_file(cms_facts, "oppscap", "txt")
    whole = data.removesuffix(b"\r\n")
    assert build_release(store, cms_facts.release, hand_in(tmp_path / "whole", {name: whole})).sealed.new
    line = whole.count(b"\n") + 1
    assert build_faults(Store(tmp_path / "other"), cms_facts.release, {name: whole[:-lost_bytes]})[-1] == (
        f"{name}: line {line}: the last line has no line end: the file was cut; fetch it again. "
        "If that is right, build with --accept end:oppscap"
    )


@pytest.mark.parametrize(
    ("label", "table", "form", "mark"),
    [
        ("2024q2", "mpfs", "csv", b"\x1a" + b"," * 30 + b"\r\n"),
        ("2024q2", "mpfs", "txt", b"\x1a"),
        ("2024q2", "oppscap", "txt", b"\x1a"),
        ("2024q2", "anesthesia", "txt", b"\x1a"),
    ],
)
def test_a_file_without_the_mark_that_ends_it_is_refused_unless_that_is_accepted(
    label: str, table: str, form: str, mark: bytes, facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts[label]
    name, data = rendered_file(cms_facts, table, form)
    assert data.endswith(mark)
    cut_data = data.removesuffix(mark)
    assert build_faults(store, cms_facts.release, {name: cut_data}) == [
        f"{name}: {END}. If that is right, build with --accept end:{table}"
    ]
    build_result = build_release(
        store, cms_facts.release, hand_in(tmp_path / "cms", {name: cut_data}), accept=[f"end:{table}"]
    )
    assert build_result.sealed.snapshot.manifest.accepted == (f"end:{table}",)


@pytest.mark.parametrize(("form", "end"), [("csv", b"MAC Assignments"), ("txt", b"MAC Assignments")])
def test_cost_indices_without_their_footnotes_are_refused(
    form: str, end: bytes, facts: dict[str, Facts], store: Store
) -> None:
    name, data = rendered_file(facts["2026q3"], "gpci", form)
    faults = build_faults(store, facts["2026q3"].release, {name: data[: data.index(end)]})
    assert faults == [f"{name}: {END}. If that is right, build with --accept end:gpci"]


def test_another_form_that_agrees_shows_that_a_file_was_not_cut(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2024q2"]
    (name, data), other = rendered_file(cms_facts, "mpfs", "txt"), rendered_file(cms_facts, "mpfs", "csv")
    files = {name: data.removesuffix(b"\x1a"), other[0]: other[1]}
    assert build_release(store, cms_facts.release, hand_in(tmp_path / "cms", files)).sealed.new
    shorter = replace_text(data.removesuffix(b"\x1a"), data.splitlines()[-2].decode() + "\r\n", "")
    assert "records are not in" in build_faults(Store(tmp_path / "x"), cms_facts.release, files | {name: shorter})[0]
