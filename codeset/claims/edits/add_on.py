"""Add-on code edits: an add-on code is paid only beside one of its primary codes that is paid itself."""

from typing import NamedTuple

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import NONE, Findings, findings_of, telling
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.line_kinds import Kinds
from codeset.claims.engine.lines import partners
from codeset.claims.engine.series import Numbers, all_false, count_up, is_member, pack_u64
from codeset.tables import CONTRACTOR_DEFINED


def add_on(lines: pl.DataFrame, kinds: Kinds, denied: pl.Series) -> Findings:
    """Findings of add-on code edits; *denied* are the rows that other edits deny.

    The primary is there when it is on the same day by the same practitioner (Policy Manual 2026, p. I-35). Type 1 has a
    closed list of primaries: without a payable one the add-on is denied (p. I-27). Types 2 and 3 leave primaries to the
    contractor: for review (pp. I-35, I-36). Denial passes on: an add-on may be the primary of another one.
    """
    codes, kind = kinds.made(_codes), lines["kind"]
    if not (codes.add_on[kind] != 0).any():
        return NONE
    either = codes.either[kind]
    row, visit, kind, day = (lines[name].filter(either) for name in ("row", "visit", "kind", "date_of_service"))
    relations = codes.relations
    stretch = _stretches(codes.add_on[kind], day, relations.stretches)
    one, two = _pairs(visit, stretch, codes.primary[kind], relations.pairs)
    alone = _alone(one, two, stretch != 0, relations.stretches["open"][stretch], is_member(row, denied))
    if not alone.any():
        return NONE
    told = pl.DataFrame({"row": row.filter(alone)}).hstack(relations.stretches[stretch.filter(alone)])
    is_alone = alone[one]
    met = pl.DataFrame({"row": row[one.filter(is_alone)], "partner": row[two.filter(is_alone)]})
    partner = met.group_by("row").agg(pl.col("partner").min())
    primaries = _primaries(stretch, told["number"], relations.listed)
    told = told.join(partner, on="row", how="left").join(primaries, on="number", how="left")
    return findings_of(told.select(_TELLING))


class _Relations(NamedTuple):
    """The rows of add-on codes, each code of a release and each primary with a number from 1 on.

    `stretches` are the days on which the same rows apply to a code, each with what these rows say together; they lie
    as `begins` does: code and first day in one number. The first has no rows. `listed` has the primaries of each
    stretch; `pairs`, sorted, has them in one number with the stretch, and a last one that stands for none.
    """

    numbers: pl.DataFrame
    primaries: pl.DataFrame
    stretches: pl.DataFrame
    listed: pl.DataFrame
    pairs: pl.Series


def _relations(code_set: CodeSet) -> _Relations:
    rows = _rows(code_set)
    numbers = rows.select("release", "hcpcs").unique(maintain_order=True).with_row_index("number", offset=1)
    primaries = rows.select("primary_code").unique().with_row_index("primary", offset=1)
    rows = rows.join(numbers, on=["release", "hcpcs"]).join(primaries, on="primary_code")
    turns = [rows.select("number", day.alias("day")) for day in (pl.col("first"), pl.col("last") + 1)]
    begun = pl.concat(turns).unique().sort("number", "day").with_row_index("stretch", offset=1)
    listed = begun.join(rows, on="number").filter(pl.col("day").is_between(pl.col("first"), pl.col("last")))
    begins = begun.select("number", "stretch", pack_u64(pl.col("number"), pl.col("day")).alias("begins"))
    stretches = begins.join(_of_stretches(listed), on="stretch", how="left", maintain_order="left")
    none = pl.DataFrame({"number": [0], "begins": [0]}, schema={"number": pl.UInt32, "begins": pl.UInt64})
    pairs = listed.select(pack_u64(pl.col("stretch"), pl.col("primary"))).to_series().sort()
    return _Relations(
        numbers,
        primaries,
        pl.concat([none, stretches.drop("stretch")], how="diagonal", rechunk=True).with_columns(
            pl.col("applies", "open").fill_null(value=False)
        ),
        listed.select("stretch", "number", pl.col("primary_code").cast(pl.String)),
        pl.concat([pairs, pl.Series([2**64 - 1], dtype=pl.UInt64)], rechunk=True),
    )


def _rows(code_set: CodeSet) -> pl.DataFrame:
    """The rows that ever apply, from their `first` to their `last` day in the release."""
    dated = code_set.add_on.join(code_set.releases.select("release", "first", "last"), on="release")
    rows = dated.select(
        "release",
        pl.col("add_on_code").cast(CODE).alias("hcpcs"),
        pl.col("primary_code").cast(CODE),
        "add_on_type",
        "effective_date",
        "deletion_date",
        pl.col("edition").cast(CODE),
        _number_of(pl.max_horizontal("effective_date", "first")).alias("first"),
        _number_of(pl.min_horizontal("deletion_date", "last")).alias("last"),
    )
    never = pl.col("deletion_date").eq_missing(pl.col("effective_date"))
    return rows.filter(~never, pl.col("first") <= pl.col("last"))


def _number_of(day: Numbers) -> Numbers:
    return day.cast(pl.Int32).cast(pl.Int64) + 2**31


def _of_stretches(listed: pl.DataFrame) -> pl.DataFrame:
    """What the rows of each stretch say together; it is `open` where the contractor may know other primaries."""
    return listed.group_by("stretch").agg(
        (pl.len() > 0).alias("applies"),
        (pl.col("add_on_type") != 1).any().alias("open"),
        pl.col("add_on_type").max(),
        pl.col("effective_date", "deletion_date").max(),
        pl.col("edition", "hcpcs").first(),
    )


class _Codes(NamedTuple):
    """Of each kind of line the number of its add-on code and of its primary code, 0 if it is none; if it is `either`.

    The `relations` go with their numbers: two that are made side by side may be numbered differently.
    """

    relations: _Relations
    add_on: pl.Series
    primary: pl.Series
    either: pl.Series


def _codes(kinds: Kinds) -> _Codes:
    relations = kinds.code_set.made(_relations)
    known = (
        kinds.table.select("release", "hcpcs")
        .join(relations.numbers, on=["release", "hcpcs"], how="left", maintain_order="left")
        .join(relations.primaries, left_on="hcpcs", right_on="primary_code", how="left", maintain_order="left")
    )
    add_on = pl.col("number").fill_null(0)
    primary = pl.when(pl.col("release").is_not_null()).then("primary").fill_null(0)
    either = (add_on != 0) | (primary != 0)
    return _Codes(relations, *known.select(add_on.alias("add_on"), primary.alias("primary"), either.alias("either")))


def _stretches(add_on: pl.Series, day: pl.Series, stretches: pl.DataFrame) -> pl.Series:
    """The stretch of each line, 0 if no row applies to it."""
    last_begun = stretches["begins"].search_sorted(pack_u64(add_on, _number_of(day)), side="right") - 1
    applies = (stretches["number"][last_begun] == add_on) & stretches["applies"][last_begun]
    return last_begun.zip_with(applies, last_begun * 0)


def _pairs(visit: pl.Series, stretch: pl.Series, primary: pl.Series, pairs: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Where each add-on code and each of its primary codes lie that are of one visit."""
    is_add_on, is_primary = stretch != 0, primary != 0
    itself = count_up(visit.len()).filter(is_add_on & is_primary)
    ones, twos = [itself], [itself]
    for one, two in partners(visit):
        for first, second in ((one, two), (two, one)):
            may_be = is_add_on[first] & is_primary[second]
            ones.append(first.filter(may_be))
            twos.append(second.filter(may_be))
    one, two = pl.concat(ones), pl.concat(twos)
    pair = pack_u64(stretch[one], primary[two])
    there = pairs[pairs.search_sorted(pair)] == pair
    return one.filter(there), two.filter(there)


def _alone(one: pl.Series, two: pl.Series, is_add_on: pl.Series, is_open: pl.Series, denied: pl.Series) -> pl.Series:
    """Which add-on codes have no primary code that is paid; *denied* is what other edits deny.

    One that is denied for want of a primary is no payable primary itself.
    """
    count = is_add_on.len()
    falls = ~is_open | all_false(count).scatter(one, values=True)
    lost = denied
    while True:
        alone = is_add_on & ~all_false(count).scatter(one.filter(~lost[two]), values=True)
        after = denied | (alone & falls)
        if after.equals(lost):
            return alone
        lost = after


def _primaries(stretches: pl.Series, numbers: pl.Series, listed: pl.DataFrame) -> pl.DataFrame:
    """The primaries that are listed on *stretches* for the add-on codes with *numbers*, as text."""
    told = listed.filter(pl.col("number").is_in(numbers.implode()), pl.col("stretch").is_in(stretches.implode()))
    named = told.filter(pl.col("primary_code") != CONTRACTOR_DEFINED)
    codes = pl.col("primary_code").unique().sort().str.join(", ")
    return named.group_by("number").agg(codes.alias("primaries"))


def _telling() -> list[pl.Expr]:
    present = pl.col("partner").is_not_null()
    reason = (
        pl.when(present)
        .then(pl.lit("add-on-primary-denied"))
        .when("open")
        .then(pl.lit("add-on-primary-by-contractor"))
        .otherwise(pl.lit("add-on-without-primary"))
    )
    return telling(
        reason,
        row=pl.col("row"),
        partner=pl.col("partner"),
        detail=pl.when(~present & pl.col("open")).then(pl.col("add_on_type").cast(pl.String)).otherwise("primaries"),
        table=pl.lit("add_on"),
        column_one=pl.col("hcpcs"),
        effective_date=pl.col("effective_date"),
        deletion_date=pl.col("deletion_date"),
        edition=pl.col("edition"),
    )


_TELLING = _telling()
