"""No descriptor of CMS's files stands in what the project writes about codes."""

import csv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_TELLING = 12
"""Letters from which on a descriptor is no everyday word."""

_EVERYDAY = {"local anesthesia"}


@pytest.mark.cms
def test_no_scenario_and_no_statement_holds_a_descriptor(cms: Path) -> None:
    with (cms / "2026q3" / "PPRRVU2026_Jul_nonQPP.csv").open(encoding="cp1252", newline="") as file:
        rows = list(csv.reader(file))
    begins = next(place for place, row in enumerate(rows) if row[:2] == ["HCPCS", "MOD"])
    descriptors = {row[2].strip().casefold() for row in rows[begins + 1 :] if len(row) > 2}
    telling_descriptors = {descriptor for descriptor in descriptors if len(descriptor) >= _TELLING} - _EVERYDAY
    texts = [file.read_text().casefold() for file in (ROOT / "compliance_tests").rglob("*.yaml")]
    assert len(telling_descriptors) > 10_000
    beginnings = {text[place : place + _TELLING] for text in texts for place in range(len(text))}
    # Few begin as any place of a text does, and only those are looked for in the texts: seconds less.
    assert [
        descriptor
        for descriptor in telling_descriptors
        if descriptor[:_TELLING] in beginnings
        for text in texts
        if descriptor in text
    ] == []
