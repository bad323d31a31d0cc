"""The embedded default: the derm scope's facts of two releases, as small csv files of our own, built like any other.

`ingest/embed.py` writes them out of a store of full releases. They hold codes, numbers and dates; the manifests name
the CMS files that the facts were read from.
"""

from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable

import polars as pl

from codeset.errors import StoreProblem, WrongUse
from codeset.manifest import Manifest, TableEntry
from codeset.releases import Release
from codeset.store import Sealed, Store
from codeset.tables import TABLES

NULL = "-"
"""What stands for no value, so that it differs from an empty text."""


def folder() -> Traversable:
    """Return where the embedded facts lie."""
    return files("codeset_ingest").joinpath("embedded_facts")


def releases() -> list[Release]:
    """Return the releases whose facts are embedded, oldest first."""
    return sorted(
        Release.parse(each.name.removesuffix(".json")) for each in folder().iterdir() if each.name.endswith(".json")
    )


def file_name(table: str, entry: TableEntry) -> str:
    """Return the file of the facts of *table* in the edition of *entry*; releases that share the edition share it."""
    return f"{table}-{entry.edition.replace(' ', '-')}.csv"


def facts(release: Release) -> tuple[Manifest, dict[str, pl.DataFrame]]:
    """Return the manifest of an embedded release and its tables, typed.

    Raises WrongUse: if *release* is not embedded.
    """
    if release not in releases():
        held = " and ".join(map(str, releases()))
        raise WrongUse(f"no facts of {release} are embedded; there are those of {held}. Give CMS's files with --from")
    manifest = Manifest.from_json(folder().joinpath(f"{release}.json").read_text(encoding="utf-8"))
    return manifest, {table: _table(table, entry) for table, entry in manifest.tables.items()}


def _table(table: str, entry: TableEntry) -> pl.DataFrame:
    text = folder().joinpath(file_name(table, entry)).read_bytes()
    rows = pl.read_csv(text, infer_schema=False, null_values=NULL, empty_string_is_null=False)
    return rows.select(_typed(column, kind) for column, kind in TABLES[table].columns.items())


def _typed(column: str, kind: pl.DataType) -> pl.Expr:
    if kind == pl.Boolean:
        return pl.when(pl.col(column).is_not_null()).then(pl.col(column) == "true").alias(column)
    return pl.col(column).str.to_date("%Y-%m-%d") if kind == pl.Date else pl.col(column).cast(kind)


def build_embedded(release: Release, store: Store) -> Sealed:
    """Seal the embedded facts of *release*: an excerpt in the derm scope, and the manifest says so.

    Raises WrongUse: if it is not embedded. StoreProblem: if the store holds the full release.
    """
    manifest, tables = facts(release)
    if any(store.open(each).manifest.scope == "all" for each in store.revisions(release)):
        raise StoreProblem(f"{store.path} holds the full {release}; the embedded excerpt would stand in its way")
    return store.seal(replace(manifest, made_by=Manifest(release, "derm", (), {}).made_by), tables)
