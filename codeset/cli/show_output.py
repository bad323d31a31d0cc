"""What the command prints of releases, codes and edits: the facts as plain data, and tables of them for people."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl
from rich.markup import escape
from rich.table import Table

from codeset import wording
from codeset.money import SETTINGS, dollars, national_cents
from codeset.participants import participant_label
from codeset.releases import Release
from codeset.snapshot import Row, Snapshot
from codeset.store import Store
from codeset.tables import REQUIRED_TABLES, TABLES, active_in

Plain = dict[str, Any]


def build_news(built: Any) -> Iterator[str]:
    """Yield what a person must know after a build, a line each."""
    snapshot = built.sealed.snapshot
    release = snapshot.release
    if not built.sealed.new:
        yield f"{release} is sealed from these very files already; nothing was written."
    elif (before := built.sealed.read_before) == release:
        yield f"Sealed {release} anew: {snapshot.manifest.resealed[-1].reason}. Approvals of it are void."
    elif before is not None:
        yield f"New revision {release}: the files of {before}, which are read otherwise now. Both snapshots are kept."
    elif release.revision:
        yield f"New revision {release}: other files than before. Both snapshots are kept; {release} is in force."
    else:
        yield f"Sealed {release}."
    if built.unrecognized:
        yield f"Not recognized, left out: {', '.join(built.unrecognized)}"
    if built.missing:
        yield f"Missing: {', '.join(built.missing)}. What rests on them is unknown in {release}."
    yield from (f"Note: {note}" for note in built.notes)


def release_table(snapshot: Snapshot) -> Table:
    """Return a release's tables with their editions, as `codeset list` and `codeset build` show them."""
    manifest = snapshot.manifest
    release = manifest.release
    scope = "" if manifest.scope == "all" else f", {manifest.scope} scope only"
    factors = "; ".join(
        f"{factor.value} ({participant_label(factor.participant)}, {factor.first} to {factor.last})"
        for factor in manifest.conversion_factors
    )
    table = Table(
        title=f"{release}: {release.first_day} to {release.last_day}{scope}",
        caption=f"conversion factor: {factors or 'none'}",
        title_justify="left",
        caption_justify="left",
    )
    for column in ("table", "rows", "edition", "carried from", "files"):
        table.add_column(column, justify="right" if column == "rows" else "left")
    for name, entry in sorted(manifest.tables.items()):
        files = ", ".join(source.name for source in entry.sources)
        table.add_row(name, f"{entry.rows:,}", entry.edition, entry.carried_from or "", escape(files))
    for name in REQUIRED_TABLES:
        if name not in manifest.tables:
            table.add_row(name, wording.NONE, "not held", "", "")
    return table


def code(store: Store, hcpcs: str, release: Release | None) -> list[Plain]:
    """Return what each release (or one) says of *hcpcs*, oldest first."""
    labels = [release] if release else store.releases()
    return [_code(store.open(release), hcpcs) for release in labels]


def _code(snapshot: Snapshot, hcpcs: str) -> Plain:
    return {
        "release": str(snapshot.release),
        "hcpcs": hcpcs,
        "scope": snapshot.manifest.scope,
        "held": sorted(snapshot.manifest.tables),
        "editions": snapshot.manifest.editions_plain,
        "modifiers": _schedule(snapshot, hcpcs),
        "mue": snapshot.mue(hcpcs) if "mue" in snapshot else None,
        "add_on_to": _codes(snapshot, "add_on", "add_on_code", hcpcs, "primary_code"),
        "add_ons": _codes(snapshot, "add_on", "primary_code", hcpcs, "add_on_code"),
        "edits_as_column_one": len(_codes(snapshot, "ptp", "column_one", hcpcs, "column_two") or ()),
        "edits_as_column_two": len(_codes(snapshot, "ptp", "column_two", hcpcs, "column_one") or ()),
    }


def _schedule(snapshot: Snapshot, hcpcs: str) -> list[Plain]:
    """The fee schedule's rows of a code, each with its national amounts in cents, by setting and participant."""
    if "mpfs" not in snapshot:
        return []
    rows = snapshot.scan("mpfs").filter(pl.col("hcpcs") == hcpcs).collect()
    factors = {factor.participant: factor.value for factor in snapshot.conversion_factors}
    amounts = [
        (setting, participant, rows.select(national_cents(setting, factor)).to_series())
        for participant, factor in factors.items()
        for setting in SETTINGS
    ]
    return [
        row
        | {"amounts": [{"setting": setting, "participant": who, "cents": cents[n]} for setting, who, cents in amounts]}
        for n, row in enumerate(rows.to_dicts())
    ]


def _codes(snapshot: Snapshot, table: str, column: str, hcpcs: str, other: str) -> list[str] | None:
    """The other codes of the rows that apply in the release's quarter, or None if it does not hold the table."""
    if table not in snapshot:
        return None
    release = snapshot.release
    applies = active_in(pl.lit(release.first_day), pl.lit(release.last_day))
    return snapshot.scan(table).filter(pl.col(column) == hcpcs, applies).select(other).collect().to_series().to_list()


def code_table(hcpcs: str, releases: list[Plain]) -> Table | str:
    """Return what the releases say of a code, side by side, or one sentence if none has it."""
    if not any(release["modifiers"] or release["mue"] for release in releases):
        return f"{hcpcs}: " + (
            "; ".join(f"{release['release']}: {_absent(release, 'mpfs')}" for release in releases) or "no release"
        )
    table = Table("", title=hcpcs, title_justify="left")
    columns = [(release, row) for release in releases for row in release["modifiers"] or [None]]
    for release, row in columns:
        modifier = f" {row['modifier']}" if row and row["modifier"] else ""
        table.add_column(release["release"] + modifier, justify="right")
    for label, cells in _lines(columns):
        table.add_row(label, *cells)
    return table


def _lines(columns: list[tuple[Plain, Row | None]]) -> Iterator[tuple[str, list[str]]]:
    for column in TABLES["mpfs"].columns:
        if column not in ("hcpcs", "modifier"):
            yield wording.column_label(column), [_schedule_cell(release, row, column) for release, row in columns]
    # National: every GPCI at 1. What is paid depends on the locality.
    for setting in SETTINGS:
        yield f"national amount, {setting}", [_amounts(row, setting) for _, row in columns]
    yield "MUE (MAI)", [_mue(release) for release, _ in columns]
    yield "add-on to", [_joined(release["add_on_to"]) for release, _ in columns]
    yield "its add-ons", [_joined(release["add_ons"]) for release, _ in columns]
    for side in ("one", "two"):
        yield (
            f"PTP edits as column {side}",
            [
                f"{release[f'edits_as_column_{side}']:,}" if "ptp" in release["held"] else "not held"
                for release, _ in columns
            ],
        )
    if any(map(_carried, (release for release, _ in columns))):
        yield "carried from", [_carried(release) or wording.NONE for release, _ in columns]


def _carried(facts: Plain) -> str:
    carried = [edition for edition in facts["editions"] if edition["carried_from"]]
    return "\n".join(f"{edition['table']}: {edition['carried_from']}, {_age(edition)}" for edition in carried)


def _age(edition: Plain) -> str:
    return wording.count(edition["age_in_quarters"], "quarter") + " old"


def _schedule_cell(facts: Plain, row: Row | None, column: str) -> str:
    if row is None:
        return _absent(facts, "mpfs")
    value = row[column]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return wording.NONE if value is None else str(value)


def _absent(facts: Plain, table: str) -> str:
    if table not in facts["held"]:
        return "not held"
    return "no such code" if facts["scope"] == "all" else f"unknown: {facts['scope']} scope only"


def _amounts(row: Row | None, setting: str) -> str:
    if row is None:
        return wording.NONE
    return " / ".join(dollars(amount["cents"]) for amount in row["amounts"] if amount["setting"] == setting)


def _mue(facts: Plain) -> str:
    if facts["mue"] is None:
        return "not held" if "mue" not in facts["held"] else "none published"
    return f"{facts['mue']['mue_value']} ({facts['mue']['mai']})"


def _joined(codes: list[str] | None) -> str:
    return "not held" if codes is None else ", ".join(codes) or wording.NONE


def localities_table(snapshot: Snapshot, rows: list[Row]) -> Table:
    """Return localities with their GPCIs, as `codeset localities` shows them."""
    table = Table(title=f"Payment localities, {snapshot.release}", title_justify="left")
    for column in ("locality", "state", "name", "work GPCI", "PE GPCI", "MP GPCI"):
        table.add_column(column, justify="right" if "GPCI" in column else "left")
    for row in rows:
        gpcis = (str(row[f"{part}_gpci"]) for part in ("work", "pe", "mp"))
        table.add_row(f"{row['mac']}-{row['locality']}", row["state"], escape(row["locality_name"]), *gpcis)
    return table


_BY_DATE = ("effective_date", "column_one", "deletion_date")


def edits(store: Store, pair: tuple[str, str]) -> Plain:
    """Return every PTP row between the two codes, with the editions that have it; both directions, by date."""
    rows: dict[tuple[Any, ...], Row] = {}
    snapshots = [snapshot for release in store.releases() if "ptp" in (snapshot := store.open(release))]
    editions: dict[str, Snapshot] = {}
    for snapshot in snapshots:
        editions.setdefault(snapshot.editions["ptp"].edition, snapshot)
    for edition, snapshot in editions.items():
        for row in _both_ways(snapshot, pair):
            rows.setdefault(tuple(row.values()), row | {"editions": []})["editions"].append(edition)
    rows_by_date = sorted(rows.values(), key=lambda row: [str(row[column]) for column in _BY_DATE])
    # Without a release that holds edits it is not known whether there is one: that is no answer of CMS's.
    answer = "listed" if rows_by_date else ("no edit" if editions else "unknown")
    plain = {"codes": list(pair), "on": None, "release": None, "answer": answer, "edits": rows_by_date}
    return plain | {"rests_on": [_rests_on(snapshot) for snapshot in snapshots]}


def _rests_on(snapshot: Snapshot) -> Plain:
    """The PTP edition of a release, and its age where it is carried."""
    return {"release": str(snapshot.release)} | snapshot.editions["ptp"].plain()


def edits_on(store: Store, pair: tuple[str, str], day: date) -> Plain:
    """Return what applies between the two codes on *day*, by the release in force; unknown if there is none."""
    snapshot = store.in_force(day)
    if snapshot is None or "ptp" not in snapshot:
        return {"codes": list(pair), "on": day, "release": None, "answer": "unknown", "edits": [], "rests_on": []}
    edition = snapshot.editions["ptp"].edition
    rows = _both_ways(snapshot, pair, active_in(pl.lit(day), pl.lit(day)))
    applying = [row | {"editions": [edition]} for row in rows]
    answer = "listed" if applying else "no edit"
    plain = {"codes": list(pair), "on": day, "release": str(snapshot.release), "answer": answer, "edits": applying}
    return plain | {"rests_on": [_rests_on(snapshot)]}


def _both_ways(snapshot: Snapshot, pair: tuple[str, str], *conditions: pl.Expr) -> list[Row]:
    one, two = pl.col("column_one"), pl.col("column_two")
    either = ((one == pair[0]) & (two == pair[1])) | ((one == pair[1]) & (two == pair[0]))
    return snapshot.scan("ptp").filter(one.is_in(pair), either, *conditions).collect().to_dicts()


def edits_table(pair: tuple[str, str], answer: Plain) -> Table | str:
    """Return the edits of a pair as a table, or the one sentence that answers."""
    on = f" on {answer['on']}" if answer["on"] else ""
    if answer["answer"] == "unknown":
        return f"unknown: no release with PTP edits covers{on or ' anything here'}"
    if answer["answer"] == "no edit":
        nothing = f"No PTP edit found between {pair[0]} and {pair[1]}{on}."
        return "\n".join([f"{nothing} That does not by itself mean both are payable.", *_carried_edits(answer)])
    table = Table(
        title=f"PTP edits between {pair[0]} and {pair[1]}{on}",
        caption="\n".join(_carried_edits(answer)) or None,
        title_justify="left",
        caption_justify="left",
    )
    for column in ("column one", "column two", "effective", "last day", "CCMI", "rationale", "editions"):
        table.add_column(column, no_wrap=column in ("effective", "last day"))
    for row in answer["edits"]:
        # CMS keeps such rows, with CCMI 9 (NCCI Policy Manual 2026, p. I-14).
        never = row["deletion_date"] == row["effective_date"]
        last = "never applied" if never else row["deletion_date"] or "in force"
        cells = (row["column_one"], row["column_two"], row["effective_date"], last, row["ccmi"], row["rationale"])
        table.add_row(*map(str, cells), ", ".join(row["editions"]))
    return table


def _carried_edits(answer: Plain) -> list[str]:
    return [
        f"{edition['release']} rests on {edition['edition']}, carried from {edition['carried_from']} ({_age(edition)})"
        for edition in answer["rests_on"]
        if edition["carried_from"]
    ]
