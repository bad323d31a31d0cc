"""The changes as plain data, for programs: `changes.schema.json`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from codeset.differences import Changes, TableChanges, factor_pairs
from codeset.formats import FORMATS
from codeset.manifest import Manifest


def changes_json(changes: Changes) -> str:
    """Return *changes* as JSON: every row, exact numbers as text, amounts in cents; stable to the byte."""
    # Decimals and dates as text: a JSON number is a binary float to most readers, and 0.1 of an RVU is not.
    return json.dumps(changes_plain(changes), indent=2, ensure_ascii=False, default=str) + "\n"


def changes_plain(changes: Changes) -> dict[str, Any]:
    """Return *changes* as dictionaries and lists."""
    return {
        "format": FORMATS["changes"],
        "old": _release(changes.old),
        "new": _release(changes.new),
        "scope": changes.scope.name,
        # Said outright: a program must not take a table that was not compared for one that did not change.
        "no_change": changes.none,
        "conversion_factors": [
            {"participant": participant, "before": before, "after": after}
            for participant, before, after in factor_pairs(changes.old, changes.new)
        ],
        "tables": {name: _table(table) for name, table in changes.tables.items()},
        "not_compared": changes.missing,
        "payments": _rows(changes.payments),
        "diagnoses": asdict(changes.diagnoses),
    }


def _release(manifest: Manifest) -> Mapping[str, Any]:
    tables = {
        name: {"edition": entry.edition, "carried_from": entry.carried_from, "rows": entry.rows, "sha256": entry.sha256}
        for name, entry in sorted(manifest.tables.items())
    }
    return {"release": str(manifest.release), "tables": tables}


def _table(changes: TableChanges) -> Mapping[str, Any]:
    return {
        "compared": {"old": changes.compared[0], "new": changes.compared[1]},
        "same_files": changes.same_files,
        "new_columns": list(changes.new_columns),
        "remarks": changes.remarks,
        "added": _rows(changes.added),
        "removed": _rows(changes.removed),
        "changed": _rows(changes.changed),
        "flipped": _rows(changes.flipped),
        "retroactive": _rows(changes.retroactive),
    }


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dicts()
