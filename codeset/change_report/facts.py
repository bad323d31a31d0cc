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
    names = list(dict.fromkeys(changes.scope.families.values())) or [""]
    return [_family(changes, name) for name in names]


def _family(changes: Changes, name: str) -> Family:
    codes = changes.codes.filter(family=name)
    # Amounts, not RVUs, say whether a family changed: a new conversion factor changes every amount and no RVU.
    paid = changes.payments.filter(family=name)
    work = _changed_cells(changes, "work_rvu").join(codes, on=["hcpcs", "modifier"], how="semi")
    return Family(
        name=name or "all codes",
        codes=codes["hcpcs"].n_unique(),
        changed=paid["hcpcs"].n_unique(),
        work=_span([wording.ratio(Decimal(old), Decimal(new)) for old, new in work.select("before", "after").rows()]),
        nonfacility=_payment_span(paid, "nonfacility"),
        facility=_payment_span(paid, "facility"),
    )


def _changed_cells(changes: Changes, column: str) -> pl.DataFrame:
    if "mpfs" not in changes.tables:
        return pl.DataFrame(schema={"hcpcs": pl.String, "modifier": pl.String, "before": pl.String, "after": pl.String})
    return changes.tables["mpfs"].changed.filter(column=column)


def _payment_span(paid: pl.DataFrame, setting: str) -> tuple[Decimal, Decimal] | None:
    rows = paid.filter(setting=setting).select("before_cents", "after_cents").rows()
    return _span([wording.ratio(before, after) for before, after in rows])


def _span(ratios: list[Decimal | None]) -> tuple[Decimal, Decimal] | None:
    known = [ratio for ratio in ratios if ratio is not None]
    return (min(known), max(known)) if known else None


def span(pair: tuple[Decimal, Decimal] | None) -> str:
    """Return a range of changes in words."""
    if pair is None:
        return "no change"
    low, high = map(wording.signed_percent, pair)
    return low if low == high else f"{low} to {high}"


def indicators(changes: TableChanges) -> pl.DataFrame:
    """Return the changed cells of the fee schedule other than RVUs: status, global days, indicators."""
    return changes.changed.filter(~pl.col("column").is_in(RVU_COLUMNS))


def verdict(changes: Changes) -> str:
    """Return the report's first sentence."""
    if changes.none:
        compared = ", ".join(
            f"{wording.count(table.compared[1], 'row')} of {wording.table_name(name)}"
            for name, table in changes.tables.items()
        )
        same = [wording.table_name(name) for name, table in changes.tables.items() if table.same_files]
        rest = f" Both quarters use the same file for {wording.listed(same)}." if same else ""
        return f"**No change.** Compared: {compared}.{rest}"
    return f"**{'; '.join(_findings(changes))}.**"


def _findings(changes: Changes) -> Iterator[str]:
    if "mpfs" in changes.tables:
        paid, codes = changes.payments["hcpcs"].n_unique(), changes.codes["hcpcs"].n_unique()
        yield f"Medicare allowed amount changed for {paid:,} of {wording.count(codes, 'code')}"
        schedule = changes.tables["mpfs"]
        added, removed = (rows["hcpcs"].n_unique() for rows in (schedule.added, schedule.removed))
        yield f"{added:,} codes added to the fee schedule file, {removed:,} removed"
        days = schedule.changed.filter(column="global_days").height
        yield f"global days of {wording.count(days, 'code')} changed" if days else "no global days changed"
    for name, label in (("ptp", "NCCI PTP edit"), ("mue", "MUE"), ("add_on", "add-on pair")):
        if name in changes.tables:
            yield _edit_finding(changes.tables[name], label)


def _edit_finding(changes: TableChanges, label: str) -> str:
    if changes.same_files:
        return f"{label}s not checked (both quarters use the same file)"
    return f"{wording.count(changes.count, label)} changed" if changes.count else f"no {label} changed"


def cautions(changes: Changes) -> list[str]:
    """Return what the reader must know before trusting "no change": tables missing, or from the same files."""
    of_tables = (caution for name in changes.tables for caution in _table_cautions(changes, name))
    return [*_not_compared(changes), *of_tables, *_read_in_one_form(changes)]


def _not_compared(changes: Changes) -> Iterator[str]:
    for name, releases in changes.missing.items():
        verb = "do" if " and " in releases else "does"
        yield f"{_title(name)}: not compared; {releases} {verb} not have it"
    if changes.diagnoses.is_reportable and changes.diagnoses.not_compared:
        yield f"Diagnosis codes: not compared; {changes.diagnoses.not_compared}"


def _table_cautions(changes: Changes, name: str) -> Iterator[str]:
    table, manifests, title = changes.tables[name], (changes.old, changes.new), _title(name)
    carried = [
        f"{wording.quarter(manifest.release)} uses the {wording.quarter(entry.carried_from)} file"
        for manifest in manifests
        if (entry := manifest.tables[name]).carried_from
    ]
    newer = manifests[1].tables[name].carried_from
    # Both releases were built from one file because we had no other: that is no finding of CMS's.
    if table.same_files and newer:
        file = f"the {wording.quarter(newer)} file"
        yield f"{title}: both quarters use {file}; any CMS changes in between are not included"
    elif carried:
        yield f"{title}: {'; '.join(carried)}"
    if table.new_columns:
        columns = wording.listed([wording.named(column) for column in table.new_columns])
        yield f"{title}: {columns} is new in CMS's file and is not compared"
    for column, number in table.remarks.items():
        rows = wording.count(number, "row")
        yield f"{title}: {rows} {'has' if number == 1 else 'have'} a new {wording.named(column)}; no effect on claims"


def _read_in_one_form(changes: Changes) -> Iterator[str]:
    """The tables that CMS posts in several forms of which we have one: nothing shows whether it was read right."""
    entries = {name: changes.new.tables[name] for name in changes.tables}
    alone = [
        f"{wording.table_name(name)} ({entry.forms[0]})"
        for name, entry in entries.items()
        if len(entry.forms) == 1 and entry.other_forms
    ]
    if alone:
        yield f"Read from one file format only, not compared with CMS's other formats: {wording.listed(alone)}"


def _title(table: str) -> str:
    name = wording.table_name(table)
    return name[:1].upper() + name[1:]
