"""Edits of diagnoses: expected values from CDC's and CMS's editions, the conversion table and the guidelines."""

from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import made_claims as made
import polars as pl
import pytest

from codeset.claims.adjudicate import compact_outcome
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.outcome import outcome_frames
from codeset.snapshot import Snapshot
from codeset.store import Store

FEES = ["11102", "11200", "11402", "11602", "17000", "17110", "17262", "17311", "96912", "99213"]
SPLIT = ["L6610", "L6611", "L6612", "L6619"]
SAME = [
    *(("C44", False, None), ("C444", False, "C44"), ("C4441", True, "C444"), ("C449", False, "C44")),
    *(("C4490", True, "C449"), ("L57", False, None), ("L570", True, "L57"), ("L66", False, None)),
    *(("L82", False, None), ("L821", True, "L82"), ("Z41", False, None), ("Z411", True, "Z41")),
    *(("L40", False, None), ("L400", True, "L40"), ("L99", True, None), ("W57", False, None), ("W57XXXA", True, "W57")),
    ("L98", False, None),
]
"""Of FY2024, FY2025 and FY2026 alike: code, billable, parent."""

BEFORE = [*SAME, ("L661", True, "L66")]
FY2025 = [*SAME, ("L661", False, "L66"), *((code, True, "L661") for code in SPLIT)]
FY2026 = [
    *FY2025,
    ("L98A", False, "L98"),
    ("L98A1", False, "L98A"),
    ("L98A11", False, "L98A1"),
    ("L98A111", True, "L98A11"),
]


@pytest.fixture(scope="module")
def quarters(tmp_path_factory: pytest.TempPathFactory) -> list[Snapshot]:
    store = Store(tmp_path_factory.mktemp("store"))
    editions = {"2024q3": BEFORE, "2024q4": FY2025, "2025q3": FY2025, "2025q4": FY2026, "2026q3": FY2026}
    return [made.sealed(store, label, FEES, diagnosis=codes) for label, codes in editions.items()]


def told(snapshots: list[Snapshot], text: str) -> list[tuple[str, str | None]]:
    """Reason and detail of each finding of one line."""
    findings = outcome_frames(made.outcome(snapshots, text)).findings
    return findings.select("reason", "detail").rows()


@pytest.mark.parametrize(
    ("day", "diagnosis", "findings"),
    [
        ("2024-09-30", "L66.1", []),
        ("2024-10-01", "L66.1", [("diagnosis-no-longer-valid", "L66.1: L66.10, L66.11, L66.12, L66.19")]),
        ("2024-10-01", "L66.11", []),
        ("2024-09-30", "L66.11", [("diagnosis-not-yet-valid", "L66.11: 2024-10-01")]),
        ("2025-09-30", "L98.A111", [("diagnosis-not-yet-valid", "L98.A111: 2025-10-01")]),
        ("2025-10-01", "L98.A111", []),
        ("2025-10-01", "L98A111", []),
        ("2025-10-01", "L98.A1", [("diagnosis-header", "L98.A1: L98.A111")]),
        ("2025-10-01", "L99.ZZ", [("diagnosis-not-a-code", "L99.ZZ")]),
        ("2025-10-01", "C44.41,L66.10", []),
        ("2025-10-01", "C44.41,L66", [("diagnosis-header", "L66: L66.10, L66.11, L66.12, L66.19")]),
    ],
)
def test_a_diagnosis_is_valid_by_the_edition_in_force_on_its_date(
    quarters: list[Snapshot], day: str, diagnosis: str, findings: list[tuple[str, str]]
) -> None:
    assert told(quarters, f"11102 on={day} diagnoses={diagnosis}") == findings


def test_a_conversion_table_names_what_replaced_a_code(tmp_path: Path) -> None:
    replaced = [("L661", code, date(2024, 10, 1)) for code in SPLIT]
    only = made.sealed(Store(tmp_path), "2026q3", FEES, diagnosis=FY2026, diagnosis_replacement=replaced)
    assert told([only], "11102 diagnoses=L66.1") == [
        ("diagnosis-no-longer-valid", "L66.1: L66.10, L66.11, L66.12, L66.19")
    ]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("17110 diagnoses=C44.41", "review diagnosis-not-benign"),
        ("11402 diagnoses=C44.41", "review diagnosis-not-benign"),
        ("11602 diagnoses=L82.1", "review diagnosis-not-malignant"),
        ("11602 diagnoses=C44.41", "pay"),
        ("11602 diagnoses=L82.1,C44.41", "pay"),
        ("17262 diagnoses=L57.0", "review diagnosis-not-malignant"),
        ("17311 diagnoses=L82.1", "review diagnosis-not-malignant"),
        ("17110 diagnoses=L82.1", "pay"),
        ("17110 diagnoses=L57.0", "review diagnosis-premalignant-on-benign"),
        ("17000 diagnoses=L82.1", "review diagnosis-not-premalignant"),
        ("17000 diagnoses=L57.0", "pay coverage-ncd-keratoses"),
        ("17000 diagnoses=Z41.1", "deny diagnosis-cosmetic"),
        ("11200 diagnoses=Z41.1", "deny diagnosis-cosmetic"),
        ("99213 diagnoses=Z41.1", "deny diagnosis-cosmetic"),
        ("11200 diagnoses=Z41.1,L82.1", "review diagnosis-cosmetic-beside-other"),
        ("96912 diagnoses=L40.0", "pay_if_documented coverage-ncd-puva"),
        ("99213 diagnoses=W57.XXXA", "deny diagnosis-external-cause-first"),
        ("99213 diagnoses=L82.1,W57.XXXA", "pay"),
        ("99213 diagnoses=L99", "deny diagnosis-manifestation-first"),
        ("99213 diagnoses=L40.0,L99", "pay"),
        ("99213 diagnoses=C44.90", "pay diagnosis-unspecified"),
        ("17000", "pay"),
    ],
)
def test_diagnoses_fit_the_service(quarters: list[Snapshot], line: str, answer: str) -> None:
    [row] = made.outcome(quarters, line).lines.iter_rows(named=True)
    assert " ".join(filter(None, (row["disposition"], row["decided_by"]))) == answer


def test_the_patient_owes_what_is_cosmetic(quarters: list[Snapshot]) -> None:
    findings = outcome_frames(made.outcome(quarters, "17000 diagnoses=Z41.1")).findings
    assert findings.select("group_code", "carc", "rarc").rows() == [("PR", "96", "N383")]


@pytest.mark.parametrize(
    ("excluded", "diagnoses", "answer"),
    [
        ("L57", "L82.1,L57.0", "review diagnosis-excluded"),
        ("L57", "L57.0,L82.1", "review diagnosis-excluded"),
        ("L50-L60", "L57.0,L82.1", "review diagnosis-excluded"),
        ("L57", "L82.1,C44.41", "pay"),
    ],
)
def test_an_excludes1_note_is_for_review(tmp_path: Path, excluded: str, diagnoses: str, answer: str) -> None:
    snapshot = made.sealed(
        Store(tmp_path), "2026q3", FEES, diagnosis=FY2026, excludes=[("L82", excluded, 1), ("C44", "L82", 2)]
    )
    assert made.said([snapshot], f"99213 diagnoses={diagnoses}") == [answer]


@pytest.mark.parametrize(
    ("lines", "details"),
    [
        (["99213 diagnoses=L82.1", "17000 diagnoses=L57.0"], ["L82.1 and L57.0"] * 2),
        (["99213 diagnoses=L82.1", "17000 diagnoses=L57.0", "11402 diagnoses=C44.41"], ["L82.1 and L57.0"] * 2),
        (["99213 diagnoses=L82.1", "17000 claim=d diagnoses=L57.0"], []),
        (["99213 diagnoses=L82.1", "17000 day=1 diagnoses=L57.0"], []),
        (["99213 diagnoses=L82.1 diagnoses_of_claim=L82.1,L57.0", "11402 diagnoses=C44.41"], ["L82.1 and L57.0"]),
        (["99213 diagnoses=C44.41 diagnoses_of_claim=C44.41,L57.0,L82.1"], ["L82.1 and L57.0"]),
    ],
)
def test_two_diagnoses_of_a_claim_exclude_each_other_whichever_lines_they_are_on(
    tmp_path: Path, lines: list[str], details: list[str]
) -> None:
    snapshot = made.sealed(Store(tmp_path), "2026q3", FEES, diagnosis=FY2026, excludes=[("L82", "L57", 1)])
    findings = outcome_frames(made.outcome(snapshot, *lines)).findings
    assert findings.filter(reason="diagnosis-excluded")["detail"].to_list() == details


@pytest.mark.parametrize(("under", "is_review"), [("L80-L99", True), ("L00-L81", False), ("L82-L82", True)])
def test_a_note_under_a_block_is_of_every_code_in_it(tmp_path: Path, under: str, is_review: bool) -> None:
    snapshot = made.sealed(Store(tmp_path), "2026q3", FEES, diagnosis=FY2026, excludes=[(under, "L57", 1)])
    assert ("review" in made.said(snapshot, "99213 diagnoses=L82.1,L57.0")[0]) == is_review


ON_CLAIM = "99213 on={} diagnoses=L57.0 diagnoses_of_claim=L57.0,{}"


@pytest.mark.parametrize(
    ("day", "others", "details"),
    [
        ("2024-10-01", "L66.1", ["L66.1: L66.10, L66.11, L66.12, L66.19"]),
        ("2024-09-30", "L66.1", []),
        ("2025-10-01", "L98.A1", ["L98.A1: L98.A111"]),
        ("2025-09-30", "L98.A111", ["L98.A111: 2025-10-01"]),
        ("2025-10-01", "L99.ZZ,C44.41", ["L99.ZZ"]),
        ("2025-10-01", "L99.ZZ,L66.1", ["L99.ZZ; L66.1: L66.10, L66.11, L66.12, L66.19"]),
        ("2025-10-01", "C44.41,L82.1", []),
    ],
)
def test_a_diagnosis_that_no_line_points_to_is_checked_and_named_once(
    quarters: list[Snapshot], day: str, others: str, details: list[str]
) -> None:
    two = [ON_CLAIM.format(day, others), f"17000 on={day} diagnoses=L57.0 diagnoses_of_claim=L57.0,{others}"]
    findings = outcome_frames(made.outcome(quarters, *two)).findings.filter(edit="diagnosis")
    assert findings.select("line", "reason", "detail").rows() == [(1, "diagnosis-unreferenced", d) for d in details]


def test_what_another_line_points_to_is_denied_there_alone(quarters: list[Snapshot]) -> None:
    two = [
        ON_CLAIM.format("2025-10-01", "L99.ZZ"),
        "17000 on=2025-10-01 diagnoses=L99.ZZ diagnoses_of_claim=L57.0,L99.ZZ",
    ]
    findings = outcome_frames(made.outcome(quarters, *two)).findings.filter(edit="diagnosis")
    assert findings.select("line", "reason").rows() == [(2, "diagnosis-not-a-code")]


def test_a_release_without_diagnoses_says_nothing_of_their_validity(tmp_path: Path) -> None:
    without = made.sealed(Store(tmp_path), "2026q3", FEES)
    assert made.said([without], "11102 diagnoses=L99.ZZ", "11102 day=1 diagnoses=L66.1") == ["pay", "pay"]
    assert "diagnoses" in made.outcome([without], "11102 diagnoses=L66.1").checked.not_applied


def test_an_excerpt_says_nothing_of_codes_of_other_categories(tmp_path: Path) -> None:
    excerpt = made.sealed(Store(tmp_path), "2026q3", FEES, scope="derm", diagnosis=FY2026)
    assert told([excerpt], "11102 diagnoses=E11.9") == [("diagnosis-outside-excerpt", "E11.9")]
    assert told([excerpt], "11102 diagnoses=L99.ZZ") == [("diagnosis-not-a-code", "L99.ZZ")]


DRAWN = [None, None, "L57.0", "L570", "C44.90", "C44.90 L57.0", "L82.1 C44.41", "L66.1", "L99.ZZ", "W57.XXXA", "Z41.1"]
DRAWN += ["L57.0 Z41.1", "L82.1 L57.0", "L40.0 L99", "E11.9", "C44.41 C44.90 L66"]


@pytest.mark.parametrize("seed", range(6))
def test_an_outcome_is_the_same_with_deduplication_and_without(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    tables: dict[str, Any] = {
        "diagnosis": FY2026,
        "diagnosis_replacement": [("L661", "L6610", date(2026, 8, 1)), ("L990", "L99ZZ", date(2026, 9, 1))],
        "excludes": [("L82", "L57", 1)],
        "coverage_document": [
            ("A57044", 16, "CGS", "MAC", date(2026, 7, 20), None),
            ("A57044", 15, "CGS", "MAC", date(2025, 7, 20), date(2026, 7, 19)),
        ],
        "coverage_hcpcs": [("A57044", None, "17110")],
        "coverage_diagnosis": [("A57044", 16, 1, "L821", True), ("A57044", 15, 1, "L570", True)],
    }
    snapshot = made.sealed(Store(tmp_path), "2026q3", FEES, **(tables if seed % 3 else {}))
    codes = ["11102", "17000", "17110", "17110-GA", "11602", "99213-25", "96912"]
    kinds = [(rng.choice(codes), rng.choice(DRAWN), rng.choice(["15202-00", "national"])) for _ in range(12)]
    rows = []
    for patient in range(300):
        for number in range(1, rng.randint(2, 4)):
            code, diagnoses, locality = rng.choice(kinds)
            day = rng.choice([0, 0, 18, 19, 31, 62])
            of_claim = rng.choice([None, None, f"L57.0 {diagnoses or 'L82.1'}", "L66.1 L82.1 L57.0"])
            own = {"beneficiary": f"b{patient:04}", "claim_id": f"c{patient:04}", "diagnoses": diagnoses}
            own["diagnoses_of_claim"] = of_claim
            rows.append({**made.line(f"{code} day={day}", number), **own, "locality": locality})
    frame = made.frame(rows)
    code_set = CodeSet.of([snapshot], frame["hcpcs"].unique())
    on, off = (compact_outcome(frame, code_set, deduplicate=whether).outcome() for whether in (True, False))
    assert on.lines.equals(off.lines)
    assert on.findings.equals(off.findings)
    assert not on.findings.filter(pl.col("edit").cast(pl.String).is_in(["diagnosis", "necessity"])).is_empty()
