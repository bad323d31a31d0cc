"""What a release needs, and files that do not belong: parts, editions, quarters, tables that look alike."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from cms_files.render import deliver, render_file, zip_of
from facts import Facts
from handed_in import build_faults, build_release, hand_in, rendered_file, replace_text
from polars.testing import assert_frame_equal

from codeset.errors import BadInput
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import build
from codeset_ingest.read.open_files import open_all

SET_OF_PARTS = (
    "(a set is cut by rows in the order of column one, from codes that begin with 0 to the HCPCS level II codes)"
)


def _parts(cms_facts: Facts, folder: Path, *numbers: int) -> dict[str, bytes]:
    """The chosen parts, of four, of the practitioner edits."""
    deliver({"ptp": cms_facts.tables["ptp"]}, cms_facts.release, [], folder)
    names = [f"ccipra-v322r0-f{number}.zip" for number in numbers]
    return {name: (folder / name).read_bytes() for name in names}


def _member(part: int) -> str:
    return f"ccipra-v322r0-f{part}.zip/ccipra-v322r0-f{part}.{'TXT' if part < 3 else 'txt'}"


@pytest.mark.parametrize(
    ("part_numbers", "missing_parts"),
    [((1, 3, 4), "f2 of f1 to f4"), ((2, 3, 4), "f1 of f1 to f4"), ((1, 4), "f2, f3 of f1 to f4")],
)
def test_a_part_missing_by_number_is_named(
    part_numbers: tuple[int, ...], missing_parts: str, facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    files = _parts(facts["2026q3"], tmp_path / "all", *part_numbers)
    names = ", ".join(map(_member, part_numbers))
    assert build_faults(store, facts["2026q3"].release, files) == [
        f"{names}: ptp is not whole: {missing_parts} is missing"
    ]


def test_a_last_part_missing_is_recognized_by_what_is_in_the_others(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    files = _parts(facts["2026q3"], tmp_path / "all", 1, 2, 3)
    names = ", ".join(map(_member, (1, 2, 3)))
    assert build_faults(store, facts["2026q3"].release, files) == [
        f"{names}: the last part is missing: column one goes from 0001A to 96910, expected [A-Z] at the last row "
        + SET_OF_PARTS
    ]


def test_a_first_part_missing_is_recognized_by_what_is_in_the_others(facts: dict[str, Facts], store: Store) -> None:
    cms_facts = facts["2026q3"]
    rest = cms_facts.tables["ptp"].filter(pl.col("column_one") > "2")
    name, data = rendered_file(replace(cms_facts, tables={"ptp": rest}), "ptp", "txt")
    assert build_faults(store, cms_facts.release, {name: data}) == [
        "ccipra-v322r0.txt: the first part is missing: column one goes from 96910 to U0003, expected [01] at the first "
        "row " + SET_OF_PARTS
    ]


def test_parts_make_the_table_in_whatever_order_their_names_put_them(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    files = _parts(facts["2026q3"], tmp_path / "all", 1, 2, 3, 4)
    names = ["z practitioner.zip", "y practitioner.zip", "x practitioner.zip", "w practitioner.zip"]
    unnumbered_files = {
        name: zip_of({"edits.txt": file.data})
        for name, file in zip(names, open_all([tmp_path / "all" / name for name in files]), strict=True)
    }
    seal_result = build_release(store, facts["2026q3"].release, hand_in(tmp_path / "cms", unnumbered_files)).sealed
    assert_frame_equal(seal_result.snapshot.table("ptp"), facts["2026q3"].tables["ptp"])


def test_a_second_edition_of_a_table_is_refused(facts: dict[str, Facts], store: Store) -> None:
    _, data = rendered_file(facts["2026q3"], "mue")
    files = {"units.csv": data, "units again.csv": replace_text(data, "17003,13,", "17003,14,")}
    assert build_faults(store, facts["2026q3"].release, files) == [
        "units.csv: a second edition of mue; units again.csv came too. Give one of them"
    ]


def test_a_second_edition_of_the_fee_schedule_is_refused_as_one(facts: dict[str, Facts], store: Store) -> None:
    cms_facts = facts["2024q2"]
    halves = (cms_facts.tables["mpfs"].head(20), cms_facts.tables["mpfs"].tail(20))
    files = {
        f"PPRRVU24_APR {number}.csv": rendered_file(replace(cms_facts, tables={"mpfs": half}), "mpfs")[1]
        for number, half in enumerate(halves)
    }
    assert "a second edition of mpfs" in "\n".join(build_faults(store, cms_facts.release, files))


def test_two_versions_of_the_edits_are_refused(facts: dict[str, Facts], store: Store) -> None:
    _, data = rendered_file(facts["2026q3"], "ptp", "txt")
    other = replace_text(data, "\t20190331\t", "\t20190630\t")
    files = {"ccipra-v322r0-f1.txt": data, "ccipra-v322r1-f1.txt": other}
    assert build_faults(store, facts["2026q3"].release, files) == [
        "ccipra-v322r0-f1.txt, ccipra-v322r1-f1.txt: two editions of ptp: v322r0, v322r1. Give one of them",
        "ccipra-v322r1-f1.txt: a second edition of ptp; ccipra-v322r0-f1.txt came too. Give one of them",
    ]


@pytest.mark.parametrize(
    ("table", "form", "file", "period"),
    [
        ("mpfs", "csv", "PPRRVU24_APR.csv", "2024q2"),
        ("mpfs", "txt", "PPRRVU24_APR.txt", "2024q2"),
        ("mpfs", "xlsx", "PPRRVU24_APR.xlsx/PPRRVU24_APR", "2024q2"),
        ("ptp", "txt", "ccipra-v301r0.txt", "2024q2"),
        ("mue", "csv", "MCR_MUE_PractitionerServices_Eff_04-01-2024.csv", "2024q2"),
        ("add_on", "xlsx", "AOC_V2024Q2-MCR.xlsx/AOC_V2024Q2-MCR", "2024q2"),
        ("gpci", "csv", "GPCI2024.csv", "2024"),
        ("anesthesia", "csv", "ANES2024.csv", "2024"),
        ("locality_county", "txt", "24LOCCO.txt", "2024"),
    ],
)
def test_a_file_of_another_quarter_is_refused(
    table: str, form: str, file: str, period: str, facts: dict[str, Facts], store: Store
) -> None:
    name, data = rendered_file(facts["2024q2"], table, form)
    (fault,) = build_faults(store, Release.parse("2026q3"), {name: data})
    assert fault.startswith(f"{file}: This file is for {period}, not for 2026q3. ")


@pytest.mark.parametrize("table", ["mue", "gpci"])
def test_a_file_of_another_quarter_can_be_carried_as_the_message_says(
    table: str, facts: dict[str, Facts], store: Store
) -> None:
    name, data = rendered_file(facts["2024q2"], table)
    (fault,) = build_faults(store, Release.parse("2026q3"), {name: data})
    origin = fault.split(f"--carry {table}=")[1]
    assert Release.parse(origin).year == 2024


def test_what_a_file_says_of_its_quarter_counts_more_than_its_name(facts: dict[str, Facts], store: Store) -> None:
    _, data = rendered_file(facts["2024q2"], "mpfs")
    (fault,) = build_faults(store, Release.parse("2024q3"), {"PPRRVU24_JUL.csv": data})
    assert fault.startswith("PPRRVU24_JUL.csv: This file is for 2024q2, not for 2024q3. ")


def test_the_package_tells_the_year_of_a_file_that_does_not(facts: dict[str, Facts], store: Store) -> None:
    package = zip_of(dict([rendered_file(facts["2024q2"], "oppscap")]))
    (fault,) = build_faults(store, Release.parse("2025q2"), {"rvu24b.zip": package})
    assert fault.startswith("rvu24b.zip/OPPSCAP_APR.csv: This file is for 2024q2, not for 2025q2. ")


def test_a_year_before_the_layouts_is_refused(facts: dict[str, Facts], store: Store) -> None:
    early = Release.parse("2019q4")
    data = render_file("gpci", facts["2024q2"].tables["gpci"], early, "csv")
    assert build_faults(store, early, {"GPCI2019.csv": data}) == [
        "GPCI2019.csv: the layout of gpci is known from 2020q1 on"
    ]


def test_a_file_that_no_layout_knows_is_named_and_does_not_stop_a_build(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    files = dict([rendered_file(facts["2026q3"], "gpci")]) | {
        "README.txt": b"To whom it may concern.\r\n",
        "RVU26C.pdf": b"%PDF-1.7\n",
        "other.zip": zip_of({"empty.csv": b"", "picture.png": b"\x89PNG\r\n\x1a\n"}),
    }
    outcome = build_release(store, facts["2026q3"].release, hand_in(tmp_path / "cms", files))
    assert outcome.unrecognized == ("README.txt", "RVU26C.pdf", "other.zip/empty.csv", "other.zip/picture.png")
    assert list(outcome.sealed.snapshot.manifest.tables) == ["gpci"]


def test_the_same_file_twice_counts_once(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    _, data = rendered_file(facts["2026q3"], "gpci")
    folder = hand_in(tmp_path / "cms", {"GPCI2026.csv": data, "Copy of GPCI2026.csv": data})
    outcome = build_release(store, facts["2026q3"].release, folder)
    assert outcome.notes[0] == "GPCI2026.csv is the same file as Copy of GPCI2026.csv; read once"
    entry = outcome.sealed.snapshot.manifest.tables["gpci"]
    assert (entry.rows, len(entry.sources)) == (8, 1)


def test_a_path_given_twice_counts_once(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    folder = hand_in(tmp_path / "cms", dict([rendered_file(facts["2026q3"], "gpci")]))
    outcome = build_release(store, facts["2026q3"].release, folder, folder / "GPCI2026.csv")
    assert outcome.sealed.snapshot.manifest.tables["gpci"].rows == 8


def test_two_tables_with_the_same_bytes_are_two_tables(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    _, data = rendered_file(facts["2026q3"], "ptp", "txt")
    files = {"ccipra-v322r0-f1.txt": data, "ccioph-v322r0-f1.txt": data}
    outcome = build_release(store, facts["2026q3"].release, hand_in(tmp_path / "cms", files))
    assert set(outcome.sealed.snapshot.manifest.tables) == {"ptp", "ptp_outpatient"}


def test_edits_whose_name_does_not_say_whose_are_refused(facts: dict[str, Facts], store: Store) -> None:
    _, data = rendered_file(facts["2026q3"], "ptp", "txt")
    assert build_faults(store, facts["2026q3"].release, {"edits.txt": data}) == [
        (
            "edits.txt: its contents do not tell which ptp it is; expected in its name: ccipra|practitioner "
            "(NCCI edits, practitioner) or ccioph|hospital (NCCI edits, outpatient hospital)"
        )
    ]


@pytest.mark.parametrize(
    ("package", "table"),
    [
        ("medicare-ncci-2026q3-practitioner-ptp-edits.zip", "ptp"),
        ("medicare-ncci-2026q3-hospital-ptp-edits.zip", "ptp_outpatient"),
    ],
)
def test_the_package_may_say_whose_the_edits_are(
    package: str, table: str, facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    _, data = rendered_file(facts["2026q3"], "ptp", "txt")
    outcome = build_release(
        store, facts["2026q3"].release, hand_in(tmp_path / "cms", {package: zip_of({"edits.txt": data})})
    )
    assert list(outcome.sealed.snapshot.manifest.tables) == [table]


def test_hospital_edits_do_not_replace_the_practitioners(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    files = dict([rendered_file(facts["2026q3"], "ptp_outpatient", "txt"), rendered_file(facts["2026q3"], "gpci")])
    outcome = build_release(store, facts["2026q3"].release, hand_in(tmp_path / "cms", files))
    assert outcome.missing == ("mpfs", "ptp", "mue", "add_on")
    assert "ptp" not in outcome.sealed.snapshot


def test_units_of_hospitals_and_suppliers_are_kept_apart(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    cms_facts = facts["2026q3"]
    tables = {
        "mue": cms_facts.tables["mue"],
        "mue_outpatient": cms_facts.tables["mue"].with_columns(mue_value=pl.lit(7, pl.UInt32)),
        "mue_dme": cms_facts.tables["mue"].tail(2),
    }
    files = dict(rendered_file(replace(cms_facts, tables=tables), table) for table in tables)
    snapshot = build_release(store, cms_facts.release, hand_in(tmp_path / "cms", files)).sealed.snapshot
    for table, frame in tables.items():
        assert_frame_equal(snapshot.table(table), frame)


def test_the_tables_that_a_release_lacks_are_said(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    outcome = build_release(
        store, facts["2026q3"].release, hand_in(tmp_path / "cms", dict([rendered_file(facts["2026q3"], "mue")]))
    )
    assert outcome.missing == ("mpfs", "gpci", "ptp", "add_on")


def test_a_table_that_is_given_and_carried_is_refused(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    before, now = facts["2024q2"], facts["2026q3"]
    build_release(store, before.release, hand_in(tmp_path / "before", dict([rendered_file(before, "add_on", "xlsx")])))
    folder = hand_in(tmp_path / "now", dict([rendered_file(now, "add_on", "xlsx")]))
    with pytest.raises(BadInput) as error:
        build(now.release, [folder], store, carry={"add_on": before.release})
    assert str(error.value) == (
        "AOC_V2026Q3-MCR.xlsx/AOC_V2026Q3-MCR: add_on is given and carried forward as well; expected one of the two\n"
        "Nothing was written."
    )
