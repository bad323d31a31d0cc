"""PTP edits: modifiers, directions, whom an edit sees as one, and dates; what claim editors get wrong.

Pages such as I-14 are those of the Policy Manual of 2026. CMS's rows are those of the embedded 2026q3, unless a test
names others.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import literal_claims
import polars as pl
import pytest

from codeset.claims.outcome import outcome_plain
from codeset.snapshot import Snapshot
from codeset.store import Store

ANATOMIC = [
    *("E1", "E2", "E3", "E4", "FA", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9"),
    *("TA", "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "LT", "RT", "LC", "LD", "RC", "LM", "RI"),
]


EITHER_LINE = ["27", "58", "59", "78", "79", "91", "XE", "XS", "XP", "XU"]


VISIT_LINE = ["24", "25", "57"]


NO_BYPASS = ["22", "26", "50", "51", "52", "53", "62", "66", "76", "77", "80", "81", "82", "AS", "GA", "TC"]


def test_modifier_list_is_complete() -> None:
    """The counts of I-14: 31 anatomic, 6 of global surgery, 7 others."""
    assert len(set(ANATOMIC)) == 31
    surgery, others = ["24", "25", "57", "58", "78", "79"], ["27", "59", "91", "XE", "XS", "XP", "XU"]
    assert {*EITHER_LINE, *VISIT_LINE} == {*surgery, *others}


def with_each_modifier(lines: tuple[str, ...], modifiers: Iterable[str]) -> list[literal_claims.Case]:
    """A case for each modifier, which stands where *lines* have `{}`."""
    return [tuple(line.format(modifier) for line in lines) for modifier in modifiers]


@pytest.mark.parametrize("lines", [("11102", "17000-{}"), ("11102-{}", "17000")], ids=["column two", "column one"])
def test_a_listed_modifier_on_either_column_bypasses_ccmi_1(derm: Snapshot, lines: tuple[str, str]) -> None:
    """11102 > 17000, CCMI 1. List: I-14. Either column: IV-13, IV-17; 58 stands on column one in I-16.

    In a hospital: 78 is payable only where there is an operating room.
    """
    in_hospital = tuple(f"{line} place=22" for line in lines)
    cases = with_each_modifier(in_hospital, [*ANATOMIC, *EITHER_LINE])
    assert literal_claims.reasons_by_case(derm, cases, edit="ptp") == {
        case: [set(), {"ptp-bypassed"}] for case in cases
    }


def test_a_visit_modifier_on_the_visit_bypasses_ccmi_1(derm: Snapshot) -> None:
    """11102 > 99213, CCMI 1. 25 and 57 belong to the visit: I-13, I-15. 24 and 57 do not take it out of the package."""
    cases = {("11102", "99213-24"): set(), ("11102", "99213-25"): {"ptp-bypassed"}, ("11102", "99213-57"): set()}
    assert literal_claims.reasons_by_case(derm, cases, edit="ptp") == {
        case: [set(), visit_reasons] for case, visit_reasons in cases.items()
    }
    of_package = literal_claims.reasons_by_case(derm, cases, edit="global_surgery")
    denied_cases = [case for case, (_, reasons) in of_package.items() if "global-visit-same-day" in reasons]
    assert denied_cases == [("11102", "99213-24"), ("11102", "99213-57")]


def test_a_coder_reads_the_modifiers_of_visits_where_a_visit_is_denied(derm: Snapshot) -> None:
    """59 and X{E,P,S,U} are not for visits: 25 and 57 belong to the visit, I-13, I-15."""
    without_remedies = replace(literal_claims.outcome(derm, "11102", "99213"), reader=None)
    [claim] = outcome_plain(without_remedies)
    [do] = [finding["do"] for finding in claim["lines"][1]["findings"] if finding["reason"] == "ptp-no-modifier"]
    of_visits = do.partition("a visit with ")[2]
    assert all(modifier in of_visits for modifier in VISIT_LINE)
    assert "59" not in of_visits


def test_a_visit_modifier_on_the_procedure_bypasses_nothing(derm: Snapshot) -> None:
    """11102 > 99213, CCMI 1. 25 and 57 belong to the visit: I-13, I-15."""
    cases = with_each_modifier(("11102-{}", "99213"), VISIT_LINE)
    assert literal_claims.reasons_by_case(derm, cases, edit="ptp") == {
        case: [set(), {"ptp-no-modifier"}] for case in cases
    }


def test_a_visit_modifier_between_two_procedures_bypasses_nothing(derm: Snapshot) -> None:
    """11102 > 17000, CCMI 1; neither is a visit: I-15."""
    cases = with_each_modifier(("11102", "17000-{}"), VISIT_LINE)
    assert literal_claims.reasons_by_case(derm, cases, edit="ptp") == {
        case: [set(), {"ptp-no-modifier"}] for case in cases
    }


@pytest.mark.parametrize("lines", [("11102", "17000-{}"), ("11102-{}", "17000")], ids=["column two", "column one"])
def test_a_modifier_that_is_not_listed_bypasses_nothing(derm: Snapshot, lines: tuple[str, str]) -> None:
    """22, 76 and 77 are named as excluded, the others are not on the list: I-14."""
    cases = with_each_modifier(lines, NO_BYPASS)
    assert literal_claims.reasons_by_case(derm, cases, edit="ptp") == {
        case: [set(), {"ptp-no-modifier"}] for case in cases
    }


def test_no_modifier_bypasses_ccmi_0(derm: Snapshot) -> None:
    """11104 > 11102, CCMI 0: I-14."""
    cases = with_each_modifier(("11104-{}", "11102-{}"), [*ANATOMIC, *EITHER_LINE, *VISIT_LINE])
    assert literal_claims.reasons_by_case(derm, cases, edit="ptp") == {case: [set(), {"ptp-never"}] for case in cases}


def test_a_bypassing_modifier_counts_in_any_place(derm: Snapshot) -> None:
    """11102 > 17000, CCMI 1. Nothing in I-14 speaks of the order of modifiers."""
    cases = with_each_modifier(("11102", "17000-{}"), ["22-XS", "XS-22", "LT-76-59-GA"])
    assert literal_claims.reasons_by_case(derm, cases, edit="ptp") == {
        case: [set(), {"ptp-bypassed"}] for case in cases
    }


def test_anatomic_modifiers_that_name_one_site_bypass_nothing(derm: Snapshot) -> None:
    """11750 > 11730 and 11402 > 17000, CCMI 1. One nail is one site, and so is one side: I-15, I-19."""
    cases = {
        ("11750-TA", "11730-TA"): ["pay", "deny ptp-same-site"],
        ("11750-TA", "11730-T5"): ["pay", "pay_if_documented ptp-bypassed"],
        ("11750-TA", "11730"): ["pay", "pay_if_documented ptp-bypassed"],
        ("11402-RT", "17000-RT"): ["pay", "deny ptp-same-site"],
        ("11402-RT", "17000-LT"): ["pay", "pay_if_documented ptp-bypassed"],
        ("11750-TA", "11730-TA-59"): ["pay", "pay_if_documented ptp-bypassed"],
    }
    assert literal_claims.answers_by_case(derm, cases) == cases


def test_modifier_59_does_not_separate_a_visit_from_a_procedure(derm: Snapshot) -> None:
    """96910 > 99213, CCMI 1. "Modifier 59 should not be appended to an E/M service": I-17."""
    assert literal_claims.answers(derm, "96910", "99213-25", by="edit") == ["pay", "pay_if_documented ptp"]
    assert literal_claims.answers(derm, "96910", "99213-59")[1].split()[0] == "deny"


def test_the_direction_of_a_pair_is_that_of_its_row(derm: Snapshot) -> None:
    """17004 > 11102, 11102 > 17000, 11104 > 17110, 11106 > 17111, 17111 > 11104: column one need not be bigger, I-4."""
    cases = {
        ("11102", "17004"): ["deny ptp-no-modifier", "pay"],
        ("11102", "17000"): ["pay", "deny ptp-no-modifier"],
        ("11104", "17110"): ["pay", "deny ptp-no-modifier"],
        ("11106", "17111"): ["pay", "deny ptp-no-modifier"],
        ("11104", "17111"): ["deny ptp-no-modifier", "pay"],
    }
    assert literal_claims.answers_by_case(derm, cases) == cases


def test_ptp_sees_one_beneficiary_practitioner_and_day(derm: Snapshot) -> None:
    """Intro-3, I-6; one group and specialty count as one physician: IOM 100-04 ch. 12, section 30.6.5."""
    cases = {
        ("11102", "17000"): ["pay", "deny ptp-no-modifier"],
        ("11102", "17000 claim=d"): ["pay", "deny ptp-no-modifier"],
        ("11102", "17000 provider=q"): ["pay", "pay"],
        ("11102", "17000 beneficiary=z"): ["pay", "pay"],
        ("11102", "99213 provider=q", "17000"): ["pay", "pay", "deny ptp-no-modifier"],
        ("11102", "17000 beneficiary=z", "17000"): ["pay", "pay", "deny ptp-no-modifier"],
        ("11102", "17000 day=1"): ["pay", "pay"],
        ("11102 group=g specialty=07", "17000 provider=q group=g specialty=07"): ["pay", "deny ptp-no-modifier"],
        ("11102 group=g specialty=07", "17000 provider=q group=g specialty=83"): ["pay", "pay"],
        ("11102 group=g specialty=07", "17000 provider=q group=h specialty=07"): ["pay", "pay"],
        ("11102 specialty=07", "17000 provider=q specialty=07"): ["pay", "pay"],
        ("11102 group=g", "17000 provider=q group=g"): ["pay", "pay"],
    }
    assert literal_claims.answers_by_case(derm, cases) == cases


def test_every_column_one_line_gives_its_own_finding(derm: Snapshot) -> None:
    """11102 > 17000 and 17110 > 17000 both stand; the line is denied once and told twice."""
    findings = literal_claims.outcome(derm, "11102", "17110", "17000").findings.filter(edit="ptp", column_two="17000")
    assert sorted(findings["column_one"]) == ["11102", "17110"]


def test_what_a_modifier_needs_is_said_once_of_a_line(derm: Snapshot) -> None:
    """XS bypasses both 11102 > 17000 and 17110 > 17000: one lesion apart, one thing for the record."""
    findings = literal_claims.outcome(derm, "11102", "17110-59", "17000-XS").findings.filter(severity="documented")
    assert sorted(findings.select("row", "detail").rows()) == [(0, "59"), (2, "XS")]


def test_a_finding_names_the_row_that_it_rests_on(derm: Snapshot) -> None:
    """11104 > 11102 of v30.2."""
    finding = literal_claims.outcome(derm, "11104", "11102").findings.filter(edit="ptp").row(0, named=True)
    keys = ("reason", "severity", "carc", "table", "column_one", "column_two", "ccmi", "deletion_date", "edition")
    assert tuple(finding[key] for key in keys) == (
        *("ptp-never", "deny", "236", "ptp", "11104", "11102", 0, None),
        "ptp v302r0",
    )


QUARTERS = ["2005q2", "2005q3", "2010q4", "2011q1", "2013q2", "2013q3", "2014q1", "2014q2"]

QUARTERS += ["2019q1", "2019q2", "2019q3", "2019q4", "2020q1", "2020q3", "2020q4", "2026q3"]


@pytest.fixture(scope="module")
def dated_releases(cms: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Snapshot]:
    """Return quarters that all hold CMS's dated rows; every code is paid if no edit says otherwise."""
    file = cms / "2026q3" / "ptp_2026q3_2026q4.csv"
    rows = pl.read_csv(file, infer_schema=False).filter(ref_version="NCCI-2026Q3")
    rows = rows.select("col1", "col2", "effective", "deleted", pl.col("modifier_indicator").cast(pl.Int64))
    codes = sorted({*rows["col1"], *rows["col2"]})
    store = Store(tmp_path_factory.mktemp("dated"))
    return [literal_claims.sealed_release(store, label, codes, ptp=rows.rows()) for label in QUARTERS]


@pytest.mark.cms
def test_a_deletion_date_is_the_last_active_day_and_a_pair_may_flip(dated_releases: list[Snapshot]) -> None:
    """17000 > 11042 until 2019-03-31, then 11042 > 17000; 12001 > 12011 until 2019-12-31, then 12011 > 12001."""
    cases = {
        ("17000 on=2019-03-31", "11042 on=2019-03-31"): ["pay", "deny"],
        ("17000 on=2019-04-01", "11042 on=2019-04-01"): ["deny", "pay"],
        ("12001 on=2019-12-31", "12011 on=2019-12-31"): ["pay", "deny"],
        ("12001 on=2020-01-01", "12011 on=2020-01-01"): ["deny", "pay"],
    }
    assert literal_claims.dispositions_by_case(dated_releases, cases) == cases


@pytest.mark.cms
def test_an_edit_applies_from_its_effective_to_its_deletion_date(dated_releases: list[Snapshot]) -> None:
    """No row of a pair is dropped, none read as of today: Intro-7. Visits had no edits till October 2020."""
    cases = {
        ("11720 on=2005-06-30", "99202 on=2005-06-30"): ["pay", "deny"],
        ("11720 on=2005-07-01", "99202 on=2005-07-01"): ["pay", "pay"],
        ("97598 on=2005-06-30", "97597 on=2005-06-30"): ["pay", "pay"],
        ("97598 on=2005-07-01", "97597 on=2005-07-01"): ["pay", "deny"],
        ("97598 on=2010-12-31", "97597 on=2010-12-31"): ["pay", "deny"],
        ("97598 on=2011-01-01", "97597 on=2011-01-01"): ["pay", "pay"],
        ("10060 on=2013-06-30", "99213 on=2013-06-30"): ["pay", "pay"],
        ("10060 on=2013-07-01", "99213 on=2013-07-01"): ["pay", "deny"],
        ("10060 on=2019-12-31", "99213 on=2019-12-31"): ["pay", "deny"],
        ("10060 on=2020-01-01", "99213 on=2020-01-01"): ["pay", "pay"],
        ("10060 on=2020-09-30", "99213 on=2020-09-30"): ["pay", "pay"],
        ("10060 on=2020-10-01", "99213 on=2020-10-01"): ["pay", "deny"],
        ("10060 on=2026-08-15", "99213 on=2026-08-15"): ["pay", "deny"],
        ("11721 on=2019-12-31", "99214 on=2019-12-31"): ["pay", "deny"],
        ("11721 on=2020-09-30", "99214 on=2020-09-30"): ["pay", "pay"],
        ("11721 on=2020-10-01", "99214 on=2020-10-01"): ["pay", "deny"],
    }
    assert literal_claims.dispositions_by_case(dated_releases, cases) == cases


@pytest.mark.cms
def test_ccmi_9_never_fires(dated_releases: list[Snapshot]) -> None:
    """10060 > 92012: CCMI 9 on 2013-07-01 alone, CCMI 1 from 2014-04-01; I-14."""
    cases = {
        ("10060 on=2013-07-01", "92012 on=2013-07-01"): ["pay", "pay"],
        ("10060 on=2013-07-02", "92012 on=2013-07-02"): ["pay", "pay"],
        ("10060 on=2014-03-31", "92012 on=2014-03-31"): ["pay", "pay"],
        ("10060 on=2014-04-01", "92012 on=2014-04-01"): ["pay", "deny"],
    }
    assert literal_claims.dispositions_by_case(dated_releases, cases) == cases


@pytest.mark.cms
def test_59_counts_on_column_one_since_2019_07_01(dated_releases: list[Snapshot]) -> None:
    """11042 > 17000 from 2019-04-01, CCMI 1; CR 11168."""
    cases = {
        ("11042-59 on=2019-06-30", "17000 on=2019-06-30"): ["pay", "deny"],
        ("11042-59 on=2019-07-01", "17000 on=2019-07-01"): ["pay", "pay_if_documented"],
        ("11042 on=2019-06-30", "17000-59 on=2019-06-30"): ["pay", "pay_if_documented"],
        ("11042-XS on=2019-06-30", "17000 on=2019-06-30"): ["pay", "deny"],
        ("11042-XS on=2019-07-01", "17000 on=2019-07-01"): ["pay", "pay_if_documented"],
    }
    assert literal_claims.dispositions_by_case(dated_releases, cases) == cases


@pytest.mark.cms
def test_lines_of_one_claim_are_read_each_by_its_own_date(dated_releases: list[Snapshot]) -> None:
    """17000 > 11042 until 2019-03-31, then 11042 > 17000."""
    lines = [f"{hcpcs} on={day}" for day in ("2019-03-31", "2019-04-01") for hcpcs in ("17000", "11042")]
    assert literal_claims.dispositions(dated_releases, *lines) == ["pay", "deny", "deny", "pay"]


@pytest.mark.cms
def test_pairs_of_all_four_parts_of_the_file_are_read(real_2024q3: Snapshot) -> None:
    """Pairs of parts f1 to f4 of v30.2; a tool that reads only f1 misses 88305, 96567 and 99211."""
    pairs = [("11104", "11102"), ("17311", "88305"), ("96573", "96567"), ("96910", "99211")]
    cases = [(f"{column_one} on=2024-08-01", f"{column_two} on=2024-08-01") for column_one, column_two in pairs]
    assert literal_claims.answers_by_case(real_2024q3, cases, by="edit") == {
        case: ["pay", "deny ptp"] for case in cases
    }
