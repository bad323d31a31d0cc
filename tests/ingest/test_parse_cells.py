"""Cells get the types of their table, whether a file has a million records or none."""

import polars as pl
import pytest

from codeset.releases import Release
from codeset.tables import TABLES
from codeset_ingest.read.layout import Layout, layouts
from codeset_ingest.read.parse_cells import parse_cells
from codeset_ingest.read.table import LINE

ONE_TABLE = [layout for layout in layouts() if len(layout.rules["tables"]) == 1]


@pytest.mark.parametrize("layout", ONE_TABLE, ids=[layout.publication for layout in ONE_TABLE])
def test_a_file_without_records_has_the_types_of_its_table(layout: Layout) -> None:
    """Addenda of a year without changes have none."""
    table = layout.rules["tables"][0]["table"]
    columns = [column for column in layout.columns_of(Release.parse("2026q3")) if column.name]
    no_cells = pl.DataFrame(
        schema={LINE: pl.Int32, "block": pl.Int32, **{column.name: pl.String for column in columns}}
    )
    for form in layout.forms:
        typed_rows = parse_cells(no_cells, columns, table, form, "any.txt")
        assert isinstance(typed_rows, pl.DataFrame)
        # Texts are categoricals until a table is sealed.
        expected_types = {
            column.name: pl.Categorical() if TABLES[table].columns[column.name] == pl.String else type_of_column
            for column in columns
            if (type_of_column := TABLES[table].columns.get(column.name)) is not None
        }
        assert {name: typed_rows.schema[name] for name in expected_types} == expected_types
