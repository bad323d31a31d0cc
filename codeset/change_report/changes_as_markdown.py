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

_TABLE_LABELS = {name: table.holds for name, table in TABLES.items()}


def changes_markdown(changes: Changes) -> str:
    """Return the report of *changes* as Markdown; the same changes give the same text."""
    return "\n\n".join(report_part for report_part in _report_parts(changes) if report_part) + "\n"


def _report_parts(changes: Changes) -> Iterator[str]:
    old_release, new_release = changes.old.release, changes.new.release
    yield f"# Medicare update: {wording.release_title(new_release)} vs. {wording.release_title(old_release)}"
    first_day, last_day = wording.us_date(new_release.first_day), wording.us_date(new_release.last_day)
    scope_name = "dermatology codes" if changes.scope.name == "derm" else "all codes"
    yield f"{wording.capitalize_first(scope_name)}. Dates of service {first_day} to {last_day}."
    yield facts.verdict(changes)
    yield _factors_grid(changes)
    yield _counts_grid(changes)
    if cautions := facts.cautions(changes):
        yield "## Limitations\n\n" + "\n".join(f"- {caution}." for caution in cautions)
    yield _families_grid(changes)
    for table_name, table_changes in changes.tables.items():
        yield f"## {wording.capitalize_first(_TABLE_LABELS[table_name])}"
        yield from _table_parts(table_changes)
    yield _diagnoses_part(changes.diagnoses)
    yield _editions_grid(changes)
    yield _payments_grid(changes)


def _factors_grid(changes: Changes) -> str:
    factor_rows = [
        (
            participant_label(participant),
            old_factor or wording.NONE,
            new_factor or wording.NONE,
            wording.percent(old_factor, new_factor, places=2),
        )
        for participant, old_factor, new_factor in factor_pairs(changes.old, changes.new)
    ]
    column_heads = ("Conversion factor", str(changes.old.release), str(changes.new.release), "change")
    return _markdown_grid(column_heads, factor_rows, figure_columns=3) if factor_rows else ""


def _counts_grid(changes: Changes) -> str:
    count_rows = [
        (
            _TABLE_LABELS[table_name],
            f"{table_changes.compared[0]:,} → {table_changes.compared[1]:,}",
            table_changes.added.height or wording.NONE,
            table_changes.removed.height or wording.NONE,
            table_changes.changed.select(table_changes.key).n_unique() or wording.NONE,
            table_changes.past.height or wording.NONE,
        )
        for table_name, table_changes in changes.tables.items()
    ]
    return _markdown_grid(
        ("Table", "rows compared", "added", "removed", "changed", "retroactive"), count_rows, figure_columns=5
    )


def _families_grid(changes: Changes) -> str:
    families_with_codes = [family for family in facts.families(changes) if family.codes]
    if not families_with_codes:
        return ""
    family_rows = [
        (
            family.name,
            family.codes,
            family.changed,
            facts.span(family.work),
            facts.span(family.nonfacility),
            facts.span(family.facility),
        )
        for family in families_with_codes
    ]
    column_heads = ("Family", "codes", "changed amounts", "work RVU", "office amount", "facility amount")
    return "## Payment by family\n\n" + _markdown_grid(column_heads, family_rows, figure_columns=5)


def _table_parts(changes: TableChanges) -> Iterator[str]:
    if not changes.count:
        yield f"**No change**: {wording.count(changes.compared[1], 'row')} compared with {changes.compared[0]:,}."
        return
    if changes.table == "mpfs":
        yield from _fee_schedule_parts(changes)
    # All 109 localities change in a year: the span says what a list of them would hide. The workbook has each.
    elif changes.table == "gpci":
        yield _gpcis_grid(changes)
    else:
        yield from _edit_parts(changes)


def _fee_schedule_parts(changes: TableChanges) -> Iterator[str]:
    for part_label, code_rows in (("New codes", changes.added), ("Removed codes", changes.removed)):
        if code_rows.height:
            listed_codes = [
                (wording.row_label(code_row, changes.key), code_row["status_code"], code_row["global_days"])
                for code_row in _named_rows(code_rows)
            ]
            yield f"{part_label}:\n\n" + _markdown_grid(("code", "status", "global days"), listed_codes)
    indicators = facts.indicators(changes)
    if indicators.is_empty():
        rows_compared = wording.count(changes.compared[1], "row")
        yield f"Status codes, global days and payment indicators: **no change** in {rows_compared}."
    else:
        yield "Status codes, global days and payment indicators:\n\n" + _changed_cells_grid(indicators, changes.key)
    rvu_changes = changes.changed.filter(pl.col("column").is_in(RVU_COLUMNS))
    if rvu_changes.height:
        # By name where counts are equal: value_counts leaves their order open, and the same changes give the same text.
        rows_by_column = (
            rvu_changes["column"].value_counts(sort=True, name="rows").sort("rows", "column", descending=[True, False])
        )
        yield (
            "RVUs: "
            + "; ".join(
                f"{wording.column_label(column)} in {wording.count(row_count, 'row')}"
                for column, row_count in rows_by_column.rows()
            )
            + "."
        )


def _gpcis_grid(changes: TableChanges) -> str:
    # Changed cells are text; decimals subtract to what CMS prints, where floats would not.
    gpci_changes = changes.changed.filter(pl.col("column").str.ends_with("gpci")).with_columns(
        (pl.col("after").cast(pl.Decimal(6, 3)) - pl.col("before").cast(pl.Decimal(6, 3))).alias("by")
    )
    index_rows = [
        (
            wording.column_label(column),
            index_cells.height,
            _signed_figure(index_cells["by"].min()),
            _signed_figure(index_cells["by"].max()),
        )
        for column in ("work_gpci", "pe_gpci", "mp_gpci")
        if (index_cells := gpci_changes.filter(column=column)).height
    ]
    return _markdown_grid(("Index", "localities changed", "from", "to"), index_rows, figure_columns=3)


def _signed_figure(index_change: object) -> str:
    # The minus sign, not the hyphen, as in every amount that the reports show.
    return f"+{index_change}" if str(index_change)[0] != "-" else f"−{str(index_change)[1:]}"


def _edit_parts(changes: TableChanges) -> Iterator[str]:
    kinds_of_change = (
        ("Added", changes.added),
        ("Removed", changes.removed),
        ("Reversed columns 1 and 2 (also among the added and removed)", changes.flipped),
        ("Retroactive: in effect on dates that the older file covered without them", changes.retroactive),
    )
    # Without remarks, which decide nothing on a claim: the workbook has them.
    shown_columns = [
        column
        for column in TABLES[changes.table].columns
        if column not in (*changes.key, *TABLES[changes.table].remarks)
    ]
    for kind_label, edit_rows in kinds_of_change:
        if edit_rows.height:
            listed_edits = [
                (
                    wording.row_label(edit_row, changes.key),
                    *(wording.NONE if edit_row[column] is None else edit_row[column] for column in shown_columns),
                )
                for edit_row in _named_rows(edit_rows)
            ]
            yield f"{kind_label}:\n\n" + _markdown_grid(
                ("code", *map(wording.column_label, shown_columns)), listed_edits
            )
    if changes.changed.height:
        yield "Changed:\n\n" + _changed_cells_grid(changes.changed, changes.key)


def _changed_cells_grid(changed_cells: pl.DataFrame, key_columns: list[str]) -> str:
    cell_rows = [
        (
            wording.row_label(changed_cell, key_columns),
            wording.column_label(changed_cell["column"]),
            changed_cell["before"] or wording.NONE,
            changed_cell["after"] or wording.NONE,
        )
        for changed_cell in _named_rows(changed_cells)
    ]
    return _markdown_grid(("code", "field", "before", "after"), cell_rows)


def _diagnoses_part(changes: DiagnosisChanges) -> str:
    if not changes.is_reportable:
        return ""
    code_rows = [
        (change.diagnosis, change.kind, wording.us_date(change.since) if change.since else "", ", ".join(change.others))
        for change in changes.changes
    ]
    article_rows = [
        (
            article.document,
            article.contractor,
            f"{article.before or wording.NONE} → {article.after or wording.NONE}",
            ", ".join(article.added),
            ", ".join(article.dropped),
        )
        for article in changes.articles
    ]
    valid_before, valid_after = changes.compared
    never_valid = "; ".join(f"{diagnosis} ({reason})" for diagnosis, reason in changes.never_valid)
    comparison_text = f"Valid codes: {valid_before:,} → {valid_after:,}."
    if changes.not_compared:
        comparison_text = f"Not compared: {changes.not_compared}."
    code_heads = ("code", "change", "since", "replaces or is replaced by")
    article_heads = ("article", "contractor", "version", "diagnoses added", "dropped")
    grids = [
        _markdown_grid(code_heads, code_rows) if code_rows else "",
        _markdown_grid(article_heads, article_rows) if article_rows else "",
    ]
    favorites_text = f"On your list, and not valid for billing: {never_valid}." if never_valid else ""
    return "\n\n".join(filter(None, ("## Diagnosis codes (ICD-10-CM)", comparison_text, favorites_text, *grids)))


def _editions_grid(changes: Changes) -> str:
    # Of either release: a table that one of them lacks is what the reader must see here.
    table_names = sorted({*changes.old.tables, *changes.new.tables} & set(changes.scope.tables))
    manifests = (changes.old, changes.new)
    edition_rows = [
        (_TABLE_LABELS[table_name], *(_edition_in_words(manifest.tables.get(table_name)) for manifest in manifests))
        for table_name in table_names
    ]
    return "## Source files\n\n" + _markdown_grid(
        ("Table", str(changes.old.release), str(changes.new.release)), edition_rows
    )


def _edition_in_words(table_entry: TableEntry | None) -> str:
    if table_entry is None:
        return "not on file"
    carried_text = f", carried forward from {table_entry.carried_from}" if table_entry.carried_from else ""
    source_names = ", ".join(source.name for source in table_entry.sources)
    return f"{table_entry.edition}{carried_text} ({table_entry.rows:,} rows; {source_names})"


def _payments_grid(changes: Changes) -> str:
    if changes.payments.is_empty():
        return ""
    # Until 2025 one factor served everyone, and a column that says so on every row says nothing.
    has_several_participants = changes.payments["participant"].n_unique() > 1
    payment_rows = [
        (
            wording.row_label(payment_row, ["hcpcs", "modifier"]),
            payment_row["family"] or wording.NONE,
            wording.setting(payment_row["setting"]),
            *([participant_label(payment_row["participant"])] if has_several_participants else []),
            dollars(payment_row["before_cents"]),
            dollars(payment_row["after_cents"]),
            signed_dollars(_amount_change(payment_row["before_cents"], payment_row["after_cents"])),
            wording.percent(payment_row["before_cents"], payment_row["after_cents"]),
        )
        for payment_row in _named_rows(changes.payments)
    ]
    figure_heads = (str(changes.old.release), str(changes.new.release), "change", "percent")
    column_heads = ("code", "family", "setting", *(["QP status"] if has_several_participants else []), *figure_heads)
    return "## National allowed amount by code\n\n" + _markdown_grid(column_heads, payment_rows, figure_columns=4)


def _amount_change(old_cents: int | None, new_cents: int | None) -> int | None:
    return None if old_cents is None or new_cents is None else new_cents - old_cents


def _named_rows(table_rows: pl.DataFrame) -> Iterable[dict[str, Any]]:
    return table_rows.iter_rows(named=True)


def _markdown_grid(column_heads: Sequence[str], grid_rows: Iterable[Sequence[object]], figure_columns: int = 0) -> str:
    """A Markdown table; its last *figure_columns* columns are figures. One too long to read is counted instead."""
    listed_rows = list(grid_rows)
    # A quarter adds thousands of PTP edits (3,709 for hospitals in April 2026): too many for a pull request to show.
    if len(listed_rows) > MOST_ROWS:
        return f"{len(listed_rows):,} rows: too many to list here. See the xlsx or json format for all of them."
    alignment_marks = ["---"] * (len(column_heads) - figure_columns) + ["---:"] * figure_columns
    grid_lines = [column_heads, alignment_marks, *listed_rows]
    return "\n".join("| " + " | ".join(_escaped_cell(cell) for cell in line_cells) + " |" for line_cells in grid_lines)


def _escaped_cell(cell: object) -> str:
    # A bar or a line end in a cell, such as a locality's name, would break the row.
    return str(cell).replace("|", "\\|").replace("\n", " ")
