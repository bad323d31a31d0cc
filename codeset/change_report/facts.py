"""The figures that every form of the change report shows: counts, families, the verdict, and its limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from codeset import wording
from codeset.differences import Changes, TableChanges

RVU_COLUMNS = (
    "work_rvu",
    "nonfacility_pe_rvu",
    "facility_pe_rvu",
    "mp_rvu",
    "nonfacility_total_rvu",
    "facility_total_rvu",
    "opps_nonfacility_pe_rvu",
    "opps_facility_pe_rvu",
    "opps_mp_rvu",
)


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
        same = [name for name, table in changes.tables.items() if table.same_files]
        rest = f" Both releases rest on the same files for {', '.join(same)}." if same else ""
        compared = ", ".join(
            f"{wording.count(table.compared[1], 'row')} of {name}" for name, table in changes.tables.items()
        )
        return f"**No change.** Compared: {compared}.{rest}"
    return f"**{'; '.join(_findings(changes))}.**"


def _findings(changes: Changes) -> Iterator[str]:
    paid = changes.payments["hcpcs"].n_unique()
    yield f"{wording.count(paid, 'code')} of {changes.codes['hcpcs'].n_unique():,} paid differently"
    if "mpfs" in changes.tables:
        schedule = changes.tables["mpfs"]
        added, removed = (rows["hcpcs"].n_unique() for rows in (schedule.added, schedule.removed))
        yield f"{added:,} new in the fee schedule, {removed:,} gone"
        days = schedule.changed.filter(column="global_days").height
        yield f"global days of {wording.count(days, 'code')} changed" if days else "no global days changed"
    for name, label in (("ptp", "PTP edit"), ("mue", "MUE"), ("add_on", "add-on relation")):
        if name in changes.tables:
            yield _edit_finding(changes.tables[name], label)


def _edit_finding(changes: TableChanges, label: str) -> str:
    if changes.same_files:
        return f"{label}s rest on the same files in both"
    return f"{wording.count(changes.count, label)} changed" if changes.count else f"no {label} changed"


def cautions(changes: Changes) -> list[str]:
    """Return what the reader must know before trusting "no change": tables missing, or resting on the same files."""
    return [*_not_compared(changes), *(c for name in changes.tables for c in _table_cautions(changes, name))]


def _not_compared(changes: Changes) -> Iterator[str]:
    for name, releases in changes.missing.items():
        verb = "do" if " and " in releases else "does"
        yield f"{name}: not compared, because {releases} {verb} not hold it"


def _table_cautions(changes: Changes, name: str) -> Iterator[str]:
    table, manifests = changes.tables[name], (changes.old, changes.new)
    entries = [manifest.tables[name] for manifest in manifests]
    carried = [
        f"{manifest.release} uses {entry.edition}, carried forward from {entry.carried_from}"
        for manifest, entry in zip(manifests, entries, strict=True)
        if entry.carried_from
    ]
    if table.same_files and entries[1].carried_from:
        yield (
            f"{name}: both releases rest on the same files ({entries[1].edition}, carried forward from "
            f"{entries[1].carried_from}); what CMS changed in between is not known here"
        )
    elif carried:
        yield f"{name}: {' and '.join(carried)}"
    if len(entries[1].forms) == 1 and entries[1].other_forms:
        others = " and ".join(entries[1].other_forms)
        yield (
            f"{name}: {changes.new.release} was read from CMS's {entries[1].forms[0]} alone; no {others} was given to "
            "compare it with"
        )
    if table.new_columns:
        columns = ", ".join(map(wording.named, table.new_columns))
        yield f"{name}: {columns}: new column in CMS's files, not compared"
    if table.remarks:
        columns = ", ".join(
            f"{wording.named(column)} in {wording.count(n, 'row')}" for column, n in table.remarks.items()
        )
        yield f"{name}: rows that apply in both releases differ in what decides nothing on a claim: {columns}"
