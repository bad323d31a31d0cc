"""The change report as Markdown: the summary first, then every change with its row."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars as pl

from codeset import wording
from codeset.change_report import facts
from codeset.diagnosis_changes import DiagnosisChanges
from codeset.differences import Changes, TableChanges, factor_pairs
from codeset.manifest import TableEntry
from codeset.money import dollars, signed_dollars
from codeset.participants import participant_label
from codeset.tables import RVU_COLUMNS, TABLES

MOST_ROWS = 1_000
"""Rows that one table of the Markdown report may have."""

_LABELS = {name: table.holds for name, table in TABLES.items()}


def changes_markdown(changes: Changes) -> str:
    """Return the report of *changes* as Markdown; the same changes give the same text."""
    return "\n\n".join(part for part in _parts(changes) if part) + "\n"


def _parts(changes: Changes) -> Iterator[str]:
    old, new = changes.old.release, changes.new.release
    yield f"# Medicare update: {wording.release_title(new)} vs. {wording.release_title(old)}"
    first, last = wording.us_date(new.first_day), wording.us_date(new.last_day)
    scope = "dermatology codes" if changes.scope.name == "derm" else "all codes"
    yield f"{scope[0].upper()}{scope[1:]}. Dates of service {first} to {last}."
    yield facts.verdict(changes)
    yield _factors(changes)
    yield _counts(changes)
    if cautions := facts.cautions(changes):
        yield "## Limitations\n\n" + "\n".join(f"- {caution}." for caution in cautions)
    yield _families(changes)
    for name, table in changes.tables.items():
        yield f"## {_LABELS[name][0].upper()}{_LABELS[name][1:]}"
        yield from _table(table)
    yield _diagnoses(changes.diagnoses)
    yield _editions(changes)
    yield _payments(changes)


def _factors(changes: Changes) -> str:
    rows = [
        (
            participant_label(participant),
            before or wording.NONE,
            after or wording.NONE,
            wording.percent(before, after, places=2),
        )
        for participant, before, after in factor_pairs(changes.old, changes.new)
    ]
    head = ("Conversion factor", str(changes.old.release), str(changes.new.release), "change")
    return _grid(head, rows, right=3) if rows else ""


def _counts(changes: Changes) -> str:
    rows = [
        (
            _LABELS[name],
            f"{table.compared[0]:,} → {table.compared[1]:,}",
            table.added.height or wording.NONE,
            table.removed.height or wording.NONE,
            table.changed.select(table.key).n_unique() or wording.NONE,
            table.past.height or wording.NONE,
        )
        for name, table in changes.tables.items()
    ]
    return _grid(("Table", "rows compared", "added", "removed", "changed", "retroactive"), rows, right=5)


def _families(changes: Changes) -> str:
    families = [family for family in facts.families(changes) if family.codes]
    if not families:
        return ""
    rows = [
        (
            family.name,
            family.codes,
            family.changed,
            facts.span(family.work),
            facts.span(family.nonfacility),
            facts.span(family.facility),
        )
        for family in families
    ]
    head = ("Family", "codes", "changed amounts", "work RVU", "office amount", "facility amount")
    return "## Payment by family\n\n" + _grid(head, rows, right=5)


def _table(changes: TableChanges) -> Iterator[str]:
    if not changes.count:
        yield f"**No change**: {wording.count(changes.compared[1], 'row')} compared with {changes.compared[0]:,}."
        return
    if changes.table == "mpfs":
        yield from _fee_schedule(changes)
    # All 109 localities change in a year: the span says what a list of them would hide. The workbook has each.
    elif changes.table == "gpci":
        yield _gpcis(changes)
    else:
        yield from _edits(changes)


def _fee_schedule(changes: TableChanges) -> Iterator[str]:
    for label, rows in (("New codes", changes.added), ("Removed codes", changes.removed)):
        if rows.height:
            listed = [(wording.keyed(row, changes.key), row["status_code"], row["global_days"]) for row in _named(rows)]
            yield f"{label}:\n\n" + _grid(("code", "status", "global days"), listed)
    indicators = facts.indicators(changes)
    if indicators.is_empty():
        compared = wording.count(changes.compared[1], "row")
        yield f"Status codes, global days and payment indicators: **no change** in {compared}."
    else:
        yield "Status codes, global days and payment indicators:\n\n" + _cells(indicators, changes.key)
    rvus = changes.changed.filter(pl.col("column").is_in(RVU_COLUMNS))
    if rvus.height:
        counted = rvus["column"].value_counts(sort=True, name="rows").sort("rows", "column", descending=[True, False])
        yield (
            "RVUs: "
            + "; ".join(f"{wording.named(column)} in {wording.count(n, 'row')}" for column, n in counted.rows())
            + "."
        )


def _gpcis(changes: TableChanges) -> str:
    numbers = changes.changed.filter(pl.col("column").str.ends_with("gpci")).with_columns(
        (pl.col("after").cast(pl.Decimal(6, 3)) - pl.col("before").cast(pl.Decimal(6, 3))).alias("by")
    )
    rows = [
        (wording.named(column), cells.height, _signed(cells["by"].min()), _signed(cells["by"].max()))
        for column in ("work_gpci", "pe_gpci", "mp_gpci")
        if (cells := numbers.filter(column=column)).height
    ]
    return _grid(("Index", "localities changed", "from", "to"), rows, right=3)


def _signed(number: object) -> str:
    # The minus sign, not the hyphen, as in every amount that the reports show.
    return f"+{number}" if str(number)[0] != "-" else f"−{str(number)[1:]}"


def _edits(changes: TableChanges) -> Iterator[str]:
    parts = (
        ("Added", changes.added),
        ("Removed", changes.removed),
        ("Reversed columns 1 and 2 (also among the added and removed)", changes.flipped),
        ("Retroactive: in effect on dates that the older file covered without them", changes.retroactive),
    )
    columns = [
        column
        for column in TABLES[changes.table].columns
        if column not in (*changes.key, *TABLES[changes.table].remarks)
    ]
    for label, rows in parts:
        if rows.height:
            listed = [
                (wording.keyed(row, changes.key), *(wording.NONE if row[c] is None else row[c] for c in columns))
                for row in _named(rows)
            ]
            yield f"{label}:\n\n" + _grid(("code", *map(wording.named, columns)), listed)
    if changes.changed.height:
        yield "Changed:\n\n" + _cells(changes.changed, changes.key)


def _cells(cells: pl.DataFrame, key: list[str]) -> str:
    rows = [
        (
            wording.keyed(row, key),
            wording.named(row["column"]),
            row["before"] or wording.NONE,
            row["after"] or wording.NONE,
        )
        for row in _named(cells)
    ]
    return _grid(("code", "field", "before", "after"), rows)


def _diagnoses(changes: DiagnosisChanges) -> str:
    if not changes.is_reportable:
        return ""
    codes = [
        (change.diagnosis, change.kind, wording.us_date(change.since) if change.since else "", ", ".join(change.others))
        for change in changes.changes
    ]
    articles = [
        (
            article.document,
            article.contractor,
            f"{article.before or wording.NONE} → {article.after or wording.NONE}",
            ", ".join(article.added),
            ", ".join(article.dropped),
        )
        for article in changes.articles
    ]
    before, after = changes.compared
    never_valid = "; ".join(f"{code} ({why})" for code, why in changes.never_valid)
    says = f"Not compared: {changes.not_compared}." if changes.not_compared else f"Valid codes: {before:,} → {after:,}."
    tables = [
        _grid(("code", "change", "since", "replaces or is replaced by"), codes) if codes else "",
        _grid(("article", "contractor", "version", "diagnoses added", "dropped"), articles) if articles else "",
    ]
    own = f"On your list, and not valid for billing: {never_valid}." if never_valid else ""
    return "\n\n".join(filter(None, ("## Diagnosis codes (ICD-10-CM)", says, own, *tables)))


def _editions(changes: Changes) -> str:
    names = sorted({*changes.old.tables, *changes.new.tables} & set(changes.scope.tables))
    manifests = (changes.old, changes.new)
    rows = [(_LABELS[name], *(_edition(manifest.tables.get(name)) for manifest in manifests)) for name in names]
    return "## Source files\n\n" + _grid(("Table", str(changes.old.release), str(changes.new.release)), rows)


def _edition(entry: TableEntry | None) -> str:
    if entry is None:
        return "not on file"
    carried = f", carried forward from {entry.carried_from}" if entry.carried_from else ""
    return f"{entry.edition}{carried} ({entry.rows:,} rows; {', '.join(source.name for source in entry.sources)})"


def _payments(changes: Changes) -> str:
    if changes.payments.is_empty():
        return ""
    several = changes.payments["participant"].n_unique() > 1
    rows = [
        (
            wording.keyed(row, ["hcpcs", "modifier"]),
            row["family"] or wording.NONE,
            wording.setting(row["setting"]),
            *([participant_label(row["participant"])] if several else []),
            dollars(row["before_cents"]),
            dollars(row["after_cents"]),
            signed_dollars(_by(row["before_cents"], row["after_cents"])),
            wording.percent(row["before_cents"], row["after_cents"]),
        )
        for row in _named(changes.payments)
    ]
    figures = (str(changes.old.release), str(changes.new.release), "change", "percent")
    head = ("code", "family", "setting", *(["QP status"] if several else []), *figures)
    return "## National allowed amount by code\n\n" + _grid(head, rows, right=4)


def _by(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def _named(frame: pl.DataFrame) -> Iterable[dict[str, Any]]:
    return frame.iter_rows(named=True)


def _grid(head: Sequence[str], rows: Iterable[Sequence[object]], right: int = 0) -> str:
    """A Markdown table; its last *right* columns are figures. One too long to read is counted instead."""
    listed = list(rows)
    # A quarter adds thousands of PTP edits (3,709 for hospitals in April 2026): too many for a pull request to show.
    if len(listed) > MOST_ROWS:
        return f"{len(listed):,} rows: too many to list here. See the xlsx or json format for all of them."
    marks = ["---"] * (len(head) - right) + ["---:"] * right
    lines = [head, marks, *listed]
    return "\n".join("| " + " | ".join(_safe(cell) for cell in line) + " |" for line in lines)


def _safe(cell: object) -> str:
    # A bar or a line end in a cell, such as a locality's name, would break the row.
    return str(cell).replace("|", "\\|").replace("\n", " ")
