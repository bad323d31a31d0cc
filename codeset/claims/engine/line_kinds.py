"""Kinds of lines: what a line says by itself is looked up and judged once, for all lines that say the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.modifiers import modifier_meanings
from codeset.claims.edits.rules import visits
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.series import pack_u64
from codeset.tables import TABLES

T = TypeVar("T")

_ONCE = ("release", "hcpcs", "modifiers", "place_of_service", "no_units")
"""What a line says by itself: lines alike in these are of one kind."""

_FEES = ("status_code", "global_days", "pctc_indicator", "nonfacility_total_rvu")
_INDICATORS = ("bilateral_surgery", "assistant_surgery", "co_surgery", "team_surgery")
_HELD = ("scope", *(f"has_{table.name}" for table in TABLES.values() if table.claim_codes))

_KEPT = 4_000
"""So many kinds are kept for the lines that come after: more than the claims of most practices ever have."""


@dataclass(frozen=True, eq=False)
class Kinds:
    """Kinds of lines that are read against one code set.

    `table` has each once, by `kind`, from 0 on: what its code and its modifiers mean. Besides what lines alike have in
    common and the fee schedule's columns of the whole service: `is_visit` (an evaluation and management service), and
    the columns of `meanings`. `numbers` has the `kind` of each `said`.
    """

    code_set: CodeSet
    table: pl.DataFrame
    numbers: pl.DataFrame
    _made: dict[Callable[["Kinds"], Any], Any] = field(default_factory=dict, init=False, repr=False)

    def made(self, make: Callable[["Kinds"], T]) -> T:
        """Return what *make* makes of these kinds; it is made once."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made


def of_kinds(lines: pl.DataFrame, code_set: CodeSet) -> tuple[pl.DataFrame, Kinds]:
    """Return *lines* with `kind`, and the kinds: those of lines that were read against *code_set* before among them."""
    seen, said = code_set.made(_Seen), _said(lines)
    kinds = seen.kinds
    kind = _kind(said, kinds)
    if kind.null_count():
        kinds = _with_new(lines.select(_ONCE).hstack(said), kinds, kind.is_null())
        kind = _kind(said, kinds)
        # In one piece: who reads other lines meanwhile goes on with the kinds at hand then.
        if kinds.table.height <= _KEPT:
            seen.kinds = kinds
    return lines.hstack([kind]), kinds


class _Seen:
    """The kinds of the lines that were read against a code set so far."""

    def __init__(self, code_set: CodeSet) -> None:
        numbers = pl.DataFrame(schema={"kind": pl.UInt32, "said": pl.Int128})
        self.kinds = Kinds(code_set, _meant(pl.DataFrame(schema=dict(_NONE)), code_set), numbers)


_NONE: Mapping[str, pl.DataType] = {
    "release": pl.UInt16(),
    **dict.fromkeys(("hcpcs", "modifiers", "place_of_service"), CODE),
    "no_units": pl.Boolean(),
    "kind": pl.UInt32(),
}


def _said(lines: pl.DataFrame) -> pl.DataFrame:
    """All of `_ONCE` in one number, `said`."""
    code, modifiers, place = (_without_null(each, 2**32 - 1) for each in lines.select(_CATEGORIES))
    release = _without_null(lines["release"].cast(pl.UInt32), 2**16)
    no_units = _without_null(lines["no_units"].cast(pl.UInt32), 2)
    said = pack_u64(code, modifiers).cast(pl.Int128) * _HIGH + pack_u64(place, release * 4 + no_units)
    return said.alias("said").to_frame()


_CATEGORIES = [pl.col(each).to_physical() for each in ("hcpcs", "modifiers", "place_of_service")]

_HIGH = pl.Series([2**64], dtype=pl.Int128)


def _without_null(numbers: pl.Series, none: int) -> pl.Series:
    return numbers.fill_null(none) if numbers.null_count() else numbers


def _kind(said: pl.DataFrame, kinds: Kinds) -> pl.Series:
    return said.join(kinds.numbers, on="said", how="left", maintain_order="left")["kind"]


def _with_new(lines: pl.DataFrame, kinds: Kinds, is_new: pl.Series) -> Kinds:
    """The *kinds* and those that are new; or those of *lines* alone, if all would be more than are kept."""
    new = lines.filter(is_new).unique("said", maintain_order=True)
    if kinds.table.height + new.height > _KEPT:
        kinds, new = _Seen(kinds.code_set).kinds, lines.unique("said", maintain_order=True)
    known = kinds.table.height
    numbered = new.with_columns(pl.int_range(known, known + new.height, dtype=pl.UInt32).alias("kind"))
    numbers = pl.concat([kinds.numbers, numbered.select("kind", "said")], rechunk=True)
    table = pl.concat([kinds.table, _meant(numbered.drop("said"), kinds.code_set)], rechunk=True)
    return Kinds(kinds.code_set, table, numbers)


def _meant(new: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    return (
        new.join(modifier_meanings(new["modifiers"]), on="modifiers", how="left", maintain_order="left")
        .join(
            code_set.made(_whole_services), on=["release", "hcpcs"], how="left", maintain_order="left", validate="m:1"
        )
        .join(code_set.made(_held), on="release", how="left", maintain_order="left", validate="m:1")
        .with_columns(pl.col("hcpcs").is_in(_visit_codes()).alias("is_visit"))
    )


def _whole_services(code_set: CodeSet) -> pl.DataFrame:
    fees = code_set.fees.filter(modifier="").select("release", "hcpcs", *_FEES, *_INDICATORS)
    return fees.with_columns(pl.col("hcpcs").cast(CODE))


def _held(code_set: CodeSet) -> pl.DataFrame:
    return code_set.releases.select("release", *_HELD)


@cache
def _visit_codes() -> pl.Series:
    return pl.Series(sorted(visits()), dtype=CODE).implode()
