"""The reference tables, each read once from its csv files: places of service, modifiers, preventive services."""

import csv
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

import polars as pl

_ALWAYS = (date.min, date.max)
"""The days on which a row holds that names no first or no last one."""

_DATED: Mapping[str, pl.DataType] = {"first_day": pl.Date(), "last_day": pl.Date()}


@cache
def places_of_service() -> pl.DataFrame:
    """Return CMS's place of service codes (IOM 100-04 ch. 26, section 10.5), in each period in which one row holds.

    `place_of_service`; `first_day` and `last_day`; `setting` (facility or nonfacility, null where none is established);
    `is_accepted` by Medicare; `is_hospital`; `source`.
    """
    rows = pl.DataFrame(_dated(_rows("places_of_service")), infer_schema_length=None)
    return rows.select(
        "place_of_service",
        *_DATED,
        pl.col("setting").replace("", None),  # 10 in 2022 and 2023: its rate was not established
        *((pl.col(name) == "yes").alias(f"is_{name}") for name in ("accepted", "hospital")),
        "source",
    )


@cache
def level_one_modifiers() -> pl.DataFrame:
    """Return `modifier`, `first_day`, `last_day` of CPT's modifiers, which CMS's HCPCS file does not have."""
    return _modifiers("level_one_modifiers")


@cache
def level_two_modifiers() -> pl.DataFrame:
    """Return `modifier`, `first_day`, `last_day` of the HCPCS file of October 2025, ended ones among them."""
    return _modifiers("level_two_modifiers")


def _modifiers(table: str) -> pl.DataFrame:
    return pl.DataFrame(_dated(_rows(table)), infer_schema_length=None).select("modifier", *_DATED)


@cache
def preventive_services() -> frozenset[str]:
    """Return the codes of Part B preventive services beside which G2211 is paid: 81 of the 152 that CMS lists.

    CMS's attachment (CR 13705) was not at hand: a service that is not here may be on it, and is for review.
    """
    return frozenset(row["hcpcs"] for row in _rows("preventive_services"))


def _rows(table: str) -> list[dict[str, str]]:
    text = files("codeset.claims.reference").joinpath(f"{table}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _dated(rows: list[dict[str, str]]) -> list[dict[str, object]]:
    """The rows with their days as dates; a blank one is the first or the last of all."""
    return [
        {
            **row,
            **{
                name: date.fromisoformat(row[name]) if row[name] else always
                for name, always in zip(_DATED, _ALWAYS, strict=True)
            },
        }
        for row in rows
    ]
