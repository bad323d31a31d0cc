"""The figures that every form of the change report shows: counts, families, the verdict, and its limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from codeset import wording
from codeset.differences import Changes, TableChanges
from codeset.tables import RVU_COLUMNS


@dataclass(frozen=True)
class Family:
    """One family's payment changes: its codes, how many changed, and the least and most change by setting."""

    name: str
    codes: int
    changed: int
    work: tuple[Decimal, Decimal] | None
    nonfacility: tuple[Decimal, Decimal] | None
    facility: tuple[Decimal, Decimal] | None


def families(changes: Changes) -> list[Family]:
    """Return the families in the scope's order; if it has none, one family of all codes."""
    # The scope `all` has no families, and its codes the blank one.
    family_names = list(dict.fromkeys(changes.scope.families.values())) or [""]
    return [_family_changes(changes, family_name) for family_name in family_names]


def _family_changes(changes: Changes, family_name: str) -> Family:
    family_codes = changes.codes.filter(family=family_name)
    # Amounts, not RVUs, say whether a family changed: a new conversion factor changes every amount and no RVU.
    changed_payments = changes.payments.filter(family=family_name)
    work_changes = _changed_cells(changes, "work_rvu").join(family_codes, on=["hcpcs", "modifier"], how="semi")
    rvu_pairs = work_changes.select("before", "after").rows()
    return Family(
        name=family_name or "all codes",
        codes=family_codes["hcpcs"].n_unique(),
        changed=changed_payments["hcpcs"].n_unique(),
        work=_span_of_ratios([wording.ratio(Decimal(old_rvu), Decimal(new_rvu)) for old_rvu, new_rvu in rvu_pairs]),
        nonfacility=_payment_span(changed_payments, "nonfacility"),
        facility=_payment_span(changed_payments, "facility"),
    )


def _changed_cells(changes: Changes, column: str) -> pl.DataFrame:
    if "mpfs" not in changes.tables:
        return pl.DataFrame(schema={"hcpcs": pl.String, "modifier": pl.String, "before": pl.String, "after": pl.String})
    return changes.tables["mpfs"].changed.filter(column=column)


def _payment_span(changed_payments: pl.DataFrame, setting: str) -> tuple[Decimal, Decimal] | None:
    amount_pairs = changed_payments.filter(setting=setting).select("before_cents", "after_cents").rows()
    return _span_of_ratios([wording.ratio(old_cents, new_cents) for old_cents, new_cents in amount_pairs])


def _span_of_ratios(ratios: list[Decimal | None]) -> tuple[Decimal, Decimal] | None:
    known_ratios = [ratio for ratio in ratios if ratio is not None]
    return (min(known_ratios), max(known_ratios)) if known_ratios else None


def span(ends_of_span: tuple[Decimal, Decimal] | None) -> str:
    """Return a range of changes in words."""
    if ends_of_span is None:
        return "no change"
    least_change, greatest_change = map(wording.signed_percent, ends_of_span)
    return least_change if least_change == greatest_change else f"{least_change} to {greatest_change}"


def indicators(changes: TableChanges) -> pl.DataFrame:
    """Return the changed cells of the fee schedule other than RVUs: status, global days, indicators."""
    # A changed RVU shows in the amounts; a changed indicator shows nowhere else, and decides how a claim is paid.
    return changes.changed.filter(~pl.col("column").is_in(RVU_COLUMNS))


def verdict(changes: Changes) -> str:
    """Return the report's first sentence."""
    if changes.none:
        compared_tables = ", ".join(
            f"{wording.count(table_changes.compared[1], 'row')} of {wording.table_name(table_name)}"
            for table_name, table_changes in changes.tables.items()
        )
        tables_of_same_file = [
            wording.table_name(table) for table, change in changes.tables.items() if change.same_files
        ]
        same_file_text = ""
        if tables_of_same_file:
            same_file_text = f" Both quarters use the same file for {wording.list_in_words(tables_of_same_file)}."
        return f"**No change.** Compared: {compared_tables}.{same_file_text}"
    return f"**{'; '.join(_verdict_parts(changes))}.**"


def _verdict_parts(changes: Changes) -> Iterator[str]:
    if "mpfs" in changes.tables:
        # By code: the rows with 26 and TC of a code are one code to a biller.
        changed_codes, code_count = changes.payments["hcpcs"].n_unique(), changes.codes["hcpcs"].n_unique()
        yield f"Medicare allowed amount changed for {changed_codes:,} of {wording.count(code_count, 'code')}"
        schedule = changes.tables["mpfs"]
        added_count, removed_count = (
            schedule_rows["hcpcs"].n_unique() for schedule_rows in (schedule.added, schedule.removed)
        )
        yield f"{added_count:,} codes added to the fee schedule file, {removed_count:,} removed"
        global_days_changed = schedule.changed.filter(column="global_days").height
        codes_changed = wording.count(global_days_changed, "code")
        yield f"global days of {codes_changed} changed" if global_days_changed else "no global days changed"
    for table_name, edit_label in (("ptp", "NCCI PTP edit"), ("mue", "MUE"), ("add_on", "add-on pair")):
        if table_name in changes.tables:
            yield _edit_finding(changes.tables[table_name], edit_label)


def _edit_finding(changes: TableChanges, edit_label: str) -> str:
    # One file on both sides can show no difference: that is not the same as CMS having changed nothing.
    if changes.same_files:
        return f"{edit_label}s not checked (both quarters use the same file)"
    return f"{wording.count(changes.count, edit_label)} changed" if changes.count else f"no {edit_label} changed"


def cautions(changes: Changes) -> list[str]:
    """Return what the reader must know before trusting "no change": tables missing, or from the same files."""
    of_tables = (caution for table_name in changes.tables for caution in _table_cautions(changes, table_name))
    return [*_not_compared_cautions(changes), *of_tables, *_read_in_one_form(changes)]


def _not_compared_cautions(changes: Changes) -> Iterator[str]:
    for table_name, releases in changes.missing.items():
        auxiliary_verb = "do" if " and " in releases else "does"
        table_title = wording.capitalize_first(wording.table_name(table_name))
        yield f"{table_title}: not compared; {releases} {auxiliary_verb} not have it"
    if changes.diagnoses.is_reportable and changes.diagnoses.not_compared:
        yield f"Diagnosis codes: not compared; {changes.diagnoses.not_compared}"


def _table_cautions(changes: Changes, table_name: str) -> Iterator[str]:
    table_changes = changes.tables[table_name]
    manifests = (changes.old, changes.new)
    table_title = wording.capitalize_first(wording.table_name(table_name))
    carried = [
        f"{wording.quarter(manifest.release)} uses the {wording.quarter(table_entry.carried_from)} file"
        for manifest in manifests
        if (table_entry := manifest.tables[table_name]).carried_from
    ]
    origin_of_newer = manifests[1].tables[table_name].carried_from
    # Both releases were built from one file because we had no other: that is no finding of CMS's.
    if table_changes.same_files and origin_of_newer:
        shared_file = f"the {wording.quarter(origin_of_newer)} file"
        yield f"{table_title}: both quarters use {shared_file}; any CMS changes in between are not included"
    elif carried:
        yield f"{table_title}: {'; '.join(carried)}"
    if table_changes.new_columns:
        new_columns = wording.list_in_words([wording.column_label(column) for column in table_changes.new_columns])
        yield f"{table_title}: {new_columns} is new in CMS's file and is not compared"
    for column, row_count in table_changes.remarks.items():
        rows_in_words = wording.count(row_count, "row")
        has_or_have = "has" if row_count == 1 else "have"
        yield f"{table_title}: {rows_in_words} {has_or_have} a new {wording.column_label(column)}; no effect on claims"


def _read_in_one_form(changes: Changes) -> Iterator[str]:
    """The tables that CMS posts in several forms of which we have one: nothing shows whether it was read right."""
    table_entries = {table_name: changes.new.tables[table_name] for table_name in changes.tables}
    tables_in_one_form = [
        f"{wording.table_name(table_name)} ({table_entry.forms[0]})"
        for table_name, table_entry in table_entries.items()
        if len(table_entry.forms) == 1 and table_entry.other_forms
    ]
    if tables_in_one_form:
        tables = wording.list_in_words(tables_in_one_form)
        yield f"Read from one file format only, not compared with CMS's other formats: {tables}"
