"""Contracts: what must hold of every table before it is sealed. A contract yields every fault it finds."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import polars as pl

from codeset.errors import Fault
from codeset.manifest import TableEntry
from codeset.releases import Release
from codeset.tables import TABLES, active_in
from codeset_ingest.read.table import FILE, LINE, Reading, key_text

TOLERANCE = 20
"""Percent by which a table's row count may differ from the release before."""

_SHOWN = 20
"""Faults of one contract that are listed; the rest are counted."""


def check(reading: Reading, release: Release) -> Iterator[Fault]:
    """Yield what breaks the contracts of the reading's table, and what suggests that its file was cut."""
    yield from reading.doubts
    if reading.frame.is_empty():
        yield Fault(", ".join(reading.names), 0, f"no record of {reading.table} in it")
        return
    for contract in (keys_are_unique, *_CONTRACTS.get(reading.table, ())):
        yield from contract(reading, release)


def keys_are_unique(reading: Reading, _: Release) -> Iterator[Fault]:
    """Every key occurs once; the frame is sorted by it, so that equal keys are neighbors."""
    key = TABLES[reading.table].key
    repeated = reading.frame.filter(
        pl.all_horizontal(pl.col(column).eq_missing(pl.col(column).shift()) for column in key)
    )
    says = "{} stands more than once; expected one record for each " + " and ".join(key)
    yield from _faults(repeated, lambda row: says.format(key_text(row, key)))


def totals_add_up(reading: Reading, _: Release) -> Iterator[Fault]:
    """Work + PE + MP is the total, in both settings (holds on every row of the files seen, 2020 to 2026)."""
    for setting in ("nonfacility", "facility"):
        total = pl.col("work_rvu") + pl.col(f"{setting}_pe_rvu") + pl.col("mp_rvu")
        wrong = reading.frame.with_columns(total.alias("sum")).filter(pl.col("sum") != pl.col(f"{setting}_total_rvu"))
        wrong = wrong.with_columns(pl.col(f"{setting}_total_rvu").alias("printed"))
        says = f"{{}}: {setting} total is {{}}, expected work + PE + MP = {{}}"
        yield from _faults(wrong, _filled(says, ("hcpcs", "modifier")))


def edits_end_after_they_begin(reading: Reading, _: Release) -> Iterator[Fault]:
    """No edit is deleted before it takes effect."""
    key = TABLES[reading.table].codes
    wrong = reading.frame.filter(pl.col("deletion_date") < pl.col("effective_date"))
    yield from _faults(
        wrong,
        lambda row: (
            f"{key_text(row, key)}: deleted {row['deletion_date']}, before it took effect {row['effective_date']}"
        ),
    )


def indicator_nine_never_applied(reading: Reading, _: Release) -> Iterator[Fault]:
    """CCMI 9 marks the rows deleted on the day they took effect, and no others (Policy Manual 2026, p. I-14)."""
    never = (pl.col("deletion_date") == pl.col("effective_date")).fill_null(value=False)
    wrong = reading.frame.filter((pl.col("ccmi") == 9) != never)
    yield from _faults(
        wrong,
        lambda row: (
            f"{key_text(row, ('column_one', 'column_two'))}: CCMI {row['ccmi']}, effective {row['effective_date']}, "
            f"deleted {row['deletion_date']}; expected CCMI 9 exactly where the two dates are the same"
        ),
    )


def one_active_edit_for_a_pair(reading: Reading, release: Release) -> Iterator[Fault]:
    """On the release's dates of service at most one row applies to two codes, whichever is column one."""
    one, two = (pl.col(column).to_physical().cast(pl.UInt64) for column in ("column_one", "column_two"))
    pair = pl.min_horizontal(one, two) * 2**32 + pl.max_horizontal(one, two)
    applies = active_in(pl.lit(release.first_day), pl.lit(release.last_day))
    pairs = reading.frame.lazy().filter(applies).select(pair).collect().to_series()
    if pairs.n_unique() == pairs.len():
        return
    same_pair = reading.frame.filter(applies).filter(pair.is_duplicated())
    ends = [fold("column_one", "column_two").alias(name) for name, fold in _ENDS.items()]
    twice = same_pair.with_columns(pl.col("column_one", "column_two").cast(pl.String)).sort(*ends, FILE, LINE)
    says = f"{{}}: more than one edit of these two codes applies in {release}; expected one row and one direction"
    yield from _faults(twice, lambda row: says.format(key_text(row, ("column_one", "column_two"))))


_ENDS = {"low": pl.min_horizontal, "high": pl.max_horizontal}


def parts_make_a_whole(reading: Reading, _: Release) -> Iterator[Fault]:
    """The set of parts begins and ends as a complete set does: neither the first nor the last part is missing."""
    parts = reading.layout.rules["parts"]
    code = reading.frame["column_one"]
    for part, hcpcs, pattern in (("first", code[0], parts["first"]), ("last", code[-1], parts["last"])):
        if not pl.Series([hcpcs]).str.contains(f"^(?:{pattern})")[0]:
            yield Fault(
                ", ".join(reading.names),
                0,
                f"the {part} part is missing: column one goes from {code[0]} to {code[-1]}, expected {pattern} at the "
                f"{part} row ({parts['because']})",
            )


_EDITS = (edits_end_after_they_begin, indicator_nine_never_applied, one_active_edit_for_a_pair, parts_make_a_whole)
_CONTRACTS = {
    "mpfs": (totals_add_up,),
    "ptp": _EDITS,
    "ptp_outpatient": _EDITS,
    "add_on": (edits_end_after_they_begin,),
}


def row_counts_hold(
    rows: Mapping[str, int], before: Mapping[str, tuple[Release, TableEntry]], accepted: Iterable[str]
) -> Iterator[Fault]:
    """Each table has about as many rows as in the release before, unless the difference was accepted by name."""
    for table, (release, entry) in sorted(before.items()):
        count = rows[table]
        if abs(count - entry.rows) * 100 > entry.rows * TOLERANCE and table not in accepted:
            yield Fault(
                table,
                0,
                f"{count} rows, but {entry.rows} in {release}: more than {TOLERANCE} % apart. A part may be missing; "
                f"if the count is right, build with --accept-row-count {table}",
            )


def missing_localities(reading: Reading, before: pl.DataFrame, release: Release) -> list[str]:
    """Return a note if localities of the release before are missing."""
    key = ["mac", "locality"]
    missing = before.join(reading.frame.select(pl.col(key).cast(pl.String)), on=key, how="anti").sort(key)
    if missing.is_empty():
        return []
    names = ", ".join(f"{row['mac']}-{row['locality']}" for row in missing.iter_rows(named=True))
    return [f"{missing.height} localities of {release} are gone: {names}"]


def _filled(says: str, key: Iterable[str]) -> Callable[[Mapping[str, object]], str]:
    """Fill *says* with a row's key, the printed total and the sum that was expected."""
    return lambda row: says.format(key_text(row, key), row["printed"], row["sum"])


def _faults(rows: pl.DataFrame, says: Callable[[Mapping[str, object]], str]) -> Iterator[Fault]:
    for row in rows.head(_SHOWN).iter_rows(named=True):
        yield Fault(row[FILE], row[LINE], says(row))
    if rows.height > _SHOWN:
        row = rows.row(_SHOWN, named=True)
        yield Fault(row[FILE], row[LINE], f"and {rows.height - _SHOWN} more such records from here on")
