"""The embedded default: the derm scope's facts of two releases, as small csv files of our own, built like any other.

`write_embedded.py` writes them out of a store of full releases. They hold codes, numbers and dates; the manifests name
the CMS files that the facts were read from.
"""

from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable

import polars as pl

from codeset.errors import StoreProblem, WrongUse
from codeset.manifest import Manifest, TableEntry
from codeset.releases import Release
from codeset.store import SealResult, Store
from codeset.tables import TABLES

# An empty text is a value: the modifier of a whole service.
NULL = "-"
"""Marks a null in the csv files, which an empty text is not."""


def folder() -> Traversable:
    """Return the folder of the embedded facts."""
    return files("codeset_ingest").joinpath("embedded_facts")


def releases() -> list[Release]:
    """Return the releases whose facts are embedded, oldest first."""
    return sorted(
        Release.parse(file.name.removesuffix(".json")) for file in folder().iterdir() if file.name.endswith(".json")
    )


def file_name(table: str, entry: TableEntry) -> str:
    """Return the file of the facts of *table* in the edition of *entry*; releases that share the edition share it."""
    return f"{table}-{entry.edition.replace(' ', '-')}.csv"


def facts(release: Release) -> tuple[Manifest, dict[str, pl.DataFrame]]:
    """Return the manifest of an embedded release and its tables, typed.

    Raises WrongUse: if *release* is not embedded.
    """
    if release not in releases():
        embedded_releases = ", ".join(map(str, releases()))
        message = (
            f"no facts of {release} are embedded; there are those of {embedded_releases}. Give CMS's files with --from"
        )
        raise WrongUse(message)
    manifest = Manifest.from_json(folder().joinpath(f"{release}.json").read_text(encoding="utf-8"))
    return manifest, {table: _typed_table(table, entry) for table, entry in manifest.tables.items()}


def _typed_table(table_name: str, table_entry: TableEntry) -> pl.DataFrame:
    csv_bytes = folder().joinpath(file_name(table_name, table_entry)).read_bytes()
    text_rows = pl.read_csv(csv_bytes, infer_schema=False, null_values=NULL, empty_string_is_null=False)
    # Columns that tables were given after the facts were written.
    null_columns = [
        pl.lit(None, pl.String).alias(name) for name in TABLES[table_name].columns if name not in text_rows.columns
    ]
    return text_rows.with_columns(null_columns).select(
        _typed_column(column, dtype) for column, dtype in TABLES[table_name].columns.items()
    )


def _typed_column(column: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        return pl.when(pl.col(column).is_not_null()).then(pl.col(column) == "true").alias(column)
    return pl.col(column).str.to_date("%Y-%m-%d") if dtype == pl.Date else pl.col(column).cast(dtype)


def build_embedded(release: Release, store: Store, reseal: str | None = None) -> SealResult:
    """Seal the embedded facts of *release*: an excerpt in the derm scope, and the manifest says so; *reseal* as in
    `Store.seal`.

    Raises WrongUse: if it is not embedded. StoreProblem: if the store holds the full release.
    """
    manifest, tables = facts(release)
    if any(store.open(revision).manifest.scope == "all" for revision in store.revisions(release)):
        raise StoreProblem(f"{store.path} holds the full {release}; the embedded excerpt would stand in its way")
    # The tools are those of this process, not those that wrote the facts.
    return store.seal(replace(manifest, made_by=Manifest(release, "derm", (), {}).made_by), tables, reseal)
