"""What CMS says of each code in every release at hand: RVUs, amounts, global days, MUE, add-on codes and PTP edits."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from codeset.lookups.localities import NATIONAL
from codeset.money import NATION, SETTINGS, Gpci, local_cents
from codeset.participants import Participant
from codeset.releases import Release
from codeset.scope import Scope
from codeset.snapshot import Row, Snapshot
from codeset.tables import active_in


@dataclass(frozen=True)
class ScheduleRow:
    """A code in one release's fee schedule. Amounts are in cents, of one place and participant class."""

    release: str
    modifier: str
    status_code: str
    work_rvu: Decimal
    office_pe_rvu: Decimal
    facility_pe_rvu: Decimal
    mp_rvu: Decimal
    global_days: str
    office_cents: int | None
    facility_cents: int | None
    mue: str


@dataclass(frozen=True)
class CodeDetail:
    """A code: its history, oldest release first; its primary and add-on codes and its PTP edits in the last one.

    `bundles` are the column 2 codes that bundle into this one, `bundled_into` the codes that it bundles into,
    by modifier indicator.
    """

    hcpcs: str
    family: str
    history: tuple[ScheduleRow, ...]
    primaries: tuple[str, ...]
    add_ons: tuple[str, ...]
    bundles: Mapping[str, tuple[str, ...]]
    bundled_into: Mapping[str, tuple[str, ...]]


def code_details(
    snapshots: Sequence[Snapshot], scope: Scope, participant: Participant | None, locality: str = NATIONAL
) -> tuple[CodeDetail, ...]:
    """Return every code of *scope* in the last of *snapshots* (oldest first).

    Amounts are those of *participant* in *locality*; a release that does not have the locality sets none.
    """
    newest_snapshot = snapshots[-1]
    histories = _histories(snapshots, scope, participant, locality)
    primaries, add_ons = _add_on_pairs(newest_snapshot, scope)
    bundles, bundled_into = _edits_by_code(newest_snapshot, scope)
    codes = scope.of("mpfs", newest_snapshot.scan("mpfs")).select(pl.col("hcpcs").unique().sort()).collect()["hcpcs"]
    return tuple(
        CodeDetail(
            hcpcs,
            scope.families[hcpcs],
            tuple(histories[hcpcs]),
            tuple(primaries[hcpcs]),
            tuple(add_ons[hcpcs]),
            _codes_by_indicator(bundles[hcpcs]),
            _codes_by_indicator(bundled_into[hcpcs]),
        )
        for hcpcs in codes
    )


def _histories(
    snapshots: Sequence[Snapshot], scope: Scope, participant: Participant | None, locality: str
) -> dict[str, list[ScheduleRow]]:
    histories: dict[str, list[ScheduleRow]] = defaultdict(list)
    for snapshot in snapshots:
        mue_by_code = {
            table_row["hcpcs"]: f"{table_row['mue_value']} (MAI {table_row['mai']})"
            for table_row in _table_rows(snapshot, "mue", scope)
        }
        for table_row in _priced_rows(snapshot, scope, participant, locality):
            histories[table_row["hcpcs"]].append(
                _schedule_row(table_row, snapshot.release, mue_by_code.get(table_row["hcpcs"], ""))
            )
    return histories


def _table_rows(snapshot: Snapshot, table_name: str, scope: Scope) -> list[Row]:
    return scope.of(table_name, snapshot.scan(table_name)).collect().to_dicts() if table_name in snapshot else []


def _priced_rows(snapshot: Snapshot, scope: Scope, participant: Participant | None, locality: str) -> list[Row]:
    # The last day's: the factor of 2024 changed on March 9. Until 2025 CMS had one for everyone, since 2026 it has two.
    factor = snapshot.conversion_factor(snapshot.release.last_day, participant=participant)
    factor = factor or snapshot.conversion_factor(snapshot.release.last_day, participant=None)
    gpci = _gpci(snapshot, locality)
    amounts = [
        (local_cents(setting, factor, gpci) if factor and gpci else pl.lit(None, dtype=pl.Int64)).alias(setting)
        for setting in SETTINGS
    ]
    return scope.of("mpfs", snapshot.scan("mpfs")).with_columns(amounts).sort("hcpcs", "modifier").collect().to_dicts()


def _gpci(snapshot: Snapshot, locality: str) -> Gpci | None:
    if locality == NATIONAL:
        return NATION
    row = snapshot.gpci(*locality.split("-")) if "gpci" in snapshot else None
    return Gpci(row["work_gpci"], row["pe_gpci"], row["mp_gpci"]) if row else None


def _schedule_row(mpfs_row: Row, release: Release, mue_text: str) -> ScheduleRow:
    return ScheduleRow(
        release=str(release),
        modifier=mpfs_row["modifier"],
        status_code=mpfs_row["status_code"],
        work_rvu=mpfs_row["work_rvu"],
        office_pe_rvu=mpfs_row["nonfacility_pe_rvu"],
        facility_pe_rvu=mpfs_row["facility_pe_rvu"],
        mp_rvu=mpfs_row["mp_rvu"],
        global_days=mpfs_row["global_days"],
        office_cents=mpfs_row["nonfacility"],
        facility_cents=mpfs_row["facility"],
        mue=mue_text,
    )


def _add_on_pairs(snapshot: Snapshot, scope: Scope) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The primary codes of each add-on code, and the add-on codes of each primary, in force in the quarter."""
    active_pairs = scope.of("add_on", snapshot.scan("add_on")).filter(_in_force(snapshot.release))
    primaries: dict[str, list[str]] = defaultdict(list)
    add_ons: dict[str, list[str]] = defaultdict(list)
    # Once each: CMS's file has some pairs twice (49 of them in April 2026).
    for add_on, primary in (
        active_pairs.select("add_on_code", "primary_code").unique().sort(pl.all()).collect().iter_rows()
    ):
        primaries[add_on].append(primary)
        add_ons[primary].append(add_on)
    return primaries, add_ons


_EditsByCode = dict[str, list[tuple[str, str]]]


def _edits_by_code(snapshot: Snapshot, scope: Scope) -> tuple[_EditsByCode, _EditsByCode]:
    """Of each code, the (indicator, code) of its edits in force in the quarter: as column 1, and as column 2."""
    # CCMI 9 is an edit whose deletion date is its effective date: it never applied (NCCI Policy Manual 2026, p. I-13).
    active_edits = scope.of("ptp", snapshot.scan("ptp")).filter(_in_force(snapshot.release), pl.col("ccmi") < 9)
    bundles: _EditsByCode = defaultdict(list)
    bundled_into: _EditsByCode = defaultdict(list)
    for column_one, column_two, indicator in (
        active_edits.select("column_one", "column_two", "ccmi").unique().sort(pl.all()).collect().iter_rows()
    ):
        bundles[column_one].append((str(indicator), column_two))
        bundled_into[column_two].append((str(indicator), column_one))
    return bundles, bundled_into


def _codes_by_indicator(edits: Sequence[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    return {
        indicator: tuple(code for edit_indicator, code in edits if edit_indicator == indicator)
        for indicator in sorted({indicator for indicator, _ in edits})
    }


def _in_force(release: Release) -> pl.Expr:
    return active_in(pl.lit(release.first_day), pl.lit(release.last_day))
