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
        "old": _release_document(changes.old),
        "new": _release_document(changes.new),
        "scope": changes.scope.name,
        # Said outright: a program must not take a table that was not compared for one that did not change.
        "no_change": changes.none,
        "conversion_factors": [
            {"participant": participant, "before": old_factor, "after": new_factor}
            for participant, old_factor, new_factor in factor_pairs(changes.old, changes.new)
        ],
        "tables": {table_name: _table_document(table_changes) for table_name, table_changes in changes.tables.items()},
        "not_compared": changes.missing,
        "payments": _row_documents(changes.payments),
        "diagnoses": asdict(changes.diagnoses),
    }


def _release_document(manifest: Manifest) -> Mapping[str, Any]:
    table_documents = {
        table_name: {
            "edition": table_entry.edition,
            "carried_from": table_entry.carried_from,
            "rows": table_entry.rows,
            "sha256": table_entry.sha256,
        }
        for table_name, table_entry in sorted(manifest.tables.items())
    }
    return {"release": str(manifest.release), "tables": table_documents}


def _table_document(changes: TableChanges) -> Mapping[str, Any]:
    return {
        "compared": {"old": changes.compared[0], "new": changes.compared[1]},
        "same_files": changes.same_files,
        "new_columns": list(changes.new_columns),
        "remarks": changes.remarks,
        "added": _row_documents(changes.added),
        "removed": _row_documents(changes.removed),
        "changed": _row_documents(changes.changed),
        "flipped": _row_documents(changes.flipped),
        "retroactive": _row_documents(changes.retroactive),
    }


def _row_documents(table_rows: pl.DataFrame) -> list[dict[str, Any]]:
    return table_rows.to_dicts()
