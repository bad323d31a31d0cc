"""Rows of the Medicare Coverage Database: documents, the HCPCS codes and the diagnoses that articles list.

Which codes a group of diagnoses belongs to stands only in an article's prose: the two lists are not multiplied.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from codeset.tables import TABLES
from codeset_ingest.read.table import Reading

NO_CODE = "XX000"
"""Stands in articles for "not applicable": the group has no code."""

_CONTRACTOR = re.compile(r"([^\n(]+?)\s*\n\s*\(([^)]*)\)")


def article_rows(reading: Reading) -> Reading:
    """Return the rows of one file: documents with their letter, diagnoses without the point."""
    frame = reading.frame
    if "contractors" in frame.columns:
        return replace(reading, frame=_by_contractor(frame))
    # The lists have the article's number (57044), the documents the letter too (A57044; LCDs have L).
    frame = frame.with_columns(pl.concat_str(pl.lit("A"), pl.col("document").cast(pl.String)).alias("document"))
    if "diagnosis" in frame.columns:
        frame = frame.with_columns(pl.col("diagnosis").cast(pl.String).str.replace(".", "", literal=True))
    if "version" not in frame.columns:
        frame = frame.with_columns(version=pl.lit(None, pl.UInt16))
    if reading.table == "coverage_diagnosis" and "covered" not in frame.columns:
        covered = reading.layout.publication == "article_icd10_covered"
        frame = frame.with_columns(covered=pl.lit(covered))
    key = [column for column in TABLES[reading.table].key if column in frame.columns]
    code = pl.col("diagnosis" if "diagnosis" in frame.columns else "hcpcs").cast(pl.String)
    # One row of a group is enough: a code that it lists twice says nothing more.
    listed = frame.filter(code != NO_CODE).unique(key, keep="first", maintain_order=True)
    return replace(
        reading, frame=listed.select(sorted(listed.columns)), notes=(*reading.notes, *_left_out(reading, listed))
    )


def _left_out(reading: Reading, listed: pl.DataFrame) -> Iterator[str]:
    if count := reading.frame.height - listed.height:
        yield f"{reading.names[0]}: {count:,} rows that name no code ({NO_CODE}) or repeat one of their group"


def _by_contractor(frame: pl.DataFrame) -> pl.DataFrame:
    """One row for each contractor that a document is of: `NAME` and, below it, its kinds in parentheses."""
    contractors = frame["contractors"].cast(pl.String)
    pairs = [
        [{"contractor": name.strip(), "contractor_type": types} for name, types in _CONTRACTOR.findall(cell)]
        or [{"contractor": cell.strip(), "contractor_type": None}]
        for cell in contractors
    ]
    dtype = pl.List(pl.Struct({"contractor": pl.String, "contractor_type": pl.String}))
    rows = frame.drop("contractors").with_columns(pl.Series("pair", pairs, dtype=dtype))
    return rows.explode("pair").unnest("pair")
