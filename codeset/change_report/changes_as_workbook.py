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

_MONEY = "$#,##0.00"
_PERCENT = "+0.0%;-0.0%;0.0%"
_KINDS = ("added", "removed", "changed", "flipped", "retroactive")


def changes_workbook(changes: Changes) -> bytes:
    """Return the report of *changes* as an xlsx workbook; the same changes give the same bytes."""
    sheets = {"summary": _summary(changes), "payments": _payments(changes), "families": _families(changes)}
    for name, table in changes.tables.items():
        # Names of sheets have at most 31 characters in Excel; the longest here, `diagnosis_replacement removed`, has
        # 29.
        sheets |= {f"{name} {kind}": _rows(table, kind) for kind in _KINDS if getattr(table, kind).height}
    if changes.diagnoses.changes:
        sheets["diagnosis codes"] = _diagnoses(changes.diagnoses)
    if changes.diagnoses.articles:
        sheets["coverage articles"] = _articles(changes.diagnoses)
    sheets["source files"] = _editions(changes)
    target = io.BytesIO()
    workbook.write(target, sheets)
    return target.getvalue()


def _diagnoses(changes: DiagnosisChanges) -> Sheet:
    rows = (
        (change.diagnosis, change.kind, change.family, change.since, ", ".join(change.others))
        for change in changes.changes
    )
    return Sheet(rows, ("code", "change", "family", "since", "replaces or is replaced by"), formats={3: "mm/dd/yyyy"})


def _articles(changes: DiagnosisChanges) -> Sheet:
    rows = (article.cells for article in changes.articles)
    return Sheet(rows, ("article", "contractor", "version before", "after", "diagnoses added", "dropped"))


def _summary(changes: Changes) -> Sheet:
    releases = " vs. ".join(wording.release_title(manifest.release) for manifest in (changes.new, changes.old))
    title = [f"Medicare update: {releases}", facts.verdict(changes).replace("**", "")]
    rows: list[Sequence[Cell]] = [
        (
            TABLES[name].holds,
            name,
            *table.compared,
            table.added.height,
            table.removed.height,
            table.changed.select(table.key).n_unique(),
            table.past.height,
        )
        for name, table in changes.tables.items()
    ]
    rows += [
        (f"conversion factor, {participant_label(participant)}", "", before, after)
        for participant, before, after in factor_pairs(changes.old, changes.new)
    ]
    rows += [(f"Limitation: {caution}.",) for caution in facts.cautions(changes)]
    old, new = str(changes.old.release), str(changes.new.release)
    # Counts of rows, but for conversion factors, which have four decimals: a number format of either would spoil the
    # other.
    header = ("what", "table", old, new, "added", "removed", "changed", "retroactive")
    return Sheet(rows, header, title, dict.fromkeys(range(2, 8), "General"), {0: 44})


def _payments(changes: Changes) -> Sheet:
    rows = (
        (
            row["hcpcs"],
            row["modifier"],
            row["family"],
            wording.setting(row["setting"]),
            participant_label(row["participant"]),
            decimal_dollars(row["before_cents"]),
            decimal_dollars(row["after_cents"]),
            decimal_dollars(_by(row)),
            _share(row),
        )
        for row in changes.payments.iter_rows(named=True)
    )
    before, after = str(changes.old.release), str(changes.new.release)
    header = ("code", "modifier", "family", "setting", "QP status", before, after, "change", "percent")
    return Sheet(rows, header, formats={5: _MONEY, 6: _MONEY, 7: _MONEY, 8: _PERCENT})


def _families(changes: Changes) -> Sheet:
    rows = (
        (
            family.name,
            family.codes,
            family.changed,
            *(end for span in (family.work, family.nonfacility, family.facility) for end in (span or (None, None))),
        )
        for family in facts.families(changes)
    )
    ends = ("work RVU from", "to", "office amount from", "to", "facility amount from", "to")
    return Sheet(rows, ("family", "codes", "changed amounts", *ends), formats=dict.fromkeys(range(3, 9), _PERCENT))


def _rows(changes: TableChanges, kind: str) -> Sheet:
    frame: pl.DataFrame = getattr(changes, kind)
    return Sheet(frame.iter_rows(), [wording.named(column) for column in frame.columns])


def _editions(changes: Changes) -> Sheet:
    rows: Iterable[Sequence[Cell]] = (
        (
            str(manifest.release),
            name,
            entry.edition,
            entry.carried_from or "",
            entry.rows,
            source.name,
            source.size,
            source.sha256,
        )
        for manifest in (changes.old, changes.new)
        for name, entry in sorted(manifest.tables.items())
        for source in entry.sources
    )
    return Sheet(rows, ("release", "table", "edition", "carried from", "rows", "CMS file", "bytes", "sha256"))


def _by(row: dict[str, Any]) -> int | None:
    known = row["before_cents"] is not None and row["after_cents"] is not None
    return row["after_cents"] - row["before_cents"] if known else None


def _share(row: dict[str, Any]) -> Decimal | None:
    return wording.ratio(row["before_cents"], row["after_cents"])
