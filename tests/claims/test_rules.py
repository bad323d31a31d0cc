"""Rules beyond NCCI, on releases made of literals and on the embedded ones: what decides a line, and in whose name.

Sources stand with each table. "IOM" is the Medicare Claims Processing Manual (100-04); pages such as I-16 are those of
the Policy Manual of 2026; amounts are worked by hand from the fee schedule of July 2026 (factor 33.4009).
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import made_claims as made
import polars as pl
import pytest

from codeset.claims.adjudicate import adjudicate, compact_outcome
from codeset.claims.engine.code_set import code_set_of
from codeset.claims.outcome import outcome_frames
from codeset.participants import Participant
from codeset.snapshot import Snapshot
from codeset.store import Store

VISITS = ["99202", "99203", "99204", "99205", "99211", "99212", "99213", "99214", "99215", "99348"]
SURGERY = {"global_days": "010", "multiple_procedure": "2"}
FEES: list[str | dict[str, Any]] = [
    *VISITS,
    {"hcpcs": "G2211", "global_days": "ZZZ"},
    {"hcpcs": "G0559", "global_days": "ZZZ"},
    {"hcpcs": "G0439"},
    {"hcpcs": "G0008"},
    {"hcpcs": "G0473"},
    {"hcpcs": "99406"},
    {"hcpcs": "11102", "global_days": "000", "multiple_procedure": "2"},
    {"hcpcs": "11402", **SURGERY},
    {"hcpcs": "17000", **SURGERY},
    *({"hcpcs": code, "global_days": "000", "multiple_procedure": "2"} for code in ("17311", "17313")),
    {"hcpcs": "17312", "global_days": "ZZZ"},
    {"hcpcs": "14040", "global_days": "090", "multiple_procedure": "2"},
    {"hcpcs": "20610", "global_days": "000", "multiple_procedure": "2", "bilateral_surgery": "1"},
    {"hcpcs": "15271", "global_days": "000", "multiple_procedure": "2"},
    {"hcpcs": "Q4101", "global_days": "ZZZ", "pctc_indicator": "3"},
    {"hcpcs": "96910", "pctc_indicator": "5"},
    *({"hcpcs": "88305", "pctc_indicator": "1", "modifier": modifier} for modifier in ("", "26", "TC")),
    {"hcpcs": "J3301", "status_code": "E", "global_days": "XXX"},
    {"hcpcs": "99024", "status_code": "B", "global_days": "XXX"},
    {"hcpcs": "0001F", "status_code": "M"},
    {"hcpcs": "99243", "status_code": "I"},
    {"hcpcs": "99417", "status_code": "I", "global_days": "ZZZ"},
    {"hcpcs": "G0463", "status_code": "X"},
    {"hcpcs": "A4550", "status_code": "B"},
]
ADD_ON = [
    *(("G2211", visit, "2024-01-01", None, 1) for visit in VISITS[:-1]),
    ("G2211", "99348", "2026-01-01", None, 1),
    ("99417", "99205", "2021-01-01", None, 1),
    ("17312", "17311", "2007-01-01", None, 1),
]
MUE = [
    ("J3301", 16, 3),
    ("99203", 1, 2),
    ("99024", 1, 3),
    ("99243", 0, 3),
    ("A4550", 0, 2),
    ("G0463", 0, 3),
    ("99213", 2, 3),
    ("11402", 3, 3),
    ("17311", 4, 3),
]


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> list[Snapshot]:
    """Quarters of 2023 to 2026 with the same literal codes."""
    store = Store(tmp_path_factory.mktemp("rules"))
    labels = ("2023q1", "2023q3", "2023q4", "2024q2", "2025q4", "2026q1", "2026q3")
    return [made.sealed(store, label, FEES, add_on=ADD_ON, mue=MUE) for label in labels]


def decided(
    snapshots: Snapshot | Iterable[Snapshot], *texts: str, on: date = made.FIRST_DAY
) -> list[tuple[str, str | None, str | None]]:
    """Return of each line its disposition, and group and number of the denial code of the finding that decides."""
    outcome = adjudicate(
        made.claims(*texts, first=on), snapshots if isinstance(snapshots, Snapshot) else list(snapshots)
    )
    first = outcome_frames(outcome).findings.unique(["claim_id", "line"], keep="first", maintain_order=True)
    lines = outcome_frames(outcome).lines.sort("line").join(first, on=["claim_id", "line"], how="left")
    return [
        (row["disposition"], row["group_code"], row["carc"])
        if row["disposition"] in ("deny", "no_payment_due")
        else (row["disposition"], None, None)
        for row in lines.sort("line").iter_rows(named=True)
    ]


PAY, REVIEW, UNKNOWN = ("pay", None, None), ("review", None, None), ("unknown", None, None)
DOCUMENTED = ("pay_if_documented", None, None)


def deny(group: str, carc: str | None) -> tuple[str, str | None, str | None]:
    return ("deny", group, carc)


# Duplicates: IOM ch. 1, section 120; group OA, code 18: NGS, article 9213602


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("11402", "11402"), [PAY, deny("OA", "18")]),
        (("11402", "11402", "11402"), [PAY, deny("OA", "18"), deny("OA", "18")]),
        (("11402-LT", "11402-LT"), [PAY, deny("OA", "18")]),
        (("11402-LT-GC", "11402-GC-LT"), [PAY, deny("OA", "18")]),
        (("11402 claim=a", "11402 claim=b"), [PAY, deny("OA", "18")]),
        (("11402 claim=b", "11402 claim=a"), [deny("OA", "18"), PAY]),
        (("11402", "11402-59"), [PAY, DOCUMENTED]),
        (("11402-59", "11402"), [DOCUMENTED, PAY]),
        (("11402", "11402-76"), [PAY, DOCUMENTED]),
        (("11402", "11402-77"), [PAY, DOCUMENTED]),
        (("88305", "88305-91"), [PAY, DOCUMENTED]),
        (("11402", "11402-XS", "11402-XS"), [PAY, DOCUMENTED, DOCUMENTED]),
        (("11402", "11402 day=1"), [PAY, deny("CO", "97")]),
        (("96910", "96910 day=1"), [PAY, PAY]),
        (("11402", "11402 provider=q"), [PAY, PAY]),
        (("11402 beneficiary=a claim=a", "11402 beneficiary=b claim=b"), [PAY, PAY]),
        (("11402 place=11", "11402 place=22"), [PAY, REVIEW]),
        (("11402", "11402-GC"), [PAY, REVIEW]),
        (("11402", "11402x2"), [PAY, REVIEW]),
        (("88305-26", "88305-TC"), [PAY, PAY]),
        (("88305", "88305-26"), [PAY, REVIEW]),
        (("88305-TC", "88305"), [PAY, REVIEW]),
        (("88305", "88305-26 place=22"), [PAY, PAY]),
        (("88305", "88305-26-59"), [PAY, DOCUMENTED]),
        (("88305-26 provider=q", "88305"), [PAY, PAY]),
        (("14040", "14040-55"), [PAY, REVIEW]),
        (("14040-54", "14040-55"), [PAY, PAY]),
        (("20610-50", "20610-RT"), [PAY, REVIEW]),
        (("20610-LT", "20610-50"), [PAY, REVIEW]),
        (("20610-50", "20610-RT-59"), [PAY, DOCUMENTED]),
        (("20610-LT", "20610-RT"), [PAY, DOCUMENTED]),
        (("J3301x2", "J3301-JW"), [UNKNOWN, UNKNOWN]),
        (("J3301x17", "J3301-JW"), [deny("CO", "151"), deny("CO", "151")]),
        (("99213", "99213"), [PAY, deny("OA", "18")]),
    ],
)
def test_an_exact_duplicate_is_denied_and_a_suspect_one_is_for_the_contractor(
    releases: list[Snapshot], lines: tuple[str, ...], expected: list[Any]
) -> None:
    assert decided(releases, *lines) == expected


@pytest.mark.parametrize("lines", [("11402-LT-59", "11402-RT"), ("11402-RT", "11402-LT-59"), ("11402", "11402-59-RT")])
def test_what_tells_two_lines_apart_is_59_before_a_side(releases: list[Snapshot], lines: tuple[str, ...]) -> None:
    """A side of a code that has none tells nothing: the record must show what the 59 says."""
    findings = outcome_frames(adjudicate(made.claims(*lines), releases)).findings
    [finding] = findings.filter(edit="duplicate").iter_rows(named=True)
    assert (finding["detail"], finding["line"]) == ("59", 1 + ["59" in line for line in lines].index(True))


@pytest.mark.parametrize("lines", [("99213", "99213"), ("99213 claim=a", "99213 claim=b"), ("99203-25", "99203-25")])
def test_a_visit_billed_twice_is_not_said_to_be_of_another_lesion(
    releases: list[Snapshot], lines: tuple[str, ...]
) -> None:
    """IOM ch. 12, section 30.6.7.B: a second visit is for an unrelated problem that needed another encounter."""
    findings = outcome_frames(adjudicate(made.claims(*lines), releases)).findings.filter(edit="duplicate")
    assert findings["carc"].to_list() == ["18"]
    assert "lesion" not in findings["do"][0]
    assert "unrelated" in findings["do"][0]


def test_charges_tell_an_exact_duplicate_from_a_suspect_one(releases: list[Snapshot]) -> None:
    assert decided(releases, "11402 charge_cents=100", "11402 charge_cents=100") == [PAY, deny("OA", "18")]
    assert decided(releases, "11402 charge_cents=100", "11402 charge_cents=200") == [PAY, REVIEW]


def test_a_duplicate_does_not_count_toward_the_units_of_the_day(releases: list[Snapshot]) -> None:
    """Three units are the MUE of 11402: the duplicate is denied, and the three lines that remain are paid."""
    lines = ("11402", "11402-59", "11402-XS", "11402")
    assert decided(releases, *lines) == [PAY, DOCUMENTED, DOCUMENTED, deny("OA", "18")]


# Several days on one line: each day would be paid in full


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("11402x2 days=2", REVIEW),
        ("11402x2", PAY),
        ("11402 days=2", PAY),
        ("96910x2 days=2", PAY),
        ("99213x2 days=2", PAY),
    ],
)
def test_several_procedures_over_several_days_on_one_line_are_for_review(
    releases: list[Snapshot], line: str, expected: Any
) -> None:
    """Multiple Procedure 2 (layout): of one day the second is half, of two days both are whole."""
    assert decided(releases, line) == [expected]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("17311x2",), [REVIEW]),
        (("17313x3",), [REVIEW]),
        (("17311", "17312x2"), [PAY, PAY]),
        (("17311", "17311-59"), [PAY, DOCUMENTED]),
        (("17311x5",), [deny("CO", "151")]),
    ],
)
def test_units_of_a_first_stage_of_mohs_surgery_do_not_tell_tumors_apart(
    releases: list[Snapshot], lines: tuple[str, ...], expected: list[Any]
) -> None:
    """Each tumor has one first stage, further tumors lines with 59 or XS; five are beyond the MUE of 4 (MAI 3)."""
    assert decided(releases, *lines) == expected


# Two visits of a day: IOM ch. 12, sections 30.6.5 and 30.6.7.B


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("99213", "99212"), [PAY, deny("CO", "B14")]),
        (("99212", "99213-25"), [PAY, REVIEW]),
        (("99213", "99213-25"), [PAY, REVIEW]),
        (("99213 group=g specialty=07", "99212 provider=q group=g specialty=07"), [PAY, deny("CO", "B14")]),
        (("99213 group=g specialty=07", "99214 provider=q group=g specialty=11"), [PAY, PAY]),
        (("99213", "99212 day=1"), [PAY, PAY]),
        (("99213", "G2211"), [PAY, PAY]),
        (("99213-25", "G0439"), [PAY, PAY]),
        (("99213x2",), [REVIEW]),
        (("99213x2 days=2",), [PAY]),
        (("99213x2", "99212"), [REVIEW, deny("CO", "B14")]),
        (("G2211", "99213x1"), [PAY, PAY]),
        (("G2211x2", "99213"), [REVIEW, PAY]),
    ],
)
def test_one_visit_is_paid_a_day(releases: list[Snapshot], lines: tuple[str, ...], expected: list[Any]) -> None:
    assert decided(releases, *lines) == expected


# New patients: IOM ch. 12, section 30.6.7.A; two on one day: section 30.6.5
IN_GROUP = "group=g specialty=07"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("99213 on=2023-08-03", "99203 on=2026-08-03"), [PAY, deny("CO", "B16")]),
        (("99213 on=2023-08-02", "99203 on=2026-08-03"), [PAY, PAY]),
        (("11102 on=2024-05-10", "99203 on=2026-08-03"), [PAY, deny("CO", "B16")]),
        (("99203 on=2026-07-06", "99203 on=2026-08-10"), [PAY, deny("CO", "B16")]),
        (("99203 on=2026-07-06", "99204 on=2026-08-10 provider=q"), [PAY, PAY]),
        (("88305-26 on=2025-10-02", "99203 on=2026-08-03"), [PAY, PAY]),
        (("J3301 on=2025-10-02", "99203 on=2026-08-03"), [UNKNOWN, PAY]),
        (("96910 on=2025-10-02", "99203 on=2026-08-03"), [PAY, REVIEW]),
        (("99213-GZ on=2025-10-02", "99203 on=2026-08-03"), [deny("CO", "50"), deny("CO", "B16")]),
        (("11102 on=2026-08-03", "99203-25 on=2026-08-03"), [PAY, DOCUMENTED]),
        (("99203", "99203-25"), [PAY, deny("CO", "B16")]),
        ((f"99203-25 claim=a {IN_GROUP}", f"99203 claim=b provider=q {IN_GROUP}"), [PAY, deny("CO", "B16")]),
        (("99203 on=2026-08-03", "99213 on=2026-08-10"), [PAY, PAY]),
    ],
)
def test_a_new_patient_was_not_seen_for_three_years(
    releases: list[Snapshot], lines: tuple[str, ...], expected: list[Any]
) -> None:
    assert decided(releases, *lines) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((f"11102 on=2025-10-02 {IN_GROUP}", "99203 on=2026-08-03 group=h specialty=07"), [PAY, deny("CO", "B16")]),
        ((f"11102 on=2025-10-02 {IN_GROUP}", "99203 on=2026-08-03"), [PAY, deny("CO", "B16")]),
        (("11102 on=2025-10-02", f"99203 on=2026-08-03 {IN_GROUP}"), [PAY, deny("CO", "B16")]),
        ((f"11102 on=2025-10-02 {IN_GROUP}", "99203 on=2026-08-03 provider=q group=h specialty=07"), [PAY, PAY]),
        ((f"88305-26 on=2025-10-02 {IN_GROUP}", "99203 on=2026-08-03 group=h specialty=07"), [PAY, PAY]),
        ((f"11102 on=2023-08-02 {IN_GROUP}", "99203 on=2026-08-03 group=h specialty=07"), [PAY, PAY]),
        ((f"11102 on=2023-08-03 {IN_GROUP}", "99203 on=2026-08-03 group=h specialty=07"), [PAY, deny("CO", "B16")]),
        (
            (f"11102 on=2025-10-02 {IN_GROUP} beneficiary=o claim=o", "99203 on=2026-08-03 group=h specialty=07"),
            [PAY, PAY],
        ),
    ],
)
def test_who_changes_groups_knows_the_patients_seen_before(
    releases: list[Snapshot], lines: tuple[str, ...], expected: list[Any]
) -> None:
    """NGS: a colleague in the new group does not."""
    assert sorted(map(str, decided(releases, *lines))) == sorted(map(str, expected))


# Practitioners who are no physicians enroll under specialties of their own (50, 89, 97): CPT takes them to be of the
# physician's, Medicare's enrollment does not say it.
NURSE, ASSISTANT = "provider=n group=g specialty=50", "provider=a group=g specialty=97"
PHYSICIAN, INTERNIST = "group=g specialty=07", "provider=i group=g specialty=11"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((f"99213 on=2025-10-02 {PHYSICIAN}", f"99203 on=2026-08-03 {NURSE}"), [PAY, REVIEW]),
        ((f"99213 on=2025-10-02 {NURSE}", f"99203 on=2026-08-03 {PHYSICIAN}"), [PAY, REVIEW]),
        ((f"11102 on=2025-10-02 {NURSE}", f"99203 on=2026-08-03 {ASSISTANT}"), [PAY, REVIEW]),
        ((f"96910 on=2025-10-02 {PHYSICIAN}", f"99203 on=2026-08-03 {NURSE}"), [PAY, REVIEW]),
        ((f"99203 on=2026-08-03 {PHYSICIAN}", f"99203 on=2026-08-10 {NURSE}"), [PAY, REVIEW]),
        ((f"99203 on=2026-08-10 {PHYSICIAN}", f"99203 on=2026-08-03 {NURSE}"), [REVIEW, PAY]),
        ((f"99213 on=2025-10-02 {PHYSICIAN}", f"99213 on=2026-08-03 {NURSE}"), [PAY, PAY]),
        ((f"99213 on=2025-10-02 {PHYSICIAN}", f"99203 on=2026-08-03 {INTERNIST}"), [PAY, PAY]),
        ((f"99213 on=2025-10-02 {PHYSICIAN}", "99203 on=2026-08-03 provider=n group=h specialty=50"), [PAY, PAY]),
        ((f"99213 on=2025-10-02 {PHYSICIAN}", "99203 on=2026-08-03 provider=n specialty=50"), [PAY, PAY]),
        ((f"99213 on=2023-08-02 {PHYSICIAN}", f"99203 on=2026-08-03 {NURSE}"), [PAY, PAY]),
        ((f"99213 on=2023-08-03 {PHYSICIAN}", f"99203 on=2026-08-03 {NURSE}"), [PAY, REVIEW]),
        ((f"88305-26 on=2025-10-02 {PHYSICIAN}", f"99203 on=2026-08-03 {NURSE}"), [PAY, PAY]),
        ((f"99213 on=2025-10-02 {NURSE}", f"99203 on=2026-08-03 {NURSE}"), [PAY, deny("CO", "B16")]),
        # On one day: a second visit is another one; who performed the procedure of the visit says nothing.
        ((f"99203 {PHYSICIAN}", f"99203 {NURSE}"), [PAY, REVIEW]),
        ((f"99203 {NURSE}", f"99213 {PHYSICIAN}"), [PAY, PAY]),
        ((f"99213 {NURSE}", f"99203 {PHYSICIAN}"), [PAY, REVIEW]),
        ((f"11102 {NURSE}", f"99203 {PHYSICIAN}"), [PAY, PAY]),
        ((f"99203 {PHYSICIAN}", f"11102 {NURSE}"), [PAY, PAY]),
        ((f"99203 {PHYSICIAN}", f"99203 {INTERNIST}"), [PAY, PAY]),
    ],
)
def test_a_practitioner_who_is_no_physician_leaves_in_doubt_who_is_a_new_patient(
    releases: list[Snapshot], lines: tuple[str, ...], expected: list[Any]
) -> None:
    assert decided(releases, *lines) == expected


# NGS, FAQ on E/M services: care after surgery is payable to no member of the surgeon's group; IOM ch. 12, sections
# 30.6.5 and 40.1: the period is that of a physician, or group and specialty. 11402 is 010, 14040 090.
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((f"11402 {PHYSICIAN}", f"99213 day=10 {NURSE}"), REVIEW),
        ((f"11402 {PHYSICIAN}", f"99213 day=11 {NURSE}"), PAY),
        ((f"11402 {PHYSICIAN}", f"99213-24 day=10 {NURSE}"), DOCUMENTED),
        ((f"11402 {NURSE}", f"99213 day=3 {PHYSICIAN}"), REVIEW),
        ((f"11402 {NURSE}", f"99213 day=3 {ASSISTANT}"), REVIEW),
        ((f"14040 {PHYSICIAN}", f"99213 day=90 {ASSISTANT}"), REVIEW),
        ((f"14040 {PHYSICIAN}", f"99213 day=91 {ASSISTANT}"), PAY),
        ((f"11102 {PHYSICIAN}", f"99213 day=1 {NURSE}"), PAY),
        ((f"11402 {PHYSICIAN}", f"99213 {NURSE}"), PAY),
        ((f"11402 {PHYSICIAN}", f"99213 day=3 {INTERNIST}"), PAY),
        ((f"11402 {PHYSICIAN}", "99213 day=3 provider=n group=h specialty=50"), PAY),
        ((f"11402 {PHYSICIAN}", "99213 day=3 provider=n specialty=50"), PAY),
        ((f"11402-55 {PHYSICIAN}", f"99213 day=3 {NURSE}"), PAY),
        ((f"11402 {PHYSICIAN}", f"88305 day=3 {NURSE}"), PAY),
        ((f"11402 {PHYSICIAN}", f"99213 day=3 beneficiary=o claim=o {NURSE}"), PAY),
        ((f"11402 {PHYSICIAN}", f"99213-GZ day=3 {NURSE}"), deny("CO", "50")),
    ],
)
def test_a_visit_after_the_groups_surgery_by_one_who_is_no_physician_is_for_review(
    releases: list[Snapshot], lines: tuple[str, ...], expected: Any
) -> None:
    assert expected in decided(releases, *lines)
    assert len([found for found in decided(releases, *lines) if found[0] not in ("pay", expected[0])]) == 0


@pytest.mark.parametrize("deduplicate", [True, False])
def test_the_groups_surgery_is_that_of_the_same_beneficiary(releases: list[Snapshot], deduplicate: bool) -> None:
    """Compared and adjudicated once for all like them, or every line by itself."""
    texts = [
        text.format(number=number, code=code)
        for number, code in enumerate(("11402", "17000", "11402"))
        for text in (
            f"{{code}} beneficiary=b{{number}} claim=a{{number}} {PHYSICIAN}",
            f"99213 day=5 beneficiary=b{{number}} claim=c{{number}} {NURSE}",
        )
    ]
    frame = made.claims(*texts)
    code_set = code_set_of(releases, frame["hcpcs"].unique())
    findings = outcome_frames(compact_outcome(frame, code_set, deduplicate=deduplicate).outcome()).findings
    found = findings.sort("claim_id").select("claim_id", "partner_claim_id", "column_one").rows()
    assert found == [("c0", "a0", "11402"), ("c1", "a1", "17000"), ("c2", "a2", "11402")]


def test_the_service_that_leaves_a_new_patient_in_doubt_is_the_latest_of_that_beneficiary(
    releases: list[Snapshot],
) -> None:
    """Compared and adjudicated once for all like them, or every line by itself."""
    texts = [
        text.format(number=number)
        for number in range(3)
        for text in (
            f"99213 on=2025-10-02 beneficiary=b{{number}} claim=a{{number}} {PHYSICIAN}",
            f"99213 on=2025-10-06 beneficiary=b{{number}} claim=b{{number}} {PHYSICIAN}",
            f"99203 on=2026-08-03 beneficiary=b{{number}} claim=c{{number}} {NURSE}",
        )
    ]
    frame = made.claims(*texts)
    code_set = code_set_of(releases, frame["hcpcs"].unique())
    for deduplicate in (True, False):
        findings = outcome_frames(compact_outcome(frame, code_set, deduplicate=deduplicate).outcome()).findings
        doubtful = findings.filter(pl.col("reason") == "new-patient-of-other-specialty").sort("claim_id")
        partners = dict(doubtful.select("claim_id", "partner_claim_id").iter_rows())
        assert partners == {"c0": "b0", "c1": "b1", "c2": "b2"}


# Order of modifiers: CIGNA Government Services, Part B, Pricing Modifiers Reminder, June 22, 2005: 26 before GA


@pytest.mark.parametrize(
    ("line", "late"),
    [
        ("88305-GA-26", "26"),
        ("88305-26-GA", None),
        ("88305-26", None),
        ("11402-RT-52", "52"),
        ("11402-52-RT", None),
        ("11402-GC-22-52", "22"),
        ("11402-59-52", None),
        ("11402-RT-59", None),
        ("99213-GC-25", None),
        ("88305-GZ-26", None),
    ],
)
def test_a_modifier_that_sets_the_amount_comes_before_those_that_inform(
    releases: list[Snapshot], line: str, late: str | None
) -> None:
    """Nothing is said of the order on a line that is denied."""
    findings = outcome_frames(adjudicate(made.claims(line), releases)).findings
    said = findings.filter(pl.col("reason") == "modifier-order")
    assert said["says"].to_list() == (
        [f"Modifier {late} sets the amount, and follows one that only informs."] if late else []
    )


def test_the_order_of_modifiers_changes_no_payment(releases: list[Snapshot]) -> None:
    assert decided(releases, "88305-GA-26 day=0", "88305-26-GA day=1") == [PAY, PAY]


# G2211: CR 13272 and CR 13705; add-on edits of CMS


@pytest.mark.parametrize(
    ("on", "lines", "expected"),
    [
        ("2024-06-03", ("99213", "G2211"), PAY),
        ("2024-06-03", ("99213-25", "G2211", "11102"), deny("CO", None)),
        ("2024-06-03", ("99213-25", "G2211", "G0439"), deny("CO", None)),
        ("2025-12-31", ("99213-25", "G2211", "11102"), deny("CO", None)),
        ("2025-12-31", ("99213-25", "G2211", "G0439"), PAY),
        ("2025-12-31", ("99213-25", "G2211", "G0008"), PAY),
        ("2025-12-31", ("99213-25", "G2211", "88305"), deny("CO", None)),
        ("2025-12-31", ("99213-25", "G2211", "J3301"), deny("CO", None)),
        ("2025-12-31", ("99213-25", "G2211"), deny("CO", None)),
        ("2025-12-31", ("99213-25", "G2211", "G0473"), REVIEW),
        ("2025-12-31", ("99213-25", "G2211", "99406"), REVIEW),  # counseling to prevent tobacco use is a Part B service
        ("2025-12-31", ("99213-25", "G2211", "G0439 day=1"), deny("CO", None)),
        ("2025-12-31", ("99348", "G2211"), deny("CO", "B15")),
        ("2026-01-01", ("99348", "G2211"), PAY),
        ("2026-08-05", ("99213-25", "G2211", "G0439"), PAY),
    ],
)
def test_g2211_beside_25_is_paid_with_a_preventive_service_since_2025(
    releases: list[Snapshot], on: str, lines: tuple[str, ...], expected: Any
) -> None:
    assert decided(releases, *lines, on=date.fromisoformat(on))[1] == expected


# Add-on codes by nature: record layout, Global Surgery ZZZ; G0559: HCPCS file, 2025


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("G0559",), [deny("CO", "B15")]),
        (("11102", "G0559"), [PAY, deny("CO", "B15")]),
        (("14040 provider=x", "99213 day=10", "G0559 day=10"), [PAY, PAY, PAY]),
        (("99213", "G0559"), [PAY, UNKNOWN]),
        (("14040", "99213-24 day=10", "G0559 day=10"), [PAY, DOCUMENTED, deny("CO", "B15")]),
        (
            (
                "14040 provider=x group=g specialty=07",
                "99213 group=g specialty=11 day=10",
                "G0559 group=g specialty=11 day=10",
            ),
            [PAY, PAY, deny("CO", "B15")],
        ),
        (("14040 provider=x", "99213 day=91", "G0559 day=91"), [PAY, PAY, UNKNOWN]),
        (("Q4101",), [deny("CO", "B15")]),
        (("99213", "Q4101"), [PAY, deny("CO", "B15")]),
        (("15271", "Q4101"), [PAY, PAY]),
        (("15271-GZ", "Q4101"), [deny("CO", "50"), deny("CO", "B15")]),
    ],
)
def test_an_add_on_by_nature_is_not_paid_alone(
    releases: list[Snapshot], lines: tuple[str, ...], expected: list[Any]
) -> None:
    assert decided(releases, *lines) == expected


# Modifiers of coverage: CR 7228, CR 6563, IOM ch. 23, section 20.9.1.1; 59 on a visit: I-16


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("11402-GZ", deny("CO", "50")),
        ("11402-GY", deny("PR", "96")),
        ("11402-GX", deny("PR", "96")),
        ("11402-GX-GY", deny("PR", "96")),
        ("11402-GA", PAY),
        ("11402-GA-GZ", deny("CO", "16")),
        ("11402-GX-GA", deny("CO", "16")),
        ("11402-GX-GZ", deny("CO", "16")),
        ("11402-GY-GZ", deny("CO", "16")),
        ("J3301-GZ", deny("CO", "50")),
        ("J3301x17-GA", deny("CO", "151")),
        ("99213-GC", PAY),
        ("99213-GE", PAY),
        ("99213-FS", PAY),
        ("11402-QW", PAY),
        ("11402-ZZ", deny("CO", "4")),
        ("11402-JG on=2024-04-01", PAY),
        ("11402-JG on=2025-10-01", deny("CO", "4")),
        ("11402-JZ on=2023-01-01", PAY),
        ("11402-SA", PAY),
        ("99213-59", deny("CO", "4")),
        ("99213-XU", deny("CO", "4")),
        ("99213-25-59", PAY),
    ],
)
def test_modifiers_of_coverage_and_those_that_do_nothing(releases: list[Snapshot], line: str, expected: Any) -> None:
    match = line.replace("x17-GA", "-GAx17")
    assert decided(releases, match)[0] == expected


# Places of service: IOM ch. 26, section 10.5; CR 13314, CR 13582, CR 12427


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("11402 place=30", deny("CO", "16")),
        ("11402 place=06", deny("CO", "16")),
        ("11402 place=98", deny("CO", "16")),
        ("11402 place=27 on=2023-09-30", deny("CO", "16")),
        ("11402 place=27 on=2023-10-01", PAY),
        ("99213 place=10", UNKNOWN),
        ("99213 place=02", UNKNOWN),
        ("99213-95", UNKNOWN),
        ("99213-93 place=10", UNKNOWN),
        ("99213-GT place=02", UNKNOWN),
        ("99213-GQ place=02", UNKNOWN),
        ("11402 place=10", deny("CO", "5")),
        ("14040 place=02", deny("CO", "5")),
    ],
)
def test_places_of_service(releases: list[Snapshot], line: str, expected: Any) -> None:
    assert decided(releases, line)[0] == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("11402-QQ", PAY),
        ("11402-QQ on=2026-08-15", PAY),
        ("11402-QQ on=2026-08-16", deny("CO", "4")),
        ("11402-GC", deny("CO", "4")),
        ("11402-GC on=2026-06-30", PAY),
        ("11402-QQ on=2026-06-30", deny("CO", "4")),
        ("11402-22 on=2026-08-16", REVIEW),
        ("11402-LM on=2026-08-16", deny("CO", "4")),
    ],
)
def test_level_two_modifiers_are_those_of_the_release(
    tmp_path_factory: pytest.TempPathFactory, line: str, expected: Any
) -> None:
    """2026q3 has a made-up table of one modifier that ends on 2026-08-15; 2026q2 has none, and CMS's file decides."""
    store = Store(tmp_path_factory.mktemp("modifiers"))
    until = ("QQ", None, None, None, date(2026, 7, 1), date(2026, 8, 15))
    snapshots = [
        made.sealed(store, "2026q2", FEES, add_on=ADD_ON, mue=MUE),
        made.sealed(store, "2026q3", FEES, add_on=ADD_ON, mue=MUE, modifier=[until]),
    ]
    assert decided(snapshots, line)[0] == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("99213 place=10", PAY),
        ("99213 place=02", PAY),
        ("99213-95", PAY),
        ("99213-GQ place=02", PAY),
        ("99214 place=10", deny("CO", "96")),
        ("99214-95", deny("CO", "96")),
        ("99214", PAY),
        ("11402 place=10", deny("CO", "5")),
        ("14040 place=02", PAY),
        ("99213 place=10 on=2026-06-30", UNKNOWN),
        ("99214 place=10 on=2026-06-30", UNKNOWN),
    ],
)
def test_the_telehealth_list_of_a_release_decides(
    tmp_path_factory: pytest.TempPathFactory, line: str, expected: Any
) -> None:
    """CR 13582; the lists are made up: 2026q3 has one with 99213 and a procedure, 2026q2 has none."""
    store = Store(tmp_path_factory.mktemp("telehealth"))
    listed = [("99213", None, None), ("14040", None, None)]
    snapshots = [
        made.sealed(store, "2026q2", FEES, add_on=ADD_ON, mue=MUE),
        made.sealed(store, "2026q3", FEES, add_on=ADD_ON, mue=MUE, telehealth=listed),
    ]
    assert decided(snapshots, line)[0] == expected


# Components in a facility: record layout, PC/TC Indicator; IOM ch. 12, section 20.4.2


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("88305 place=22", "deny"),
        ("88305-TC place=19", "deny"),
        ("88305 place=21", "deny"),
        ("88305 place=23", "deny"),
        ("88305-26 place=22", "pay"),
        ("88305 place=24", "review"),
        ("88305 place=11", "pay"),
        ("96910 place=22", "deny"),
        ("96910 place=24", "pay"),
        ("11102-26 place=22", "deny"),
    ],
)
def test_components_in_a_facility(releases: list[Snapshot], line: str, expected: str) -> None:
    assert decided(releases, line)[0][0] == expected


# Findings as a coder reads them


def test_a_certain_denial_outranks_what_is_unknown(releases: list[Snapshot]) -> None:
    assert decided(releases, "J3301x17") == [deny("CO", "151")]
    assert decided(releases, "J3301x16") == [UNKNOWN]


@pytest.mark.parametrize("code", ["99024", "99024x2", "99024-24", "0001F"])
def test_a_reporting_code_is_no_denial(releases: list[Snapshot], code: str) -> None:
    assert decided(releases, code)[0][0] == "no_payment_due"


@pytest.mark.parametrize(
    ("code", "edit"), [("99243", "validity"), ("A4550", "validity"), ("99417", "validity"), ("G0463", "mue")]
)
def test_a_code_that_is_never_paid_to_practitioners_has_one_finding(
    releases: list[Snapshot], code: str, edit: str
) -> None:
    """Not valid for Medicare, bundled, MUE 0: what is billed beside it, and another fee schedule, change nothing."""
    outcome = adjudicate(made.claims(code), releases)
    [finding] = outcome_frames(outcome).findings.iter_rows(named=True)
    assert finding["edit"] == edit
    assert "appeal" not in finding["do"]


@pytest.mark.parametrize(
    "lines",
    [
        ("99213-57", "11102"),
        ("99213-25-GZ", "11102"),
        ("11402", "11402-59-GZ"),
        ("11402", "11402-59x3"),
        ("11402", "11402-59 charge_cents=0"),
    ],
)
def test_a_line_without_payment_is_not_said_to_be_paid(releases: list[Snapshot], lines: tuple[str, ...]) -> None:
    frames = outcome_frames(adjudicate(made.claims(*lines), releases))
    denied = frames.findings.join(
        frames.lines.filter(pl.col("disposition").is_in(["deny", "no_payment_due"])), on=["claim_id", "line"]
    )
    assert denied.height > 0
    assert not denied["says"].str.contains("is paid because|paid in the period").any()
    assert not denied["severity"].is_in(["documented", "note"]).any()


def test_nothing_is_paid_with_nothing(releases: list[Snapshot]) -> None:
    lines = ("11402-RT", "11402-LT", "14040 charge_cents=0", "99024", "11402-59")
    found = outcome_frames(
        adjudicate(
            made.claims(*lines),
            releases,
        )
    ).lines
    paid = found.filter(pl.col("disposition").is_in(["pay", "pay_if_documented"]))
    assert (paid["allowed_cents"].fill_null(1) > 0).all()


# Mohs surgery: Policy Manual, p. III-8; LCDs L35494, L34961


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("17311", PAY),
        ("17311 specialty=07", PAY),
        ("17311 specialty=50", REVIEW),
        ("17311 specialty=97", REVIEW),
        ("17311 specialty=363AM0700X", REVIEW),
        ("17311-GZ specialty=50", deny("CO", "50")),
        ("17000 specialty=50", PAY),
    ],
)
def test_mohs_surgery_is_a_physicians(derm: Snapshot, line: str, expected: Any) -> None:
    assert decided(derm, line)[0] == expected


# Who: 42 CFR 414.56; IOM ch. 12, sections 110 and 120


@pytest.fixture(scope="module")
def derm(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return made.embedded("2026q3", Path(tmp_path_factory.mktemp("who")))


@pytest.mark.parametrize(
    ("lines", "cents"),
    [
        (("99213",), [9519]),
        (("99213 specialty=07",), [9519]),
        (("99213 specialty=50",), [8091]),
        (("99213 specialty=89",), [8091]),
        (("99213 specialty=363LF0000X",), [8091]),
        (("11102 specialty=97", "17000-59 specialty=97"), [8120, 2825]),
        (("99213 place=02",), [5745]),
        (("99213 place=10",), [9519]),
        (("88305-26 place=22",), [3507]),
    ],
)
def test_amounts_by_practitioner_and_place(derm: Snapshot, lines: tuple[str, ...], cents: list[int]) -> None:
    """RULES.md, sections 8, 10, and 11: worked from 2.85, 2.86, 1.99, 1.72 and 1.05 RVUs."""
    outcome = adjudicate(made.claims(*lines), derm, participant=Participant.NON_QP)
    assert outcome_frames(outcome).lines.sort("line")["allowed_cents"].to_list() == cents
