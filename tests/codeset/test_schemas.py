"""The schemas that ship: every rule of a schema counts, those beside a reference to another part too."""

import json
from importlib.resources import files

from codeset.schemas import faults_of


def test_a_rule_beside_a_reference_counts():
    """A pattern of a column is of the form that all patterns are of; besides, it has no digits of other scripts."""
    layout = json.loads(files("codeset_ingest.read").joinpath("layouts", "anes.json").read_text(encoding="utf-8"))
    assert faults_of(layout, "layout") == []
    place = next(place for place, column in enumerate(layout["columns"]) if "pattern" in column)
    layout["columns"][place]["pattern"] = r"\d+"
    [fault] = faults_of(layout, "layout")
    assert fault.startswith(f"$.columns[{place}].pattern: ")
