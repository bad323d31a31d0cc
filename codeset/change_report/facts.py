"""The figures that every form of the report shows: counts, families, editions, and what is not known."""

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
    """One family's payment changes: how many codes, how many changed, and from least to most by setting."""

    name: str
    codes: int
    changed: int
    work: tuple[Decimal, Decimal] | None
    nonfacility: tuple[Decimal, Decimal] | None
    facility: tuple[Decimal, Decimal] | None


def families(changes: Changes) -> list[Family]:
    """Return the families in the scope's order; one of all codes if the scope has none."""
    names = list(dict.fromkeys(changes.scope.families.values())) or [""]
    return [_family(changes, name) for name in names]


def _family(changes: Changes, name: str) -> Family:
    codes = changes.codes.filter(family=name)
    paid = changes.payments.filter(family=name)
    work = _cells(changes, "work_rvu").join(codes, on=["hcpcs", "modifier"], how="semi")
    return Family(
        name=name or "all codes",
        codes=codes["hcpcs"].n_unique(),
        changed=paid["hcpcs"].n_unique(),
        work=_span([wording.ratio(Decimal(was), Decimal(now)) for was, now in work.select("before", "after").rows()]),
        nonfacility=_payment_span(paid, "nonfacility"),
        facility=_payment_span(paid, "facility"),
    )


def _cells(changes: Changes, column: str) -> pl.DataFrame:
    if "mpfs" not in changes.tables:
        return pl.DataFrame(schema={"hcpcs": pl.String, "modifier": pl.String, "before": pl.String, "after": pl.String})
    return changes.tables["mpfs"].changed.filter(column=column)


def _payment_span(paid: pl.DataFrame, setting: str) -> tuple[Decimal, Decimal] | None:
    rows = paid.filter(setting=setting).select("before_cents", "after_cents").rows()
    return _span([wording.ratio(was, now) for was, now in rows])


def _span(ratios: list[Decimal | None]) -> tuple[Decimal, Decimal] | None:
    known = [each for each in ratios if each is not None]
    return (min(known), max(known)) if known else None


def span(pair: tuple[Decimal, Decimal] | None) -> str:
    """Return a range of changes in words."""
    if pair is None:
        return "no change"
    low, high = (wording.signed_percent(each) for each in pair)
    return low if low == high else f"{low} to {high}"


def indicators(changes: TableChanges) -> pl.DataFrame:
    """Return the changed cells of the fee schedule that are no RVU: status, global days, indicators."""
    return changes.changed.filter(~pl.col("column").is_in(RVU_COLUMNS))


def verdict(changes: Changes) -> str:
    """Return the report's first sentence."""
    if changes.none:
        same = [name for name, each in changes.tables.items() if each.same_files]
        rest = f" Both releases rest on the same files for {', '.join(same)}." if same else ""
        compared = ", ".join(
            f"{wording.count(each.compared[1], 'row')} of {name}" for name, each in changes.tables.items()
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
    found = [
        f"{name}: not compared, because {releases} does not hold it"
        if " and " not in releases
        else f"{name}: not compared, because {releases} do not hold it"
        for name, releases in changes.missing.items()
    ]
    for name, each in changes.tables.items():
        entries = [manifest.tables[name] for manifest in (changes.old, changes.new)]
        if each.same_files and entries[1].carried_from:
            found.append(
                f"{name}: both releases rest on the same files ({entries[1].edition}, carried forward from "
                f"{entries[1].carried_from}); what CMS changed in between is not known here"
            )
        elif any(entry.carried_from for entry in entries):
            told = " and ".join(
                f"{manifest.release} uses {entry.edition}, carried forward from {entry.carried_from}"
                for manifest, entry in zip((changes.old, changes.new), entries, strict=True)
                if entry.carried_from
            )
            found.append(f"{name}: {told}")
        if each.new_columns:
            named = ", ".join(wording.named(column) for column in each.new_columns)
            found.append(f"{name}: {named}: new column in CMS's files, not compared")
        if each.remarks:
            told = ", ".join(
                f"{wording.named(column)} in {wording.count(n, 'row')}" for column, n in each.remarks.items()
            )
            found.append(f"{name}: rows that apply in both releases differ in what decides nothing on a claim: {told}")
    return found
