"""Files handed in to a build, and what it said: the words that the tests of ingest share."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl
import pytest
from cms_files.render import file_name, render_file, zip_of
from facts import Facts

from codeset.errors import BadInput
from codeset.releases import Release
from codeset.store import Store
from codeset.tables import TABLES
from codeset_ingest.build import BuildResult, build
from codeset_ingest.read.open_files import File
from codeset_ingest.read.read_files import read
from codeset_ingest.read.recognize import CmsFile, recognize

_SHEET = "xl/worksheets/sheet1.xml"


def rendered_file(
    facts: Facts, table: str, form: str = "csv", *, factor: int = 0, line_end: str = "\r\n"
) -> tuple[str, bytes]:
    """Return the name and bytes of one file of *facts*; *factor* chooses among the conversion factors."""
    conversion_factor = facts.factors[factor]
    participant = conversion_factor.participant if table == "mpfs" else None
    name = file_name(table, facts.release, form, participant=participant)
    return name, render_file(table, facts.tables[table], facts.release, form, conversion_factor.value, line_end)


def sheet(data: bytes) -> bytes:
    """Return the XML of a workbook's first sheet."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return book.read(_SHEET)


def replace_text(data: bytes, old: str, new: str) -> bytes:
    """Return *data* with the one place that says *old* saying *new*; of a workbook, in its sheet."""
    if not data.startswith(b"PK"):
        assert data.count(old.encode()) == 1, f"{old!r} stands {data.count(old.encode())} times"
        return data.replace(old.encode(), new.encode())
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        members = {name: book.read(name) for name in book.namelist()}
    return zip_of(members | {_SHEET: replace_text(members[_SHEET], old, new)})


def hand_in(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write *files* into *folder* and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def build_release(store: Store, release: Release, *paths: Path, accept: Iterable[str] = ()) -> BuildResult:
    """Build *release* out of *paths*."""
    return build(release, paths, store, accept=accept)


def build_faults(store: Store, release: Release, files: Mapping[str, bytes]) -> list[str]:
    """Return what a build of *files* is refused for; the store is as it was before, down to the names of its files."""
    before = contents(store)
    folder = hand_in(store.path.parent / "cms", files)
    with pytest.raises(BadInput) as error:
        build(release, [folder], store)
    assert str(error.value).endswith("\nNothing was written.")
    assert contents(store) == before
    return [str(fault) for fault in error.value.faults]


def contents(store: Store) -> set[str]:
    """Return the path of everything in the store."""
    return {str(path.relative_to(store.path)) for path in store.path.rglob("*")}


def recognized_file(name: str, data: bytes, archives: tuple[str, ...] = ()) -> CmsFile:
    """Return what the file turns out to be."""
    (cms_file,) = recognize([File(name, archives, data)])
    assert isinstance(cms_file, CmsFile), f"{name} is not recognised"
    return cms_file


def read_back(name: str, data: bytes, release: Release) -> pl.DataFrame:
    """Return the table that one file makes up, in the columns and order of the snapshot."""
    ((table, reading),) = read([recognized_file(name, data)], release).items()
    missing_columns = [pl.lit(None, kind).alias(column) for column, kind in TABLES[table].columns.items()]
    missing_columns = [column for column in missing_columns if column.meta.output_name() not in reading.frame.columns]
    return (
        reading.frame.with_columns(missing_columns)
        .select(pl.col(column).cast(kind) for column, kind in TABLES[table].columns.items())
        .sort(TABLES[table].key, nulls_last=True)
    )
