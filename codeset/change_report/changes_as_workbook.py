"""The change report as a workbook: a summary sheet, then one sheet for each kind of change, all rows."""

import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from codeset import wording, workbook
from codeset.change_report import facts
from codeset.diagnosis_changes import DiagnosisChanges
from codeset.differences import Changes, TableChanges, factor_pairs
from codeset.money import decimal_dollars
from codeset.participants import participant_label
from codeset.tables import TABLES
from codeset.workbook import Cell, Sheet

_MONEY_FORMAT = "$#,##0.00"
_PERCENT_FORMAT = "+0.0%;-0.0%;0.0%"
_KINDS_OF_CHANGE = ("added", "removed", "changed", "flipped", "retroactive")


def changes_workbook(changes: Changes) -> bytes:
    """Return the report of *changes* as an xlsx workbook; the same changes give the same bytes."""
    sheets = {
        "summary": _summary_sheet(changes),
        "payments": _payments_sheet(changes),
        "families": _families_sheet(changes),
    }
    for table_name, table_changes in changes.tables.items():
        # Names of sheets have at most 31 characters in Excel; the longest here, `diagnosis_replacement removed`, has
        # 29.
        sheets |= {
            f"{table_name} {change_kind}": _rows_sheet(table_changes, change_kind)
            for change_kind in _KINDS_OF_CHANGE
            if getattr(table_changes, change_kind).height
        }
    if changes.diagnoses.changes:
        sheets["diagnosis codes"] = _diagnoses_sheet(changes.diagnoses)
    if changes.diagnoses.articles:
        sheets["coverage articles"] = _articles_sheet(changes.diagnoses)
    sheets["source files"] = _editions_sheet(changes)
    workbook_bytes = io.BytesIO()
    workbook.write(workbook_bytes, sheets)
    return workbook_bytes.getvalue()


def _diagnoses_sheet(changes: DiagnosisChanges) -> Sheet:
    change_rows = (
        (change.diagnosis, change.kind, change.family, change.since, ", ".join(change.others))
        for change in changes.changes
    )
    return Sheet(
        change_rows, ("code", "change", "family", "since", "replaces or is replaced by"), formats={3: "mm/dd/yyyy"}
    )


def _articles_sheet(changes: DiagnosisChanges) -> Sheet:
    article_rows = (article.cells for article in changes.articles)
    return Sheet(article_rows, ("article", "contractor", "version before", "after", "diagnoses added", "dropped"))


def _summary_sheet(changes: Changes) -> Sheet:
    releases = " vs. ".join(wording.release_title(manifest.release) for manifest in (changes.new, changes.old))
    title_lines = [f"Medicare update: {releases}", facts.verdict(changes).replace("**", "")]
    summary_rows: list[Sequence[Cell]] = [
        (
            TABLES[table_name].holds,
            table_name,
            *table_changes.compared,
            table_changes.added.height,
            table_changes.removed.height,
            table_changes.changed.select(table_changes.key).n_unique(),
            table_changes.past.height,
        )
        for table_name, table_changes in changes.tables.items()
    ]
    summary_rows += [
        (f"conversion factor, {participant_label(participant)}", "", old_factor, new_factor)
        for participant, old_factor, new_factor in factor_pairs(changes.old, changes.new)
    ]
    summary_rows += [(f"Limitation: {caution}.",) for caution in facts.cautions(changes)]
    old_label, new_label = str(changes.old.release), str(changes.new.release)
    # Counts of rows, but for conversion factors, which have four decimals: a number format of either would spoil the
    # other.
    column_heads = ("what", "table", old_label, new_label, "added", "removed", "changed", "retroactive")
    return Sheet(summary_rows, column_heads, title_lines, dict.fromkeys(range(2, 8), "General"), {0: 44})


def _payments_sheet(changes: Changes) -> Sheet:
    payment_rows = (
        (
            payment_row["hcpcs"],
            payment_row["modifier"],
            payment_row["family"],
            wording.setting(payment_row["setting"]),
            participant_label(payment_row["participant"]),
            decimal_dollars(payment_row["before_cents"]),
            decimal_dollars(payment_row["after_cents"]),
            decimal_dollars(_cents_change(payment_row)),
            _amount_ratio(payment_row),
        )
        for payment_row in changes.payments.iter_rows(named=True)
    )
    old_label, new_label = str(changes.old.release), str(changes.new.release)
    column_heads = ("code", "modifier", "family", "setting", "QP status", old_label, new_label, "change", "percent")
    return Sheet(
        payment_rows, column_heads, formats={5: _MONEY_FORMAT, 6: _MONEY_FORMAT, 7: _MONEY_FORMAT, 8: _PERCENT_FORMAT}
    )


def _families_sheet(changes: Changes) -> Sheet:
    family_rows = (
        (
            family.name,
            family.codes,
            family.changed,
            *(
                span_end
                for family_span in (family.work, family.nonfacility, family.facility)
                for span_end in (family_span or (None, None))
            ),
        )
        for family in facts.families(changes)
    )
    end_heads = ("work RVU from", "to", "office amount from", "to", "facility amount from", "to")
    return Sheet(
        family_rows,
        ("family", "codes", "changed amounts", *end_heads),
        formats=dict.fromkeys(range(3, 9), _PERCENT_FORMAT),
    )


def _rows_sheet(changes: TableChanges, change_kind: str) -> Sheet:
    changed_rows: pl.DataFrame = getattr(changes, change_kind)
    return Sheet(changed_rows.iter_rows(), [wording.column_label(column) for column in changed_rows.columns])


def _editions_sheet(changes: Changes) -> Sheet:
    # A row for each CMS file: a table may be made of several, the PTP edits of four parts.
    source_rows: Iterable[Sequence[Cell]] = (
        (
            str(manifest.release),
            table_name,
            table_entry.edition,
            table_entry.carried_from or "",
            table_entry.rows,
            source.name,
            source.size,
            source.sha256,
        )
        for manifest in (changes.old, changes.new)
        for table_name, table_entry in sorted(manifest.tables.items())
        for source in table_entry.sources
    )
    return Sheet(source_rows, ("release", "table", "edition", "carried from", "rows", "CMS file", "bytes", "sha256"))


def _cents_change(payment_row: dict[str, Any]) -> int | None:
    # Where one of the releases sets no amount there is no change in dollars.
    both_are_known = payment_row["before_cents"] is not None and payment_row["after_cents"] is not None
    return payment_row["after_cents"] - payment_row["before_cents"] if both_are_known else None


def _amount_ratio(payment_row: dict[str, Any]) -> Decimal | None:
    return wording.ratio(payment_row["before_cents"], payment_row["after_cents"])
