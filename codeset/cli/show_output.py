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

JsonDocument = dict[str, Any]


def build_news(build_result: Any) -> Iterator[str]:
    """Yield what a person must know after a build, a line each."""
    snapshot = build_result.sealed.snapshot
    release = snapshot.release
    if not build_result.sealed.new:
        yield f"{release} is sealed from these very files already; nothing was written."
    elif (replaced_release := build_result.sealed.read_before) == release:
        yield f"Sealed {release} anew: {snapshot.manifest.resealed[-1].reason}. Approvals of it are void."
    elif replaced_release is not None:
        yield (
            f"New revision {release}: the files of {replaced_release}, which are read otherwise now. "
            "Both snapshots are kept."
        )
    elif release.revision:
        yield f"New revision {release}: other files than before. Both snapshots are kept; {release} is in force."
    else:
        yield f"Sealed {release}."
    if build_result.unrecognized:
        yield f"Not recognized, left out: {', '.join(build_result.unrecognized)}"
    if build_result.missing:
        yield f"Missing: {', '.join(build_result.missing)}. What rests on them is unknown in {release}."
    yield from (f"Note: {build_note}" for build_note in build_result.notes)


def release_table(snapshot: Snapshot) -> Table:
    """Return a release's tables with their editions, as `codeset list` and `codeset build` show them."""
    manifest = snapshot.manifest
    release = manifest.release
    scope = "" if manifest.scope == "all" else f", {manifest.scope} scope only"
    factor_texts = "; ".join(
        f"{factor.value} ({participant_label(factor.participant)}, {factor.first} to {factor.last})"
        for factor in manifest.conversion_factors
    )
    table = Table(
        title=f"{release}: {release.first_day} to {release.last_day}{scope}",
        caption=f"conversion factor: {factor_texts or 'none'}",
        title_justify="left",
        caption_justify="left",
    )
    for heading in ("table", "rows", "edition", "carried from", "files"):
        table.add_column(heading, justify="right" if heading == "rows" else "left")
    for table_name, table_entry in sorted(manifest.tables.items()):
        file_names = ", ".join(source.name for source in table_entry.sources)
        table.add_row(
            table_name, f"{table_entry.rows:,}", table_entry.edition, table_entry.carried_from or "", escape(file_names)
        )
    for table_name in REQUIRED_TABLES:
        if table_name not in manifest.tables:
            table.add_row(table_name, wording.NONE, "not held", "", "")
    return table


def code_facts_of_releases(store: Store, hcpcs: str, release: Release | None) -> list[JsonDocument]:
    """Return what each release (or one) says of *hcpcs*, oldest first."""
    releases = [release] if release else store.releases()
    return [_code_facts(store.open(release), hcpcs) for release in releases]


def _code_facts(snapshot: Snapshot, hcpcs: str) -> JsonDocument:
    return {
        "release": str(snapshot.release),
        "hcpcs": hcpcs,
        "scope": snapshot.manifest.scope,
        "held": sorted(snapshot.manifest.tables),
        "editions": snapshot.manifest.editions_plain,
        "modifiers": _fee_schedule_rows(snapshot, hcpcs),
        "mue": snapshot.mue(hcpcs) if "mue" in snapshot else None,
        "add_on_to": _related_codes(snapshot, "add_on", "add_on_code", hcpcs, "primary_code"),
        "add_ons": _related_codes(snapshot, "add_on", "primary_code", hcpcs, "add_on_code"),
        "edits_as_column_one": len(_related_codes(snapshot, "ptp", "column_one", hcpcs, "column_two") or ()),
        "edits_as_column_two": len(_related_codes(snapshot, "ptp", "column_two", hcpcs, "column_one") or ()),
    }


def _fee_schedule_rows(snapshot: Snapshot, hcpcs: str) -> list[JsonDocument]:
    """The fee schedule's rows of a code, each with its national amounts in cents, by setting and participant."""
    if "mpfs" not in snapshot:
        return []
    fee_rows = snapshot.scan("mpfs").filter(pl.col("hcpcs") == hcpcs).collect()
    factors = {factor.participant: factor.value for factor in snapshot.conversion_factors}
    amounts = [
        (setting, participant, fee_rows.select(national_cents(setting, factor)).to_series())
        for participant, factor in factors.items()
        for setting in SETTINGS
    ]
    return [
        fee_row
        | {
            "amounts": [
                {"setting": setting, "participant": participant_class, "cents": cents[row_number]}
                for setting, participant_class, cents in amounts
            ]
        }
        for row_number, fee_row in enumerate(fee_rows.to_dicts())
    ]


def _related_codes(snapshot: Snapshot, table: str, column: str, hcpcs: str, other_column: str) -> list[str] | None:
    """The other codes of the rows that apply in the release's quarter, or None if it does not hold the table."""
    if table not in snapshot:
        return None
    release = snapshot.release
    applies = active_in(pl.lit(release.first_day), pl.lit(release.last_day))
    return (
        snapshot.scan(table)
        .filter(pl.col(column) == hcpcs, applies)
        .select(other_column)
        .collect()
        .to_series()
        .to_list()
    )


def code_table(hcpcs: str, releases: list[JsonDocument]) -> Table | str:
    """Return what the releases say of a code, side by side, or one sentence if none has it."""
    if not any(release["modifiers"] or release["mue"] for release in releases):
        return f"{hcpcs}: " + (
            "; ".join(f"{release['release']}: {_absence(release, 'mpfs')}" for release in releases) or "no release"
        )
    table = Table("", title=hcpcs, title_justify="left")
    columns = [(release, fee_row) for release in releases for fee_row in release["modifiers"] or [None]]
    for release, fee_row in columns:
        modifier = f" {fee_row['modifier']}" if fee_row and fee_row["modifier"] else ""
        table.add_column(release["release"] + modifier, justify="right")
    for row_label, row_cells in _table_lines(columns):
        table.add_row(row_label, *row_cells)
    return table


def _table_lines(columns: list[tuple[JsonDocument, Row | None]]) -> Iterator[tuple[str, list[str]]]:
    for column in TABLES["mpfs"].columns:
        if column not in ("hcpcs", "modifier"):
            yield (
                wording.column_label(column),
                [_schedule_cell(release, fee_row, column) for release, fee_row in columns],
            )
    # National: every GPCI at 1. What is paid depends on the locality.
    for setting in SETTINGS:
        yield f"national amount, {setting}", [_national_amounts(fee_row, setting) for _, fee_row in columns]
    yield "MUE (MAI)", [_mue_text(release) for release, _ in columns]
    yield "add-on to", [_codes_in_words(release["add_on_to"]) for release, _ in columns]
    yield "its add-ons", [_codes_in_words(release["add_ons"]) for release, _ in columns]
    for column_side in ("one", "two"):
        yield (
            f"PTP edits as column {column_side}",
            [
                f"{release[f'edits_as_column_{column_side}']:,}" if "ptp" in release["held"] else "not held"
                for release, _ in columns
            ],
        )
    if any(map(_carried_from, (release for release, _ in columns))):
        yield "carried from", [_carried_from(release) or wording.NONE for release, _ in columns]


def _carried_from(code_facts: JsonDocument) -> str:
    carried_editions = [edition for edition in code_facts["editions"] if edition["carried_from"]]
    return "\n".join(
        f"{edition['table']}: {edition['carried_from']}, {_age_in_words(edition)}" for edition in carried_editions
    )


def _age_in_words(edition: JsonDocument) -> str:
    return wording.count(edition["age_in_quarters"], "quarter") + " old"


def _schedule_cell(code_facts: JsonDocument, fee_row: Row | None, column: str) -> str:
    if fee_row is None:
        return _absence(code_facts, "mpfs")
    cell_value = fee_row[column]
    if isinstance(cell_value, bool):
        return "yes" if cell_value else "no"
    return wording.NONE if cell_value is None else str(cell_value)


def _absence(code_facts: JsonDocument, table: str) -> str:
    if table not in code_facts["held"]:
        return "not held"
    return "no such code" if code_facts["scope"] == "all" else f"unknown: {code_facts['scope']} scope only"


def _national_amounts(fee_row: Row | None, setting: str) -> str:
    if fee_row is None:
        return wording.NONE
    return " / ".join(dollars(amount["cents"]) for amount in fee_row["amounts"] if amount["setting"] == setting)


def _mue_text(code_facts: JsonDocument) -> str:
    if code_facts["mue"] is None:
        return "not held" if "mue" not in code_facts["held"] else "none published"
    return f"{code_facts['mue']['mue_value']} ({code_facts['mue']['mai']})"


def _codes_in_words(codes: list[str] | None) -> str:
    return "not held" if codes is None else ", ".join(codes) or wording.NONE


def localities_table(snapshot: Snapshot, locality_rows: list[Row]) -> Table:
    """Return localities with their GPCIs, as `codeset localities` shows them."""
    table = Table(title=f"Payment localities, {snapshot.release}", title_justify="left")
    for heading in ("locality", "state", "name", "work GPCI", "PE GPCI", "MP GPCI"):
        table.add_column(heading, justify="right" if "GPCI" in heading else "left")
    for locality_row in locality_rows:
        gpcis = (str(locality_row[f"{gpci_part}_gpci"]) for gpci_part in ("work", "pe", "mp"))
        table.add_row(
            f"{locality_row['mac']}-{locality_row['locality']}",
            locality_row["state"],
            escape(locality_row["locality_name"]),
            *gpcis,
        )
    return table


_SORT_COLUMNS = ("effective_date", "column_one", "deletion_date")


def edits_of_releases(store: Store, code_pair: tuple[str, str]) -> JsonDocument:
    """Return every PTP row between the two codes, with the editions that have it; both directions, by date."""
    row_by_values: dict[tuple[Any, ...], Row] = {}
    snapshots = [snapshot for release in store.releases() if "ptp" in (snapshot := store.open(release))]
    editions: dict[str, Snapshot] = {}
    for snapshot in snapshots:
        # Releases that carry one edition hold the same rows: they are read once.
        editions.setdefault(snapshot.editions["ptp"].edition, snapshot)
    for edition, snapshot in editions.items():
        for ptp_row in _pair_rows(snapshot, code_pair):
            row_by_values.setdefault(tuple(ptp_row.values()), ptp_row | {"editions": []})["editions"].append(edition)
    rows_by_date = sorted(
        row_by_values.values(), key=lambda ptp_row: [str(ptp_row[column]) for column in _SORT_COLUMNS]
    )
    # Without a release that holds edits it is not known whether there is one: that is no answer of CMS's.
    answer = "listed" if rows_by_date else ("no edit" if editions else "unknown")
    edit_history = {"codes": list(code_pair), "on": None, "release": None, "answer": answer, "edits": rows_by_date}
    return edit_history | {"rests_on": [_rests_on(snapshot) for snapshot in snapshots]}


def _rests_on(snapshot: Snapshot) -> JsonDocument:
    """The PTP edition of a release, and its age where it is carried."""
    return {"release": str(snapshot.release)} | snapshot.editions["ptp"].plain()


def edits_in_force(store: Store, code_pair: tuple[str, str], date_of_service: date) -> JsonDocument:
    """Return what applies between the two codes on that date, by the release in force; unknown if there is none."""
    snapshot = store.in_force(date_of_service)
    if snapshot is None or "ptp" not in snapshot:
        return {
            "codes": list(code_pair),
            "on": date_of_service,
            "release": None,
            "answer": "unknown",
            "edits": [],
            "rests_on": [],
        }
    edition = snapshot.editions["ptp"].edition
    rows_in_force = _pair_rows(snapshot, code_pair, active_in(pl.lit(date_of_service), pl.lit(date_of_service)))
    applying_rows = [ptp_row | {"editions": [edition]} for ptp_row in rows_in_force]
    answer = "listed" if applying_rows else "no edit"
    edit_history = {
        "codes": list(code_pair),
        "on": date_of_service,
        "release": str(snapshot.release),
        "answer": answer,
        "edits": applying_rows,
    }
    return edit_history | {"rests_on": [_rests_on(snapshot)]}


def _pair_rows(snapshot: Snapshot, code_pair: tuple[str, str], *conditions: pl.Expr) -> list[Row]:
    is_column_one, is_column_two = pl.col("column_one"), pl.col("column_two")
    is_pair_either_way = ((is_column_one == code_pair[0]) & (is_column_two == code_pair[1])) | (
        (is_column_one == code_pair[1]) & (is_column_two == code_pair[0])
    )
    return (
        snapshot.scan("ptp")
        .filter(is_column_one.is_in(code_pair), is_pair_either_way, *conditions)
        .collect()
        .to_dicts()
    )


def edits_table(code_pair: tuple[str, str], edit_history: JsonDocument) -> Table | str:
    """Return the edits of a pair as a table, or the one sentence that answers."""
    date_text = f" on {edit_history['on']}" if edit_history["on"] else ""
    if edit_history["answer"] == "unknown":
        return f"unknown: no release with PTP edits covers{date_text or ' anything here'}"
    if edit_history["answer"] == "no edit":
        no_edit_text = f"No PTP edit found between {code_pair[0]} and {code_pair[1]}{date_text}."
        return "\n".join(
            [f"{no_edit_text} That does not by itself mean both are payable.", *_carried_edits(edit_history)]
        )
    table = Table(
        title=f"PTP edits between {code_pair[0]} and {code_pair[1]}{date_text}",
        caption="\n".join(_carried_edits(edit_history)) or None,
        title_justify="left",
        caption_justify="left",
    )
    for heading in ("column one", "column two", "effective", "last day", "CCMI", "rationale", "editions"):
        table.add_column(heading, no_wrap=heading in ("effective", "last day"))
    for ptp_row in edit_history["edits"]:
        # CMS keeps such rows, with CCMI 9 (NCCI Policy Manual 2026, p. I-14).
        has_never_applied = ptp_row["deletion_date"] == ptp_row["effective_date"]
        last_day = "never applied" if has_never_applied else ptp_row["deletion_date"] or "in force"
        cell_values = (
            ptp_row["column_one"],
            ptp_row["column_two"],
            ptp_row["effective_date"],
            last_day,
            ptp_row["ccmi"],
            ptp_row["rationale"],
        )
        table.add_row(*map(str, cell_values), ", ".join(ptp_row["editions"]))
    return table


def _carried_edits(edit_history: JsonDocument) -> list[str]:
    return [
        f"{edition['release']} rests on {edition['edition']}, "
        f"carried from {edition['carried_from']} ({_age_in_words(edition)})"
        for edition in edit_history["rests_on"]
        if edition["carried_from"]
    ]
