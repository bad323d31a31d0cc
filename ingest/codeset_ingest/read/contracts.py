"""Contracts: what must hold of every table before it is sealed. A contract yields every fault it finds."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

import polars as pl

from codeset.errors import Fault
from codeset.releases import Release
from codeset.tables import RVU_COLUMNS, TABLES, active_in
from codeset_ingest.read.acceptance import AcceptableFault
from codeset_ingest.read.table import FILE, LINE, Reading, key_text

_CODE_KEY = ("hcpcs", "modifier")
# CPT: five digits, or four and a letter (categories II and III, F, T, U and others); HCPCS Level II: a letter and four
# digits.
_CODE_FORM = r"^(\d{4}[0-9A-Z]|[A-Z]\d{4})$"
# Global days that are divided into shares: counted ones, and YYY, whose period the contractor sets.
_GLOBAL_PERIODS = ["000", "010", "090", "YYY"]
# Far beyond all indices of 2020 to 2026 (0.235 to 2.702): a shifted column or a lost decimal point falls outside.
_INDEX_BOUNDS = (Decimal("0.2"), Decimal(3))
# The OPPS values are caps, not components: nothing is said of how they add up.
_COMPONENT_RVUS = [column for column in RVU_COLUMNS if not column.startswith("opps_")]

_FAULTS_LISTED = 20
"""Faults of one contract that are listed; the rest are counted."""


def check(reading: Reading, release: Release) -> Iterator[Fault]:
    """Yield what breaks the contracts of the reading's table, and what suggests that its file was cut."""
    # A file that may be cut is a doubt of its reader; agreement with another form has dispelled it by now.
    yield from reading.doubts
    if reading.frame.is_empty():
        yield Fault(", ".join(reading.names), 0, f"no record of {reading.table} in it")
        return
    for contract in (keys_are_unique, *_CONTRACTS_OF_TABLES.get(reading.table, ())):
        yield from contract(reading, release)


def keys_are_unique(reading: Reading, _: Release) -> Iterator[Fault]:
    """Every key occurs once; the frame is sorted by it, so that equal keys are neighbors."""
    key_columns = TABLES[reading.table].key
    repeated_rows = reading.frame.filter(
        pl.all_horizontal(pl.col(column).eq_missing(pl.col(column).shift()) for column in key_columns)
    )
    message = "{} is there more than once; expected one record for each " + " and ".join(key_columns)
    yield from _row_faults(repeated_rows, lambda repeated_row: message.format(key_text(repeated_row, key_columns)))


def totals_add_up(reading: Reading, _: Release) -> Iterator[Fault]:
    """Work + PE + MP is the total, in both settings (holds on every row of the files seen, 2020 to 2026)."""
    for setting in ("nonfacility", "facility"):
        component_sum = pl.col("work_rvu") + pl.col(f"{setting}_pe_rvu") + pl.col("mp_rvu")
        wrong_totals = reading.frame.with_columns(component_sum.alias("sum")).filter(
            pl.col("sum") != pl.col(f"{setting}_total_rvu")
        )
        wrong_totals = wrong_totals.with_columns(pl.col(f"{setting}_total_rvu").alias("printed"))
        message = f"{{}}: {setting} total is {{}}, expected work + PE + MP = {{}}"
        yield from _row_faults(wrong_totals, _sum_message(message, ("hcpcs", "modifier")))


def portions_are_whole(reading: Reading, _: Release) -> Iterator[Fault]:
    """Pre-, intra- and postoperative shares add up to 0 or 1, and only codes with a global period have them.

    RVU25D's record layout; 0 violations on the fee schedules of 2020 to 2026.
    """
    share_sum = sum((pl.col(f"{part}operative_percentage") for part in ("pre", "intra", "post")), pl.lit(0))
    rows_with_sum = reading.frame.with_columns(share_sum.alias("sum"))
    yield from _row_faults(
        rows_with_sum.filter(~pl.col("sum").is_in([0, 1])),
        lambda share_row: (
            f"{key_text(share_row, _CODE_KEY)}: pre-, intra- and postoperative shares add up to "
            f"{share_row['sum']}, not 0 or 1"
        ),
    )
    yield from _row_faults(
        rows_with_sum.filter((pl.col("sum") > 0) & ~pl.col("global_days").cast(pl.String).is_in(_GLOBAL_PERIODS)),
        lambda share_row: (
            f"{key_text(share_row, _CODE_KEY)}: shares of a global period, but global days are "
            f"{share_row['global_days']}"
        ),
    )


def na_repeats_the_other_setting(reading: Reading, _: Release) -> Iterator[Fault]:
    """Where a setting is marked NA, its PE is that of the other setting (RVU25D's layout: rarely or never performed).

    0 violations on the fee schedules of 2020 to 2026 but for codes of status X, which the schedule does not pay.
    """
    pe_differs = pl.col("nonfacility_pe_rvu") != pl.col("facility_pe_rvu")
    is_paid = pl.col("status_code").cast(pl.String) != "X"
    differing_rows = reading.frame.filter((pl.col("nonfacility_na") | pl.col("facility_na")) & pe_differs & is_paid)
    yield from _row_faults(
        differing_rows,
        lambda na_row: (
            f"{key_text(na_row, _CODE_KEY)}: a setting is NA, but PE is {na_row['nonfacility_pe_rvu']} in "
            f"non-facility and {na_row['facility_pe_rvu']} in facility; expected the same"
        ),
    )


def components_add_up(reading: Reading, _: Release) -> Iterator[Fault]:
    """Professional (26) and technical component (TC) add up to the whole, in each RVU, for status A and R.

    0 violations on the fee schedules of 2020 to 2026 (some 880 codes each).
    """
    schedule_rows = reading.frame.with_columns(pl.col("hcpcs", "modifier", "status_code").cast(pl.String))
    whole_services = schedule_rows.filter(pl.col("status_code").is_in(["A", "R"]), modifier="")
    component_rows = (
        schedule_rows.filter(modifier=modifier).select("hcpcs", *_COMPONENT_RVUS) for modifier in ("26", "TC")
    )
    for component, suffix in zip(component_rows, (" 26", " TC"), strict=True):
        whole_services = whole_services.join(component, on="hcpcs", suffix=suffix)
    for column in _COMPONENT_RVUS:
        sum_of_parts = pl.col(f"{column} 26") + pl.col(f"{column} TC")
        wrong_sums = whole_services.with_columns(sum=sum_of_parts, printed=pl.col(column)).filter(
            pl.col("sum") != pl.col(column)
        )
        yield from _row_faults(
            wrong_sums, _sum_message(f"{{}}: {column} is {{}}, but 26 and TC add up to {{}}", ("hcpcs",))
        )


def indices_are_in_bounds(reading: Reading, _: Release) -> Iterator[Fault]:
    """No cost index is far from all of 2020 to 2026: 0.235 to 2.702."""
    for column in ("work_gpci", "pe_gpci", "mp_gpci"):
        least_index, greatest_index = _INDEX_BOUNDS
        indices_out_of_bounds = reading.frame.filter(
            (pl.col(column) < least_index) | (pl.col(column) > greatest_index)
        ).with_columns(printed=pl.col(column))
        yield from _row_faults(indices_out_of_bounds, _index_fault(column))


def _index_fault(column: str) -> Callable[[Mapping[str, object]], str]:
    least_index, greatest_index = _INDEX_BOUNDS
    return lambda gpci_row: (
        f"{key_text(gpci_row, ('mac', 'locality'))}: {column} is {gpci_row['printed']}, expected one from "
        f"{least_index} to {greatest_index}"
    )


def caps_are_of_every_locality(reading: Reading, _: Release) -> Iterator[Fault]:
    """Every code has a cap in as many localities: 115 for each of 154 codes in 2024 and 140 in 2025.

    OPPSCAP of July 2025 has no end-of-file mark: a copy that was cut within a code is known by this alone.
    """
    caps_by_code = reading.frame.group_by(_CODE_KEY, maintain_order=True).agg(
        pl.len().alias("caps"), pl.col(FILE, LINE).last()
    )
    # The most, not a fixed number: CMS may add a locality, and then every code has it.
    most_caps = max(caps_by_code["caps"].to_list())
    for short_code in caps_by_code.filter(pl.col("caps") != most_caps).head(1).iter_rows(named=True):
        message = (
            f"{key_text(short_code, _CODE_KEY)} has caps in {short_code['caps']} localities, other codes in "
            f"{most_caps}: rows are missing"
        )
        yield AcceptableFault(short_code[FILE], short_code[LINE], message, f"localities:{reading.table}")


def areas_have_a_state(reading: Reading, _: Release) -> Iterator[Fault]:
    """Every area is of a state: LOCCO names it in the first row of a block, and a blank row ends the block.

    Not the txt, which leaves California's 29 areas without one (2024 and 2025).
    """
    if reading.form != "txt":
        message = "{} has no state; expected one in the first row of its block"
        nameless = reading.frame.filter(pl.col("state").is_null())
        yield from _row_faults(nameless, lambda area_row: message.format(key_text(area_row, ("mac", "locality"))))


def unusual_codes(reading: Reading) -> list[str]:
    """Return a note on codes in no known form: CMS ships some (GXXX1 in July 2026), so none is refused."""
    if "hcpcs" not in reading.frame.columns:
        return []
    codes = reading.frame["hcpcs"].cast(pl.String).unique().sort()
    unusual = codes.filter(~codes.str.contains(_CODE_FORM)).to_list()
    return [f"{reading.table}: codes in no known form: {', '.join(unusual[:_FAULTS_LISTED])}"] if unusual else []


def edits_end_after_they_begin(reading: Reading, _: Release) -> Iterator[Fault]:
    """No edit is deleted before it takes effect."""
    subject_columns = TABLES[reading.table].subject
    # Both on one day is legal: such a row never applied (CCMI 9).
    reversed_dates = reading.frame.filter(pl.col("deletion_date") < pl.col("effective_date"))
    yield from _row_faults(
        reversed_dates,
        lambda edit_row: (
            f"{key_text(edit_row, subject_columns)}: deleted {edit_row['deletion_date']}, before it took effect "
            f"{edit_row['effective_date']}"
        ),
    )


def indicator_nine_never_applied(reading: Reading, _: Release) -> Iterator[Fault]:
    """CCMI 9 marks the rows deleted on the day they took effect, and no others (Policy Manual 2026, p. I-14)."""
    never_applied = (pl.col("deletion_date") == pl.col("effective_date")).fill_null(value=False)
    wrong_indicators = reading.frame.filter((pl.col("ccmi") == 9) != never_applied)
    yield from _row_faults(
        wrong_indicators,
        lambda edit_row: (
            f"{key_text(edit_row, ('column_one', 'column_two'))}: CCMI {edit_row['ccmi']}, "
            f"effective {edit_row['effective_date']}, deleted {edit_row['deletion_date']}; "
            "expected CCMI 9 exactly where the two dates are the same"
        ),
    )


def one_active_edit_for_a_pair(reading: Reading, release: Release) -> Iterator[Fault]:
    """On the release's dates of service at most one row applies to two codes, whichever is column one."""
    # Categoricals of a reading share their categories: equal codes have equal numbers, 32 bits each.
    code_one, code_two = (pl.col(column).to_physical().cast(pl.UInt64) for column in ("column_one", "column_two"))
    unordered_pair = pl.min_horizontal(code_one, code_two) * 2**32 + pl.max_horizontal(code_one, code_two)
    is_active = active_in(pl.lit(release.first_day), pl.lit(release.last_day))
    active_pairs = reading.frame.lazy().filter(is_active).select(unordered_pair).collect().to_series()
    # So it is in every file seen: rows become text, to be shown, only where it is not.
    if active_pairs.n_unique() == active_pairs.len():
        return
    same_pair = reading.frame.filter(is_active).filter(unordered_pair.is_duplicated())
    sorted_ends = [
        horizontal("column_one", "column_two").alias(end_name) for end_name, horizontal in _PAIR_ENDS.items()
    ]
    edits_of_pairs = same_pair.with_columns(pl.col("column_one", "column_two").cast(pl.String)).sort(
        *sorted_ends, FILE, LINE
    )
    message = f"{{}}: more than one edit of these two codes applies in {release}; expected one row and one direction"
    yield from _row_faults(
        edits_of_pairs, lambda edit_row: message.format(key_text(edit_row, ("column_one", "column_two")))
    )


_PAIR_ENDS = {"low": pl.min_horizontal, "high": pl.max_horizontal}


def headers_are_not_billable(reading: Reading, _: Release) -> Iterator[Fault]:
    """A code that has codes below it is a header, and a code of more than three characters is below one.

    0 violations in the editions of fiscal years 2022 to 2026.
    """
    diagnosis_rows = reading.frame.with_columns(pl.col("diagnosis", "parent").cast(pl.String))
    headers = diagnosis_rows["parent"].unique().implode()
    yield from _row_faults(
        diagnosis_rows.filter(pl.col("billable") & pl.col("diagnosis").is_in(headers)),
        lambda diagnosis_row: (
            f"{diagnosis_row['diagnosis']} is marked valid, but codes stand below it; expected a header"
        ),
    )
    yield from _row_faults(
        diagnosis_rows.filter(~pl.col("billable") & ~pl.col("diagnosis").is_in(headers)),
        lambda diagnosis_row: f"{diagnosis_row['diagnosis']} is a header, but there is no code below it",
    )
    yield from _row_faults(
        diagnosis_rows.filter((pl.col("diagnosis").str.len_chars() > 3) & pl.col("parent").is_null()),
        lambda diagnosis_row: f"{diagnosis_row['diagnosis']} is below no header",
    )


def descriptions_are_understood(reading: Reading, _: Release) -> Iterator[Fault]:
    """The short description of every code that visits are coded with states what the code is for.

    0 violations on the fee schedules of April 2024 to July 2026. No description is printed: it is the AMA's.
    """
    rows_without_measure = reading.frame.filter(pl.col("measure").is_null())
    for first_row in rows_without_measure.head(1).iter_rows(named=True):
        message = (
            f"{', '.join(rows_without_measure['hcpcs'])}: the short description has other words than those known of "
            "the code; expected "
        )
        message += (
            "its technique, sites and sizes. Until they are known, codeset code knows the code by its own list alone"
        )
        yield AcceptableFault(first_row[FILE], first_row[LINE], message, f"descriptions:{reading.table}")


def parts_make_a_whole(reading: Reading, _: Release) -> Iterator[Fault]:
    """The set of parts begins and ends as a complete set does: neither the first nor the last part is missing."""
    part_rules = reading.layout.rules["parts"]
    column_one = reading.frame["column_one"]
    for part_name, hcpcs, pattern in (
        ("first", column_one[0], part_rules["first"]),
        ("last", column_one[-1], part_rules["last"]),
    ):
        if not pl.Series([hcpcs]).str.contains(f"^(?:{pattern})")[0]:
            yield Fault(
                ", ".join(reading.names),
                0,
                f"the {part_name} part is missing: column one goes from {column_one[0]} to {column_one[-1]}, "
                f"expected {pattern} at the {part_name} row ({part_rules['because']})",
            )


_PTP_CONTRACTS = (
    edits_end_after_they_begin,
    indicator_nine_never_applied,
    one_active_edit_for_a_pair,
    parts_make_a_whole,
)
_CONTRACTS_OF_TABLES = {
    "mpfs": (totals_add_up, portions_are_whole, na_repeats_the_other_setting, components_add_up),
    "code_facts": (descriptions_are_understood,),
    "gpci": (indices_are_in_bounds,),
    "oppscap": (caps_are_of_every_locality,),
    "locality_county": (areas_have_a_state,),
    "ptp": _PTP_CONTRACTS,
    "ptp_outpatient": _PTP_CONTRACTS,
    "add_on": (edits_end_after_they_begin,),
    "hcpcs_level2": (edits_end_after_they_begin,),
    "diagnosis": (headers_are_not_billable,),
    "modifier": (edits_end_after_they_begin,),
}


def _sum_message(message: str, key_columns: Iterable[str]) -> Callable[[Mapping[str, object]], str]:
    """Fill *message* with a row's key, the printed total and the sum that was expected."""
    return lambda faulty_row: message.format(
        key_text(faulty_row, key_columns), faulty_row["printed"], faulty_row["sum"]
    )


def _row_faults(faulty_rows: pl.DataFrame, message_of_row: Callable[[Mapping[str, object]], str]) -> Iterator[Fault]:
    for faulty_row in faulty_rows.head(_FAULTS_LISTED).iter_rows(named=True):
        yield Fault(faulty_row[FILE], faulty_row[LINE], message_of_row(faulty_row))
    if faulty_rows.height > _FAULTS_LISTED:
        # With the line of the first that is not listed, so that the reader knows where the rest begins.
        faulty_row = faulty_rows.row(_FAULTS_LISTED, named=True)
        yield Fault(
            faulty_row[FILE],
            faulty_row[LINE],
            f"and {faulty_rows.height - _FAULTS_LISTED} more such records from here on",
        )
