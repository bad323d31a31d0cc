"""docs/snapshot.md promises each field in the order of the file, with its type and its meaning."""

import json
import re
from pathlib import Path

import pytest

from codeset.tables import TABLES, type_name

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "snapshot.md").read_text()


def rows_below(heading: str) -> list[list[str]]:
    """The cells of the first table below *heading*, without its head."""
    text = PAGE.partition(f"\n{heading}")[2]
    lines = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert lines is not None
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines.group().splitlines()[2:]]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_column_is_in_order_with_its_type_and_meaning(table):
    rows = rows_below(f"## `{table.name}`")
    assert [(row[0].strip("`"), row[1]) for row in rows] == [
        (column, type_name(dtype)) for column, dtype in table.columns.items()
    ]
    assert [row[0].strip("`") for row in rows if row[3] == "key"] == [c for c in table.columns if c in table.key]
    assert all(row[4] for row in rows)
    assert all(row[2] for row in rows if row[1].startswith("decimal"))


def test_every_field_of_the_manifest_is_in_order():
    schema = json.loads((ROOT / "schemas" / "manifest.schema.json").read_text())
    assert [row[0].strip("`") for row in rows_below("## `manifest.json`")] == sorted(schema["properties"])
