"""The files that decide and that are kept by hand: columns, codes, dates, and closed values, each as it may be.

What a file may hold is X12's, CMS's, or CDC's notation: two characters are a modifier or a place, five a HCPCS code.
"""

import csv
import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from codeset.tables import TABLES

ROOT = Path(__file__).parents[2]
CLAIMS = ROOT / "codeset" / "claims"
REFERENCE = CLAIMS / "reference"

DAY = r"(\d{4}-\d{2}-\d{2})?"
MODIFIER = r"[A-Z0-9]{2}"
DIAGNOSIS = r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?"
ANY = r"\S.*\S"
YES_OR_NO = "yes|no"

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "contractors": {"mac_begins": r"\d{2}", "name_begins": ANY, "source": ANY},
    "coverage_companions": {"document": r"A\d{5}", "group": r"[1-9]\d*", "needs_group": r"[1-9]\d*", "source": ANY},
    "level_one_modifiers": {"modifier": MODIFIER, "first_day": DAY, "last_day": DAY, "source": ANY},
    "level_two_modifiers": {"modifier": MODIFIER, "first_day": DAY, "last_day": DAY, "source": ANY},
    "manifestations": {"diagnosis": DIAGNOSIS},
    "places_of_service": {
        "place_of_service": r"\d{2}",
        "first_day": DAY,
        "last_day": DAY,
        "setting": "(facility|nonfacility)?",
        "accepted": YES_OR_NO,
        "hospital": YES_OR_NO,
        "source": ANY,
    },
    "preventive_services": {"hcpcs": r"[A-Z0-9]\d{4}"},
    "unspecified_sites": {"diagnosis": DIAGNOSIS, "named_below": r"[A-Z]\d[0-9A-Z]\.[0-9A-Z]{0,3}-"},
}
"""The columns of each reference table, and what a cell of each may be."""

DATED = sorted(table for table, columns in COLUMNS.items() if "first_day" in columns)


def cells(table: str) -> list[list[str]]:
    text = (REFERENCE / f"{table}.csv").read_text(encoding="utf-8")
    return list(csv.reader(text.splitlines(), strict=True))


def faults_of(table: str, rows: list[list[str]]) -> list[str]:
    """What *rows*, the header among them, hold that *table* may not, each with its line."""
    columns = COLUMNS[table]
    if rows[0] != list(columns):
        return [f"line 1: columns {rows[0]}"]
    return [
        f"line {line}: {row}"
        for line, row in enumerate(rows[1:], start=2)
        if len(row) != len(columns)
        or not all(re.fullmatch(pattern, cell) for pattern, cell in zip(columns.values(), row, strict=True))
    ]


def test_every_reference_table_is_described() -> None:
    assert {file.stem for file in REFERENCE.glob("*.csv")} == set(COLUMNS)


@pytest.mark.parametrize("table", COLUMNS)
def test_a_reference_table_has_its_columns_and_only_what_may_be_in_them(table: str) -> None:
    assert faults_of(table, cells(table)) == []


@pytest.mark.parametrize(
    "row",
    [
        ["11", "", "", "office", "yes", "no", "IOM 100-04 ch. 26 10.5"],
        ["1", "", "", "facility", "yes", "no", "IOM 100-04 ch. 26 10.5"],
        ["11", "07/01/2026", "", "nonfacility", "yes", "no", "IOM 100-04 ch. 26 10.5"],
        ["11", "", "", "nonfacility", "", "no", "IOM 100-04 ch. 26 10.5"],
        ["11", "", "", "nonfacility", "yes", "no", ""],
        ["11", "", "", "nonfacility", "yes", "no"],
    ],
)
def test_what_is_no_place_of_service_is_a_fault(row: list[str]) -> None:
    assert len(faults_of("places_of_service", [list(COLUMNS["places_of_service"]), row])) == 1


@pytest.mark.parametrize("table", sorted(COLUMNS.keys() - set(DATED)))
def test_no_key_is_twice_in_a_table_without_dates(table: str) -> None:
    columns = list(COLUMNS[table])
    key = columns.index("needs_group") if "needs_group" in columns else 1
    keys = [tuple(row[:key]) for row in cells(table)[1:]]
    assert len(set(keys)) == len(keys) > 0


@pytest.mark.parametrize("table", DATED)
def test_the_periods_of_a_code_do_not_overlap(table: str) -> None:
    periods: dict[str, list[tuple[date, date]]] = defaultdict(list)
    for code, first, last, *_ in cells(table)[1:]:
        days = date.fromisoformat(first) if first else date.min, date.fromisoformat(last) if last else date.max
        assert days[0] <= days[1], code
        periods[code].append(days)
    for code, of_code in periods.items():
        of_code.sort()
        assert all(sooner[1] < later[0] for sooner, later in pairwise(of_code)), code


RULE_FILES = {
    "rules": "edits/rules.toml",
    "reasons": "edits/reasons.toml",
    "necessity": "edits/of_diagnoses/necessity.toml",
    "price-rules": "pricing/price_rules.toml",
    "rule-families": "rule_families.toml",
}


def rule_file(name: str) -> dict[str, Any]:
    return tomllib.loads((CLAIMS / RULE_FILES[name]).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", RULE_FILES)
def test_a_file_of_rules_is_as_its_schema_says(name: str) -> None:
    as_json = json.loads(json.dumps(rule_file(name), default=date.isoformat))
    assert [error.message for error in validator(name).iter_errors(as_json)] == []


def test_rules_of_diagnoses_name_classes_and_reasons_that_are_there() -> None:
    necessity, reasons = rule_file("necessity"), rule_file("reasons")
    classes = {*necessity["class"], "other_than_cosmetic"}
    for rule in (*necessity["mismatch"], *necessity["national"]):
        assert rule["reason"] in reasons
        assert {name for field in ("with", "and", "without") for name in rule.get(field, "").split()} <= classes


def test_rule_families_name_tables_that_are_there() -> None:
    assert {table for family in rule_file("rule-families").values() for table in family["tables"]} <= set(TABLES)


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("price-rules", ("surgery", "later"), 0.5),
        ("price-rules", ("share", "role", "of_modifier", "AS"), 13600),
        ("price-rules", ("bilateral", "both", "9"), -1),
        ("necessity", ("class", "malignant"), ["C43.1"]),
        ("necessity", ("mismatch", 0, "codes"), ["1160"]),
        ("necessity", ("national", 0, "whit"), "psoriasis"),
        ("rule-families", ("coverage", "tables"), "coverage_document"),
    ],
)
def test_what_a_file_of_rules_may_not_hold_is_a_fault(name: str, place: tuple[str | int, ...], value: object) -> None:
    plain: Any = rule_file(name)
    part = plain
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    assert list(validator(name).iter_errors(plain))


@pytest.mark.parametrize(
    "reason",
    [
        {"edit": "mue", "severity": "grave", "says": "Too many.", "do": "Correct the units."},
        {"edit": "mue", "severity": "review", "carc": "151", "says": "Too many.", "do": "Correct the units."},
        {"edit": "mue", "severity": "deny", "rarc": "N362", "says": "Too many.", "do": "Correct the units."},
        {"edit": "mue", "severity": "deny", "group": "XX", "says": "Too many.", "do": "Correct the units."},
        {"edit": "mue", "severity": "deny", "carc": "CO-151", "says": "Too many.", "do": "Correct the units."},
        {"edit": "mue", "severity": "deny", "says": "Too many."},
    ],
)
def test_what_is_no_reason_is_a_fault(reason: dict[str, str]) -> None:
    assert list(validator("reasons").iter_errors({"mue-line": reason}))


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")))
