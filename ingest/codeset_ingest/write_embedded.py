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


def facts_of(table: str, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows of *table* that are embedded: the derm scope's, of diagnoses without titles."""
    facts = scope("derm").of(table, rows)
    return facts.with_columns(title=pl.lit(None, pl.String)) if table == "diagnosis" else facts


def embed(store: Store, folder: Path) -> None:
    """Write the derm scope's facts of the embedded releases of *store* into *folder*, in place of what is there."""
    derm = scope("derm")
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    embedded = (*derm.tables, *READ_FROM_OTHERS, *DIAGNOSES)
    for label in RELEASES:
        snapshot = store.open(label)
        entries = {table: entry for table, entry in snapshot.manifest.tables.items() if table in embedded}
        for table, entry in entries.items():
            rows = facts_of(table, snapshot.scan(table)).collect()
            rows.write_csv(folder / file_name(table, entry), null_value=NULL)
        manifest = replace(snapshot.manifest, scope="derm", tables=entries, accepted=(), resealed=())
        (folder / f"{label}.json").write_text(manifest.to_json(), encoding="utf-8")


if __name__ == "__main__":
    embed(Store.at(), FOLDER)
    sys.stdout.write(f"wrote {len(list(FOLDER.iterdir()))} files to {FOLDER}\n")
