"""What is rendered in CMS's layouts, quirks included, is read back as it was."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from cms_files.render import deliver, file_name, layout_for, render_file, zip_of
from facts import Facts, facts_by_release
from handed_in import build_release, hand_in, read_back, rendered_file, sheet
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from codeset.participants import Participant
from codeset.releases import Release
from codeset.store import Store
from codeset.tables import TABLES
from codeset_ingest.read.open_files import open_all

ONE_FILE = ("hcpcs_level2", "modifier")
"""Tables that CMS ships in one file: see test_hcpcs_level2."""

FORMS = [
    (table, form)
    for table in facts_by_release()["2024q2"].tables
    if table not in ONE_FILE
    for form in layout_for(table).forms
]
LINE_ENDS = {"crlf": "\r\n", "lf": "\n", "cr": "\r"}
TEXTS = [
    (*table_and_form, end)
    for table_and_form in FORMS
    for end in LINE_ENDS
    if table_and_form[1] != "xlsx" or end == "crlf"
]
RELEASES = ["2024q2", "2026q3"]


@pytest.mark.parametrize("label", RELEASES)
@pytest.mark.parametrize(("table", "form", "line_end"), TEXTS)
def test_each_form_of_each_table_seals_what_was_rendered(
    table: str, form: str, line_end: str, label: str, facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    name, data = rendered_file(facts[label], table, form, line_end=LINE_ENDS[line_end])
    seal_result = build_release(store, facts[label].release, hand_in(tmp_path / "cms", {name: data})).sealed
    expected = facts[label].tables[table]
    if (table, form) == ("mpfs", "txt"):
        expected = expected.with_columns(pl.lit(None, pl.String).alias("pricing_indicator"))
    assert_frame_equal(seal_result.snapshot.table(table), expected)


@pytest.mark.parametrize(("table", "form"), FORMS)
def test_rendering_twice_gives_the_same_bytes(table: str, form: str, facts: dict[str, Facts]) -> None:
    assert rendered_file(facts["2026q3"], table, form) == rendered_file(facts["2026q3"], table, form)


@pytest.mark.parametrize("label", RELEASES)
def test_a_delivery_seals_every_table(label: str, facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    cms_facts = facts[label]
    deliver(cms_facts.tables, cms_facts.release, cms_facts.factors, tmp_path / "cms")
    outcome = build_release(store, cms_facts.release, tmp_path / "cms")
    assert (outcome.missing, outcome.unrecognized) == ((), ())
    assert set(outcome.sealed.snapshot.manifest.tables) == set(cms_facts.tables)
    for table, frame in cms_facts.tables.items():
        assert_frame_equal(outcome.sealed.snapshot.table(table), frame)


def test_a_delivery_has_the_names_that_cms_gives(facts: dict[str, Facts], tmp_path: Path) -> None:
    cms_facts = facts["2026q3"]
    paths = deliver(cms_facts.tables, cms_facts.release, cms_facts.factors, tmp_path)
    assert sorted(path.name for path in paths) == [
        "AOC_V2026Q3-MCR.txt",
        "AOC_V2026Q3-MCR.xlsx",
        "HCPC2026_JUL_ANWEB.txt",
        "HCPC2026_JUL_ANWEB.xlsx",
        "MCR_MUE_DMESupplierServices_Eff_07-01-2026.csv",
        "MCR_MUE_DMESupplierServices_Eff_07-01-2026.xlsx",
        "MCR_MUE_OutpatientHospitalServices_Eff_07-01-2026.csv",
        "MCR_MUE_OutpatientHospitalServices_Eff_07-01-2026.xlsx",
        "MCR_MUE_PractitionerServices_Eff_07-01-2026.csv",
        "MCR_MUE_PractitionerServices_Eff_07-01-2026.xlsx",
        "ZIP5_JUL2026.txt",
        *(f"{service}-v322r0-f{part}.zip" for service in ("ccioph", "ccipra") for part in (1, 2, 3, 4)),
        "rvu26c.zip",
    ]
    assert [file.name for file in open_all([tmp_path / f"ccipra-v322r0-f{part}.zip" for part in (1, 2, 3, 4)])] == [
        "ccipra-v322r0-f1.TXT",
        "ccipra-v322r0-f2.TXT",
        "ccipra-v322r0-f3.txt",
        "ccipra-v322r0-f4.txt",
    ]
    assert [file.name for file in open_all([tmp_path / "rvu26c.zip"])] == [
        *("26LOCCO.csv", "26LOCCO.txt", "26LOCCO.xlsx"),
        *("ANES2026.csv", "ANES2026.txt", "ANES2026.xlsx"),
        *("GPCI2026.csv", "GPCI2026.txt", "GPCI2026.xlsx"),
        *("OPPSCAP_Jul.csv", "OPPSCAP_Jul.txt", "OPPSCAP_Jul.xlsx"),
        *("PPRRVU2026_Jul_QPP.csv", "PPRRVU2026_Jul_QPP.txt", "PPRRVU2026_Jul_QPP.xlsx"),
        *("PPRRVU2026_Jul_nonQPP.csv", "PPRRVU2026_Jul_nonQPP.txt", "PPRRVU2026_Jul_nonQPP.xlsx"),
    ]


@pytest.mark.parametrize(
    ("table", "label", "form", "name"),
    [
        ("mpfs", "2024q2", "csv", "PPRRVU24_APR.csv"),
        ("mpfs", "2025q4", "xlsx", "PPRRVU2025_Oct.xlsx"),
        ("gpci", "2026q3", "csv", "GPCI2026.csv"),
        ("locality_county", "2024q2", "txt", "24LOCCO.txt"),
        ("anesthesia", "2024q2", "xlsx", "ANES2024.xlsx"),
        ("oppscap", "2024q2", "csv", "OPPSCAP_APR.csv"),
        ("mue", "2026q2", "csv", "MCR_MUE_PractitionerServices_Eff_04-01-2026.csv"),
        ("add_on", "2026q2", "xlsx", "AOC_V2026Q2-MCR.xlsx"),
    ],
)
def test_a_file_has_the_name_that_cms_gave_it(table: str, label: str, form: str, name: str) -> None:
    assert file_name(table, Release.parse(label), form) == name


def test_two_deliveries_of_the_same_tables_are_the_same_bytes(facts: dict[str, Facts], tmp_path: Path) -> None:
    cms_facts = facts["2024q2"]
    first, second = (
        deliver(cms_facts.tables, cms_facts.release, cms_facts.factors, tmp_path / folder) for folder in ("one", "two")
    )
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def loose(folder: Path, into: Path) -> Path:
    """Every file of *folder*'s zips, by itself."""
    return hand_in(into, {file.name: file.data for file in open_all([folder])})


def zip_in_zip(folder: Path, into: Path) -> Path:
    """One zip with all that lies in *folder*."""
    inner = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    return hand_in(into, {"download.zip": zip_of({"everything.zip": zip_of(inner)})}) / "download.zip"


def odd_names(folder: Path, into: Path) -> Path:
    """Files as people keep them: other endings, blanks, capitals, a folder that says which hospital edits they are."""
    return hand_in(into, {f"Copy of {file.name.upper()} (1).download": file.data for file in open_all([folder])})


@pytest.mark.parametrize("repack", [loose, zip_in_zip, odd_names])
def test_it_does_not_matter_how_files_are_kept(
    repack: Callable[[Path, Path], Path], facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2026q3"]
    deliver(cms_facts.tables, cms_facts.release, cms_facts.factors, tmp_path / "cms")
    outcome = build_release(store, cms_facts.release, repack(tmp_path / "cms", tmp_path / "kept"))
    for table, frame in cms_facts.tables.items():
        assert_frame_equal(outcome.sealed.snapshot.table(table), frame)


def test_qpp_and_nonqpp_files_together_are_one_table_with_two_factors(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    files = dict(rendered_file(facts["2026q3"], "mpfs", factor=factor) for factor in (0, 1))
    assert list(files) == ["PPRRVU2026_Jul_nonQPP.csv", "PPRRVU2026_Jul_QPP.csv"]
    snapshot = build_release(store, facts["2026q3"].release, hand_in(tmp_path / "cms", files)).sealed.snapshot
    assert_frame_equal(snapshot.table("mpfs"), facts["2026q3"].tables["mpfs"])
    assert [(factor.value, factor.participant) for factor in snapshot.conversion_factors] == [
        (Decimal("33.4009"), Participant.NON_QP),
        (Decimal("33.5675"), Participant.QP),
    ]
    assert {factor.first for factor in snapshot.conversion_factors} == {date(2026, 7, 1)}
    assert {factor.last for factor in snapshot.conversion_factors} == {date(2026, 9, 30)}


def test_a_factor_that_changed_within_the_quarter_comes_in_two_packages(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    release = Release.parse("2024q1")
    one = facts["2024q2"].factors[0]
    days = [("32.7442", date(2024, 1, 1), date(2024, 3, 8)), ("33.2875", date(2024, 3, 9), date(2024, 3, 31))]
    factors = [type(one)(Decimal(value), first, last) for value, first, last in days]
    tables = {name: facts["2024q2"].tables[name] for name in ("mpfs", "gpci")}
    assert [path.name for path in deliver(tables, release, factors, tmp_path / "cms")] == ["rvu24a.zip", "rvu24ar.zip"]
    snapshot = build_release(store, release, tmp_path / "cms").sealed.snapshot
    assert [(str(factor.value), factor.first, factor.last) for factor in snapshot.conversion_factors] == days
    assert_frame_equal(snapshot.table("mpfs"), tables["mpfs"])


CAPTIONS = """\
,,RELEASED 04/01/2024,,,,,,,,,,,,,,,,,,,,,,,,,,,,
,,,,,,,,,,,,,,,,,,,,,,,,,,,,NON-FACILITY,FACILITY,
,,,,NOT USED,,,,,,,,,,,,,,,,,,,,,PHYSICIAN,,DIAGNOSTIC,PE USED,PE USED,MP USED
,,,,FOR,,,NON-FAC,,FACILITY,,,,,,,,,,,,,,,,SUPERVISION OF,,IMAGING,FOR OPPS,FOR OPPS,FOR OPPS
,,,STATUS,MEDICARE,WORK,NON-FAC,NA,FACILITY,NA,MP,NON-FACILITY,FACILITY,PCTC,GLOB,PRE,INTRA,POST,MULT,BILAT,ASST,CO-,\
TEAM,ENDO,CONV,DIAGNOSTIC,CALCULATION,FAMILY,PAYMENT,PAYMENT,PAYMENT
HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,OP,PROC,SURG,\
SURG,SURG,SURG,BASE,FACTOR,PROCEDURES,FLAG,INDICATOR,AMOUNT,AMOUNT,AMOUNT"""


def test_captions_of_the_fee_schedule_are_stacked_as_cms_prints_them(facts: dict[str, Facts]) -> None:
    lines = {label: rendered_file(facts[label], "mpfs")[1].decode().split("\r\n")[4:10] for label in RELEASES}
    assert "\n".join(lines["2024q2"]) == CAPTIONS
    assert lines["2026q3"][-1] == lines["2024q2"][-1].replace("SURG,BASE,", "SURG,IND,BASE,")


def test_of_two_work_columns_the_one_with_the_floor_is_read(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    """As in the file of January 2026."""
    name, data = rendered_file(facts["2026q3"], "gpci")
    lines = data.decode().split("\r\n")
    lines[2] = lines[2].replace("2026 PW GPCI (with", "2026 PW GPCI (without 1.0 Floor)**,2026 PW GPCI (with")
    cells = [line.rsplit(",", 3) for line in lines[3:11]]
    lines[3:11] = [",".join([place, "0.999", *indices]) for place, *indices in cells]
    folder = hand_in(tmp_path / "cms", {name: "\r\n".join(lines).encode()})
    snapshot = build_release(store, facts["2026q3"].release, folder).sealed.snapshot
    assert_frame_equal(snapshot.table("gpci"), facts["2026q3"].tables["gpci"])


def test_a_fee_schedule_without_a_factor_is_not_rendered(facts: dict[str, Facts], tmp_path: Path) -> None:
    fees = facts["2026q3"].tables["mpfs"]
    with pytest.raises(ValueError, match="none is given"):
        deliver({"mpfs": fees}, facts["2026q3"].release, [], tmp_path)
    with pytest.raises(ValueError, match="none is given"):
        render_file("mpfs", fees, facts["2026q3"].release, "csv")


def test_what_does_not_fit_its_field_is_not_rendered(facts: dict[str, Facts]) -> None:
    wide = facts["2026q3"].tables["mpfs"].with_columns(work_rvu=pl.lit("1000.00").cast(pl.Decimal(9, 2)))
    with pytest.raises(ValueError, match="a work_rvu does not fit into 6 characters"):
        render_file("mpfs", wide, facts["2026q3"].release, "txt", Decimal("33.4009"))


def test_a_form_that_cms_does_not_ship_is_not_rendered(facts: dict[str, Facts]) -> None:
    with pytest.raises(ValueError, match="CMS ships mue as csv, xlsx, not as txt"):
        render_file("mue", facts["2026q3"].tables["mue"], facts["2026q3"].release, "txt")


def test_files_up_to_2025_end_in_the_mark_of_old(facts: dict[str, Facts]) -> None:
    assert rendered_file(facts["2024q2"], "mpfs", "csv")[1].endswith(b"\r\n\x1a" + 30 * b"," + b"\r\n")
    assert rendered_file(facts["2024q2"], "mpfs", "txt")[1].endswith(b"\r\n\x1a")
    assert b"<t>_x001A_</t>" in sheet(rendered_file(facts["2024q2"], "mpfs", "xlsx")[1])
    assert b"\x1a" not in rendered_file(facts["2026q3"], "mpfs", "csv")[1]


KNOWN = facts_by_release()
"""As the fixture: hypothesis prints a test's arguments, and these are long."""

HUNDREDTHS = st.decimals(0, Decimal("99.99"), places=2)
CODES = st.from_regex(r"\A[0-9][0-9]{3}[0-9A-Z]\Z|\A[A-Z][0-9]{4}\Z")


@st.composite
def mpfs_rows(draw: st.DrawFn) -> dict[str, object]:
    """A row of the fee schedule whose totals add up."""
    work, nonfacility, facility, mp = (draw(HUNDREDTHS) for _ in range(4))
    return {
        "hcpcs": draw(CODES),
        "modifier": draw(st.sampled_from(["", "26", "TC", "53"])),
        "not_used_for_medicare": draw(st.booleans()),
        "nonfacility_na": draw(st.booleans()),
        "facility_na": draw(st.booleans()),
        "work_rvu": work,
        "nonfacility_pe_rvu": nonfacility,
        "facility_pe_rvu": facility,
        "mp_rvu": mp,
        "nonfacility_total_rvu": work + nonfacility + mp,
        "facility_total_rvu": work + facility + mp,
        "preoperative_percentage": draw(st.decimals(0, Decimal("0.99"), places=2)),
        "opps_mp_rvu": draw(HUNDREDTHS),
        "global_days": draw(st.sampled_from(["000", "010", "090", "XXX", "YYY", "ZZZ", "MMM"])),
        "endoscopic_base": draw(st.none() | CODES),
        "physician_supervision": draw(st.sampled_from(["01", "09", "6A", "77"])),
    }


def unique(rows: st.SearchStrategy[dict[str, object]], table: str) -> st.SearchStrategy[list[dict[str, object]]]:
    """Rows that the table may hold together: one, or a dozen or two, which take hardly longer to be read."""

    def key(row: dict[str, object]) -> tuple[str, ...]:
        return tuple(str(row.get(part)) for part in TABLES[table].key)

    return st.lists(rows, min_size=1, max_size=1) | st.lists(rows, min_size=8, max_size=24, unique_by=key)


def survive(table: str, label: str, rows: list[dict[str, object]]) -> None:
    """Check that *rows* come back from each form; what is not said in them is that of the first row of the facts."""
    cms_facts = KNOWN[label]
    first = cms_facts.tables[table].row(0, named=True)
    frame = pl.DataFrame([first | row for row in rows], schema=dict(TABLES[table].columns))
    frame = frame.sort(TABLES[table].key, nulls_last=True)
    for form in layout_for(table).forms:
        name, data = rendered_file(replace(cms_facts, tables={table: frame}), table, form)
        missing_columns = ["pricing_indicator"] if (table, form) == ("mpfs", "txt") else []
        assert_frame_equal(read_back(name, data, cms_facts.release).drop(missing_columns), frame.drop(missing_columns))


@pytest.mark.parametrize("label", RELEASES)
@settings(max_examples=12, deadline=None)
@given(rows=unique(mpfs_rows(), "mpfs"))
def test_any_relative_values_survive_each_form(label: str, rows: list[dict[str, object]]) -> None:
    survive("mpfs", label, rows)


@settings(max_examples=10, deadline=None)
@given(
    rows=unique(
        st.fixed_dictionaries(
            {
                "mac": st.from_regex(r"\A[01][0-9]{4}\Z"),
                "locality": st.from_regex(r"\A[0-9]{2}\Z"),
                "locality_name": st.from_regex(r"\A[A-Z]([A-Z,./() -]{0,60}[A-Z])?\Z"),
                **dict.fromkeys(["work_gpci", "pe_gpci", "mp_gpci"], st.decimals(0, Decimal("9.999"), places=3)),
            }
        ),
        "gpci",
    )
)
def test_any_cost_indices_survive_each_form(rows: list[dict[str, object]]) -> None:
    survive("gpci", "2026q3", rows)


DAYS = st.dates(date(1996, 1, 1), date(2035, 12, 31))


@settings(max_examples=10, deadline=None)
@given(
    rows=unique(
        st.fixed_dictionaries(
            {
                **dict.fromkeys(["column_one", "column_two"], CODES),
                "effective_date": DAYS,
                "deletion_date": st.none() | DAYS,
                "ccmi": st.sampled_from([0, 1, 9]),
                "prior_to_1996": st.booleans(),
            }
        ),
        "ptp",
    )
)
def test_any_edit_survives_each_form(rows: list[dict[str, object]]) -> None:
    survive("ptp", "2026q3", rows)
