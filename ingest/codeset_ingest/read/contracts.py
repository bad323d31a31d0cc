"""Contracts: what must hold of every table before it is sealed. A contract yields every fault it finds."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

import polars as pl

from codeset.errors import Fault
from codeset.releases import Release
from codeset.tables import RVU_COLUMNS, TABLES, active_in
from codeset_ingest.read.acceptance import AcceptableFault
from codeset_ingest.read.table import FILE, LINE, Reading, key_text

_CODE = ("hcpcs", "modifier")
# CPT: five digits, or four and a letter (categories II and III, F, T, U and others); HCPCS Level II: a letter and four
# digits.
_CODE_FORM = r"^(\d{4}[0-9A-Z]|[A-Z]\d{4})$"
_GLOBAL_PERIODS = ["000", "010", "090", "YYY"]
# Far beyond all indices of 2020 to 2026 (0.235 to 2.702): a shifted column or a lost decimal point falls outside.
_INDICES = (Decimal("0.2"), Decimal(3))
# The OPPS values are caps, not components: nothing is said of how they add up.
_RVUS = [column for column in RVU_COLUMNS if not column.startswith("opps_")]

_SHOWN = 20
"""Faults of one contract that are listed; the rest are counted."""


def check(reading: Reading, release: Release) -> Iterator[Fault]:
    """Yield what breaks the contracts of the reading's table, and what suggests that its file was cut."""
    # A file that may be cut is a doubt of its reader; agreement with another form has dispelled it by now.
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
    message = "{} is there more than once; expected one record for each " + " and ".join(key)
    yield from _faults(repeated, lambda row: message.format(key_text(row, key)))


def totals_add_up(reading: Reading, _: Release) -> Iterator[Fault]:
    """Work + PE + MP is the total, in both settings (holds on every row of the files seen, 2020 to 2026)."""
    for setting in ("nonfacility", "facility"):
        total = pl.col("work_rvu") + pl.col(f"{setting}_pe_rvu") + pl.col("mp_rvu")
        wrong = reading.frame.with_columns(total.alias("sum")).filter(pl.col("sum") != pl.col(f"{setting}_total_rvu"))
        wrong = wrong.with_columns(pl.col(f"{setting}_total_rvu").alias("printed"))
        message = f"{{}}: {setting} total is {{}}, expected work + PE + MP = {{}}"
        yield from _faults(wrong, _filled(message, ("hcpcs", "modifier")))


def portions_are_whole(reading: Reading, _: Release) -> Iterator[Fault]:
    """Pre-, intra- and postoperative shares add up to 0 or 1, and only codes with a global period have them.

    RVU25D's record layout; 0 violations on the fee schedules of 2020 to 2026.
    """
    total = sum((pl.col(f"{part}operative_percentage") for part in ("pre", "intra", "post")), pl.lit(0))
    rows = reading.frame.with_columns(total.alias("sum"))
    yield from _faults(
        rows.filter(~pl.col("sum").is_in([0, 1])),
        lambda row: f"{key_text(row, _CODE)}: pre-, intra- and postoperative shares add up to {row['sum']}, not 0 or 1",
    )
    yield from _faults(
        rows.filter((pl.col("sum") > 0) & ~pl.col("global_days").cast(pl.String).is_in(_GLOBAL_PERIODS)),
        lambda row: f"{key_text(row, _CODE)}: shares of a global period, but global days are {row['global_days']}",
    )


def na_repeats_the_other_setting(reading: Reading, _: Release) -> Iterator[Fault]:
    """Where a setting is marked NA, its PE is that of the other setting (RVU25D's layout: rarely or never performed).

    0 violations on the fee schedules of 2020 to 2026 but for codes of status X, which the schedule does not pay.
    """
    differ = pl.col("nonfacility_pe_rvu") != pl.col("facility_pe_rvu")
    paid = pl.col("status_code").cast(pl.String) != "X"
    rows = reading.frame.filter((pl.col("nonfacility_na") | pl.col("facility_na")) & differ & paid)
    yield from _faults(
        rows,
        lambda row: (
            f"{key_text(row, _CODE)}: a setting is NA, but PE is {row['nonfacility_pe_rvu']} in non-facility and "
            f"{row['facility_pe_rvu']} in facility; expected the same"
        ),
    )


def components_add_up(reading: Reading, _: Release) -> Iterator[Fault]:
    """Professional (26) and technical component (TC) add up to the whole, in each RVU, for status A and R.

    0 violations on the fee schedules of 2020 to 2026 (some 880 codes each).
    """
    rows = reading.frame.with_columns(pl.col("hcpcs", "modifier", "status_code").cast(pl.String))
    whole = rows.filter(pl.col("status_code").is_in(["A", "R"]), modifier="")
    parts = (rows.filter(modifier=modifier).select("hcpcs", *_RVUS) for modifier in ("26", "TC"))
    for part, suffix in zip(parts, (" 26", " TC"), strict=True):
        whole = whole.join(part, on="hcpcs", suffix=suffix)
    for column in _RVUS:
        sum_of_parts = pl.col(f"{column} 26") + pl.col(f"{column} TC")
        wrong = whole.with_columns(sum=sum_of_parts, printed=pl.col(column)).filter(pl.col("sum") != pl.col(column))
        yield from _faults(wrong, _filled(f"{{}}: {column} is {{}}, but 26 and TC add up to {{}}", ("hcpcs",)))


def indices_are_in_bounds(reading: Reading, _: Release) -> Iterator[Fault]:
    """No cost index is far from all of 2020 to 2026: 0.235 to 2.702."""
    for column in ("work_gpci", "pe_gpci", "mp_gpci"):
        low, high = _INDICES
        wrong = reading.frame.filter((pl.col(column) < low) | (pl.col(column) > high)).with_columns(
            printed=pl.col(column)
        )
        yield from _faults(wrong, _index_fault(column))


def _index_fault(column: str) -> Callable[[Mapping[str, object]], str]:
    low, high = _INDICES
    return lambda row: (
        f"{key_text(row, ('mac', 'locality'))}: {column} is {row['printed']}, expected one from {low} to {high}"
    )


def caps_are_of_every_locality(reading: Reading, _: Release) -> Iterator[Fault]:
    """Every code has a cap in as many localities: 115 for each of 154 codes in 2024 and 140 in 2025.

    OPPSCAP of July 2025 has no end-of-file mark: a copy that was cut within a code is known by this alone.
    """
    counts = reading.frame.group_by(_CODE, maintain_order=True).agg(pl.len().alias("caps"), pl.col(FILE, LINE).last())
    most = max(counts["caps"].to_list())
    for row in counts.filter(pl.col("caps") != most).head(1).iter_rows(named=True):
        message = (
            f"{key_text(row, _CODE)} has caps in {row['caps']} localities, other codes in {most}: rows are missing"
        )
        yield AcceptableFault(row[FILE], row[LINE], message, f"localities:{reading.table}")


def areas_have_a_state(reading: Reading, _: Release) -> Iterator[Fault]:
    """Every area is of a state: LOCCO names it in the first row of a block, and a blank row ends the block.

    Not the txt, which leaves California's 29 areas without one (2024 and 2025).
    """
    if reading.form != "txt":
        message = "{} has no state; expected one in the first row of its block"
        nameless = reading.frame.filter(pl.col("state").is_null())
        yield from _faults(nameless, lambda row: message.format(key_text(row, ("mac", "locality"))))


def unusual_codes(reading: Reading) -> list[str]:
    """Return a note on codes in no known form: CMS ships some (GXXX1 in July 2026), so they are told, not refused."""
    if "hcpcs" not in reading.frame.columns:
        return []
    codes = reading.frame["hcpcs"].cast(pl.String).unique().sort()
    unusual = codes.filter(~codes.str.contains(_CODE_FORM)).to_list()
    return [f"{reading.table}: codes in no known form: {', '.join(unusual[:_SHOWN])}"] if unusual else []


def edits_end_after_they_begin(reading: Reading, _: Release) -> Iterator[Fault]:
    """No edit is deleted before it takes effect."""
    key = TABLES[reading.table].subject
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
    message = f"{{}}: more than one edit of these two codes applies in {release}; expected one row and one direction"
    yield from _faults(twice, lambda row: message.format(key_text(row, ("column_one", "column_two"))))


_ENDS = {"low": pl.min_horizontal, "high": pl.max_horizontal}


def headers_are_not_billable(reading: Reading, _: Release) -> Iterator[Fault]:
    """A code that has codes below it is a header, and a code of more than three characters stands below one.

    0 violations in the editions of fiscal years 2022 to 2026.
    """
    rows = reading.frame.with_columns(pl.col("diagnosis", "parent").cast(pl.String))
    headers = rows["parent"].unique().implode()
    yield from _faults(
        rows.filter(pl.col("billable") & pl.col("diagnosis").is_in(headers)),
        lambda row: f"{row['diagnosis']} is marked valid, but codes stand below it; expected a header",
    )
    yield from _faults(
        rows.filter(~pl.col("billable") & ~pl.col("diagnosis").is_in(headers)),
        lambda row: f"{row['diagnosis']} is a header, but there is no code below it",
    )
    yield from _faults(
        rows.filter((pl.col("diagnosis").str.len_chars() > 3) & pl.col("parent").is_null()),
        lambda row: f"{row['diagnosis']} is below no header",
    )


def descriptions_are_understood(reading: Reading, _: Release) -> Iterator[Fault]:
    """The short description of every code that visits are coded with states what the code is for.

    0 violations on the fee schedules of April 2024 to July 2026. No description is printed: it is the AMA's.
    """
    rows = reading.frame.filter(pl.col("measure").is_null())
    for row in rows.head(1).iter_rows(named=True):
        message = (
            f"{', '.join(rows['hcpcs'])}: the short description has other words than those known of the code; expected "
        )
        message += (
            "its technique, sites and sizes. Until they are known, codeset code knows the code by its own list alone"
        )
        yield AcceptableFault(row[FILE], row[LINE], message, f"descriptions:{reading.table}")


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
    "mpfs": (totals_add_up, portions_are_whole, na_repeats_the_other_setting, components_add_up),
    "code_facts": (descriptions_are_understood,),
    "gpci": (indices_are_in_bounds,),
    "oppscap": (caps_are_of_every_locality,),
    "locality_county": (areas_have_a_state,),
    "ptp": _EDITS,
    "ptp_outpatient": _EDITS,
    "add_on": (edits_end_after_they_begin,),
    "hcpcs_level2": (edits_end_after_they_begin,),
    "diagnosis": (headers_are_not_billable,),
    "modifier": (edits_end_after_they_begin,),
}


def _filled(message: str, key: Iterable[str]) -> Callable[[Mapping[str, object]], str]:
    """Fill *message* with a row's key, the printed total and the sum that was expected."""
    return lambda row: message.format(key_text(row, key), row["printed"], row["sum"])


def _faults(rows: pl.DataFrame, message: Callable[[Mapping[str, object]], str]) -> Iterator[Fault]:
    for row in rows.head(_SHOWN).iter_rows(named=True):
        yield Fault(row[FILE], row[LINE], message(row))
    if rows.height > _SHOWN:
        row = rows.row(_SHOWN, named=True)
        yield Fault(row[FILE], row[LINE], f"and {rows.height - _SHOWN} more such records from here on")
