"""Rows that are in order already are not sorted: what counts as in order is what sorting would leave as it is."""

from itertools import product

import polars as pl

from codeset_ingest.read.read_files import is_sorted

KEYS = [(code, units) for code in ("0001A", "10060", "A4550", None) for units in (9, 10, None)]


def test_rows_ascend_exactly_if_sorting_leaves_them_and_none_is_alike() -> None:
    for rows in product(KEYS, repeat=3):
        keys = pl.DataFrame(rows, {"hcpcs": pl.Categorical(), "units": pl.UInt8()}, orient="row")
        is_ascending = keys.sort(keys.columns, nulls_last=True).equals(keys)
        assert is_sorted(keys) == (is_ascending and keys.is_unique().all()), rows


def test_no_row_and_one_row_ascend() -> None:
    keys = pl.DataFrame({"hcpcs": ["11102"]}, {"hcpcs": pl.Categorical()})
    assert is_sorted(keys)
    assert is_sorted(keys.clear())
