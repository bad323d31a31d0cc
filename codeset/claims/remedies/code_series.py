"""Codes that count: the first of a kind, each additional one, and the code that replaces all of them.

The add-on edits say which code counts the additional ones of a first; PTP edits with modifier indicator 0 say which
code is reported in place of both. What they do not say beyond doubt is not said here.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import polars as pl

from codeset.snapshot import Snapshot
from codeset.tables import is_active_on

BY_DEFINITION = 2
"""The MAI of a limit that follows from what the code means (NCCI Policy Manual 2026, p. I-28)."""

_FAMILY_DIGITS = 3
"""Codes of one family in the code book begin alike: 17000, 17003 and 17004, or 11102 to 11107."""


class Series(NamedTuple):
    """A `first` code, the add-on code for each of the `additional` ones, and the `primaries` of that add-on.

    `most` is how many additional ones that code can mean; beyond them `all_of_them` is reported, once. Both null where
    no table says so.
    """

    first: str
    additional: str
    primaries: frozenset[str]
    most: int | None
    all_of_them: str | None


@lru_cache(maxsize=2_000)
def series_of_first(snapshot: Snapshot, first: str, day: date) -> Series | None:
    """Return the series that begins with code *first* on *day*; None if the tables of *snapshot* name none.

    The additional ones of a code are counted by the one add-on code of its family of which it is the lowest primary:
    11103 may follow 11102, 11104, and 11106, and counts more of the first.
    """
    followers = {add_on_row["add_on_code"] for add_on_row in snapshot.add_ons(first) if _is_closed(add_on_row, day)}
    counting_add_ons = [
        add_on_code for add_on_code in sorted(followers) if _counts_more(snapshot, first, add_on_code, day)
    ]
    # Of two candidates neither is named: a remedy is never a guess.
    if len(counting_add_ons) != 1:
        return None
    additional = counting_add_ons[0]
    mue_row = snapshot.mue(additional)
    # An MUE by policy follows from what the code means; any other is only what CMS thinks likely (I-28).
    most = mue_row["mue_value"] if mue_row and mue_row["mai"] == BY_DEFINITION else None
    all_of_them = _code_for_all(snapshot, first, additional, day) if most else None
    return Series(first, additional, _primaries(snapshot, additional, day), most, all_of_them)


def series_of_additional(snapshot: Snapshot, additional: str, day: date) -> Series | None:
    """Return the series whose additional ones code *additional* counts on *day*; None if there is none."""
    primaries = _primaries(snapshot, additional, day)
    series = series_of_first(snapshot, min(primaries), day) if primaries else None
    return series if series and series.additional == additional else None


def _counts_more(snapshot: Snapshot, first: str, add_on_code: str, day: date) -> bool:
    """Whether *add_on_code* counts more of *first*: of its family, its lowest primary, and not once by definition."""
    mue_row = snapshot.mue(add_on_code)
    is_once = mue_row is not None and mue_row["mue_value"] == 1 and mue_row["mai"] == BY_DEFINITION
    return _is_family(first, add_on_code) and not is_once and min(_primaries(snapshot, add_on_code, day)) == first


@lru_cache(maxsize=2_000)
def _primaries(snapshot: Snapshot, add_on_code: str, day: date) -> frozenset[str]:
    add_on_rows = snapshot.primaries(add_on_code)
    return frozenset(add_on_row["primary_code"] for add_on_row in add_on_rows if _is_closed(add_on_row, day))


def _code_for_all(snapshot: Snapshot, first: str, additional: str, day: date) -> str | None:
    """The one code of the family beside which neither of both is ever paid."""
    edits = snapshot.scan("ptp").filter(pl.col("column_two").is_in([first, additional]), ccmi=0).collect()
    column_ones = [
        {row["column_one"] for row in edits.filter(column_two=code).iter_rows(named=True) if is_active_on(row, day)}
        for code in (first, additional)
    ]
    family_codes = [column_one for column_one in column_ones[0] & column_ones[1] if _is_family(first, column_one)]
    return family_codes[0] if len(family_codes) == 1 else None


def _is_family(hcpcs: str, hcpcs_two: str) -> bool:
    return hcpcs[:_FAMILY_DIGITS] == hcpcs_two[:_FAMILY_DIGITS]


def _is_closed(add_on_row: Mapping[str, Any], day: date) -> bool:
    """Whether an add-on row lists a primary of a closed list on *day*."""
    # Types 2 and 3 are open: contractors add primaries of their own (NCCI Policy Manual 2026, p. I-35).
    return add_on_row["add_on_type"] == 1 and is_active_on(add_on_row, day)


@lru_cache(maxsize=2_000)
def fee_row(snapshot: Snapshot, hcpcs: str, modifier: str = "") -> Mapping[str, Any] | None:
    """Return the fee schedule row of *hcpcs* and *modifier* in *snapshot*, or None; read once."""
    return snapshot.mpfs(hcpcs, modifier)


class Span(NamedTuple):
    """A code that is reported once for a number of lesions: from `least` to `most`, which is null where it is open."""

    hcpcs: str
    least: int
    most: int | None

    def covers(self, lesions: int) -> bool:
        """Return whether it is the code for this number of *lesions*."""
        return self.least <= lesions and (self.most is None or lesions <= self.most)

    @property
    def text(self) -> str:
        """The lesions that it covers, as a citation has them."""
        return f"{self.least} or more lesions" if self.most is None else f"{self.least} to {self.most} lesions"


@lru_cache(maxsize=2_000)
def spans_of(snapshot: Snapshot, hcpcs: str) -> tuple[Span, ...]:
    """Return the codes of the use of *hcpcs* that are each reported once for a number of lesions, *hcpcs* first.

    Empty if it is not such a code, or the release does not hold what its descriptions state (table code_facts).
    """
    spans_of_use = _spans_by_code(snapshot).get(hcpcs, ())
    return tuple(sorted(spans_of_use, key=lambda span: span.hcpcs != hcpcs))


@lru_cache(maxsize=20)
def _spans_by_code(snapshot: Snapshot) -> Mapping[str, Sequence[Span]]:
    """By code all codes of its technique and nature that cover a number of lesions."""
    if "code_facts" not in snapshot:
        return {}
    is_counted = (pl.col("measure") == "lesions") & pl.col("technique").is_not_null()
    # A code for exactly one lesion is the first of a series: it replaces no other.
    is_once = (pl.col("part").fill_null("whole") == "whole") & pl.col("size_to").ne_missing(pl.col("size_from"))
    lesion_counts = snapshot.table("code_facts").filter(is_counted & is_once)
    spans_by_code: dict[str, Sequence[Span]] = {}
    for facts_of_use in lesion_counts.partition_by("technique", "nature", "site_class"):
        spans_of_use = [
            Span(hcpcs, int(least), None if most is None else int(most))
            for hcpcs, least, most in facts_of_use.select("hcpcs", "size_from", "size_to").iter_rows()
        ]
        spans_by_code |= {span.hcpcs: spans_of_use for span in spans_of_use}
    return spans_by_code


def rows_of(series: Series, is_all_of_them: bool) -> Iterator[str]:
    """Yield the rows of CMS's tables behind a series, as a citation has them, up to the code for all where that is."""
    yield f"add-on edit {series.additional}/{series.first}"
    if is_all_of_them:
        yield f"MUE {series.additional}: {series.most}, MAI {BY_DEFINITION}"
        yield f"PTP edits {series.all_of_them}/{series.first} and {series.all_of_them}/{series.additional}, CCMI 0"
    else:
        yield f"MUE {series.first}: 1, MAI {BY_DEFINITION}"
