"""Each contract at the door, and a file that breaks it: what is said names the file, the line, what was found."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from cms_files.rendered_forms import MAI_TEXTS
from facts import Facts
from handed_in import build_faults, build_release, contents, hand_in, read_back, rendered_file, replace_text
from polars.testing import assert_frame_equal

from codeset.releases import Release
from codeset.store import Store

RESAVED = (
    "This copy seems to have been re-saved by a spreadsheet, which drops leading zeros; "
    "take the file from CMS's own zip."
)
STATUS_CODES = "one of A, B, C, D, E, F, G, H, I, J, M, N, P, Q, R, T, X"
FEES, FEES_TEXT, FEES_BOOK = "PPRRVU24_APR.csv", "PPRRVU24_APR.txt", "PPRRVU24_APR.xlsx"
EDITS = "ccipra-v301r0.txt"
UNITS = "MCR_MUE_PractitionerServices_Eff_04-01-2024.csv"
MAIS = f"expected one of {'; '.join(MAI_TEXTS.values())}"
ONE_EDIT = "more than one edit of these two codes applies in 2024q2; expected one row and one direction"

# table, form; what CMS's file says, what the broken one says; what is said of it
BROKEN = {
    "nonfacility total": (
        *("mpfs", "csv", "0.07,3.02,1.12,", "0.07,3.03,1.12,"),
        [f"{FEES}: line 16: 11102: nonfacility total is 3.03, expected work + PE + MP = 3.02"],
    ),
    "facility total": (
        *("mpfs", "csv", "0.07,3.02,1.12,", "0.07,3.02,1.21,"),
        [f"{FEES}: line 16: 11102: facility total is 1.21, expected work + PE + MP = 1.12"],
    ),
    "both totals": (
        *("mpfs", "txt", "A   0.66   2.29     0.39", "A   0.67   2.29     0.39"),
        [
            f"{FEES_TEXT}: line 13: 11102: facility total is 1.12, expected work + PE + MP = 1.13",
            f"{FEES_TEXT}: line 13: 11102: nonfacility total is 3.02, expected work + PE + MP = 3.03",
        ],
    ),
    "a code and modifier twice": (
        *("mpfs", "csv", "\n88305,26,", "\n88305,TC,"),
        [f"{FEES}: line 41: 88305 TC is there more than once; expected one record for each hcpcs and modifier"],
    ),
    "a code without its leading zeros": (
        *("mpfs", "csv", "\n00100,", "\n100,"),
        [f'{FEES}: line 11: 1 cells of hcpcs have fewer than 5 characters (first: "100"); expected "00100". {RESAVED}'],
    ),
    "global days without their leading zero": (
        *("mpfs", "csv", "3.22,0,010,", "3.22,0,10,"),
        [
            (
                f"{FEES}: line 15: 1 cells of global_days have fewer than 3 characters "
                f'(first: "10"); expected "010". {RESAVED}'
            )
        ],
    ),
    "an RVU with a letter": (
        *("mpfs", "csv", "0.66,2.29,", "O.66,2.29,"),
        [f'{FEES}: line 16: work_rvu is "O.66", expected a number with at most 2 decimals'],
    ),
    "an RVU with three decimals": (
        *("mpfs", "csv", "0.66,2.29,", "0.660,2.29,"),
        [f'{FEES}: line 16: work_rvu is "0.660", expected a number with at most 2 decimals'],
    ),
    "an RVU below zero": (
        *("mpfs", "csv", "0.66,2.29,", "-0.66,2.29,"),
        [f'{FEES}: line 16: work_rvu is "-0.66", expected a number with at most 2 decimals'],
    ),
    "an empty RVU": (
        *("mpfs", "csv", "0.66,2.29,", ",2.29,"),
        [f'{FEES}: line 16: work_rvu is "", expected a number with at most 2 decimals'],
    ),
    "an NA mark that is not one": (
        *("mpfs", "csv", "1.38,NA,0.02", "1.38,N,0.02"),
        [f'{FEES}: line 39: facility_na is "N", expected "NA" or blank'],
    ),
    "shares of a global period that are not a whole": (
        *(
            "mpfs",
            "csv",
            "010,0.10,0.80,0.10,2,0,1,0,0,,33.2875,09,0,99,0.00,0.00,0.00\r\n11102",
            "010,0.10,0.70,0.10,2,0,1,0,0,,33.2875,09,0,99,0.00,0.00,0.00\r\n11102",
        ),
        [f"{FEES}: line 15: 10060: pre-, intra- and postoperative shares add up to 0.90, not 0 or 1"],
    ),
    "shares of a global period for a code that has none": (
        *("mpfs", "csv", "3.02,1.12,0,000,0.00,0.00,0.00,", "3.02,1.12,0,XXX,0.00,1.00,0.00,"),
        [f"{FEES}: line 16: 11102: shares of a global period, but global days are XXX"],
    ),
    "another PE beside NA": (
        *(
            "mpfs",
            "csv",
            "\n96910,,service,A,,0.00,3.54,,3.54,NA,0.02,3.56,3.56",
            "\n96910,,service,A,,0.00,3.54,,3.44,NA,0.02,3.56,3.46",
        ),
        [
            (
                f"{FEES}: line 42: 96910: a setting is NA, but PE is 3.54 in non-facility and 3.44 in facility; "
                "expected the same"
            )
        ],
    ),
    "components that are not the whole": (
        *(
            "mpfs",
            "csv",
            "\n88305,26,service,A,,0.75,0.32,,0.32,,0.01,1.08,1.08",
            "\n88305,26,service,A,,0.76,0.32,,0.32,,0.01,1.09,1.09",
        ),
        [
            f"{FEES}: line 39: 88305: facility_total_rvu is 2.15, but 26 and TC add up to 2.16",
            f"{FEES}: line 39: 88305: nonfacility_total_rvu is 2.15, but 26 and TC add up to 2.16",
            f"{FEES}: line 39: 88305: work_rvu is 0.75, but 26 and TC add up to 0.76",
        ],
    ),
    "a cost index far from all": (
        *("gpci", "csv", "10112,AL,00,ALABAMA,1.000,0.869,", "10112,AL,00,ALABAMA,1.000,8.690,"),
        ["GPCI2024.csv: line 9: 10112 00: pe_gpci is 8.690, expected one from 0.2 to 3"],
    ),
    "two conversion factors in one file": (
        *(
            "mpfs",
            "csv",
            "3.02,1.12,0,000,0.00,0.00,0.00,2,0,1,0,0,,33.2875",
            "3.02,1.12,0,000,0.00,0.00,0.00,2,0,1,0,0,,32.7442",
        ),
        [f"{FEES}: line 16: expected one conversion factor in a file, found: 32.7442, 33.2875"],
    ),
    "a row with a cell too many": (
        *("mpfs", "csv", "0.66,2.29,", "0.66,,2.29,"),
        [f"{FEES}: line 16: 32 cells, expected 31 as in the header"],
    ),
    "a number that is no noise in a workbook": (
        *("mpfs", "xlsx", 'r="F16" t="n"><v>0.66<', 'r="F16" t="n"><v>0.661<'),
        [f'{FEES_BOOK}: line 16: work_rvu is "0.661", expected 2 decimals'],
    ),
    "text at positions that mean nothing": (
        *("mpfs", "txt", "A   0.66   2.29     0.39", "A   0.66x  2.29     0.39"),
        [f"{FEES_TEXT}: line 13: text at positions that the layout leaves blank"],
    ),
    "CCMI 9 on an edit that applied": (
        *("ptp", "txt", "\t20220101\t20220101\t9\t", "\t20220101\t20220102\t9\t"),
        [
            (
                f"{EDITS}: line 8: 0001A 90473: CCMI 9, effective 2022-01-01, deleted 2022-01-02; "
                "expected CCMI 9 exactly where the two dates are the same"
            )
        ],
    ),
    "CCMI 1 on an edit that never applied": (
        *("ptp", "txt", "\t20220101\t20220101\t9\t", "\t20220101\t20220101\t1\t"),
        [
            (
                f"{EDITS}: line 8: 0001A 90473: CCMI 1, effective 2022-01-01, deleted 2022-01-01; "
                "expected CCMI 9 exactly where the two dates are the same"
            )
        ],
    ),
    "an edit deleted before it took effect": (
        *("ptp", "txt", "\t19980401\t20190331\t", "\t19980401\t19970331\t"),
        [f"{EDITS}: line 18: 17000 11042: deleted 1997-03-31, before it took effect 1998-04-01"],
    ),
    "a pair with two edits on a day of the quarter": (
        *("ptp", "txt", "11102\t17000\t\t19960101\t20191231", "11102\t17000\t\t19960101\t20240401"),
        [f"{EDITS}: line 13: 11102 17000: {ONE_EDIT}", f"{EDITS}: line 14: 11102 17000: {ONE_EDIT}"],
    ),
    "a pair in both directions": (
        *("ptp", "txt", "12001\t12011\t\t19960101\t20191231", "12001\t12011\t\t19960101\t*"),
        [f"{EDITS}: line 16: 12001 12011: {ONE_EDIT}", f"{EDITS}: line 17: 12011 12001: {ONE_EDIT}"],
    ),
    "a deletion date that does not exist": (
        *("ptp", "txt", "\t20190331\t", "\t20190229\t"),
        [f'{EDITS}: line 18: deletion_date is "20190229", expected a date that exists, as %Y%m%d, or "*"'],
    ),
    "an effective date before there was Medicare": (
        *("ptp", "txt", "\t19980401\t20190331\t", "\t00000401\t20190331\t"),
        [f'{EDITS}: line 18: effective_date is "00000401", expected a date that exists, as %Y%m%d'],
    ),
    "an effective date that does not exist": (
        *("ptp", "txt", "\t20190401\t", "\t20240231\t"),
        [f'{EDITS}: line 12: effective_date is "20240231", expected a date that exists, as %Y%m%d'],
    ),
    "a blank where no deletion is a star": (
        *("ptp", "txt", "\t20190401\t*\t", "\t20190401\t\t"),
        [f'{EDITS}: line 12: deletion_date is "", expected a date that exists, as %Y%m%d, or "*"'],
    ),
    "an edit with a cell too few": (
        *("ptp", "txt", "U0003\tU0004\t\t", "U0003\tU0004\t"),
        [f"{EDITS}: line 27: 6 cells, expected 7 as in the header"],
    ),
    "an edit without a rationale": (
        *("ptp", "txt", "\t20200101\t*\t0\tStandards of medical/surgical practice", "\t20200101\t*\t0\t"),
        [f'{EDITS}: line 26: rationale is "", expected some text'],
    ),
    "the same edit twice": (
        *("ptp", "txt", "\n17000\t12001\t\t", "\n10060\t12001\t\t"),
        [
            f"{EDITS}: line 11: 10060 12001: {ONE_EDIT}",
            (
                f"{EDITS}: line 19: 10060 12001 2012-10-01 Misuse of Column Two code with Column One code is there "
                "more than once; expected one record for each column_one and column_two and effective_date and "
                "deletion_date and rationale"
            ),
            f"{EDITS}: line 19: 10060 12001: {ONE_EDIT}",
        ],
    ),
    "a day that a common year lacks": (
        *("add_on", "txt", "1U00052023365U0003", "1U00052023366U0003"),
        [
            (
                "AOC_V2024Q2-MCR.txt: line 19: add_on_code_deletion_date is "
                '"2023366", expected a date that exists, as %Y%j, or ""'
            )
        ],
    ),
    "an add-on edit deleted before it took effect": (
        *("add_on", "txt", "1U00052023365U000320233652021001", "1U00052023365U000320233652024001"),
        ["AOC_V2024Q2-MCR.txt: line 19: U0005 U0003: deleted 2023-12-31, before it took effect 2024-01-01"],
    ),
    "an add-on type that is none": (
        *("add_on", "xlsx", 'r="A3" t="inlineStr"><is><t>2<', 'r="A3" t="inlineStr"><is><t>4<'),
        ['AOC_V2024Q2-MCR.xlsx: line 3: add_on_type is "4", expected one of 1, 2, 3'],
    ),
    "an adjudication indicator that is none": (
        *("mue", "csv", "17003,13,2 Date", "17003,13,4 Date"),
        [f'{UNITS}: line 20: mai is "4 Date of...", {MAIS}'],
    ),
    "an adjudication indicator with the text of another": (
        *("mue", "csv", "17003,13,2 Date of Service Edit: Policy", "17003,13,3 Date of Service Edit: Policy"),
        [f'{UNITS}: line 20: mai is "3 Date of...", {MAIS}'],
    ),
    "an adjudication indicator with another text": (
        *("mue", "csv", "17003,13,2 Date of Service Edit: Policy", "17003,13,2 Per Line"),
        [f'{UNITS}: line 20: mai is "2 Per Line", {MAIS}'],
    ),
    "units with decimals": (
        *("mue", "csv", "17003,13,2", "17003,13.5,2"),
        [f'{UNITS}: line 20: mue_value is "13.5", expected a whole number'],
    ),
    "a locality in the digits of another script": (
        *("gpci", "csv", "13202,NY,02,", "13202,NY,\u0660\u0662,"),
        ['GPCI2024.csv: line 11: locality is "\u0660\u0662", expected text of the form [0-9]{2}'],
    ),
    "units in the digits of another script": (
        *("mue", "csv", "17003,13,2", "17003,\u0661\u0663,2"),
        [f'{UNITS}: line 20: mue_value is "\u0661\u0663", expected a whole number'],
    ),
    "an amount in the digits of another script": (
        *("gpci", "csv", "MANHATTAN,1.065,1.166,1.656", "MANHATTAN,1.065,1.166,1.\u0666\u0665\u0666"),
        ['GPCI2024.csv: line 10: mp_gpci is "1.\u0666\u0665\u0666", expected a number with at most 3 decimals'],
    ),
    "an area that a blank row parts from its state": (
        *("locality_county", "csv", "\r\n13202,2,,NYC", "\r\n,,,,\r\n13202,2,,NYC"),
        ["24LOCCO.csv: line 18: 13202 02 has no state; expected one in the first row of its block"],
    ),
    "a day of release that does not exist": (
        *("mpfs", "csv", "RELEASED 04/01/2024", "RELEASED 02/30/2024"),
        [f'{FEES}: says "RELEASED 02/30/2024", expected a date that exists, as month/day/year'],
    ),
    "an index in powers of ten": (
        *("gpci", "xlsx", 't="n"><v>1.656</v>', 't="inlineStr"><is><t>0.01656E2</t></is>'),
        ['GPCI2024.xlsx: line 10: mp_gpci is "0.01656E2", expected 3 decimals'],
    ),
    "a locality twice": (
        *("gpci", "csv", "13202,NY,02,", "13202,NY,01,"),
        ["GPCI2024.csv: line 11: 13202 01 is there more than once; expected one record for each mac and locality"],
    ),
    "a footnote between the records": (
        *("gpci", "csv", "\n13202,NY,02,", "\nA remark,,,,,,\r\n13202,NY,02,"),
        ["GPCI2024.csv: line 11: text between the records; footnotes stand after them"],
    ),
    "an OPPS cap with an unknown status": (
        *("oppscap", "txt", "0633TTC C 02102", "0633TTC Z 02102"),
        [f'OPPSCAP_APR.txt: line 3: status_code is "Z", expected {STATUS_CODES}'],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_contract_names_file_line_and_finding(case: str, facts: dict[str, Facts], store: Store) -> None:
    table, form, old, new, says = BROKEN[case]
    name, data = rendered_file(facts["2024q2"], table, form)
    assert build_faults(store, facts["2024q2"].release, {name: replace_text(data, old, new)}) == says
    assert contents(store) == set()


INDICATORS = {
    "modifier": ("59", "one of blank, 26, TC, 53"),
    "status_code": ("Z", STATUS_CODES),
    "pctc_indicator": ("A", "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
    "global_days": ("030", "one of 000, 010, 090, XXX, YYY, ZZZ, MMM"),
    "multiple_procedure": ("8", "one of 0, 1, 2, 3, 4, 5, 6, 7, 9"),
    "bilateral_surgery": ("4", "one of 0, 1, 2, 3, 9"),
    "assistant_surgery": ("3", "one of 0, 1, 2, 9"),
    "co_surgery": ("3", "one of 0, 1, 2, 9"),
    "team_surgery": ("3", "one of 0, 1, 2, 9"),
    "pricing_indicator": ("8", "one of 9"),
    "physician_supervision": ("99", "one of 01, 02, 03, 04, 05, 06, 09, 21, 22, 66, 6A, 77, 7A"),
    "calculation_flag": ("1", "one of 0"),
    "imaging_family": ("77", "one of 88, 99"),
}


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("column", INDICATORS)
def test_an_unknown_indicator_is_refused(column: str, form: str, facts: dict[str, Facts], store: Store) -> None:
    indicator, expected = INDICATORS[column]
    name, data = rendered_file(_with(facts["2026q3"], "mpfs", 5, column, indicator), "mpfs", form)
    assert build_faults(store, facts["2026q3"].release, {name: data}) == [
        f'{name}: line 16: {column} is "{indicator}", expected {expected}'
    ]


@pytest.mark.parametrize("form", ["txt", "xlsx"])
@pytest.mark.parametrize("table", ["ptp", "ptp_outpatient"])
def test_an_unknown_ccmi_is_refused(table: str, form: str, facts: dict[str, Facts], store: Store) -> None:
    name, data = rendered_file(_with(facts["2024q2"], table, 3, "ccmi", 2), table, form)
    assert build_faults(store, facts["2024q2"].release, {name: data}) == [
        f'{name}: line 10: ccmi is "2", expected one of 0, 1, 9'
    ]


def _with(cms_facts: Facts, table: str, row: int, column: str, value: object) -> Facts:
    """Return the facts with one cell changed."""
    frame = cms_facts.tables[table]
    here = pl.int_range(frame.height) == row
    new = pl.when(here).then(pl.lit(value)).otherwise(pl.col(column)).cast(frame.schema[column]).alias(column)
    return replace(cms_facts, tables={**cms_facts.tables, table: frame.with_columns(new)})


def test_a_workbook_that_lost_leading_zeros_is_restored_by_rule(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    name, data = rendered_file(facts["2024q2"], "mpfs", "xlsx")
    data = replace_text(data, 'r="A11" t="inlineStr"><is><t>00100</t></is>', 'r="A11" t="n"><v>100</v>')
    data = replace_text(data, 'r="O15" t="inlineStr"><is><t>010</t></is>', 'r="O15" t="n"><v>10</v>')
    data = replace_text(data, 'r="O16" t="inlineStr"><is><t>000</t></is>', 'r="O16" t="n"><v>0</v>')
    outcome = build_release(store, facts["2024q2"].release, hand_in(tmp_path / "cms", {name: data}))
    assert_frame_equal(outcome.sealed.snapshot.table("mpfs"), facts["2024q2"].tables["mpfs"])
    assert outcome.notes[:2] == (
        f'{FEES_BOOK}: 1 cells of hcpcs had lost leading zeros, restored by rule (first: line 11, "100")',
        f'{FEES_BOOK}: 2 cells of global_days had lost leading zeros, restored by rule (first: line 15, "10")',
    )


def test_mac_and_locality_without_leading_zeros_are_restored_by_rule(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    name, data = rendered_file(facts["2024q2"], "locality_county")
    assert b"\r\n2102,1,ALASKA,STATEWIDE,ALL COUNTIES\r\n" in data
    outcome = build_release(store, facts["2024q2"].release, hand_in(tmp_path / "cms", {name: data}))
    frame = outcome.sealed.snapshot.table("locality_county")
    assert frame.filter(state="ALASKA").select("mac", "locality").row(0) == ("02102", "01")
    notes = (
        '24LOCCO.csv: 5 cells of mac had lost leading zeros, restored by rule (first: line 7, "2102")',
        '24LOCCO.csv: 6 cells of locality had lost leading zeros, restored by rule (first: line 5, "0")',
    )
    assert outcome.notes[:2] == notes
    assert outcome.sealed.snapshot.manifest.tables["locality_county"].notes == notes


def test_the_noise_of_a_workbooks_floats_is_taken_off(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    name, data = rendered_file(facts["2024q2"], "mpfs", "xlsx")
    data = replace_text(data, 'r="F16" t="n"><v>0.66<', 'r="F16" t="n"><v>0.66000000000000004<')
    data = replace_text(data, 'r="L16" t="n"><v>3.02<', 'r="L16" t="n"><v>3.0199999999999996<')
    snapshot = build_release(store, facts["2024q2"].release, hand_in(tmp_path / "cms", {name: data})).sealed.snapshot
    assert_frame_equal(snapshot.table("mpfs"), facts["2024q2"].tables["mpfs"])


def test_a_header_that_is_missing_and_one_that_is_unknown_are_said_with_those_read(
    facts: dict[str, Facts], store: Store
) -> None:
    name, data = rendered_file(facts["2024q2"], "oppscap")
    faults = build_faults(
        store, facts["2024q2"].release, {name: replace_text(data, "LOCALITY,FACILITY", "LOCALITY NO,FACILITY")}
    )
    headers = "headers read: HCPCS; MOD; PROCSTAT; CARRIER; LOCALITY NO; FACILITY PRICE; NON-FACILTY PRICE"
    assert faults == [
        f'OPPSCAP_APR.csv: line 1: column "LOCALITY NO" is not in the layout of oppscap; {headers}',
        f'OPPSCAP_APR.csv: line 1: no column "LOCALITY" (oppscap.locality); {headers}',
    ]


def test_the_columns_of_2026_are_not_those_of_2024(facts: dict[str, Facts], store: Store) -> None:
    old = replace(facts["2024q2"], release=facts["2026q3"].release, factors=facts["2026q3"].factors)
    name, data = rendered_file(old, "mpfs")
    data = data.replace(b"TEAM,PRIC,ENDO", b"TEAM,WAGE,ENDO")
    faults = build_faults(store, old.release, {name: data})
    assert [fault.split("; headers read: ")[0] for fault in faults] == [
        f'{name}: line 10: column "WAGE IND" is not in the layout of pprrvu',
        f'{name}: line 10: no column "PRIC IND" (mpfs.pricing_indicator)',
    ]


def test_ragged_edits_are_refused_even_when_their_cells_add_up(facts: dict[str, Facts], store: Store) -> None:
    name, data = rendered_file(facts["2024q2"], "ptp", "txt")
    data = replace_text(data, "U0003\tU0004\t\t", "U0003\tU0004\t")
    data = replace_text(data, "11104\t11102\t\t", "11104\t11102\t\t\t")
    faults = build_faults(store, facts["2024q2"].release, {name: data})
    assert faults == [
        f"{EDITS}: line 15: 8 cells, expected 7 as in the header",
        f"{EDITS}: line 27: 6 cells, expected 7 as in the header",
    ]


@pytest.mark.parametrize(
    ("table", "form", "line"),
    [("mpfs", "csv", 47), ("mpfs", "txt", 44), ("gpci", "csv", 19), ("mue", "csv", 35), ("ptp", "txt", 27)],
)
def test_a_file_that_was_cut_is_refused(
    table: str, form: str, line: int, facts: dict[str, Facts], store: Store
) -> None:
    name, data = rendered_file(facts["2026q3"], table, form)
    cut_data = data.rstrip()[:-2]
    assert cut_data.count(b"\n") == line - 1
    assert build_faults(store, facts["2026q3"].release, {name: cut_data}) == [
        (
            f"{name}: line {line}: the last line has no line end: the file was cut; fetch it again. "
            f"If that is right, build with --accept end:{table}"
        )
    ]


def test_all_faults_of_all_files_are_reported_together(facts: dict[str, Facts], store: Store) -> None:
    fees, edits = dict([rendered_file(facts["2024q2"], "mpfs")]), dict([rendered_file(facts["2024q2"], "ptp", "txt")])
    data = replace_text(fees[FEES], "3.22,0,010,", "3.22,0,020,")
    data = replace_text(data, "\r\n14040,,service,A,", "\r\n14040,,service,Z,")
    data = replace_text(data, "0.66,2.29,", "0,66,2.29,".replace("0,66", "0.6.6"))
    files = {FEES: data, EDITS: replace_text(edits[EDITS], "\t20190331\t", "\t20190229\t")}
    assert build_faults(store, facts["2024q2"].release, files) == [
        f'{FEES}: line 15: global_days is "020", expected one of 000, 010, 090, XXX, YYY, ZZZ, MMM',
        f'{FEES}: line 16: work_rvu is "0.6.6", expected a number with at most 2 decimals',
        f'{FEES}: line 25: status_code is "Z", expected {STATUS_CODES}',
        f'{EDITS}: line 18: deletion_date is "20190229", expected a date that exists, as %Y%m%d, or "*"',
    ]


def test_broken_contracts_of_all_tables_are_reported_together(facts: dict[str, Facts], store: Store) -> None:
    fees, places = dict([rendered_file(facts["2024q2"], "mpfs")]), dict([rendered_file(facts["2024q2"], "gpci")])
    data = replace_text(fees[FEES], "0.07,3.02,1.12,", "0.07,3.03,1.21,")
    files = {FEES: data, "GPCI2024.csv": replace_text(places["GPCI2024.csv"], "13202,NY,02,", "13202,NY,01,")}
    assert build_faults(store, facts["2024q2"].release, files) == [
        "GPCI2024.csv: line 11: 13202 01 is there more than once; expected one record for each mac and locality",
        f"{FEES}: line 16: 11102: facility total is 1.21, expected work + PE + MP = 1.12",
        f"{FEES}: line 16: 11102: nonfacility total is 3.03, expected work + PE + MP = 3.02",
    ]


def test_forms_that_disagree_are_refused(facts: dict[str, Facts], store: Store) -> None:
    files = dict(rendered_file(facts["2024q2"], "mpfs", form) for form in ("csv", "txt", "xlsx"))
    files[FEES_TEXT] = replace_text(files[FEES_TEXT], "A   0.66   2.29     0.39", "A   0.67   2.29     0.39")
    (fault,) = build_faults(store, facts["2024q2"].release, files)
    assert fault.startswith(f"{FEES}: line 16: work_rvu of 11102")
    assert fault.endswith(f"is 0.66, but 0.67 in {FEES_TEXT} line 13 (1 such records)")


def test_a_record_that_one_form_lacks_is_refused(facts: dict[str, Facts], store: Store) -> None:
    files = dict(rendered_file(facts["2024q2"], "oppscap", form) for form in ("csv", "txt"))
    files["OPPSCAP_APR.txt"] = replace_text(files["OPPSCAP_APR.txt"], "0633TTC C 02102  01   114.99    114.99\r\n", "")
    assert build_faults(store, facts["2024q2"].release, files) == [
        "OPPSCAP_APR.csv: line 4: 1 records are not in OPPSCAP_APR.txt (first: 0633T TC 02102 01)"
    ]


def test_qpp_and_nonqpp_files_that_differ_in_an_rvu_are_refused(facts: dict[str, Facts], store: Store) -> None:
    files = dict(rendered_file(facts["2026q3"], "mpfs", factor=factor) for factor in (0, 1))
    qpp = "PPRRVU2026_Jul_QPP.csv"
    files[qpp] = replace_text(files[qpp], "0.64,2.16,", "0.65,2.16,")
    (fault,) = build_faults(store, facts["2026q3"].release, files)
    assert fault.startswith("PPRRVU2026_Jul_nonQPP.csv: line 16: work_rvu of 11102")
    assert fault.endswith(f"is 0.64, but 0.65 in {qpp} line 16 (1 such records)")


def test_a_factor_published_for_another_year_is_refused(facts: dict[str, Facts], store: Store) -> None:
    cms_facts = replace(facts["2024q2"], factors=facts["2026q3"].factors[:1])
    name, data = rendered_file(cms_facts, "mpfs")
    assert build_faults(store, cms_facts.release, {FEES: data}) == [
        (
            f"{FEES}: conversion factor 33.4009 was published for dates from 2026-01-01 to 2026-12-31, "
            "expected one for 2024q2"
        )
    ]
    assert name == "PPRRVU24_APR_nonQPP.csv"


UNPUBLISHED = (
    "conversion factor 34.4009, but CMS published 33.4009 for 2026q3. If that is right, build with --accept factor:mpfs"
)


def test_a_factor_that_cms_did_not_publish_is_refused_unless_accepted(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2026q3"]
    factor = replace(cms_facts.factors[0], value=Decimal("34.4009"))
    files = dict([rendered_file(replace(cms_facts, factors=(factor,)), "mpfs")])
    assert build_faults(store, cms_facts.release, files) == [f"PPRRVU2026_Jul_nonQPP.csv: {UNPUBLISHED}"]
    outcome = build_release(store, cms_facts.release, hand_in(tmp_path / "cms", files), accept=["factor:mpfs"])
    assert [factor.value for factor in outcome.sealed.snapshot.conversion_factors] == [Decimal("34.4009")]


def test_a_factor_of_a_year_to_come_is_not_known_and_taken(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = replace(facts["2026q3"], release=Release.parse("2031q1"))
    factor = replace(cms_facts.factors[0], value=Decimal("34.4009"))
    files = dict([rendered_file(replace(cms_facts, factors=(factor,)), "mpfs")])
    assert build_release(store, cms_facts.release, hand_in(tmp_path / "cms", files)).sealed.new


def test_forms_of_one_file_with_two_factors_are_refused(facts: dict[str, Facts], store: Store) -> None:
    """A csv that says 34.4009 beside a txt that says 32.3465: today's factor of neither."""
    cms_facts = replace(facts["2024q2"], release=Release.parse("2025q4"))
    factors = [(replace(cms_facts.factors[0], value=Decimal(value)),) for value in ("34.4009", "32.3465")]
    csv, txt = (
        rendered_file(replace(cms_facts, factors=factors_of_form), "mpfs", form)
        for factors_of_form, form in zip(factors, ("csv", "txt"), strict=True)
    )
    assert build_faults(store, cms_facts.release, dict([csv, txt])) == [
        "PPRRVU2025_Oct.csv: line 11: conversion_factor is 34.4009, but 32.3465 in PPRRVU2025_Oct.txt line 8"
    ]


def test_two_factors_for_the_same_days_are_refused_whatever_the_files_are_called(
    facts: dict[str, Facts], store: Store
) -> None:
    cms_facts = replace(facts["2024q2"], release=Release.parse("2025q4"))
    other = (replace(cms_facts.factors[0], value=Decimal("34.4009")),)
    ours = (replace(cms_facts.factors[0], value=Decimal("32.3465")),)
    files = {
        "one.csv": rendered_file(replace(cms_facts, factors=other), "mpfs")[1],
        "other.txt": rendered_file(replace(cms_facts, factors=ours), "mpfs", "txt")[1],
    }
    assert build_faults(store, cms_facts.release, files) == [
        "other.txt: two conversion factors on the same days: 32.3465 here, 34.4009 in one.csv"
    ]


def test_a_name_that_contradicts_the_factor_is_refused(facts: dict[str, Facts], store: Store) -> None:
    _, data = rendered_file(facts["2026q3"], "mpfs", factor=0)
    assert build_faults(store, facts["2026q3"].release, {"PPRRVU2026_Jul_QPP.csv": data}) == [
        (
            "PPRRVU2026_Jul_QPP.csv: its name and its conversion factor disagree on whether it is for qualifying APM "
            "participants; expected QPP or nonQPP in its name, as CMS has it"
        )
    ]


def test_what_was_sealed_stays_when_a_later_build_is_refused(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2024q2"]
    seal_result = build_release(
        store, cms_facts.release, hand_in(tmp_path / "before", dict([rendered_file(cms_facts, "gpci")]))
    ).sealed
    name, data = rendered_file(cms_facts, "gpci")
    build_faults(store, cms_facts.release, {name: replace_text(data, "13202,NY,02,", "13202,NY,01,")})
    assert seal_result.snapshot.verify() == []
    assert store.releases() == [cms_facts.release]


def test_edits_with_nothing_but_a_header_are_refused(facts: dict[str, Facts], store: Store) -> None:
    cms_facts = facts["2024q2"]
    name, data = rendered_file(replace(cms_facts, tables={"ptp": cms_facts.tables["ptp"].head(0)}), "ptp", "txt")
    assert build_faults(store, cms_facts.release, {name: data})[0].startswith(f"{name}: ")


@pytest.mark.parametrize("lost_rows", [1, 3])
def test_caps_that_lack_localities_of_their_last_code_are_refused_unless_accepted(
    lost_rows: int, facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    """Like OPPSCAP of July 2025, which has no end mark, cut between two records."""
    cms_facts = facts["2026q3"]
    caps = cms_facts.tables["oppscap"]
    both = pl.concat([caps, caps.with_columns(hcpcs=pl.lit("93990"))])
    name, data = rendered_file(
        replace(cms_facts, tables=dict(cms_facts.tables) | {"oppscap": both.head(both.height - lost_rows)}), "oppscap"
    )
    says = f"93990 TC has caps in {8 - lost_rows} localities, other codes in 8: rows are missing"
    (fault,) = build_faults(store, cms_facts.release, {name: data})
    assert says in fault
    assert fault.endswith("If that is right, build with --accept localities:oppscap")
    name, data = rendered_file(replace(cms_facts, tables=dict(cms_facts.tables) | {"oppscap": both}), "oppscap")
    assert build_release(store, cms_facts.release, hand_in(tmp_path / "whole", {name: data})).sealed.new


@pytest.mark.parametrize("table", ["mue", "gpci", "locality_county", "oppscap"])
def test_a_table_with_nothing_but_a_header_is_refused(table: str, facts: dict[str, Facts], store: Store) -> None:
    cms_facts = facts["2024q2"]
    name, data = rendered_file(replace(cms_facts, tables={table: cms_facts.tables[table].head(0)}), table)
    assert build_faults(store, cms_facts.release, {name: data})[0].startswith(f"{name}: ")


@pytest.mark.parametrize("before", ["17004\t11042", "Column1/Column2 Edits"], ids=["among the edits", "in the header"])
def test_a_bare_carriage_return_ends_a_line_of_edits_too(before: str, facts: dict[str, Facts]) -> None:
    release = facts["2024q2"].release
    name, data = rendered_file(facts["2024q2"], "ptp", "txt")
    mixed_data = replace_text(data, f"\r\n{before}", f"\r{before}")
    assert_frame_equal(read_back(name, mixed_data, release), read_back(name, data, release))


@pytest.mark.parametrize(("cut_text", "cells"), [("17004\t\r11042", 2), ("17004\r\t11042", 1)])
def test_a_carriage_return_beside_a_code_cuts_the_record_in_two(
    cut_text: str, cells: int, facts: dict[str, Facts], store: Store
) -> None:
    name, data = rendered_file(facts["2024q2"], "ptp", "txt")
    line = data[: data.index(b"17004\t11042")].count(b"\n") + 1
    faults = build_faults(store, facts["2024q2"].release, {name: replace_text(data, "17004\t11042", cut_text)})
    assert faults[0] == f"{name}: line {line}: {cells} cells, expected 7 as in the header"


def test_edits_in_any_order_are_sealed_as_the_same_bytes(facts: dict[str, Facts], tmp_path: Path) -> None:
    cms_facts = facts["2024q2"]
    name, data = rendered_file(cms_facts, "ptp", "txt")
    header, edits = data.splitlines(keepends=True)[:6], data.splitlines(keepends=True)[6:]
    assert edits != edits[::-1]
    forwards, backwards = (
        build_release(
            Store(tmp_path / f"{label}.store"), cms_facts.release, hand_in(tmp_path / label, {name: b"".join(lines)})
        )
        for label, lines in (("forwards", header + edits), ("backwards", header + edits[::-1]))
    )
    digests = [result.sealed.snapshot.manifest.tables["ptp"].sha256 for result in (forwards, backwards)]
    assert digests[0] == digests[1]


def test_files_of_which_none_is_recognised_seal_nothing(facts: dict[str, Facts], store: Store) -> None:
    assert build_faults(store, facts["2024q2"].release, {"README.txt": b"To whom it may concern.\r\n"})
