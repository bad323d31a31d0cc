"""Rows of the Medicare Coverage Database: documents, the HCPCS codes and the diagnoses that articles list.

Only an article's prose says which codes a group of diagnoses belongs to: the two lists are not multiplied.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from codeset.tables import TABLES
from codeset_ingest.read.table import Reading

NO_CODE = "XX000"
"""Articles write it for "not applicable": the group has no code."""

_CONTRACTOR_NAME = re.compile(r"([^\n(]+?)\s*\n\s*\(([^)]*)\)")


def article_rows(reading: Reading) -> Reading:
    """Return the rows of one file: documents with their letter, diagnoses without the point."""
    document_rows = reading.frame
    if "contractors" in document_rows.columns:
        return replace(reading, frame=_by_contractor(document_rows))
    # The lists have the article's number (57044), the documents the letter too (A57044; LCDs have L).
    document_rows = document_rows.with_columns(
        pl.concat_str(pl.lit("A"), pl.col("document").cast(pl.String)).alias("document")
    )
    if "diagnosis" in document_rows.columns:
        document_rows = document_rows.with_columns(
            pl.col("diagnosis").cast(pl.String).str.replace(".", "", literal=True)
        )
    if "version" not in document_rows.columns:
        document_rows = document_rows.with_columns(version=pl.lit(None, pl.UInt16))
    if reading.table == "coverage_diagnosis" and "covered" not in document_rows.columns:
        is_covered = reading.layout.publication == "article_icd10_covered"
        document_rows = document_rows.with_columns(covered=pl.lit(is_covered))
    key_columns = [column for column in TABLES[reading.table].key if column in document_rows.columns]
    code_column = pl.col("diagnosis" if "diagnosis" in document_rows.columns else "hcpcs").cast(pl.String)
    # One row of a group is enough: a code that it lists twice says nothing more.
    code_rows = document_rows.filter(code_column != NO_CODE).unique(key_columns, keep="first", maintain_order=True)
    return replace(
        reading,
        frame=code_rows.select(sorted(code_rows.columns)),
        notes=(*reading.notes, *_left_out_note(reading, code_rows)),
    )


def _left_out_note(reading: Reading, code_rows: pl.DataFrame) -> Iterator[str]:
    if left_out_count := reading.frame.height - code_rows.height:
        yield f"{reading.names[0]}: {left_out_count:,} rows that name no code ({NO_CODE}) or repeat one of their group"


def _by_contractor(document_rows: pl.DataFrame) -> pl.DataFrame:
    """One row for each contractor that a document is of: `NAME` and, below it, its kinds in parentheses."""
    contractors = document_rows["contractors"].cast(pl.String)
    contractor_pairs = [
        [
            {"contractor": contractor_name.strip(), "contractor_type": type_names}
            for contractor_name, type_names in _CONTRACTOR_NAME.findall(contractors_cell)
        ]
        or [{"contractor": contractors_cell.strip(), "contractor_type": None}]
        for contractors_cell in contractors
    ]
    pair_type = pl.List(pl.Struct({"contractor": pl.String, "contractor_type": pl.String}))
    rows_with_pairs = document_rows.drop("contractors").with_columns(
        pl.Series("pair", contractor_pairs, dtype=pair_type)
    )
    return rows_with_pairs.explode("pair").unnest("pair")
