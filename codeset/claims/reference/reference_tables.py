"""The reference tables, each read once from its csv files: places of service, modifiers, preventive services."""

import csv
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

import polars as pl

# Dates, not nulls, so that every row is compared with a day alike.
_OPEN_ENDS = (date.min, date.max)
"""The days on which a row holds that names no first or no last one."""

_DAY_COLUMNS: Mapping[str, pl.DataType] = {"first_day": pl.Date(), "last_day": pl.Date()}


@cache
def places_of_service() -> pl.DataFrame:
    """Return CMS's place of service codes (IOM 100-04 ch. 26, section 10.5), in each period in which one row holds.

    `place_of_service`; `first_day` and `last_day`; `setting` (facility or nonfacility, null where none is established);
    `is_accepted` by Medicare; `is_hospital`; `source`.
    """
    dated_places = pl.DataFrame(_dated_rows(_csv_rows("places_of_service")), infer_schema_length=None)
    return dated_places.select(
        "place_of_service",
        *_DAY_COLUMNS,
        pl.col("setting").replace("", None),  # 10 in 2022 and 2023: its rate was not established
        *((pl.col(name) == "yes").alias(f"is_{name}") for name in ("accepted", "hospital")),
        "source",
    )


@cache
def level_one_modifiers() -> pl.DataFrame:
    """Return `modifier`, `first_day`, `last_day` of CPT's modifiers, which CMS's HCPCS file does not have."""
    return _modifier_days("level_one_modifiers")


@cache
def level_two_modifiers() -> pl.DataFrame:
    """Return `modifier`, `first_day`, `last_day` of the HCPCS file of October 2025, ended ones among them."""
    return _modifier_days("level_two_modifiers")


def _modifier_days(table_name: str) -> pl.DataFrame:
    return pl.DataFrame(_dated_rows(_csv_rows(table_name)), infer_schema_length=None).select("modifier", *_DAY_COLUMNS)


@cache
def preventive_services() -> frozenset[str]:
    """Return the codes of Part B preventive services beside which G2211 is paid: 81 of the 152 that CMS lists.

    CMS's attachment (CR 13705) was not at hand: a service that is not here may be on it, and is for review.
    """
    return frozenset(row["hcpcs"] for row in _csv_rows("preventive_services"))


def _csv_rows(table_name: str) -> list[dict[str, str]]:
    csv_text = files("codeset.claims.reference").joinpath(f"{table_name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(csv_text.splitlines()))


def _dated_rows(csv_rows: list[dict[str, str]]) -> list[dict[str, object]]:
    """The rows with their days as dates; a blank one is the first or the last of all."""
    return [
        {
            **csv_row,
            **{
                day_column: date.fromisoformat(csv_row[day_column]) if csv_row[day_column] else open_end
                for day_column, open_end in zip(_DAY_COLUMNS, _OPEN_ENDS, strict=True)
            },
        }
        for csv_row in csv_rows
    ]
