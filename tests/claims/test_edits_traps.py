"""What claim editors get wrong, one named test for each trap: `ptp`, `mue`, `add_on`, `same_lesion`, `validity`.

Pages such as I-14 are those of the Policy Manual of 2026, RVU25D is CMS's record layout of the fee schedule. CMS's rows
are those of the embedded 2026q3 if nothing else is said; releases made of literals isolate one edit.
"""

from pathlib import Path

import made_claims as made
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


@pytest.fixture(scope="module")
def derm(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return made.embedded("2026q3", tmp_path_factory.mktemp("traps"))


# Procedure-to-procedure edits


def test_modifier_list_is_complete() -> None:
    """The counts of I-14: 31 anatomic, 6 of global surgery, 7 others."""
    assert len(set(ANATOMIC)) == 31
    surgery, others = ["24", "25", "57", "58", "78", "79"], ["27", "59", "91", "XE", "XS", "XP", "XU"]
    assert {*EITHER_LINE, *VISIT_LINE} == {*surgery, *others}


@pytest.mark.parametrize("modifier", [*ANATOMIC, *EITHER_LINE])
@pytest.mark.parametrize("lines", [("11102", "17000-{}"), ("11102-{}", "17000")], ids=["column two", "column one"])
def test_a_listed_modifier_on_either_column_bypasses_ccmi_1(
    derm: Snapshot, lines: tuple[str, str], modifier: str
) -> None:
    """11102 > 17000, CCMI 1. List: I-14. Either column: IV-13, IV-17; 58 stands on column one in I-16."""
    told = made.reasons(derm, *(line.format(modifier) for line in lines), edit="ptp")
    assert told == [set(), {"ptp-bypassed"}]


@pytest.mark.parametrize("modifier", VISIT_LINE)
def test_a_visit_modifier_on_the_visit_bypasses_ccmi_1(derm: Snapshot, modifier: str) -> None:
    """11102 > 99213, CCMI 1. 25 and 57 belong to the visit: I-13, I-15."""
    assert made.reasons(derm, "11102", f"99213-{modifier}", edit="ptp") == [set(), {"ptp-bypassed"}]


def test_a_coder_is_told_the_modifiers_of_visits_where_a_visit_is_denied(derm: Snapshot) -> None:
    """59 and X{E,P,S,U} are not for visits: 25 and 57 belong to the visit, I-13, I-15."""
    [claim] = outcome_plain(made.outcome(derm, "11102", "99213"))
    [do] = [each["do"] for each in claim["lines"][1]["findings"] if each["reason"] == "ptp-no-modifier"]
    of_visits = do.partition("a visit with ")[2]
    assert all(modifier in of_visits for modifier in VISIT_LINE)
    assert "59" not in of_visits


@pytest.mark.parametrize("modifier", VISIT_LINE)
def test_a_visit_modifier_on_the_procedure_bypasses_nothing(derm: Snapshot, modifier: str) -> None:
    """11102 > 99213, CCMI 1. 25 and 57 belong to the visit: I-13, I-15."""
    assert made.reasons(derm, f"11102-{modifier}", "99213", edit="ptp") == [set(), {"ptp-no-modifier"}]


@pytest.mark.parametrize("modifier", VISIT_LINE)
def test_a_visit_modifier_between_two_procedures_bypasses_nothing(derm: Snapshot, modifier: str) -> None:
    """11102 > 17000, CCMI 1; neither is a visit: I-15."""
    assert made.reasons(derm, "11102", f"17000-{modifier}", edit="ptp") == [set(), {"ptp-no-modifier"}]


@pytest.mark.parametrize("modifier", NO_BYPASS)
@pytest.mark.parametrize("lines", [("11102", "17000-{}"), ("11102-{}", "17000")], ids=["column two", "column one"])
def test_a_modifier_that_is_not_listed_bypasses_nothing(derm: Snapshot, lines: tuple[str, str], modifier: str) -> None:
    """22, 76 and 77 are named as excluded, the others are not on the list: I-14."""
    told = made.reasons(derm, *(line.format(modifier) for line in lines), edit="ptp")
    assert told == [set(), {"ptp-no-modifier"}]


@pytest.mark.parametrize("modifier", [*ANATOMIC, *EITHER_LINE, *VISIT_LINE])
def test_no_modifier_bypasses_ccmi_0(derm: Snapshot, modifier: str) -> None:
    """11104 > 11102, CCMI 0: I-14."""
    assert made.reasons(derm, f"11104-{modifier}", f"11102-{modifier}", edit="ptp") == [set(), {"ptp-never"}]


@pytest.mark.parametrize("place_in_list", ["17000-22-XS", "17000-XS-22", "17000-LT-76-59-GA"])
def test_a_bypassing_modifier_counts_in_any_place(derm: Snapshot, place_in_list: str) -> None:
    """11102 > 17000, CCMI 1. Nothing in I-14 speaks of the order of modifiers."""
    assert made.reasons(derm, "11102", place_in_list, edit="ptp") == [set(), {"ptp-bypassed"}]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("11750-TA", "11730-TA"), ["pay", "deny ptp-same-site"]),
        (("11750-TA", "11730-T5"), ["pay", "review ptp-bypassed"]),
        (("11750-TA", "11730"), ["pay", "review ptp-bypassed"]),
        (("11402-RT", "17000-RT"), ["pay", "deny ptp-same-site"]),
        (("11402-RT", "17000-LT"), ["pay", "review ptp-bypassed"]),
        (("11750-TA", "11730-TA-59"), ["pay", "review ptp-bypassed"]),
    ],
)
def test_anatomic_modifiers_that_name_one_site_bypass_nothing(
    derm: Snapshot, lines: tuple[str, ...], expected: list[str]
) -> None:
    """11750 > 11730 and 11402 > 17000, CCMI 1. One nail is one site, and so is one side: I-15, I-19."""
    assert made.said(derm, *lines) == expected


def test_modifier_59_does_not_separate_a_visit_from_a_procedure(derm: Snapshot) -> None:
    """96910 > 99213, CCMI 1. "Modifier 59 should not be appended to an E/M service": I-17."""
    assert made.said(derm, "96910", "99213-25", by="edit") == ["pay", "review ptp"]
    assert made.said(derm, "96910", "99213-59")[1].split()[0] == "deny"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("11102", "17004"), ["deny ptp-no-modifier", "pay"]),
        (("11102", "17000"), ["pay", "deny ptp-no-modifier"]),
        (("11104", "17110"), ["pay", "deny ptp-no-modifier"]),
        (("11106", "17111"), ["pay", "deny ptp-no-modifier"]),
        (("11104", "17111"), ["deny ptp-no-modifier", "pay"]),
    ],
)
def test_the_direction_of_a_pair_is_that_of_its_row(
    derm: Snapshot, lines: tuple[str, ...], expected: list[str]
) -> None:
    """17004 > 11102, 11102 > 17000, 11104 > 17110, 11106 > 17111, 17111 > 11104: column one need not be bigger, I-4."""
    assert made.said(derm, *lines) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("11102", "17000"), ["pay", "deny ptp-no-modifier"]),
        (("11102", "17000 claim=d"), ["pay", "deny ptp-no-modifier"]),
        (("11102", "17000 provider=q"), ["pay", "pay"]),
        (("11102", "17000 beneficiary=z"), ["pay", "pay"]),
        (("11102", "99213 provider=q", "17000"), ["pay", "pay", "deny ptp-no-modifier"]),
        (("11102", "17000 beneficiary=z", "17000"), ["pay", "pay", "deny ptp-no-modifier"]),
        (("11102", "17000 day=1"), ["pay", "pay"]),
        (("11102 group=g specialty=07", "17000 provider=q group=g specialty=07"), ["pay", "deny ptp-no-modifier"]),
        (("11102 group=g specialty=07", "17000 provider=q group=g specialty=83"), ["pay", "pay"]),
        (("11102 group=g specialty=07", "17000 provider=q group=h specialty=07"), ["pay", "pay"]),
        (("11102 specialty=07", "17000 provider=q specialty=07"), ["pay", "pay"]),
        (("11102 group=g", "17000 provider=q group=g"), ["pay", "pay"]),
    ],
)
def test_ptp_sees_one_beneficiary_practitioner_and_day(
    derm: Snapshot, lines: tuple[str, ...], expected: list[str]
) -> None:
    """Intro-3, I-6; one group and specialty count as one physician: IOM 100-04 ch. 12, section 30.6.5."""
    assert made.said(derm, *lines) == expected


def test_every_column_one_line_gives_its_own_finding(derm: Snapshot) -> None:
    """11102 > 17000 and 17110 > 17000 both stand; the line is denied once and told twice."""
    told = made.outcome(derm, "11102-59", "17110-59", "17000").findings.filter(edit="ptp", column_two="17000")
    assert sorted(told["column_one"]) == ["11102", "17110"]


def test_a_finding_names_the_row_that_it_rests_on(derm: Snapshot) -> None:
    """11104 > 11102 of v30.2."""
    finding = made.outcome(derm, "11104", "11102").findings.filter(edit="ptp").row(0, named=True)
    keys = ("reason", "severity", "carc", "table", "column_one", "column_two", "ccmi", "deletion_date", "edition")
    assert tuple(finding[key] for key in keys) == (
        *("ptp-never", "deny", "236", "ptp", "11104", "11102", 0, None),
        "ptp v302r0",
    )


# Effective and deletion dates, on pairs of CMS's 2026q3 rows


QUARTERS = ["2005q2", "2005q3", "2010q4", "2011q1", "2013q2", "2013q3", "2014q1", "2014q2"]
QUARTERS += ["2019q1", "2019q2", "2019q3", "2019q4", "2020q1", "2020q3", "2020q4", "2026q3"]


@pytest.fixture(scope="module")
def dated(cms: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Snapshot]:
    """Return quarters that all hold CMS's dated rows; every code is paid if no edit says otherwise."""
    file = cms / "2026q3" / "ptp_2026q3_2026q4.csv"
    rows = pl.read_csv(file, infer_schema=False).filter(ref_version="NCCI-2026Q3")
    rows = rows.select("col1", "col2", "effective", "deleted", pl.col("modifier_indicator").cast(pl.Int64))
    codes = sorted({*rows["col1"], *rows["col2"]})
    store = Store(tmp_path_factory.mktemp("dated"))
    return [made.sealed(store, label, codes, ptp=rows.rows()) for label in QUARTERS]


@pytest.mark.cms
@pytest.mark.parametrize(
    ("on", "pair", "expected"),
    [
        ("2019-03-31", ("17000", "11042"), ["pay", "deny"]),
        ("2019-04-01", ("17000", "11042"), ["deny", "pay"]),
        ("2019-12-31", ("12001", "12011"), ["pay", "deny"]),
        ("2020-01-01", ("12001", "12011"), ["deny", "pay"]),
    ],
)
def test_a_deletion_date_is_the_last_active_day_and_a_pair_may_flip(
    dated: list[Snapshot], on: str, pair: tuple[str, str], expected: list[str]
) -> None:
    """17000 > 11042 until 2019-03-31, then 11042 > 17000; 12001 > 12011 until 2019-12-31, then 12011 > 12001."""
    assert _dispositions(dated, *(f"{hcpcs} on={on}" for hcpcs in pair)) == expected


@pytest.mark.cms
@pytest.mark.parametrize(
    ("on", "pair", "expected"),
    [
        ("2005-06-30", ("11720", "99202"), "deny"),
        ("2005-07-01", ("11720", "99202"), "pay"),
        ("2005-06-30", ("97598", "97597"), "pay"),
        ("2005-07-01", ("97598", "97597"), "deny"),
        ("2010-12-31", ("97598", "97597"), "deny"),
        ("2011-01-01", ("97598", "97597"), "pay"),
        ("2013-06-30", ("10060", "99213"), "pay"),
        ("2013-07-01", ("10060", "99213"), "deny"),
        ("2019-12-31", ("10060", "99213"), "deny"),
        ("2020-01-01", ("10060", "99213"), "pay"),
        ("2020-09-30", ("10060", "99213"), "pay"),
        ("2020-10-01", ("10060", "99213"), "deny"),
        ("2026-08-15", ("10060", "99213"), "deny"),
        ("2019-12-31", ("11721", "99214"), "deny"),
        ("2020-09-30", ("11721", "99214"), "pay"),
        ("2020-10-01", ("11721", "99214"), "deny"),
    ],
)
def test_an_edit_applies_from_its_effective_to_its_deletion_date(
    dated: list[Snapshot], on: str, pair: tuple[str, str], expected: str
) -> None:
    """No row of a pair is dropped, none read as of today: Intro-7. Visits had no edits till October 2020."""
    column_one, column_two = pair
    assert _dispositions(dated, f"{column_one} on={on}", f"{column_two} on={on}") == ["pay", expected]


@pytest.mark.cms
@pytest.mark.parametrize(
    ("on", "expected"),
    [("2013-07-01", "pay"), ("2013-07-02", "pay"), ("2014-03-31", "pay"), ("2014-04-01", "deny")],
)
def test_ccmi_9_never_fires(dated: list[Snapshot], on: str, expected: str) -> None:
    """10060 > 92012: CCMI 9 on 2013-07-01 alone, CCMI 1 from 2014-04-01; I-14."""
    assert _dispositions(dated, f"10060 on={on}", f"92012 on={on}") == ["pay", expected]


@pytest.mark.cms
@pytest.mark.parametrize(
    ("on", "lines", "expected"),
    [
        ("2019-06-30", ("11042-59", "17000"), ["pay", "deny"]),
        ("2019-07-01", ("11042-59", "17000"), ["pay", "review"]),
        ("2019-06-30", ("11042", "17000-59"), ["pay", "review"]),
        ("2019-06-30", ("11042-XS", "17000"), ["pay", "deny"]),
        ("2019-07-01", ("11042-XS", "17000"), ["pay", "review"]),
    ],
)
def test_59_counts_on_column_one_since_2019_07_01(
    dated: list[Snapshot], on: str, lines: tuple[str, str], expected: list[str]
) -> None:
    """11042 > 17000 from 2019-04-01, CCMI 1; CR 11168."""
    assert _dispositions(dated, *(f"{line} on={on}" for line in lines)) == expected


@pytest.mark.cms
def test_lines_of_one_claim_are_read_each_by_its_own_date(dated: list[Snapshot]) -> None:
    """17000 > 11042 until 2019-03-31, then 11042 > 17000."""
    lines = [f"{hcpcs} on={day}" for day in ("2019-03-31", "2019-04-01") for hcpcs in ("17000", "11042")]
    assert _dispositions(dated, *lines) == ["pay", "deny", "deny", "pay"]


@pytest.mark.cms
def test_pairs_of_all_four_parts_of_the_file_are_read(real_2024q3: Snapshot) -> None:
    """Pairs of parts f1 to f4 of v30.2; a tool that reads only f1 misses 88305, 96567 and 99211."""
    pairs = [("11104", "11102"), ("17311", "88305"), ("96573", "96567"), ("96910", "99211")]
    told = [made.said(real_2024q3, *(f"{hcpcs} on=2024-08-01" for hcpcs in pair), by="edit") for pair in pairs]
    assert told == [["pay", "deny ptp"]] * 4


def _dispositions(snapshots: Snapshot | list[Snapshot], *lines: str) -> list[str]:
    return [said.split()[0] for said in made.said(snapshots, *lines)]


# Medically unlikely edits


@pytest.fixture(scope="module")
def limits(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Return a release with one code for each MAI, of value 2; `99930` is worth nothing and `99940` has no MUE."""
    codes = ["99910", "99920", "99930", "99940", "99950"]
    values = [("99910", 2, 1), ("99920", 2, 2), ("99930", 0, 2), ("99950", 2, 3)]
    return made.sealed(Store(tmp_path_factory.mktemp("limits")), "2026q3", codes, mue=values)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("99910x2", "99910-76x2"), ["pay", "pay"]),
        (("99910x2", "99910-76x3"), ["pay", "deny mue-line"]),
        (("99910x3",), ["deny mue-line"]),
    ],
)
def test_mai_1_looks_at_each_line(limits: Snapshot, lines: tuple[str, ...], expected: list[str]) -> None:
    """I-28."""
    assert made.said(limits, *lines) == expected


@pytest.mark.parametrize(("hcpcs", "reason"), [("99920", "mue-day-policy"), ("99950", "mue-day-clinical")])
@pytest.mark.parametrize(
    ("lines", "denied"),
    [
        (("{}x2",), [False]),
        (("{}", "{}-76"), [False, False]),
        (("{}x2", "{}-76"), [True, True]),
        (("{}", "{}-59", "{}-RT"), [True, True, True]),
        (("{}x2", "{} claim=d"), [True, True]),
        (("{}x2", "{} provider=q"), [False, False]),
        (("{}x2", "{} beneficiary=z"), [False, False]),
        (("{}x2", "{} day=1"), [False, False]),
        (("{}x2 group=g specialty=07", "{} provider=q group=g specialty=07"), [True, True]),
    ],
)
def test_mai_2_and_3_sum_the_day_and_deny_all_of_it(
    limits: Snapshot, hcpcs: str, reason: str, lines: tuple[str, ...], denied: list[bool]
) -> None:
    """All lines of the code on the day are summed, and all their units denied, not the excess: I-28."""
    told = made.said(limits, *(line.format(hcpcs) for line in lines))
    assert told == [f"deny {reason}" if each else "pay" for each in denied]


def test_an_mue_finding_tells_the_sum_the_value_and_the_mai(derm: Snapshot) -> None:
    """MUE 17003: 13, MAI 2."""
    findings = made.outcome(derm, "17000", "17003x7", "17003-76x7").findings.filter(edit="mue")
    assert findings.select("detail", "mue_value", "mai", "carc", "rarc").rows() == [("14", 13, 2, "151", "N362")] * 2


def test_an_mue_of_zero_denies_a_single_unit(limits: Snapshot) -> None:
    """I-31."""
    assert made.said(limits, "99930") == ["deny mue-day-policy"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("99910x20 days=10", "pay"),
        ("99910x24 days=10", "pay"),
        ("99910x26 days=10", "deny mue-line"),
        ("99910x30 days=10", "deny mue-line"),
        ("99920x20 days=10", "pay"),
        ("99920x30 days=10", "deny mue-day-policy"),
        ("99910x3 days=2", "pay"),
    ],
)
def test_units_of_a_span_are_divided_by_its_days(limits: Snapshot, line: str, expected: str) -> None:
    """Divided and rounded to the nearest whole number, then held against the value, here 2: I-34."""
    assert made.said(limits, line) == [expected]


def test_no_published_mue_says_nothing(limits: Snapshot) -> None:
    """Some values are confidential; that none is published is no limit of zero or one: I-29, I-35."""
    assert made.reasons(limits, "99940x999") == [set()]


# Add-on codes


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Return a release with an add-on code of each type, 99941 to 99943, and 99944 and 99945 with dated rows."""
    codes = ["99931", "99932", "99933", "99941", "99942", "99943", "99944", "99945"]
    rows = [
        ("99941", "99931", "2020-01-01", None, 1),
        ("99942", "CCCCC", "2020-01-01", None, 2),
        ("99943", "99931", "2020-01-01", None, 3),
        ("99944", "99931", "2020-01-01", None, 1),
        ("99944", "99932", "2020-01-01", "2026-08-15", 1),
        ("99944", "99933", "2026-08-15", "2026-08-15", 1),
        ("99945", "99931", "2026-08-15", None, 1),
    ]
    return made.sealed(Store(tmp_path_factory.mktemp("families")), "2026q3", codes, add_on=rows)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("99931", "99941"), ["pay", "pay"]),
        (("99932", "99941"), ["pay", "deny add-on-without-primary"]),
        (("99941",), ["deny add-on-without-primary"]),
        (("99931", "99942"), ["pay", "review add-on-primary-by-contractor"]),
        (("99931", "99943"), ["pay", "pay"]),
        (("99932", "99943"), ["pay", "review add-on-primary-by-contractor"]),
    ],
)
def test_type_1_denies_where_types_2_and_3_leave_it_to_the_contractor(
    families: Snapshot, lines: tuple[str, ...], expected: list[str]
) -> None:
    """I-35, I-36."""
    assert made.said(families, *lines) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("99932 on=2026-08-15", "99944 on=2026-08-15"), ["pay", "pay"]),
        (("99932 on=2026-08-16", "99944 on=2026-08-16"), ["pay", "deny add-on-without-primary"]),
        (("99945 on=2026-08-14",), ["pay"]),
        (("99945 on=2026-08-15",), ["deny add-on-without-primary"]),
    ],
)
def test_an_add_on_row_applies_until_its_deletion_date(
    families: Snapshot, lines: tuple[str, ...], expected: list[str]
) -> None:
    """The deletion date is the last active day, as with PTP edits: month ends in V2026Q2."""
    assert made.said(families, *lines) == expected


def test_an_add_on_row_deleted_on_its_effective_date_never_applied(families: Snapshot) -> None:
    """As CCMI 9 of PTP edits, I-14; so G2211's rows of 2024-10-01 in V2026Q2."""
    lines = ("99933 on=2026-08-15", "99944 on=2026-08-15")
    assert made.said(families, *lines) == ["pay", "deny add-on-without-primary"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("17311", "17312"), ["pay", "pay"]),
        (("17311 claim=d", "17312"), ["pay", "pay"]),
        (("17311 provider=q", "17312"), ["pay", "deny add-on-without-primary"]),
        (("17311", "17312 day=1"), ["pay", "deny add-on-without-primary"]),
        (("17311 beneficiary=z", "17312"), ["pay", "deny add-on-without-primary"]),
        (("17311 group=g specialty=07", "17312 provider=q group=g specialty=07"), ["pay", "pay"]),
        (
            ("17311 group=g specialty=07", "17312 provider=q group=g specialty=83"),
            ["pay", "deny add-on-without-primary"],
        ),
    ],
)
def test_a_primary_is_of_the_same_beneficiary_practitioner_and_day(
    derm: Snapshot, lines: tuple[str, ...], expected: list[str]
) -> None:
    """AOC 17312: 17311; I-35."""
    assert made.said(derm, *lines) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("17311x4", "17312", "17315"), ["pay", "pay", "pay"]),
        (
            ("17311x5", "17312", "17315"),
            ["deny mue-day-clinical", "deny add-on-primary-denied", "deny add-on-primary-denied"],
        ),
        (
            ("17311x5", "17312", "17313", "17315"),
            ["deny mue-day-clinical", "deny add-on-primary-denied", "pay", "pay"],
        ),
        (("11104", "11102", "11103"), ["pay", "deny ptp-never", "pay"]),
        (("11402", "17000", "17003"), ["pay", "deny ptp-no-modifier", "deny add-on-primary-denied"]),
        (("11402", "17000-59", "17003"), ["pay", "review ptp-bypassed", "pay"]),
        (("17000-25", "17003"), ["deny modifier-of-visits", "deny add-on-primary-denied"]),
    ],
)
def test_a_denied_primary_takes_its_add_ons_along(derm: Snapshot, lines: tuple[str, ...], expected: list[str]) -> None:
    """If an edit prevents payment of the primary, the add-on is not paid: I-27. MUE 17311: 4; AOC 17315: 17311-4."""
    assert made.said(derm, *lines) == expected


def test_a_denied_primary_is_no_reason_while_another_is_paid(derm: Snapshot) -> None:
    """11104 > 11102, CCMI 0; AOC 11103: 11102, 11104, 11106."""
    assert made.reasons(derm, "11104", "11102", "11103")[2] == set()


# One lesion


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("11602 lesion=A", "17000-59 lesion=A"), ["pay", "deny lesion-one-removal"]),
        (("11602 lesion=A", "17000-59 lesion=B"), ["pay", "review ptp-bypassed"]),
        (("11602", "17000-59"), ["pay", "review ptp-bypassed"]),
        (("11602 lesion=A", "11102-59 lesion=A"), ["pay", "deny lesion-included"]),
        (("11602 lesion=A", "11102-59 lesion=B"), ["pay", "review ptp-bypassed"]),
        (("11602 lesion=A", "11102 lesion=A day=1"), ["pay", "deny global-procedure-after"]),
        (("11602 lesion=A", "11102 lesion=A provider=q"), ["pay", "pay"]),
        (("11402 lesion=A", "12031 lesion=A"), ["pay", "pay"]),
        (("11602 lesion=A", "13121 lesion=A"), ["pay", "pay"]),
        (("11402 lesion=A", "12001-59 lesion=A"), ["pay", "deny lesion-included"]),
        (("11400 lesion=A", "12031-59 lesion=A"), ["pay", "deny lesion-included"]),
        (("11400 lesion=A", "12031-59 lesion=B"), ["pay", "review ptp-bypassed"]),
        (("11300 lesion=A", "12031-59 lesion=A"), ["pay", "deny lesion-included"]),
        (("17000 lesion=A", "12031-59 lesion=A"), ["pay", "deny lesion-included"]),
        (("11102 lesion=A", "12031-59 lesion=A"), ["pay", "deny lesion-included"]),
        (("14040 lesion=A", "11642-59 lesion=A"), ["pay", "deny lesion-included"]),
        (("14040 lesion=A", "13132-59 lesion=A"), ["pay", "deny lesion-included"]),
        (("14040 lesion=A", "11042-59 lesion=A"), ["pay", "deny lesion-included"]),
        (("14040 lesion=A", "11642-59 lesion=B"), ["pay", "review ptp-bypassed"]),
        (("17311 lesion=A", "13132 lesion=A"), ["pay", "pay"]),
        (("17311 lesion=A", "12001 lesion=A"), ["pay", "pay"]),
        (("17311 lesion=A", "14040 lesion=A"), ["pay", "pay"]),
        (("17311 lesion=A", "17312 lesion=A", "17315 lesion=A"), ["pay", "pay", "pay"]),
        (("17311 lesion=A", "11642-59 lesion=A"), ["pay", "deny lesion-one-removal"]),
        (("17311 lesion=A", "17281-59 lesion=A"), ["pay", "deny lesion-one-removal"]),
    ],
)
def test_lines_that_name_one_lesion_pay_one_removal_and_not_what_it_includes(
    derm: Snapshot, lines: tuple[str, ...], expected: list[str]
) -> None:
    """III-6 (one removal), III-7 (biopsy, closure, 0.5 cm), III-8 (Mohs), III-9 (flaps), III-14, III-15 (closure)."""
    assert made.said(derm, *lines) == expected


@pytest.mark.parametrize("denied", ["11102-59 lesion=A", "11300-59 lesion=A", "17000-59 lesion=A"])
def test_what_is_itself_included_in_an_excision_does_not_take_the_repair_along(derm: Snapshot, denied: str) -> None:
    """11602 keeps its intermediate repair (III-15); a biopsy, shave or destruction not paid includes nothing."""
    told = made.reasons(derm, "11602 lesion=A", denied, "12031-59 lesion=A", edit="same_lesion")
    assert [bool(reasons) for reasons in told] == [False, True, False]


@pytest.mark.parametrize("modifier", ["59", "XS", "XU", "58"])
@pytest.mark.parametrize("hcpcs", ["11102", "88331"])
def test_a_biopsy_for_diagnosis_and_its_frozen_section_are_paid_before_mohs(
    derm: Snapshot, hcpcs: str, modifier: str
) -> None:
    """III-8; the modifiers bypass 17311 > 11102 and > 88331."""
    told = made.said(derm, "17311 lesion=A", f"{hcpcs}-{modifier} lesion=A")
    assert told == ["pay", "review ptp-bypassed"]


@pytest.mark.parametrize("line", ["11102 lesion=A", "88331 lesion=A", "88305 lesion=A", "88305-59 lesion=A"])
def test_mohs_includes_biopsy_and_pathology_of_its_lesion(derm: Snapshot, line: str) -> None:
    """88300-88309 and 88329-88332 are the surgeon's own; only a frozen section before it is excused: III-8."""
    assert _dispositions(derm, "17311 lesion=A", line) == ["pay", "deny"]


# Single lines


@pytest.fixture(scope="module")
def statuses(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Return a release with one code for each status: 99900A has status A, and so on."""
    fees = [{"hcpcs": f"9990{status}", "status_code": status} for status in "ABCDEFGHIJMNPQRTX"]
    return made.sealed(Store(tmp_path_factory.mktemp("statuses")), "2026q3", fees)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("A", "pay"),
        ("B", "deny"),
        ("C", "review"),
        ("D", "deny"),
        ("E", "unknown"),
        ("F", "deny"),
        ("G", "deny"),
        ("H", "deny"),
        ("I", "deny"),
        ("J", "unknown"),
        ("M", "deny"),
        ("N", "deny"),
        ("P", "deny"),
        ("Q", "deny"),
        ("R", "review"),
        ("T", "pay"),
        ("X", "unknown"),
    ],
)
def test_each_status_code_decides(statuses: Snapshot, status: str, expected: str) -> None:
    """RVU25D, status codes. E and X are paid elsewhere or not at all: the fee schedule does not know."""
    assert _dispositions(statuses, f"9990{status}") == [expected]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("9990T",), ["pay"]),
        (("9990T", "9990T claim=d"), ["pay", "pay"]),
        (("9990T", "9990A"), ["deny injection-bundled", "pay"]),
        (("9990T", "9990A-26"), ["pay", "deny modifier-component"]),
        (("9990T", "9990B"), ["pay", "deny status-bundled"]),
        (("9990T", "9990A day=1"), ["pay", "pay"]),
        (("9990T", "9990A provider=q"), ["pay", "pay"]),
    ],
)
def test_status_t_is_paid_only_if_nothing_else_is(
    statuses: Snapshot, lines: tuple[str, ...], expected: list[str]
) -> None:
    """RVU25D, status T: no other service payable under the fee schedule, same date, same practitioner."""
    assert made.said(statuses, *lines) == expected


@pytest.mark.parametrize(
    ("indicator", "modifier", "value", "expected"),
    [
        ("pctc_indicator", "26", "0", "deny"),
        ("pctc_indicator", "26", "1", "pay"),
        ("pctc_indicator", "26", "2", "deny"),
        ("pctc_indicator", "26", "3", "deny"),
        ("pctc_indicator", "26", "4", "deny"),
        ("pctc_indicator", "26", "5", "deny"),
        ("pctc_indicator", "26", "6", "pay"),
        ("pctc_indicator", "TC", "0", "deny"),
        ("pctc_indicator", "TC", "1", "pay"),
        ("pctc_indicator", "TC", "2", "deny"),
        ("pctc_indicator", "TC", "3", "deny"),
        ("pctc_indicator", "TC", "4", "deny"),
        ("pctc_indicator", "TC", "5", "deny"),
        ("pctc_indicator", "TC", "6", "deny"),
        ("pctc_indicator", "TC", "8", "deny"),
        ("bilateral_surgery", "50", "0", "pay"),
        ("bilateral_surgery", "50", "1", "pay"),
        ("bilateral_surgery", "50", "2", "pay"),
        ("bilateral_surgery", "50", "3", "pay"),
        ("bilateral_surgery", "50", "9", "deny"),
        *(
            ("assistant_surgery", modifier, value, expected)
            for modifier in ("80", "81", "82", "AS")
            for value, expected in (("0", "review"), ("1", "deny"), ("2", "pay"), ("9", "deny"))
        ),
        ("co_surgery", "62", "0", "deny"),
        ("co_surgery", "62", "1", "review"),
        ("co_surgery", "62", "2", "pay"),
        ("co_surgery", "62", "9", "deny"),
        ("team_surgery", "66", "0", "deny"),
        ("team_surgery", "66", "1", "review"),
        ("team_surgery", "66", "2", "review"),
        ("team_surgery", "66", "9", "deny"),
    ],
)
def test_each_indicator_decides_on_its_modifier(
    store: Store, indicator: str, modifier: str, value: str, expected: str
) -> None:
    """RVU25D, under each indicator. Modifier 50 on indicator 0 or 2 changes the amount, it denies nothing."""
    fees = [{"hcpcs": "99911", "modifier": each, indicator: value} for each in ("", "26", "TC")]
    made_up = made.sealed(store, "2026q3", fees)
    assert _dispositions(made_up, f"99911-{modifier}") == [expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("17000-ZZ", "deny modifier-unknown"),
        ("17000-GC", "pay"),
        ("17000-25", "deny modifier-of-visits"),
        ("17000-24", "deny modifier-of-visits"),
        ("17000-57", "deny modifier-of-visits"),
        ("99213-58", "deny modifier-of-procedures"),
        ("99213-78", "deny modifier-of-procedures"),
        ("99213-79", "deny modifier-of-procedures"),
        ("99213-25", "pay"),
        ("10035-50", "pay"),
        ("10035-RT", "pay"),
        ("10035-50-RT", "deny modifier-sides"),
        ("17000x0", "deny units-below-one"),
        ("17000x-1", "deny units-below-one"),
    ],
)
def test_a_line_by_itself(derm: Snapshot, line: str, expected: str) -> None:
    """25, 24, 57: I-13, I-15; 58, 78, 79: I-12, I-16."""
    assert made.said(derm, line) == [expected]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("all", ["deny hcpcs-not-in-release", "pay"]),
        ("derm", ["unknown outside-the-excerpt", "review beside-the-excerpt"]),
    ],
)
def test_a_code_that_is_not_listed_is_denied_by_a_full_release_only(
    store: Store, scope: str, expected: list[str]
) -> None:
    """An excerpt cannot know, nor what the code does to another line; a release whose fee schedule is whole can."""
    release = made.sealed(store, "2026q3", ["17000"], scope=scope)
    assert made.said(release, "99999", "17000") == expected


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (("G2211", "99341"), "deny"),
        (("15777", "17000"), "pay"),
    ],
)
def test_an_excerpt_does_not_judge_an_add_on_whose_primary_it_cannot_know(
    derm: Snapshot, lines: tuple[str, str], wrong: str
) -> None:
    """AOC: 99341 is a primary of G2211, and 15777 has type 2; 99341 and CCCCC are outside the excerpt. I-35."""
    assert _dispositions(derm, *lines)[0] != wrong


@pytest.mark.parametrize("day", ["2026-06-30", "2026-10-01", "2025-08-01", "2027-08-01"])
def test_a_date_that_no_release_covers_is_unknown(derm: Snapshot, day: str) -> None:
    """Never clean, and no edit of another quarter speaks: 11104 > 11102 is CCMI 0."""
    told = made.reasons(derm, f"11104 on={day}", f"11102 on={day}", f"17003x99 on={day}")
    assert told == [{"no-release"}] * 3
    assert _dispositions(derm, f"11102 on={day}") == ["unknown"]


def test_a_date_between_two_releases_is_unknown(store: Store) -> None:
    two = [made.sealed(store, label, ["17000"]) for label in ("2025q4", "2026q3")]
    days = ("2025-12-31", "2026-01-01", "2026-06-30", "2026-07-01")
    assert _dispositions(two, *(f"17000 on={day}" for day in days)) == ["pay", "unknown", "unknown", "pay"]


def test_each_date_is_read_against_its_own_release(store: Store) -> None:
    """99911 is of status A in one quarter and N in the next."""
    fees = [("2026q2", {"hcpcs": "99911"}), ("2026q3", {"hcpcs": "99911", "status_code": "N"})]
    both = [made.sealed(store, label, [fee]) for label, fee in fees]
    assert made.said(both, "99911 on=2026-06-30", "99911 on=2026-07-01") == ["pay", "deny status-not-covered"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("96910", "pay"),
        ("96910 place=19", "deny incident-to-in-hospital"),
        ("96910 place=21", "deny incident-to-in-hospital"),
        ("96910 place=22", "deny incident-to-in-hospital"),
        ("17000 place=22", "pay"),
    ],
)
def test_pctc_5_is_not_paid_in_a_hospital(derm: Snapshot, line: str, expected: str) -> None:
    """RVU25D, PC/TC indicator 5: 96910 has it, 17000 has not."""
    assert made.said(derm, line) == [expected]


# What is said together


@pytest.mark.parametrize(
    ("lines", "found", "expected"),
    [
        (
            ("17004", "17003x14"),
            {"ptp-never", "mue-day-policy", "add-on-without-primary"},
            "deny ptp-never",
        ),
        (("11102", "17000-59x2"), {"ptp-bypassed", "mue-day-policy"}, "deny mue-day-policy"),
        (
            ("11102", "99213-25-ZZ"),
            {"modifier-unknown", "ptp-bypassed", "global-visit-documented"},
            "deny modifier-unknown",
        ),
        (("17000", "17003-25x14"), {"modifier-of-visits", "mue-day-policy"}, "deny modifier-of-visits"),
        (
            ("17000", "J7308x0"),
            {"units-below-one", "status-outside-fee-schedule"},
            "unknown status-outside-fee-schedule",
        ),
        (("17000", "11055-59"), {"ptp-bypassed", "status-restricted"}, "review status-restricted"),
    ],
)
def test_the_gravest_finding_decides_and_all_are_told(
    derm: Snapshot, lines: tuple[str, ...], found: set[str], expected: str
) -> None:
    """Unknown, deny, review, note; between equals the first of `reasons.toml`."""
    assert made.reasons(derm, *lines)[1] == found
    assert made.said(derm, *lines)[1] == expected


def test_a_line_without_finding_is_paid_and_nothing_decided_it(derm: Snapshot) -> None:
    told = made.outcome(derm, "17000").lines.select("disposition", "decided_by", "edit").rows()
    assert told == [("pay", None, None)]


def test_findings_name_lines_that_are_there(derm: Snapshot) -> None:
    """`row` and `partner` are rows of `lines`; a partner is another line of the same beneficiary."""
    told = made.outcome(derm, "11104", "11102", "17311x5", "17312", "17315", "99213 beneficiary=z")
    whose = dict(told.lines.select("row", "beneficiary").iter_rows())
    pairs = told.findings.filter(pl.col("partner").is_not_null()).select("row", "partner").rows()
    assert pairs
    assert all(row != partner and whose[row] == whose[partner] for row, partner in pairs)
