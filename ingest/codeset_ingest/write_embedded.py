"""Write the embedded facts anew: `CODESET_STORE=... make embed`, out of a store of full releases."""

import sys
from dataclasses import replace
from pathlib import Path

import polars as pl

from codeset.scope import scope
from codeset.store import Store
from codeset.tables import READ_FROM_OTHERS
from codeset_ingest.embedded import NULL, file_name

RELEASES = ("2025q3", "2025q4", "2026q3")
FOLDER = Path(__file__).parent / "embedded_facts"


DIAGNOSES = ("diagnosis", "diagnosis_replacement")
"""Embedded beside the tables of the derm scope: codes and dates alone (docs/decisions/0010)."""


def facts_of(table_name: str, table_rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows of *table_name* that are embedded: the derm scope's, of diagnoses without titles."""
    scope_rows = scope("derm").of(table_name, table_rows)
    return scope_rows.with_columns(title=pl.lit(None, pl.String)) if table_name == "diagnosis" else scope_rows


def embed(store: Store, folder: Path) -> None:
    """Write the derm scope's facts of the embedded releases of *store* into *folder*, in place of what is there."""
    derm_scope = scope("derm")
    folder.mkdir(exist_ok=True)
    for previous_file in folder.iterdir():
        previous_file.unlink()
    embedded_tables = (*derm_scope.tables, *READ_FROM_OTHERS, *DIAGNOSES)
    for label in RELEASES:
        snapshot = store.open(label)
        embedded_entries = {
            table: entry for table, entry in snapshot.manifest.tables.items() if table in embedded_tables
        }
        for table_name, table_entry in embedded_entries.items():
            embedded_rows = facts_of(table_name, snapshot.scan(table_name)).collect()
            embedded_rows.write_csv(folder / file_name(table_name, table_entry), null_value=NULL)
        # What a person accepted, or sealed anew, was the full release; no contract is checked on an excerpt.
        manifest = replace(snapshot.manifest, scope="derm", tables=embedded_entries, accepted=(), resealed=())
        (folder / f"{label}.json").write_text(manifest.to_json(), encoding="utf-8")


if __name__ == "__main__":
    embed(Store.at(), FOLDER)
    sys.stdout.write(f"wrote {len(list(FOLDER.iterdir()))} files to {FOLDER}\n")
